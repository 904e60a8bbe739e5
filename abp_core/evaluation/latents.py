"""Whether the latents that were inferred look like the prior that samples are drawn from.

If the posterior's latents, taken together, are not N(0, I), samples from the prior cannot look
like the data.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class LatentMoments:
    """Of all entries together: mean, std. Of single channels (or of the entries of a vector):
    the mean farthest from 0, the lowest and the highest std. norm: root mean square, 1 under the
    prior."""

    mean: float
    std: float
    farthest_mean: float
    lowest_std: float
    highest_std: float
    norm: float


def latent_moments(z: Tensor) -> LatentMoments:
    """Moments of latents (n, c) or (n, c, *positions)."""
    channels = z.transpose(0, 1).flatten(1)
    means, stds = channels.mean(1), channels.std(1)
    return LatentMoments(
        mean=float(z.mean()),
        std=float(z.std()),
        farthest_mean=float(means[means.abs().argmax()]),
        lowest_std=float(stds.min()),
        highest_std=float(stds.max()),
        norm=float(z.square().mean().sqrt()),
    )


def neighbour_dependence(z: Tensor) -> float:
    """How much latents (n, c, *positions) depend, linearly, on those one position on: the size
    |R| / sqrt(c) of the matrix R (c, c) of correlations between the channels here and there, as
    a root mean square over the axes.

    1 where the neighbour is a copy (or any rotation of one), 0 where they are independent; drawn
    from the prior about sqrt(c / pairs of neighbours). A latent map only one position wide has
    no neighbours along that axis. 0 for vectors.
    """
    sizes = []
    for axis in range(2, z.ndim):
        length = z.shape[axis]
        if length > 1:
            here, there = z.narrow(axis, 0, length - 1), z.narrow(axis, 1, length - 1)
            sizes.append(_correlations(here, there).square().sum() / z.shape[1])
    return float(torch.stack(sizes).mean().sqrt()) if sizes else 0.0


def _correlations(a: Tensor, b: Tensor) -> Tensor:
    """Correlations (c, c) between the channels of a and of b, both (n, c, *positions)."""
    rows = [x.transpose(0, 1).flatten(1) for x in (a, b)]
    rows = [x - x.mean(1, keepdim=True) for x in rows]
    p, q = (x / x.square().sum(1, keepdim=True).sqrt().clamp(min=1e-12) for x in rows)
    return p @ q.T
