"""Pictures in strips from top to bottom, so that one of any height takes as much memory."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
from torch import Tensor

from abp_core.generator import Generator
from abp_core.priors.fields import LatentMap
from abp_core.synthesis import sampling
from abp_core.synthesis.encode import Bytes, Floats

HELD = 2**27  # bytes of a picture at once
BLOCK_POSITIONS = 32  # positions along a side that are made at once
WHITE = 255


def pixels(signals: Tensor) -> Bytes:
    """Pictures (n, c, h, w) in [-1, 1] as bytes (n, h, w, c)."""
    return sampling.pixels(signals)[..., : signals.shape[1]]


def rasterise(
    generator: Generator, latents: LatentMap, size: tuple[int, int], held: int = HELD
) -> Iterator[Bytes]:
    """A texture of (width, height) from the beginning of a latent map, as (rows, width, c).
    A very wide one comes in lower strips, down to one position of the map."""
    (width, height), unit = size, generator.spec.enlargement
    channels = generator.spec.out_channels
    across, down = math.ceil(width / unit), math.ceil(height / unit)
    step = min(BLOCK_POSITIONS, max(1, held // (across * unit**2 * channels)))
    for band, first, last in sampling.bands(generator, latents, (down, across)):
        for top in range(first, last, step):
            bottom = min(top + step, last)
            strip = np.empty(((bottom - top) * unit, across * unit, channels), np.uint8)
            for left in range(0, across, BLOCK_POSITIONS):
                right = min(left + BLOCK_POSITIONS, across)
                block = sampling.piece(generator, band, (top, left), (bottom, right))
                strip[:, left * unit : right * unit] = pixels(block)[0]
            yield strip[: height - top * unit, :width]


def join_columns(pictures: list[Iterator[Bytes]], gap: int, columns: int) -> Iterator[Bytes]:
    """Pictures of one size side by side, with white between them and in the place of those that
    lack of `columns`."""
    for parts in zip(*pictures, strict=True):
        rows, width, channels = parts[0].shape
        row = np.full((rows, columns * (width + gap) - gap, channels), WHITE, np.uint8)
        for place, part in enumerate(parts):
            row[:, place * (width + gap) :][:, :width] = part
        yield row


def join_rows(rows: Iterable[Iterator[Bytes]], gap: int) -> Iterator[Bytes]:
    """Rows of pictures one below the other, with white between them."""
    white: Bytes | None = None
    for row in rows:
        if white is not None:
            yield white
        for strip in row:
            yield strip
            white = np.full((gap, *strip.shape[1:]), WHITE, np.uint8)


def overlay(under: Iterator[Bytes], picture: Bytes, at: int, soft: int) -> Iterator[Bytes]:
    """The strips with a picture (h, w, c) laid over them at (at, at). Over `soft` pixels its edge
    gives way to what is under it."""
    height, width, _ = picture.shape
    share = _cosine_ramp(height, soft)[:, None] * _cosine_ramp(width, soft)
    top = -at  # of the strip, in the picture's rows
    for strip in under:
        first, last = max(0, top), min(height, top + len(strip))
        if first < last:
            place = strip[first - top : last - top, at : at + width]
            weight = share[first:last, :, None]
            mixed = place * (1 - weight) + picture[first:last] * weight
            place[:] = mixed.round().astype(np.uint8)
        top += len(strip)
        yield strip


def _cosine_ramp(n: int, soft: int) -> Floats:
    """(n,) from 0 at both ends to 1, along half a wave of `soft` entries."""
    entries = np.arange(n) + 0.5
    share = np.clip(np.minimum(entries, n - entries) / soft, 0, 1)
    wave: Floats = ((1 - np.cos(np.pi * share)) / 2).astype(np.float32)
    return wave
