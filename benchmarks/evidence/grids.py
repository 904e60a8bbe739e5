"""A posterior of two latents, integrated on a grid, and its distance from what chains visit."""

import itertools
import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.device import Energy


@dataclass(frozen=True, slots=True)
class Grid:
    """A posterior of two latents, integrated on square cells of a box that holds all of it.

    low, high (2,): the box. mass (cells, cells), float64: of every cell; first axis z[0].
    """

    low: Tensor
    high: Tensor
    mass: Tensor

    @classmethod
    def of(cls, energy: Energy, *, cells: int = 96, widest: float = 4.0, near: float = 9.0) -> Self:
        """Begins with the box [-widest, widest]^2 and shrinks it to where U is at most `near` above
        its lowest, until that fills the box."""
        low, high = torch.full((2,), -widest), torch.full((2,), widest)
        while True:
            height = _heights(energy, low, high, cells)
            there = (height - height.min() < near).nonzero()
            cell = (high - low) / cells
            first, last = there.min(0).values - 1, there.max(0).values + 2
            if ((last - first) > 0.8 * cells).any():
                mass = (height.min() - height).exp()
                return cls(low, high, mass / mass.sum())
            low, high = low + first * cell, low + last * cell

    @property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean (2,) and covariance (2, 2)."""
        z = _centres(self.low, self.high, len(self.mass)).double()
        weights = self.mass.flatten()
        mean = weights @ z
        return mean, (z - mean).T @ ((z - mean) * weights[:, None])

    @property
    def preconditioner(self) -> Preconditioner:
        """In which a walk's steps fit the posterior: its covariance."""
        return Preconditioner.of(torch.linalg.inv(self.moments[1]).float())

    def binned(self, bins: int) -> Tensor:
        """(bins^2 + 1,): the mass in bins of the box, bins a side, and outside."""
        size = len(self.mass) // bins
        inside = self.mass.view(bins, size, bins, size).sum((1, 3)).flatten()
        return torch.cat([inside, 1 - inside.sum()[None]])

    def histogram(self, z: Tensor, bins: int) -> Tensor:
        """The shares of draws z (n, 2) in the same bins."""
        place = ((z - self.low) / (self.high - self.low) * bins).floor().long()
        outside = ((place < 0) | (place >= bins)).any(1)
        number = torch.where(outside, bins**2, place[:, 0] * bins + place[:, 1])
        return torch.bincount(number, minlength=bins**2 + 1).double() / len(z)

    def gaussian(self) -> Self:
        """A Gaussian of the same moments, in the same box."""
        mean, covariance = self.moments
        away = _centres(self.low, self.high, len(self.mass)).double() - mean
        height = (away @ torch.linalg.inv(covariance) * away).sum(1) / 2
        mass = (-height).exp().view_as(self.mass)
        return type(self)(self.low, self.high, mass / mass.sum())


def total_variation(p: Tensor, q: Tensor) -> float:
    """Half the sum of |p - q|: the most by which two laws differ about any event."""
    return float((p - q).abs().sum()) / 2


def modes(energy: Energy, *, cells: int = 80, widest: float = 4.0) -> list[float]:
    """How far the local minima of U on a grid stand above its lowest, from 0."""
    height = _heights(energy, torch.full((2,), -widest), torch.full((2,), widest), cells)
    padded = torch.nn.functional.pad(height, [1, 1, 1, 1], value=math.inf)
    lower = torch.ones_like(height, dtype=torch.bool)
    for i, j in itertools.product((-1, 0, 1), repeat=2):
        beside = padded[1 + i : 1 + i + cells, 1 + j : 1 + j + cells]
        if (i, j) < (0, 0):
            lower &= height < beside
        elif (i, j) > (0, 0):  # of neighbours that are equal one counts
            lower &= height <= beside
    lowest: list[float] = (height[lower] - height.min()).tolist()
    return sorted(lowest)


def _centres(low: Tensor, high: Tensor, cells: int) -> Tensor:
    """Of a box's cells, (cells^2, 2)."""
    place = (torch.arange(cells) + 0.5) / cells
    return low + (high - low) * torch.cartesian_prod(place, place)


@torch.no_grad()
def _heights(energy: Energy, low: Tensor, high: Tensor, cells: int) -> Tensor:
    """U at the centres of a box's cells, (cells, cells), float64."""
    z = _centres(low, high, cells)
    return torch.cat([energy(some) for some in z.split(256)]).double().view(cells, cells)
