"""The yardstick itself: distances with known answers, floors of known processes, copies found."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from abp_core.data import decode
from abp_core.data.pack import read_pack
from abp_core.evaluation import objects, sound, texture
from abp_core.evaluation.halves import (
    MOST_DEVIATIONS,
    deviations,
    floor,
    halves,
    mean_distance,
    spectral_noise,
    variety,
    without_repeat,
)
from abp_core.evaluation.latents import latent_moments, neighbour_dependence
from abp_core.learning import patches
from abp_core.presets import PRESETS

PACK = Path(__file__).parents[2] / "demo" / "examples"
RATE = 16_000


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def blotches(size: int, seed: int, width: float = 4.0) -> Tensor:
    """A stationary random field (1, size, size) of one scale, in [-1, 1]."""
    frequency = torch.fft.fftfreq(size)
    radius = (frequency[:, None] ** 2 + frequency**2).sqrt()
    smooth = torch.exp(-((radius * width * 3) ** 2))
    field = torch.fft.ifft2(torch.fft.fft2(normal(size, size, seed=seed)) * smooth).real
    return torch.tanh(field / field.std())[None]


def sine(hertz: float, seconds: float = 4.0) -> Tensor:
    time = torch.arange(round(RATE * seconds)) / RATE
    return 0.3 * torch.sin(2 * math.pi * hertz * time)[None]


class TestHalves:
    @given(st.integers(2, 9), st.integers(2, 9))
    def test_they_are_disjoint_and_equal_in_size(self, height: int, width: int) -> None:
        picture = torch.arange(height * width).view(1, height, width)
        pairs = halves(picture)
        assert [a.shape for a, _ in pairs] == [b.shape for _, b in pairs]
        for a, b in pairs:
            assert not set(a.flatten().tolist()) & set(b.flatten().tolist())
            assert a.numel() + b.numel() >= picture.numel() - max(height, width)

    def test_an_axis_too_short_is_not_cut(self) -> None:
        ((left, right),) = halves(torch.zeros(3, 100, 300), least=100)
        assert left.shape == right.shape == (3, 100, 150)

    def test_deviations_are_in_units_of_each_statistic(self) -> None:
        a, b = torch.tensor([[1.0, 100.0], [3.0, 300.0]]), torch.zeros(1, 2)
        # means 2 and 200; in units 2 / 1 and 200 / 50
        expected = math.sqrt((2**2 + 4**2) / 2)
        assert deviations(a, b, torch.tensor([1.0, 50.0])) == pytest.approx(expected)

    def test_a_statistic_that_never_varies_does_not_rule(self) -> None:
        unit = torch.tensor([1.0, 0.0])
        assert deviations(torch.ones(2, 2), torch.ones(3, 2), unit) == 0
        worst = math.sqrt(MOST_DEVIATIONS**2 / 2)
        moved = torch.tensor([[1.0, 1.001]])
        assert deviations(moved, torch.ones(3, 2), unit) == pytest.approx(worst)

    def test_another_draw_of_the_same_process_stands_at_about_the_floor(self) -> None:
        unit = torch.ones(200)

        def parts(seed: int) -> list[tuple[Tensor, Tensor]]:
            return [(normal(4, 200, seed=seed), normal(4, 200, seed=seed + 1))]

        def distance(a: Tensor, b: Tensor) -> float:
            return deviations(a, b, unit)

        real = parts(10)
        assert floor(distance, real) == pytest.approx(math.sqrt(2 / 4), rel=0.1)
        assert mean_distance(distance, parts(20), real) == pytest.approx(
            floor(distance, real), rel=0.1
        )
        moved = [(a + 2, b + 2) for a, b in parts(20)]
        expected = math.sqrt(2 / 4 + 2**2)
        assert mean_distance(distance, moved, real) == pytest.approx(expected, rel=0.1)

    def test_variety_is_the_ratio_of_deviations(self) -> None:
        real = normal(50, 30)
        assert variety(0.5 * real + 7, real) == pytest.approx(0.5)

    def test_a_picture_that_shows_everything_twice_is_cut(self) -> None:
        a, b = normal(3, 16, 20, seed=1), normal(3, 16, 20, seed=2)
        twice = torch.cat([torch.cat([a, b], 2), torch.cat([b, a], 2)], 1)
        assert torch.equal(without_repeat(twice), torch.cat([a, b], 2))
        once = normal(3, 32, 40)
        assert without_repeat(once) is once

    def test_spectral_noise_keeps_mean_and_spectrum_and_nothing_else(self) -> None:
        picture = blotches(64, seed=0).expand(3, -1, -1) * torch.tensor([1, 2, 3]).view(3, 1, 1)
        noise = spectral_noise(picture + 0.1, seed=1)
        spectra = [torch.fft.rfft2(x).abs() for x in (picture + 0.1, noise)]
        torch.testing.assert_close(spectra[0], spectra[1], rtol=1e-3, atol=1e-2)
        assert abs(np.corrcoef(picture.flatten(), noise.flatten())[0, 1]) < 0.3
        torch.testing.assert_close(noise[1] * 1.5 - 0.05, noise[2], rtol=1e-3, atol=1e-3)


class TestTexture:
    def test_luminance_of_grey_is_itself_to_a_grey_level(self) -> None:
        grey = torch.linspace(-1, 1, 64).expand(3, 8, 64)
        error = (texture.luminance(grey) - (grey[0] + 1) / 2).abs().max()
        assert 0 < error <= 0.5 / 255 + 1e-6

    def test_crops_stand_on_their_grid(self) -> None:
        picture = normal(2, 10, 14)
        cut = texture.crops(picture, 4, 3)
        assert cut.shape == (3 * 4, 2, 4, 4)
        assert torch.equal(cut[5], picture[:, 3:7, 3:7])

    @given(st.floats(0.05, 0.5), st.integers(0, 100))
    def test_brighter_is_known(self, shift: float, seed: int) -> None:
        picture = 0.3 * normal(3, 20, 20, seed=seed)
        a, b = texture.marginals(picture), texture.marginals(picture + shift)
        distance = texture.marginal_distance(b, a, torch.ones(3))
        # Luminance moves by the shift, the two differences of colour do not.
        assert distance == pytest.approx(shift / 3, rel=1e-3)

    def test_shuffled_pixels_keep_their_marginals(self) -> None:
        picture = normal(3, 16, 16)
        order = torch.randperm(256, generator=torch.Generator().manual_seed(0))
        shuffled = picture.flatten(1)[:, order].view_as(picture)
        a, b = texture.marginals(picture), texture.marginals(shuffled)
        assert texture.marginal_distance(a, b, torch.ones(3)) < 1e-6

    def test_a_copy_is_found_however_bright(self) -> None:
        picture = normal(3, 60, 70)
        patches = torch.stack([picture[:, 5:21, 40:56], 0.3 * picture[:, 44:, 54:] + 0.2])
        found = texture.best_matches(patches, picture)
        torch.testing.assert_close(found, torch.ones(2), rtol=0, atol=1e-4)

    def test_what_is_no_copy_is_told_apart(self) -> None:
        picture = normal(3, 60, 70)
        strangers = normal(5, 3, 16, 16, seed=1)
        assert texture.best_matches(strangers, picture).max() < 0.25
        negative = -picture[None, :, 5:21, 40:56]
        assert texture.best_matches(negative, picture).max() < 0.25

    def test_the_match_of_a_copy_in_noise_is_known(self) -> None:
        picture = normal(1, 80, 80)
        noisy = picture[:, 10:42, 20:52] + normal(1, 32, 32, seed=1)
        found = float(texture.best_matches(noisy[None], picture)[0])
        assert found == pytest.approx(math.sqrt(1 / 2), abs=0.05)

    def test_flatness_matches_nothing(self) -> None:
        flat, rough = torch.full((1, 40, 40), 0.5), normal(1, 40, 40)
        assert texture.best_matches(flat[None, :, :8, :8], rough).max() < 0.1
        assert texture.best_matches(rough[None, :, :8, :8], flat).abs().max() < 1e-3


@pytest.fixture(scope="module")
def distance() -> Callable[[Tensor], float]:
    from abp_core.zoo.yardsticks.texture import TextureYardstick

    yardstick = TextureYardstick(PACK / "textures" / "pebbles.jpg", PRESETS["texture"])
    least = yardstick.floors()["floor"]
    return lambda picture: yardstick.distance(picture) / least


@pytest.fixture(scope="module")
def pebbles() -> Tensor:
    from abp_core.data import decode

    pixels = decode.read_picture(PACK / "textures" / "pebbles.jpg")
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 127.5 - 1


class TestTextureStatistics:
    """Portilla-Simoncelli statistics, as the benchmark compares them."""

    def test_order_of_what_looks_worse(
        self, distance: Callable[[Tensor], float], pebbles: Tensor
    ) -> None:
        shuffled = pebbles.flatten(1)[:, torch.randperm(256**2)].view_as(pebbles)
        itself = distance(pebbles)
        moved = distance(pebbles.roll((64, 64), (1, 2)))
        noise = distance(spectral_noise(pebbles, seed=0).clamp(-1, 1))
        assert itself < 1  # some of its halves are compared with themselves
        assert moved < 1.3 < noise < distance(shuffled)

    def test_blank_and_white_noise_are_finite_and_far(
        self, distance: Callable[[Tensor], float], pebbles: Tensor
    ) -> None:
        for far in (torch.zeros_like(pebbles), normal(3, 256, 256).clamp(-1, 1)):
            assert 3 < distance(far) <= MOST_DEVIATIONS


class TestSound:
    def test_squares_of_the_filters_add_up_to_one(self) -> None:
        filters = sound.cochlear_filters(RATE, RATE)
        centres = filters.argmax(1)
        assert (centres.diff() > 0).all()
        inner = filters[:, centres[0] : centres[-1] + 1].square().sum(0)
        torch.testing.assert_close(inner, torch.ones_like(inner), rtol=0, atol=1e-3)

    def test_erb_number_of_a_kilohertz(self) -> None:
        # 21.4 log10(1 + 4.37 f / kHz), Glasberg and Moore 1990
        expected = 21.4 * math.log10(1 + 4.37)
        assert float(sound.erb_number(torch.tensor(1000.0))) == pytest.approx(expected, rel=5e-3)

    def test_a_sine_sounds_in_its_band_only_and_steadily(self) -> None:
        (envelope,) = sound.envelopes(sine(1000), RATE)
        filters = sound.cochlear_filters(RATE, RATE)
        band = int(filters[:, 1000].argmax())
        level = envelope.mean(1)
        assert int(level.argmax()) == band
        assert float(level[band]) == pytest.approx(
            (0.3 * float(filters[band, 1000]) + sound.SILENCE) ** sound.COMPRESSION, rel=1e-2
        )
        assert float(level[band + 3]) < 0.3 * float(level[band])
        assert float(envelope[band].std() / level[band]) < 0.01

    def test_modulation_is_found_at_its_rate(self) -> None:
        time = torch.arange(4 * RATE) / RATE
        shares = {}
        for hertz in (4.0, 32.0):
            loud = 1 + 0.5 * torch.sin(2 * math.pi * hertz * time)
            (envelope,) = sound.envelopes(sine(1000) * loud, RATE)
            band = int(envelope.mean(1).argmax())
            power = sound.modulation_power(envelope[None, :, :400])[0, band]
            shares[hertz] = int(power.argmax())
            assert float(power.max()) > 0.6
        octaves = math.log2(32 / 4)
        spacing = math.log2(sound.FASTEST / (sound.SLOWEST / 2)) / (sound.MODULATIONS + 1)
        assert shares[32.0] - shares[4.0] == pytest.approx(octaves / spacing, abs=1)

    def test_moments_of_known_numbers(self) -> None:
        values = torch.tensor([1.0, 1.0, 1.0, 5.0])  # mean 2, deviation sqrt 3
        mean, variation, skew, kurtosis = sound.moments(values.view(1, 1, 4))[0, :, 0].tolist()
        assert mean == 2
        assert variation == pytest.approx(math.sqrt(3) / 2)
        assert skew == pytest.approx((3 * (-1) ** 3 + 3**3) / 4 / 3**1.5)
        assert kurtosis == pytest.approx((3 + 3**4) / 4 / 3**2)

    def test_bands_that_move_together_are_correlated(self) -> None:
        alone = normal(1, sound.BANDS, 4000)
        assert sound.band_correlations(alone).abs().max() < 0.1
        together = normal(1, 1, 4000).expand(1, sound.BANDS, 4000) * torch.rand(1, sound.BANDS, 1)
        assert sound.band_correlations(together).min() > 0.999

    def test_another_draw_of_noise_is_at_the_floor_and_clicks_are_far(self) -> None:
        def cut(signal: Tensor) -> list[tuple[Tensor, Tensor]]:
            both = halves(signal)
            return [
                (sound.texture_statistics(a, RATE), sound.texture_statistics(b, RATE))
                for a, b in both
            ]

        clip, other = 0.2 * normal(1, 8 * RATE), 0.2 * normal(1, 8 * RATE, seed=1)
        unit = sound.texture_statistics(clip, RATE).std(0)

        def distance(a: Tensor, b: Tensor) -> float:
            return deviations(a, b, unit)

        real = cut(clip)
        least = floor(distance, real)
        assert mean_distance(distance, cut(other), real) == pytest.approx(least, rel=0.25)
        clicks = torch.zeros_like(clip)
        clicks[:, :: RATE // 10] = 1.0
        assert mean_distance(distance, cut(clicks), real) > 5 * least
        bent = other * (1 + 0.8 * torch.sin(torch.arange(8 * RATE) / RATE * 2 * math.pi * 8))
        assert mean_distance(distance, cut(bent), real) > 2 * least

    def test_an_envelope_is_the_size_of_the_analytic_signal(self) -> None:
        # The whole band at the full rate, as the definition says, against our shorter way.
        noise = 0.2 * normal(2, RATE)
        filters = sound.cochlear_filters(RATE, RATE)
        analytic = torch.zeros(2, sound.BANDS, RATE, dtype=torch.complex64)
        analytic[..., : RATE // 2 + 1] = 2 * filters * torch.fft.rfft(noise)[:, None]
        exact = (torch.fft.ifft(analytic).abs() + sound.SILENCE) ** sound.COMPRESSION
        count = sound.ENVELOPE_RATE
        slow = torch.fft.irfft(torch.fft.rfft(exact)[..., : count // 2 + 1], n=count) * count / RATE
        apart = sound.envelopes(noise, RATE) - slow[..., sound.EDGE : -sound.EDGE]
        assert apart.square().mean().sqrt() < 0.02 * slow.std()

    def test_silence_has_finite_statistics(self) -> None:
        assert sound.texture_statistics(torch.zeros(1, 2 * RATE), RATE).isfinite().all()

    def test_half_as_loud_is_six_decibels(self) -> None:
        noise = 0.2 * normal(1, 4 * RATE)
        a, b = sound.log_mel(noise, RATE), sound.log_mel(noise / 2, RATE)
        assert sound.spectrum_distance(a, a) == 0
        assert sound.spectrum_distance(a, b) == pytest.approx(20 * math.log10(2), abs=0.01)


class TestObjects:
    def test_equal_sets_are_at_no_distance_in_any_order(self) -> None:
        a = normal(100, 12)
        assert objects.sliced_wasserstein(a, a.flip(0)) == 0

    @given(st.integers(2, 20), st.floats(0.1, 10))
    def test_a_shifted_set_is_as_far_as_known(self, k: int, length: float) -> None:
        a = normal(50, k)
        shift = torch.nn.functional.normalize(normal(k, seed=1), dim=0) * length
        # E |<u, v>| over directions u of the unit sphere
        expected = length * math.gamma(k / 2) / math.sqrt(math.pi) / math.gamma((k + 1) / 2)
        assert objects.sliced_wasserstein(a, a + shift) == pytest.approx(expected, rel=0.15)

    def test_sets_of_other_sizes_are_refused(self) -> None:
        with pytest.raises(ValueError, match="equally many"):
            objects.sliced_wasserstein(normal(5, 3), normal(6, 3))

    def test_the_pyramid_separates_scales(self) -> None:
        fine, coarse = patches.laplacian_pyramid(torch.ones(1, 1, 32, 32))
        assert fine.abs().max() < 1e-6
        torch.testing.assert_close(coarse, torch.ones(1, 1, 16, 16))
        board = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2.0 - 1
        fine, coarse = patches.laplacian_pyramid(board.view(1, 1, 32, 32))
        assert coarse.abs().max() < 1e-6
        torch.testing.assert_close(fine[0, 0], board)
        assert len(patches.laplacian_pyramid(torch.zeros(1, 3, 128, 128))) == 4

    def test_patch_distances_see_blur_in_fine_levels_and_contrast_in_all(self) -> None:
        real, other = normal(40, 1, 32, 32), normal(40, 1, 32, 32, seed=1)
        floors = objects.patch_distances(other, real)
        blurred = torch.nn.functional.avg_pool2d(other, 3, 1, 1)
        assert objects.patch_distances(blurred, real)[0] > 10 * floors[0]
        faint = objects.patch_distances(other / 2, real)
        assert all(d > 5 * least for d, least in zip(faint, floors, strict=True))

    def test_the_error_of_pca_is_the_variance_left_out(self) -> None:
        deviation = torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0, 0.5])
        rotation, _ = torch.linalg.qr(normal(6, 6))
        train = (normal(4000, 6, seed=1) * deviation) @ rotation + 3
        test = (normal(4000, 6, seed=2) * deviation) @ rotation + 3
        for d in (0, 2, 4):
            made = objects.pca_reconstruction(train.view(-1, 1, 2, 3), test.view(-1, 1, 2, 3), d)
            error = float((made.flatten(1) - test).square().sum(1).mean())
            assert error == pytest.approx(float(deviation[d:].square().sum()), rel=0.05)

    def test_diversity_is_the_mean_over_pairs(self) -> None:
        pictures = normal(7, 2, 3, 3)
        pairs = [
            (pictures[i] - pictures[j]).square().mean()
            for i in range(7)
            for j in range(7)
            if i != j
        ]
        expected = float(torch.stack(pairs).mean().sqrt())
        assert objects.diversity(pictures) == pytest.approx(expected, rel=1e-5)
        assert objects.diversity(pictures[:1].expand(5, -1, -1, -1)) == 0


class TestLatents:
    def test_moments_of_a_known_map(self) -> None:
        z = normal(200, 3, 8, 8) * torch.tensor([0.5, 1, 2]).view(3, 1, 1)
        z[:, 1] += 1
        moments = latent_moments(z)
        assert moments.farthest_mean == pytest.approx(1, abs=0.04)
        assert moments.lowest_std == pytest.approx(0.5, rel=0.02)
        assert moments.highest_std == pytest.approx(2, rel=0.02)
        assert moments.mean == pytest.approx(1 / 3, abs=0.02)
        assert moments.norm == pytest.approx(math.sqrt((0.25 + 2 + 4) / 3), rel=0.02)

    def test_vectors_are_judged_entry_by_entry(self) -> None:
        z = normal(500, 4) + torch.tensor([0.0, 0, -2, 0])
        assert latent_moments(z).farthest_mean == pytest.approx(-2, abs=0.15)
        assert neighbour_dependence(z) == 0

    def test_the_prior_s_neighbours_are_independent(self) -> None:
        c, pairs = 4, 300 * 8 * 7
        found = neighbour_dependence(normal(300, c, 8, 8))
        assert found == pytest.approx(math.sqrt(c / pairs), rel=0.5)

    def test_copies_and_their_rotations_depend_wholly(self) -> None:
        z = normal(400, 4, 1, 1).expand(-1, -1, 6, 6)
        assert neighbour_dependence(z) == pytest.approx(1, abs=0.05)
        turned = z.clone()
        turned[..., 1::2, :] = turned[..., 1::2, :].roll(1, dims=1)
        assert neighbour_dependence(turned) > 0.8

    def test_a_moving_average_has_its_known_correlation(self) -> None:
        noise = normal(300, 1, 41)
        z = noise[..., :-1] + noise[..., 1:]  # neighbours share one of two terms
        assert neighbour_dependence(z) == pytest.approx(0.5, abs=0.03)


def test_bundled_pictures_that_show_everything_twice_are_known() -> None:
    twice = set()
    for item in read_pack(PACK):
        if item.kind == "texture":
            picture = torch.from_numpy(decode.read_picture(item.path)).permute(2, 0, 1)
            signal = picture.float() / 127.5 - 1
            if without_repeat(signal).shape != signal.shape:
                twice.add(item.path.stem)
    assert twice == {"bark", "cliff_rock", "granite", "leaf_litter", "stone_wall"}
