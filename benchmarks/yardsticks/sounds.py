"""A sound in all figures that nothing learns from; all are taken from log-mel spectrograms."""

import dataclasses
from collections.abc import Sequence
from statistics import fmean

from torch import Tensor
from torch.nn import functional as F

from abp_core.evaluation.copying import CopyingYardstick
from benchmarks.yardsticks import Row, critic
from benchmarks.yardsticks.events import (
    FRAMES,
    Events,
    events,
    levels,
    notes,
    spectrogram,
    threshold,
)

PATCHES = {"0.1s": 0.1, "1s": 1.0}
CRITIC_CROP = 32  # pairs of bands, and of frames: .64 s


class SoundClip:
    """An original (1, length), at `rate` samples a second."""

    def __init__(self, original: Tensor, rate: int) -> None:
        self._rate = rate
        self._mel = spectrogram(original, rate)
        self._loudest = float(self._mel.max())
        self._usual = self._mel.mean(1, keepdim=True)
        self._least = threshold(self._mel)
        self._copying = {
            name: CopyingYardstick(self._told(self._mel), (round(t * FRAMES),), centred=False)
            for name, t in PATCHES.items()
        }

    def floors(self) -> Row:
        """Of the original itself: its `events`, how well a critic tells its halves apart, how far
        their loudness and their notes differ, and the correlation above which a patch is copied."""
        half = self._mel.shape[1] // 2
        one, other = self._mel[:, :half], self._mel[:, -half:]
        return {
            **dataclasses.asdict(self._events(self._mel)),
            "critic": critic.between_halves(_picture(self._mel), crop=CRITIC_CROP),
            "levels": _apart(levels(one), levels(other)),
            "notes": _apart(notes(one), notes(other)),
            **{f"near_{name}": copying.near() for name, copying in self._copying.items()},
        }

    def measure(self, samples: Sequence[Tensor]) -> Row:
        """The same of samples (1, length); levels, notes: mean difference of quantiles from the
        original's, in decibels. Means over the samples."""
        mels = [spectrogram(sample, self._rate, self._loudest) for sample in samples]
        found = [dataclasses.asdict(self._events(mel)) for mel in mels]
        row: Row = {name: fmean(one[name] for one in found) for name in found[0]}
        pictures = [_picture(mel) for mel in mels]
        row["critic"] = critic.against(_picture(self._mel), pictures, crop=CRITIC_CROP)
        row["levels"] = fmean(_apart(levels(mel), levels(self._mel)) for mel in mels)
        row["notes"] = fmean(_apart(notes(mel), notes(self._mel)) for mel in mels)
        for name, copying in self._copying.items():
            row[f"copied_{name}"] = fmean(copying.copied(self._told(mel)) for mel in mels)
            row[f"repeated_{name}"] = fmean(copying.repeated(self._told(mel)) for mel in mels)
        return row

    def _told(self, mel: Tensor) -> Tensor:
        """What a spectrogram says beyond the original's usual one."""
        return mel - self._usual

    def _events(self, mel: Tensor) -> Events:
        return events(mel, self._least)


def _picture(mel: Tensor) -> Tensor:
    """(1, bands / 2, frames / 2)."""
    return F.avg_pool2d(mel[None], 2)


def _apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().mean())
