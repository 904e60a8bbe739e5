"""New signals from a learnt generator: latents from the prior, sent through f."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
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


def expand_to(generator: Generator, size: tuple[int, ...], seed: int) -> Tensor:
    """One signal (1, c, *size), cut out of one that is larger all round by as much as the border
    of its latent map is felt. Raises ValueError as `expand` does."""
    spec = generator.spec
    positions = (math.ceil(extent / spec.enlargement) + 2 * spec.reach for extent in size)
    signal = expand(generator, tuple(positions), seed)
    margin = spec.reach * spec.enlargement
    return signal[(slice(None), slice(None), *(slice(margin, margin + n) for n in size))]


def pixels(signals: Tensor) -> NDArray[np.uint8]:
    """Pictures (n, 1 or 3, h, w) in [-1, 1] as bytes (n, h, w, 3)."""
    values = ((signals.clamp(-1, 1) + 1) * 127.5).round().byte()
    return values.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().numpy()


def samples(signal: Tensor, gain: float) -> NDArray[np.float32]:
    """A sound (1, length) as samples (length,) in [-1, 1], as loud as its source: the inverse of
    samples * gain."""
    return np.clip(signal[0].numpy() / np.float32(gain), -1, 1)


def contact_sheet(pictures: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Pictures (n, h, w, 3) side by side in rows of `columns`, on white."""
    n, h, w, _ = pictures.shape
    rows = math.ceil(n / columns)
    cells = np.full((rows * columns, h, w, 3), 255, dtype=np.uint8)
    cells[:n] = pictures
    grid = cells.reshape(rows, columns, h, w, 3).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * h, columns * w, 3)


def _run(generator: Generator, z: Tensor) -> Tensor:
    signals: Tensor = generator(z.to(generator.kernels[0].device))
    return signals.float().cpu()
