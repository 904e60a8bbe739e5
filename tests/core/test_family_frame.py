"""FRAME: its filters, its statistics, and that it learns what it is to learn."""

import math

import pytest
import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from abp_core.data.datasets import Dataset, Source
from abp_core.device import Machine
from abp_core.family import convnet
from abp_core.family.filters import (
    ORIENTATIONS,
    PITCHES,
    SIDE,
    TAPS,
    WAVELENGTH,
    Gabor,
    Photographic,
    Tones,
    difference,
    gabor,
    spot,
    tone,
)
from abp_core.family.frame import Frame
from abp_core.family.loglinear import LogLinear
from abp_core.family.potentials import Marginals
from abp_core.family.reference import Reference
from abp_core.family.trial import Trial
from abp_core.spec import Kind
from benchmarks.evidence.family_frame import exact_lattice, matching
from tests.tiny import FP32, NETWORKS, training

SIZES: dict[Kind, tuple[int, ...]] = {
    "texture": (1, 1, 96, 112),
    "sound": (1, 1, 2048),
    "objects": (12, 3, 32, 32),
}


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def trial(kind: Kind) -> Trial:
    """Dots at random places on a ground with some noise: no Gaussian has its histograms."""
    x = (noise(*SIZES[kind]) > 1.5).float()
    for axis in range(2, x.ndim):
        x = torch.maximum(x, x.roll(1, axis))
    x = x - 0.5 + 0.1 * noise(*SIZES[kind], seed=1)
    if kind == "objects":
        x = 0.3 * x + 0.7 * x[:1]
    source = Source(kind=kind, name="made", sample_rate=16_000 if kind == "sound" else 0)
    return Trial(Dataset(x, source), x[:, ..., :32], training(NETWORKS[kind]))


def wave(orientation: float, wavelength: float, side: int = 64) -> Tensor:
    """A picture (1, 1, side, side) of a plane wave."""
    places = torch.arange(side, dtype=torch.float32)
    along = places * math.cos(orientation) + places[:, None] * math.sin(orientation)
    return torch.sin(2 * math.pi * along / wavelength)[None, None]


