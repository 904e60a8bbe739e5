"""A sound as a picture of its loudness over time and pitch."""

import matplotlib as mpl
import numpy as np
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from abp_core.data.colours import Pixels
from abp_core.evaluation import sound

BANDS = 96
FULL_SCALE = 15.0  # decibels of a tone from -1 to 1
LOUDNESS_RANGE = 70.0  # decibels from the brightest colour to the darkest


def spectrogram(
    signal: Tensor, rate: int, size: tuple[int, int], *, loudest: float | None = None
) -> Pixels:
    """A log-mel spectrogram (height, width, 3) of a sound (1, length); time runs to the right, and
    pitch upwards from 0 Hz to half the rate.

    size: width and height. loudest: decibels of the brightest colour, the same for sounds that are
    to be compared; the sound's own loudest where it is not given.
    """
    signal = pad(signal, (0, max(0, rate // 10 - signal.shape[-1])))  # a frame needs so much
    mel = sound.log_mel(signal, rate, bands=BANDS)[0].flip(0)
    level = 1 + (mel - (mel.max() if loudest is None else loudest)) / LOUDNESS_RANGE
    colours = mpl.colormaps["magma"](level.clamp(0, 1).numpy(), bytes=True)
    pixels = np.ascontiguousarray(colours[..., :3])
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
