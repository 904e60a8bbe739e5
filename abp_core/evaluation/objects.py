"""Picture sets: the distribution of their patches, reconstruction by PCA, and diversity."""

import torch
from torch import Tensor
from torch.nn import functional as F

from abp_core.learning.patches import (
    PATCH,
    laplacian_pyramid,
)

PATCHES = 128  # taken from each picture, at each level
PROJECTIONS = 256


def sliced_wasserstein(a: Tensor, b: Tensor, *, seed: int = 0) -> float:
    """Sliced first Wasserstein distance between as many vectors a and b (n, k): the mean over
    PROJECTIONS random directions of the mean distance between equal ranks (Rabin et al., 2011)."""
    if a.shape != b.shape:
        raise ValueError("Both sets must hold equally many vectors of one length.")
    draw = torch.Generator().manual_seed(seed)
    directions = F.normalize(torch.randn(a.shape[1], PROJECTIONS, generator=draw), dim=0)
    distances = [
        ((a @ some).sort(0).values - (b @ some).sort(0).values).abs().mean()
        for some in torch.split(directions, 64, dim=1)  # few at a time, to bound memory
    ]
    return float(torch.stack(distances).mean())


def patch_distances(a: Tensor, b: Tensor, *, seed: int = 0) -> list[float]:
    """Sliced Wasserstein distance between random PATCH x PATCH patches of equally many pictures a
    and b (n, c, h, w), for each level of their Laplacian pyramids (Karras et al., Progressive
    Growing of GANs, 2018).

    In units of the real entries' deviation. Unlike there, both sets are scaled by the mean and
    deviation of b, the real ones: scaled each by its own, a loss of contrast would not be seen.
    """
    distances = []
    for ours, theirs in zip(laplacian_pyramid(a), laplacian_pyramid(b), strict=True):
        mean = theirs.mean((0, 2, 3), keepdim=True)
        deviation = theirs.std((0, 2, 3), keepdim=True).clamp(min=1e-6)
        x, y = (_patches((level - mean) / deviation, seed) for level in (ours, theirs))
        distances.append(sliced_wasserstein(x, y, seed=seed))
    return distances


def pca_reconstruction(train: Tensor, test: Tensor, d: int) -> Tensor:
    """test (m, ...) projected on the mean and first d principal components of train (n, ...)."""
    flat = train.flatten(1)
    mean = flat.mean(0)
    *_, components = torch.linalg.svd(flat - mean, full_matrices=False)
    basis = components[:d]
    projected: Tensor = mean + (test.flatten(1) - mean) @ basis.T @ basis
    return projected.view_as(test)


def diversity(pictures: Tensor) -> float:
    """Root mean square difference of an entry between two pictures of (n, ...), over all pairs."""
    return float((2 * pictures.var(0)).mean().sqrt())


def _patches(pictures: Tensor, seed: int) -> Tensor:
    """(n * PATCHES, c * PATCH^2): patches of (n, c, h, w) at random places."""
    n, _, height, width = pictures.shape
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randint(height - PATCH + 1, (n, PATCHES), generator=draw)
    columns = torch.randint(width - PATCH + 1, (n, PATCHES), generator=draw)
    windows = pictures.unfold(2, PATCH, 1).unfold(3, PATCH, 1)
    each = torch.arange(n)[:, None].expand(-1, PATCHES)
    return windows[each, :, rows, columns].flatten(0, 1).flatten(1)
