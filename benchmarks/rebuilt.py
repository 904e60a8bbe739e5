"""What a model makes of data: of what it learnt, by its stored latents, and of what it is shown."""

import dataclasses
import math
from pathlib import Path

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.data.datasets import Dataset
from abp_core.langevin import infer
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior
from abp_core.priors.normal import Normal
from abp_core.spec import TrainingSpec
from abp_core.zoo.yardsticks.common import explained_variance
from benchmarks.yardsticks.explained import put_together, without_quarter

STEPS = 200  # from a draw
AT_ONCE = 16  # windows, or examples
WINDOWS = 2  # at most, that are inferred
PICTURES = 40


def learnt(saved: Checkpoint, path: Path) -> Dataset:
    """What a model learnt from, signals in the order of its latents."""
    rate = saved.source.sample_rate or 16_000
    dataset, _ = datasets.load(path, saved.spec, sample_rate=rate, name=saved.source.name)
    return dataset


@torch.inference_mode()
def from_latents(saved: Checkpoint) -> Tensor:
    """f(z) of the stored latents."""
    generator = saved.generator()
    return torch.cat([generator(z).float() for z in torch.split(saved.latents, AT_ONCE)])


def whole(saved: Checkpoint, dataset: Dataset) -> Tensor:
    """The rebuilt picture or sound (c, ...), put together from windows where they were learnt."""
    made = from_latents(saved)
    extent = dataset.extent
    if tuple(made.shape[2:]) == extent:
        return made[0]
    return put_together(list(made), places(saved.spec, extent), extent)


def places(spec: TrainingSpec, extent: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Where the windows that settings cut out of a picture or sound of `extent` begin."""
    cut = datasets.draw_segments if len(extent) == 1 else datasets.draw_crops
    numbered = torch.arange(math.prod(extent), dtype=torch.float64).view(1, *extent)
    firsts = cut(numbered, spec).flatten(1)[:, 0].long()
    axes = torch.unravel_index(firsts, extent)
    return [tuple(place) for place in torch.stack(axes, 1).tolist()]


def shares(saved: Checkpoint, dataset: Dataset, real: Tensor | None) -> dict[str, float]:
    """learnt: the explained share of what was learnt, by the stored latents. inferred: the same,
    after STEPS steps from a draw, of windows of the last quarter of `real`, the whole picture or
    sound (c, ...); for a set, of pictures `real` (n, c, h, w). A model that was not trained
    without them has seen them before. Only the first where `real` is None, since the other takes
    far longer."""
    found = {"learnt": explained_variance(dataset.signals, from_latents(saved))}
    if real is None:
        return found
    if not dataset.extent:
        shown = real[:PICTURES]
    else:
        _, quarter = without_quarter(real)
        size = saved.spec.generator.signal_shape[1:]
        if any(a < b for a, b in zip(quarter.shape[1:], size, strict=True)):
            return found
        shown = _windows(quarter, size)[:WINDOWS]
    return found | {"inferred": explained_variance(shown, inferred(saved, shown))}


def inferred(saved: Checkpoint, y: Tensor) -> Tensor:
    """f(z) after STEPS steps of the model's own walk from a draw, of signals y (n, c, ...) of the
    size that it learnt."""
    generator, shape = saved.generator(), saved.spec.generator.latent_shape
    index = torch.arange(len(y))
    posterior = Posterior(generator, Full(), y, index, saved.sigma)
    noise = chain_noise(seed=0, sweep=1, index=index, steps=STEPS, shape=shape)
    walk = dataclasses.replace(saved.spec.langevin.at(saved.step_size), steps=STEPS)
    z = infer(posterior.energy, Normal(shape).draw(len(y), 0), noise, walk, saved.preconditioner())
    with torch.inference_mode():
        return generator(z)


def _windows(signal: Tensor, size: tuple[int, ...]) -> Tensor:
    """Windows (n, c, *size) side by side; what is left over at the end is left out."""
    for axis, length in enumerate(size, 1):
        signal = signal.unfold(axis, length, length)
    axes = len(size)
    return signal.movedim(0, axes).flatten(0, axes - 1)
