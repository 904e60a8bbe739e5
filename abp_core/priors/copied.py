"""How much of a draw is a copy: how near it is to what was learnt from, beside others."""

import torch
from torch import Tensor
from torch.nn import functional as F

SAME = 0.15  # of the variance between two patches; independent ones are 2 apart
AT_ONCE = 256


def share_copied(drawn: Tensor, exemplar: Tensor, side: int, stride: int = 2) -> float:
    """The share of patches of `side` positions in a map (c, *extent) that are all but the same as
    one of the exemplar's (c, *extent): what is left of it differs by less than SAME."""
    ours, theirs = _patches(drawn, side, stride), _patches(exemplar, side, 1)
    least = nearest(ours, theirs).square() / ours.shape[1]
    return float((least < SAME * exemplar.var()).float().mean())


def nearest(a: Tensor, b: Tensor) -> Tensor:
    """The distance (n,) of each row of a (n, d) from the nearest of b (m, d): for latents of a set,
    to be compared with that of latents that were held back."""
    return torch.cat([torch.cdist(part, b).min(1).values for part in torch.split(a, AT_ONCE)])


def _patches(z: Tensor, side: int, stride: int) -> Tensor:
    z = z if z.ndim == 3 else z[:, None]
    size = (min(side, z.shape[1]), min(side, z.shape[2]))
    return F.unfold(z[None], size, stride=stride)[0].T
