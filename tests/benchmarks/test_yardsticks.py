"""Yardsticks that nothing learns from, where the answer is known."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from abp_core.evaluation import texture
from abp_core.evaluation.copying import CopyingYardstick, best_matches, patches
from abp_core.evaluation.frechet import Gaussian, frechet
from abp_core.zoo.yardsticks.common import explained_variance
from benchmarks.yardsticks import critic, events
from benchmarks.yardsticks.explained import put_together, without_quarter
from benchmarks.yardsticks.features import STRIDES, at, features, gaussians

RATE = 16_000


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def blobs(*shape: int, seed: int = 0) -> Tensor:
    """Noise that is smooth over a few pixels, of deviation .5."""
    smooth = F.avg_pool2d(F.pad(noise(*shape, seed=seed)[None], (3,) * 4, mode="circular"), 7, 1)[0]
    return smooth / smooth.std() / 2


class TestFrechet:
    def test_equal_sets(self) -> None:
        some = Gaussian.of(noise(50, 8))
        assert frechet(some, some) == pytest.approx(0, abs=1e-9)

    def test_a_shift(self) -> None:
        some = noise(50, 8)
        assert frechet(Gaussian.of(some), Gaussian.of(some + 2)) == pytest.approx(8 * 4, rel=1e-6)

    def test_fewer_vectors_than_dimensions(self) -> None:
        some = noise(5, 8)
        moved = frechet(Gaussian.of(some), Gaussian.of(some + 1))
        assert moved == pytest.approx(8, rel=1e-6)

    @given(st.integers(0, 99))
    def test_the_closed_form(self, seed: int) -> None:
        """Against the trace of a matrix root by its eigenvalues."""
        a, b = noise(40, 5, seed=seed), noise(60, 5, seed=seed + 100) @ noise(5, 5, seed=seed) + 1
        s, t = (torch.cov(x.T.double()) for x in (a, b))
        root = torch.linalg.eigvals(s @ t).real.clamp(min=0).sqrt().sum()
        shift = (a.double().mean(0) - b.double().mean(0)).square().sum()
        expected = float(shift + s.trace() + t.trace() - 2 * root)
        assert frechet(Gaussian.of(a), Gaussian.of(b)) == pytest.approx(expected, rel=1e-6)

    def test_of_pictures(self) -> None:
        picture = blobs(3, 64, 96)
        found = features(picture)
        sizes = {stride: len(vectors) for stride, vectors in found.items()}
        assert sizes == {stride: 64 * 96 // stride**2 for stride in STRIDES}
        ours, blurred = gaussians(picture), gaussians(F.avg_pool2d(picture[None], 5, 1, 2)[0])
        alike = gaussians(blobs(3, 64, 96, seed=1))
        for stride in STRIDES:
            assert at(stride)(ours, ours) == pytest.approx(0, abs=1e-6)
        assert at(4)(ours, alike) < at(4)(ours, blurred)

    def test_grey_is_colour(self) -> None:
        grey = blobs(1, 64, 64)
        assert torch.equal(features(grey)[8], features(grey.expand(3, -1, -1))[8])


class TestCritic:
    def test_cannot_tell_what_is_alike(self) -> None:
        same = [noise(1, 64, 64, seed=seed) for seed in range(4)]
        told = critic.accuracy(same[:1], same[1:2], same[2:3], same[3:], crop=12, seed=0)
        assert 0.42 < told < 0.58

    def test_tells_noise_from_a_picture(self) -> None:
        pictures = [blobs(1, 64, 64, seed=seed) for seed in range(2)]
        grain = [noise(1, 64, 64, seed=seed) / 2 for seed in range(2)]
        assert (
            critic.accuracy(pictures[:1], grain[:1], pictures[1:], grain[1:], crop=12, seed=0)
            > 0.98
        )

    def test_is_a_function_of_its_arguments(self) -> None:
        pictures = [blobs(1, 32, 32, seed=seed) for seed in range(4)]
        once, again = (critic.accuracy(*[[p] for p in pictures], crop=12, seed=3) for _ in range(2))
        assert once == again

    def test_crops_fit_into_quarters(self) -> None:
        assert critic.widest(torch.zeros(1, 64, 64), 24) == 24
        assert critic.widest(torch.zeros(1, 32, 64), 24) == 16

    def test_crops_come_from_everywhere(self) -> None:
        picture = torch.arange(12.0).view(1, 3, 4)
        cut = critic.crops([picture], 300, 2, torch.Generator().manual_seed(0))
        assert cut.shape == (300, 1, 2, 2)
        assert set(cut[:, 0, 0, 0].tolist()) == {0.0, 1.0, 2.0, 4.0, 5.0, 6.0}


@pytest.fixture(scope="module")
def yardstick() -> CopyingYardstick:
    return CopyingYardstick(blobs(3, 96, 96), (16, 16), centred=True)


class TestCopying:
    def test_a_copy(self, yardstick: CopyingYardstick) -> None:
        moved = blobs(3, 96, 96).roll((7, 3), (1, 2))[:, 8:, 8:]
        assert yardstick.copied(moved) == 1

    def test_a_brighter_copy(self, yardstick: CopyingYardstick) -> None:
        assert yardstick.copied(0.5 * blobs(3, 96, 96) + 0.2) == 1

    def test_new_material(self, yardstick: CopyingYardstick) -> None:
        shares = [yardstick.copied(blobs(3, 96, 96, seed=seed)) for seed in (1, 2, 3)]
        assert sum(shares) / 3 < 0.12

    def test_a_half_that_is_copied(self, yardstick: CopyingYardstick) -> None:
        pasted = torch.cat([blobs(3, 48, 96, seed=1), blobs(3, 96, 96)[:, :48]], 1)
        assert 0.35 < yardstick.copied(pasted) < 0.65

    def test_repeats(self, yardstick: CopyingYardstick) -> None:
        tile = blobs(3, 48, 48, seed=1)
        assert yardstick.repeated(tile.repeat(1, 2, 2)) == 1
        assert yardstick.repeated(blobs(3, 96, 96, seed=2)) < 0.15

    def test_what_is_too_small(self) -> None:
        with pytest.raises(ValueError, match="half"):
            CopyingYardstick(blobs(1, 20, 20), (16, 16), centred=True)

    def test_matches_are_those_of_a_convolution(self) -> None:
        """Against the same by sums over windows."""
        picture, some = blobs(3, 40, 48), patches(blobs(3, 30, 30, seed=1), (8, 8))
        ours = best_matches(some, picture, centred=True)
        assert torch.allclose(ours, texture.best_matches(some, picture), atol=1e-5)

    def test_nothing_matches_what_is_flat(self) -> None:
        flat = torch.zeros(1, 1, 8, 8)
        assert best_matches(flat, blobs(1, 32, 32), centred=True).item() == pytest.approx(
            0, abs=1e-6
        )

    def test_lines(self) -> None:
        """A line of time is a signal as well, and brightness counts where it is not centred."""
        line = noise(4, 200)
        assert CopyingYardstick(line, (10,), centred=False).copied(line[:, 50:150]) == 1
        constant = torch.ones(1, 1, 10)
        assert best_matches(constant, torch.ones(1, 50), centred=False).item() == pytest.approx(1)
        assert best_matches(constant, -torch.ones(1, 50), centred=False).item() == pytest.approx(-1)

    @given(st.integers(1, 9), st.integers(9, 20), st.integers(9, 20))
    def test_patches_reach_every_border(self, size: int, height: int, width: int) -> None:
        picture = torch.arange(height * width).view(1, height, width)
        found = patches(picture, (size, size))
        assert found.shape[1:] == (1, size, size)
        assert torch.equal(found[0], picture[:, :size, :size])
        assert torch.equal(found[-1], picture[:, -size:, -size:])


class TestExplained:
    def test_known_shares(self) -> None:
        y = noise(2, 3, 16, 16)
        mean = y.transpose(0, 1).flatten(1).mean(1)[None, :, None, None].expand_as(y)
        assert explained_variance(y, y) == 1
        assert explained_variance(y, mean) == pytest.approx(0, abs=1e-6)
        assert explained_variance(y, (y + mean) / 2) == pytest.approx(0.75, abs=1e-6)
        assert explained_variance(y, y + 10) < 0

    def test_a_quarter(self) -> None:
        picture = torch.arange(6 * 9.0).view(1, 6, 9)
        parts, quarter = without_quarter(picture)
        assert torch.equal(quarter, picture[:, 3:, 5:])
        seen = torch.cat([p.flatten() for p in (*parts, quarter)]).sort().values
        assert torch.equal(seen, picture.flatten())
        assert [
            p.shape[1]
            for p in (*without_quarter(noise(1, 40))[0], without_quarter(noise(1, 40))[1])
        ] == [30, 10]

    def test_windows_come_together(self) -> None:
        picture = noise(2, 8, 8)
        places = [(0, 0), (2, 3), (4, 4)]
        windows = [picture[:, i : i + 4, j : j + 4] for i, j in places]
        whole = put_together(windows, places, (8, 8))
        seen = ~whole.isnan()
        assert torch.allclose(whole[seen], picture[seen])
        assert whole[:, 7, 0].isnan().all()


class TestEvents:
    @staticmethod
    def ticks(interval: float, seconds: float = 4, decay: float = 0.02) -> Tensor:
        """Bursts of noise that die away."""
        t = torch.arange(int(seconds * RATE)) / RATE
        return (noise(len(t)) * (-(t % interval) / decay).exp() * 0.5)[None]

    def test_a_clock(self) -> None:
        mel = events.spectrogram(self.ticks(0.4), RATE)
        found = events.events(mel, events.threshold(mel))
        assert found.interval == pytest.approx(0.4, abs=0.011)
        assert found.rate == pytest.approx(2.5, abs=0.3)
        assert found.spread < 0.03

    def test_a_clock_that_stumbles(self) -> None:
        stumbling = torch.cat([self.ticks(0.4, 2), self.ticks(0.25, 2)], 1)
        mel = events.spectrogram(stumbling, RATE)
        assert events.events(mel, events.threshold(mel)).spread > 0.15

    def test_what_rings_loses_less(self) -> None:
        losses = []
        for decay in (0.02, 0.1):
            mel = events.spectrogram(self.ticks(0.5, decay=decay), RATE)
            losses.append(events.events(mel, events.threshold(mel)).ring)
        assert losses[1] < losses[0] - 10
        # Amplitude exp(-t / decay), over .1 to .3 s: 20 log10(e) t / decay decibels.
        assert losses[1] == pytest.approx(20 * math.log10(math.e) * 0.2 / 0.1, abs=4)

    def test_too_few(self) -> None:
        mel = events.spectrogram(self.ticks(10, 1), RATE)
        assert math.isnan(events.events(mel, 60.0).spread)

    def test_loudness_and_notes(self) -> None:
        t = torch.arange(2 * RATE) / RATE
        loud = events.spectrogram(noise(1, 2 * RATE) * 0.3, RATE, 20)
        soft = events.spectrogram(noise(1, 2 * RATE) * 0.03, RATE, 20)
        assert float((events.levels(loud) - events.levels(soft)).mean()) == pytest.approx(
            20, abs=0.5
        )
        tone = events.spectrogram(0.3 * torch.sin(2 * torch.pi * 1000 * t)[None], RATE)
        assert events.notes(tone).median() > events.notes(loud).median() + 5
