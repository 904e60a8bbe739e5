"""What the yardsticks share."""

from statistics import fmean
from typing import Any, Protocol

from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data.datasets import Dataset
from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec

SEEDS = (0, 1, 2)

Row = dict[str, Any]


class Yardstick(Protocol):
    """training: the data to learn from and the settings fitted to it. floors: of the real data.
    samples: three of a model. distance: of one of them from the real data. measure: everything,
    over all of them."""

    def training(self) -> tuple[Dataset, TrainingSpec]: ...
    def floors(self) -> Row: ...
    def samples(self, saved: Checkpoint) -> list[Tensor]: ...
    def distance(self, sample: Tensor) -> float: ...
    def measure(self, samples: list[Tensor]) -> Row: ...


def whole_signal_spec(channels: int, *size: int) -> TrainingSpec:
    """Settings that read a texture or a sound whole, as one example: a network of one layer that
    does not enlarge."""
    generator = GeneratorSpec(
        latent_shape=(channels, *size), channels=(), kernel_size=1, upsampling=1, out_channels=1
    )
    return TrainingSpec(
        generator=generator,
        langevin=LangevinSpec(steps=1, step_size=0.1),
        sigma=1.0,
        learning_rate=1e-3,
        batch_size=1,
        examples=1,
    )


def average(rows: list[Row]) -> Row:
    """Every figure's mean over the seeds; and the distances one by one."""
    mean: Row = {key: fmean(row[key] for row in rows) for key in rows[0]}
    return {**mean, "distances": [row["distance"] for row in rows]}


def explained_variance(y: Tensor, x: Tensor) -> float:
    """The share of the variance of signals y (n, c, ...), each channel about its own mean, that x
    explains: 1 - mean (y - x)^2 / mean (y - mean y)^2. An offset counts as an error. Raises
    ValueError for different shapes."""
    if y.shape != x.shape:
        raise ValueError("Only signals of one shape can be compared.")
    channels = y.transpose(0, 1).flatten(1)
    variance = (channels - channels.mean(1, keepdim=True)).square().mean().clamp(min=1e-12)
    return 1 - float((y - x).square().mean() / variance)
