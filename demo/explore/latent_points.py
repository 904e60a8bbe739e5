"""A point to look at: what a visitor's sliders, plane and brush say, as latents of a model.

A point comes from a browser, or from a link that anybody may have written, so everything in it is
checked. It is also all there is to a picture: the same point of the same model gives it again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from abp_core.analysis.directions import Directions
from abp_core.priors.exemplar import Exemplar
from abp_core.priors.fields import Drawn, LatentMap
from abp_core.priors.known import Known
from abp_core.priors.normal import Kept
from abp_core.synthesis import inpainting, sampling
from demo import limits
from demo.errors import Rejected
from demo.explore.points import DAMAGED, Edit, Point
from demo.models.collection import Model

ROW_OF_SEEDS = 1000  # one step down the plane of seeds adds this to the seed, one across adds 1
VIEW = {"texture": 224, "sound": 5.0}  # pixels along a side, seconds; of a film a whole frame
CELL = {"texture": 16, "sound": 1024, "film": 8}  # pixels along a side, samples


def view_of(model: Model) -> tuple[int, ...]:
    """How many positions of a latent map are looked at, (rows, columns) or (moments,)."""
    unit = model.generator.spec.enlargement
    if model.kind == "film":
        return model.generator.spec.latent_shape[1:]
    if model.kind == "sound":
        return (max(1, round(VIEW["sound"] * model.saved.source.sample_rate / unit)),)
    return (max(1, int(VIEW["texture"]) // unit),) * 2


def cell_of(model: Model) -> int:
    """Positions along a side of a cell, which is what a brush changes: a finer map than a hand can
    follow would also make its links too long."""
    side, view = max(1, round(CELL[model.kind] / model.generator.spec.enlargement)), view_of(model)
    while math.prod(math.ceil(n / side) for n in view) > 4 * limits.CELL_DIGITS:
        side += 1
    return side


def grid_of(model: Model) -> tuple[int, ...]:
    """How many cells are looked at, along each axis; the last may be smaller than the others."""
    return tuple(math.ceil(n / cell_of(model)) for n in view_of(model))


def vector(model: Model, found: Directions, point: Point) -> Tensor:
    """The latent (d,) of a point; rounded, so that a link can hold it. Raises Rejected."""
    (d,) = model.generator.spec.latent_shape
    if point.z:
        if len(point.z) != d:
            raise Rejected(DAMAGED)
        return torch.tensor(point.z)
    if point.example >= 0:
        z = _example(model, point.example)
    else:
        z = _blend_seeds(point, lambda seed: model.prior.draw(1, seed)[0])
    t = found.coordinates(z[None])[0]
    for k, wanted in enumerate(point.moves[:d]):
        if not math.isnan(wanted):
            z = z + (wanted - t[k]) * found.axes[:, k]
    return z.mul(1e4).round().div(1e4)


def latent_map(model: Model, found: Directions, point: Point) -> Drawn:
    """The latents of a point of a model with a latent map: those of its view and what surrounds
    it. Raises Rejected."""
    view, reach = view_of(model), model.generator.spec.reach
    start, stop = tuple(-reach for _ in view), tuple(n + reach for n in view)
    place = (point.seed, point.x, point.y)
    z = model.maps.get(place, lambda: _map(model, point).part(start, stop)).clone()
    kept = torch.zeros(z.shape[1:], dtype=torch.bool)  # what is drawn around something else leaves
    if point.example >= 0:
        example = _example(model, point.example)
        spare = zip(z.shape[1:], example.shape[1:], strict=True)
        at = tuple(low + (n - m) // 2 for low, (n, m) in zip(start, spare, strict=True))
        everywhere = torch.ones(example.shape[1:], dtype=torch.bool)
        kept = Known(everywhere[None], everywhere, at).plant(kept[None], start)[0]
        z = _map(model, point, Known(example, everywhere, at)).part(start, stop)
    for edit in point.edits:
        inside = F.pad(mask_of(edit, model), [reach] * 2 * len(view))
        z = _apply_edit(edit, z, inside, kept, model, found, point) if edit.cells else z
        kept = kept | inside
    for k, amount in enumerate(point.moves[: z.shape[0]]):
        if not math.isnan(amount):
            z = z + (amount * found.axes[:, k]).view(-1, *(1 for _ in view))
    return Drawn(z, start)


def _map(model: Model, point: Point, known: Known | None = None) -> LatentMap:
    """What stands at a place of the plane of seeds, with latents that stay as they are."""
    shares, prior = _shares(point), model.prior
    if isinstance(prior, Exemplar):
        return prior.between(shares, known=known)
    if len(shares) == 1:
        return prior.map(*shares, known=known)
    mixed = _Mixed([prior.map(seed) for seed in shares], list(shares.values()))
    return Kept(known, mixed) if known else mixed


@dataclass(frozen=True, slots=True, eq=False)
class _Mixed:
    """A map between others of the paper's prior, as likely as they are."""

    maps: list[LatentMap]
    shares: list[float]

    def part(self, start: tuple[int, ...], stop: tuple[int, ...]) -> Tensor:
        return sampling.blend([each.part(start, stop) for each in self.maps], self.shares)


