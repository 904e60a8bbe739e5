"""How far a step may go along each direction of the latent: a metric, learnt from the gradients.

A posterior is narrow along what changes the signal much and wide along what hardly changes it; one
step size for both must fit the narrow ones. Langevin dynamics with a fixed metric M,

    z <- z - (s^2 / 2) M dU/dz + s M^(1/2) noise,

has the same stationary law in the limit of small steps (Roberts and Stramer 2002). Where chains
are at rest, the second moment of their gradients is the mean curvature of U, so that its inverse
makes steps of s about 1 fit every direction (Titsias, Optimal Preconditioning and Fisher Adaptive
Langevin Sampling, 2023). Chains that are still on their way have larger gradients, and so a
shorter step. One chain over a whole map is still on its way for most of its training, and its
gradients tell little; what f itself does with noise tells its curvature anywhere (the Fisher
information; Girolami and Calderhead 2011).
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from abp_core.adaptation.roots import roots
from abp_core.device import Energy, value_and_grad
from abp_core.posterior import in_lots

FOLLOW_RATE = 0.05  # of the way to a batch's moment, every iteration
ESTIMATE_EVERY = 8  # iterations until the Fisher information is taken anew,
ESTIMATE_RATE = 0.2  # and so much of the way to it


@dataclass(frozen=True, slots=True)
class Preconditioner:
    """M, M^(1/2) and M^-1, (c, c), over the channels of a latent (n, c, ...)."""

    whole: Tensor
    root: Tensor
    inverse: Tensor

    @classmethod
    def of(cls, curvature: Tensor) -> Self:
        """The inverse of a curvature (c, c), which is nowhere below the prior's own, I."""
        root, inverse_root = roots(curvature, 2, floor=1.0)
        return cls(root @ root, root, inverse_root @ inverse_root)


def squares(gradients: Tensor) -> Tensor:
    """The sum (c, c) of the squares of gradients (n, c, ...), over examples and positions."""
    rows = gradients.transpose(0, 1).flatten(1)
    total: Tensor = rows @ rows.T
    return total


def fisher_gradient(residual: Energy, z: Tensor, noise: Tensor, sigma: float) -> Tensor:
    """g = J^T noise / sigma (n, c, ...), J the derivative of y - A f about z (n, c, ...): the mean
    curvature of U over examples and positions, as if f were linear there, is I + E[g g^T].

    noise: standard Gaussian, shaped like residual(z).
    """
    _, gradient = value_and_grad(lambda z: (residual(z) * noise).flatten(1).sum(1) / sigma, z)
    return gradient


def fisher_information(residual: Energy, z: Tensor, noise: Tensor, sigma: float) -> Tensor:
    """I + the mean of g g^T (c, c) over examples and positions of z (n, c, ...), see
    `fisher_gradient`: an estimate of the mean curvature of U, whose rank is bounded by how many
    they are."""
    g = fisher_gradient(residual, z, noise, sigma)
    return torch.eye(z.shape[1], device=z.device) + squares(g) / (len(z) * g.shape[2:].numel())


def apply_to_channels(matrix: Tensor, z: Tensor) -> Tensor:
    """matrix (c, c) applied to the channels of z (n, c, ...).

    In whole lots, on a CPU one by one, as energies are: a chain must not depend on its company.
    """
    lots = in_lots(z, split=z.device.type == "cpu")
    moved = [torch.einsum("ij,nj...->ni...", matrix, z[some]) for some in lots]
    return torch.cat(moved)[: len(z)] if len(moved) > 1 else moved[0][: len(z)]
