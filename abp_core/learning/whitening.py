"""Which latents mean the same model: a change of z that the first layer takes up.

f(z; W) does not change when z' = A (z - m) and the first layer's W' = W A^-1 gains W m. Langevin
chains settle this freedom slowly, along directions in which only the prior pulls; a move along
it is exact, and leads the latents of all examples to the mean 0 and the covariance I that
samples from the prior have.
"""

import torch
from torch import Tensor

from abp_core.adaptation.roots import roots
from abp_core.generator import Generator

TURNS = 10  # whole steps blow up a run that is still finding its scale, so this many make one


@torch.no_grad()
def standardise(generator: Generator, z: Tensor, wanted: Tensor | None = None) -> None:
    """Moves z (n, c, ...) towards mean 0 and covariance I over its channels, in place, and the
    generator inversely, so that f(z) stays what it was; wanted () bool: whether to do so.

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
        shift = trust * mean / TURNS
        if wanted is not None:
            shift = torch.where(wanted, shift, 0)
        generator.opening_bias.add_(shift @ first)
        z -= shift
    identity = torch.eye(channels, device=z.device)
    covariance = trust * (codes @ codes.T / n) + (1 - trust) * identity
    if wanted is not None:
        covariance = torch.where(wanted, covariance, identity)
    inverse, root = roots(covariance, 2 * TURNS)
    z.copy_(torch.einsum("ij,nj...->ni...", inverse, z))
    first.copy_(torch.einsum("ij,j...->i...", root, first))
