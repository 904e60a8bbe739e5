"""A point of a film's model, as latents: a moment of the film that was learnt, moved along
directions, with places that a visitor changed and that go their own way through time."""

from collections.abc import Sequence

import torch
from torch import Tensor

from abp_core.analysis.directions import Directions
from abp_core.synthesis.inpainting import CANDIDATES, SEAM, widen
from demo.errors import Rejected
from demo.explore.latent_points import mask_of
from demo.explore.points import DAMAGED, Edit, Point
from demo.models.collection import Model

NEAR = 6  # frames that lie between a moment and another one at least


def frame_latents(model: Model, found: Directions, point: Point) -> Tensor:
    """The latents (*latent_shape) of a point; between two frames they lie on the line from one to
    the other. Raises Rejected."""
    edits = point.edits if model.generator.spec.spatial else ()
    # What is stopped stays as it was then, with all that had been changed before; so the moments of
    # all changes go through them together.
    times = [point.t, *(edit.t for edit in edits)]
    last = len(model.examples) - 1
    if not all(0 <= t <= last for t in times):
        raise Rejected(f"This model learnt {last + 1} frames; please choose a moment among them.")
    z = _moments(model, times)
    for k, edit in enumerate(edits, start=1):
        inside = mask_of(edit, model)
        z = torch.where(inside, _change(edit, k, z, times, inside, model, found), z)
    for k, amount in enumerate(point.moves[: z.shape[1]]):
        if amount == amount:
            z = z + amount * _along(found, k, z)
    return z[0]


def _change(
    edit: Edit,
    k: int,
    z: Tensor,
    times: Sequence[float],
    inside: Tensor,
    model: Model,
    found: Directions,
) -> Tensor:
    """What stands at the moments `times` in the place of z (moments, c, h, w) inside an edit, whose
    own moment is number k of them. Raises Rejected."""
    if edit.what == "copy":
        return z[k : k + 1]
    if edit.what == "resample":
        ahead = _find_moment(model, inside, edit.t, edit.number)
        return _moments(model, [t + ahead for t in times])
    if edit.number >= z.shape[1]:
        raise Rejected(DAMAGED)
    return z + edit.amount * _along(found, edit.number, z)


def _moments(model: Model, times: Sequence[float]) -> Tensor:
    """The latents (n, *latent_shape) of moments in frames; after its last the film begins anew."""
    z = model.examples
    places = torch.tensor(times, dtype=torch.float64) % len(z)
    first = places.floor().long()
    share = (places - first).to(z).view(-1, *(1 for _ in z.shape[1:]))
    return torch.lerp(z[first], z[(first + 1) % len(z)], share)


def _find_moment(model: Model, inside: Tensor, t: float, number: int) -> int:
    """How many frames ahead a moment lies at which what is about a place is like what is about it
    at t: of CANDIDATES moments, others for every number, the one that fits best."""
    z, here = model.examples, round(t)
    near = max(1, min(NEAR, len(z) // 4))
    aheads = torch.arange(near, max(near, len(z) - near) + 1)
    order = torch.randperm(len(aheads), generator=torch.Generator().manual_seed(0))
    turn = (number * CANDIDATES + torch.arange(CANDIDATES)) % len(aheads)
    chosen = aheads[order[turn]]
    around = widen(inside, SEAM) & ~inside
    apart = (z[(here + chosen) % len(z)] - z[here])[:, :, around].square().sum((1, 2))
    return int(chosen[apart.argmin()])


def _along(found: Directions, k: int, z: Tensor) -> Tensor:
    """Direction k, to be added to latents (n, c, ...)."""
    return found.axes[:, k].view(-1, *(1 for _ in z.shape[2:]))
