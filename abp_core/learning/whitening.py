"""Which latents mean the same model: a change of z that the first layer takes up.

f(z; W) does not change when z' = A (z - m) and the first layer's W' = W A^-1 gains W m. Langevin
chains settle this freedom slowly, along directions in which only the prior pulls; a move along
it is exact, and leads the latents of all examples to the mean 0 and the covariance I that
samples from the prior have.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from abp_core.adaptation.roots import roots
from abp_core.data.mapped import SHARD
from abp_core.generator import Generator

SMALL_STEPS = 10  # make a whole one, which blows up a run that is still finding its scale


@torch.no_grad()
def standardise(generator: Generator, z: Tensor, wanted: Tensor | None = None) -> None:
    """Moves z (n, c, ...) towards mean 0 and covariance I over its channels, in place, and the
    generator inversely, so that f(z) stays what it was; wanted () bool: whether to do so.

    Moments are taken over examples and positions, shrunk towards the prior's where these are few.
    A spatial latent keeps its mean, which a convolution that pads with zeros could not take up at
    the border; its covariance is taken about zero.
    """
    first, bias = generator.entry
    channels = z.shape[1]
    parts = torch.split(z, SHARD)  # a set on the disk is not brought into memory as a whole
    n = z[:, 0].numel()
    trust = n / (n + channels)
    mean = shift = first.new_zeros(channels)
    if bias is not None:
        mean = _total(_codes(part, mean).sum(1) for part in parts) / n
        shift = trust * mean / SMALL_STEPS
        if wanted is not None:
            shift = torch.where(wanted, shift, 0)
        bias.add_(shift @ first)
    codes = (_codes(part, mean) for part in parts)
    identity = torch.eye(channels, device=first.device)
    covariance = trust * (_total(part @ part.T for part in codes) / n) + (1 - trust) * identity
    if wanted is not None:
        covariance = torch.where(wanted, covariance, identity)
    inverse, root = roots(covariance, 2 * SMALL_STEPS)
    for part in parts:
        moved = part if bias is None else part - shift
        part.copy_(torch.einsum("ij,nj...->ni...", inverse, moved))
    first.copy_(torch.einsum("ij,j...->i...", root, first))


def _codes(z: Tensor, mean: Tensor) -> Tensor:
    """Latents (n, c, ...) as columns (c, positions) about a mean (c,)."""
    codes = z.transpose(0, 1).reshape(len(mean), -1)
    return codes - mean[:, None]


def _total(terms: Iterable[Tensor]) -> Tensor:
    first, *others = terms
    return sum(others, start=first)
