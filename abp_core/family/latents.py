"""Inference of latents with a generator that was not learnt by alternating back-propagation."""

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner, fisher_gradient, squares
from abp_core.langevin import infer
from abp_core.noise import CURVATURE_INDEX, chain_noise
from abp_core.posterior import Posterior
from abp_core.spec import LangevinSpec

ROUNDS = 4  # in which the curvature is taken anew


def curvature_of(posterior: Posterior, z: Tensor, seed: int, sweep: int) -> Tensor:
    """The mean curvature of U (c, c) over examples and positions of z (n, c, ...), as if f were
    linear there (the Fisher information); its noise is a function of (seed, row, sweep)."""
    (noise,) = chain_noise(
        seed=seed,
        sweep=sweep,
        index=CURVATURE_INDEX + torch.arange(len(z)),
        steps=1,
        shape=tuple(posterior.y.shape[1:]),
    )
    g = fisher_gradient(posterior.residual, z, noise.to(z.device), posterior.sigma)
    return torch.eye(z.shape[1], device=z.device) + squares(g) / (len(z) * z[0, 0].numel())


def infer_latents(
    posterior: Posterior, z: Tensor, walk: LangevinSpec, seed: int, sweep: int
) -> tuple[Tensor, Tensor]:
    """Where a preconditioned walk from z (n, c, ...) ends, whose metric follows it, and the last
    curvature (c, c)."""
    rounds = [walk.steps // ROUNDS] * ROUNDS
    curvature = torch.eye(z.shape[1])
    for number, steps in enumerate(rounds):
        curvature = curvature_of(posterior, z, seed, sweep + number)
        noise = chain_noise(
            seed=seed,
            sweep=sweep + number,
            index=torch.arange(len(z)),
            steps=steps,
            shape=tuple(z.shape[1:]),
        )
        z = infer(posterior.energy, z, noise.to(z.device), walk, Preconditioner.of(curvature))
    return z, curvature
