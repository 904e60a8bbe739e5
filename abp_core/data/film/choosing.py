"""Which frames of a film are taken, and at what size: plain numbers, no files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_RATE = 30.5  # frames a second; what is faster is thinned out. 30 is often told as 30.0003
LEAST_UNITS = 4  # along either side of a frame
LOST = 0.25  # what a share of the area that is left unused weighs beside a share that is cut off
MOST_CUT = 0.2  # share of a picture
HIDDEN = 0.2  # of the usual time between frames; what is nearer to the next is never shown
ORDINALS = ("", "", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


@dataclass(frozen=True, slots=True)
class Fit:
    """How a frame becomes smaller: height and width to which all of it is scaled, and those of its
    middle that is kept."""

    scaled: tuple[int, int]
    kept: tuple[int, int]

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column of the scaled frame where what is kept begins."""
        return (self.scaled[0] - self.kept[0]) // 2, (self.scaled[1] - self.kept[1]) // 2


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """places (n,): of the frames that are taken, among all; one may come twice. rate: frames a
    second. step: every so manyth frame is taken. even: whether the frames came at an even rate."""

    places: NDArray[np.int64]
    rate: float
    step: int = 1
    even: bool = True


def fit(height: int, width: int, *, pixels: int, unit: int) -> Fit | None:
    """The size for a frame of height x width pixels at which it covers at most `pixels`, both
    its sides are multiples of `unit` and little is cut off; never larger. None where there is none,
    since it is too small or too long and thin."""
    most = min(pixels, height * width)
    best: tuple[float, Fit] | None = None
    for rows in range(LEAST_UNITS * unit, min(height, most) + 1, unit):
        ideal = rows * width / height / unit
        widest = min(width, most // rows) // unit
        for units in {min(math.floor(ideal), widest), min(math.ceil(ideal), widest)}:
            columns = units * unit
            if units < LEAST_UNITS:
                continue
            scale = max(rows / height, columns / width)
            cut = 1 - rows * columns / (scale * scale * height * width)
            scaled = max(rows, round(scale * height)), max(columns, round(scale * width))
            score = cut + LOST * (1 - rows * columns / most)
            if cut <= MOST_CUT and (best is None or score < best[0]):
                best = score, Fit(scaled, (rows, columns))
    return best[1] if best else None


def why_no_fit(height: int, width: int, *, unit: int) -> str:
    """Why `fit` found nothing, as the rest of a sentence that begins with the file."""
    least = LEAST_UNITS * unit
    if min(height, width) < least:
        return f"has {width} x {height} pixels; please choose a film of at least {least} x {least}."
    return (
        f"has {width} x {height} pixels, which is too long and thin; please crop it nearer to a "
        "square."
    )


def choose_even(n: int, rate: float, most: int) -> Choice:
    """The first frames of n that came at an even rate, at most `most` and 30 a second."""
    step = step_of(rate)
    return Choice(np.arange(0, n, step)[:most], rate / step, step)


def choose(times: Sequence[float], most: int) -> Choice:
    """The first frames by when they are shown, in seconds and in that order, at most `most` and 30
    a second. They are those nearest to an even rate, which is that of the part that is taken."""
    shown = np.array(times, np.float64)
    if len(shown) < 3 or shown[-1] <= shown[0]:
        return Choice(np.arange(len(shown))[:most], float(MOST_RATE // 1))
    step = step_of((len(shown) - 1) / float(shown[-1] - shown[0]))
    part = shown[: step * most]
    rate = (len(part) - 1) / float(part[-1] - part[0])
    places = np.arange(0, len(part), step)
    grid = part[0] + places / rate
    after = np.searchsorted(part, grid).clip(1, len(part) - 1)
    nearest = np.where(grid - part[after - 1] <= part[after] - grid, after - 1, after)
    even = bool(np.abs(nearest - places).max() <= step // 2)
    return Choice(places if even else nearest, rate / step, step, even)


def step_of(rate: float) -> int:
    """Every how manyth frame is taken of so many a second."""
    return max(1, math.ceil(rate / MOST_RATE))


def shown_only(ticks: Sequence[int]) -> list[int]:
    """Time stamps in order, each once, without those of frames that are never shown: some formats
    keep them right before another."""
    ordered = np.unique(np.array(ticks, np.int64))
    if len(ordered) < 3:
        return [int(tick) for tick in ordered]
    gaps = np.diff(ordered)
    kept = np.append(gaps >= HIDDEN * np.median(gaps), True)
    return [int(tick) for tick in ordered[kept]]


def notes_of(choice: Choice, rate: float, seconds: float, total: float | None) -> tuple[str, ...]:
    """What was taken, each the rest of a sentence that begins with the file. rate: frames a second
    in the file. seconds: how long what is taken lasts. total: how long the film does; None where
    that is not known, and 0 where all of it was taken."""
    notes = []
    if choice.step > 1:
        name = ORDINALS[choice.step] if choice.step < len(ORDINALS) else f"{choice.step}th"
        each = f"{choice.rate:.4g} of {rate:.4g}"
        notes.append(f"every {name} of its frames was taken: {each} a second")
    if not choice.even:
        notes.append(
            f"its frames came at an uneven rate and were brought to {choice.rate:.3g} a second"
        )
    if total is None:
        notes.append(f"its first {seconds:.1f} s were taken")
    elif total:
        notes.append(f"the first {seconds:.1f} s of its {total:.1f} s were taken")
    return tuple(notes)
