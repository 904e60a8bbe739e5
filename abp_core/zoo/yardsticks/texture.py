"""Textures, by statistics of crops, the marginals of colour, and patches that were copied."""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import plenoptic
import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.data.datasets import Dataset
from abp_core.data.formats import FileRejected
from abp_core.evaluation import texture
from abp_core.evaluation.halves import (
    deviations,
    floor,
    halves,
    mean_distance,
    spectral_noise,
    variety,
    without_repeat,
)
from abp_core.presets import Preset
from abp_core.spec import TrainingSpec
from abp_core.synthesis import sampling
from abp_core.zoo.yardsticks.common import (
    SEEDS,
    Row,
    average,
    whole_signal_spec,
)

COPY = 0.95  # copying is this quantile of the best matches of single patches


def draw_samples(saved: Checkpoint, size: tuple[int, ...]) -> list[Tensor]:
    """A model's sample (c, *size) for each of SEEDS."""
    generator, prior = saved.generator(), saved.prior()
    return [sampling.generate_field(generator, prior.map(seed), size)[0] for seed in SEEDS]


class TextureYardstick:
    """A photograph. Samples are as large as it is."""

    def __init__(self, path: Path, preset: Preset) -> None:
        self._path, self._preset = path, preset
        side = datasets.LARGEST_PICTURE
        whole, _ = datasets.load(path, whole_signal_spec(1, side, side))
        self.real = whole.signals[0]
        self._part = without_repeat(self.real)
        if not halves(self._part, texture.CROP):
            raise FileRejected(
                f"{path.name} is too small to be cut in two; please choose a picture with a side "
                f"of at least {2 * texture.CROP} pixels, and none below {texture.CROP}."
            )
        model = plenoptic.models.PortillaSimoncelli((texture.CROP, texture.CROP))
        self._model: Callable[[Tensor], Tensor] = torch.no_grad()(model)
        self._stride = 32 if max(self.real.shape) > 2 * texture.CROP else 16
        self._all = self._statistics(self._part)
        self._unit = self._all.std(0)
        self._spread = texture.marginals(self._part).std(1)
        self._statistics_halves = self._cut(self._part, self._statistics)
        self._colour_halves = self._cut(self._part, texture.marginals)

    def training(self) -> tuple[Dataset, TrainingSpec]:
        return datasets.load(self._path, self._preset.training)

    def samples(self, saved: Checkpoint) -> list[Tensor]:
        return draw_samples(saved, tuple(self.real.shape[1:]))

    def floors(self) -> Row:
        noise = spectral_noise(self.real, seed=0).clamp(-1, 1)
        return {
            "floor": self.floor(),
            "noise": self.distance(noise),
            "colour_floor": floor(self._colour_distance, self._colour_halves),
            "copying_floor": _matches_between_halves(self._part),
            "repeated": self._part.shape != self.real.shape,
        }

    def floor(self) -> float:
        """The distance of one half of the photograph from the other."""
        return floor(self._distance, self._statistics_halves)

    def measure(self, samples: list[Tensor]) -> Row:
        return average([self._one(sample) for sample in samples])

    def _one(self, sample: Tensor) -> Row:
        part = sample[:, : self._part.shape[1]]
        return {
            "distance": self.distance(sample),
            "colour": self.colour(sample),
            "copying": _matches(sample, self.real),
            "repeats": _matches_between_halves(part),
            "variety": variety(self._statistics(part), self._all),
        }

    def distance(self, sample: Tensor) -> float:
        part = sample[:, : self._part.shape[1]]
        return mean_distance(
            self._distance, self._cut(part, self._statistics), self._statistics_halves
        )

    def colour(self, sample: Tensor) -> float:
        """Between the marginals of colour, in the photograph's own deviations."""
        part = sample[:, : self._part.shape[1]]
        ours = self._cut(part, texture.marginals)
        return mean_distance(self._colour_distance, ours, self._colour_halves)

    def _distance(self, a: Tensor, b: Tensor) -> float:
        return deviations(a, b, self._unit)

    def _colour_distance(self, a: Tensor, b: Tensor) -> float:
        return texture.marginal_distance(a, b, self._spread)

    def _statistics(self, picture: Tensor) -> Tensor:
        """(crops, k) Portilla-Simoncelli statistics of luminance."""
        grey = texture.luminance(picture)[None]
        crops = texture.crops(grey, texture.CROP, self._stride)
        return torch.cat([self._model(some)[:, 0] for some in torch.split(crops, 8)])

    def _cut(
        self, picture: Tensor, feature: Callable[[Tensor], Tensor]
    ) -> list[tuple[Tensor, Tensor]]:
        return [(feature(a), feature(b)) for a, b in halves(picture, texture.CROP)]


def _matches(sample: Tensor, picture: Tensor) -> float:
    """How well patches of a sample are found in a picture: the COPY quantile of their best
    normalised cross-correlations, over a grid of about 64 patches."""
    stride = max(texture.PATCH, min(sample.shape[1:]) // 8)
    patches = texture.crops(sample, texture.PATCH, stride)
    return float(texture.best_matches(patches, picture).quantile(COPY))


def _matches_between_halves(picture: Tensor) -> float:
    return fmean(_matches(a, b) for a, b in halves(picture, texture.PATCH))
