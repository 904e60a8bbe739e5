"""A film that never ends, stretch by stretch, as pictures that a page shows one after the other."""

import base64
import threading
from typing import Any

from abp_core.synthesis import render
from demo import limits, media
from demo.errors import Rejected
from demo.models.collection import Model
from demo.synthesise.form import Sent, endless_film_from, to_whole

LOST = "This page has lost its place in the film; please play it again."


class Reel:
    """The film that a page began to play, of the model as it was then. Stretch k of it is the same
    whatever was asked for before; who asks for one after the other waits for that one only."""

    def __init__(self, model: Model, sent: Sent) -> None:
        """Raises RequestRejected, Rejected."""
        if model.kind != "film":
            raise Rejected("This model makes no film that could go on for ever.")
        request = endless_film_from(model, sent)
        self._rate = model.saved.source.frame_rate
        self._going = render.go_on(model.generator, model.prior, request, 0)
        self._lock = threading.Lock()
        self._at = 0  # the frame after the last that was made

    def stretch(self, k: object) -> dict[str, Any]:
        """Half a second or so, as JPEG files in base64. Raises Rejected."""
        k, n = to_whole(k), max(1, round(limits.PLAYED_SECONDS * self._rate))
        if type(k) is not int or k < 0:
            raise Rejected(LOST)
        with self._lock:
            start, stop = k * n, (k + 1) * n
            passed = stop - self._at if start >= self._at else stop
            if passed * self._going.speed > limits.PLAYED_BETWEEN * self._rate:
                raise Rejected(LOST)
            frames = [media.jpeg(frame, 92) for frame in self._going.frames(start, stop)]
            self._at = stop
        return {"rate": self._rate, "frames": [base64.b64encode(f).decode() for f in frames]}