class TestFilters:
    def test_those_that_tell_structure_do_not_see_a_constant(self) -> None:
        flat = [gabor(t, p) for t in (0.0, 0.7) for p in (0.0, math.pi / 2)]
        flat += [spot(), difference(0), difference(1), tone(0.0, 3.0), tone(math.pi / 2, 3.0)]
        assert max(abs(float(kernel.sum())) for kernel in flat) < 1e-5
        assert all(float(kernel.norm()) == pytest.approx(1) for kernel in flat)

    @pytest.mark.parametrize("turn", range(ORIENTATIONS))
    def test_a_gabor_filter_prefers_its_own_orientation(self, turn: int) -> None:
        """Neighbours stand 30 degrees apart; the strength does not depend on the phase."""
        bank = Gabor(1, levels=1)
        _, strengths = bank(wave(math.pi * turn / ORIENTATIONS, WAVELENGTH))
        inside = strengths[0, :, SIDE:-SIDE, SIDE:-SIDE]
        assert int(inside.mean((1, 2)).argmax()) == turn
        assert float(inside[turn].std() / inside[turn].mean()) < 0.05

    @pytest.mark.parametrize("level", range(3))
    def test_a_gabor_filter_prefers_its_own_scale(self, level: int) -> None:
        """A wave twice as long is what the next level of the pyramid, half as large, sees best."""
        strengths = Gabor(1, levels=3)(wave(0.0, WAVELENGTH * 2**level, side=128))[1::2]
        best = [float(s[0, 0, SIDE:-SIDE, SIDE:-SIDE].mean()) for s in strengths]
        assert best.index(max(best)) == level

    def test_a_spot_is_seen_by_the_spot_filter_best_where_it_lies(self) -> None:
        x = torch.zeros(1, 1, 32, 32)
        x[0, 0, 12, 20] = 1
        response = F.conv2d(x, spot()[None, None], padding=SIDE // 2)
        assert divmod(int(response.argmax()), 32) == (12, 20)

    @pytest.mark.parametrize("pitch", range(len(PITCHES)))
    def test_a_tone_is_loudest_in_its_own_filter(self, pitch: int) -> None:
        x = torch.sin(2 * math.pi * torch.arange(2048) / PITCHES[pitch]).view(1, 1, 1, -1)
        loudness = Tones(levels=1)(x)[1]
        assert int(loudness[0, :, 0, TAPS:-TAPS].mean(1).argmax()) == pitch

    @pytest.mark.parametrize("bank", [Gabor(3, 2), Photographic(3, 2)], ids=["gabor", "convnet"])
    def test_a_picture_does_not_know_its_company(self, bank: Gabor | Photographic) -> None:
        x = noise(3, 3, 32, 32).clamp(-1, 1)
        for alone, together in zip(bank(x[1:2]), bank(x), strict=True):
            assert torch.allclose(alone[0], together[1], atol=1e-4)

    def test_colours_are_told_from_lightness(self) -> None:
        """A picture of one lightness throughout, half red and half green."""
        x = torch.zeros(1, 3, 32, 32)
        x[:, 0, :, 16:], x[:, 1, :, 16:] = 0.5, -0.5
        (values, _) = Gabor(3, levels=1)(x)
        inside = values[0, :, SIDE:-SIDE, SIDE:-SIDE].abs().amax((1, 2))
        light = 2 * ORIENTATIONS + 4
        assert float(inside[:light].max()) < 1e-5
        assert float(inside[light]) == pytest.approx(0.5 * 2**0.5, rel=1e-5)


class TestConvNet:
    def test_the_file_is_small_and_says_whose_it_is(self) -> None:
        assert convnet.PATH.stat().st_size < 200_000
        with safe_open(convnet.PATH, "pt") as file:
            assert "Apache-2.0" in file.metadata()["attribution"]

    @pytest.mark.parametrize("channels", [1, 3])
    def test_its_features_are_those_of_the_package(self, channels: int) -> None:
        pytest.importorskip("efficientnet_lite_pytorch")
        from abp_core.family.first_layers import network

        x = noise(2, channels, 64, 96).clamp(-1, 1)
        net = network()
        h = net._swish(net._bn0(net._conv_stem(x.expand(-1, 3, -1, -1))))
        for place, block in enumerate(net._blocks[:5]):
            h = block(h)
            if place in convnet.LAST:
                stride = convnet.LAST[place]
                found = convnet.features(x, stride)
                assert found.shape == h.shape == (2, convnet.CHANNELS[stride], *found.shape[2:])
                error = (found - h).square().mean().sqrt() / h.std()
                assert error < 0.005  # weights are rounded to half precision

    def test_the_file_is_what_the_script_makes(self) -> None:
        pytest.importorskip("efficientnet_lite_pytorch")
        from abp_core.family.first_layers import first_layers

        with safe_open(convnet.PATH, "pt") as file:
            made = first_layers()
            assert set(file.keys()) == made.keys()
            assert all(torch.equal(file.get_tensor(name), made[name]) for name in made)

    def test_frame_has_nothing_of_the_stride_that_measures(self) -> None:
        bank = Photographic(3, levels=1)
        assert {32 // r.shape[3] for r in bank(torch.zeros(1, 3, 32, 32))} == {1, 2, 4}

    def test_what_is_over_of_a_side_is_left_out(self) -> None:
        assert convnet.features(torch.zeros(1, 1, 37, 43), 8).shape == (1, 40, 4, 5)


class TestPotentials:
    def test_statistics_count_what_is_above_each_knot(self) -> None:
        marginals = Marginals(torch.full((1, 1, 1), 2.0), torch.tensor([0.0, 1.0]).view(2, 1, 1, 1))
        r = torch.tensor([-2.0, 1.0, 4.0]).view(1, 1, 1, 3)  # -1, 0.5 and 2 in its units
        expected = torch.tensor([[-1.0, 0.5, 2.0], [0.0, 0.5, 2.0], [0.0, 0.0, 1.0]])
        assert torch.equal(marginals.statistics(r)[0, :, 0, 0], expected)
        assert torch.allclose(marginals.mean(r, by_place=False).flatten(), expected.mean(1))
        assert torch.equal(marginals.mean(r, by_place=True)[:, 0, 0], expected)
        products = expected[:, None] * expected
        assert torch.allclose(marginals.products(r)[0, 0], products.permute(2, 0, 1))

    @pytest.mark.parametrize("by_place", [False, True])
    def test_the_potential_weighs_the_statistics(self, by_place: bool) -> None:
        r = noise(3, 4, 5, 6)
        marginals = Marginals.of(r, 3)
        weights = noise(4, 4, 5, 6, seed=1) if by_place else noise(4, 4, 1, 1, seed=1)
        expected = (marginals.statistics(r) * weights).flatten(1).sum(1)
        assert torch.allclose(marginals.potential(r, weights), expected, rtol=1e-4, atol=1e-4)

    def test_knots_lie_within_the_data_and_a_quiet_filter_is_not_made_loud(self) -> None:
        r = noise(1, 2, 64, 64) * torch.tensor([1.0, 1e-6]).view(2, 1, 1)
        marginals = Marginals.of(r, 5)
        assert float(marginals.scale[1]) > 0.05
        shares = (r[0, 0] / marginals.scale[0] > marginals.knots[:, 0]).float().mean((1, 2))
        assert torch.allclose(shares[[0, 2, 4]], torch.tensor([0.97, 0.5, 0.03]), atol=0.01)


class TestReference:
    def test_white_is_the_inverse_of_signal(self) -> None:
        x = trial("texture").data.signals
        reference = Reference.of(x, (96, 112))
        u = noise(2, 1, 96, 112)
        assert torch.allclose(reference.white(reference.signal(u)), u, atol=1e-3)

    def test_draws_have_the_mean_and_autocovariance_of_the_data(self) -> None:
        """Of a moving average of three, (3 - lag) / 3 up to three pixels."""
        x = noise(1, 1, 256, 256)
        x = 0.2 + 0.1 * (x + x.roll(1, 3) + x.roll(2, 3)) / 3**0.5
        drawn = Reference.of(x, (64, 64)).signal(noise(64, 1, 64, 64, seed=1))
        assert float(drawn.mean()) == pytest.approx(0.2, abs=0.01)
        apart = (drawn - drawn.mean()) / 0.1
        found = [float((apart * apart.roll(lag, 3)).mean()) for lag in range(5)]
        assert found == pytest.approx([1, 2 / 3, 1 / 3, 0, 0], abs=0.05)

    def test_of_a_set_every_place_has_its_own_mean_and_deviation(self) -> None:
        where = torch.linspace(0.1, 1, 16).expand(16, 16)
        reference = Reference.of(where + 0.3 * where * noise(2000, 1, 16, 16), (16, 16))
        drawn = reference.signal(noise(2000, 1, 16, 16, seed=1))
        assert torch.allclose(drawn.mean(0)[0], where, atol=0.05)
        assert torch.allclose(drawn.std(0)[0], 0.3 * where, atol=0.03)


def test_the_gradient_of_the_potential_is_that_of_finite_differences() -> None:
    """Along 8 directions, in double precision: the filters and potentials have kinks."""
    exact = Machine(torch.device("cpu"), torch.float64)
    x = trial("texture").data.signals
    for bank in (Gabor(1, 1), Photographic(1, 1)):
        field = LogLinear(bank, Reference.of(x, (96, 112)), x, exact, by_place=False)
        field.weights = [noise(*w.shape, seed=3) for w in field.weights]
        at = noise(*x.shape, seed=4).double().requires_grad_()  # no knot lies there, as in the data
        (grad,) = torch.autograd.grad(field.potential(at).sum(), at)
        for seed in range(8):
            along = noise(*x.shape, seed=seed).double()
            with torch.no_grad():
                there, back = (field.potential(at + step * along) for step in (1e-8, -1e-8))
            assert float((there - back).sum() / 2e-8) == pytest.approx(
                float((grad * along).sum()), rel=1e-3, abs=1e-2
            )


def test_on_a_lattice_it_learns_the_maximum_of_the_exact_likelihood() -> None:
    found = exact_lattice(chains=800, iterations=240)
    assert found["unmatched"] < 1e-9
    assert found["at_first"] > 1
    assert found["divergence"] < 0.02
    assert found["worst"] < 4


def test_samples_have_the_statistics_of_the_data() -> None:
    """To about their error, of which chains of the very density would have 1."""
    frame = Frame(trial("texture"), 0, "gabor", FP32, entries=2**13)
    found = matching(frame, iterations=150, moves=4)
    assert found["before"] > 2.5
    assert found["after"] < 1.5


def step(frame: Frame, iterations: int) -> None:
    for _ in range(iterations):
        for _ in frame.alternation():
            pass


@pytest.mark.parametrize(
    ("kind", "filters"), [("texture", "convnet"), ("sound", "gabor"), ("objects", "gabor")]
)
class TestTheMember:
    def test_it_goes_on_exactly(self, kind: Kind, filters: str) -> None:
        data = trial(kind)
        whole, first, second = (Frame(data, 3, filters, FP32, entries=2**13) for _ in range(3))
        step(whole, 4)
        step(first, 2)
        second.resume(first.tensors(), first.iteration, first.seconds)
        step(second, 2)
        found, expected = second.tensors(), whole.tensors()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        assert any(bool(t.any()) for name, t in expected.items() if name != "chains")

    def test_who_stops_asking_leaves_it_unchanged(self, kind: Kind, filters: str) -> None:
        frame = Frame(trial(kind), 3, filters, FP32, entries=2**13)
        before = frame.tensors()
        moves = frame.alternation()
        while next(moves) is None:
            now = frame.tensors()
            assert all(torch.equal(now[name], before[name]) for name in before)
            assert frame.iteration == 0
        assert frame.iteration == 1

    def test_what_it_gives(self, kind: Kind, filters: str, monkeypatch: pytest.MonkeyPatch) -> None:
        longest = dict.fromkeys(SIZES, 8)
        monkeypatch.setattr("abp_core.family.frame.LONGEST", longest)
        data = trial(kind)
        frame = Frame(data, 3, filters, FP32, entries=2**13)
        step(frame, 1)
        n = len(frame.u) + 1  # more than there are chains
        x = frame.sample(n, 0, data.size)
        assert x.shape == (n, *data.data.signals.shape[1:])
        assert x.isfinite().all()
        energies = frame.energy(data.data.signals)
        assert energies is not None
        assert energies.shape == (len(data.data.signals),)
        (shown,) = frame.show()
        assert shown.heat
        assert float(shown.signals.min()) >= 0
        assert float(shown.signals.max()) > 0

    def test_other_tensors_are_refused(self, kind: Kind, filters: str) -> None:
        frame = Frame(trial(kind), 3, filters, FP32, entries=2**13)
        held = frame.tensors()
        with pytest.raises(KeyError):
            frame.resume({"chains": held["chains"]}, 1, 1.0)
        with pytest.raises(ValueError, match="chains"):
            frame.resume(held | {"chains": torch.zeros(1)}, 1, 1.0)


def test_a_smaller_sample_is_a_part_of_a_chain_and_parts_do_not_overlap() -> None:
    frame = Frame(trial("texture"), 0, "gabor", FP32, entries=2**13)
    whole = frame.sample(1, 0, (96, 112))
    parts = frame.sample(4 * len(frame.u), 0, (48, 56))
    corners = [whole[0, :, top : top + 48, left : left + 56] for top in (0, 48) for left in (0, 56)]
    assert all(any(torch.equal(corner, part) for part in parts) for corner in corners)
