"""Principal components of examples, whole or incomplete: where chains may begin."""

import torch
from torch import Tensor
from torch.nn import functional as F

from abp_core.data.mapped import SHARD

MOST_COMPARED = 1000  # examples whose principal components are taken


ROUNDS = 20  # of filling in what was not seen


def start_at_components(z: Tensor, y: Tensor) -> None:
    """Moves latents z (n, d) to the scores of what was seen of their examples, y (n, ...), on its
    principal components, each scaled to the prior's deviation, in place.

    Chains that begin anywhere have to find out which examples are alike; these know. Of fewer than
    d + 1 examples, or where the components end, latents stay where they are.
    """
    flat = y.flatten(1)
    some = flat[:: -(-len(flat) // MOST_COMPARED)]
    mean = some.mean(0)
    squares, vectors = torch.linalg.eigh((some - mean) @ (some - mean).T)
    squares, vectors = squares.flip(0)[: z.shape[1]], vectors.flip(1)[:, : z.shape[1]]
    there = squares > 1e-5 * squares[0]  # the last of n components is nothing
    components = (some - mean).T @ vectors[:, there] / squares[there] * len(some) ** 0.5
    for here, part in zip(torch.split(z, SHARD), torch.split(flat, SHARD), strict=True):
        here[:, : components.shape[1]] = ((part - mean) @ components).to(z.device)


def start_at_blocks(z: Tensor, y: Tensor) -> None:
    """The same for latent maps z (n, d, h, w): at every position the scores of the block of y
    (n, c, H, W) that lies there, among all blocks, in place."""
    size = tuple(whole // n for whole, n in zip(y.shape[2:], z.shape[2:], strict=True))
    blocks = F.unfold(y, size, stride=size).transpose(1, 2).flatten(0, 1)
    scores = z.flatten(2).transpose(1, 2).flatten(0, 1)  # in memory of its own
    start_at_components(scores, blocks)
    z.copy_(scores.view(len(z), -1, z.shape[1]).transpose(1, 2).view_as(z))


def impute(y: Tensor, visible: Tensor, d: int) -> Tensor:
    """Signals y (n, ...) whose entries are known where `visible` is 1, the others by their mean
    over the examples and its first d principal components: PCA of incomplete data by turns of
    filling in and taking components (hard-impute; Mazumder, Hastie and Tibshirani 2010), with one
    power step on a basis that is kept from turn to turn.

    Only a place for chains to begin: few turns and few components, as much as y bears.
    """
    flat, seen = y.flatten(1), visible.to(y).expand_as(y).flatten(1)
    times = seen.sum(0)
    overall = (flat * seen).sum() / times.sum().clamp(min=1)
    # Where few examples show an entry its mean leans on that of all.
    mean = ((flat * seen).sum(0) + overall) / (times + 1)
    shown = float(seen.mean())
    rank = max(1, min(d, len(flat) - 1, round(d * shown)))
    left = (flat - mean) * seen
    guess = torch.zeros_like(left)
    basis = left[:rank].T
    for _ in range(ROUNDS):
        full = left + guess * (1 - seen)
        scores, _ = torch.linalg.qr(full @ basis)
        basis = full.T @ scores
        guess = scores @ basis.T
    return (mean + left + guess * (1 - seen)).view_as(y)
