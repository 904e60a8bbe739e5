"""A point to look at: what a visitor's sliders, plane and brush say, as latents of a model.

A point comes from a browser, or from a link that anybody may have written, so everything in it is
checked. It is also all there is to a picture: the same point of the same model gives it again.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from abp_core import synthesis
from abp_core.directions import Directions
from abp_core.latent_maps import Endless, LatentMap, Planted
from demo import limits
from demo.workbench.models import Model
from demo.workbench.refusals import Rejected

ROW_OF_SEEDS = 1000  # one step down the plane of seeds adds this to the seed, one across adds 1
VIEW = {"texture": 224, "sound": 5.0}  # pixels along a side, seconds
DAMAGED = "This link or page does not fit the model; please reset the point."


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of some cells of a latent map. what: resample (from `seed`), copy (from the example
    `number`) or paint (`amount` along the direction `number`)."""

    what: str
    cells: tuple[int, ...]
    number: int = 0
    amount: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """z: a vector latent itself; empty to begin elsewhere. seed, x, y: a place on the plane of
    seeds. example: begin at this training example instead; -1 for none. moves: in coordinates of
    the model's directions; for a vector latent those that stay whatever the seed, nan elsewhere.
    edits: one after another."""

    z: tuple[float, ...] = ()
    seed: int = 0
    x: float = 0.0
    y: float = 0.0
    example: int = -1
    moves: tuple[float, ...] = ()
    edits: tuple[Edit, ...] = ()


def point_from(sent: object) -> Point:
    """What a browser sent. Raises Rejected."""
    if not isinstance(sent, Mapping):
        raise Rejected(DAMAGED)
    edits = sent.get("edits", [])
    if not isinstance(edits, Sequence) or len(edits) > limits.EDITS:
        raise Rejected(f"Please make at most {limits.EDITS} changes, or reset the point.")
    return Point(
        z=_reals(sent.get("z", []), limits.FARTHEST),
        seed=_whole(sent.get("seed", 0), *limits.SEED),
        x=_real(sent.get("x", 0), limits.PLANE),
        y=_real(sent.get("y", 0), limits.PLANE),
        example=_whole(sent.get("example", -1), -1, 10**6),
        moves=_reals(sent.get("moves", []), limits.FARTHEST, gaps=True),
        edits=tuple(_edit(each) for each in edits),
    )


