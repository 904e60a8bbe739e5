"""The directions of a model's latents that its output follows most.

The prior treats all directions alike; the network does not. What it makes of the latents that
were inferred from the examples shows which of them matter (active subspaces: Constantine 2015).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

STEP = 0.1  # of the differences that tell how f changes, in deviations of the latents
SIGNALS_AT_ONCE = 32  # signals that are made at once
MEASURED = 16  # directions whose effect is measured, beyond its slope


@dataclass(frozen=True, slots=True)
class Coordinates:
    """z = mean + axes @ t for coordinates t in standard deviations of the inferred latents.

    mean (c,). axes (c, c): a direction a column. With a latent map c are its channels.
    """

    mean: Tensor
    axes: Tensor

    @classmethod
    def principal(cls, latents: Tensor) -> Self:
        """Those of inferred latents (n, c, ...) along which they vary most."""
        rows = latents.transpose(0, 1).flatten(1).T
        mean = rows.mean(0)
        values, vectors = torch.linalg.eigh((rows - mean).T @ (rows - mean) / len(rows))
        widths = values.clamp(min=1e-6).sqrt()
        return cls(mean, (vectors * widths).flip(1))

    def coordinates(self, z: Tensor) -> Tensor:
        """t (n, c) of latents z (n, c)."""
        t: Tensor = torch.linalg.solve(self.axes, (z - self.mean).T).T
        return t


@dataclass(frozen=True, slots=True)
class Directions(Coordinates):
    """Coordinates whose first direction moves the output most.

    moves (MEASURED or less,): by how much f(z) changes, as root mean square over its entries, when
    one of the first coordinates goes from -1 to 1; all positions of a latent map move alike.
    """

    moves: Tensor

    def leading(self, most: int, least: float = 0.05) -> int:
        """How many move the output by at least that share of what the first does, up to `most`."""
        return min(most, int((self.moves >= least * self.moves[0]).sum()))


Seen = Callable[[Tensor], Tensor]


def identity(x: Tensor) -> Tensor:
    """Signals (n, ...) as they are."""
    return x


@torch.inference_mode()
def directions(
    f: Callable[[Tensor], Tensor], latents: Tensor, examples: int = 4, seen: Seen = identity
) -> Directions:
    """Of f, which makes signals of latents, at the first of those inferred (n, *latent_shape).

    Their covariance C gives the units, E[C^(1/2) J'J C^(1/2)] the axes, and a walk from -1 to 1
    along each the order. seen: what of signals (n, ...) counts as a change, (n, ...), as a
    spectrum does of a sound whose phases nobody hears; J is the slope of seen(f(z)).
    """
    channels = latents.shape[1]
    each = latents.movedim(1, -1).reshape(-1, channels)
    mean = each.mean(0)
    # In double precision, since what moves the output least has a square far below the largest.
    values, vectors = torch.linalg.eigh(torch.cov(each.double().T).reshape(channels, channels))
    spread = (vectors * values.clamp(min=1e-6).sqrt()).float()

    def differences(axes: Tensor) -> Tensor:
        """seen(f(z + v)) - seen(f(z - v)) for every column v of axes, (columns, entries)."""
        steps = axes.T.reshape(-1, 1, channels, *(1 for _ in latents.shape[2:]))
        ends = ((latents[:examples] + sign * steps).flatten(0, 1) for sign in (1, -1))
        above, below = (
            torch.cat([seen(f(some)) for some in torch.split(end, SIGNALS_AT_ONCE)]) for end in ends
        )
        return (above - below).reshape(axes.shape[1], -1)

    slopes = differences(STEP * spread).double()
    _, rotation = torch.linalg.eigh(slopes @ slopes.T)
    axes = spread @ rotation.flip(1).float()
    moves = differences(axes[:, :MEASURED]).square().mean(1).sqrt()
    order = moves.argsort(descending=True)
    rest = torch.arange(len(order), channels)
    return Directions(mean, axes[:, torch.cat([order, rest])], moves[order])
