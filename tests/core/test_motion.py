"""Priors of motion: the linear one against known answers, windows of a film by what they are made
of, forecasts by what can be foreseen."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from abp_core.priors.motion.chain import at_speed
from abp_core.priors.motion.forecast import SEEN, Forecast
from abp_core.priors.motion.leaps import Leaps
from abp_core.priors.motion.linear import RADIUS, Linear, stabilise
from abp_core.priors.motion.path import FADE
from abp_core.priors.motion.windows import Windows, distances

TURN = 0.95 * torch.tensor([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]])


def turning(n: int, noise: float = 0.3, seed: int = 0) -> Tensor:
    """Latents (n, 2) that turn, about (1, -2)."""
    draw = torch.Generator().manual_seed(seed)
    z, found = torch.tensor([3.0, 0.0]), []
    for _ in range(n):
        z = TURN @ z + noise * torch.randn(2, generator=draw)
        found.append(z)
    return torch.stack(found) + torch.tensor([1.0, -2.0])


def film(n: int = 60, seed: int = 0) -> Tensor:
    """Latent maps (n, 3, 8, 8) in which a wave goes round every 12 frames."""
    draw = torch.Generator().manual_seed(seed)
    t, row, column = torch.meshgrid(
        torch.arange(n), torch.arange(8), torch.arange(8), indexing="ij"
    )
    wave = torch.sin(2 * math.pi * (t / 12 + row / 8 + column / 4))
    maps = torch.stack([wave, wave.roll(3, 0), wave.roll(5, 0)], 1)
    return maps + 0.05 * torch.randn(maps.shape, generator=draw)


class TestLinear:
    def test_it_finds_the_matrix_and_the_noise_that_moved_the_latents(self) -> None:
        motion = Linear.of(turning(20_000))
        assert torch.allclose(motion.transition.float(), TURN, atol=0.01)
        noise = motion.root @ motion.root.T
        assert torch.allclose(noise.float(), 0.09 * torch.eye(2), atol=0.004)

    def test_what_it_draws_moves_and_spreads_as_what_it_learnt(self) -> None:
        z = turning(4_000)
        drawn = Linear.of(z).draw(4_000, 1)
        assert torch.allclose(drawn.mean(0), z.mean(0), atol=0.15)
        assert torch.allclose(drawn.std(0), z.std(0), rtol=0.1)
        assert torch.allclose(drawn.diff(dim=0).std(0), z.diff(dim=0).std(0), rtol=0.05)

    def test_it_goes_on_after_the_last_frame(self) -> None:
        motion = dataclasses.replace(Linear.of(turning(400)), root=torch.zeros(2, 2).double())
        first = motion.chain(3, onwards=True).part(0, 2)
        expected = motion.predict(motion.z[-1:], 1), motion.predict(motion.z[-1:], 2)
        assert torch.allclose(first, torch.cat(expected).float(), atol=1e-6)

    @given(st.integers(0, 2**63 - 1), st.integers(0, 30), st.integers(1, 9))
    @settings(max_examples=30, deadline=None)
    def test_a_part_is_the_part_of_the_whole(self, seed: int, start: int, n: int) -> None:
        motion = Linear.of(turning(60))
        whole = motion.chain(seed).part(0, 40)
        one = motion.chain(seed)
        assert torch.equal(one.part(start, start + n), whole[start : start + n])
        assert torch.equal(one.part(0, 5), whole[:5])  # back again
        assert torch.equal(one.part(3, 40), whole[3:])
        assert torch.equal(motion.draw(7, seed), whole[:7])

    @pytest.mark.parametrize("period", [2, 7, 50])
    def test_a_loop_comes_round_as_it_moves_elsewhere(self, period: int) -> None:
        motion = Linear.of(turning(500))
        twice = motion.chain(5, period=period).part(0, 2 * period)
        assert torch.equal(twice[:period], twice[period:])
        long = Linear.of(turning(500)).chain(5, period=400).part(0, 401)
        step = long.diff(dim=0).norm(dim=1)
        assert step[-1] < 4 * step.mean()  # over the seam, too

    def test_what_would_grow_is_held_and_keeps_its_turn(self) -> None:
        held = stabilise((1.2 / 0.95 * TURN).double())
        values = torch.linalg.eigvals(held)
        assert torch.allclose(values.abs(), torch.full((2,), RADIUS).double())
        assert torch.allclose(values.angle().abs(), torch.full((2,), 0.3).double(), atol=1e-6)
        growing = torch.stack([1.1**k * torch.tensor([1.0, 2.0]) for k in range(80)])
        assert Linear.of(growing).draw(1000, 0).isfinite().all()

    def test_fewer_frames_than_numbers_are_enough(self) -> None:
        few = torch.randn(6, 20, generator=torch.Generator().manual_seed(0))
        drawn = Linear.of(few).draw(1000, 0)
        assert drawn.isfinite().all()
        assert float(drawn.abs().max()) < 30


class TestWindows:
    def test_every_frame_is_one_of_the_film_but_where_one_moment_gives_way_to_another(self) -> None:
        z = film()
        made = Windows(z).draw(200, 4)
        apart = (made[:, None] - z[None]).flatten(2).abs().amax(2).amin(1)
        same = apart < 1e-6
        assert same.float().mean() > 0.5
        assert not same.all()  # there are leaps
        frames = (made[:, None] - z[None]).flatten(2).square().sum(2).argmin(1)
        onwards = (frames[1:] == frames[:-1] + 1) & same[1:] & same[:-1]
        assert onwards.sum() > 0.8 * (same[1:] & same[:-1]).sum()

    def test_leaps_land_where_it_looks_alike(self) -> None:
        made = Windows(film()).draw(300, 2)
        steps = made.diff(dim=0).square().flatten(1).mean(1)
        usual = film().diff(dim=0).square().flatten(1).mean(1)
        assert steps.max() < 2 * usual.max()

    @pytest.mark.parametrize("period", [0, 400])
    def test_a_film_that_never_comes_back_is_shown_whole_again_and_again(self, period: int) -> None:
        """Nothing is more like its end than what is just before, and yet nobody stays there."""
        draw = torch.Generator().manual_seed(0)
        slow = torch.randn(110, 4, 8, 8, generator=draw).unfold(0, 21, 1).mean(-1)  # 90 frames
        made = Windows(slow).chain(1, onwards=not period, period=period).part(0, 400)
        moments = (made[:, None] - slow[None]).flatten(2).square().sum(2).argmin(1)
        shown = torch.histc(moments.double(), 3, 0, 90)
        assert shown.min() > 0.2 * shown.sum()

    def test_of_the_leaps_that_come_next_the_one_that_shows_least_is_taken(self) -> None:
        draw = torch.Generator().manual_seed(0)
        z = torch.randn(60, 1, 4, 4, generator=draw).cumsum(0)
        z[38:45] = z[8:15]  # after the moment 40 may come the moment 11
        leaps = Leaps(distances(z))
        assert leaps.among(30, 50)[0] in [(before, before - 29) for before in range(38, 44)]
        assert leaps.among(55, 70)[0][0] <= 59

    def test_it_goes_on_where_the_film_ended(self) -> None:
        z = film(60)  # which has come round: after the last frame comes what came 12 frames before
        first = Windows(z).chain(1, onwards=True).part(0, 1)[0]
        after = (z - first).flatten(1).square().mean(1)
        assert int(after.argmin()) % 12 == 0
        assert float((first - z[48]).square().mean()) < 0.01

    @given(st.integers(0, 2**63 - 1), st.integers(0, 90), st.integers(1, 20), st.integers(1, 4))
    @settings(max_examples=20, deadline=None)
    def test_a_part_is_the_part_of_the_whole(
        self, seed: int, start: int, n: int, windows: int
    ) -> None:
        prior = Windows(film(), windows)
        whole = prior.draw(110, seed)
        assert torch.equal(prior.chain(seed).part(start, start + n), whole[start : start + n])
        assert torch.equal(prior.draw(7, seed), whole[:7])

    @pytest.mark.parametrize("period", [2, 30, 59, 60, 61, 150])
    def test_a_loop_comes_round_without_a_jump(self, period: int) -> None:
        z = film()
        chain = Windows(z).chain(3, period=period)
        twice = chain.part(0, 2 * period + 1)
        assert torch.equal(twice[:period], twice[period : 2 * period])
        seam = float((twice[period] - twice[period - 1]).square().mean())
        if period % 12 == 0 or period > 12:
            assert seam < 2.5 * float(z.diff(dim=0).square().flatten(1).mean(1).max())

    def test_windows_go_their_own_way_and_keep_their_contrast(self) -> None:
        z = torch.randn(120, 3, 8, 8, generator=torch.Generator().manual_seed(1))
        one, many = Windows(z).draw(400, 7), Windows(z, 3).draw(400, 7)
        assert not torch.equal(one, many)
        assert float(many.std()) == pytest.approx(float(z.std()), rel=0.1)
        middle = (many - z.mean(0)).square().mean((0, 1))
        assert float(middle.min()) > 0.6 * float(middle.max())  # where they meet, too
        together = [
            (
                (made[:, None, :, rows, rows] - z[None, :, :, rows, rows])
                .flatten(2)
                .square()
                .sum(2)
            ).argmin(1)
            for made in (one, many)
            for rows in (slice(0, 2), slice(6, 8))
        ]
        assert (together[0] == together[1]).float().mean() > 0.8
        assert (together[2] == together[3]).float().mean() < 0.2

    @pytest.mark.parametrize("n", [8, 9, 13])
    def test_a_short_film_goes_on_for_long(self, n: int) -> None:
        prior = Windows(film(n))
        assert prior.draw(300, 1).shape == (300, 3, 8, 8)
        assert prior.chain(1, period=100).part(0, 100).isfinite().all()
        assert prior.chain(2, onwards=True).part(0, 5).isfinite().all()

    def test_a_fade_is_shorter_than_from_leap_to_leap(self) -> None:
        path = Windows(film(300)).chain(1)._parts[0].path  # type: ignore[attr-defined]
        path.part(0, 2000)
        leaps = torch.tensor(path.leaps)
        assert len(leaps) > 10
        assert int(leaps.diff().min()) > FADE


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.0, 2.0, 3.7])
def test_another_speed_lies_on_the_lines_between_frames(speed: float) -> None:
    chain = Windows(film()).chain(1)
    made, plain = at_speed(chain, 0, 20, speed), chain.part(0, 90)
    for k in range(20):
        first = math.floor(k * speed)
        between = torch.lerp(plain[first], plain[first + 1], k * speed - first)
        assert torch.allclose(made[k], between, atol=1e-5)
    assert torch.equal(at_speed(chain, 8, 20, speed), made[8:])
    loop = Windows(film()).chain(2, period=24)
    slow = at_speed(loop, 0, 96, 0.25, period=24)
    assert float((slow[0] - slow[-1]).square().mean()) < 0.1


class TestForecast:
    @pytest.mark.parametrize("ahead", [1, 5])
    def test_it_foresees_what_comes_round(self, ahead: int) -> None:
        z = film(120)
        expected = Forecast.of(z[:90], ahead).predict(z[90 - SEEN + 1 : -ahead])
        came = z[90 + ahead :]
        assert expected.shape == came.shape
        assert float((expected - came).square().mean()) < 0.02 * float(z.var())

    def test_of_noise_it_expects_the_mean(self) -> None:
        z = torch.randn(90, 4, 6, 6, generator=torch.Generator().manual_seed(0))
        expected = Forecast.of(z[:70], 1).predict(z[70 - SEEN + 1 : -1])
        error = float((expected - z[71:]).square().mean())
        assert error < 1.15 * float((z[:70].mean(0) - z[71:]).square().mean())

    def test_its_shares_are_none_below_nothing_and_together_at_most_one(self) -> None:
        weights = Forecast.of(film(80), 2).weights
        assert float(weights.min()) >= 0
        assert float(weights.sum()) <= 1 + 1e-6
