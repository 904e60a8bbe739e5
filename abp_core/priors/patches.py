"""Patches of a map: which of one map is nearest to each of another, and what they make together.

All that decides is exact: patches are rounded to whole numbers so small that their products add
up without error in single precision. Which patch is nearest then depends neither on what else is
asked for nor on the machine.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

EXACT = 2**24  # whole numbers up to this are exact in single precision
COMPONENTS = 64  # numbers by which a patch is compared
SHRUNK = 0.6  # how little of a patch's deviation is left where neighbours have been averaged
AT_ONCE = 2**22  # entries of a matrix of comparisons
NONE = 1e-9  # of the variance along the first component, along one that is none

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """All patches of a map z (c, rows, columns), by what they are found.

    unit: of the whole numbers that latents are rounded to. basis (c * patch, k): the principal
    components of the patches, rounded. scale: of the components, a power of two. sharp, blurred
    (n, k): those of the map's patches, and of the same ones as they look when enlarged from a
    coarser scale. middle (k,): the mean of the sharp ones.

    Nearest is the patch p for which |q - SHRUNK p| is least, both from the middle: where patches
    have been averaged the query q is nearer to the middle than what it stands for, and would
    otherwise find the plainest patch of all, again and again.
    """

    z: Tensor
    size: Size
    unit: float
    basis: Tensor
    scale: float
    sharp: Tensor
    blurred: Tensor
    middle: Tensor

    @classmethod
    def of(cls, z: Tensor, blurred: Tensor, size: Size) -> Self:
        """Of a map and its blurred likeness, patches of `size` positions."""
        most = int(math.sqrt(EXACT / (z.shape[0] * size[0] * size[1])))
        unit = 2.0 ** math.ceil(math.log2(max(float(z.abs().max()), 1e-30) / most))
        cut = F.unfold(_quantise(z, unit, most)[None], size)[0].T
        components = _principal(cut.double())
        largest = max(float(components.abs().max()), 1e-30)
        basis = (components * (most / largest)).round().float()
        limit = int(math.sqrt(EXACT / basis.shape[1]))
        scale = 2.0 ** math.ceil(math.log2(max(float((cut @ basis).abs().max()), 1.0) / limit))
        seen = F.unfold(_quantise(blurred, unit, most)[None], size)[0].T
        sharp, low = (_quantise(part @ basis, scale, limit) for part in (cut, seen))
        return cls(z, size, unit, basis, scale, sharp, low, sharp.mean(0).round())

    def nearest(self, x: Tensor, at: Size, stride: int, *, blurred: bool = False) -> Tensor:
        """Which patch is nearest to each of the patches of x (c, h, w) that begin at a multiple of
        `stride`, as places in the flat map (rows, columns). at: the position of x's first entry.
        """
        keys = self.blurred if blurred else self.sharp
        lengths = (keys - self.middle).square().sum(1) * (SHRUNK / 2) + keys @ self.middle
        most = int(math.sqrt(EXACT / len(self.basis)))
        limit = int(math.sqrt(EXACT / self.basis.shape[1]))
        strides = tuple(stride if n > 1 else 1 for n in self.size)
        first = tuple(-low % s for low, s in zip(at, strides, strict=True))
        x = _quantise(x[:, first[0] :, first[1] :], self.unit, most)
        rows, columns = (
            (n - p) // s + 1 for n, p, s in zip(x.shape[1:], self.size, strides, strict=True)
        )
        step = max(1, AT_ONCE // (columns * max(len(keys), len(self.basis))))
        across = self.z.shape[2] - self.size[1] + 1
        found = []
        for row in range(0, rows, step):
            top, bottom = row * strides[0], (min(row + step, rows) - 1) * strides[0] + self.size[0]
            queries = F.unfold(x[None, :, top:bottom], self.size, stride=strides)[0].T @ self.basis
            found.append((_quantise(queries, self.scale, limit) @ keys.T - lengths).argmax(1))
        place = torch.cat(found)
        place = torch.div(place, across, rounding_mode="floor") * self.z.shape[2] + place % across
        return place.view(rows, columns)

    def mend(self, x: Tensor, at: Size, stride: int, *, blurred: bool = False) -> Tensor:
        """One pass: every patch of x gives way to the one that is nearest to it, and where they
        overlap, the middle of a patch counts for more than its border. What is left is smaller by
        size - 1 positions at every side."""
        places = self.nearest(x, at, stride, blurred=blurred)
        flat = self.z.flatten(1)
        total, weight = torch.zeros_like(x), torch.zeros(1, *x.shape[1:])
        strides = tuple(stride if n > 1 else 1 for n in self.size)
        first = tuple(-low % s for low, s in zip(at, strides, strict=True))
        for i, row in enumerate(_bell(self.size[0])):
            for j, column in enumerate(_bell(self.size[1])):
                inside = tuple(
                    slice(f + k, f + k + s * (n - 1) + 1, s)
                    for f, k, s, n in zip(first, (i, j), strides, places.shape, strict=True)
                )
                copied = flat[:, places + (i * self.z.shape[2] + j)]
                total[(slice(None), *inside)] += copied * (row * column)  # in two steps: no
                weight[(slice(None), *inside)] += row * column  # machine may fuse them
        kept = tuple(
            slice(n - 1, extent - n + 1) for n, extent in zip(self.size, x.shape[1:], strict=True)
        )
        return total[(slice(None), *kept)] / weight[(slice(None), *kept)]

    def choose(self, x: Tensor, at: Size) -> Tensor:
        """Every position gives way to the middle of the one patch that is nearest to what lies
        around it. What is left is smaller by half a patch at every side."""
        middle = self.size[0] // 2 * self.z.shape[2] + self.size[1] // 2
        return self.z.flatten(1)[:, self.nearest(x, at, 1) + middle]


def _quantise(x: Tensor, unit: float, most: int) -> Tensor:
    return (x / unit).round().clamp(-most, most)


def _bell(n: int) -> list[float]:
    """Weights along a patch of n positions."""
    return [math.exp(-8 * ((k - (n - 1) / 2) / n) ** 2) for k in range(n)]


def _principal(rows: Tensor) -> Tensor:
    """Orthonormal principal components (entries, at most COMPONENTS) of many rows, by subspace
    iteration (Halko, Martinsson and Tropp 2011), in double precision."""
    rows = rows[:: max(1, len(rows) // 1024)]
    rows = rows - rows.mean(0)
    draw = np.random.default_rng(0)
    k = min(COMPONENTS, rows.shape[1])
    basis = torch.from_numpy(draw.standard_normal((rows.shape[1], k)))
    for _ in range(4):
        basis, _ = torch.linalg.qr(rows.T @ (rows @ basis) + 1e-9 * basis)
    # Of patches that span fewer dimensions the last are none: they are what rounding left.
    spread = (rows @ basis).square().sum(0)
    return basis * (spread > NONE * spread.max())
