"""What the Inference tab shows of a walk: pictures of every step, and the land it crosses."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from abp_core.analysis import traces
from abp_core.analysis.stretch import lay_out
from demo import limits, media
from demo.errors import Rejected
from demo.infer.session import (
    NUMBERS,
    Session,
)
from demo.models.maps import render_map

LANDSCAPE = {True: 14, False: 32}  # places along a side, of much that is made, or of less
ROWS = 400  # latents of a walk by maps that tell the plane in which it is widest
LANDSCAPE_EXTENT = 3.0  # of the landscape of two latents


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
        "truth": media.jpeg_url(model.medium.draw(walking.target.y[0]), 92),
        "observed": media.jpeg_url(_observed_pixels(walking, y), 92),
        "sound": model.medium.play(walking.target.y[0]),
        "chains": len(walking.walk.steps[0].z),
        "frames": walking.frames,
        "used": walking.used(),
    }


@torch.inference_mode()
def render_steps(walking: Session, first: int, chain: int | None) -> list[dict[str, Any]]:
    """The steps from `first` on, as a page draws them; the pictures are those of one chain, or of
    the one that stands lowest after these steps. Raises Rejected."""
    chosen = walking.walk.steps[first : first + limits.STEPS_AT_ONCE]
    if not chosen:
        return []
    n = len(chosen[0].z)
    chain = chosen[-1].lowest if chain is None else chain
    if not 0 <= chain < n:
        raise Rejected(f"There are {n} chains; please choose one of them.")
    signals = _generate(walking, torch.stack([step.z[chain] for step in chosen]))
    flat = chosen[0].z.shape[1:] == (2,)
    sent = []
    for step, x in zip(chosen, signals, strict=True):
        row: dict[str, Any] = {
            "number": step.number,
            "shown": chain,
            **{name: to_json(getattr(step, name)) for name in NUMBERS},
            "lost": step.put_back.tolist(),
            **render_step(walking, x),
        }
        if flat:
            row["at"] = to_json(step.z)
        if walking.model.generator.spec.spatial:
            row["map"] = render_code(walking, step.z[chain])
        sent.append(row)
    return sent


@torch.inference_mode()
def render_spread(walking: Session) -> str:
    """How much f(z) differs between the chains now, as a picture; empty for one chain."""
    z = walking.walk.steps[-1].z
    if len(z) < 2:
        return ""
    spread = _generate(walking, z).std(0, keepdim=True)
    return media.jpeg_url(walking.model.medium.draw_spreads(spread), 92)


def render_landscape(walking: Session) -> dict[str, Any]:
    """The energy on the plane in which the walk is widest, and the walk on it."""
    steps = walking.walk.steps
    model, (n, *shape) = walking.model, steps[0].z.shape
    plane = traces.plane_of(steps[:: max(1, len(steps) * n // ROWS) if len(shape) > 1 else 1])
    path = torch.stack([plane.coordinates(step.z) for step in steps])  # (steps, chains, 2)
    if shape == [2]:
        low, high = torch.full((2,), -LANDSCAPE_EXTENT), torch.full((2,), LANDSCAPE_EXTENT)
    else:
        ends = path.flatten(0, 1)
        low, high = ends.amin(0), ends.amax(0)
        margin = 0.15 * (high - low).clamp(min=0.5)
        low, high = low - margin, high + margin
    many = walking.frames > 1 if model.kind == "film" else model.generator.spec.spatial
    places = LANDSCAPE[many]
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
    return walking.model.medium.play(x[0])


@torch.inference_mode()
def render_film(walking: Session, chain: int) -> list[media.Pixels]:
    """What was observed, f(z) and the residual, side by side, at every step; of several frames in a
    row one below the other."""
    walking.latent(0, chain)  # or a refusal
    along = 0 if walking.frames > 1 else 1
    steps = walking.walk.steps[:: max(1, len(walking.walk.steps) // limits.FILM_FRAMES)]
    y = walking.walk.posterior.y[:1].float().cpu()
    first, medium = _observed_pixels(walking, y), walking.model.medium
    frames = []
    for lot in (steps[k : k + 16] for k in range(0, len(steps), 16)):
        for x in _generate(walking, torch.stack([step.z[chain] for step in lot])):
            made, left = medium.draw(x), medium.draw_difference(_residual(walking, x))
            frames.append(np.concatenate([first, made, left], axis=along))
    return frames


def render_code(walking: Session, z: Tensor) -> str:
    """A latent map (c, ...), or the maps of frames (c, frames, ...) laid out, in colours."""
    if walking.model.kind == "film" and z.ndim == 4:
        z = lay_out(z.transpose(0, 1)[None])[0]
    return render_map(walking.colours, z)


def render_step(walking: Session, x: Tensor) -> dict[str, str]:
    """f(z) of a step, and what it leaves."""
    return {
        "picture": media.jpeg_url(walking.model.medium.draw(x), 92),
        "residual": render_difference(walking, _residual(walking, x)),
    }


def render_difference(walking: Session, x: Tensor) -> str:
    """A difference of signals (c, ...) as a picture."""
    return media.jpeg_url(walking.model.medium.draw_difference(x), 92)


def _residual(walking: Session, x: Tensor) -> Tensor:
    """What f(z) leaves of the whole signal where it was seen, (c, ...)."""
    difference = walking.target.y[0] - x
    visible = walking.observation.visible
    return difference if visible is None else difference * visible[0]


def _observed_pixels(walking: Session, y: Tensor) -> media.Pixels:
    """What was seen, as a signal; the hidden part is grey (silent)."""
    seen, visible = walking.observation, walking.observation.visible
    x = seen.lift(y, tuple(walking.target.y.shape[1:]))[0]
    return walking.model.medium.draw_seen(x, None if visible is None else visible[0])


def _generate(walking: Session, z: Tensor) -> Tensor:
    return torch.cat([walking.f.make(some) for some in torch.split(z.float(), 16)])


def to_json(values: Tensor) -> list[Any]:
    """Numbers (n,) or (n, d) for JSON, which knows no nan."""
    if values.ndim > 1:
        return [to_json(row) for row in values]
    return [float(f"{value:.5g}") if value == value else None for value in values.tolist()]
