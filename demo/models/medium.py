"""How a signal of each medium is shown and played: the one room that knows pictures, sounds and
films apart.

A signal is (channels, *size) on the CPU, in the range that a model makes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from abp_core.data.datasets import Source
from abp_core.evaluation.spectrogram import FULL_SCALE, spectrogram
from abp_core.synthesis import sampling, sounding
from demo import media
from demo.media import Pixels

DIFFERENCE = 0.7  # of the signal's range of 2, where the colours of a difference end
THUMB = 44  # pixels along a thumbnail
SEEN = 72  # pixels of a texture that a thumbnail shows
SQUARE = (320, 320)  # pixels of a sound's picture
HIDDEN = np.uint8(128)  # the grey of what was not seen


class Medium(Protocol):
    """What signals of one medium look and sound like."""

    def draw(self, x: Tensor, size: tuple[int, int] = SQUARE) -> Pixels:
        """A signal (c, ...) as (h, w, 3). size: width and height, of what has none of its own."""
        ...

    def draw_sheet(self, signals: Tensor) -> Pixels:
        """Signals (n, c, ...) in one picture; of what takes time the first."""
        ...

    def draw_thumbnails(self, signals: Tensor, columns: int) -> Pixels:
        """Signals (n, c, ...) small, side by side in rows of so many."""
        ...

    def draw_difference(self, x: Tensor) -> Pixels:
        """A difference of signals: red above, blue below; of a sound as a sound."""
        ...

    def draw_spreads(self, signals: Tensor) -> Pixels:
        """Spreads (n, c, ...), nowhere below 0, in one picture; of a sound along its time."""
        ...

    def draw_seen(self, x: Tensor, visible: Tensor | None) -> Pixels:
        """A signal of which only the places were seen where `visible` (1 or c, ...) is 1; the
        others are grey, or silent."""
        ...

    def play(self, x: Tensor) -> str:
        """A signal as the data URL of a sound; empty where there is nothing to hear."""
        ...

    def play_film(self, frames: Tensor) -> str:
        """Signals (n, c, h, w) in their order as the data URL of a film; empty where they
        make none."""
        ...


@dataclass(frozen=True, slots=True)
class Picture(Medium):
    """seen: pixels along the part of it that a thumbnail shows; 0 for all of it."""

    seen: int = 0

    def draw(self, x: Tensor, size: tuple[int, int] = SQUARE) -> Pixels:
        return np.asarray(sampling.pixels(x[None])[0])

    def draw_sheet(self, signals: Tensor) -> Pixels:
        return _square_sheet([self.draw(x) for x in signals])

    def draw_thumbnails(self, signals: Tensor, columns: int) -> Pixels:
        seen = signals[..., : self.seen, : self.seen] if self.seen else signals
        tiles = [media.thumbnail(pixels, THUMB) for pixels in sampling.pixels(seen)]
        return sampling.contact_sheet(np.stack(tiles), columns)

    def draw_difference(self, x: Tensor) -> Pixels:
        return media.signed(x.mean(0).numpy(), DIFFERENCE)

    def draw_spreads(self, signals: Tensor) -> Pixels:
        return _square_sheet([media.heat(x.mean(0).numpy(), DIFFERENCE / 2) for x in signals])

    def draw_seen(self, x: Tensor, visible: Tensor | None) -> Pixels:
        pixels = self.draw(x)
        if visible is None:
            return pixels
        return np.where(visible[0].numpy()[..., None] == 0, HIDDEN, pixels)

    def play(self, x: Tensor) -> str:
        return ""

    def play_film(self, frames: Tensor) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Film(Picture):
    """Its signals are frames, drawn as pictures. rate: frames a second."""

    rate: float = 30.0

    def play_film(self, frames: Tensor) -> str:
        return media.film_url(list(sampling.pixels(frames)), self.rate)


@dataclass(frozen=True, slots=True)
class Sound(Medium):
    """rate: of its samples, in hertz. gain: its signal is its samples times this. What lies below
    hearing is neither played nor drawn."""

    rate: int
    gain: float = 1.0

    def draw(self, x: Tensor, size: tuple[int, int] = SQUARE) -> Pixels:
        """Waveform above spectrogram, from 0 Hz to half the rate and from the loudest that a
        signal can be, so that two pictures at one rate can be compared."""
        return self._draw(sounding.audible(x, self.rate), size)

    def _draw(self, x: Tensor, size: tuple[int, int] = SQUARE) -> Pixels:
        width, height = size
        wave = media.waveform(x[0].numpy(), width, height // 4)
        below = spectrogram(x, self.rate, (width, height - height // 4), loudest=FULL_SCALE)
        return np.concatenate([wave, below])

    def draw_sheet(self, signals: Tensor) -> Pixels:
        return self.draw(signals[0])

    def draw_thumbnails(self, signals: Tensor, columns: int) -> Pixels:
        heard = sounding.audible(signals, self.rate)
        tiles = [spectrogram(x, self.rate, (THUMB, THUMB), loudest=FULL_SCALE) for x in heard]
        return sampling.contact_sheet(np.stack(tiles), columns)

    def draw_difference(self, x: Tensor) -> Pixels:
        return self.draw(x)

    def draw_spreads(self, signals: Tensor) -> Pixels:
        return self._draw(signals[0])  # all of them, since a spread is no sound

    def draw_seen(self, x: Tensor, visible: Tensor | None) -> Pixels:
        return self.draw(x)

    def play(self, x: Tensor) -> str:
        heard = sounding.audible(x, self.rate)
        return media.wav_url(sampling.samples(heard, self.gain), self.rate)

    def play_film(self, frames: Tensor) -> str:
        return ""


def medium_of(source: Source) -> Medium:
    """How what came from a source is shown and played."""
    makers: dict[str, Callable[[], Medium]] = {
        "texture": lambda: Picture(seen=SEEN),
        "objects": Picture,
        "sound": lambda: Sound(source.sample_rate, source.gain),
        "film": lambda: Film(rate=source.frame_rate),
    }
    return makers[source.kind]()


def _square_sheet(tiles: list[Pixels]) -> Pixels:
    return sampling.contact_sheet(np.stack(tiles), max(1, math.isqrt(len(tiles))))
