"""Gaussian noise as a function, not a stream.

A run that draws its noise by name does not depend on batch order, batch size or interruptions:
the same (seed, example, sweep) always gives the same numbers.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

PRIOR_DRAW = 2**64 - 1  # the sweep of samples from the prior; training never gets there
FIELD_STREAM = 2**64 - 2  # and that of the endless field
WALK_STREAM = 2**64 - 3  # and that of the walks of a chain over a whole latent map
# The first "example" whose noise looks at a curvature; no example gets there.
CURVATURE_INDEX = 2**61
FIELD_BLOCK = 8  # positions along a side of what is drawn of the field at a time


def chain_noise(
    *, seed: int, sweep: int, index: Tensor, steps: int, shape: tuple[int, ...]
) -> Tensor:
    """Standard Gaussian noise (steps, n, *shape), float32, for the examples `index` (n,).

    seed: of the run. sweep: which visit to the example (the training iteration; 0 is where its
    chain starts). Philox is keyed by (seed, example) and its counter begins at the sweep, so
    one example's noise never depends on which others are asked for beside it.
    """
    noise = np.empty((len(index), steps, *shape), dtype=np.float32)
    for row, example in zip(noise, index.tolist(), strict=True):
        philox = np.random.Philox(
            key=np.array([seed, example], dtype=np.uint64),
            counter=np.array([0, 0, 0, sweep], dtype=np.uint64),
        )
        np.random.Generator(philox).standard_normal(out=row, dtype=np.float32)
    return torch.from_numpy(noise).transpose(0, 1)


def field_noise(
    *,
    seed: int,
    channels: int,
    start: tuple[int, ...],
    stop: tuple[int, ...],
    sweep: int = 0,
    stream: int = FIELD_STREAM,
) -> Tensor:
    """The part [start, stop) of an endless field of standard Gaussian noise, (channels, *extent),
    float32, along one axis or two; positions below 0 are part of it.

    Every (seed, sweep, stream) is another field. What stands at a position never depends on which
    part is asked for: the field is made of blocks, and the counter of each begins at its place.
    """
    first = [low // FIELD_BLOCK for low in start]
    extent = [-(-high // FIELD_BLOCK) - low for high, low in zip(stop, first, strict=True)]
    whole = np.empty((channels, *(FIELD_BLOCK * n for n in extent)), dtype=np.float32)
    shape = (channels, *(FIELD_BLOCK for _ in extent))
    for place in np.ndindex(*extent):
        address = [(low + at) % 2**64 for low, at in zip(first, place, strict=True)]
        philox = np.random.Philox(
            key=np.array([seed, sweep], dtype=np.uint64),
            counter=np.array([0, *([0] * (2 - len(address))), *address, stream], dtype=np.uint64),
        )
        block = tuple(slice(FIELD_BLOCK * at, FIELD_BLOCK * (at + 1)) for at in place)
        whole[(slice(None), *block)] = np.random.Generator(philox).standard_normal(
            shape, dtype=np.float32
        )
    inside = (
        slice(low - FIELD_BLOCK * at, high - FIELD_BLOCK * at)
        for low, high, at in zip(start, stop, first, strict=True)
    )
    return torch.from_numpy(whole[(slice(None), *inside)].copy())


def walk_noise(
    *,
    seed: int,
    sweep: int,
    steps: int,
    channels: int,
    start: tuple[int, ...],
    stop: tuple[int, ...],
) -> Tensor:
    """What a walk of so many steps over the part [start, stop) of a latent map takes of noise,
    (steps, channels, *extent): at a position always the same, whichever part is asked for.

    sweep: the training iteration; 0, with one step, is where a chain starts.
    """
    noise = field_noise(
        seed=seed,
        channels=steps * channels,
        start=start,
        stop=stop,
        sweep=sweep,
        stream=WALK_STREAM,
    )
    return noise.view(steps, channels, *noise.shape[1:])


def shift(*, seed: int, epoch: int, axis: int, n: int) -> int:
    """By how much an epoch shifts its windows along an axis: one of n numbers from 0, a function
    of (seed, epoch, axis)."""
    philox = np.random.Philox(
        key=np.array([seed, 2**64 - 2], dtype=np.uint64),
        counter=np.array([0, 0, axis, epoch], dtype=np.uint64),
    )
    return int(np.random.Generator(philox).integers(n))


@lru_cache(maxsize=8)
def permutation(*, seed: int, epoch: int, n: int) -> Tensor:
    """The order (n,) in which an epoch visits n examples, a function of (seed, epoch); drawn once
    an epoch, so nobody may write into it."""
    philox = np.random.Philox(
        key=np.array([seed, 2**64 - 1], dtype=np.uint64),
        counter=np.array([0, 0, 0, epoch], dtype=np.uint64),
    )
    return torch.from_numpy(np.random.Generator(philox).permutation(n))
