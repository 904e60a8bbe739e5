"""dU/dz against finite differences."""

import copy
import math

import torch
from torch import Tensor

from abp_core.device import value_and_grad
from abp_core.generator import Generator
from abp_core.observation import Observation
from abp_core.posterior import Posterior
from abp_core.spec import GeneratorSpec
from benchmarks.evidence.answers import slopes
from benchmarks.evidence.linear import EXAMPLES
from benchmarks.evidence.walks import gaussian

# One small network of every kind: latent maps and vectors, pictures and sounds, with and without
# layers that mix positions.
NETWORKS = {
    "picture from a map": GeneratorSpec(
        latent_shape=(3, 2, 3), channels=(8,), kernel_size=5, upsampling=2, out_channels=3
    ),
    "picture from a map, mixed": GeneratorSpec(
        latent_shape=(3, 2, 3),
        mixing=(6,),
        channels=(8,),
        kernel_size=5,
        upsampling=2,
        out_channels=3,
    ),
    "sound from a map": GeneratorSpec(
        latent_shape=(4, 5), channels=(8,), kernel_size=9, upsampling=4, out_channels=1
    ),
    "picture from a vector": GeneratorSpec(
        latent_shape=(6,),
        projection=(8, 2, 2),
        channels=(8,),
        kernel_size=5,
        upsampling=2,
        out_channels=3,
        leak=0.2,
    ),
    "sound from a vector": GeneratorSpec(
        latent_shape=(6,),
        projection=(8, 5),
        channels=(8,),
        kernel_size=6,
        upsampling=3,
        out_channels=1,
        leak=0.2,
    ),
}


def gradient_error(
    generator: Generator, observation: Observation, directions: Tensor | None = None
) -> float:
    """The greatest difference between dU/dz along `directions` (k, *latent_shape), or every axis,
    and U's central differences, as a share of the greatest slope; all in float64."""
    network = copy.deepcopy(generator).double().requires_grad_(False)
    shape, everyone = generator.spec.latent_shape, torch.arange(EXAMPLES)
    if directions is None:
        d = math.prod(shape)
        directions = torch.eye(d).view(d, *shape)
    directions = directions.double()
    x = network(gaussian(EXAMPLES, *shape, seed=21))
    x = x + 0.3 * gaussian(*x.shape, seed=22)
    posterior = Posterior(network, observation, observation.measure(x, everyone), everyone, 0.3)
    z = gaussian(EXAMPLES, *shape, seed=23).double()
    with torch.no_grad():
        expected = slopes(posterior.energy, z, directions)
    found = directions.flatten(1) @ value_and_grad(posterior.energy, z)[1].flatten(1).T
    return float((found - expected).abs().max() / expected.abs().max())
