"""Places of a latent map that are drawn anew, so that they fit what lies around them."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from abp_core.priors.exemplar import PATCH_POSITIONS, Exemplar
from abp_core.priors.fields import Drawn, LatentMap, Place, Repeated
from abp_core.priors.kinds import Prior
from abp_core.priors.known import Known

SEAM = 2  # positions along the border of what is drawn anew that are made to fit
CANDIDATES = 8  # for what is drawn anew
EDGE = 4  # positions along every edge of a tile that are made to continue it
AROUND = SEAM + PATCH_POSITIONS  # positions around a place that what is drawn there depends on

Keep = Callable[[Callable[[], Tensor]], Tensor]


def inpaint(prior: Prior, z: Tensor, inside: Tensor, start: Place, seed: int) -> Tensor:
    """Latents z (c, *extent) of a part of a map that begins at `start`, with others of the prior
    where the mask (*extent) is true: a function of the seed."""
    stop = _stop(start, inside)
    if not isinstance(prior, Exemplar):  # noise has no neighbours to agree with
        return torch.where(inside, prior.map(seed).part(start, stop), z)
    z = torch.where(inside, _find_replacement(z, inside, prior.scales[-1].z, seed), z)
    seam = inside & widen(~inside, SEAM)
    if torch.equal(seam, inside):  # all of it: what little there is stays as it was found
        return z
    return prior.map(seed, known=Known(z, ~seam, start)).part(start, stop)


class Inpainted:
    """A `LatentMap` like another one, but for one place that is drawn anew.

    inside: the mask of that place (*extent), whose first entry stands at `at`. keep: what holds
    the latents of the place, or makes them where it has none.
    """

    def __init__(
        self,
        of: LatentMap,
        prior: Prior,
        inside: Tensor,
        at: Place,
        seed: int,
        keep: Keep = lambda make: make(),
    ) -> None:
        around = [AROUND] * 2 * inside.ndim
        self._of, self._prior, self._seed, self._keep = of, prior, seed, keep
        self._inside = F.pad(inside, around)
        self._at = tuple(n - AROUND for n in at)
        self._span = (at, _stop(at, inside))

    def part(self, start: Place, stop: Place) -> Tensor:
        """The latents of the positions [start, stop), (c, *extent)."""
        z = self._of.part(start, stop)
        first, last = self._span
        if any(a >= d or b <= c for a, b, c, d in zip(start, stop, first, last, strict=True)):
            return z
        return Known(self._keep(self._draw), self._inside, self._at).plant(z, start)

    def _draw(self) -> Tensor:
        before = self._of.part(self._at, _stop(self._at, self._inside))
        return inpaint(self._prior, before, self._inside, self._at, self._seed)


def tile(prior: Prior, latents: LatentMap, start: Place, stop: Place, seed: int) -> LatentMap:
    """A map that repeats the part [start, stop) of another one without end. Along its edges it is
    drawn anew, a function of the seed, so that it continues itself."""
    z, origin = latents.part(start, stop), tuple(0 for _ in start)
    periods = tuple(high - low for low, high in zip(start, stop, strict=True))
    if isinstance(prior, Exemplar):
        edge = widen(F.pad(torch.zeros(periods), [1] * 2 * len(periods), value=1) > 0, EDGE)
        inner = ~edge[tuple(slice(1, -1) for _ in periods)]
        known = Known(z, inner, origin)
        z = prior.map(seed, periods=periods, known=known).part(origin, periods)
    return Repeated(Drawn(z, origin), periods)


def _stop(start: Place, inside: Tensor) -> Place:
    return tuple(low + n for low, n in zip(start, inside.shape, strict=True))


def widen(inside: Tensor, by: int) -> Tensor:
    """A mask (*extent) with so many positions around it, along every axis."""
    wide = inside[None, None].float()
    pool = F.max_pool1d if inside.ndim == 1 else F.max_pool2d
    widened: Tensor = pool(wide, 2 * by + 1, stride=1, padding=by)[0, 0] > 0
    return widened


def _find_replacement(z: Tensor, inside: Tensor, exemplar: Tensor, seed: int) -> Tensor:
    """z (c, *extent) with something else where the mask is true: of CANDIDATES places of an
    exemplar (c, h, w), others for every seed, the one whose surroundings are most like those of
    the mask. Where the exemplar ends it begins anew."""
    wide = widen(inside, SEAM)
    spans = [(int(axis.min()), int(axis.max()) + 1) for axis in wide.nonzero(as_tuple=True)]
    box = tuple(slice(low, high) for low, high in spans)
    around = (wide & ~inside)[box]
    here, whole = z[(slice(None), *box)], exemplar.reshape(len(z), *exemplar.shape[-inside.ndim :])
    places = torch.randperm(whole[0].numel(), generator=torch.Generator().manual_seed(0))
    turn = seed % len(places) * CANDIDATES + torch.arange(CANDIDATES)
    corners = torch.stack(torch.unravel_index(places[turn % len(places)], whole.shape[1:]), 1)
    best, least = here, math.inf
    for corner in corners.tolist():
        there = whole
        for axis, ((low, high), first) in enumerate(zip(spans, corner, strict=True), start=1):
            index = (torch.arange(high - low) + first) % whole.shape[axis]
            there = there.index_select(axis, index)
        apart = float((there - here)[:, around].square().sum())
        if apart < least:
            best, least = there, apart
    found = z.clone()
    found[(slice(None), *box)] = best
    return found
