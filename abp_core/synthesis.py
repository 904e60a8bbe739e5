"""New signals from a learnt generator: latents from the prior, sent through f."""

from collections.abc import Callable

import torch
from torch import Tensor

from abp_core.generator import Generator
from abp_core.noise import PRIOR_DRAW, chain_noise


def prior(shape: tuple[int, ...], n: int, seed: int) -> Tensor:
    """n independent latents (n, *shape) from N(0, I), a function of the seed; the first k of
    them are the same whatever n is."""
    noise = chain_noise(seed=seed, sweep=PRIOR_DRAW, index=torch.arange(n), steps=1, shape=shape)
    return noise[0]


@torch.inference_mode()
def sample(generator: Generator, n: int, seed: int) -> Tensor:
    """n signals (n, *signal_shape) of the size the generator learnt."""
    return _run(generator, prior(generator.spec.latent_shape, n, seed))


@torch.inference_mode()
def expand(generator: Generator, latent_size: tuple[int, ...], seed: int) -> Tensor:
    """One signal (1, c, ...) from a latent map of another size, (h, w) or (length,).

    Raises ValueError for a generator with a vector latent, which has one size only.
    """
    if not generator.spec.spatial:
        raise ValueError("This model makes signals of one size only.")
    return _run(generator, prior((generator.spec.latent_shape[0], *latent_size), 1, seed))


def _run(generator: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    parameters = getattr(generator, "parameters", None)
    device = next(parameters()).device if parameters else z.device
    return generator(z.to(device)).float().cpu()
