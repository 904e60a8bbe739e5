"""Latents that stay as they are while others are drawn around them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from abp_core.priors.fields import Place


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Latents z (c, *extent) that stay as they are where the mask (*extent) is true; the first of
    them stands at `at`."""

    z: Tensor
    mask: Tensor
    at: Place

    def plant(self, z: Tensor, start: Place) -> Tensor:
        """A part of a map that begins at `start`, (c, *extent), with what is known in its place."""
        ours: list[slice] = []
        theirs: list[slice] = []
        for low, n, at, size in zip(start, z.shape[1:], self.at, self.mask.shape, strict=True):
            first, last = max(low, at), min(low + n, at + size)
            if first >= last:
                return z
            ours.append(slice(first - low, last - low))
            theirs.append(slice(first - at, last - at))
        z = z.clone()
        inside = (slice(None), *ours)
        z[inside] = torch.where(self.mask[tuple(theirs)], self.z[(slice(None), *theirs)], z[inside])
        return z
