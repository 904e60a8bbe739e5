"""What training examples are called, as far as their data tells it."""

import re
from collections import Counter
from collections.abc import Sequence

from abp_core.analysis import excerpts
from abp_core.data.datasets import Dataset
from abp_core.data.formats import PICTURE_ENDINGS
from abp_core.spec import TrainingSpec

LONGEST = 60  # characters
ROWS, COLUMNS = ("upper ", "", "lower "), ("left", "middle", "right")
ENDING = re.compile(f"({'|'.join(map(re.escape, PICTURE_ENDINGS))})$", re.IGNORECASE)
CODE_POINTS = re.compile(r":[0-9a-f]{4,}(-[0-9a-f]{4,})*$")  # of an emoji, behind its name


def name_examples(spec: TrainingSpec, data: Dataset) -> list[str]:
    """The examples' names, no two alike: of a set those of its files, of a picture where in it they
    are, of a sound when, of a film's frames when they are shown. Empty for a set without names."""
    if data.source.kind == "objects":
        return _distinct([_readable(name) for name in data.names])
    if data.source.kind == "film":
        rate = data.source.frame_rate
        return _distinct([f"frame {k + 1} ({k / rate:.2f} s)" for k in range(len(data.signals))])
    extent = data.extent or tuple(data.signals.shape[2:])
    size = spec.generator.signal_shape[1:]
    if any(part > whole for part, whole in zip(size, extent, strict=True)):
        return []
    starts = excerpts.starts_of(spec, extent)
    if data.source.kind == "sound":
        rate = data.source.sample_rate
        return _distinct([_time(start / rate, size[0] / rate) for (start,) in starts])
    rooms = [whole - part for whole, part in zip(extent, size, strict=True)]
    return _distinct([_place(start, rooms) for start in starts])


def _readable(name: str) -> str:
    """A file's name without its ending, in words."""
    name = CODE_POINTS.sub("", ENDING.sub("", name)).replace("_", " ")
    return "".join(c for c in name if c.isprintable()).strip()[:LONGEST]


def _time(start: float, seconds: float) -> str:
    return f"{start:.1f} to {start + seconds:.1f} s"


def _place(start: Sequence[int], rooms: Sequence[int]) -> str:
    """In which third of where they may begin a crop begins, downwards and to the right."""
    down, across = (min(2, 3 * at // (room + 1)) for at, room in zip(start, rooms, strict=True))
    if (down, across) == (1, 1):
        return "crop in the middle"
    if across == 1:
        return f"crop at the {('top', '', 'bottom')[down]}"
    return f"crop at the {ROWS[down]}{COLUMNS[across]}"


def _distinct(names: list[str]) -> list[str]:
    """Those that occur more than once, or are empty, get their number."""
    often = Counter(names)
    return [
        name if name and often[name] == 1 else f"{name}, example {k}".removeprefix(", ")
        for k, name in enumerate(names, 1)
    ]
