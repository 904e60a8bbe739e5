"""Films larger than what was learnt: what they are made of, and where it comes from."""

import dataclasses
import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from abp_core.generator import Generator
from abp_core.priors.motion.widening import Stretch, lay, spans
from abp_core.priors.motion.windows import Windows
from abp_core.synthesis import render, sampling
from abp_core.synthesis.request import Request
from tests.tiny import FILM, film_run


def film(n: int = 60, h: int = 8, w: int = 12) -> Tensor:
    """Latent maps (n, 3, h, w) that move everywhere, each place about a mean of its own."""
    draw = torch.Generator().manual_seed(3)
    t, row, column = torch.meshgrid(
        torch.arange(n), torch.arange(h), torch.arange(w), indexing="ij"
    )
    wave = torch.sin(2 * math.pi * (t / 12 + row / 8 + column / 5))
    mean = torch.randn(3, h, w, generator=draw)
    return torch.stack([wave, wave.roll(3, 0), wave.roll(5, 0)], 1) + mean


def noise(n: int, h: int = 8, w: int = 12) -> Tensor:
    """Latent maps (n, 3, h, w) of which every one is another."""
    return torch.randn(n, 3, h, w, generator=torch.Generator().manual_seed(1))


def total(stretches: list[Stretch], size: int) -> Tensor:
    """How much all of them count together, position by position."""
    found = torch.zeros(size)
    for stretch in stretches:
        found[stretch.here] += stretch.share
    return found


class TestStretches:
    @given(
        st.integers(4, 40),
        st.floats(1, 4),
        st.integers(1, 4),
        st.integers(0, 2**63 - 1),
        st.booleans(),
    )
    @settings(max_examples=60, deadline=None)
    def test_they_fill_the_side_with_what_the_film_has(
        self, n: int, times: float, parts: int, seed: int, turns: bool
    ) -> None:
        size = math.floor(times * n)
        features = torch.randn(n, 4, generator=torch.Generator().manual_seed(n))
        stretches = lay(features, size, parts, [seed], turns)
        assert torch.allclose(total(stretches, size), torch.ones(size))
        for stretch in stretches:
            assert stretch.of(features, 0).shape == (stretch.high - stretch.low, 4)
        assert (stretches[0].low, stretches[0].source, stretches[0].turned) == (0, 0, False)
        assert stretches[-1].source + size - stretches[-1].low == n
        found = spans(stretches)
        assert (found[0][0], found[-1][1]) == (0, size)
        assert all(one[1:] == (two[0], not two[2]) for one, two in pairwise(found))

    def test_what_repeats_itself_goes_on_so(self) -> None:
        pattern = torch.randn(8, 5, generator=torch.Generator().manual_seed(1))
        features = pattern.repeat(4, 1)
        for seed in range(5):
            made = torch.zeros(64, 5)
            for stretch in lay(features, 64, 1, [seed], turns=True):
                made[stretch.here] += stretch.of(features, 0) * stretch.share[:, None]
            assert torch.allclose(made, pattern.repeat(8, 1), atol=1e-5)

    def test_a_slope_turns_unless_it_must_not(self) -> None:
        slope = torch.arange(24.0)[:, None]
        for seed in range(5):
            stretches = lay(slope, 60, 1, [seed], turns=True)
            assert [stretch.turned for stretch in stretches] != [False] * len(stretches)
            made = torch.zeros(60, 1)
            for stretch in stretches:
                made[stretch.here] += stretch.of(slope, 0) * stretch.share[:, None]
            assert float(made.diff(dim=0).abs().max()) <= 3  # positions, where a leap has ten
            assert not any(stretch.turned for stretch in lay(slope, 60, 1, [seed], turns=False))

    def test_each_seed_has_its_own(self) -> None:
        features = torch.randn(24, 4, generator=torch.Generator().manual_seed(2))
        places = {
            tuple((s.low, s.source, s.turned) for s in lay(features, 72, 1, [seed], turns=True))
            for seed in range(8)
        }
        assert len(places) > 3


EXTENTS = [(8, 24), (8, 13), (11, 12), (20, 48)]


