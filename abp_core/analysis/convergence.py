"""Whether several chains have come to agree: R-hat and effective sample size (Vehtari, Gelman,
Simpson, Carpenter and Buerkner 2021), as the package arviz-stats computes them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

FEWEST = 8  # draws of each chain, below which nothing can be said
DIRECTIONS = 16  # of a larger latent, those in which its draws are widest


@dataclass(frozen=True, slots=True)
class Agreement:
    """rhat: the largest of all coordinates; near 1 where the chains cannot be told apart. ess: the
    smallest number of independent draws that the dependent ones are worth. draws: of each chain."""

    rhat: float
    ess: float
    draws: int


def agreement(z: Tensor) -> Agreement | None:
    """Of latents (draws, chains, *latent_shape), of which the first half is left out as the way to
    where the chains are at rest; None where there are too few, or a chain
    does not move."""
    kept = z[len(z) // 2 :].flatten(2)
    if len(kept) < FEWEST or not kept.isfinite().all():
        return None
    if kept.shape[2] > DIRECTIONS:
        flat = kept.flatten(0, 1)
        _, _, axes = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
        kept = kept @ axes[:DIRECTIONS].T
    # It brings much of SciPy along, for which nobody has to wait who never asks.
    from arviz_stats.base import array_stats

    draws = kept.double().numpy()
    with np.errstate(all="ignore"):  # chains that do not move at all have no spread to divide by
        rhat = array_stats.rhat(draws, chain_axis=1, draw_axis=0)
        ess = array_stats.ess(draws, chain_axis=1, draw_axis=0)
    if not (np.isfinite(rhat).all() and np.isfinite(ess).all()):
        return None
    return Agreement(float(rhat.max()), float(ess.min()), len(kept))
