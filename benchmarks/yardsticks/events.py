"""Plain figures of what happens in a sound: when it begins, how loud it is, how it rings."""

from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, pstdev

import torch
from torch import Tensor
from torch.nn import functional as F

from abp_core.evaluation.sound import log_mel

FRAMES = 100  # a second, of a log-mel spectrogram
RANGE = 60.0  # decibels below the loudest, where a spectrogram ends
RISE = 2  # frames within which a beginning rises
APART = 5  # frames on both sides of a beginning without a stronger one
RING = slice(10, 30)  # frames after a beginning: from .1 to .3 s
LEVELS = 200  # quantiles


def spectrogram(sound: Tensor, rate: int, loudest: float | None = None) -> Tensor:
    """Log-mel (bands, frames) of a sound (1, length) in decibels, cut off RANGE below `loudest`,
    its own loudest entry unless told."""
    mel = log_mel(sound, rate)[0]
    top = float(mel.max()) if loudest is None else loudest
    return mel.clamp(min=top - RANGE)


@dataclass(frozen=True, slots=True)
class Events:
    """rate: beginnings a second. interval: their median distance, in seconds. spread: the
    deviation of the intervals as a share of their mean; a clock's is next to nothing. ring: how
    many decibels a stroke has lost, over the bands in which it began, in .1 to .3 s. All but the
    rate are NaN where there are too few."""

    rate: float
    interval: float
    spread: float
    ring: float


def rise(mel: Tensor) -> Tensor:
    """How strongly something begins at each frame of a spectrogram (bands, frames): the mean over
    the bands of what became louder within RISE frames, in decibels (spectral flux: Dixon, Onset
    Detection Revisited, 2006)."""
    return F.pad((mel[:, RISE:] - mel[:, :-RISE]).clamp(min=0).mean(0), (1, 1))


def threshold(mel: Tensor) -> float:
    """What counts as a beginning: half-way from a usual rise to the strongest hundredth."""
    strength = rise(mel)
    usual, strong = float(strength.median()), float(strength.quantile(0.99))
    return (usual + strong) / 2


def beginnings(mel: Tensor, least: float) -> Tensor:
    """Frames of a spectrogram at which something begins with a rise above `least`."""
    strength = rise(mel)
    strongest = F.max_pool1d(strength[None], 2 * APART + 1, 1, APART)[0]
    return ((strength == strongest) & (strength > least)).nonzero()[:, 0]


def events(mel: Tensor, least: float) -> Events:
    """Of a spectrogram (bands, frames); least: the `threshold` of the original, so that what begins
    weakly in a sample does not count as in the original."""
    at = beginnings(mel, least).tolist()
    apart = [(b - a) / FRAMES for a, b in pairwise(at)]
    enough = len(apart) >= 2
    return Events(
        rate=len(at) * FRAMES / mel.shape[1],
        interval=median(apart) if enough else torch.nan,
        spread=pstdev(apart) / fmean(apart) if enough else torch.nan,
        ring=_ring(mel, at),
    )


def _ring(mel: Tensor, at: list[int]) -> float:
    """The mean loss after beginnings, each over the tenth of the bands that are loudest then, up
    to the next beginning."""
    losses = []
    for start, following in pairwise([*at, mel.shape[1]]):
        stop = min(start + RING.stop, following - RISE)
        if stop - start <= RING.start:
            continue
        struck = mel[:, start : start + RISE + 1].amax(1)
        loud = struck.topk(max(1, len(struck) // 10)).indices
        left = mel[loud, start + RING.start : stop].mean()
        losses.append(float(struck[loud].mean() - left))
    return fmean(losses) if losses else torch.nan


def levels(mel: Tensor) -> Tensor:
    """Quantiles (LEVELS,) of the loudness of frames, in decibels."""
    power = (10 ** (mel / 10)).mean(0)
    return _quantiles(10 * power.log10())


def notes(mel: Tensor) -> Tensor:
    """Quantiles (LEVELS,) of how far each frame's strongest band stands above the frame's mean
    power, in decibels: much in a note, little in noise."""
    power = (10 ** (mel / 10)).mean(0)
    return _quantiles(mel.amax(0) - 10 * power.log10())


def _quantiles(values: Tensor) -> Tensor:
    return values.quantile((torch.arange(LEVELS) + 0.5) / LEVELS)
