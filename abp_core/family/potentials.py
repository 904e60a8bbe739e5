"""Potentials of filter responses, piecewise linear, and the statistics that they weigh."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

QUIET = 0.2  # of the mean deviation of all filters: the least scale of one, which may hardly speak
SORTED = 2**13  # responses of a filter of which the quantiles are taken


class _Potential(torch.autograd.Function):
    """sum over all places of w_0 r + sum_j w_j max(r - t_j, 0), (n,), of responses r (n, c, h, w).

    The slope is kept in place of every part, which would take eight times the memory.
    """

    @staticmethod
    def forward(ctx: Any, r: Tensor, weights: Tensor, knots: Tensor) -> Tensor:
        slope = weights[0].expand_as(r).clone()
        offset = torch.zeros_like(r)
        for weight, knot in zip(weights[1:], knots, strict=True):
            above = (r > knot).to(r.dtype).mul_(weight)
            slope.add_(above)
            offset.addcmul_(above, knot, value=-1)
        ctx.save_for_backward(slope)
        return offset.addcmul_(slope, r).flatten(1).sum(1, dtype=_exact(r.dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (slope,) = ctx.saved_tensors
        return slope * grads[0].view(-1, 1, 1, 1).to(slope.dtype), None, None


def _exact(dtype: torch.dtype) -> torch.dtype:
    """In which sums are taken."""
    return torch.promote_types(dtype, torch.float32)


class Marginals:
    """What is counted of one map of responses r (n, c, h, w): of every filter r itself and max(r -
    t_j, 0) for knots t_j at quantiles of the data's responses, all in units of their deviation.
    Where the means of these agree, so do the marginal histograms of the responses, as far as the
    knots resolve them (Zhu, Wu and Mumford 1998).

    scale (c, 1, 1); knots (J, c, 1, 1); statistics and weights are (1 + J, c, 1, 1), or with a
    place of their own for every place (1 + J, c, h, w).
    """

    def __init__(self, scale: Tensor, knots: Tensor) -> None:
        self.scale, self.knots = scale, knots

    @classmethod
    def of(cls, r: Tensor, knots: int) -> "Marginals":
        """With so many knots, of responses of the data, float32."""
        r = r.transpose(0, 1).flatten(1)
        deviation = r.std(1)
        scale = (deviation.square() + (QUIET * deviation.mean()).square()).sqrt()
        shares = torch.sigmoid(torch.linspace(-3.5, 3.5, knots))  # denser towards the tails
        some = r[:, :: 1 + r.shape[1] // SORTED]
        at = torch.quantile(some, shares, dim=1) / scale if knots else scale.new_zeros(0)
        return cls(scale.view(-1, 1, 1), at.view(knots, len(scale), 1, 1))

    def to(self, device: torch.device, dtype: torch.dtype) -> "Marginals":
        """The same on a device, in a type."""
        return Marginals(self.scale.to(device, dtype), self.knots.to(device, dtype))

    def potential(self, r: Tensor, weights: Tensor) -> Tensor:
        """(n,), the weighted statistics, summed over all filters and places."""
        total: Tensor = _Potential.apply(r / self.scale, weights.to(r.dtype), self.knots)  # type: ignore[no-untyped-call]
        return total

    def statistics(self, r: Tensor) -> Tensor:
        """Of every place, (n, 1 + J, c, h, w), in the type of r."""
        r = r / self.scale
        return torch.stack([r, *(F.relu(r - knot) for knot in self.knots)], 1)

    def products(self, r: Tensor) -> Tensor:
        """Of every place (c, h, w, 1 + J, 1 + J): the products of its statistics, summed over
        signals."""
        h = self.statistics(r)
        found = h.new_empty(h.shape[1], *h.shape[1:])
        for j in range(len(found)):
            for k in range(j + 1):
                found[j, k] = found[k, j] = torch.linalg.vecdot(h[:, j], h[:, k], dim=0)
        return found.permute(2, 3, 4, 0, 1)

    def mean(self, r: Tensor, *, by_place: bool) -> Tensor:
        """Over all signals, (1 + J, c, h, w) by place, else over places too (1 + J, c, 1, 1);
        float32."""
        r = r / self.scale
        over = (0,) if by_place else (0, 2, 3)
        parts = [r, *(F.relu(r - knot) for knot in self.knots)]
        means = [part.mean(over, keepdim=True, dtype=torch.float32)[0] for part in parts]
        return torch.stack(means)
