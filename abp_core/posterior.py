"""The posterior p(z | y; W) up to a constant, as an energy: the one place where it is computed."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from abp_core.observation import Full, Observation

# Kernels choose their order of summation by how many examples they are given, and a chain must not
# depend on who else is in its batch. So examples are evaluated in lots of this many, the last one
# filled up by repeats.
LOT = 8


def in_lots(z: Tensor, lot: int = LOT, *, split: bool = True) -> list[Tensor]:
    """The rows of z (n, ...) in lots, the last one filled up by repeats of the last row; without
    split all of these in one."""
    n = len(z)
    rows = torch.arange(n + -n % lot, device=z.device).clamp(max=n - 1)
    return list(torch.split(rows, lot if split else len(rows)))


def observe(observation: Observation, x: Tensor, index: Tensor) -> Tensor:
    """A(x) of signals x (n, ...), the examples `index`, in lots: what was seen of an example does
    not depend on its company either. Signals that were seen whole are what was seen."""
    if isinstance(observation, Full):
        return x
    lots = [observation.measure(x[some], index[some]) for some in in_lots(x)]
    return torch.cat(lots)[: len(x)]


def as_it_is(z: Tensor) -> Tensor:
    """z."""
    return z


def prior_energy(z: Tensor) -> Tensor:
    """|z|^2 / 2, (n,), of latents z (n, *latent_shape): -log N(z; 0, I), up to a constant."""
    return z.flatten(1).square().sum(1) / 2


def misfit_of(residual: Tensor, sigma: float) -> Tensor:
    """|residual|^2 / (2 sigma^2), (n,), of residuals (n, ...); a sum over entries, never a mean."""
    return residual.flatten(1).square().sum(1) / (2 * sigma**2)


@dataclass(frozen=True, slots=True)
class Posterior:
    """U(z) = |y - A f(z)|^2 / (2 sigma^2) + |z|^2 / 2 for n examples (paper, equation 8).

    generator: f. observation: A. y (n, ...): what was seen of the examples `index` (n,).
    sigma: noise level in signal units. lot: how many examples make a whole lot; 0 where there are
    always as many, so that all go at once. split: lots are evaluated one by one, as float32 needs
    it; kernels of bfloat16 sum alike for any number of whole lots.
    drives: the noise, N(0, I), that z stands for; z itself but in a film (chains/through_time.py).
    """

    generator: Callable[[Tensor], Tensor]
    observation: Observation
    y: Tensor
    index: Tensor
    sigma: float
    lot: int = LOT
    split: bool = True
    drives: Callable[[Tensor], Tensor] = as_it_is

    def residual(self, z: Tensor) -> Tensor:
        """y - A f(z), shaped like y, for z (n, *latent_shape)."""
        n = len(z)
        if not self.lot or n == self.lot or (n % self.lot == 0 and not self.split):
            return self.y - self.observation.measure(self.generator(z), self.index)
        lots = [
            self.y[some] - self.observation.measure(self.generator(z[some]), self.index[some])
            for some in in_lots(z, self.lot, split=self.split)
        ]
        return torch.cat(lots)[:n] if len(lots) > 1 else lots[0][:n]

    def misfit(self, z: Tensor) -> Tensor:
        """|y - A f(z)|^2 / (2 sigma^2), (n,)."""
        return misfit_of(self.residual(z), self.sigma)

    def prior(self, z: Tensor) -> Tensor:
        """|z|^2 / 2, (n,)."""
        return prior_energy(self.drives(z))

    def energy(self, z: Tensor) -> Tensor:
        """U(z), (n,)."""
        return self.misfit(z) + self.prior(z)
