"""New signals from a learnt generator: latents from a prior, sent through f."""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from abp_core.generator import Generator
from abp_core.priors.fields import Drawn, LatentMap, Place
from abp_core.priors.kinds import Prior

Way = Literal["spherical", "straight"]

# Positions of a latent map that are made at once: so large is the memory, whatever is made.
BLOCK_POSITIONS = {1: (512,), 2: (32, 32)}
BAND = {1: 4096, 2: 128}  # along the first axis, of latents that are drawn at once


def generate(generator: Generator, latents: Tensor) -> Tensor:
    """f(z), (n, *signal_shape), on the CPU. One by one: what is made beside a signal would change
    its last bits on some machines."""
    return torch.cat([generator.make(z) for z in torch.split(latents, 1)])


def generate_turned(
    generator: Generator, latents: Tensor, spans: Sequence[tuple[int, int, bool]]
) -> Tensor:
    """f(z) of wide maps (n, c, h, w), parts of which are of a film in a mirror: these are made as
    they were before the mirror, since f is not the same from left to right as from right to left.
    spans: from a position across to before another, and whether it is turned. Over two positions
    the one gives way to the other."""
    unit, width = generator.spec.enlargement, latents.shape[-1]
    around = generator.spec.reach + 1
    x = torch.zeros(len(latents), *generator.spec.signal_shape_of(tuple(latents.shape[1:])))
    for low, high, turned in spans:
        first, last = max(0, low - around), min(width, high + around)
        z = latents[..., first:last]
        made = generate(generator, z.flip(-1)).flip(-1) if turned else generate(generator, z)
        place = (torch.arange(first * unit, last * unit) + 0.5) / unit
        rise = ((place - low) / 2 + 0.5).clamp(0, 1) if low else torch.ones(len(place))
        fall = ((high - place) / 2 + 0.5).clamp(0, 1) if high < width else torch.ones(len(place))
        x[..., first * unit : last * unit] += made * torch.minimum(rise, fall)
    return x


def sample(generator: Generator, prior: Prior, n: int, seed: int) -> Tensor:
    """n signals (n, *signal_shape) of the size the generator learnt; the first k are the same
    whatever n is."""
    return generate(generator, prior.draw(n, seed))


@torch.inference_mode()
def piece(generator: Generator, latents: LatentMap, start: Place, stop: Place) -> Tensor:
    """What the positions [start, stop) of a latent map become, (1, c, ...), on the CPU, block by
    block; the latents go to where the weights lie, and the signal comes back, as a whole."""
    axes, reach = len(start), generator.spec.reach
    around = tuple(n - reach for n in start), tuple(n + reach for n in stop)
    z = latents.part(*around)[None].to(generator.device)

    def block(low: Place, high: Place) -> Tensor:
        part = z
        for axis, (first, a, b) in enumerate(zip(start, low, high, strict=True), start=2):
            part = part.narrow(axis, a - first, b - a + 2 * reach)
        return generator.interior(part)

    signals = [
        [
            block((row, *low), (min(row + BLOCK_POSITIONS[axes][0], stop[0]), *high))
            for low, high in _spans(start[1:], stop[1:], BLOCK_POSITIONS[axes][1:])
        ]
        for row in range(start[0], stop[0], BLOCK_POSITIONS[axes][0])
    ]
    return torch.cat([torch.cat(row, -1) for row in signals], 2).float().cpu()


def generate_strips(generator: Generator, latents: LatentMap, size: Place) -> Iterator[Tensor]:
    """A signal (1, c, *size) from the beginning of a latent map, in strips along its first axis:
    rows of a picture, stretches of a sound. What is held at once does not grow with their number.
    """
    unit = generator.spec.enlargement
    height, *across = (math.ceil(extent / unit) for extent in size)
    step = BLOCK_POSITIONS[len(size)][0]
    for band, first, last in bands(generator, latents, (height, *across)):
        for top in range(first, last, step):
            bottom = min(top + step, last)
            strip = piece(generator, band, (top, *(0 for _ in across)), (bottom, *across))
            rest = (size[0] - top * unit, *size[1:])
            yield strip[(slice(None), slice(None), *(slice(n) for n in rest))]