def mask_of(edit: Edit, model: Model) -> Tensor:
    """Where an edit's cells are, (*view). Raises Rejected."""
    grid, side = grid_of(model), cell_of(model)
    if any(cell >= math.prod(grid) for cell in edit.cells):
        raise Rejected(DAMAGED)
    chosen = torch.zeros(grid, dtype=torch.bool)
    chosen.view(-1)[list(edit.cells)] = True
    for axis in range(chosen.ndim):
        chosen = chosen.repeat_interleave(side, axis)
    return chosen[tuple(slice(n) for n in view_of(model))]


def _apply_edit(
    edit: Edit,
    z: Tensor,
    inside: Tensor,
    kept: Tensor,
    model: Model,
    found: Directions,
    point: Point,
) -> Tensor:
    """z (channels, *view and what surrounds it) changed inside an edit's cells. What is drawn anew
    is made to fit what lies around it; what is copied stays, and what lies around it is drawn to
    fit, but for what was planted or edited before (kept)."""
    start = tuple(-model.generator.spec.reach for _ in inside.shape)
    stop = tuple(low + n for low, n in zip(start, inside.shape, strict=True))
    if edit.what == "resample":
        return inpainting.inpaint(model.prior, z, inside, start, edit.number)
    if edit.what == "copy":
        example = _example(model, edit.number)
        first = [int(axis.min()) for axis in inside.nonzero(as_tuple=True)]
        for axis, (low, size) in enumerate(zip(first, example.shape[1:], strict=True), start=1):
            there = (torch.arange(z.shape[axis]) - low) % size
            example = example.index_select(axis, there)
        known = Known(torch.where(inside, example, z), inside | kept, start)
        return _map(model, point, known).part(start, stop)
    if edit.number >= z.shape[0]:
        raise Rejected(DAMAGED)
    along = found.axes[:, edit.number].view(-1, *(1 for _ in inside.shape))
    return z + inside * (edit.amount * along)


def _shares(point: Point) -> dict[int, float]:
    """The four seeds or fewer between which a place of the plane lies, and how near they are."""
    left, top = math.floor(point.x), math.floor(point.y)
    across, down = point.x - left, point.y - top
    weights = {
        (left + i, top + j): (across if i else 1 - across) * (down if j else 1 - down)
        for i, j in product((0, 1), (0, 1))
    }
    return {
        (point.seed + i + ROW_OF_SEEDS * j) % 2**53: weight
        for (i, j), weight in weights.items()
        if weight > 0
    }


def _blend_seeds(point: Point, drawn: Callable[[int], Tensor]) -> Tensor:
    """The latents at a place of the plane of seeds, mixed from the four seeds around it."""
    shares = _shares(point)
    return sampling.blend([drawn(seed) for seed in shares], list(shares.values()))


def _example(model: Model, number: int) -> Tensor:
    latents = model.saved.latents if model.kind == "objects" else model.examples
    if not 0 <= number < len(latents):
        raise Rejected(f"This model has {len(latents)} training examples; please choose one.")
    return latents[number]
