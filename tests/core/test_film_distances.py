"""Distances between films, in floors of the film's own halves."""

import torch
from torch import Tensor

from abp_core.evaluation import film as telling


def waves(n: int, pace: float = 1.0, strength: float = 1.0, seed: int = 0) -> Tensor:
    """Waves that go over a picture (n, 3, 32, 32), with some noise."""
    draw = torch.Generator().manual_seed(seed)
    t = torch.arange(n)[:, None, None, None] * pace
    row = torch.arange(32)[:, None].expand(32, 32)
    wave = 0.4 * torch.sin(0.5 * t + 0.4 * row)
    noise = 0.1 * torch.randn(n, 3, 32, 32, generator=draw)
    return strength * (wave + noise)


def test_a_film_of_the_same_kind_stands_at_about_the_floor() -> None:
    near = telling.distances(waves(200, seed=1), waves(200))
    assert max(near.frames, near.changes, near.spectrum) < 1.6


def test_a_still_a_faster_and_a_paler_film_are_told_apart() -> None:
    film = waves(200)
    still = film[:1].expand(200, -1, -1, -1)
    assert telling.distances(still, film).changes > 5
    assert telling.distances(waves(200, pace=2.0, seed=1), film).spectrum > 2
    assert telling.distances(waves(200, strength=0.5, seed=1), film).frames > 5


def test_contrast_and_motion_of_a_film_that_fades() -> None:
    film = waves(100)
    assert telling.contrast(0.5 * film) < 0.51 * telling.contrast(film)
    assert abs(telling.motion_energy(0.5 * film) / telling.motion_energy(film) - 0.25) < 1e-4
    assert telling.motion_energy(film[:1].expand(9, -1, -1, -1)) == 0
