"""What is taken away from data, in words and as an observation."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from abp_core.data import datasets, masks
from abp_core.data.datasets import Dataset
from abp_core.observation import Compressed, Downsampled, Grey, Observation, Occluded
from abp_core.spec import TrainingSpec
from demo import limits
from demo.errors import Rejected
from demo.media import Pixels

# What may be taken away from pictures, from sounds and from films: name and words.
PICTURES = {
    "scattered-50": "half of the pixels, in blocks of 3 x 3",
    "scattered-70": "70 % of the pixels, in blocks of 3 x 3",
    "scattered-90": "90 % of the pixels, in blocks of 3 x 3",
    "square-20": "a square of 20 x 20",
    "square-30": "a square of 30 x 30",
    "lines": "half of the lines",
    "detail-2": "detail: half the resolution",
    "detail-4": "detail: a quarter of the resolution",
    "colour": "colour",
    "projections": "everything but K random projections",
    "painted": "what you paint",
}
SOUNDS = {
    "stretch-20": "a stretch of a fifth",
    "stretch-40": "a stretch of two fifths",
    "detail-2": "detail: half the rate",
    "detail-4": "detail: a quarter of the rate",
}
DOUBLE = "double"
FILMS = {
    "frames-2": "every second frame",
    "gap-6": "a gap of 6 frames",
    "square-4": "a square, for a third of the time",
    "scattered-70": "70 % of every frame, in blocks of 3 x 3",
    "painted": "what you paint, for a third of the time",
    DOUBLE: "nothing: double the frame rate",
}
KINDS = {"sound": SOUNDS, "film": FILMS}


@dataclass(frozen=True, slots=True, eq=False)
class Degradation:
    """observation: what is seen. hidden (n, 1, *size): 1 where a signal was not seen; where
    nothing was seen as it is (detail, colour, projections) all of it counts as hidden. known:
    whether what is hidden is known to whoever looks; the frames between those of a film are not."""

    observation: Observation
    hidden: Tensor
    known: bool = True

    @property
    def whole(self) -> bool:
        """Whether no entry was seen as it is."""
        return self.observation.visible is None


def degrade(
    what: str, dataset: Dataset, spec: TrainingSpec, *, k: int = 1000, painted: Pixels | None = None
) -> Degradation:
    """What is left of the examples of a data set. painted (h, w): above 0 where a visitor painted.
    Raises Rejected."""
    signals, kind = dataset.signals, dataset.source.kind
    n, size = len(signals), tuple(signals.shape[2:])
    if what not in KINDS.get(kind, PICTURES):
        raise Rejected("Please choose what to take away.")
    name, _, number = what.partition("-")
    everything = torch.ones(n, 1, *(1 for _ in size)).expand(n, 1, *size)
    if name == "detail":
        return Degradation(Downsampled(int(number)), everything)
    if name == "colour":
        if signals.shape[1] == 1:
            raise Rejected("This data has no colour; please take something else away.")
        return Degradation(Grey(), everything)
    if name == "projections":
        entries = math.prod(signals.shape[1:])
        if not isinstance(k, int) or not 1 <= k < entries:
            raise Rejected(
                f"Please take between 1 and {entries - 1:,} projections: a picture has {entries:,} "
                "entries, and as many projections hide nothing."
            )
        if k * entries > limits.VALUES:
            raise Rejected(
                f"Please take at most {limits.VALUES // entries:,} projections of such pictures."
            )
        shape = tuple(signals.shape[1:])
        return Degradation(Compressed.random(k, shape, seed=spec.seed), everything)
    if kind == "film":
        visible = _hide_of_film(name, number, dataset, spec, painted)
    else:
        visible = _draw_masks(name, number, dataset, spec, painted)
    share = float(visible.mean())
    if share in (0.0, 1.0):
        raise Rejected(
            "This would hide everything; please leave something to be seen."
            if share == 0
            else "This would hide nothing; please paint over a part of the picture."
        )
    return Degradation(Occluded(visible), 1 - visible, what != DOUBLE)


def with_frames_between(what: str, dataset: Dataset) -> Dataset:
    """A film that is to have twice its frame rate with empty frames between its own; any other data
    as it is. Raises Rejected."""
    if what != DOUBLE or dataset.source.kind != "film":
        return dataset
    rate = 2 * dataset.source.frame_rate
    if rate > datasets.HIGHEST_FRAME_RATE:
        raise Rejected("This film has too many frames a second to be doubled; please take another.")
    frames = dataset.signals
    signals = torch.zeros(2 * len(frames) - 1, *frames.shape[1:])
    signals[::2] = frames
    source = dataclasses.replace(dataset.source, frame_rate=rate)
    return dataclasses.replace(dataset, signals=signals, source=source)


def _hide_of_film(
    name: str, number: str, dataset: Dataset, spec: TrainingSpec, painted: Pixels | None
) -> Tensor:
    """Masks (n, 1, h, w) of the frames of a film, 1 where seen. What is hidden for a while is so
    in the middle of its time."""
    n, _, height, width = dataset.signals.shape
    visible = torch.ones(n, 1, height, width)
    third = slice(n // 3, n // 3 + max(1, n // 3))
    if name in (DOUBLE, "frames"):
        visible[1 : n - 1 : 2] = 0  # the last frame stays: what comes after it nobody knows
    elif name == "gap":
        gap = min(int(number), n - 4)
        visible[(n - gap) // 2 : (n - gap) // 2 + gap] = 0
    elif name == "square":
        side = min(height, width) // int(number)
        top, left = (height - side) // 2, (width - side) // 2
        visible[third, :, top : top + side, left : left + side] = 0
    elif name == "painted":
        visible[third] = _mask_of_painting(painted, (height, width))
    else:
        visible = masks.random_blocks(n, (height, width), int(number) / 100, seed=spec.seed)
    return visible


def _draw_masks(
    name: str, number: str, dataset: Dataset, spec: TrainingSpec, painted: Pixels | None
) -> Tensor:
    """Masks (n, 1, *size), 1 where seen. What one picture or sound has lost is lost to every crop
    and segment of it."""
    kind, n = dataset.source.kind, len(dataset.signals)
    size: tuple[int, ...] = tuple(dataset.signals.shape[2:])
    one = kind in ("texture", "sound")
    if one:
        size = dataset.extent
    count = 1 if one else n
    if name == "stretch":
        visible = masks.stretch(count, size[0], int(number) / 100, seed=spec.seed)
    elif name == "painted":
        visible = _mask_of_painting(painted, (size[0], size[1])).expand(count, 1, *size)
    else:
        height, width = size
        if name == "scattered":
            visible = masks.random_blocks(count, (height, width), int(number) / 100, seed=spec.seed)
        elif name == "square":
            side = round(int(number) * height / 64)  # the paper's pictures are 64 pixels wide
            visible = masks.square(count, (height, width), side, seed=spec.seed)
        else:
            visible = masks.lines(count, (height, width), 0.5, seed=spec.seed)
    if kind == "texture":
        return datasets.draw_crops(visible[0], spec)
    return datasets.draw_segments(visible[0], spec) if kind == "sound" else visible


def _mask_of_painting(painted: Pixels | None, size: tuple[int, int]) -> Tensor:
    """A visitor's mask as (1, 1, *size), 1 where it was left alone: a pixel is hidden where most
    of it was painted over."""
    if painted is None or painted.ndim != 2 or not painted.any():
        raise Rejected("Nothing is painted over yet; please paint what to hide first.")
    over = torch.from_numpy((np.asarray(painted) > 0).astype(np.float32))[None, None]
    coarse = torch.nn.functional.interpolate(over, size=size, mode="area")
    return (coarse < 0.5).float()
