"""Sounds, by the statistics of sound textures and the long-term spectrum."""

from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets, sounds
from abp_core.data.datasets import Dataset
from abp_core.evaluation import sound
from abp_core.evaluation.halves import (
    deviations,
    floor,
    halves,
    mean_distance,
    spectral_noise,
    variety,
)
from abp_core.presets import Preset
from abp_core.spec import TrainingSpec
from abp_core.synthesis import sounding
from abp_core.zoo.yardsticks.common import (
    SEEDS,
    Row,
    average,
    whole_signal_spec,
)

SOUND_RATE = 16_000  # hertz, at which sounds are compared; a clip of less is compared at its own


def draw_samples(saved: Checkpoint, length: int, rate: int, gain: float) -> list[Tensor]:
    """A model's sample (1, length) for each of SEEDS, at `rate` samples a second, as loud as a
    signal that is its source times `gain`."""
    source = saved.source
    frames = round(length / rate * source.sample_rate)
    generator, prior = saved.generator(), saved.prior()
    own = source.sample_rate
    made = (sounding.draw(generator, prior.map(seed), frames, own) for seed in SEEDS)
    scaled = (signal[0].numpy() * (gain / source.gain) for signal in made)
    resampled = [soxr.resample(signal, own, rate) for signal in scaled]
    return [torch.from_numpy(signal.astype(np.float32))[None] for signal in resampled]


class SoundYardstick:
    """A clip. Samples are as long as it is, and compared at its loudness and at one rate."""

    def __init__(self, path: Path, preset: Preset) -> None:
        self._path, self._preset = path, preset
        longest = int(sounds.MOST_SECONDS * SOUND_RATE)
        whole, _ = datasets.load(path, whole_signal_spec(1, longest), sample_rate=SOUND_RATE)
        self.real, self._gain = whole.signals[0], whole.source.gain
        self.rate = whole.source.sample_rate
        self._all = sound.texture_statistics(self.real, self.rate)
        self._unit = self._all.std(0)
        self._halves = self._cut(self.real)
        self._mels = self._cut_mel(self.real)

    def training(self) -> tuple[Dataset, TrainingSpec]:
        rate = self._preset.sample_rate
        return datasets.load(self._path, self._preset.training, sample_rate=rate)

    def samples(self, saved: Checkpoint) -> list[Tensor]:
        return draw_samples(saved, self.real.shape[1], self.rate, self._gain)

    def floors(self) -> Row:
        return {
            "floor": self.floor(),
            "noise": self.distance(spectral_noise(self.real, seed=0)),
            "spectrum_floor": floor(sound.spectrum_distance, self._mels),
        }

    def floor(self) -> float:
        """The distance of one half of the clip from the other."""
        return floor(self._distance, self._halves)

    def measure(self, samples: list[Tensor]) -> Row:
        return average([self._one(sample) for sample in samples])

    def _one(self, sample: Tensor) -> Row:
        statistics = sound.texture_statistics(sample, self.rate)
        return {
            "distance": self.distance(sample),
            "spectrum": self.spectrum(sample),
            "loudness": self.loudness(sample),
            "variety": variety(statistics, self._all),
        }

    def distance(self, sample: Tensor) -> float:
        return mean_distance(self._distance, self._cut(sample), self._halves)

    def spectrum(self, sample: Tensor) -> float:
        """Between the long-term spectra, in decibels."""
        return mean_distance(sound.spectrum_distance, self._cut_mel(sample), self._mels)

    def loudness(self, sample: Tensor) -> float:
        """A share of the clip's own."""
        return float(sample.std() / self.real.std())

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
