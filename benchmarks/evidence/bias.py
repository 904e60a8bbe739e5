"""How much wider a walk rests than the posterior, with a Metropolis test and without."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.device import Energy
from abp_core.observation import Full
from abp_core.posterior import Posterior
from benchmarks.evidence.answers import Gaussian
from benchmarks.evidence.grids import Grid
from benchmarks.evidence.linear import FACTORS, LATENTS, SIGMA, SIGNAL
from benchmarks.evidence.walks import gaussian, variance_of, walk


def bias_of_linear(
    shares: Sequence[float], *, chains: int, seed: int = 0
) -> list[dict[str, float]]:
    """Of the walks' variance along the stiffest direction of the linear model, against the step as
    a share of the longest stable one, 2 / h^(1/2) at curvature h; theory: 1 / (1 - s^2 h / 4)."""
    x = FACTORS(gaussian(1, LATENTS, seed=14)) + SIGMA * gaussian(1, *SIGNAL, seed=15)
    known = Gaussian.of(FACTORS.weights, torch.eye(16), x.flatten(), SIGMA)
    values, vectors = torch.linalg.eigh(known.hessian)
    whitening = vectors[:, -1:].T * values[-1] ** 0.5
    everyone = torch.arange(chains)
    energy = Posterior(FACTORS, Full(), x.expand(chains, *SIGNAL), everyone, SIGMA, lot=0).energy
    root = torch.linalg.cholesky(known.covariance)
    exact = known.mean + gaussian(chains, LATENTS, seed=seed).double() @ root.T
    found = []
    for share in shares:
        step = share * 2 / float(values[-1]) ** 0.5
        rows = _both_walks(energy, exact.float(), step, known.mean, whitening, moves=1 / share**2)
        found.append({"share": share, "theory": 1 / (1 - share**2)} | rows)
    return found


def bias_of_plane(
    energy: Energy, start: Tensor, step_sizes: Sequence[float]
) -> list[dict[str, float]]:
    """The same for a posterior of two latents: of their variance in units of the grid's, walked in
    the metric of its covariance; theory: 1 / (1 - s^2 / 4), were the posterior a Gaussian."""
    grid = Grid.of(energy)
    (mean, covariance), preconditioner = grid.moments, grid.preconditioner
    whitening = torch.linalg.inv(torch.linalg.cholesky(covariance))
    begun = walk(
        energy, start, 1.0, steps=60, preconditioner=preconditioner, adjusted=True, seed=3
    ).z[-1]
    found = []
    for step in step_sizes:
        rows = _both_walks(
            energy, begun, step, mean, whitening, preconditioner, moves=max(4, 4 / step**2)
        )
        found.append({"share": step / 2, "theory": 1 / (1 - step**2 / 4)} | rows)
    return found


def _both_walks(
    energy: Energy,
    z: Tensor,
    step: float,
    mean: Tensor,
    whitening: Tensor,
    preconditioner: Preconditioner | None = None,
    *,
    moves: float,
) -> dict[str, float]:
    """Variances of the two walks. moves: in which most of the start is forgotten; they go on for
    eight times as long and are then watched for sixteen times as long."""
    row = {"step_size": step}
    for name, adjusted in (("langevin", False), ("mala", True)):
        steps = math.ceil(8 * moves)
        z_late = walk(
            energy, z, step, steps=steps, preconditioner=preconditioner, adjusted=adjusted, seed=1
        ).z[-1]
        walked = walk(
            energy, z_late, step, steps=2 * steps, preconditioner=preconditioner, adjusted=adjusted
        )
        row[name], row[f"{name}_error"] = variance_of(walked, mean, whitening)
        row[f"{name}_accepted"] = walked.accepted
    return row
