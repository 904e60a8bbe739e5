"""Pictures and sounds as blocks, and Gaussian fields that look as maps of them do."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

FADING = 8  # a spot fades in and out along such a part of its sides


def to_blocks(x: Tensor, unit: int) -> Tensor:
    """Signals (n, c, ...) in whole blocks of `unit` entries along each axis as blocks (n, *grid,
    c * unit ^ axes)."""
    n, channels, *extent = x.shape
    x = x.reshape(n, channels, *(part for size in extent for part in (size // unit, unit)))
    grid, within = range(2, x.ndim, 2), range(3, x.ndim, 2)
    return x.permute(0, *grid, 1, *within).flatten(1 + len(extent))


def from_blocks(blocks: Tensor, channels: int) -> Tensor:
    """The inverse of `to_blocks`."""
    n, *grid, entries = blocks.shape
    axes = len(grid)
    unit = round((entries / channels) ** (1 / axes))
    x = blocks.reshape(n, *grid, channels, *[unit] * axes)
    pairs = (axis for k in range(axes) for axis in (1 + k, 2 + axes + k))
    x = x.permute(0, 1 + axes, *pairs)
    return x.reshape(n, channels, *(unit * size for size in grid))


def spot_noise(spot: Tensor, white: Tensor) -> Tensor:
    """Stationary Gaussian fields (n, *torus, d) with the covariance, channels among each other
    included, of a map (*grid, d) of mean zero: white Gaussian noise (n, *torus), at least as large,
    convolved with it (Galerne, Gousseau and Morel 2011, section 3.2).

    The map's sides do not meet as its neighbours do, so it fades towards them.
    """
    axes = spot.ndim - 1
    for axis, n in enumerate(spot.shape[:-1]):
        fade = (_distance_to_end(n) * FADING / n).clamp(max=1).mul(math.pi / 2).sin()
        fade = fade / fade.square().sum().sqrt()
        spot = spot * fade.view(-1, *[1] * (axes - axis))
    over, shape = tuple(range(1, 1 + axes)), white.shape[1:]
    beyond = [a - b for a, b in zip(shape, spot.shape, strict=False)]
    torus = F.pad(spot, [0, 0, *(side for n in reversed(beyond) for side in (0, n))])[None]
    phases = torch.fft.rfftn(white, dim=over)[..., None]
    spectrum = torch.fft.rfftn(torus, dim=over)
    fields: Tensor = torch.fft.irfftn(spectrum * phases, s=shape, dim=over)
    return fields


def _distance_to_end(n: int) -> Tensor:
    """Of n places in a row, from half a place on."""
    place = torch.arange(n) + 0.5
    return torch.minimum(place, n - place)
