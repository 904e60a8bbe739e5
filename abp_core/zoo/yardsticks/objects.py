"""Sets of pictures, by the distribution of their patches, diversity, and reconstruction."""

import dataclasses
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets, sets
from abp_core.data.datasets import Dataset
from abp_core.evaluation import objects
from abp_core.langevin import infer
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior
from abp_core.presets import Preset
from abp_core.priors.normal import Normal
from abp_core.spec import TrainingSpec
from abp_core.synthesis import sampling
from abp_core.zoo.yardsticks.common import (
    SEEDS,
    Row,
    average,
)

HELD_BACK = 5  # one picture in so many is kept from training
RECONSTRUCTED = 100  # held-back pictures that are inferred
COMPARED = 200  # pictures on each side of a patch distance
CUTS = 4  # ways in which a set that was learnt whole is cut in two
LEAST_COMPARED = 50  # on each side, for a floor that means something


def draw_samples(saved: Checkpoint, n: int, seed: int) -> Tensor:
    """n of a model's own samples (n, *signal_shape)."""
    return sampling.sample(saved.generator(), saved.prior(), n, seed)


class ObjectsYardstick:
    """A set of pictures, of which one in HELD_BACK is kept from training."""

    def __init__(self, path: Path, preset: Preset, steps: int) -> None:
        self._steps = steps
        pictures = sets.read_pictures(path)
        order = np.random.default_rng(0).permutation(len(pictures))
        shuffled = [pictures[i] for i in order]
        held = max(2, len(pictures) // HELD_BACK)
        self._train, self._spec = datasets.from_pictures(
            shuffled[held:], preset.training, name=path.stem
        )
        kept, _ = datasets.from_pictures(shuffled[:held], self._spec, name=path.stem)
        self.held = kept.signals

    def training(self) -> tuple[Dataset, TrainingSpec]:
        return self._train, self._spec

    def samples(self, saved: Checkpoint) -> list[Tensor]:
        return [draw_samples(saved, len(self.held), seed) for seed in SEEDS]

    def floors(self) -> Row:
        (d,) = self._spec.generator.latent_shape
        train, test = self._train.signals, self.held[:RECONSTRUCTED]
        return {
            "floor": self.distance(train),
            "diversity_floor": objects.diversity(self.held),
            "pca": _errors(objects.pca_reconstruction(train, test, d), test),
        }

    def measure(self, samples: list[Tensor]) -> Row:
        return average(
            [{"distance": self.distance(s), "diversity": objects.diversity(s)} for s in samples]
        )

    def reconstruct(self, saved: Checkpoint) -> tuple[Tensor, Row]:
        """The first RECONSTRUCTED held-back pictures by inference from z ~ N(0, I), and their
        errors. Downhill, without noise: PCA's projection, too, is the nearest that it can say, and
        a draw from the posterior is not."""
        test = self.held[:RECONSTRUCTED]
        index = torch.arange(len(test))
        generator, shape = saved.generator(), saved.spec.generator.latent_shape
        posterior = Posterior(generator, Full(), test, index, saved.sigma)
        noise = chain_noise(seed=0, sweep=1, index=index, steps=self._steps, shape=shape)
        walk = saved.spec.langevin.at(saved.step_size)
        walk = dataclasses.replace(walk, steps=self._steps, temperature=0.0)
        z = Normal(shape).draw(len(test), 0)
        z = infer(posterior.energy, z, noise, walk, saved.preconditioner())
        with torch.inference_mode():
            made = generator(z)
        return made, _errors(made, test)

    def distance(self, sample: Tensor) -> float:
        return _between(sample, self.held)


class LearntSetYardstick:
    """A set of pictures all of which were learnt from. Samples are compared with one half of them,
    as the other half is; over several ways to cut it, since two halves may happen to be alike."""

    def __init__(self, learnt: Dataset) -> None:
        self._all = learnt.signals
        self._half = len(self._all) // 2
        orders = (np.random.default_rng(cut).permutation(len(self._all)) for cut in range(CUTS))
        whole = [torch.from_numpy(order[: 2 * self._half]) for order in orders]
        self._cuts = [torch.split(order, self._half) for order in whole]

    def floor(self) -> float | None:
        """None where the halves hold so few pictures that they are simply different ones."""
        if self._half < LEAST_COMPARED:
            return None
        return fmean(_between(self._all[other], self._all[one]) for one, other in self._cuts)

    def samples(self, saved: Checkpoint) -> list[Tensor]:
        return [draw_samples(saved, self._half, seed) for seed in SEEDS]

    def distance(self, sample: Tensor) -> float:
        return fmean(_between(sample, self._all[one]) for one, _ in self._cuts)

    def diversity(self) -> float:
        return objects.diversity(self._all)

    @torch.inference_mode()
    def reconstruction(self, saved: Checkpoint) -> float:
        """Mean |difference| of all pictures from what the stored latents make of them, a share of
        the signal's range."""
        generator = saved.generator()
        made = torch.cat([generator(z) for z in torch.split(saved.latents, RECONSTRUCTED)])
        absolute: float = _errors(made, self._all)["absolute"]
        return absolute


def _between(a: Tensor, b: Tensor) -> float:
    """The patch distance between equally many of the pictures a and b, at most COMPARED."""
    n = min(len(a), len(b), COMPARED)
    return fmean(objects.patch_distances(a[:n], b[:n]))


def _errors(made: Tensor, test: Tensor) -> Row:
    """absolute: mean |difference|, a share of the signal's range. squared: its mean square, in
    signal units."""
    difference = made - test
    return {
        "absolute": float(difference.abs().mean()) / 2,
        "squared": float(difference.square().mean()),
    }
