"""The Frechet distance of two crowds of vectors that are taken for Gaussians (Heusel et al., GANs
Trained by a Two Time-Scale Update Rule, 2017)."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Gaussian:
    """mean (k,), and root (r, k): root^T root is the covariance."""

    mean: Tensor
    root: Tensor

    @classmethod
    def of(cls, vectors: Tensor) -> Self:
        """That of vectors (n, k), n above 1; fewer than k of them have a covariance of less than
        full rank, and that is no harm."""
        exact = vectors.double()
        mean = exact.mean(0)
        return cls(mean, torch.linalg.qr((exact - mean) / (len(exact) - 1) ** 0.5).R)


def frechet(a: Gaussian, b: Gaussian) -> float:
    """|mean - mean'|^2 + tr(S + S' - 2 (S S')^(1/2)), the squared distance of Dowson and Landau
    (1982). The last trace is the sum of the singular values of root root'^T, which needs no root of
    a matrix that has none."""
    common = torch.linalg.matrix_norm(a.root @ b.root.mT, "nuc")
    spread = a.root.square().sum() + b.root.square().sum() - 2 * common
    return float((a.mean - b.mean).square().sum() + spread)
