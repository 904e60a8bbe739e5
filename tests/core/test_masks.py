"""Masks hide what they should, and the same for an example whoever is beside it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from abp_core.data.masks import lines, random_blocks, square, stretch


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_scattered_masks_hide_about_their_share(share: float) -> None:
    visible = random_blocks(20, (64, 64), share, seed=0)
    assert visible.shape == (20, 1, 64, 64)
    hidden = 1 - visible.flatten(1).mean(1)
    assert (hidden >= share).all()
    assert (hidden < share + 10 / 64**2).all()


@given(st.integers(1, 30), st.integers(0, 2**31))
def test_one_square_is_hidden_wherever_it_is(side: int, seed: int) -> None:
    visible = square(3, (32, 40), side, seed=seed)
    for mask in 1 - visible[:, 0]:
        assert int(mask.sum()) == side * side
        rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
        assert len(rows) == len(columns) == side
        assert int(rows[-1] - rows[0]) == int(columns[-1] - columns[0]) == side - 1


def test_lines_are_whole() -> None:
    visible = lines(5, (40, 24), 0.5, seed=1)
    rows = visible[:, 0].mean(2)
    assert ((rows == 0) | (rows == 1)).all()
    assert (rows.sum(1) == 20).all()


def test_a_stretch_is_in_one_piece() -> None:
    visible = stretch(5, 1000, 0.25, seed=1)
    for mask in 1 - visible[:, 0]:
        lost = mask.nonzero().flatten()
        assert len(lost) == 250
        assert int(lost[-1] - lost[0]) == 249


@pytest.mark.parametrize("make", [
    lambda n, seed: random_blocks(n, (20, 20), 0.5, seed=seed),
    lambda n, seed: square(n, (20, 20), 7, seed=seed),
    lambda n, seed: lines(n, (20, 20), 0.5, seed=seed),
    lambda n, seed: stretch(n, 50, 0.2, seed=seed),
])  # fmt: skip
def test_a_mask_knows_nothing_of_the_others(make) -> None:  # type: ignore[no-untyped-def]
    assert torch.equal(make(6, 3)[:2], make(2, 3))
    assert not torch.equal(make(6, 3), make(6, 4))
    assert not torch.equal(make(6, 3)[0], make(6, 3)[1])
