"""Examples of what a model learnt from, all of the size that it makes.

A set, and crops that were drawn once, are examples already. One picture or sound that was learnt
whole is looked at through windows, spread evenly over it.
"""

import math

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
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


def starts_of(spec: TrainingSpec, extent: Place) -> list[Place]:
    """Where the examples of a run begin in the picture or sound of this size, in pixels or
    samples."""
    if not spec.window:
        return [tuple(start) for start in datasets.draw_starts(extent, spec)]
    return _starts(extent, spec.generator.signal_shape[1:], spec.generator.enlargement)


def _windows(whole: Tensor, size: Place, unit: int) -> Tensor:
    """The windows of a given size of one map or signal (1, c, ...)."""
    extent = tuple(whole.shape[2:])
    size = tuple(min(a, b) for a, b in zip(size, extent, strict=True))
    found = []
    for start in _starts(extent, size, unit):
        part = whole
        for axis, (first, length) in enumerate(zip(start, size, strict=True), start=2):
            part = part.narrow(axis, first, length)
        found.append(part)
    return torch.cat(found)


def _starts(extent: Place, size: Place, unit: int) -> list[Place]:
    """Where windows begin, at places that are the same in positions of the map, `unit` entries
    long."""
    rooms = [(a - b) // unit + 1 for a, b in zip(extent, size, strict=True)]
    return [
        tuple(
            unit * math.floor((0.5 + k * stride) % 1.0 * room)
            for room, stride in zip(rooms, STRIDES, strict=False)
        )
        for k in range(MOST_EXCERPTS)
    ]