def bands(
    generator: Generator, latents: LatentMap, extent: Place, beyond: int = 0
) -> Iterator[tuple[LatentMap, int, int]]:
    """The beginning of a map, `extent` positions of it, in bands along its first axis: what those
    from a first position to before a last depend on, and `beyond` more on every side, drawn at
    once, since what lies around a part has to be drawn with it."""
    reach, (height, *across) = generator.spec.reach + beyond, extent
    for top in range(0, height, BAND[len(extent)]):
        bottom = min(top + BAND[len(extent)], height)
        start = (top - reach, *(-reach for _ in across))
        stop = (bottom + reach, *(n + reach for n in across))
        yield Drawn(latents.part(start, stop), start), top, bottom


def generate_field(generator: Generator, latents: LatentMap, size: Place) -> Tensor:
    """A whole signal (1, c, *size) from the beginning of a latent map."""
    return torch.cat(list(generate_strips(generator, latents, size)), 2)


def blend(points: Sequence[Tensor], weights: Sequence[float], path: Way = "spherical") -> Tensor:
    """One latent between independent ones of the prior, (*latent_shape): their mean by weights
    that sum to 1. On the spherical path it keeps the prior's spread, as a mean would not."""
    mean = torch.stack([w * z for w, z in zip(weights, points, strict=True)]).sum(0)
    return mean / math.sqrt(sum(w * w for w in weights)) if path == "spherical" else mean


def interpolate(
    generator: Generator, z_a: Tensor, z_b: Tensor, steps: int, path: Way = "spherical"
) -> Tensor:
    """Signals (steps, *signal_shape) on the way from one latent to another, both included."""
    return generator.make(between(z_a, z_b, steps, path))


def between(z_a: Tensor, z_b: Tensor, steps: int, path: Way = "spherical") -> Tensor:
    """Latents (steps, *latent_shape) on the way from one to another, both included.

    On the spherical path the angle grows evenly and the length changes evenly (Shoemake 1985),
    so that what lies between is as likely under the prior as the ends are.
    """
    shares = torch.linspace(0, 1, steps).view(-1, *(1 for _ in z_a.shape))
    if path == "straight":
        return torch.lerp(z_a, z_b, shares)
    lengths = z_a.norm(), z_b.norm()
    cosine = float((z_a * z_b).sum() / (lengths[0] * lengths[1]).clamp(min=1e-12))
    angle = math.acos(max(-1.0, min(1.0, cosine)))
    if math.sin(angle) < 1e-4:  # one direction, or two that are opposite: no arc between them
        return torch.lerp(z_a, z_b, shares)
    arc = (
        torch.sin((1 - shares) * angle) * (z_a / lengths[0])
        + torch.sin(shares * angle) * (z_b / lengths[1])
    ) / math.sin(angle)
    points: Tensor = arc * torch.lerp(lengths[0], lengths[1], shares)
    return points


def grid(generator: Generator, corners: Tensor, rows: int, cols: int) -> Tensor:
    """Signals (rows * cols, *signal_shape), row by row, between four latents (4, *latent_shape):
    top left, top right, bottom left, bottom right."""
    sides = [between(corners[k], corners[k + 2], rows) for k in (0, 1)]
    return generator.make(torch.cat([between(a, b, cols) for a, b in zip(*sides, strict=True)]))


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


def _spans(start: Place, stop: Place, step: Place) -> Iterator[tuple[Place, Place]]:
    """The one way across a sound's, or the blocks across a picture's strip."""
    lows = product(*(range(a, b, s) for a, b, s in zip(start, stop, step, strict=True)))
    for low in lows:
        yield low, tuple(min(a + s, b) for a, s, b in zip(low, step, stop, strict=True))
