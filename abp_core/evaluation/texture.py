"""Textures: crops for texture statistics, the marginals of colour, and copied patches."""

import torch
from torch import Tensor
from torch.nn import functional as F

CROP = 128  # pixels along a side of the crops whose statistics are compared
PATCH = 32  # pixels along a side of the patches that are looked for
GREY_LEVELS = 255.0

# Rec. 601: luminance and the two differences of colour, the latter scaled to [-.5, .5].
_OPPONENT = torch.tensor(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)


def luminance(picture: Tensor) -> Tensor:
    """A picture (1 or 3, h, w) in [-1, 1] as its luminance (h, w) in [0, 1] (Rec. 601).

    Dithered by half a grey level: a flat stretch, whose statistics would be 0 / 0, gets those of
    the rounding that made it flat.
    """
    grey = ((_opponent(picture)[0] + 1) / 2).clamp(0, 1)
    draw = torch.Generator().manual_seed(0)
    return grey + (torch.rand(grey.shape, generator=draw) - 0.5) / GREY_LEVELS


def crops(picture: Tensor, size: int, stride: int) -> Tensor:
    """All crops (n, c, size, size) of a picture (c, h, w) whose corners lie on a grid."""
    windows = picture.unfold(1, size, stride).unfold(2, size, stride)
    return windows.permute(1, 2, 0, 3, 4).flatten(0, 1)


def marginals(picture: Tensor, levels: int = 256) -> Tensor:
    """Quantiles (c, levels) of luminance and, for a colour picture, of its two colour
    differences, in signal units."""
    values = _opponent(picture).flatten(1).sort(1).values
    ranks = (torch.arange(levels) + 0.5) / levels * values.shape[1]
    return values[:, ranks.long()]


def marginal_distance(a: Tensor, b: Tensor, unit: Tensor) -> float:
    """First Wasserstein distance between the marginals a and b (c, levels), each channel in units
    of its standard deviation in the real picture (c,); the mean over the channels.

    In one dimension it is the mean distance between equal quantiles.
    """
    return float(((a - b).abs().mean(1) / unit.clamp(min=1 / GREY_LEVELS)).mean())


def best_matches(patches: Tensor, picture: Tensor) -> Tensor:
    """For each patch (n, c, p, p) its highest normalised cross-correlation (n,) with any place of
    a picture (c, h, w); 1 is a copy, up to brightness and contrast.

    Each channel's mean over the window is taken off, both sides are scaled to unit length over
    all channels (Lewis, Fast Normalized Cross-Correlation, 1995). A patch without any contrast
    matches nothing: 0. Windows with less than a grey level of contrast are left out.
    """
    _, c, p, _ = patches.shape
    least = c * p**2 / GREY_LEVELS**2
    centred = patches - patches.mean((2, 3), keepdim=True)
    own = centred.square().sum((1, 2, 3)).clamp(min=least)
    product = F.conv2d(picture[None] - picture.mean((1, 2), keepdim=True), centred)
    # In double precision: a window's energy is a small difference of large sums.
    exact = picture.double()
    energy = (_window_sums(exact.square(), p) - _window_sums(exact, p).square() / p**2).sum(0)
    windows = torch.where(energy > least, energy, torch.inf).float()
    highest: Tensor = (product[0] / windows.sqrt()).amax((1, 2))
    return highest / own.sqrt()


def _window_sums(picture: Tensor, p: int) -> Tensor:
    """Sums (c, h - p + 1, w - p + 1) over all p x p windows of (c, h, w)."""
    rows = F.avg_pool2d(picture[None], (p, 1), 1)
    return F.avg_pool2d(rows, (1, p), 1)[0] * p**2


def _opponent(picture: Tensor) -> Tensor:
    """(1, h, w) as it is, (3, h, w) as luminance and two differences of colour."""
    if len(picture) == 1:
        return picture
    return torch.einsum("ij,jhw->ihw", _OPPONENT.to(picture), picture)
