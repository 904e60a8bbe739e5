"""Which latents mean the same model: a change of z that the first layer takes up.

f(z; W) does not change when z' = A (z - m) and the first layer's W' = W A^-1 gains W m. Langevin
chains settle this freedom slowly, along directions in which only the prior pulls; a move along
it is exact, and leads the latents of all examples to the mean 0 and the covariance I that
samples from the prior have.
"""

import torch
from torch import Tensor

from abp_core.generator import Generator

MOST_COMPARED = 1000  # examples whose principal components are taken
ROUNDS = 20  # of filling in what was not seen
PACE = 0.1  # of the way in one move: whole steps blow up a run that is still finding its scale


def begin_at_components(z: Tensor, y: Tensor) -> None:
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
    scores = (flat - mean) @ components
    z[:, : scores.shape[1]] = scores


def filled_in(y: Tensor, visible: Tensor, d: int) -> Tensor:
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


@torch.no_grad()
def standardise(generator: Generator, z: Tensor) -> None:
    """Moves z (n, c, ...) towards mean 0 and covariance I over its channels, in place, and the
    generator inversely, so that f(z) stays what it was.

    Moments are taken over examples and positions, shrunk towards the prior's where these are few.
    A spatial latent keeps its mean, which a convolution that pads with zeros could not take up at
    the border; its covariance is taken about zero.
    """
    vector = not generator.spec.spatial
    first = generator.opening if vector else generator.kernels[0]
    channels = z.shape[1]
    codes = z.transpose(0, 1).reshape(channels, -1)
    n = codes.shape[1]
    trust = n / (n + channels)
    if vector:
        mean = codes.mean(1)
        codes = codes - mean[:, None]
        generator.opening_bias.add_(PACE * trust * mean @ first)
        z -= PACE * trust * mean
    identity = torch.eye(channels, device=z.device)
    covariance = trust * (codes @ codes.T / n) + (1 - trust) * identity
    values, vectors = torch.linalg.eigh(covariance)
    root = (vectors * values ** (PACE / 2)) @ vectors.T
    inverse = (vectors * values ** (-PACE / 2)) @ vectors.T
    z.copy_(torch.einsum("ij,nj...->ni...", inverse, z))
    first.copy_(torch.einsum("ij,j...->i...", root, first))
