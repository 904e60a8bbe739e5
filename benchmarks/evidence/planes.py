"""A trained model of two latents: chains against its posterior on a grid."""

from typing import Any

from torch import Tensor

from abp_core.device import Energy
from benchmarks.evidence.grids import Grid, total_variation
from benchmarks.evidence.walks import fitting_step, gaussian, walk

BINS = (6, 8, 12, 16, 24, 48)


def plane_posterior(
    energy: Energy, grid: Grid, start: Tensor, *, moves: int, burn_in: int, adjusted: bool
) -> tuple[dict[str, Any], Tensor]:
    """Chains from `start` against the posterior on its grid: figures, and all that they visited.

    The metric is the posterior's covariance; the step is as long as a Metropolis test would accept
    98 % of the moves, or, adjusted, 60 %. variation: total variation by bins a side. noise: half of
    that between two halves of the chains, which is about what walks of this length leave by
    chance. gaussian: the grid's own distance from a Gaussian of the same moments.
    """
    preconditioner = grid.preconditioner
    z = walk(energy, start, 0.5, steps=burn_in, preconditioner=preconditioner, seed=1).z[-1]
    step = fitting_step(energy, z, preconditioner, 0.6 if adjusted else 0.98)
    z = walk(
        energy, z, step, steps=burn_in, preconditioner=preconditioner, adjusted=adjusted, seed=2
    ).z[-1]
    trail = walk(energy, z, step, steps=moves, preconditioner=preconditioner, adjusted=adjusted)
    half, other = (part.reshape(-1, 2) for part in trail.z.tensor_split(2, dim=1))
    visited = trail.z.reshape(-1, 2)

    def variation(bins: int) -> dict[str, float]:
        halves = grid.histogram(half, bins), grid.histogram(other, bins)
        return {
            "variation": total_variation(grid.histogram(visited, bins), grid.binned(bins)),
            "noise": total_variation(*halves) / 2,
            "gaussian": total_variation(grid.gaussian().binned(bins), grid.binned(bins)),
        }

    figures = {
        "chains": len(z),
        "moves": moves,
        "step_size": step,
        "accepted": trail.accepted,
        "outside": float(grid.histogram(visited, 1)[1]),
        "bins": {str(bins): variation(bins) for bins in BINS if len(grid.mass) % bins == 0},
    }
    return figures, visited


def arriving(energy: Energy, grid: Grid, *, chains: int, moves: int) -> float:
    """The share of chains from the prior that are in the grid's box after some moves."""
    z = walk(
        energy, gaussian(chains, 2, seed=4), 0.5, steps=moves, preconditioner=grid.preconditioner
    ).z[-1]
    return 1 - float(grid.histogram(z, 1)[1])
