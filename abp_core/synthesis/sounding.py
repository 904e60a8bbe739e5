"""Sounds of a latent map as they leave: without what lies below hearing, whatever its latents are.

Every direction of the latents moves the sum of the last layer's taps as well, so that a slider
moves the sound's mean; nobody hears that but for the click where it begins.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from abp_core.data import rumble
from abp_core.generator import Generator
from abp_core.priors.fields import LatentMap
from abp_core.synthesis import sampling


def piece(generator: Generator, latents: LatentMap, start: int, stop: int, rate: int) -> Tensor:
    """What the moments [start, stop) of a latent map sound like, (1, length), a function of the
    place: pieces join. rate: in hertz. The map is asked for `skirt` moments more on either side,
    and for those which they depend on."""
    beyond, unit = skirt(generator, rate), generator.spec.enlargement
    signal = sampling.piece(generator, latents, (start - beyond,), (stop + beyond,))[0]
    spare = beyond * unit - rumble.reach(rate)
    return audible(signal[:, spare : signal.shape[1] - spare], rate, whole=False)


def pieces(generator: Generator, latents: LatentMap, frames: int, rate: int) -> Iterator[Tensor]:
    """A sound from the beginning of a latent map, in pieces (1, length). What is held at once does
    not grow with their number."""
    unit = generator.spec.enlargement
    extent = (math.ceil(frames / unit),)
    beyond = skirt(generator, rate)
    for band, first, last in sampling.bands(generator, latents, extent, beyond):
        yield piece(generator, band, first, last, rate)[:, : frames - first * unit]


def draw(generator: Generator, latents: LatentMap, frames: int, rate: int) -> Tensor:
    """The whole of it, (1, frames)."""
    return torch.cat(list(pieces(generator, latents, frames, rate)), 1)


def skirt(generator: Generator, rate: int) -> int:
    """How many moments to each side of one tell what of it lies below hearing."""
    return math.ceil(rumble.reach(rate) / generator.spec.enlargement)


def audible(signal: Tensor, rate: int, *, whole: bool = True) -> Tensor:
    """A sound (..., length) without what lies below hearing. whole: whether it begins and ends
    there; if not, `rumble.reach` samples are cut off at either end."""
    remove = rumble.remove if whole else rumble.remove_within
    return torch.from_numpy(remove(signal.numpy(), rate))