class TestWindows:
    @pytest.mark.parametrize("extent", EXTENTS)
    @pytest.mark.parametrize("windows", [1, 2])
    def test_a_part_is_the_part_of_the_whole(self, extent: tuple[int, int], windows: int) -> None:
        prior = Windows(film(), windows, extent)
        whole = prior.draw(60, 5)
        assert whole.shape == (60, 3, *extent)
        chain = prior.chain(5)
        for start, stop in ((40, 55), (0, 3), (17, 44)):
            assert torch.equal(chain.part(start, stop), whole[start:stop])
        assert not torch.equal(prior.draw(60, 6), whole)

    @pytest.mark.parametrize("extent", EXTENTS)
    def test_every_place_moves_as_much_as_where_it_comes_from(
        self, extent: tuple[int, int]
    ) -> None:
        z = noise(120)
        made = Windows(z, 1, extent).draw(400, 2)
        assert float(made.std(0).min()) > 0.6
        assert float(made.std(0).max()) < 1.4

    @pytest.mark.parametrize("period", [30, 90])
    def test_a_loop_comes_round(self, period: int) -> None:
        chain = Windows(film(), 1, (8, 30)).chain(3, period=period)
        twice = chain.part(0, 2 * period)
        assert torch.equal(twice[:period], twice[period:])
        seam = float((twice[period] - twice[period - 1]).square().mean())
        assert seam < 2.5 * float(film().diff(dim=0).square().flatten(1).mean(1).max())

    def test_no_two_parts_are_of_one_moment(self) -> None:
        z = noise(120)
        prior = Windows(z, 1, (8, 36))
        _, across = prior.stretches(1)
        made, moments = prior.draw(200, 1), []
        for stretch in across:
            middle = (stretch.high - stretch.low) // 2
            inner = slice(stretch.low + middle, stretch.low + middle + 1)
            source = stretch.of(z, 3)[..., middle : middle + 1]
            apart = (made[:, None, ..., inner] - source[None]).flatten(2)
            moments.append(apart.square().sum(2).argmin(1))
        assert len(moments) > 2
        for k, one in enumerate(moments):
            for other in moments[:k]:
                assert float((one == other).float().mean()) < 0.1

    def test_of_its_own_size_it_is_the_same_film(self) -> None:
        for windows in (1, 3):
            own, asked = (Windows(film(), windows, extent) for extent in (None, (8, 12)))
            assert torch.equal(own.draw(50, 4), asked.draw(50, 4))


class TestTurned:
    generator = Generator(FILM, seed=4).requires_grad_(False)
    z = torch.randn(2, 4, 12, 20, generator=torch.Generator().manual_seed(0))

    def test_what_is_not_turned_is_as_ever(self) -> None:
        made = sampling.generate_turned(self.generator, self.z, [(0, 9, False), (9, 20, False)])
        assert torch.allclose(made, sampling.generate(self.generator, self.z), atol=1e-5)

    def test_what_is_turned_is_the_mirror_image(self) -> None:
        z = torch.cat([self.z, self.z.flip(3)], 3)
        made = sampling.generate_turned(self.generator, z, [(0, 20, False), (20, 40, True)])
        assert torch.allclose(made, made.flip(3), atol=1e-5)
        plain = sampling.generate(self.generator, z)
        assert torch.allclose(made[..., :76], plain[..., :76], atol=1e-5)
        assert not torch.allclose(made, plain, atol=1e-2)


@pytest.mark.parametrize("tile", [None, "x"])
@pytest.mark.parametrize("size", [(128, 48), (76, 64)])
def test_frames_have_the_size_that_was_asked_for(size: tuple[int, int], tile: str | None) -> None:
    saved = film_run(2)
    request = Request(size=size, seconds=2, speed=0.5, tile=tile, seed=3)
    fitted = request.fit(FILM, saved.source.frame_rate)
    film = render.film(saved.generator(), saved.prior(), saved.source, fitted)
    frames = list(film.frames)
    assert {frame.shape for frame in frames} == {(size[1], size[0], 3)}
    assert len(frames) == film.count == 30
    going = render.go_on(saved.generator(), saved.prior(), fitted, film.count)
    for k in (20, 3):  # in any order
        assert (next(going.frames(k, k + 1)) == frames[k]).all()
    vertical = dataclasses.replace(fitted, size=None)
    own = next(render.film(saved.generator(), saved.prior(), saved.source, vertical).frames)
    assert own.shape == (48, 64, 3)
