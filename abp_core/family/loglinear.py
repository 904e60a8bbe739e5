"""A log-linear random field: fixed statistics, weighted; the weights alone learn."""

import copy
from collections.abc import Iterable, Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core.device import Machine
from abp_core.family.filters import Bank
from abp_core.family.potentials import Marginals
from abp_core.family.reference import Reference
from abp_core.learning.learner import copies

RIDGE = {True: 0.1, False: 0.05}  # of the mean variance, added to what is inverted; by place or not
SCALED_BY = 256  # pictures of a set from which the units of its statistics are taken
AT_ONCE = 32  # pictures whose responses are worked out at a time


class LogLinear:
    """p(x; w) ~ exp(sum_k w_k . h_k(F_k * x)) q(x) (Zhu, Wu and Mumford 1998), in coordinates u in
    which q is standard white Gaussian (see reference.py).

    bank: the filters F_k. signals (n, c, h, w): of the data. by_place: aligned pictures, of which
    every place has weights of its own, as Lu, Zhu and Wu (2016) have it; else a sum over places.
    block: entries of a signal, along each axis, over which its statistics are taken for independent
    of those beside them. weights, targets: of every map, (1 + J, c, h, w) or (1 + J, c, 1, 1).
    """

    def __init__(
        self,
        bank: nn.Module,
        reference: Reference,
        signals: Tensor,
        machine: Machine,
        *,
        by_place: bool,
        block: int = 24,
    ) -> None:
        self.by_place, self.machine, self._block = by_place, machine, block
        self.reference = reference.to(machine.device)
        self._bank = bank.to(machine.device, machine.fast)
        self._entries = signals.shape[3]
        self._measure(signals)
        self.weights = [torch.zeros_like(target) for target in self.targets]

    @property
    def parameters(self) -> int:
        """How many weights learn."""
        return sum(weight.numel() for weight in self.weights)

    def responses(self, x: Tensor) -> list[Tensor]:
        """Of signals (n, c, h, w) on the device, in fast precision; without the borders, except
        where places are told apart."""
        bank: Bank = self._bank  # type: ignore[assignment]
        maps = bank(x.to(self.machine.fast))
        return maps if self.by_place else [*map(_without_border, maps, bank.margins)]

    def potential(self, x: Tensor) -> Tensor:
        """sum_k w_k . h_k(F_k * x), (n,)."""
        maps = zip(self.marginals, self.responses(x), self.weights, strict=True)
        return torch.stack([m.potential(r, weights) for m, r, weights in maps]).sum(0)

    def energy(self, u: Tensor) -> Tensor:
        """-log p, (n,), up to a constant, at u (n, c, h, w)."""
        return u.flatten(1).square().sum(1) / 2 - self.potential(self.reference.signal(u))

    @torch.no_grad()
    def means(self, x: Tensor) -> list[Tensor]:
        """Of every map the mean statistics of signals."""
        maps = zip(self.marginals, self.responses(x), strict=True)
        return [m.mean(r, by_place=self.by_place) for m, r in maps]

    def compare(self, u: Tensor) -> list[Tensor]:
        """The gradient of the log-likelihood with respect to the weights, by place: mean statistics
        of the data less those of chains at u (Zhu et al. 1998, equation 18)."""
        means = self.means(self.reference.signal(u))
        return [target - mean for target, mean in zip(self.targets, means, strict=True)]

    def learn(self, differences: Iterable[Tensor], rate: float) -> None:
        """w <- w + rate C^-1 (data - chains), C the covariance of the statistics over the data,
        which is the Fisher information where both agree."""
        self.weights = [
            weights + rate * self._solve(precision, difference)
            for weights, precision, difference in zip(
                self.weights, self.precisions, differences, strict=True
            )
        ]

    def at(self, reference: Reference) -> Self:
        """The same field over signals of another size, unless places are told apart."""
        other = copy.copy(self)
        other.reference = reference.to(self.machine.device)
        return other

    def strengths(self) -> list[Tensor]:
        """Of every map the length of a filter's weights, (c, h, w) or (c, 1, 1), on the CPU."""
        return [w.square().sum(0).sqrt().cpu() for w in self.weights]

    def tensors(self) -> dict[str, Tensor]:
        """The weights, in memory of their own on the CPU."""
        return copies({f"weights.{place}": w for place, w in enumerate(self.weights)})

    def resume(self, held: Mapping[str, Tensor]) -> None:
        """Goes on with such weights. Raises KeyError or ValueError."""
        found = [held[f"weights.{place}"] for place in range(len(self.weights))]
        if any(new.shape != old.shape for new, old in zip(found, self.weights, strict=True)):
            raise ValueError("weights of other filters")
        self.weights = [w.to(self.machine.device, copy=True) for w in found]

    @torch.no_grad()
    def _measure(self, signals: Tensor) -> None:
        """The units of the statistics, their means and covariances over the data."""
        device, bank = self.machine.device, self._bank
        lots = torch.split(signals, AT_ONCE)
        first = [self.responses(lot.to(device)) for lot in lots[: SCALED_BY // AT_ONCE]]
        units = [
            Marginals.of(torch.cat(maps).float(), knots)
            for maps, knots in zip(zip(*first, strict=True), bank.knots, strict=True)  # type: ignore[arg-type]
        ]
        self.marginals = [unit.to(device, self.machine.fast) for unit in units]
        sums: list[list[Tensor]] = []
        for lot in lots:
            maps = self.responses(lot.to(device))
            found = [self._moments(m, r) for m, r in zip(units, maps, strict=True)]
            sums = [[a + b for a, b in zip(*pair, strict=True)]
                    for pair in zip(sums, found, strict=True)] if sums else found  # fmt: skip
        self.targets = [first / len(signals) for first, _ in sums]
        self.precisions = [
            self._invert(target, second / len(signals))
            for target, (_, second) in zip(self.targets, sums, strict=True)
        ]

    def _moments(self, marginals: Marginals, r: Tensor) -> list[Tensor]:
        """Sums over signals of statistics and of their products: by place (c, h, w, 1 + J, 1 + J);
        else of blocks (c + c J, c + c J), about their mean."""
        marginals = marginals.to(r.device, torch.float32)
        r = r.float()
        if self.by_place:
            return [len(r) * marginals.mean(r, by_place=True), marginals.products(r)]
        h = marginals.statistics(r)
        sides = [max(1, self._block * r.shape[3] // self._entries) if side > 1 else 1
                 for side in r.shape[2:]]  # fmt: skip
        sides = [min(side, have // 2) or 1 for side, have in zip(sides, r.shape[2:], strict=True)]
        blocks = F.avg_pool2d(h.flatten(1, 2), sides, [-(-side // 2) for side in sides])
        rows = blocks.transpose(0, 1).flatten(1)
        rows = rows - rows.mean(1, keepdim=True)
        covariance = rows @ rows.mT / rows.shape[1] * (sides[0] * sides[1])
        return [len(r) * marginals.mean(r, by_place=False), covariance * len(r)]

    def _invert(self, mean: Tensor, second: Tensor) -> Tensor:
        """C^-1, C with a ridge."""
        if self.by_place:
            at = mean.permute(1, 2, 3, 0)
            second = second - at.unsqueeze(-1) * at.unsqueeze(-2)
        size = second.shape[-1]
        scale = second.diagonal(dim1=-2, dim2=-1).mean()
        ridge = RIDGE[self.by_place] * scale * torch.eye(size, device=second.device)
        inverse: Tensor = torch.linalg.inv(second + ridge)
        return inverse

    def _solve(self, precision: Tensor, difference: Tensor) -> Tensor:
        if self.by_place:
            return torch.einsum("chwjk,kchw->jchw", precision, difference)
        return (precision @ difference.flatten()).view_as(difference)


def _without_border(r: Tensor, margin: int) -> Tensor:
    for axis in (2, 3):
        if r.shape[axis] > 2 * margin:
            r = r.narrow(axis, margin, r.shape[axis] - 2 * margin)
    return r
