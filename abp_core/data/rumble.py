"""What lies below hearing, left out of a sound: where it is read, so that nothing learns it, and
where it leaves.

A generator's slow drift costs nothing that anybody hears, but it takes the room of what is heard
and lets a sound begin and end with a click. The filter is of linear phase and of finite length:
one sample depends on those within `reach` of it and on nothing else, so that a sound filtered piece
by piece is the same as one filtered whole.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from abp_core.data.sounds import Samples

CUTOFF = 25.0  # hertz, where half the amplitude is left: nothing of a constant, .08 of it at 20 Hz
REACH = 0.1  # seconds that the filter sees to each side; from 33 Hz on it changes less than .1 dB


def reach(rate: int) -> int:
    """How many samples to each side one depends on."""
    return round(REACH * rate)


def remove(samples: Samples, rate: int) -> Samples:
    """A whole sound (..., frames) without what lies below hearing. Beyond its ends it goes on as in
    a mirror."""
    if not samples.shape[-1]:
        return samples
    sides = [(0, 0)] * (samples.ndim - 1) + [(reach(rate), reach(rate))]
    return remove_within(np.pad(samples, sides, mode="symmetric"), rate)


def remove_within(samples: Samples, rate: int) -> Samples:
    """A part of a sound (..., frames), which goes on around it, without what lies below hearing and
    without `reach` samples at either end: (..., frames - 2 reach)."""
    taps, frames = _low_pass(rate), samples.shape[-1]
    length = 1 << (frames - 1).bit_length()
    # Around a circle: what comes round meets nothing but the ends that are cut off.
    spectrum = np.fft.rfft(samples.astype(np.float64), length) * np.fft.rfft(taps, length)
    slow = np.fft.irfft(spectrum, length)[..., len(taps) - 1 : frames]
    within = samples[..., reach(rate) : frames - reach(rate)]
    return (within - slow).astype(np.float32)


@lru_cache(maxsize=8)
def _low_pass(rate: int) -> NDArray[np.float64]:
    """A sinc under a Hamming window (2 reach + 1,), which lets a constant through as it is."""
    at = np.arange(-reach(rate), reach(rate) + 1) / rate
    taps = np.sinc(2 * CUTOFF * at) * np.hamming(len(at))
    return np.asarray(taps / taps.sum())
