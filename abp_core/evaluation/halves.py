"""Distances between signals, and their floor: a real signal's one half against its other half.

A half of a sample is compared with a half of the real signal, so that both sides hold as much
data as the two sides of the floor do: a perfect generator would stand at about the floor.
"""

from collections.abc import Callable, Sequence
from itertools import product
from statistics import fmean
from typing import TypeVar

import torch
from torch import Tensor

Feature = TypeVar("Feature")
Distance = Callable[[Feature, Feature], float]

MOST_DEVIATIONS = 10.0  # that one statistic counts; one that hardly varies must not rule
MOST_ALIKE = 0.5  # correlation of a picture with itself, half a picture on, that is no repeat


def halves(signal: Tensor, least: int = 1) -> list[tuple[Tensor, Tensor]]:
    """A signal (c, h, w) or (c, n) cut in two along each axis whose half is at least `least` long;
    an odd middle is left out."""
    pairs = []
    for axis in range(1, signal.ndim):
        size = signal.shape[axis]
        half = size // 2
        if half >= least:
            pairs.append((signal.narrow(axis, 0, half), signal.narrow(axis, size - half, half)))
    return pairs


def without_repeat(picture: Tensor) -> Tensor:
    """The part of a picture (c, h, w) that holds everything once.

    Some tileable pictures show all of it twice, the second time half the picture down and half
    across; their halves would be copies of each other and the floor nothing. Then it is the top
    half.
    """
    _, height, width = picture.shape
    moved = picture.roll((height // 2, width // 2), (1, 2))
    channels = picture.flatten(1)
    centred, twin = (
        (x.flatten(1) - channels.mean(1, keepdim=True)).flatten() for x in (picture, moved)
    )
    alike = float(centred @ twin / centred.square().sum().clamp(min=1e-12))
    return picture[:, : height // 2] if alike > MOST_ALIKE else picture


def spectral_noise(signal: Tensor, seed: int) -> Tensor:
    """Stationary Gaussian noise with the spectrum of a signal (c, h, w) or (c, n): its phases are
    replaced by random ones, the same for all channels (Galerne et al., Random Phase Textures,
    2011). What a model must beat to have learnt more than a spectrum."""
    axes = tuple(range(1, signal.ndim))
    draw = torch.Generator().manual_seed(seed)
    mean = signal.mean(axes, keepdim=True)
    white = torch.fft.rfftn(torch.randn(signal.shape[1:], generator=draw))
    turned = torch.fft.rfftn(signal - mean, dim=axes) * white / white.abs()
    noise: Tensor = mean + torch.fft.irfftn(turned, s=signal.shape[1:], dim=axes)
    return noise


def floor(distance: Distance[Feature], real: Sequence[tuple[Feature, Feature]]) -> float:
    """Mean distance between the two halves of a real signal, over the ways it is cut."""
    return fmean(distance(a, b) for a, b in real)


def mean_distance(
    distance: Distance[Feature],
    sample: Sequence[tuple[Feature, Feature]],
    real: Sequence[tuple[Feature, Feature]],
) -> float:
    """Mean distance between every half of a sample and every half of the real signal."""
    ours, theirs = ([half for pair in pairs for half in pair] for pairs in (sample, real))
    return fmean(distance(a, b) for a, b in product(ours, theirs))


def deviations(a: Tensor, b: Tensor, unit: Tensor) -> float:
    """How far the mean statistics of parts a (n, k) and b (m, k) lie apart: the root mean square
    over the k statistics of difference / unit, each counted as at most MOST_DEVIATIONS.

    unit (k,): every statistic's own standard deviation over parts of the real signal. Statistics
    on their natural scales would be ruled by the few large ones.
    """
    difference = (a.mean(0) - b.mean(0)).abs()
    # A statistic that never varies in the real signal: equal is 0, unequal counts in full.
    ratio = (difference / unit).nan_to_num(nan=0.0, posinf=MOST_DEVIATIONS)
    return float(ratio.clamp(max=MOST_DEVIATIONS).square().mean().sqrt())


def variety(sample: Tensor, real: Tensor) -> float:
    """The median over k statistics of the ratio of their standard deviations over the parts of a
    sample (n, k) and of the real signal (m, k): below 1, the sample is more monotonous."""
    spread = real.std(0)
    varying = spread > 0
    return float((sample.std(0)[varying] / spread[varying]).median())
