"""Animated WebPs, which Pillow reads: the chosen frames are sent."""

import io
import struct
from typing import IO

import av
import numpy as np

from abp_core.data.film import choosing
from abp_core.data.film.bounds import MOST_STEP, TOO_MUCH, require_fit, require_frames, require_size
from abp_core.data.film.choosing import Fit
from abp_core.data.film.protocol import (
    DAMAGED,
    END,
    ENDS_EARLY,
    HEADER,
    Bytes,
    Refused,
    Sender,
    Wanted,
)
from abp_core.data.film.views import SCALING, over_white

MOST_WEBP = 40_000_000  # bytes of its file


def send(file: IO[bytes], wanted: Wanted, out: Sender) -> None:
    """All that is said of a WebP, but for a refusal. Raises Refused, and what Pillow raises."""
    from PIL import Image  # which takes memory that videos need

    content = file.read(MOST_WEBP + 1)
    if len(content) > MOST_WEBP:  # Pillow and its decoder hold it too
        raise Refused(TOO_MUCH)
    size = _number(content[24:27]) + 1, _number(content[27:30]) + 1
    require_size(size)
    durations, end = _frames_of(content)
    require_frames(len(durations))
    fit = require_fit(size, wanted)
    times = np.cumsum([0, *durations]) / 1000
    choice = choosing.choose(times[:-1].tolist()[: MOST_STEP * wanted.most], wanted.most)
    total = float(times[-1])
    facts = {"rate": choice.rate, "size": size, "seconds": total}
    if end < len(content):
        out.note(ENDS_EARLY)
        content = content[:4] + struct.pack("<I", end - 8) + content[8:end]
    with Image.open(io.BytesIO(content), formats=("WEBP",)) as picture:
        out.facts(HEADER, shape=fit.kept, most=len(choice.places), **facts)
        for place in np.unique(choice.places):
            try:
                picture.seek(int(place))
                pixels = over_white(np.asarray(picture.convert("RGBA")))
            except (EOFError, OSError):
                out.note(DAMAGED)
                break
            out.frame(_resized(pixels, fit), int((choice.places == place).sum()))
    taken, more = out.sent / choice.rate, int(choice.places[-1]) + choice.step < len(durations)
    rate = choice.rate * choice.step
    notes = choosing.notes_of(choice, rate, taken, total if more else 0)
    out.facts(END, notes=[*notes, *out.notes])


def _resized(pixels: Bytes, fit: Fit) -> Bytes:
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    height, width = fit.scaled
    small = frame.reformat(width=width, height=height, interpolation=SCALING, threads=1)
    top, left = fit.corner
    made: Bytes = np.asarray(small.to_ndarray(), np.uint8)
    return made[top : top + fit.kept[0], left : left + fit.kept[1]]


def _frames_of(content: bytes) -> tuple[list[int], int]:
    """How long the frames of an animated WebP are shown, in milliseconds, as in browsers, and where
    the last whole part of the file ends."""
    found: list[int] = []
    at = 12
    while at + 8 <= len(content):
        length = _number(content[at + 4 : at + 8])
        end = at + 8 + length + length % 2
        if end > len(content):
            return found, at
        if content[at : at + 4] == b"ANMF" and length >= 16:
            shown = _number(content[at + 20 : at + 23])
            found.append(shown if shown > 10 else 100)
        at = end
    return found, at


def _number(content: bytes) -> int:
    return int.from_bytes(content, "little")
