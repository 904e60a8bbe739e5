"""FRAME where the answer is known: a lattice whose partition function is an integral that can be
done, and the statistics that learning is to match."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core.device import Machine
from abp_core.family.frame import Frame
from abp_core.family.loglinear import LogLinear
from abp_core.family.reference import Reference
from abp_core.langevin import Langevin
from abp_core.noise import chain_noise
from abp_core.spec import LangevinSpec

SITES = 3
EXAMPLES = 4000
WIDEST, POINTS = 5.5, 45  # of the grid on which is integrated, along a side
MACHINE = Machine(torch.device("cpu"), torch.float32)


class Neighbours(nn.Module):
    """Of a row of sites: their values, and the differences of neighbours."""

    knots, margins, multiple = (3, 3), (0, 0), 1

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, x.diff(dim=3)]


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """A field over rows of sites, and on every point (g, 1, 1, sites) of a grid the sums of its
    statistics (g, k), worked out anew from its units."""

    field: LogLinear
    points: Tensor
    sums: Tensor

    @classmethod
    def make(cls) -> "Lattice":
        """Of data that is anything but Gaussian: rows that seldom change, and then by much."""
        draw = torch.Generator().manual_seed(1)
        shape = (EXAMPLES, 1, 1, SITES)
        jumps = torch.randn(shape, generator=draw)
        jumps = torch.where(torch.rand(shape, generator=draw) < 0.3, jumps, 0.1 * jumps)
        data = (0.5 * torch.randn(EXAMPLES, 1, 1, 1, generator=draw) + jumps.cumsum(3)).clamp(-4, 4)
        flat = torch.eye(1).expand(1, SITES // 2 + 1, 1, 1)
        white = Reference(torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1), flat, (1, SITES))
        field = LogLinear(Neighbours(), white, data, MACHINE, by_place=False, block=1)
        axis = torch.linspace(-WIDEST, WIDEST, POINTS)
        points = torch.cartesian_prod(*[axis] * SITES)
        return cls(field, points.view(-1, 1, 1, SITES), _sums(field, points))

    @property
    def target(self) -> Tensor:
        """(k,), of the data, summed over places."""
        means = (t.flatten() for t in self.field.targets)
        return torch.cat([m * n for m, n in zip(means, (SITES, SITES - 1), strict=True)]).double()

    def density(self, weights: Tensor) -> Tensor:
        """(g,), of which the sum is 1: the partition function is that of all points."""
        q = -self.points.flatten(1).double().square().sum(1) / 2
        return torch.softmax(self.sums @ weights + q, 0)

    def moments(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (k,) and covariance (k, k) of the sums of statistics under p(x; weights)."""
        p = self.density(weights)
        mean = p @ self.sums
        apart = self.sums - mean
        return mean, apart.T @ (apart * p[:, None])

    def maximum_likelihood(self) -> Tensor:
        """The weights (k,) at which the statistics are the data's: by Newton's method, the
        likelihood being concave."""
        weights = torch.zeros(self.sums.shape[1], dtype=torch.float64)
        for _ in range(50):
            mean, covariance = self.moments(weights)
            step = torch.linalg.solve(covariance, self.target - mean)
            weights = weights + step * min(1.0, 1 / float(step.norm()))
        return weights

    def divergence(self, weights: Tensor, others: Tensor) -> float:
        """KL(p(x; weights) || p(x; others)), in nats."""
        p, q = self.density(weights), self.density(others)
        return float((p * (p / q).log()).sum())


