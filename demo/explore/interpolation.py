"""The way between points of a model: a strip, a panel between four corners, a film, a sound."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from abp_core.synthesis import sampling
from demo import limits, media
from demo.errors import Rejected
from demo.explore.film_points import frame_latents
from demo.explore.latent_points import (
    latent_map,
    vector,
    view_of,
)
from demo.explore.points import (
    Point,
)
from demo.explore.view import Explored

STRIP_STEPS = 5  # of a strip, from one point to the next
PANEL_SIDE = 5  # pictures along a side of a panel
FRAMES = 20  # of a film, from one point to the next
FILM_RATE = 16  # frames a second
LONGEST = 300  # frames from one moment of a film to another
WAY = (936, 260)  # pixels of a sound
SMALL = 128  # pixels along a texture on a strip


@torch.inference_mode()
def interpolate(explored: Explored, points: list[Point], what: str) -> dict[str, Any]:
    """From point to point, on the arc that keeps latents as likely as the prior has them. Of a film
    time passes on the way, from one's moment to the other's.

    what: strip, panel or film; a sound has one kind only. The answer holds data URLs: a picture,
    the film or sound where it is one, and the file to take home with its name. Raises Rejected.
    """
    if not 2 <= len(points) <= limits.KEPT_POINTS:
        most = limits.KEPT_POINTS
        raise Rejected(f"Please keep two to {most} points first; there are {len(points)}.")
    if what not in ("strip", "panel", "film"):
        raise Rejected("Please choose a strip, a panel or a film.")
    if explored.model.kind == "sound":
        return _sound(explored, points)
    corners = [_latents(explored, point, small=what != "film") for point in points]
    moves = explored.model.kind == "film" and len({point.t for point in points}) > 1
    name = f"{explored.model.name}-{what}"
    if what == "film":
        way = _through_time(explored, points) if moves else _way(corners, FRAMES)
        frames = list(sampling.pixels(_generate(explored, way)))
        rate = explored.model.saved.source.frame_rate if moves else FILM_RATE
        film = media.film_url(frames if moves else frames + frames[-2:0:-1], rate)
        first = media.jpeg_url(frames[0], 90)
        return {"picture": first, "film": film, "file": film, "name": f"{name}.mp4"}
    if what == "panel":
        if len(corners) != 4:
            raise Rejected("A panel needs four points, one for each corner; please keep four.")
        sides = [sampling.between(corners[k], corners[k + 2], PANEL_SIDE) for k in (0, 1)]
        way = torch.cat([sampling.between(a, b, PANEL_SIDE) for a, b in zip(*sides, strict=True)])
        columns = PANEL_SIDE
    else:
        way = _through_time(explored, points, STRIP_STEPS) if moves else _way(corners, STRIP_STEPS)
        columns = len(way)
    sheet = sampling.contact_sheet(sampling.pixels(_generate(explored, way)), columns)
    picture, file = media.jpeg_url(sheet, 90), media.png_url(sheet)
    return {"picture": picture, "file": file, "name": f"{name}.png"}


def _latents(explored: Explored, point: Point, *, small: bool) -> Tensor:
    """Of a point: a vector, or the part of a map that makes a picture."""
    model = explored.model
    if model.kind == "film":
        return frame_latents(model, explored.found, point)
    if not model.generator.spec.spatial:
        return vector(model, explored.found, point)
    spec, view = model.generator.spec, view_of(model)
    if small:
        view = tuple(min(n, max(1, SMALL // spec.enlargement)) for n in view)
    start, stop = tuple(-spec.reach for _ in view), tuple(n + spec.reach for n in view)
    return latent_map(model, explored.found, point).part(start, stop)


def _way(corners: list[Tensor], steps: int) -> Tensor:
    """Latents from corner to corner, `steps` moves each."""
    legs = [sampling.between(a, b, steps + 1)[:-1] for a, b in pairwise(corners)]
    return torch.cat([*legs, corners[-1][None]])


def _through_time(explored: Explored, points: list[Point], steps: int = 0) -> Tensor:
    """Latents from point to point of a film while time passes, `steps` moves each; 0 for one a
    frame that passes."""
    model, found, way = explored.model, explored.found, list[Tensor]()
    for a, b in pairwise(points):
        n = steps or max(FRAMES, min(LONGEST, round(abs(b.t - a.t))))
        for share in torch.linspace(0, 1, n + 1)[:-1].tolist():
            now = a.t + share * (b.t - a.t)
            left, right = (frame_latents(model, found, replace(end, t=now)) for end in (a, b))
            way.append(torch.lerp(left, right, share))
    return torch.stack([*way, frame_latents(model, found, points[-1])])


def _generate(explored: Explored, latents: Tensor) -> Tensor:
    generator = explored.model.generator
    inner = generator.spec.spatial and explored.model.kind != "film"  # of which there is more
    make = generator.make_interior if inner else generator.make
    return torch.cat([make(some) for some in torch.split(latents, 4)])


def _sound(explored: Explored, points: list[Point]) -> dict[str, Any]:
    """A sound that turns from one point into the next as it goes on: each moment's latent is on
    the way by as much as time has passed."""
    model = explored.model
    if not model.generator.spec.spatial:
        raise Rejected("This model makes sounds of one length only; it has no way between two.")
    corners = [_latents(explored, point, small=False) for point in points]
    legs = []
    for a, b in pairwise(corners):
        shares = torch.linspace(0, math.pi / 2, a.shape[-1])
        legs.append(a * shares.cos() + b * shares.sin())
    signal = model.generator.make_interior(torch.cat(legs, -1)[None])[0]
    sound = model.medium.play(signal)
    return {
        "picture": media.jpeg_url(model.medium.draw(signal, WAY)),
        "sound": sound,
        "file": sound,
        "name": f"{model.name}-way.wav",
    }
