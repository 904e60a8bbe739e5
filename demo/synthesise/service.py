"""The orders of the Synthesise tab: what can be asked, make it, more of what never ends."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from typing import Any

from torch import Tensor

from abp_core.errors import Refusal
from demo import limits
from demo.cache import Cache
from demo.errors import translate_disk_errors, translate_errors
from demo.models.collection import Model
from demo.studio import Studio
from demo.synthesise import endless
from demo.synthesise.form import Offer, Sent, offer_of
from demo.synthesise.maker import synthesise
from demo.synthesise.reel import Reel
from demo.synthesise.result import Progress, Result


class Synthesis:
    """New signals of each visitor's current model."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, tuple[str, bool]] = OrderedDict()
        self._endless: Cache[tuple[str, str, object], Model] = Cache(limits.ENDLESS)
        self._reels: Cache[tuple[str, str, object], Reel] = Cache(limits.ENDLESS)

    def offer(self, token: str) -> Offer:
        """What can be asked of the current model. Raises Rejected."""
        model = self._studio.model(token)
        return offer_of(model, self._studio.learnt_from(model))

    def turn_to(self, token: str, key: str) -> bool:
        """A page shows the model `key` from now on; whether it showed another one before."""
        with self._lock:
            other = self._pages.get(token, ("", False))[0] != key
            if other:
                self._note(token, key, begun=False)
            return other

    def begin_with(self, token: str, key: str) -> bool:
        """Whether nothing was made yet, of itself, of the model `key` for the page that shows it;
        the answer is yes once, since an opening may be reported twice."""
        with self._lock:
            first = self._pages.get(token) != (key, True)
            self._note(token, key, begun=True)
            return first

    def _note(self, token: str, key: str, *, begun: bool) -> None:
        self._pages[token] = (key, begun)
        self._pages.move_to_end(token)
        while len(self._pages) > limits.VISITORS * limits.PAGES:
            self._pages.popitem(last=False)

    def make(self, token: str, sent: Sent) -> Iterator[Progress | Result]:
        """Makes what a page asked of the current model, in steps; the last is what was made.
        Raises Rejected."""
        model = self._studio.model(token)
        place = partial(self._studio.place, token)
        with translate_disk_errors(), translate_errors():
            item = self._studio.learnt_from(model)
            yield from synthesise(model, sent, item, partial(self._original, model), place)

    def _original(self, model: Model) -> Tensor | None:
        """The texture that a model learnt from, as it learnt it, if that is at hand."""
        try:
            return self._studio.library.whole(model).signals[0]
        except Refusal:
            return None

    def chunk(self, token: str, key: str, sent: Sent) -> dict[str, Any]:
        """A stretch of the endless sound of the model `key`. Raises Rejected."""
        with translate_errors():
            return endless.chunk(self._begun(token, key, sent), sent)

    def frames(self, token: str, key: str, sent: Sent) -> dict[str, Any]:
        """A stretch of the endless film of the model `key`. Raises Rejected."""
        with translate_errors():
            model = self._studio.shown(token, key)
            begun = (token, key, sent.get("begun"))
            return self._reels.get(begun, lambda: Reel(model, sent)).stretch(sent.get("k"))

    def piece(self, token: str, key: str, sent: Sent) -> dict[str, Any]:
        """A piece of the endless texture of the model `key`. Raises Rejected."""
        with translate_errors():
            return endless.piece(self._begun(token, key, sent), sent)

    def tile(self, token: str, key: str, sent: Sent) -> dict[str, Any]:
        """A tile of what is shown of the endless texture of the model `key`. Raises Rejected."""
        with translate_errors():
            return endless.tile(self._begun(token, key, sent), sent)

    def _begun(self, token: str, key: str, sent: Sent) -> Model:
        """The model `key` as it was when what is endless began: its parts would not join if it
        grew meanwhile. Raises Rejected."""
        model = self._studio.shown(token, key)
        return self._endless.get((token, key, sent.get("begun")), lambda: model)
