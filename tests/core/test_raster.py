"""Strips are the picture, whatever their height; sheets; what is laid over them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from abp_core.generator import Generator
from abp_core.priors.fields import Endless
from abp_core.synthesis import raster, sampling
from tests.tiny import NETWORKS, peak_memory

SPEC = NETWORKS["texture"]  # four pixels a position
GENERATOR = Generator(SPEC).requires_grad_(False)
LATENTS = Endless(3, 5)


def off(a: np.ndarray, b: np.ndarray) -> int:  # type: ignore[type-arg]
    """Levels by which two pictures differ at most."""
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b).max())


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([1, 3000, raster.HELD]))
def test_strips_are_the_whole_picture(width: int, height: int, held: int) -> None:
    pieces = list(raster.rasterise(GENERATOR, LATENTS, (width, height), held))
    whole = raster.pixels(sampling.generate_field(GENERATOR, LATENTS, (height, width)))[0]
    assert off(np.concatenate(pieces), whole) <= 1
    if held == 1:
        assert all(len(piece) <= SPEC.enlargement for piece in pieces)


def test_the_memory_of_a_picture_does_not_grow_with_its_height() -> None:
    def growth(height: int) -> int:
        with peak_memory() as memory:
            for _ in raster.rasterise(GENERATOR, LATENTS, (600, height)):
                pass
        return memory.growth

    growth(256)
    assert growth(8192) < 10_000_000  # the picture has 15 million bytes


def test_grey_stays_grey() -> None:
    signals = torch.tensor([-2.0, -1.0, 0.0, 1.0]).view(1, 1, 2, 2)
    assert raster.pixels(signals).tolist() == [[[[0], [0]], [[128], [255]]]]


def test_pictures_stand_side_by_side_and_below_each_other() -> None:
    pictures = [np.full((2, 3, 1), value, np.uint8) for value in (1, 2, 3)]
    rows = (
        raster.join_columns([iter(np.split(picture, 2)) for picture in pictures[k : k + 2]], 1, 2)
        for k in (0, 2)
    )
    sheet = np.concatenate(list(raster.join_rows(rows, 1)))[..., 0]
    white = 255
    assert sheet.tolist() == [
        [1, 1, 1, white, 2, 2, 2],
        [1, 1, 1, white, 2, 2, 2],
        [white] * 7,
        [3, 3, 3, white, white, white, white],
        [3, 3, 3, white, white, white, white],
    ]


@given(st.integers(1, 40), st.integers(0, 30), st.integers(1, 25))
def test_a_picture_that_is_laid_over_strips_has_a_soft_edge(step: int, at: int, soft: int) -> None:
    under = np.zeros((100, 90, 3), np.uint8)
    picture = np.full((40, 50, 3), 200, np.uint8)
    pieces = (under[k : k + step].copy() for k in range(0, 100, step))
    made = np.concatenate(list(raster.overlay(pieces, picture, at, soft)))
    inside = made[at : at + 40, at : at + 50]
    assert (inside[soft:-soft, soft:-soft] == 200).all() or soft > 19
    made[at : at + 40, at : at + 50] = 0
    assert not made.any()
    steps = np.abs(np.diff(inside[20, :soft, 0].astype(int), prepend=0))
    assert steps.max() <= 200 * 2 / soft + 1


def test_a_soft_edge_begins_and_ends_gently() -> None:
    share = raster._cosine_ramp(12, 4)
    assert share == pytest.approx(share[::-1])
    assert (share[4:8] == 1).all()
    assert share[:4] == pytest.approx((1 - np.cos(np.pi * np.array([1, 3, 5, 7]) / 8)) / 2)
