"""What the Explore tab shows of a model: its directions, its plane, and any point of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from abp_core.analysis.directions import Coordinates, Directions, directions
from abp_core.evaluation import sound
from abp_core.synthesis import sampling
from demo import limits, media
from demo.cache import Cache
from demo.workbench.errors import Rejected
from demo.workbench.latent_points import ROW_OF_SEEDS, Point, grid_of, latent_map, vector, view_of
from demo.workbench.models import Model

PLANE_EXTENT = 2.0  # the plane of a model with two latents is shown over [-2, 2] x [-2, 2]
ENDS = 2.0  # deviations, where the ends of a direction are shown
CELLS = 15  # of it along a side
THUMB = 44  # pixels along a thumbnail
SEEN = 72  # pixels of a texture that a thumbnail shows
EXAMPLES_SHOWN = 24  # that can be chosen from


@dataclass(frozen=True, slots=True, eq=False)
class Explored:
    """What was measured of a model, once for all visitors. sprites: what was drawn of it."""

    model: Model
    found: Directions
    number: int
    sprites: dict[str, str] = field(default_factory=dict)


class Explorer:
    """The models that are being explored."""

    def __init__(self) -> None:
        self._known: Cache[str, Explored] = Cache(limits.OPEN_MODELS)

    def of(self, model: Model) -> Explored:
        def measure() -> Explored:
            found = _measure(model)
            return Explored(model, found, found.leading(limits.SLIDERS))

        return self._known.get(model.key, measure)


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
        return directions(model.generator, model.examples[..., : half + margins], 1, heard)
    latents = model.examples if model.generator.spec.spatial else model.saved.latents
    return directions(model.generator, latents, 1 if model.generator.spec.spatial else 8)


def describe(explored: Explored) -> dict[str, Any]:
    """Everything that the page needs to draw the controls of a model."""
    model, found, number = explored.model, explored.found, explored.number
    inverse = torch.linalg.inv(found.axes)
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
        "moves": [_move(model, float(m)) for m in found.moves[:number]],
        "examples": min(EXAMPLES_SHOWN, len(model.examples)),
        "farthest": PLANE_EXTENT,
        "ends": ENDS,
        "row": ROW_OF_SEEDS,
    }


def _move(model: Model, move: float) -> str:
    """In words: a share of the range of pixels, or decibels."""
    return f"{move:.1f} dB" if model.kind == "sound" else f"{50 * move:.0f} %"


@torch.inference_mode()
def render_point(explored: Explored, point: Point) -> dict[str, Any]:
    """One point: its picture, and what else there is to it. Raises Rejected."""
    model, found = explored.model, explored.found
    if not model.generator.spec.spatial:
        z = vector(model, found, point)
        signal = model.generator(z[None])[0]
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


@torch.inference_mode()
def _draw_ends(explored: Explored) -> str:
    """Both ends of each direction, from the mean or a typical map."""
    found, model = explored.found, explored.model
    steps = torch.tensor([-ENDS, ENDS])
    axes = found.axes[:, : explored.number].T
    moved = (steps.view(1, 2, 1) * axes[:, None]).flatten(0, 1)
    return media.jpeg_url(_draw_moves(model, moved, found.mean), 80)


@torch.inference_mode()
def _draw_examples(explored: Explored) -> str:
    model = explored.model
    z = model.examples[:EXAMPLES_SHOWN]
    return media.jpeg_url(render_thumbnails(model, model.generator(z), columns=len(z)), 80)


@torch.inference_mode()
def _draw_plane(explored: Explored) -> str:
    model = explored.model
    if model.generator.spec.latent_shape != (2,):
        raise Rejected("Only a model with two latents has a plane.")
    # The middle of every cell: what one sees is what a click gives.
    middles = (torch.arange(CELLS) + 0.5) / CELLS * 2 * PLANE_EXTENT - PLANE_EXTENT
    z = torch.stack(torch.meshgrid(-middles, middles, indexing="ij")[::-1], -1).reshape(-1, 2)
    signals = torch.cat([model.generator(some) for some in torch.split(z, 32)])
    return media.jpeg_url(sampling.contact_sheet(sampling.pixels(signals), CELLS), 85)


def _draw_moves(model: Model, moved: Tensor, mean: Tensor) -> media.Pixels:
    """Thumbnails of latents that are moved from where they are typical, two columns."""
    if not model.generator.spec.spatial:
        signals = model.generator(mean + moved)
    else:
        typical = model.examples[0]
        z = typical + moved.view(*moved.shape, *(1 for _ in typical.shape[1:]))
        signals = torch.cat([model.generator(some) for some in torch.split(z, 8)])
    return render_thumbnails(model, signals, columns=2)


def render_thumbnails(model: Model, signals: Tensor, columns: int) -> media.Pixels:
    """Signals (n, c, ...) as thumbnails side by side."""
    if model.kind == "sound":
        tiles = [media.spectrogram(signal[0].numpy(), THUMB, THUMB) for signal in signals]
    else:
        seen = signals[..., :SEEN, :SEEN] if model.kind == "texture" else signals
        tiles = [media.thumbnail(pixels, THUMB) for pixels in sampling.pixels(seen)]
    return sampling.contact_sheet(np.stack(tiles), columns)


def _render_signal(model: Model, signal: Tensor) -> dict[str, str]:
    """A signal (c, ...) as a browser shows and plays it."""
    if model.kind != "sound":
        return {"picture": media.jpeg_url(sampling.pixels(signal[None])[0], 95), "sound": ""}
    source = model.saved.source
    picture = media.sound_picture(signal[0].numpy(), source.sample_rate, 624, 300)
    sound = media.wav_url(sampling.samples(signal, source.gain), source.sample_rate)
    return {"picture": media.jpeg_url(picture), "sound": sound}


def render_map(found: Coordinates, z: Tensor) -> str:
    """A latent map (channels, *extent), a pixel a position: the three leading coordinates as red,
    green and blue."""
    t = found.coordinates(z.float().cpu().flatten(1).T)
    colours = torch.full((len(t), 3), 0.5)
    shown = min(3, t.shape[1])
    colours[:, :shown] = torch.special.ndtr(t[:, :shown])
    rows, columns = z.shape[1:] if z.ndim == 3 else (1, z.shape[1])
    return media.png_url(colours.mul(255).byte().reshape(rows, columns, 3).numpy())
