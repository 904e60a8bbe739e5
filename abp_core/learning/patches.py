"""The sliced Wasserstein distance between the patches of pictures, at every scale."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

PATCH = 7  # pixels along a side
SMALLEST_LEVEL = 16  # pixels along a side
DIRECTIONS = 32  # along which patches are compared, at each scale
SPACING = 3  # pixels between patches that are compared
SOME = 256  # pictures of the set whose contrast at each scale is taken


class PatchLoss:
    """Patches of 7 x 7 pixels at every scale of a Laplacian pyramid, wherever they lie: the sliced
    Wasserstein distance of Karras et al. (2018) as a loss. Pictures (n, 1 or 3, h, w) of a set."""

    def __init__(self, pictures: Tensor, device: torch.device | None = None) -> None:
        """device: where they are compared, if that is not where they lie."""
        self._pictures = pictures
        some = pictures[:: max(1, len(pictures) // SOME)].to(device or pictures.device)
        self._scales = [
            (
                level.mean((0, 2, 3), keepdim=True),
                level.std((0, 2, 3), keepdim=True).clamp(min=1e-6),
            )
            for level in laplacian_pyramid(some)
        ]

    def distance(self, signals: Tensor, number: int = 0) -> Tensor:
        """From as many of the pictures, along directions that are others for every number: those
        of a fixed choice would soon be all that is right."""
        draw = torch.Generator().manual_seed(number)
        chosen = torch.randint(len(self._pictures), (len(signals),), generator=draw)
        data = self._pictures[chosen.to(self._pictures.device)].to(signals.device)
        shape = (DIRECTIONS, signals.shape[1], PATCH, PATCH)
        apart = []
        levels = zip(laplacian_pyramid(signals), laplacian_pyramid(data), strict=True)
        for both, (mean, unit) in zip(levels, self._scales, strict=True):
            filters = F.normalize(torch.randn(shape, generator=draw).flatten(1)).view(shape)
            made, real = (
                _project_patches(filters.to(mean), (level - mean) / unit) for level in both
            )
            apart.append((made - real).abs().mean())
        return torch.stack(apart).mean()


def laplacian_pyramid(pictures: Tensor) -> list[Tensor]:
    """Pictures (n, c, h, w) as band-passes, each half the size of the one before, and at last what
    is left; no level is smaller than SMALLEST_LEVEL (Burt and Adelson, 1983)."""
    levels = []
    while min(pictures.shape[2:]) >= 2 * SMALLEST_LEVEL:
        smaller = _blur(pictures)[:, :, ::2, ::2]
        larger = F.interpolate(smaller, size=pictures.shape[2:], mode="bilinear")
        levels.append(pictures - larger)
        pictures = smaller
    return [*levels, pictures]


def _project_patches(filters: Tensor, level: Tensor) -> Tensor:
    """Patches of (n, c, h, w) along directions (k, c, p, p), sorted: (k, patches)."""
    return F.conv2d(level, filters, stride=SPACING).transpose(0, 1).flatten(1).sort(1).values


def _blur(pictures: Tensor) -> Tensor:
    """The 5 x 5 binomial filter, mirrored at the border."""
    channels = pictures.shape[1]
    kernel = _binomial(pictures.device).expand(channels, 1, 5, 5)
    return F.conv2d(F.pad(pictures, (2, 2, 2, 2), mode="reflect"), kernel, groups=channels)


@cache
def _binomial(device: torch.device) -> Tensor:
    """Moved to a device once."""
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    return torch.outer(line, line).to(device)
