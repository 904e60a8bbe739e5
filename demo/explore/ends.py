"""Both ends of each direction of a model's latents: what they look like, and what differs."""

import numpy as np
import torch
from torch import Tensor

from abp_core.analysis.directions import Directions
from demo import media
from demo.models.collection import Model

ENDS = 2.0  # deviations from the middle
VISIBLE = 0.1  # of the range from black to white: a pixel that differs by more has changed
BRIGHTEST = 0.5  # of that range, where the colours of a difference end


@torch.inference_mode()
def ends_of(model: Model, found: Directions, number: int) -> Tensor:
    """Signals (number, 2, c, ...): of each of the first directions below and above the middle,
    which is the mean of the latents, a typical map or the first frame of a film."""
    axes = found.axes[:, :number].T
    moved = torch.tensor([-ENDS, ENDS]).view(1, 2, 1) * axes[:, None]
    middle = found.mean
    if model.generator.spec.spatial or model.kind == "film":
        middle = model.examples[0]
        moved = moved.view(*moved.shape, *(1 for _ in middle.shape[1:]))
    z = (middle + moved).flatten(0, 1)
    signals = torch.cat([model.generator.make(some) for some in torch.split(z, 8)])
    return signals.reshape(number, 2, *signals.shape[1:])


def changed_shares(ends: Tensor) -> list[float]:
    """Of pictures (n, 2, c, h, w) in [-1, 1]: the share of pixels by which the two differ visibly,
    that is by more than VISIBLE of the range from black to white, as a mean over the colours."""
    pictures = ends.clamp(-1, 1)
    apart = (pictures[:, 1] - pictures[:, 0]).abs().mean(1) / 2
    shares: list[float] = (apart > VISIBLE).float().mean((1, 2)).tolist()
    return shares


def draw_ends(model: Model, ends: Tensor) -> media.Pixels:
    """Thumbnails in three columns: below, above, and what differs, the brighter the more."""
    pairs = model.medium.draw_thumbnails(ends.flatten(0, 1), 2)
    below, above = (half.astype(np.float32) for half in np.split(pairs, 2, axis=1))
    apart = np.abs(above - below).mean(-1) / 255
    return np.concatenate([pairs, media.heat(apart, BRIGHTEST)], axis=1)
