"""What real data and samples are measured with: one yardstick for each kind of data.

A yardstick holds one data set and whatever of it is compared, worked out once. `floors` tells what
the real data scores against itself, `measure` what three samples of a model score.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

import numpy as np
import plenoptic
import soxr
import torch
from torch import Tensor

from abp_core import data, files, synthesis
from abp_core.checkpoint import Checkpoint
from abp_core.data import Dataset
from abp_core.files import FileRejected
from abp_core.langevin import infer
from abp_core.metrics import objects, sound, texture
from abp_core.metrics.halves import (
    apart,
    deviations,
    floor,
    halves,
    spectral_noise,
    unrepeated,
    variety,
)
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior
from abp_core.presets import Preset
from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec

SEEDS = (0, 1, 2)
SOUND_RATE = 16_000  # hertz, at which sounds are compared; a clip of less is compared at its own
HELD_BACK = 5  # one picture in so many is kept from training
RECONSTRUCTED = 100  # held-back pictures that are inferred
COMPARED = 200  # pictures on each side of a patch distance
COPY = 0.95  # copying is this quantile of the best matches of single patches

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


class TextureYardstick:
    """A photograph. Samples are as large as it is."""

    def __init__(self, path: Path, preset: Preset) -> None:
        self._path, self._preset = path, preset
        side = data.LARGEST_PICTURE
        whole, _ = data.load(path, _whole(1, side, side))
        self.real = whole.signals[0]
        self._part = unrepeated(self.real)
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
        return data.load(self._path, self._preset.training)

    def samples(self, saved: Checkpoint) -> list[Tensor]:
        size = tuple(self.real.shape[1:])
        return [synthesis.expand_to(saved.generator(), size, seed)[0] for seed in SEEDS]

    def floors(self) -> Row:
        noise = spectral_noise(self.real, seed=0).clamp(-1, 1)
        return {
            "floor": floor(self._distance, self._statistics_halves),
            "noise": self.distance(noise),
            "colour_floor": floor(self._colour_distance, self._colour_halves),
            "copying_floor": _matches_between_halves(self._part),
            "repeated": self._part.shape != self.real.shape,
        }

    def measure(self, samples: list[Tensor]) -> Row:
        return _averaged([self._one(sample) for sample in samples])

    def _one(self, sample: Tensor) -> Row:
        part = sample[:, : self._part.shape[1]]
        return {
            "distance": self.distance(sample),
            "colour": apart(
                self._colour_distance, self._cut(part, texture.marginals), self._colour_halves
            ),
            "copying": _matches(sample, self.real),
            "repeats": _matches_between_halves(part),
            "variety": variety(self._statistics(part), self._all),
        }

    def distance(self, sample: Tensor) -> float:
        part = sample[:, : self._part.shape[1]]
        return apart(self._distance, self._cut(part, self._statistics), self._statistics_halves)

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


class SoundYardstick:
    """A clip. Samples are as long as it is, and compared at its loudness and at one rate."""

    def __init__(self, path: Path, preset: Preset) -> None:
        self._path, self._preset = path, preset
        longest = int(files.MOST_SECONDS * SOUND_RATE)
        whole, _ = data.load(path, _whole(1, longest), sample_rate=SOUND_RATE)
        self.real, self._gain = whole.signals[0], whole.source.gain
        self.rate = whole.source.sample_rate
        self._all = sound.texture_statistics(self.real, self.rate)
        self._unit = self._all.std(0)
        self._halves = self._cut(self.real)
        self._mels = self._cut_mel(self.real)

    def training(self) -> tuple[Dataset, TrainingSpec]:
        rate = self._preset.sample_rate
        return data.load(self._path, self._preset.training, sample_rate=rate)

    def samples(self, saved: Checkpoint) -> list[Tensor]:
        source, length = saved.source, self.real.shape[1]
        frames = round(length / self.rate * source.sample_rate)
        generator = saved.generator()
        made = (synthesis.expand_to(generator, (frames,), seed)[0] for seed in SEEDS)
        scaled = (signal[0].numpy() * (self._gain / source.gain) for signal in made)
        resampled = [soxr.resample(signal, source.sample_rate, self.rate) for signal in scaled]
        return [torch.from_numpy(signal.astype(np.float32))[None] for signal in resampled]

    def floors(self) -> Row:
        return {
            "floor": floor(self._distance, self._halves),
            "noise": self.distance(spectral_noise(self.real, seed=0)),
            "spectrum_floor": floor(sound.spectrum_distance, self._mels),
        }

    def measure(self, samples: list[Tensor]) -> Row:
        return _averaged([self._one(sample) for sample in samples])

    def _one(self, sample: Tensor) -> Row:
        statistics = sound.texture_statistics(sample, self.rate)
        return {
            "distance": self.distance(sample),
            "spectrum": apart(sound.spectrum_distance, self._cut_mel(sample), self._mels),
            "loudness": float(sample.std() / self.real.std()),
            "variety": variety(statistics, self._all),
        }

    def distance(self, sample: Tensor) -> float:
        return apart(self._distance, self._cut(sample), self._halves)

    def _distance(self, a: Tensor, b: Tensor) -> float:
        return deviations(a, b, self._unit)

    def _cut(self, signal: Tensor) -> list[tuple[Tensor, Tensor]]:
        pairs = halves(signal)
        return [
            (sound.texture_statistics(a, self.rate), sound.texture_statistics(b, self.rate))
            for a, b in pairs
        ]

    def _cut_mel(self, signal: Tensor) -> list[tuple[Tensor, Tensor]]:
        return [
            (sound.log_mel(a, self.rate), sound.log_mel(b, self.rate)) for a, b in halves(signal)
        ]


class ObjectsYardstick:
    """A set of pictures, of which one in HELD_BACK is kept from training."""

    def __init__(self, path: Path, preset: Preset, steps: int) -> None:
        self._steps = steps
        pictures = files.read_pictures(path)
        order = np.random.default_rng(0).permutation(len(pictures))
        shuffled = [pictures[i] for i in order]
        held = max(2, len(pictures) // HELD_BACK)
        self._train, self._spec = data.from_pictures(
            shuffled[held:], preset.training, name=path.stem
        )
        kept, _ = data.from_pictures(shuffled[:held], self._spec, name=path.stem)
        self.held = kept.signals

    def training(self) -> tuple[Dataset, TrainingSpec]:
        return self._train, self._spec

    def samples(self, saved: Checkpoint) -> list[Tensor]:
        return [synthesis.sample(saved.generator(), len(self.held), seed) for seed in SEEDS]

    def floors(self) -> Row:
        (d,) = self._spec.generator.latent_shape
        train, test = self._train.signals, self.held[:RECONSTRUCTED]
        return {
            "floor": self.distance(train),
            "diversity_floor": objects.diversity(self.held),
            "pca": _errors(objects.pca_reconstruction(train, test, d), test),
        }

    def measure(self, samples: list[Tensor]) -> Row:
        return _averaged(
            [{"distance": self.distance(s), "diversity": objects.diversity(s)} for s in samples]
        )

    def reconstructed(self, saved: Checkpoint) -> tuple[Tensor, Row]:
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
        z = synthesis.prior(shape, len(test), 0)
        z = infer(posterior.energy, z, noise, walk, saved.metric())
        with torch.inference_mode():
            made = generator(z)
        return made, _errors(made, test)

    def distance(self, sample: Tensor) -> float:
        n = min(len(sample), len(self.held), COMPARED)
        return fmean(objects.patch_distances(sample[:n], self.held[:n]))


def _whole(channels: int, *size: int) -> TrainingSpec:
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


def _matches(sample: Tensor, picture: Tensor) -> float:
    """How well patches of a sample are found in a picture: the COPY quantile of their best
    normalised cross-correlations, over a grid of about 64 patches."""
    stride = max(texture.PATCH, min(sample.shape[1:]) // 8)
    patches = texture.crops(sample, texture.PATCH, stride)
    return float(texture.best_matches(patches, picture).quantile(COPY))


def _matches_between_halves(picture: Tensor) -> float:
    return fmean(_matches(a, b) for a, b in halves(picture, texture.PATCH))


def _errors(made: Tensor, test: Tensor) -> Row:
    """absolute: mean |difference|, a share of the signal's range. squared: its mean square, in
    signal units."""
    difference = made - test
    return {
        "absolute": float(difference.abs().mean()) / 2,
        "squared": float(difference.square().mean()),
    }


def _averaged(rows: list[Row]) -> Row:
    """Every figure's mean over the seeds; and the distances one by one."""
    mean: Row = {key: fmean(row[key] for row in rows) for key in rows[0]}
    return {**mean, "distances": [row["distance"] for row in rows]}
