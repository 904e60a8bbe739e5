"""New signals: the prior, keyed by its seed, sent through the network."""

from itertools import combinations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from abp_core.generator import Generator
from abp_core.noise import chain_noise
from abp_core.priors.exemplar import Exemplar
from abp_core.priors.fields import Endless, LatentMap, Place
from abp_core.priors.normal import Normal
from abp_core.spec import GeneratorSpec
from abp_core.synthesis.sampling import (
    BAND,
    BLOCK_POSITIONS,
    bands,
    between,
    blend,
    generate,
    generate_field,
    generate_strips,
    grid,
    interpolate,
    piece,
    sample,
)
from tests.tiny import NETWORKS, WHOLE

EVERY = {**NETWORKS, **{f"whole {kind}": spec for kind, spec in WHOLE.items()}}


def drawn(shape: tuple[int, ...], n: int, seed: int) -> Tensor:
    return Normal(shape).draw(n, seed)


def field(generator: Generator, seed: int, periods: Place | None = None) -> LatentMap:
    return Normal(generator.spec.latent_shape).map(seed, periods=periods)


def sampled(generator: Generator, n: int, seed: int) -> Tensor:
    return sample(generator, Normal(generator.spec.latent_shape), n, seed)


@pytest.mark.parametrize("kind", EVERY)
def test_a_sample_is_the_prior_through_the_network(kind: str) -> None:
    spec = EVERY[kind]
    generator = Generator(spec)
    signals = sampled(generator, 3, seed=4)
    assert signals.shape == (3, *spec.signal_shape)
    latents = drawn(spec.latent_shape, 3, 4)
    alone = [generator(z).detach() for z in latents.split(1)]
    assert torch.equal(signals, torch.cat(alone))
    assert torch.equal(signals, generate(generator, latents))
    torch.testing.assert_close(signals, generator(latents).detach())


@pytest.mark.parametrize("kind", EVERY)
def test_a_sample_is_a_function_of_its_seed(kind: str) -> None:
    generator = Generator(EVERY[kind])
    signals = sampled(generator, 8, seed=4)
    assert torch.equal(signals, sampled(generator, 8, seed=4))
    assert torch.equal(signals[:8], sampled(generator, 16, seed=4)[:8])
    assert not torch.equal(signals, sampled(generator, 8, seed=5))


def test_a_sample_comes_from_the_prior_that_is_given() -> None:
    generator = Generator(WHOLE["texture"])
    own = Exemplar.of(drawn((4, 24, 24), 1, 0)[0], (12, 12))
    assert torch.equal(sample(generator, own, 2, 5), generate(generator, own.draw(2, 5)))


def test_the_prior_is_standard_gaussian() -> None:
    z = drawn((10,), 4000, seed=0).double()
    assert abs(z.mean()) < 5 / z.numel() ** 0.5
    assert abs(z.var() - 1) < 5 * (2 / z.numel()) ** 0.5
    assert abs(torch.corrcoef(z.T) - torch.eye(10)).max() < 6 / 4000**0.5


@pytest.mark.parametrize("n", [1, 2, 7])
def test_more_draws_leave_the_first_as_they_were(n: int) -> None:
    assert torch.equal(drawn((3, 4), 9, seed=2)[:n], drawn((3, 4), n, seed=2))


def test_the_prior_draws_no_noise_that_a_run_has_used() -> None:
    z = drawn((50,), 4, seed=0)
    for sweep in range(50):
        noise = chain_noise(seed=0, sweep=sweep, index=torch.arange(4), steps=1, shape=(50,))
        assert not torch.isin(z, noise).any()


