"""A prior that is the inferred latent map itself: new maps are made of its patches.

From coarse to fine every patch of a new map gives way to the one of the exemplar that is nearest to
it (Granot, Feinstein, Shocher, Bagon and Irani 2022, there on pixels), a few times at every scale.
The coarsest scale begins with small tiles of the exemplar from places that chance chooses. There
is nothing to train.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from abp_core.priors.composed import Composed
from abp_core.priors.fields import Place
from abp_core.priors.known import Known
from abp_core.priors.patches import Patches
from abp_core.priors.scales import RATIO, enlarge, shrink

COARSEST = 12  # positions that the shorter side of the coarsest scale has at least
MOST_SCALES = 14  # scales; a position of the coarsest then spans 42, of a sound a sixth of a second
PATCH_POSITIONS = 7  # positions along a side
BORDER = 2  # positions along the border of a map that are known less well than others
APART = 2**20  # positions between independent draws of one seed


@dataclass(frozen=True, slots=True, eq=False)
class Exemplar:
    """The patches of a map (c, *extent) at every scale, the coarsest first.

    novelty: how far from their own place the first tiles of a new map are taken: its square is a
        share of the exemplar. At 0 a new map is the exemplar again, at 1 its tiles come from
        anywhere.
    """

    scales: tuple[Patches, ...]
    extent: Place
    novelty: float = 1.0

    @classmethod
    def of(cls, z: Tensor, extent: Place | None = None) -> Self:
        """Of the latents (c, h, w) or (c, n) of one picture or sound, as they stand. extent: of
        what is drawn; if nothing else is said, that of the latents."""
        whole = z.detach().float() if z.ndim == 3 else z.detach().float()[:, None]
        if min((n for n in whole.shape[1:] if n > 1), default=0) >= COARSEST + 2 * BORDER:
            within = (slice(BORDER, -BORDER) if n > 1 else slice(None) for n in whole.shape[1:])
            whole = whole[(slice(None), *within)]
        shortest, count = min((n for n in whole.shape[1:] if n > 1), default=1), 1
        while int(shortest / RATIO**count) >= COARSEST and count < MOST_SCALES:
            count += 1
        scales: list[Patches] = []
        for level in reversed(range(count)):
            here = shrink(whole, RATIO**level)
            blurred = _enlarged_to(scales[-1].z, here) if scales else here
            patch = (min(PATCH_POSITIONS, here.shape[1]), min(PATCH_POSITIONS, here.shape[2]))
            scales.append(Patches.of(here, blurred, patch))
        return cls(tuple(scales), extent or tuple(z.shape[1:]))

    def map(
        self,
        seed: int,
        *,
        periods: Place | None = None,
        known: Known | None = None,
    ) -> Composed:
        """A new map without end, a function of the seed.

        periods: after how many positions it begins anew, for each axis; 0 where it does not.
        known: latents that stay; what lies around them is drawn to fit.
        """
        return self.between({seed: 1.0}, periods=periods, known=known)

    def between(
        self,
        seeds: Mapping[int, float],
        *,
        periods: Place | None = None,
        known: Known | None = None,
    ) -> Composed:
        """A map between those of several seeds, whose shares sum to 1: so many of its first tiles
        are theirs. As the shares change, one tile after another gives way."""
        whole = (0,) * len(self.extent)
        return Composed(self.scales, seeds, self.novelty, periods or whole, known)

    def draw(self, n: int, seed: int) -> Tensor:
        """n independent maps (n, c, *extent); the first k are the same whatever n is."""
        extent = self.extent
        endless, rest = self.map(seed), (0,) * (len(extent) - 1)
        tops = [k * APART for k in range(n)]
        return torch.stack(
            [endless.part((top, *rest), (top + extent[0], *extent[1:])) for top in tops]
        )

    def tensors(self) -> dict[str, Tensor]:
        """It needs none beside the latents themselves."""
        return {}


def _enlarged_to(z: Tensor, finer: Tensor) -> Tensor:
    """A coarser map as it looks at a finer scale, its border continued."""
    for axis in (1, 2):
        if finer.shape[axis] > 1:
            inside = torch.arange(-1, z.shape[axis] + 2).clamp(0, z.shape[axis] - 1)
            z = enlarge(z.index_select(axis, inside), axis, -1, (0, finer.shape[axis]), RATIO)
    return z
