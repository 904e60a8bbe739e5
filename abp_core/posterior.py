"""The posterior p(z | y; W) up to a constant, as an energy."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from abp_core.observation import Observation

# Examples are evaluated in multiples of this, filled up by repeats: kernels choose their order
# of summation by the batch size, and a walk must not depend on who else is in the batch.
LOT = 8


def in_lots(n: int, device: torch.device, lot: int = LOT) -> Tensor:
    """The places of n examples, filled up to whole lots by repeats of the last."""
    return torch.arange(n + -n % lot, device=device).clamp(max=n - 1)


@dataclass(frozen=True, slots=True)
class Posterior:
    """U(z) = |y - A f(z)|^2 / (2 sigma^2) + |z|^2 / 2 for n examples (paper, equation 8).

    generator: f. observation: A. y (n, ...): what was seen of the examples `index` (n,).
    sigma: noise level in signal units. lot: in multiples of how many examples they are evaluated;
    1 where there are always as many. Energies are sums over a signal's entries, never means.
    """

    generator: Callable[[Tensor], Tensor]
    observation: Observation
    y: Tensor
    index: Tensor
    sigma: float
    lot: int = LOT

    def misfit(self, z: Tensor) -> Tensor:
        """|y - A f(z)|^2 / (2 sigma^2), (n,), for z (n, *latent_shape)."""
        n = len(z)
        lots = in_lots(n, z.device, self.lot)
        whole = len(lots) == n
        z, y, index = (
            (z, self.y, self.index) if whole else (z[lots], self.y[lots], self.index[lots])
        )
        residual = y - self.observation.measure(self.generator(z), index)
        return residual.flatten(1).square().sum(1)[:n] / (2 * self.sigma**2)

    def predict(self, z: Tensor) -> Tensor:
        """A f(z), shaped like y."""
        return self.observation.measure(self.generator(z), self.index)

    def energy(self, z: Tensor) -> Tensor:
        """U(z), (n,)."""
        return self.misfit(z) + z.flatten(1).square().sum(1) / 2