@pytest.mark.parametrize(
    ("kind", "size", "shape"),
    [
        ("texture", (20, 4), (1, 3, 20, 4)),
        ("sound", (144,), (1, 1, 144)),
        ("whole texture", (80, 100), (1, 3, 80, 100)),
        ("whole sound", (1500,), (1, 1, 1500)),
    ],
)
def test_a_larger_map_gives_one_larger_signal(
    kind: str, size: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    generator = Generator(EVERY[kind])
    signal = generate_field(generator, field(generator, 1), size)
    assert signal.shape == shape
    assert torch.equal(signal, generate_field(generator, field(generator, 1), size))
    assert not torch.equal(signal, generate_field(generator, field(generator, 2), size))


MIXED = GeneratorSpec(
    latent_shape=(3, 2, 2),
    mixing=(8, 8),
    channels=(8,),
    kernel_size=5,
    upsampling=2,
    out_channels=1,
)
WIDE = GeneratorSpec(
    latent_shape=(2, 5), channels=(8, 8), kernel_size=25, upsampling=10, out_channels=1
)


SPATIAL = [*list(NETWORKS.values())[:2], MIXED, WIDE, *WHOLE.values()]


@pytest.mark.parametrize("spec", SPATIAL, ids=range(6))
def test_the_interior_does_not_feel_the_border_of_the_map(spec: GeneratorSpec) -> None:
    generator = Generator(spec).requires_grad_(False)
    axes = len(spec.latent_shape) - 1
    size = (3,) * axes
    z = torch.randn(2, spec.latent_shape[0], *(n + 2 * spec.reach for n in size))
    more = torch.nn.functional.pad(z, (3, 3) * axes)  # zeros that are not the convolution's own
    more += 5 * (more == 0) * torch.randn(more.shape)
    ours, theirs = generator.interior(z), generator(more)
    for axis, n in enumerate(size, start=2):
        unit = spec.enlargement
        theirs = theirs.narrow(axis, (spec.reach + 3 - spec.margin) * unit, n * unit)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("spec", SPATIAL, ids=range(6))
def test_the_interior_can_be_learnt_from(spec: GeneratorSpec) -> None:
    generator = Generator(spec)
    z = torch.randn(1, spec.latent_shape[0], *(1 + 2 * spec.reach for _ in spec.latent_shape[1:]))
    z.requires_grad_(True)
    generator.interior(z).square().sum().backward()
    assert z.grad is not None
    assert z.grad.abs().sum() > 0


def test_a_signal_has_just_the_size_that_was_asked_for() -> None:
    generator = Generator(MIXED)
    assert generate_field(generator, field(generator, 0), (7, 10)).shape == (1, 1, 7, 10)


@pytest.mark.parametrize("spec", [*list(NETWORKS.values())[:1], MIXED], ids=range(2))
def test_a_larger_signal_of_a_seed_continues_the_smaller(spec: GeneratorSpec) -> None:
    generator = Generator(spec)
    small, large = (
        generate_field(generator, field(generator, 0), size) for size in ((17, 30), (150, 160))
    )
    torch.testing.assert_close(large[..., :17, :30], small, rtol=0, atol=1e-5)


def test_an_endless_sound_is_the_long_one_in_pieces_and_never_the_same() -> None:
    generator = Generator(NETWORKS["sound"])
    pieces = [piece(generator, field(generator, 3), (k,), (k + 5,)) for k in range(0, 20, 5)]
    whole = generate_field(generator, field(generator, 3), (20 * generator.spec.enlargement,))
    torch.testing.assert_close(torch.cat(pieces, -1), whole, rtol=0, atol=1e-5)
    assert not any(torch.allclose(a, b, atol=1e-3) for a, b in combinations(pieces, 2))


@pytest.mark.parametrize("size", [(130, 3), (64, 300), (5, 5)])
def test_strips_make_up_the_whole(size: tuple[int, int]) -> None:
    generator = Generator(NETWORKS["texture"])
    latents = field(generator, 1)
    parts = list(generate_strips(generator, latents, size))
    assert {strip.shape[-1] for strip in parts} == {size[1]}
    whole = torch.cat(parts, 2)
    positions = tuple(-(-n // 4) for n in size)
    z = latents.part((-2, -2), tuple(n + 2 for n in positions))
    expected = generator.interior(z[None]).detach()[..., : size[0], : size[1]]
    torch.testing.assert_close(whole, expected, rtol=0, atol=1e-5)


class Counting:
    """The paper's prior, which tells what it was asked for."""

    def __init__(self, channels: int) -> None:
        self.asked: list[tuple[Place, Place]] = []
        self._of = Endless(channels, 1)

    def part(self, start: Place, stop: Place) -> Tensor:
        self.asked.append((start, stop))
        return self._of.part(start, stop)


@pytest.mark.parametrize(
    ("kind", "extent"), [("texture", (300, 3)), ("sound", (9000,)), ("texture", (128, 2))]
)
def test_bands_hold_what_a_map_is_at_every_position(kind: str, extent: tuple[int, ...]) -> None:
    generator = Generator(NETWORKS[kind])
    reach, of = generator.spec.reach, Counting(generator.spec.latent_shape[0])
    rest, most = extent[1:], BAND[len(extent)]
    ends = [0]
    for band, first, last in bands(generator, of, extent):
        assert first == ends[-1]
        assert 0 < last - first <= most
        ends.append(last)
        start, stop = (
            (first - reach, *(-reach for _ in rest)),
            (
                last + reach,
                *(n + reach for n in rest),
            ),
        )
        assert of.asked[len(ends) - 2 :] == [(start, stop)], "drawn once, when it is needed"
        assert torch.equal(band.part(start, stop), Endless(len(band.z), 1).part(start, stop))
    assert ends[-1] == extent[0]
    assert len(of.asked) == -(-extent[0] // most)


@pytest.mark.parametrize(("kind", "extent"), [("texture", (270, 3)), ("sound", (4500,))])
def test_in_bands_it_is_bit_for_bit_what_it_is_in_one_piece(
    kind: str, extent: tuple[int, ...]
) -> None:
    assert (
        BAND[len(extent)] % BLOCK_POSITIONS[len(extent)][0] == 0
    )  # so that blocks are the same ones
    generator = Generator(NETWORKS[kind])
    latents = field(generator, 3)
    whole = piece(generator, latents, (0,) * len(extent), extent)
    size = tuple(n * generator.spec.enlargement for n in extent)
    assert torch.equal(generate_field(generator, latents, size), whole)


def test_a_tall_picture_of_an_exemplar_is_the_same_in_bands() -> None:
    generator = Generator(WHOLE["texture"])
    latents = Exemplar.of(drawn((4, 20, 20), 1, 0)[0]).map(1)
    whole = piece(generator, latents, (0, 0), (140, 2))
    assert torch.equal(generate_field(generator, latents, (140 * 8, 16)), whole)


@pytest.mark.parametrize("axes", [(True, True), (True, False), (False, True)])
def test_a_tile_goes_on_where_it_begins(axes: tuple[bool, bool]) -> None:
    generator = Generator(MIXED)
    size = (5, 3)
    periods = (size[0] if axes[0] else 0, size[1] if axes[1] else 0)
    latents = field(generator, 4, periods)
    once = piece(generator, latents, (0, 0), size)
    twice = piece(generator, latents, (0, 0), (size[0] + periods[0], size[1] + periods[1]))
    laid = once.repeat(1, 1, *(2 if on else 1 for on in axes))
    torch.testing.assert_close(twice, laid, rtol=0, atol=1e-5)


def test_a_loop_goes_on_where_it_begins() -> None:
    generator = Generator(NETWORKS["sound"])
    latents = field(generator, 4, (7,))
    once = piece(generator, latents, (0,), (7,))
    twice = piece(generator, latents, (0,), (14,))
    torch.testing.assert_close(twice, once.repeat(1, 1, 2), rtol=0, atol=1e-5)


@given(st.integers(0, 1000), st.integers(2, 9))
def test_the_arc_keeps_lengths_and_grows_its_angle_evenly(seed: int, steps: int) -> None:
    a, b = drawn((12,), 2, seed)
    way = between(a, b, steps)
    torch.testing.assert_close(way[[0, -1]], torch.stack([a, b]), rtol=0, atol=1e-5)
    lengths = way.norm(dim=1)
    torch.testing.assert_close(lengths, torch.linspace(float(a.norm()), float(b.norm()), steps))
    unit = way / lengths[:, None]
    angles = (unit[1:] * unit[:-1]).sum(1).clamp(-1, 1).acos()
    torch.testing.assert_close(angles, angles.mean().expand_as(angles), rtol=0, atol=2e-3)


@pytest.mark.parametrize("scale", [1.0, 2.0, -1.0])
def test_points_in_line_have_a_straight_way(scale: float) -> None:
    a = drawn((5,), 1, 0)[0]
    way = between(a, scale * a, 3)
    torch.testing.assert_close(way[1], a * (1 + scale) / 2, rtol=0, atol=1e-5)


def test_a_straight_way_is_straight() -> None:
    a, b = drawn((2, 3), 2, 0)
    torch.testing.assert_close(between(a, b, 5, "straight")[1], 0.75 * a + 0.25 * b)


def test_a_blend_of_samples_is_as_wide_as_the_prior() -> None:
    points = drawn((5000,), 4, 1)
    weights = [0.4, 0.3, 0.2, 0.1]
    assert float(blend(list(points), weights).var()) == pytest.approx(1, abs=0.1)
    assert float(blend(list(points), weights, "straight").var()) == pytest.approx(0.3, abs=0.05)


def test_interpolation_and_grids_begin_and_end_at_their_points() -> None:
    generator = Generator(NETWORKS["objects"])
    corners = drawn((6,), 4, 2)
    ends = generator(corners).detach()
    way = interpolate(generator, corners[0], corners[1], 6)
    assert way.shape == (6, 3, 8, 8)
    torch.testing.assert_close(way[[0, -1]], ends[:2], rtol=0, atol=1e-5)
    panel = grid(generator, corners, 3, 4)
    torch.testing.assert_close(panel[[0, 3, 8, 11]], ends, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["objects", "vector sound"])
def test_a_vector_latent_has_one_size(kind: str) -> None:
    with pytest.raises(ValueError, match=r"one size only\.$"):
        Normal(NETWORKS[kind].latent_shape).map(0)


@pytest.mark.cuda
def test_samples_of_a_cuda_network_come_back() -> None:
    generator = Generator(NETWORKS["texture"])
    here = sampled(generator, 2, seed=0)
    there = sampled(generator.cuda(), 2, seed=0)
    assert there.device.type == "cpu"
    torch.testing.assert_close(there, here, rtol=0, atol=1e-2)
