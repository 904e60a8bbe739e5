"""Maps without a border: every part is always the same, and fits its neighbours."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from abp_core.noise import FIELD_BLOCK, chain_noise, field_noise
from abp_core.priors.fields import Drawn, Endless, Repeated
from abp_core.priors.known import Known
from abp_core.priors.normal import Kept

corners = st.tuples(st.integers(-40, 40), st.integers(-40, 40))
sizes = st.tuples(st.integers(1, 20), st.integers(1, 20))


@given(corners, sizes, st.integers(0, 2**63 - 1))
def test_a_part_of_a_part_is_the_part(
    start: tuple[int, int], size: tuple[int, int], seed: int
) -> None:
    latents = Endless(2, seed)
    stop = (start[0] + size[0], start[1] + size[1])
    around = latents.part((start[0] - 9, start[1] - 3), (stop[0] + 5, stop[1] + 11))
    inside = around[:, 9 : 9 + size[0], 3 : 3 + size[1]]
    assert torch.equal(latents.part(start, stop), inside)


@pytest.mark.parametrize("axes", [1, 2])
def test_the_field_is_standard_gaussian_without_neighbours_that_know_each_other(axes: int) -> None:
    n = 4096 if axes == 1 else 64
    z = field_noise(seed=3, channels=4, start=(-n // 2,) * axes, stop=(n // 2,) * axes).double()
    assert abs(z.mean()) < 5 / z.numel() ** 0.5
    assert abs(z.var() - 1) < 5 * (2 / z.numel()) ** 0.5
    for shift in (1, FIELD_BLOCK, FIELD_BLOCK + 1):
        rolled = z.roll(shift, dims=-1)
        assert abs((z * rolled).mean()) < 5 / z.numel() ** 0.5
    assert abs((z[0] * z[1]).mean()) < 5 / z[0].numel() ** 0.5


def test_other_seeds_other_fields_and_none_that_a_run_has_used() -> None:
    z = field_noise(seed=0, channels=3, start=(0, 0), stop=(16, 16))
    assert not torch.isin(z, field_noise(seed=1, channels=3, start=(0, 0), stop=(16, 16))).any()
    for sweep in range(5):
        used = chain_noise(seed=0, sweep=sweep, index=torch.arange(3), steps=1, shape=(200,))
        assert not torch.isin(z, used).any()


def test_no_two_blocks_of_a_line_are_alike() -> None:
    line = field_noise(seed=0, channels=1, start=(-20 * FIELD_BLOCK,), stop=(20 * FIELD_BLOCK,))[0]
    assert len({tuple(block.tolist()) for block in line.split(FIELD_BLOCK)}) == 40


def test_the_temperature_is_the_variance() -> None:
    hot, cold = Endless(3, 5, 4.0), Endless(3, 5)
    assert torch.equal(hot.part((0,), (9,)), 2 * cold.part((0,), (9,)))


@given(corners, sizes, st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_a_repeated_map_begins_anew_after_its_periods(
    start: tuple[int, int], size: tuple[int, int], periods: tuple[int, int]
) -> None:
    latents = Repeated(Endless(2, 0), periods)
    stop = (start[0] + size[0], start[1] + size[1])
    here = latents.part(start, stop)
    moved = latents.part(
        (start[0] + periods[0], start[1] - 3 * periods[1]),
        (stop[0] + periods[0], stop[1] - 3 * periods[1]),
    )
    assert here.shape == (2, *size)
    assert torch.equal(here, moved)
    if periods == (0, 0):
        assert torch.equal(here, Endless(2, 0).part(start, stop))


@given(corners, sizes, corners)
def test_a_part_that_was_drawn_is_that_part(
    start: tuple[int, int], size: tuple[int, int], more: tuple[int, int]
) -> None:
    endless = Endless(2, 4)
    low = tuple(at - abs(n) for at, n in zip(start, more, strict=True))
    stop = tuple(at + n for at, n in zip(start, size, strict=True))
    high = tuple(at + 3 for at in stop)
    drawn = Drawn(endless.part(low, high), low)
    assert torch.equal(drawn.part(start, stop), endless.part(start, stop))
    assert torch.equal(drawn.part(low, high), endless.part(low, high))


@given(st.integers(-600, 600), st.integers(1, 40))
def test_a_part_of_a_line_that_was_drawn_is_that_part(start: int, size: int) -> None:
    endless = Endless(3, 4)
    drawn = Drawn(endless.part((start - 5,), (start + size + 2,)), (start - 5,))
    assert torch.equal(
        drawn.part((start,), (start + size,)), endless.part((start,), (start + size,))
    )


@given(corners, sizes, corners)
def test_what_is_planted_stands_where_it_was_planted(
    start: tuple[int, int], size: tuple[int, int], at: tuple[int, int]
) -> None:
    planted = torch.full((2, 4, 6), 7.0)
    around = Endless(2, 1)
    stop = (start[0] + size[0], start[1] + size[1])
    everywhere = torch.ones(4, 6, dtype=torch.bool)
    found = Kept(Known(planted, everywhere, at), around).part(start, stop)
    rows = np.arange(start[0], stop[0])[:, None]
    columns = np.arange(start[1], stop[1])[None]
    ours = (rows >= at[0]) & (rows < at[0] + 4) & (columns >= at[1]) & (columns < at[1] + 6)
    expected = torch.where(torch.from_numpy(ours), 7.0, around.part(start, stop))
    assert torch.equal(found, expected)
