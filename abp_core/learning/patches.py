"""The sliced Wasserstein distance between the patches of pictures, at every scale."""

from collections.abc import Callable
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
        """device: where signals are compared with some of them, if that is not where they lie."""
        self._pictures = pictures
        some = pictures[:: max(1, len(pictures) // SOME)].to(device or pictures.device)
        self._scales = [
            (
                level.mean((0, 2, 3), keepdim=True),
                level.std((0, 2, 3), keepdim=True).clamp(min=1e-6),
            )
            for level in laplacian_pyramid(some)
        ]

    def draw(self, n: int, number: int = 0) -> dict[str, Tensor]:
        """The n pictures that signals are compared with, and along which directions (scales, k,
        c p p), where the pictures lie. They are others for every number: those of a fixed choice
        would soon be all that is right."""
        draw = torch.Generator().manual_seed(number)
        chosen = torch.randint(len(self._pictures), (n,), generator=draw)
        shape = (DIRECTIONS, self._pictures.shape[1], PATCH, PATCH)
        directions = [
            F.normalize(torch.randn(shape, generator=draw).flatten(1)) for _ in self._scales
        ]
        return {"data": self._pictures[chosen], "directions": torch.stack(directions)}

    def distance(self, signals: Tensor, data: Tensor, directions: Tensor) -> Tensor:
        """From as many of the pictures, as they were drawn."""
        apart = []
        levels = zip(laplacian_pyramid(signals), laplacian_pyramid(data), strict=True)
        for both, (mean, unit), along in zip(levels, self._scales, directions, strict=True):
            made, real = (_project_patches(along, (level - mean) / unit) for level in both)
            apart.append((made - real).abs().mean())
        return torch.stack(apart).mean()


def laplacian_pyramid(pictures: Tensor) -> list[Tensor]:
    """Pictures (n, c, h, w) as band-passes, each half the size of the one before, and at last what
    is left; no level is smaller than SMALLEST_LEVEL (Burt and Adelson, 1983)."""
    levels = []
    while min(pictures.shape[2:]) >= 2 * SMALLEST_LEVEL:
        smaller = _along_both(_halving, pictures)
        larger = _along_both(_doubling, smaller, pictures.shape)
        levels.append(pictures - larger)
        pictures = smaller
    return [*levels, pictures]


def _project_patches(filters: Tensor, level: Tensor) -> Tensor:
    """Patches of (n, c, h, w) along directions (k, c p p), sorted: (k, patches). A product of
    matrices, which is single precision also where convolutions are less (see device.py)."""
    found = filters @ F.unfold(level, PATCH, stride=SPACING)
    return found.transpose(0, 1).flatten(1).sort(1).values


# Blurring and enlarging are linear along each axis. As matrices they are fast, and unlike mirroring
# and interpolation their gradient is the same every time on a card, too.


def _along_both(
    matrix: Callable[[int, torch.device], Tensor], pictures: Tensor, size: torch.Size | None = None
) -> Tensor:
    """Maps (n, c, h, w) by matrix(length, device), (before, after), along both axes. size: from
    which the lengths are taken, where that is not the pictures' own."""
    h, w = (size or pictures.shape)[2:]
    mapped: Tensor = matrix(h, pictures.device).T @ pictures @ matrix(w, pictures.device)
    return mapped


@cache
def _halving(length: int, device: torch.device) -> Tensor:
    """Every second entry of a line under the binomial filter of 5 taps, mirrored at its ends."""
    with torch.inference_mode(False):  # it is kept
        line = torch.tensor([[[1.0, 4.0, 6.0, 4.0, 1.0]]]) / 16
        mirrored = F.pad(torch.eye(length)[:, None], (2, 2), mode="reflect")
        return F.conv1d(mirrored, line, stride=2)[:, 0].to(device)


@cache
def _doubling(length: int, device: torch.device) -> Tensor:
    """A line of half that length (rounded up), interpolated to it."""
    with torch.inference_mode(False):
        units = torch.eye((length + 1) // 2)[:, None]
        return F.interpolate(units, size=length, mode="linear")[:, 0].to(device)
