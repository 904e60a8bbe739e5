"""Examples of what a model learnt from, all of the size that it makes.

A set, and crops that were drawn once, are examples already. One picture or sound that was learnt
whole is looked at through windows, spread evenly over it.
"""

import math

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.priors.fields import Place
from abp_core.spec import TrainingSpec

MOST_EXCERPTS = 24  # windows of one picture or sound
# Multiples of these, without their whole part, are spread evenly over a square, however many of
# them there are (Roberts 2018): powers of the inverse of the real root of x^3 = x + 1.
STRIDES = (0.7548776662466927, 0.5698402909980532)


def latents_of(saved: Checkpoint) -> Tensor:
    """The examples' latents as they were inferred, (n, *latent_shape)."""
    if not saved.spec.window:
        return saved.latents
    return _windows(saved.latents, saved.spec.generator.latent_shape[1:], 1)


def signals_of(spec: TrainingSpec, signals: Tensor) -> Tensor:
    """The examples of the data (n, c, ...) of a run, (n, *signal_shape); smaller where the data
    is."""
    if not spec.window:
        return signals
    return _windows(signals, spec.generator.signal_shape[1:], spec.generator.enlargement)


def _windows(whole: Tensor, size: Place, unit: int) -> Tensor:
    """MOST windows of a given size of one map or signal (1, c, ...), whose places are the same in
    positions of the map, `unit` entries long."""
    size = tuple(min(a, b) for a, b in zip(size, whole.shape[2:], strict=True))
    found = []
    for k in range(MOST_EXCERPTS):
        part = whole
        for axis, length in enumerate(size, start=2):
            room = (whole.shape[axis] - length) // unit + 1
            place = math.floor((0.5 + k * STRIDES[axis - 2]) % 1.0 * room)
            part = part.narrow(axis, place * unit, length)
        found.append(part)
    return torch.cat(found)
