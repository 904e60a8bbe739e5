"""The paper's motion (experiment 4): z' = A z + b + noise, fitted to the latents of a film as they
stand, in their order; a linear dynamic system as of Doretto, Chiuso, Wu and Soatto (2003)."""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from abp_core.noise import PRIOR_DRAW, chain_noise
from abp_core.priors.motion.chain import Chain, Motion

RADIUS = 0.995  # that the eigenvalues of A have at most
LEFT = 0.2  # of where a loop begins, at most, when it has come round
BURN_IN = 15  # frames before the first of a film that begins anywhere, as in the paper
RIDGE = 1e-3  # of the mean variance, for films with few frames


@dataclass(frozen=True, slots=True, eq=False)
class Linear(Motion):
    """z' - mean = A (z - mean) + noise of full covariance, A with eigenvalues within the circle.

    z (frames, d): the latents that it was fitted to. transition (d, d): A. root (d, d): of the
    covariance of the noise, root root' = covariance.
    """

    z: Tensor
    mean: Tensor
    transition: Tensor
    root: Tensor

    @classmethod
    def of(cls, z: Tensor) -> Self:
        """Of the latents (frames, d) of a film, two frames at least, by least squares."""
        z = z.detach().double().cpu()
        mean = z.mean(0)
        before, after = z[:-1] - mean, z[1:] - mean
        gram = before.T @ before
        gram += RIDGE * gram.diagonal().mean().clamp(min=1e-12) * torch.eye(z.shape[1])
        transition = stabilise(torch.linalg.solve(gram, before.T @ after).T)
        left = after - before @ transition.T
        squares, axes = torch.linalg.eigh(left.T @ left / len(left))
        return cls(z, mean, transition, axes * squares.clamp(min=0).sqrt())

    def chain(self, seed: int, *, onwards: bool = False, period: int = 0) -> Chain:
        """A new film, a function of the seed; see `Motion.chain`."""
        if period:
            return _Moving(self._turned(period), self._begin_loop(seed, period), seed, 0, period)
        begin = self.z[-1] - self.mean
        if not onwards:
            begin = self.z[seed % len(self.z)] - self.mean
        return _Moving(self, begin, seed, 1 if onwards else BURN_IN, 0)

    def predict(self, z: Tensor, frames: int) -> Tensor:
        """What is expected so many frames after each of the latents z (n, d)."""
        ahead = torch.linalg.matrix_power(self.transition, frames)
        expected: Tensor = (z.double() - self.mean) @ ahead.T + self.mean
        return expected.to(z)

    def noise(self, seed: int, start: int, stop: int) -> Tensor:
        """What moves frames [start, stop) away from what is expected, (n, d)."""
        drawn = chain_noise(
            seed=seed,
            sweep=PRIOR_DRAW,
            index=torch.arange(start, stop),
            steps=1,
            shape=(len(self.mean),),
        )
        moved: Tensor = drawn[0].double() @ self.root.T
        return moved

    def _turned(self, period: int) -> "Linear":
        """The same motion, which forgets soon enough where a loop of so many frames began."""
        radius = float(torch.linalg.eigvals(self.transition).abs().max())
        most = LEFT ** (1 / period)
        if radius <= most:
            return self
        return Linear(self.z, self.mean, self.transition * (most / radius), self.root)

    def _begin_loop(self, seed: int, period: int) -> Tensor:
        """Where a chain begins that comes back to its beginning: z = A^n z + what noise adds."""
        turned = self._turned(period)
        added = torch.zeros_like(self.mean)
        for drawn in turned.noise(seed, 0, period):
            added = turned.transition @ added + drawn
        round_once = torch.linalg.matrix_power(turned.transition, period)
        begin: Tensor = torch.linalg.solve(torch.eye(len(added)).double() - round_once, added)
        return begin


class _Moving:
    """A chain that goes on step by step from where it stood last. skipped: steps before its first
    frame."""

    def __init__(self, motion: Linear, begin: Tensor, seed: int, skipped: int, period: int) -> None:
        self._motion, self._begin, self._seed = motion, begin, seed
        self._skipped, self._period = skipped, period
        self._at, self._stands = 0, begin  # steps that were taken, and where they led

    def part(self, start: int, stop: int) -> Tensor:
        """Those of the frames [start, stop), (n, d)."""
        if self._period:
            whole = self._walk(0, self._period)
            return whole[torch.arange(start, stop) % self._period]
        return self._walk(start, stop)

    def _walk(self, start: int, stop: int) -> Tensor:
        first, last = start + self._skipped, stop + self._skipped
        if self._at > first:
            self._at, self._stands = 0, self._begin
        z, found = self._stands, []
        for drawn in self._motion.noise(self._seed, self._at, last):
            if self._at >= first:
                found.append(z)
            if self._at == last - 1:
                break  # so that the next frames go on from the last of these
            z = self._motion.transition @ z + drawn
            self._at += 1
        self._stands = z
        return (torch.stack(found) + self._motion.mean).float()


def stabilise(transition: Tensor) -> Tensor:
    """A matrix (d, d), eigenvalues beyond RADIUS drawn in to it; its eigenvectors stay."""
    values, vectors = torch.linalg.eig(transition)
    size = values.abs()
    if float(size.max()) <= RADIUS:
        return transition
    drawn_in = values * (RADIUS / size).clamp(max=1)
    made: Tensor = torch.linalg.solve(vectors, vectors * drawn_in, left=False).real
    radius = float(torch.linalg.eigvals(made).abs().max()) if made.isfinite().all() else math.inf
    if radius <= RADIUS + 1e-6:
        return made
    return transition * (RADIUS / float(size.max()))  # eigenvectors that hardly differ
