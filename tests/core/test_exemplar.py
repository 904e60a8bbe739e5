"""The exemplar prior: draws are functions of (seed, place), made of the exemplar's patches."""

import dataclasses
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from abp_core.priors.exemplar import Exemplar
from abp_core.priors.known import Known
from abp_core.priors.normal import Normal
from abp_core.priors.recent import Recent
from abp_core.priors.scales import coarse_range, enlarge, shrink


def smooth(*extent: int, channels: int = 4, seed: int = 0) -> Tensor:
    """Latents in which neighbours know each other."""
    z = torch.from_numpy(np.random.default_rng(seed).standard_normal((channels, *extent)))
    for axis in range(1, z.ndim):
        z = (z + z.roll(1, axis) + z.roll(2, axis)) / 3**0.5
    return z.float()


MAP = Exemplar.of(smooth(28, 30))
LINE = Exemplar.of(smooth(90))
SAME = dataclasses.replace(MAP, novelty=0.0)
corners = st.tuples(st.integers(-50, 50), st.integers(-50, 50))
sizes = st.tuples(st.integers(1, 12), st.integers(1, 12))
periods = st.sampled_from([(0, 0), (14, 0), (0, 17), (9, 12)])


@settings(max_examples=8, deadline=None)
@given(corners, sizes, periods, st.integers(0, 2**63 - 1))
def test_a_part_of_a_part_is_the_part(
    start: tuple[int, int], size: tuple[int, int], again: tuple[int, int], seed: int
) -> None:
    drawn = MAP.map(seed, periods=again)
    stop = (start[0] + size[0], start[1] + size[1])
    around = drawn.part((start[0] - 5, start[1] - 3), (stop[0] + 2, stop[1] + 7))
    inside = around[:, 5 : 5 + size[0], 3 : 3 + size[1]]
    assert torch.equal(drawn.part(start, stop), inside)


@settings(max_examples=8, deadline=None)
@given(st.integers(-200, 200), st.integers(1, 40))
def test_a_part_of_a_line_too(start: int, size: int) -> None:
    around = LINE.map(3).part((start - 11,), (start + size + 6,))
    assert torch.equal(LINE.map(3).part((start,), (start + size,)), around[:, 11 : 11 + size])


@pytest.mark.parametrize("again", [(14, 0), (0, 17), (9, 12)])
def test_it_begins_anew_after_its_periods(again: tuple[int, int]) -> None:
    drawn = MAP.map(1, periods=again)
    here = drawn.part((-3, -2), (20, 21))
    there = drawn.part((again[0] - 3, -2 - again[1]), (20 + again[0], 21 - again[1]))
    assert torch.equal(here, there)


def test_no_seam_where_it_begins_anew() -> None:
    """Neighbours differ no more across the seam than elsewhere."""
    z = MAP.map(2, periods=(24, 24)).part((0, 0), (24, 24))
    for axis in (1, 2):
        steps = (z - z.roll(1, axis)).square().mean((0, 3 - axis))
        assert steps[0] < 2 * steps[1:].mean()


def test_every_latent_is_one_of_the_exemplar() -> None:
    z = smooth(28, 30)
    drawn = MAP.map(5).part((0, 0), (16, 16)).flatten(1).T
    assert torch.cdist(drawn, z.flatten(1).T).min(1).values.max() < 1e-3


def test_a_map_that_repeats_itself_goes_on_repeating_itself() -> None:
    rows, columns = torch.meshgrid(torch.arange(40), torch.arange(40), indexing="ij")
    pattern = smooth(8, 8, channels=6, seed=1)
    z = pattern[:, rows % 8, columns % 8]
    drawn = dataclasses.replace(Exemplar.of(z), novelty=0.0).map(0).part((3, 3), (35, 35))
    again = drawn[:, 8:, 8:] - drawn[:, :-8, :-8]
    assert again.square().mean() < 0.1 * z.var()


def test_without_novelty_it_is_the_exemplar_in_place() -> None:
    z = smooth(28, 30)
    drawn = SAME.map(9).part((0, 0), (24, 26))
    assert (drawn[:, 4:-4, 4:-4] - z[:, 6:-6, 6:-6]).square().mean() < 0.3 * z.var()
    apart = MAP.map(9).part((0, 0), (24, 26)) - z[:, 2:-2, 2:-2]
    assert apart.square().mean() > z.var()


OTHER_MACHINE = """
import hashlib, sys, numpy as np, torch
from abp_core.priors.exemplar import Exemplar
torch.set_num_threads(int(sys.argv[1]))
for shape in ((16, 30, 27), (8, 300), (4, 14)):
    z = np.random.default_rng(0).standard_normal(shape, np.float32)
    if len(shape) == 3:
        z = z[:, np.arange(30) % 9]  # patches that repeat themselves span few dimensions
    prior = Exemplar.of(torch.from_numpy(z))
    drawn = prior.map(3).part((-2,) * (len(shape) - 1), (20,) * (len(shape) - 1))
    kept = [s for p in prior.scales for s in (p.z, p.basis + 0.0, p.sharp, p.blurred)]
    print([hashlib.sha256(part.contiguous().numpy()).hexdigest() for part in (drawn, *kept)])
"""


