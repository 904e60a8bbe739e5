"""What the Inference tab shows of a walk: pictures of every step, and the land it crosses."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from abp_core.analysis import traces
from abp_core.observation import Compressed
from abp_core.synthesis import sampling
from demo import limits, media
from demo.workbench.errors import Rejected
from demo.workbench.explore import render_map
from demo.workbench.inference_session import NUMBERS, Session
from demo.workbench.models import Model

LANDSCAPE = {True: 14, False: 32}  # places along a side, of a network with a latent map or not
LANDSCAPE_EXTENT = 3.0  # of the landscape of two latents
RESIDUAL = 0.7  # of the signal's range of 2, where the colours of a residual end


def describe_start(walking: Session) -> dict[str, Any]:
    """What is known before the first move."""
    model = walking.model
    y = walking.walk.posterior.y[:1].float().cpu()
    return {
        "walk": walking.number,
        "name": walking.target.name,
        "kind": model.kind,
        "flat": model.generator.spec.latent_shape == (2,),
        "spatial": model.generator.spec.spatial,
        "farthest": LANDSCAPE_EXTENT,
        "truth": _render_signal(model, walking.target.y[0])[0],
        "observed": media.jpeg_url(_observed_pixels(walking, y), 92),
        "sound": _render_signal(model, walking.target.y[0])[1],
        "chains": len(walking.walk.steps[0].z),
        "used": walking.used(),
    }


@torch.inference_mode()
def render_steps(walking: Session, first: int, chain: int) -> list[dict[str, Any]]:
    """The steps from `first` on, as a page draws them; the pictures are those of one chain."""
    chosen = walking.walk.steps[first : first + limits.STEPS_AT_ONCE]
    if not chosen:
        return []
    n = len(chosen[0].z)
    if not 0 <= chain < n:
        raise Rejected(f"There are {n} chains; please choose one of them.")
    signals = _generate(walking, torch.stack([step.z[chain] for step in chosen]))
    flat = chosen[0].z.shape[1:] == (2,)
    sent = []
    for step, x in zip(chosen, signals, strict=True):
        row: dict[str, Any] = {
            "number": step.number,
            **{name: to_json(getattr(step, name)) for name in NUMBERS},
            "lost": step.put_back.tolist(),
            **render_step(walking, x),
        }
        if flat:
            row["at"] = to_json(step.z)
        if walking.model.generator.spec.spatial:
            row["map"] = render_map(walking.colours, step.z[chain])
        sent.append(row)
    return sent


@torch.inference_mode()
def render_spread(walking: Session) -> str:
    """How much f(z) differs between the chains now, as a picture; empty for one chain."""
    z = walking.walk.steps[-1].z
    if len(z) < 2:
        return ""
    return _heat(walking.model, _generate(walking, z).std(0))


def render_landscape(walking: Session) -> dict[str, Any]:
    """The energy on the plane in which the walk is widest, and the walk on it."""
    steps = walking.walk.steps
    plane = traces.plane_of(steps)
    path = torch.stack([plane.coordinates(step.z) for step in steps])  # (steps, chains, 2)
    if walking.model.generator.spec.latent_shape == (2,):
        low, high = torch.full((2,), -LANDSCAPE_EXTENT), torch.full((2,), LANDSCAPE_EXTENT)
    else:
        ends = path.flatten(0, 1)
        low, high = ends.amin(0), ends.amax(0)
        margin = 0.15 * (high - low).clamp(min=0.5)
        low, high = low - margin, high + margin
    places = LANDSCAPE[walking.model.generator.spec.spatial]
    across, down = (
        torch.linspace(float(a), float(b), places) for a, b in zip(low, high, strict=True)
    )
    heights = traces.landscape(walking.walk.posterior, plane, across, down.flip(0))
    z = torch.stack([step.z for step in steps]).flatten(0, 1)
    spread = float((z - z.mean(0)).square().sum())
    shown = float((path.flatten(0, 1) - path.flatten(0, 1).mean(0)).square().sum())
    return {
        "picture": media.contours(heights.numpy()),
        "low": low.tolist(),
        "high": high.tolist(),
        "path": [[[round(v, 4) for v in at] for at in row] for row in path.tolist()],
        "share": round(100 * shown / spread) if spread else 100,
    }


@torch.inference_mode()
def render_sound(walking: Session, number: int, chain: int) -> str:
    """f(z) of one step as a sound."""
    x = _generate(walking, walking.latent(number, chain))
    return _render_signal(walking.model, x[0])[1]


@torch.inference_mode()
def render_film(walking: Session, chain: int) -> list[media.Pixels]:
    """What was observed, f(z) and the residual, side by side, at every step."""
    walking.latent(0, chain)  # or a refusal
    steps = walking.walk.steps[:: max(1, len(walking.walk.steps) // limits.FILM_FRAMES)]
    y = walking.walk.posterior.y[:1].float().cpu()
    first = _observed_pixels(walking, y)
    frames = []
    for lot in (steps[k : k + 16] for k in range(0, len(steps), 16)):
        for x in _generate(walking, torch.stack([step.z[chain] for step in lot])):
            made, left = (
                pixels_of(walking.model, x),
                _signed_pixels(walking.model, _residual(walking, x)),
            )
            frames.append(np.concatenate([first, made, left], axis=1))
    return frames


def render_step(walking: Session, x: Tensor) -> dict[str, str]:
    model = walking.model
    return {
        "picture": media.jpeg_url(pixels_of(model, x), 92),
        "residual": render_difference(model, _residual(walking, x)),
    }


def _render_signal(model: Model, x: Tensor) -> tuple[str, str]:
    sound = ""
    if model.kind == "sound":
        source = model.saved.source
        sound = media.wav_url(sampling.samples(x, source.gain), source.sample_rate)
    return media.jpeg_url(pixels_of(model, x), 92), sound


def pixels_of(model: Model, x: Tensor) -> media.Pixels:
    if model.kind == "sound":
        return media.sound_picture(x[0].numpy(), model.saved.source.sample_rate, 256, 256)
    (pixels,) = sampling.pixels(x[None])
    return np.asarray(pixels)


def render_difference(model: Model, x: Tensor) -> str:
    return media.jpeg_url(_signed_pixels(model, x), 92)


def _signed_pixels(model: Model, x: Tensor) -> media.Pixels:
    """A difference of signals: red above, blue below; of a sound as a sound."""
    if model.kind == "sound":
        return media.sound_picture(x[0].numpy(), model.saved.source.sample_rate, 256, 256)
    return media.signed(x.mean(0).numpy(), RESIDUAL)


def _heat(model: Model, x: Tensor) -> str:
    """A spread, nowhere below 0; of a sound along its time."""
    if model.kind == "sound":
        return media.jpeg_url(
            media.sound_picture(x[0].numpy(), model.saved.source.sample_rate, 256, 256), 90
        )
    return media.jpeg_url(media.heat(x.mean(0).numpy(), RESIDUAL / 2), 92)


def _residual(walking: Session, x: Tensor) -> Tensor:
    """What f(z) leaves of the whole signal where it was seen, (c, ...)."""
    difference = walking.target.y[0] - x
    visible = walking.observation.visible
    return difference if visible is None else difference * visible[0]


def _observed_pixels(walking: Session, y: Tensor) -> media.Pixels:
    """What was seen: the hidden part is grey (silent), low resolution is shown at full size."""
    size = walking.target.y.shape[2:]
    if isinstance(walking.observation, Compressed):  # the least signal with such projections
        p = walking.observation.projection
        y = (torch.linalg.solve(p @ p.T, y[0]) @ p).view_as(walking.target.y)
    if y.shape[2:] != size:
        y = torch.nn.functional.interpolate(y, size=tuple(size), mode="nearest")
    pixels = pixels_of(walking.model, y[0])
    visible = walking.observation.visible
    if visible is not None and walking.model.kind != "sound":
        hidden = visible[0, 0].numpy() == 0
        pixels = np.where(hidden[..., None], np.uint8(128), pixels)
    return pixels


def _generate(walking: Session, z: Tensor) -> Tensor:
    generator = walking.model.generator
    return torch.cat([generator(some) for some in torch.split(z.float().cpu(), 16)])


def to_json(values: Tensor) -> list[Any]:
    """Numbers (n,) or (n, d) for JSON, which knows no nan."""
    if values.ndim > 1:
        return [to_json(row) for row in values]
    return [float(f"{value:.5g}") if value == value else None for value in values.tolist()]
