"""Latent maps without a border: any part of one can be asked for, and is always the same.

What a texture or a sound is made of, whether it is endless, repeats itself, or continues one that
is there already, is a question of the latents alone; the network is the same.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from abp_core.noise import field_noise

Place = tuple[int, ...]  # a position (row, column) of a map for pictures, (moment,) for sounds


class LatentMap(Protocol):
    """Latents at every position of a plane, or of a line of time."""

    def part(self, start: Place, stop: Place) -> Tensor:
        """Those of the positions [start, stop), (channels, *extent)."""
        ...


@dataclass(frozen=True, slots=True)
class Endless:
    """The prior without end, a function of the seed: what is made of it never repeats.

    temperature: variance of the latents; the prior's is 1.
    """

    channels: int
    seed: int
    temperature: float = 1.0

    def part(self, start: Place, stop: Place) -> Tensor:
        noise = field_noise(seed=self.seed, channels=self.channels, start=start, stop=stop)
        return noise * math.sqrt(self.temperature)


@dataclass(frozen=True, slots=True)
class Repeated:
    """The beginning of another map, again and again: what is made of it has no seam.

    periods: after how many positions it begins anew, for each axis; 0 where it does not.
    """

    of: LatentMap
    periods: Place

    def part(self, start: Place, stop: Place) -> Tensor:
        return self._part(start, stop, 0)

    def _part(self, start: Place, stop: Place, axis: int) -> Tensor:
        """From stretches within one period each, along this axis and those after it, so that a
        long period is never drawn whole."""
        if axis == len(start):
            return self.of.part(start, stop)
        low, high, period = start[axis], stop[axis], self.periods[axis]
        pieces = []
        while low < high:
            first = low % period if period else low
            last = min(first + high - low, period or high)
            here = (*start[:axis], first, *start[axis + 1 :])
            there = (*stop[:axis], last, *stop[axis + 1 :])
            pieces.append(self._part(here, there, axis + 1))
            low += last - first
        return torch.cat(pieces, axis + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A part of a map, z (channels, *extent), that was drawn before and begins at `start`; nothing
    else of it can be asked for."""

    z: Tensor
    start: Place

    def part(self, start: Place, stop: Place) -> Tensor:
        inside = (
            slice(low - at, high - at)
            for low, high, at in zip(start, stop, self.start, strict=True)
        )
        return self.z[(slice(None), *inside)]
