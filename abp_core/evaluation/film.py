"""How near the frames of one film are to those of another, and whether a film goes on as it began.

Everything is told of small pictures, in which what moves is still seen, and is compared with the
floor: what the two halves of the real film have between them.
"""

from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor
from torch.nn import functional as F

SMALL = 16  # places along the longer side of what is told of


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a film. frames: mean and spread of every place over time. changes: the same
    of how much a place changes from frame to frame. spectrum: of every place's course, the log
    power at each frequency, a mean over the places."""

    frames: Tensor
    changes: Tensor
    spectrum: Tensor


@dataclass(frozen=True, slots=True)
class Distances:
    """Between films, in floors."""

    frames: float
    changes: float
    spectrum: float


def tell(film: Tensor) -> Told:
    """Of frames (n, c, h, w), n at least 8."""
    places = _places(film)
    changes = places.diff(dim=0).abs()
    return Told(_moments(places), _moments(changes), _spectrum(places))


def distances(made: Tensor, film: Tensor) -> Distances:
    """Of a made film (m, c, h, w) from a real one (n, c, h, w), in floors: a mean over stretches of
    it that are half as long as the real one, against either half."""
    half = len(film) // 2
    real = [tell(film[:half]), tell(film[-half:])]
    ours = [tell(made[k : k + half]) for k in range(0, max(1, len(made) - half + 1), half)]
    apart = {}
    for name in ("frames", "changes", "spectrum"):
        floor = _apart(getattr(real[0], name), getattr(real[1], name))
        found = fmean(_apart(getattr(a, name), getattr(b, name)) for a in ours for b in real)
        apart[name] = found / max(floor, 1e-9)
    return Distances(**apart)


def contrast(film: Tensor) -> float:
    """The standard deviation over a frame's entries, a mean over the frames (n, c, h, w)."""
    return float(film.flatten(1).std(1).mean())


def motion_energy(film: Tensor) -> float:
    """The mean square of what changes from frame to frame."""
    return float(film.diff(dim=0).square().mean())


def _places(film: Tensor) -> Tensor:
    """(n, places): means over squares."""
    side = max(1, max(film.shape[2:]) // SMALL)
    small: Tensor = F.avg_pool2d(film.float(), side)
    return small.flatten(1)


def _moments(values: Tensor) -> Tensor:
    return torch.cat([values.mean(0), values.std(0)])


def _spectrum(places: Tensor) -> Tensor:
    window = torch.hann_window(len(places))[:, None]
    power = torch.fft.rfft((places - places.mean(0)) * window, dim=0).abs().square().mean(1)
    told: Tensor = (power[1:] + 1e-6 * power[1:].max()).log()
    return told


def _apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).square().mean().sqrt())
