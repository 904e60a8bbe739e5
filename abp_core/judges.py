"""Who says how samples differ from the data: a descriptor network, and statistics."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from abp_core.metrics import objects, sound, texture
from abp_core.spec import Kind

WIDTH = 32  # features of the descriptor's first layer
LAYERS = 4  # each halves the picture
OUTLIER = 2.0  # deviations beyond which a statistic pulls no harder
DIRECTIONS = 32  # along which the patches of a set's pictures are compared, at each scale
SPACING = 3  # pixels between patches that are compared
PICTURES = 256  # of a set whose contrast at each scale is taken


class Statistics(Protocol):
    """Of data, pooled over its examples."""

    def distance(self, signals: Tensor, number: int = 0) -> Tensor:
        """Of as many signals as there may be, together: 0 where they have the same statistics.
        number: of the lesson, for judges that look at a random part of the data."""


def statistics(kind: Kind, signals: Tensor, sample_rate: int) -> Statistics:
    """Of a kind of data. sample_rate: of sounds, in hertz."""
    if kind == "sound":
        return SoundStatistics(signals, sample_rate)
    return TextureStatistics(signals) if kind == "texture" else PatchStatistics(signals)


class Descriptor(nn.Module):
    """Scores patches of pictures at one scale: (n, c, h, w) -> (n, 1, h / 16, w / 16)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels, *(WIDTH * min(2**layer, 4) for layer in range(LAYERS))]
        self.layers = nn.ModuleList(
            _bounded(nn.Conv2d(before, after, 4, stride=2, padding=1))
            for before, after in pairwise(widths)
        )
        self.score = _bounded(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        h = x.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.2)
        scores: Tensor = self.score(h)
        return scores


def _bounded(layer: nn.Conv2d) -> nn.Module:
    """A layer whose weights have spectral norm 1. torch's own property keeps the layer alive in a
    circle, which only the collector would free; the same property without it does not."""
    bounded = spectral_norm(layer)
    own = property(lambda self: self.parametrizations.weight())
    type(bounded).weight = own  # type: ignore[attr-defined]
    return bounded


class TextureStatistics:
    """The joint statistics of wavelet coefficients of Portilla and Simoncelli (2000), and the
    marginals of colour. Pictures (n, 3 or 1, h, w), sides of at least SMALLEST_TAUGHT."""

    def __init__(self, pictures: Tensor) -> None:
        import plenoptic  # here: only learning from a texture needs all that it brings along

        size = (pictures.shape[2], pictures.shape[3])
        scales = min(4, int(math.log2(min(size) / 16)) + 1)
        model = plenoptic.models.PortillaSimoncelli(size, n_scales=scales)
        self._pooled: Callable[[Tensor], Tensor] = model.to(pictures.device)
        # Crops that show nearly the same vary in hardly anything; a hundredth is near enough.
        self._mean, self._unit = _moments(self._of(pictures), precision=0.01)
        whole = pictures.transpose(0, 1).flatten(2)
        self._marginals = texture.marginals(whole)
        self._spread = self._marginals.std(1).clamp(min=1 / texture.GREY_LEVELS)[:, None]

    def distance(self, signals: Tensor, number: int = 0) -> Tensor:
        whole = signals.transpose(0, 1).flatten(2)
        colour = (texture.marginals(whole) - self._marginals) / self._spread
        apart = (self._of(signals).mean(0) - self._mean) / self._unit
        return _robust(apart) + colour.square().mean()

    def _of(self, pictures: Tensor) -> Tensor:
        grey = torch.stack([texture.luminance(picture) for picture in pictures])[:, None]
        return self._pooled(grey)[:, 0]


class SoundStatistics:
    """The statistics of sound textures of McDermott and Simoncelli (2011), and the long-term
    spectrum. Sounds (n, 1, length) of at least SHORTEST_TAUGHT seconds."""

    def __init__(self, sounds: Tensor, sample_rate: int) -> None:
        self._rate = sample_rate
        few = sounds.tensor_split(max(1, len(sounds) // 8))  # at a time, to bound memory
        every = torch.cat([self._of(some) for some in few])
        # The level of a steady sound varies by less than a hundredth, and the ear hears it.
        self._mean, self._unit = _moments(every, precision=0.001)

    def distance(self, signals: Tensor, number: int = 0) -> Tensor:
        return _robust((self._of(signals).mean(0) - self._mean) / self._unit)

    def _of(self, sounds: Tensor) -> Tensor:
        mono = sounds[:, 0]
        spectrum = sound.long_term(sound.log_mel(mono, self._rate))
        return torch.cat([sound.pooled(sound.envelopes(mono, self._rate)), spectrum], dim=1)


class PatchStatistics:
    """Patches of 7 x 7 pixels at every scale of a Laplacian pyramid, wherever they lie: the sliced
    Wasserstein distance of Karras et al. (2018) as a loss. Pictures (n, 1 or 3, h, w) of a set."""

    def __init__(self, pictures: Tensor) -> None:
        self._pictures = pictures
        some = pictures[:: max(1, len(pictures) // PICTURES)]
        self._scales = [
            (
                level.mean((0, 2, 3), keepdim=True),
                level.std((0, 2, 3), keepdim=True).clamp(min=1e-6),
            )
            for level in objects.laplacian_pyramid(some)
        ]

    def distance(self, signals: Tensor, number: int = 0) -> Tensor:
        """From as many of the pictures, along directions that are others for every number: those
        of a fixed choice would soon be all that is right."""
        draw = torch.Generator().manual_seed(number)
        chosen = torch.randint(len(self._pictures), (len(signals),), generator=draw)
        data = self._pictures[chosen.to(signals.device)]
        shape = (DIRECTIONS, signals.shape[1], objects.PATCH, objects.PATCH)
        apart = []
        levels = zip(
            objects.laplacian_pyramid(signals), objects.laplacian_pyramid(data), strict=True
        )
        for both, (mean, unit) in zip(levels, self._scales, strict=True):
            filters = F.normalize(torch.randn(shape, generator=draw).flatten(1)).view(shape)
            made, real = (_along(filters.to(mean), (level - mean) / unit) for level in both)
            apart.append((made - real).abs().mean())
        return torch.stack(apart).mean()


def repeated(signals: Tensor, period: int) -> Tensor:
    """The share of the variance of sounds (n, 1, length) that comes again with every period, less
    what chance would leave: a hum in step with the latent map, where squared error can only agree
    on a mean. Signals of the data have none, since segments begin anywhere."""
    turns = signals.shape[2] // period
    rows = signals[:, 0, : turns * period].reshape(-1, period)
    chance = 1 / len(rows)
    share = rows.mean(0).var(unbiased=False) / rows.var(unbiased=False).clamp(min=1e-9)
    return (share - chance) / (1 - chance)


def _along(filters: Tensor, level: Tensor) -> Tensor:
    """Patches of (n, c, h, w) along directions (k, c, p, p), sorted: (k, patches)."""
    return F.conv2d(level, filters, stride=SPACING).transpose(0, 1).flatten(1).sort(1).values


def _moments(every: Tensor, *, precision: float) -> tuple[Tensor, Tensor]:
    """Mean and deviation (k,) of statistics (n, k); no deviation is below a share of its mean."""
    mean = every.mean(0)
    return mean, torch.maximum(every.std(0), mean.abs() * precision).clamp(min=1e-6)


def _robust(apart: Tensor) -> Tensor:
    return F.smooth_l1_loss(apart, torch.zeros_like(apart), beta=OUTLIER)
