"""Roots of symmetric matrices, with and without the host."""

import torch
from torch import Tensor

TURNS = 32  # enough for eigenvalues that are a thousand million times apart
SIGN_TURNS = 64  # as many as those need


def roots(matrix: Tensor, p: int, *, floor: float = 0.0) -> tuple[Tensor, Tensor]:
    """matrix^(-1/p) and matrix^(1/p), (c, c), of a symmetric one (c, c), whose eigenvalues are
    positive or are raised to `floor` > 0. What is not finite leads to what is not.

    A decomposition makes the host wait until it knows whether it succeeded. A card is spared
    that: there both come of matrix products alone, always as many, in double precision.
    """
    found = _by_decomposition if waits_for_nothing(matrix) else _by_products
    return found(matrix, p, floor)


def waits_for_nothing(matrix: Tensor) -> bool:
    """Whether what is computed of it is there at once."""
    return matrix.device.type == "cpu"


def _by_decomposition(matrix: Tensor, p: int, floor: float) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(matrix)
    values = values.clamp(min=floor) if floor else values
    return (vectors * values ** (-1 / p)) @ vectors.T, (vectors * values ** (1 / p)) @ vectors.T


def _by_products(matrix: Tensor, p: int, floor: float) -> tuple[Tensor, Tensor]:
    lifted = _raised(matrix.double(), floor) if floor else matrix.double()
    inverse = _inverse_root(lifted, p)
    root = lifted @ torch.linalg.matrix_power(inverse, p - 1)
    return inverse.to(matrix), root.to(matrix)


def _inverse_root(matrix: Tensor, p: int) -> Tensor:
    """matrix^(-1/p) of a symmetric positive definite one (c, c), by Newton's method in its coupled
    form (Guo and Higham, A Schur-Newton method for the matrix pth root, 2006)."""
    one = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    scale = matrix.abs().sum(1).max()  # no eigenvalue is above it
    root, left = one, matrix / scale
    for _ in range(TURNS):
        turn = ((p + 1) * one - left) / p
        root, left = root @ turn, torch.linalg.matrix_power(turn, p) @ left
    return root * scale ** (-1 / p)


def _raised(matrix: Tensor, floor: float) -> Tensor:
    """A symmetric matrix whose eigenvalues below `floor` are raised to it: max(x, y) is half of
    x + y + |x - y|, and |x| is x times its sign, by the Newton-Schulz iteration."""
    one = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    above = matrix - floor * one
    sign = above / above.abs().sum(1).max().clamp(min=1e-30)
    for _ in range(SIGN_TURNS):
        sign = 1.5 * sign - 0.5 * sign @ sign @ sign
    return (matrix + floor * one + above @ sign) / 2
