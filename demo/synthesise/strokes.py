"""The strokes of a brush on a texture without end: checked, and what they make of its latents."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from abp_core.priors.fields import LatentMap, Place
from abp_core.priors.kinds import Prior
from abp_core.synthesis.inpainting import Inpainted
from abp_core.synthesis.request import Request
from demo import limits
from demo.errors import Rejected
from demo.models.collection import Model
from demo.synthesise.form import radius_of

DAMAGED = "This page and the canvas do not agree any more; please reload the page."


@dataclass(frozen=True, slots=True)
class Stroke:
    """seed: of what is drawn there anew. places: positions (row, column) of the latent map that the
    middle of the brush came over."""

    seed: int
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A map of a request whose parts are held for a while, since a stroke changes few of them."""

    of: LatentMap
    model: Model
    request: Request

    def part(self, start: Place, stop: Place) -> Tensor:
        return self.model.maps.get((self.request, start, stop), lambda: self.of.part(start, stop))


def strokes_from(sent: object) -> tuple[Stroke, ...]:
    """What a browser sent, a {seed, places: [[across, down], ...]} each. Raises Rejected."""
    if not isinstance(sent, Sequence | None) or isinstance(sent, str):
        raise Rejected(DAMAGED)
    if len(sent or ()) > limits.STROKES:
        raise Rejected(f"The canvas holds {limits.STROKES} strokes; please undo one first.")
    return tuple(_stroke(each) for each in sent or ())


def paint(
    model: Model, prior: Prior, latents: LatentMap, request: Request, strokes: tuple[Stroke, ...]
) -> LatentMap:
    """The map of a request with the places of the strokes drawn anew, one after another."""
    latents = _Remembered(latents, model, request)
    radius = radius_of(model.generator.spec.enlargement)
    for n, stroke in enumerate(strokes, start=1):
        inside, at = _mask_of(stroke, radius)
        keep = partial(model.maps.get, (request, strokes[:n]))
        latents = Inpainted(latents, prior, inside, at, stroke.seed, keep)
    return latents


def _mask_of(stroke: Stroke, radius: int) -> tuple[Tensor, Place]:
    """Where a round brush was, (rows, columns), and the position of the first entry."""
    places = torch.tensor(stroke.places)
    low, high = places.min(0).values - radius, places.max(0).values + radius + 1
    rows, columns = (torch.arange(int(a), int(b)) for a, b in zip(low, high, strict=True))
    far = (rows[:, None, None] - places[:, 0]) ** 2 + (columns[:, None] - places[:, 1]) ** 2
    return (far <= radius**2).any(-1), (int(low[0]), int(low[1]))


def _stroke(sent: object) -> Stroke:
    if not isinstance(sent, dict) or not isinstance(sent.get("places"), list):
        raise Rejected(DAMAGED)
    places = tuple(_place(each) for each in sent["places"][: limits.PLACES + 1])
    if not 0 < len(places) <= limits.PLACES:
        raise Rejected(DAMAGED)
    if any(max(along) - min(along) > limits.SPAN for along in zip(*places, strict=True)):
        raise Rejected(DAMAGED)
    return Stroke(_whole(sent.get("seed"), *limits.SEED), places)


def _place(sent: object) -> Place:
    if not isinstance(sent, list) or len(sent) != 2:
        raise Rejected(DAMAGED)
    far = limits.FARTHEST_PIECE * limits.PIECE
    across, down = (_whole(n, -far, far) for n in sent)
    return down, across


def _whole(value: object, lowest: int, highest: int) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise Rejected(DAMAGED)
    return value
