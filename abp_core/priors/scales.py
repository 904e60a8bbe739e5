"""A map of latents at other scales, in which every position keeps its place in the plane.

Maps here are (c, rows, columns); a line of time is one row.
"""

import math
from fractions import Fraction

import torch
from torch import Tensor

RATIO = Fraction(4, 3)  # between the extents of a scale and the next coarser one
GRAIN = 2**22  # whole numbers of latents at most, which fit single precision
PARTS = 2**20  # parts of a position

Range = tuple[int, int]  # from the first position to before the last


def overlaps(wanted: Range, ratio: Fraction, there: Range) -> Tensor:
    """How much of every position of a range, each `ratio` long, is covered by every position of
    another range of unit length, (wanted, there), float64."""
    low = torch.arange(*wanted, dtype=torch.float64)[:, None] * float(ratio)
    first = torch.arange(*there, dtype=torch.float64)[None]
    covered = torch.minimum(low + float(ratio), first + 1) - torch.maximum(low, first)
    return covered.clamp(min=0)


def shrink(z: Tensor, ratio: Fraction) -> Tensor:
    """The map with positions `ratio` times as sparse along every axis of more than one, each the
    mean over the area that it covers; what is left over at the end is cut.

    Latents and shares are rounded to whole numbers, whose sums have no error: what is left is the
    same on every machine.
    """
    if ratio == 1:
        return z.contiguous()
    unit = 2.0 ** math.ceil(math.log2(max(float(z.abs().max()), 1e-30))) / GRAIN
    mean = (z.double() / unit).round().long()
    for axis, n in enumerate(z.shape[1:], start=1):
        if n > 1:
            mean = _means(mean.movedim(axis, -1), min(ratio, Fraction(n))).movedim(-1, axis)
    return (mean * unit).to(z.dtype).contiguous()


def _means(z: Tensor, ratio: Fraction) -> Tensor:
    """Of whole numbers (..., n), the mean of every stretch `ratio` long, to whole numbers: the
    difference of two sums from the beginning."""
    ends = torch.arange(int(z.shape[-1] / ratio) + 1) * ratio.numerator
    whole = torch.div(ends, ratio.denominator, rounding_mode="floor")
    share = ((ends - whole * ratio.denominator).double() / ratio.denominator * PARTS).round()
    nothing = torch.zeros_like(z[..., :1])
    until = torch.cat([nothing, z.cumsum(-1)], -1)[..., whole] * PARTS
    until += torch.cat([z, nothing], -1)[..., whole] * share.long()
    return (until.diff(dim=-1).double() / (PARTS * float(ratio))).round().long()


def coarse_range(wanted: Range, ratio: Fraction) -> Range:
    """The positions of a coarser map, `ratio` times as sparse, between which those wanted lie."""
    low, high = (
        Fraction(2 * i + 1, 2) / ratio - Fraction(1, 2) for i in (wanted[0], wanted[1] - 1)
    )
    return low.__floor__(), high.__floor__() + 2


def enlarge(z: Tensor, axis: int, at: int, wanted: Range, ratio: Fraction) -> Tensor:
    """The positions wanted of a finer map, along one axis, between those of a coarser one that
    begins with position `at`. What stands at a position depends on nothing but its place."""
    a, b = ratio.numerator, ratio.denominator
    doubled = (2 * torch.arange(*wanted) + 1) * b - a  # the place in the coarser map, times 2 a
    below = torch.div(doubled, 2 * a, rounding_mode="floor")
    share = (doubled - 2 * a * below).to(z.dtype) / (2 * a)
    share = share.view([-1 if k == axis else 1 for k in range(z.ndim)])
    left, right = (z.index_select(axis, below - at + step) for step in (0, 1))
    return left * (1 - share) + right * share