def test_it_is_the_same_whatever_machine_and_threads_draw_it() -> None:
    """As its processor has wide registers or none; sums are then added up in another order."""
    plain = {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"}
    said = [
        subprocess.run(
            [sys.executable, "-c", OTHER_MACHINE, threads],
            env={**os.environ, **how},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads, how in (("1", {}), ("2", {}), ("1", plain))
    ]
    assert said[0].count("\n") == 3
    assert said[1] == said[0], "with more threads"
    assert said[2] == said[0], "on another processor"


def test_seeds_differ_and_the_same_seed_does_not() -> None:
    prior = Exemplar.of(smooth(28, 30), (8, 7))
    first, again, other = (prior.draw(2, seed) for seed in (1, 1, 2))
    assert first.shape == (2, 4, 8, 7)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(prior.draw(1, 1)[0], first[0])
    assert torch.equal(first[0], prior.map(1).part((0, 0), (8, 7)))
    assert MAP.draw(1, 1).shape == (1, 4, 28, 30)
    assert Exemplar.of(smooth(90), (11,)).draw(3, 0).shape == (3, 4, 11)


@pytest.mark.parametrize("novelty", [0.0, 0.3, 0.7, 1.0])
def test_tiles_are_taken_from_as_far_as_its_novelty_says(novelty: float) -> None:
    """From within its square, as a share of the exemplar, of their own place."""
    z = MAP.scales[0].z
    drawn = (
        dataclasses.replace(MAP, novelty=novelty)
        .map(4)
        ._start_coarsest([(0, n) for n in z.shape[1:]])
    )
    exactly = "donot_use_mm_for_euclid_dist"
    apart = torch.cdist(drawn.flatten(1).T, z.flatten(1).T, compute_mode=exactly)
    taken = apart.argmin(1).view(z.shape[1:])
    assert apart.min(1).values.max() == 0
    rows, columns = torch.meshgrid(*(torch.arange(n) for n in z.shape[1:]), indexing="ij")
    for n, here, there in (
        (z.shape[1], rows, taken // z.shape[2]),
        (z.shape[2], columns, taken % z.shape[2]),
    ):
        most = int((here - there).abs().max())
        assert most <= round(novelty**2 * n)
        assert most >= round(novelty**2 * n) // 2


class TestBetween:
    HERE = (-6, 4), (24, 30)

    @pytest.mark.parametrize("again", [(0, 0), (9, 12)])
    def test_one_seed_alone_is_its_map(self, again: tuple[int, int]) -> None:
        whole = MAP.map(3, periods=again).part(*self.HERE)
        for shares in ({3: 1.0}, {3: 1.0, 8: 0.0}, {8: 0.0, 3: 1.0}):
            found = MAP.between(shares, periods=again).part(*self.HERE)
            assert torch.equal(found, whole)

    def test_a_line_too(self) -> None:
        assert torch.equal(
            LINE.between({3: 1.0}).part((-9,), (30,)), LINE.map(3).part((-9,), (30,))
        )

    @settings(max_examples=6, deadline=None)
    @given(corners, sizes, st.floats(0.05, 0.9), st.integers(0, 3))
    def test_it_does_not_matter_which_part_is_asked_for_first(
        self, start: tuple[int, int], size: tuple[int, int], share: float, other: int
    ) -> None:
        shares = {5: share, 7: (1 - share) / 2, 100 + other: (1 - share) / 2}
        stop = (start[0] + size[0], start[1] + size[1])
        one, again = MAP.between(shares), MAP.between(shares)
        around = one.part((start[0] - 5, start[1] - 3), (stop[0] + 2, stop[1] + 7))
        inside = around[:, 5 : 5 + size[0], 3 : 3 + size[1]]
        assert torch.equal(again.part(start, stop), inside)
        assert torch.equal(one.part(start, stop), inside)

    def test_one_tile_after_another_gives_way(self) -> None:
        """Of the tiles that the coarsest scale begins with, as many are of a seed as its share
        says; whichever has gone over to the other does not come back."""
        span = [(0, 150), (0, 150)]  # 50 x 50 tiles
        first, last = (MAP.map(seed)._start_coarsest(span) for seed in (1, 2))
        apart = (first != last).any(0)
        before = torch.zeros(150, 150, dtype=torch.bool)
        for share in (0.1, 0.4, 0.6, 0.95):
            z = MAP.between({1: 1 - share, 2: share})._start_coarsest(span)
            gone = (z == last).all(0) & apart
            assert ((z == first).all(0) | gone | ~apart).all(), "from one or the other"
            assert float(gone[apart].float().mean()) == pytest.approx(share, abs=0.04)
            assert gone[before].all()
            before = gone

    def test_what_is_made_goes_gradually_from_one_to_the_other(self) -> None:
        here = (0, 0), (60, 60)
        ends = MAP.map(1).part(*here), MAP.map(2).part(*here)
        steps = [
            MAP.between({1: 1 - share, 2: share}).part(*here) for share in (0.02, 0.3, 0.7, 0.98)
        ]
        away, near = ([float((z - end).square().mean() / end.var()) for z in steps] for end in ends)
        assert away == sorted(away)
        assert near == sorted(near, reverse=True)
        assert max(away[0], near[-1]) < 0.5
        assert min(away[-1], near[0]) > 1.5

    def test_what_is_known_stays(self) -> None:
        z, mask = smooth(6, 5, seed=2), torch.ones(6, 5, dtype=torch.bool)
        found = MAP.between({1: 0.5, 2: 0.5}, known=Known(z, mask, (3, 8)))
        assert torch.equal(found.part((3, 8), (9, 13)), z)


def test_what_is_known_stays() -> None:
    z = smooth(20, 20, seed=4)
    everything = torch.ones(20, 20, dtype=torch.bool)
    assert torch.equal(MAP.map(0, known=Known(z, everything, (-4, 7))).part((-4, 7), (16, 27)), z)
    half = everything.clone()
    half[5:12, 3:] = False
    drawn = MAP.map(0, known=Known(z, half, (-4, 7))).part((-10, 0), (20, 30))
    assert torch.equal(drawn[:, 6:26, 7:27][:, half], z[:, half])


def test_a_hole_in_the_exemplar_is_filled_with_what_was_there() -> None:
    z = smooth(40, 40)
    mask = torch.ones(40, 40, dtype=torch.bool)
    mask[17:23, 17:23] = False
    prior = Exemplar.of(z)
    filled = prior.map(3, known=Known(z, mask, (0, 0))).part((17, 17), (23, 23))
    drawn = prior.map(3).part((17, 17), (23, 23))
    truth = z[:, 17:23, 17:23]
    assert (filled - truth).square().mean() < 0.5 * (drawn - truth).square().mean()


def test_far_from_what_is_known_nothing_changes() -> None:
    z = smooth(6, 6, seed=2)
    known = Known(z, torch.ones(6, 6, dtype=torch.bool), (1000, 0))
    here = (0, 0), (12, 12)
    assert torch.equal(MAP.map(8, known=known).part(*here), MAP.map(8).part(*here))


@pytest.mark.parametrize("extent", [(3, 3), (7, 30), (16,), (5,)])
def test_small_exemplars_too(extent: tuple[int, ...]) -> None:
    prior = Exemplar.of(smooth(*extent))
    drawn = prior.map(0).part((0,) * len(extent), (20,) * len(extent))
    assert drawn.shape == (4, *(20 for _ in extent))
    assert drawn.isfinite().all()


@given(st.integers(5, 40), st.integers(3, 20))
def test_shrinking_keeps_means_and_enlarging_keeps_ramps(n: int, m: int) -> None:
    z = smooth(n, n)
    if m <= n:
        assert torch.allclose(shrink(z, Fraction(n, m)).mean((1, 2)), z.mean((1, 2)), atol=1e-5)
    ratio = Fraction(4, 3)
    low, high = coarse_range((-m, n), ratio)
    ramp = torch.arange(low, high, dtype=torch.float32)[None, :, None] + 0.5
    finer = enlarge(ramp, 1, low, (-m, n), ratio)[0, :, 0]
    assert torch.allclose(finer, (torch.arange(-m, n) + 0.5) / float(ratio), atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(corners, sizes, st.integers(1, 9))
def test_recent_blocks_are_those_of_the_map(
    start: tuple[int, int], size: tuple[int, int], side: int
) -> None:
    stop = (start[0] + size[0], start[1] + size[1])
    endless = Normal((2, 4, 4)).map(3)
    recent = Recent(endless, side)
    assert torch.equal(recent.part(start, stop), endless.part(start, stop))
    assert torch.equal(recent.part(start, stop), endless.part(start, stop))


def test_recent_blocks_are_drawn_once_and_only_so_many_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    class Counting:
        def part(self, start: tuple[int, ...], stop: tuple[int, ...]) -> Tensor:
            asked.append(start)
            return torch.zeros(2, *(b - a for a, b in zip(start, stop, strict=True)))

    monkeypatch.setattr("abp_core.priors.recent.MOST_NUMBERS", 2 * 4 * 2)
    recent = Recent(Counting(), 4)
    for low in (0, 1, 3, 8, 9, 0):
        recent.part((low,), (low + 1,))
    assert asked == [(0,), (8,)]
    recent.part((20,), (21,))
    recent.part((8,), (9,))
    assert asked == [(0,), (8,), (20,), (8,)]


def test_the_papers_prior_keeps_what_is_known_and_repeats_itself() -> None:
    z, mask = smooth(3, 3), torch.eye(3, dtype=torch.bool)
    drawn = Normal((4, 8, 8)).map(1, periods=(5, 0), known=Known(z, mask, (1, 1)))
    part = drawn.part((0, 0), (12, 6))
    assert torch.equal(part[:, 1:4, 1:4][:, mask], z[:, mask])
    assert torch.equal(part[:, 5], part[:, 10])
    assert torch.equal(Normal((4,)).draw(3, 0)[:1], Normal((4,)).draw(1, 0))