def view_of(model: Model) -> tuple[int, ...]:
    """How many positions of a latent map are looked at, (rows, columns) or (moments,)."""
    unit = model.generator.spec.enlargement
    if model.kind == "sound":
        return (max(1, round(VIEW["sound"] * model.saved.source.sample_rate / unit)),)
    return (max(1, int(VIEW["texture"]) // unit),) * 2


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
        z = _blended(point, lambda seed: synthesis.prior((d,), 1, seed)[0])
    t = found.coordinates(z[None])[0]
    for k, wanted in enumerate(point.moves[:d]):
        if not math.isnan(wanted):
            z = z + (wanted - t[k]) * found.axes[:, k]
    return z.mul(1e4).round().div(1e4)


def latent_map(model: Model, found: Directions, point: Point) -> LatentMap:
    """The latents of a point of a model with a latent map. Raises Rejected."""
    view, reach = view_of(model), model.generator.spec.reach
    channels = model.generator.spec.latent_shape[0]
    start, stop = tuple(-reach for _ in view), tuple(n + reach for n in view)
    z = _blended(point, lambda seed: Endless(channels, seed).part(start, stop))
    if point.example >= 0:
        planted = _example(model, point.example)
        size = planted.shape[1:]
        at = tuple((n - m) // 2 for n, m in zip(view, size, strict=True))
        z = Planted(planted, _Fixed(z, start), at).part(start, stop)
    for k, amount in enumerate(point.moves[:channels]):
        if not math.isnan(amount):
            z = z + (amount * found.axes[:, k]).view(-1, *(1 for _ in view))
    for edit in point.edits:
        _apply(edit, z, model, found, view)
    return Planted(z, Endless(channels, point.seed), start)


@dataclass(frozen=True, slots=True, eq=False)
class _Fixed:
    """A map of which just one part is known."""

    z: Tensor
    start: tuple[int, ...]

    def part(self, start: tuple[int, ...], stop: tuple[int, ...]) -> Tensor:
        return self.z


def _apply(edit: Edit, z: Tensor, model: Model, found: Directions, view: tuple[int, ...]) -> None:
    """Changes z (channels, *view and what surrounds it) in the edit's cells."""
    reach = model.generator.spec.reach
    places = list(product(*(range(n) for n in view)))
    if any(cell >= len(places) for cell in edit.cells):
        raise Rejected(DAMAGED)
    chosen = [places[cell] for cell in edit.cells]
    inside = [tuple(reach + n for n in place) for place in chosen]
    if edit.what == "resample":
        fresh = Endless(z.shape[0], edit.number).part((0,) * len(view), view)
        for there, here in zip(chosen, inside, strict=True):
            z[(slice(None), *here)] = fresh[(slice(None), *there)]
    elif edit.what == "copy":
        planted = _example(model, edit.number)
        first = [min(axis) for axis in zip(*chosen, strict=True)]
        for place, here in zip(chosen, inside, strict=True):
            there = (
                (n - low) % size
                for n, low, size in zip(place, first, planted.shape[1:], strict=True)
            )
            z[(slice(None), *here)] = planted[(slice(None), *there)]
    else:
        if edit.number >= z.shape[0]:
            raise Rejected(DAMAGED)
        for here in inside:
            z[(slice(None), *here)] += edit.amount * found.axes[:, edit.number]


def _blended(point: Point, drawn: Any) -> Tensor:
    """The latents at a place of the plane of seeds, mixed from the four seeds around it."""
    left, top = math.floor(point.x), math.floor(point.y)
    across, down = point.x - left, point.y - top
    weights = {
        (left + i, top + j): (across if i else 1 - across) * (down if j else 1 - down)
        for i, j in product((0, 1), (0, 1))
    }
    weights = {place: weight for place, weight in weights.items() if weight > 0}
    seeds = [(point.seed + i + ROW_OF_SEEDS * j) % 2**53 for i, j in weights]
    return synthesis.blend([drawn(seed) for seed in seeds], list(weights.values()))


def _example(model: Model, number: int) -> Tensor:
    latents = model.saved.latents
    if not 0 <= number < len(latents):
        raise Rejected(f"This model has {len(latents)} training examples; please choose one.")
    return latents[number]


def _edit(sent: object) -> Edit:
    if not isinstance(sent, Mapping) or sent.get("what") not in ("resample", "copy", "paint"):
        raise Rejected(DAMAGED)
    cells = sent.get("cells", "")
    if not isinstance(cells, str) or not re.fullmatch(r"[0-9a-f]{1,128}", cells):
        raise Rejected(DAMAGED)
    bits = int(cells, 16)
    return Edit(
        what=str(sent["what"]),
        cells=tuple(k for k in range(bits.bit_length()) if bits >> k & 1),
        number=_whole(sent.get("number", 0), *limits.SEED),
        amount=_real(sent.get("amount", 0), limits.FARTHEST),
    )


def _whole(sent: object, lowest: int, highest: int) -> int:
    if isinstance(sent, bool) or not isinstance(sent, int | float) or sent != sent:
        raise Rejected(f"Please type a whole number from {lowest} to {highest}.")
    if not lowest <= sent <= highest or sent != int(sent):
        raise Rejected(f"Please type a whole number from {lowest} to {highest}.")
    return int(sent)


def _real(sent: object, farthest: float) -> float:
    if isinstance(sent, bool) or not isinstance(sent, int | float) or not abs(sent) <= farthest:
        raise Rejected(f"Please stay between -{farthest:g} and {farthest:g}.")
    return float(sent)


def _reals(sent: object, farthest: float, *, gaps: bool = False) -> tuple[float, ...]:
    if not isinstance(sent, list | tuple) or len(sent) > limits.NUMBERS:
        raise Rejected(DAMAGED)
    return tuple(math.nan if gaps and value is None else _real(value, farthest) for value in sent)
