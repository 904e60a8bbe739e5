"""The motion that a generator learnt with its film: s' = F(s, xi), xi ~ N(0, I) (Xie, Gao, Zheng,
Zhu and Wu 2019)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from abp_core import transition
from abp_core.noise import PRIOR_DRAW, chain_noise
from abp_core.priors.motion.chain import Chain, Motion
from abp_core.priors.motion.linear import BURN_IN

PREFIX = "transition."
SOUGHT = 200  # frames at most among which a loop may begin
CLOSING = 12  # frames at most over which it is bent so that it closes


@dataclass(frozen=True, slots=True, eq=False)
class Transition(Motion):
    """z (frames, d): the states of the film that was learnt. advance: F."""

    z: Tensor
    advance: transition.Transition

    @classmethod
    def of(cls, z: Tensor, weights: Mapping[str, Tensor]) -> Self:
        """Of the states (frames, d) of a film as they stand, and of the weights of its generator,
        by name."""
        own = {k.removeprefix(PREFIX): t for k, t in weights.items() if k.startswith(PREFIX)}
        return cls(z.detach().double().cpu(), transition.Transition.of(own))

    def chain(self, seed: int, *, onwards: bool = False, period: int = 0) -> Chain:
        """A new film, a function of the seed; see `Motion.chain`."""
        begin, skipped = (-1, 1) if onwards else (seed % len(self.z), BURN_IN)
        moving = _Moving(self, self.z[begin][None], seed, skipped)
        return _Loop(self, moving, period) if period else moving

    @torch.no_grad()
    def predict(self, z: Tensor, frames: int) -> Tensor:
        """What is expected so many frames after each of the states z (n, d), if no noise drives
        them."""
        s = z.double()
        for _ in range(frames):
            s = self.advance(s, torch.zeros_like(s))
        return s.to(z)

    def noise(self, seed: int, start: int, stop: int) -> Tensor:
        """What drives frames [start, stop), (n, d)."""
        index, shape = torch.arange(start, stop), tuple(self.z.shape[1:])
        return chain_noise(seed=seed, sweep=PRIOR_DRAW, index=index, steps=1, shape=shape)[0]


class _Moving:
    """A chain that goes on step by step from where it stood last. skipped: steps before its first
    frame."""

    def __init__(self, motion: Transition, begin: Tensor, seed: int, skipped: int) -> None:
        self._motion, self._begin, self._seed, self._skipped = motion, begin, seed, skipped
        self._at, self._stands = 0, begin  # steps that were taken, and where they led

    @torch.no_grad()
    def part(self, start: int, stop: int) -> Tensor:
        """Those of the frames [start, stop), (n, d)."""
        first, last = start + self._skipped, stop + self._skipped - 1  # steps before those frames
        if self._at > first:
            self._at, self._stands = 0, self._begin
        found = [self._stands] if self._at == first else []
        for drawn in self._motion.noise(self._seed, self._at, last).double():
            self._stands = self._motion.advance(self._stands, drawn[None])
            self._at += 1
            if self._at >= first:
                found.append(self._stands)
        return torch.cat(found).float()


class _Loop:
    """A stretch of a film that ends near where it begins, its last frames bent so that it does."""

    def __init__(self, motion: Transition, moving: _Moving, period: int) -> None:
        sought = min(SOUGHT, 4 * period)
        z = moving.part(0, sought + period)
        apart = (z[period:] - z[:-period]) / motion.z.std(0).clamp(min=1e-6).float()
        first = int(apart.square().sum(1).argmin())
        self._z, gap = z[first : first + period].clone(), z[first] - z[first + period]
        frames = min(CLOSING, period)
        share = torch.arange(1, frames + 1) / (frames + 1)
        share = share.square() * (3 - 2 * share)
        self._z[-frames:] += share[:, None] * gap

    def part(self, start: int, stop: int) -> Tensor:
        """Those of the frames [start, stop), (n, d)."""
        return self._z[torch.arange(start, stop) % len(self._z)]
