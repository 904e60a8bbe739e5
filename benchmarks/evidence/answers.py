"""What sampling and learning must come to on linear models, in closed form, and finite differences.

The matrices of observations are written out here on their own, not taken from abp_core, so that
the two can disagree.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.device import Energy
from abp_core.observation import Compressed, Downsampled, Full, Observation, Occluded


@dataclass(frozen=True, slots=True)
class Linear:
    """f(z) = W z, the generator of factor analysis. weights (entries of a signal, d)."""

    weights: Tensor
    signal_shape: tuple[int, ...]

    def __call__(self, z: Tensor) -> Tensor:
        return (z @ self.weights.T).view(len(z), *self.signal_shape)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """The posterior of a linear model: U is quadratic with Hessian H about its mean (float64).

    H = I + B'B / sigma^2 and mean = H^-1 B'y / sigma^2, where B is the observation's matrix times
    the weights (Bishop, Pattern Recognition and Machine Learning, equations 2.116 and 2.117).
    """

    mean: Tensor
    hessian: Tensor

    @classmethod
    def of(cls, weights: Tensor, matrix: Tensor, y: Tensor, sigma: float) -> Self:
        b = matrix.double() @ weights.double()
        hessian = torch.eye(b.shape[1], dtype=torch.float64) + b.T @ b / sigma**2
        return cls(torch.linalg.solve(hessian, b.T @ y.double() / sigma**2), hessian)

    @property
    def covariance(self) -> Tensor:
        return torch.linalg.inv(self.hessian)

    @property
    def axes(self) -> Tensor:
        """The directions of U's curvature, as columns, from the softest to the stiffest."""
        return torch.linalg.eigh(self.hessian)[1]

    def curvatures(self, preconditioner: Preconditioner | None = None) -> Tensor:
        """Of U, along the directions that a walk (in the metric) sees apart, ascending."""
        return torch.linalg.eigvalsh(self._seen_through(_root(self.mean, preconditioner)))

    def at_rest(self, step_size: float, preconditioner: Preconditioner | None = None) -> Tensor:
        """The covariance of an unadjusted walk of step s that has gone on for long.

        z - mean is multiplied by I - s^2 H / 2 and gets noise of covariance s^2 I, so that C =
        (I - s^2 H / 2) C (I - s^2 H / 2) + s^2 I; solved by C = H^-1 (I - s^2 H / 4)^-1. A walk
        in a metric M is that of u = M^(-1/2) z, whose Hessian is M^(1/2) H M^(1/2).
        """
        root = _root(self.mean, preconditioner)
        hessian = self._seen_through(root)
        rest = torch.linalg.inv(hessian - step_size**2 / 4 * hessian @ hessian)
        return root @ rest @ root

    def _seen_through(self, root: Tensor) -> Tensor:
        return root @ self.hessian @ root


def _root(mean: Tensor, preconditioner: Preconditioner | None) -> Tensor:
    return torch.eye(len(mean)).to(mean) if preconditioner is None else preconditioner.root.to(mean)


def matrix_of(observation: Observation, example: int, signal_shape: tuple[int, ...]) -> Tensor:
    """The matrix (measured entries, entries of a signal) of what was seen of one example."""
    channels, height, width = signal_shape
    entries = math.prod(signal_shape)
    match observation:
        case Full():
            return torch.eye(entries)
        case Occluded(visible):
            return torch.diag(visible[example].expand(signal_shape).flatten())
        case Compressed(projection):
            return projection
        case Downsampled(factor):
            places = torch.arange(entries).view(signal_shape)
            rows = []
            for channel in range(channels):
                for top in range(0, height, factor):
                    for left in range(0, width, factor):
                        row = torch.zeros(entries)
                        block = places[channel, top : top + factor, left : left + factor]
                        row[block.flatten()] = 1 / factor**2
                        rows.append(row)
            return torch.stack(rows)
    raise NotImplementedError(observation)


def in_standard_errors(
    z: Tensor, mean: Tensor, covariance: Tensor, axes: Tensor
) -> tuple[Tensor, Tensor]:
    """How far n independent draws z (n, d) are from N(mean, covariance), in standard errors: of
    each mean (d,), and of each entry on or above the covariance's diagonal (d (d + 1) / 2,).

    A mean's error is (C_ii / n)^(1/2); a sample covariance's, from Wishart's law,
    ((C_ii C_jj + C_ij^2) / (n - 1))^(1/2). axes (d, d): whose columns are the directions in which
    all this is told; on those of U's curvature a stiff direction is not hidden by softer ones.
    """
    n, d = z.shape
    z, mean, covariance = z.double() @ axes, axes.T @ mean, axes.T @ covariance @ axes
    variances = covariance.diagonal()
    of_mean = (z.mean(0) - mean) / (variances / n).sqrt()
    error = ((variances[:, None] * variances + covariance.square()) / (n - 1)).sqrt()
    upper = torch.triu_indices(d, d).unbind()
    return of_mean, ((torch.cov(z.T) - covariance) / error)[upper]


def probabilistic_pca(y: Tensor, q: int) -> tuple[Tensor, float]:
    """The weights (entries, q) and the noise level of greatest likelihood for centred rows y
    (Tipping and Bishop 1999, equations 14 and 15)."""
    values, vectors = torch.linalg.eigh(y.double().T @ y.double() / len(y))
    variance = values[:-q].mean()
    return vectors[:, -q:] * (values[-q:] - variance).sqrt(), float(variance.sqrt())


def largest_angle(a: Tensor, b: Tensor) -> float:
    """Between the spaces that the columns of a and b span, in degrees."""
    ours, theirs = torch.linalg.qr(a.double())[0], torch.linalg.qr(b.double())[0]
    beside = torch.linalg.matrix_norm(theirs - ours @ (ours.T @ theirs), 2)
    return math.degrees(math.asin(min(1.0, float(beside))))


def slopes(energy: Energy, z: Tensor, directions: Tensor, h: float = 1e-5) -> Tensor:
    """(directions, n): central differences (U(z + h v) - U(z - h v)) / 2h along every direction v
    (k, *latent_shape). Needs float64."""
    return torch.stack([(energy(z + h * v) - energy(z - h * v)) / (2 * h) for v in directions])
