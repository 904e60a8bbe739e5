"""What the Explore tab shows of a model: its directions, its plane, and any point of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from abp_core.analysis.directions import Directions, directions
from abp_core.evaluation import sound
from abp_core.priors.normal import Normal
from abp_core.synthesis import sampling
from demo import limits, media
from demo.cache import Cache
from demo.errors import Rejected
from demo.explore.ends import ENDS, changed_shares, draw_ends, ends_of
from demo.explore.film_points import frame_latents
from demo.explore.latent_points import (
    ROW_OF_SEEDS,
    grid_of,
    latent_map,
    vector,
    view_of,
)
from demo.explore.points import (
    Point,
)
from demo.models.collection import Model
from demo.models.maps import render_map

PLANE_EXTENT = 2.0  # the plane of a model with two latents is shown over [-2, 2] x [-2, 2]
CELLS = 15  # of it along a side
WIDE = (624, 300)  # pixels of a sound
EXAMPLES_SHOWN = 24  # that can be chosen from
PINNED = 500  # examples that are marked on a plane; more would hide it


@dataclass(frozen=True, slots=True, eq=False)
class Explored:
    """What was measured of a model, once for all visitors. ends: of its first directions, see
    `ends_of`. sprites: what was drawn of it. Of a run that is used as it grows all three stay,
    since the page moves along them."""

    model: Model
    found: Directions
    number: int
    ends: Tensor
    sprites: dict[str, str] = field(default_factory=dict)


class Explorer:
    """The models that are being explored."""

    def __init__(self) -> None:
        self._known: Cache[str, Explored] = Cache(limits.OPEN_MODELS)

    def of(self, model: Model) -> Explored:
        def measure() -> Explored:
            found = _measure(model)
            number = found.leading(limits.SLIDERS)
            return Explored(model, found, number, ends_of(model, found, number))

        known = self._known.get(model.key, measure)
        return known if known.model is model else replace(known, model=model)


def _measure(model: Model) -> Directions:
    """By the pixels that change; of a sound by what is heard of it: the level of each band, and how
    much that comes and goes, in decibels."""
    rate = model.saved.source.sample_rate

    def heard(x: Tensor) -> Tensor:
        mel = sound.log_mel(x[:, 0], rate)
        return torch.stack([sound.long_term(mel), mel.std(-1)], 1)

    if model.kind == "sound":  # half a second of one segment takes half as long and tells as much
        half = round(rate / 2 / model.generator.spec.enlargement)
        margins = 2 * model.generator.spec.margin
        return directions(model.generator.make, model.examples[..., : half + margins], 1, heard)
    latents = model.examples if model.generator.spec.spatial else model.saved.latents
    return directions(model.generator.make, latents, 1 if model.generator.spec.spatial else 8)


def describe(explored: Explored) -> dict[str, Any]:
    """Everything that the page needs to draw the controls of a model."""
    model, found, number = explored.model, explored.found, explored.number
    inverse, film = torch.linalg.inv(found.axes), model.kind == "film"
    moments = model.spread_examples(EXAMPLES_SHOWN)
    *_, height, width = model.generator.spec.signal_shape
    return {
        "key": model.key,
        "name": model.name,
        "label": model.label,
        "kind": model.kind,
        "origin": model.origin,
        "shared": model.origin == "shipped",
        "view": list(grid_of(model)) if model.generator.spec.spatial else [],
        "numbers": found.axes.shape[0],
        "mean": found.mean.tolist(),
        "axes": found.axes.T.tolist(),
        "inverse": inverse.tolist(),
        "sliders": number,
        "changes": _changes(explored),
        "examples": len(moments),
        "moments": moments if film else [],
        "frames": len(model.examples) if film else 0,
        "rate": model.saved.source.frame_rate if film else 0,
        "aspect": width / height if film else 0,
        "farthest": PLANE_EXTENT,
        "ends": ENDS,
        "row": ROW_OF_SEEDS,
        "learnt": len(model.saved.latents),
        "codes": _codes(model),
        "normal": isinstance(model.prior, Normal),
        "thumbnails": CELLS,
    }


def _codes(model: Model) -> list[list[float]]:
    """Where inference put the examples on a plane; nothing for a model that has none."""
    if model.generator.spec.latent_shape != (2,) or model.kind == "film":
        return []
    return [[round(float(v), 4) for v in z] for z in model.saved.latents[:PINNED]]


def _changes(explored: Explored) -> list[str]:
    """What each slider changes, in words: a share of the pixels from one end to the other, or of a
    sound decibels of what is heard from -1 to 1, on average."""
    if explored.model.kind == "sound":
        return [f"the sound by {float(m):.1f} dB" for m in explored.found.moves[: explored.number]]
    return [f"{100 * share:.0f} % of the picture" for share in changed_shares(explored.ends)]


@torch.inference_mode()
def render_point(explored: Explored, point: Point) -> dict[str, Any]:
    """One point: its picture, and what else there is to it. Raises Rejected."""
    model, found = explored.model, explored.found
    if model.kind == "film":
        z = frame_latents(model, found, point)
        frame = _render_signal(model, model.generator.make(z[None])[0])
        return {**frame, "map": render_map(found, z)} if model.generator.spec.spatial else frame
    if not model.generator.spec.spatial:
        z = vector(model, found, point)
        signal = model.generator.make(z[None])[0]
        return {**_render_signal(model, signal), "z": [round(float(v), 4) for v in z]}
    latents = latent_map(model, found, point)
    view = view_of(model)
    signal = sampling.piece(model.generator, latents, (0,) * len(view), view)[0]
    return {
        **_render_signal(model, signal),
        "map": render_map(found, latents.part((0,) * len(view), view)),
    }


def render_sprite(explored: Explored, what: str) -> str:
    """A sheet of thumbnails as a data URL, drawn once: the `ends` of the directions (a row each),
    the `examples`, or the `plane`. Raises Rejected."""
    makers: dict[str, Callable[[Explored], str]] = {
        "ends": _draw_ends,
        "examples": _draw_examples,
        "plane": _draw_plane,
    }
    if what not in makers:
        raise Rejected("There is no such picture.")
    if what not in explored.sprites:
        explored.sprites[what] = makers[what](explored)
    return explored.sprites[what]


def _draw_ends(explored: Explored) -> str:
    return media.jpeg_url(draw_ends(explored.model, explored.ends), 80)


@torch.inference_mode()
def _draw_examples(explored: Explored) -> str:
    model = explored.model
    z = model.examples[model.spread_examples(EXAMPLES_SHOWN)]
    return media.jpeg_url(model.medium.draw_thumbnails(model.generator.make(z), len(z)), 80)


@torch.inference_mode()
def _draw_plane(explored: Explored) -> str:
    model = explored.model
    if model.generator.spec.latent_shape != (2,):
        raise Rejected("Only a model whose codes have two numbers has a plane.")
    # The middle of every cell: what one sees is what a click gives.
    middles = (torch.arange(CELLS) + 0.5) / CELLS * 2 * PLANE_EXTENT - PLANE_EXTENT
    z = torch.stack(torch.meshgrid(-middles, middles, indexing="ij")[::-1], -1).reshape(-1, 2)
    signals = torch.cat([model.generator.make(some) for some in torch.split(z, 32)])
    return media.jpeg_url(sampling.contact_sheet(sampling.pixels(signals), CELLS), 85)


def _render_signal(model: Model, signal: Tensor) -> dict[str, str]:
    """A signal (c, ...) as a browser shows and plays it."""
    picture = media.jpeg_url(model.medium.draw(signal, WIDE), 95)
    return {"picture": picture, "sound": model.medium.play(signal)}
