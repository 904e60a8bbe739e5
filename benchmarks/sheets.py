"""Contact sheets, for eyes: the original, what the model rebuilds of it, three samples, and three
of the model before."""

from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from abp_core.data.colours import Pixels
from abp_core.evaluation import sound
from abp_core.evaluation.spectrogram import BANDS, spectrogram
from abp_core.synthesis.sampling import contact_sheet, pixels

SAMPLES = 3
SIDE = 384  # pixels of a texture's picture at most
WIDTH = 1024  # pixels of a spectrogram
GAP = 4
SET_COLUMNS = 16

Shown = Tensor | None  # None where there is nothing to show


def textures(
    real: Tensor, made: Shown, samples: Sequence[Tensor], before: Sequence[Tensor]
) -> Image.Image:
    """Pictures (c, h, w): the original and samples above, what was rebuilt and samples of the model
    before below. A place that was never seen is grey."""
    rows = [[real, *samples[:SAMPLES]], [made, *before[:SAMPLES]]]
    height, width = real.shape[1:]
    scale = min(1.0, SIDE / max(height, width))
    size = round(width * scale), round(height * scale)

    def cell(picture: Shown) -> Pixels:
        if picture is None:
            return np.full((size[1], size[0], 3), 255, dtype=np.uint8)
        shown = Image.fromarray(pixels(picture[None].nan_to_num())[0][:height, :width])
        return np.asarray(shown.resize(size, Image.Resampling.LANCZOS))

    whole = [row for row in rows if any(picture is not None for picture in row)]
    lines = [[*row, *[None] * (1 + SAMPLES - len(row))] for row in whole]
    return _stacked([_joined([cell(picture) for picture in line], axis=1) for line in lines])


def sounds(
    real: Tensor, made: Shown, samples: Sequence[Tensor], before: Sequence[Tensor], rate: int
) -> Image.Image:
    """Log-mel spectrograms of sounds (1, n), one below the other: the original, what was rebuilt,
    samples, samples of the model before; the same decibels in the same colours, time runs to the
    right."""
    loudest = float(sound.log_mel(real, rate, bands=BANDS).max())
    some = [real, *([] if made is None else [made]), *samples[:SAMPLES], *before[:SAMPLES]]
    return _stacked(
        [
            spectrogram(signal.nan_to_num(), rate, (WIDTH, BANDS + BANDS // 2), loudest=loudest)
            for signal in some
        ]
    )


def sets(
    held: Tensor, made: Shown, samples: Sequence[Tensor], before: Sequence[Tensor]
) -> Image.Image:
    """Two rows of pictures (n, c, h, w) each: held back, the same reconstructed by inference,
    samples, and samples of the model before."""
    n = 2 * SET_COLUMNS
    some = [held, *([] if made is None else [made]), *samples[:1], *before[:1]]
    return _stacked([contact_sheet(pixels(pictures[:n]), SET_COLUMNS) for pictures in some])


def _stacked(pictures: list[Pixels]) -> Image.Image:
    return Image.fromarray(_joined(pictures, axis=0))


def _joined(pictures: list[Pixels], axis: int) -> Pixels:
    """Pictures (h, w, 3) of one size in a row (axis 1) or a column (axis 0), a white line between
    any two."""
    shape = list(pictures[0].shape)
    shape[axis] = GAP
    line = np.full(shape, 255, dtype=np.uint8)
    parts = [part for picture in pictures for part in (line, picture)][1:]
    return np.concatenate(parts, axis)