def exact_lattice(*, chains: int = 1000, iterations: int = 300) -> dict[str, Any]:
    """Learning by chains with a Metropolis test against the maximum of the exact likelihood, and
    chains at that maximum against exact means.

    divergence: in nats, of the density that was learnt (weights averaged over the second half) from
    the most likely; at_first: of q from it. worst: of the chains' mean statistics, in standard
    errors of independent chains. unmatched: of the exact means at the maximum from the data's.
    """
    lattice = Lattice.make()
    best = lattice.maximum_likelihood()
    field = lattice.field
    u, average = _noise(chains, 0)[0], torch.zeros_like(best)
    for iteration in range(iterations):
        u = _walk(field, u, steps=4, sweep=1 + iteration)
        field.learn(field.compare(u), 0.5 / (1 + iteration / 20))
        if iteration >= iterations // 2:
            average += _flat(field.weights) / (iterations - iterations // 2)
    _set(field, best)
    u = _walk(field, u, steps=120, sweep=iterations + 1)
    sums = _sums(field, u.flatten(1))
    exact, covariance = lattice.moments(best)
    errors = (sums.mean(0) - exact) / (covariance.diagonal() / chains).sqrt()
    return {
        "divergence": lattice.divergence(best, average),
        "at_first": lattice.divergence(best, torch.zeros_like(best)),
        "worst": float(errors.abs().max()),
        "unmatched": float((exact - lattice.target).abs().max()),
    }


def matching(frame: Frame, *, iterations: int, moves: int = 160) -> dict[str, Any]:
    """What a texture's samples lack of the data's statistics before learning; after it, of the
    chains that learnt; and afresh, of chains that begin anew from q and walk with the mean weights
    of the second half of learning, which stand still. Root mean squares in units of the standard
    errors of chains of that size, were they the data's: of samples of the very density it is 1."""
    field, u = frame.field, frame.u
    before = _lack(frame, u)
    mean = torch.zeros(field.parameters, dtype=torch.float64)
    for iteration in range(iterations):
        for _ in frame.alternation():
            pass
        if iteration >= iterations // 2:
            mean += _flat(field.weights) / (iterations - iterations // 2)
    after = _lack(frame, frame.u)
    _set(field, mean)
    index, shape = torch.arange(len(u)), tuple(u.shape[1:])
    fresh = chain_noise(seed=99, sweep=0, index=index, steps=1, shape=shape)[0].to(u)
    *_, fresh = frame.walk(field, fresh, 99, 1, moves)
    return {"before": before, "after": after, "afresh": _lack(frame, fresh)}


def _lack(frame: Frame, u: Tensor) -> float:
    field, errors = frame.field, []
    found = zip(field.compare(u), field.precisions, field.responses(u), strict=True)
    for difference, precision, r in found:
        variance = torch.linalg.inv(precision).diagonal() / (len(r) * r.shape[2] * r.shape[3])
        errors.append(difference.flatten().square() / variance)
    return float(torch.cat(errors).mean().sqrt())


def _sums(field: LogLinear, x: Tensor) -> Tensor:
    """Of rows x (g, sites), float64 (g, k), map by map, statistic by statistic."""
    found = []
    for marginals, r in zip(field.marginals, (x, x.diff(dim=1)), strict=True):
        r = r.double() / float(marginals.scale)
        knots = marginals.knots.flatten().tolist()
        found += [r.sum(1), *(F.relu(r - knot).sum(1) for knot in knots)]
    return torch.stack(found, 1)


def _flat(weights: list[Tensor]) -> Tensor:
    return torch.cat([w.flatten() for w in weights]).double()


def _set(field: LogLinear, weights: Tensor) -> None:
    sizes = [w.numel() for w in field.weights]
    parts = zip(weights.float().split(sizes), field.weights, strict=True)
    field.weights = [part.view_as(old) for part, old in parts]


def _noise(chains: int, sweep: int, steps: int = 1) -> Tensor:
    shape = (chains, 1, 1, SITES)
    return chain_noise(seed=5, sweep=sweep, index=torch.arange(1), steps=steps, shape=shape)[:, 0]


def _walk(field: LogLinear, u: Tensor, *, steps: int, sweep: int) -> Tensor:
    walk = Langevin(field.energy, LangevinSpec(steps=steps, step_size=0.6))
    state, noise = walk.init(u), _noise(len(u), sweep, steps)
    dice = torch.erf(_noise(len(u), sweep + 2**32, steps)[..., 0, 0, 0] / math.sqrt(2)) / 2 + 0.5
    for drawn, die in zip(noise, dice, strict=True):
        state, _ = walk.step(state, drawn, die)
    return state.z
