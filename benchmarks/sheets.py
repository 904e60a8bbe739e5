"""Samples beside their originals, for eyes: one picture for each data set."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from abp_core.files import Pixels
from abp_core.metrics import sound
from abp_core.previews import BANDS, resized, spectrogram
from abp_core.synthesis import contact_sheet, pixels

WIDEST = 1024  # pixels of a sheet of textures or spectrograms
GAP = 4
SET_COLUMNS = 12


def textures(real: Tensor, samples: list[Tensor]) -> Image.Image:
    """The original (c, h, w) at the left, then as many samples as are not too wide, at full
    size."""
    most = max(1, WIDEST // real.shape[2] - 1)
    return _side_by_side([pixels(picture[None])[0] for picture in (real, *samples[:most])], axis=1)


def sounds(real: Tensor, samples: list[Tensor], rate: int) -> Image.Image:
    """Log-mel spectrograms of the original (1, n), above, and of the samples, with the same
    decibels in the same colours; time runs to the right."""
    loudest = float(sound.log_mel(real, rate, bands=BANDS).max())
    rows = [
        resized(spectrogram(signal, rate, loudest), WIDEST, 2 * BANDS)
        for signal in (real, *samples)
    ]
    return _side_by_side(rows, axis=0)


def sets(held: Tensor, made: Tensor, samples: list[Tensor]) -> Image.Image:
    """Two rows of held-back pictures, the same reconstructed by inference, and two of samples."""
    n = 2 * SET_COLUMNS
    blocks = [contact_sheet(pixels(some[:n]), SET_COLUMNS) for some in (held, made, samples[0])]
    return _side_by_side(blocks, axis=0)


def _side_by_side(pictures: list[Pixels], axis: int) -> Image.Image:
    """Pictures (h, w, 3) of one size in a row (axis 1) or a column (axis 0), a white line between
    any two."""
    shape = list(pictures[0].shape)
    shape[axis] = GAP
    line = np.full(shape, 255, dtype=np.uint8)
    parts = [part for picture in pictures for part in (line, picture)][1:]
    return Image.fromarray(torch.cat([torch.from_numpy(np.array(p)) for p in parts], axis).numpy())
