"""The data of a comparison: what all learn from, and what none of them sees."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from abp_core.data import datasets
from abp_core.data.datasets import Dataset
from abp_core.data.formats import FileRejected
from abp_core.evaluation.halves import without_repeat
from abp_core.presets import PRESETS
from abp_core.spec import Kind, TrainingSpec

PRESET: dict[Kind, str] = {"texture": "texture", "sound": "sound", "objects": "objects"}
FEWEST = 8  # pictures of a set, of which some are held back
HELD = (2, 64)  # pictures of a set that are held back: a tenth, but so many
SMALLEST = 4  # positions of the latent map, along a side, of what is learnt from
LEARNT = 0.75  # of a picture's height or a sound's length; the rest is held back
WIDEST = 256  # pixels of what is held back of a picture, along a side
LONGEST = 2.0  # seconds of what is held back of a sound


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """data: what all methods learn from; of a picture or sound it is one example (1, c, ...).
    held (m, c, ...): what none of them sees, of the same making: pictures of the set, or the end of
    the one picture or sound. spec: of alternating back-propagation on this data; its network is the
    decoder of every method that has one."""

    data: Dataset
    held: Tensor
    spec: TrainingSpec

    @property
    def kind(self) -> Kind:
        """Of the data."""
        return self.data.source.kind

    @property
    def size(self) -> tuple[int, ...]:
        """Of what is learnt from, without channels."""
        return tuple(self.data.signals.shape[2:])


def load_trial(path: Path, *, name: str = "") -> Trial:
    """The trial of a file. Raises FileRejected."""
    preset = PRESETS[PRESET[datasets.kind_of(path)]]
    data, spec = datasets.load(path, preset.training, sample_rate=preset.sample_rate, name=name)
    return _of_set(data, spec) if data.source.kind == "objects" else _of_one(data, spec)


def _of_set(data: Dataset, spec: TrainingSpec) -> Trial:
    n = len(data.signals)
    if n < FEWEST:
        raise FileRejected(
            f"{data.source.name} holds {n} pictures; please choose a set of at least {FEWEST}, "
            "since some are held back to see how well each method rebuilds them."
        )
    order = torch.from_numpy(np.random.default_rng(0).permutation(n))
    held = min(max(n // 10, HELD[0]), HELD[1])
    learnt = dataclasses.replace(data, signals=data.signals[order[held:]].contiguous(), names=())
    return Trial(learnt, data.signals[order[:held]].contiguous(), spec)


def _of_one(data: Dataset, spec: TrainingSpec) -> Trial:
    """Of a picture that shows everything twice the upper half is taken: its end would be known."""
    x, unit, source = data.signals, spec.generator.enlargement, data.source
    if source.kind == "texture":
        x = without_repeat(x[0])[None]
    whole = x.shape[2] // unit
    cut, widest = int(LEARNT * whole) * unit, WIDEST
    if source.kind == "sound":
        widest = int(LONGEST * source.sample_rate)
    held = x[:, :, cut : whole * unit]
    for axis in range(2, x.ndim):
        held = held.narrow(axis, 0, min(held.shape[axis], widest) // unit * unit)
    learnt = x[:, :, :cut].contiguous()
    if min(learnt.shape[2:], default=0) < SMALLEST * unit or not held.numel():
        raise FileRejected(
            f"{source.name} is too small to hold back a quarter of it; please choose a larger one."
        )
    extent = tuple(
        min(a, b) for a, b in zip(learnt.shape[2:], spec.generator.signal_shape[1:], strict=True)
    )
    network = spec.generator.fitted_to(extent, x.shape[1])
    return Trial(
        dataclasses.replace(data, signals=learnt, extent=tuple(learnt.shape[2:])),
        held.contiguous(),
        dataclasses.replace(spec, generator=network),
    )
