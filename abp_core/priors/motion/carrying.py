"""What moves is carried along its motion: to a moment between two frames, or on beyond them.

Of all straight motions through a place of the moment asked for, those count along which the two
frames agree in what is about it, each the more the better they do. Beyond a frame a place moves as
what is there in that frame does.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

PATCH = 5  # pairs of pixels along the squares that are compared
CERTAINTY = 0.5  # of a motion: how much less likely is what differs by so much more than the best
UNLIKELY = 1e-3  # a motion that is nowhere likelier is passed over

Way = tuple[int, int]  # pixels down and to the right


def carry(a: Tensor, b: Tensor, share: float, reach: int) -> Tensor:
    """The frame (1, c, h, w) at a share of the way from the frame a to b, which is a mixture of
    both; of a share above 1 it is what was at b, moved on. reach: pixels to every side that are
    covered at most from a to b."""
    edge = math.ceil(max(1.0, share)) * reach
    height, width = a.shape[2:]
    here, there = (F.pad(x, [edge] * 4, mode="replicate") for x in (a, b))
    greys = [x.mean(1, keepdim=True) for x in (here, there)]

    def part(x: Tensor, down: int, right: int) -> Tensor:
        return x[..., edge + down : edge + down + height, edge + right : edge + right + width]

    steps = range(-reach, reach + 1)
    ways = [(down, right) for down in steps for right in steps]
    unlike = torch.cat(
        [
            (part(greys[0], *came) - part(greys[1], *goes)).square()
            for came, goes in (_ends(way, min(1.0, share), math.floor) for way in ways)
        ],
        1,
    )
    cost = _over_patches(F.avg_pool2d(unlike, 2, ceil_mode=True))
    least = cost.amin(1, keepdim=True)
    likely = (-(cost - least) / (CERTAINTY * least + 1e-5)).softmax(1)
    likely = F.interpolate(likely, scale_factor=2)[0, :, :height, :width]
    found = torch.zeros_like(a)
    told = likely.flatten(1).amax(1).tolist()
    for way, most, shares in zip(ways, told, likely, strict=True):
        if most > UNLIKELY:
            for rounded in (math.floor, math.ceil):  # which differ by half a pixel at most each
                came, goes = _ends(way, share, rounded)
                ends = part(here, *came), part(there, *goes)
                found += shares / 2 * torch.lerp(*ends, min(1.0, share))
    return found


def _ends(way: Way, share: float, rounded: Callable[[float], int]) -> tuple[Way, Way]:
    """Whence something came and where it goes, down and right of where it is at a share of its
    way."""
    down, right = way
    came = (-rounded(share * down), -rounded(share * right))
    return came, (came[0] + down, came[1] + right)


def _over_patches(x: Tensor) -> Tensor:
    """The mean of x (1, k, h, w) over the square about every place; pooling takes ten times as
    long on a CPU."""
    half = PATCH // 2
    x = F.pad(x, [half + 1, half, half + 1, half], mode="replicate")
    for axis in (2, 3):
        sums, n = x.cumsum(axis), x.shape[axis] - PATCH
        x = (sums.narrow(axis, PATCH, n) - sums.narrow(axis, 0, n)) / PATCH
    return x
