"""New signals: the prior, keyed by its seed, sent through the network."""

from itertools import combinations, islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from abp_core.generator import Generator
from abp_core.latent_maps import Repeated
from abp_core.noise import chain_noise
from abp_core.spec import GeneratorSpec
from abp_core.synthesis import (
    between,
    blend,
    chunks,
    endless,
    expand,
    expand_to,
    grid,
    interpolate,
    piece,
    prior,
    sample,
    strips,
    tile,
)
from tests.tiny import NETWORKS


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_sample_is_the_prior_through_the_network(kind: str) -> None:
    spec = NETWORKS[kind]
    generator = Generator(spec)
    signals = sample(generator, 3, seed=4)
    assert signals.shape == (3, *spec.signal_shape)
    latents = prior(spec.latent_shape, 3, 4)
    alone = [generator(z).detach() for z in latents.split(1)]
    assert torch.equal(signals, torch.cat(alone))
    torch.testing.assert_close(signals, generator(latents).detach())


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_sample_is_a_function_of_its_seed(kind: str) -> None:
    generator = Generator(NETWORKS[kind])
    signals = sample(generator, 8, seed=4)
    assert torch.equal(signals, sample(generator, 8, seed=4))
    assert torch.equal(signals[:8], sample(generator, 16, seed=4)[:8])
    assert not torch.equal(signals, sample(generator, 8, seed=5))


def test_the_prior_is_standard_gaussian() -> None:
    z = prior((10,), 4000, seed=0).double()
    assert abs(z.mean()) < 5 / z.numel() ** 0.5
    assert abs(z.var() - 1) < 5 * (2 / z.numel()) ** 0.5
    assert abs(torch.corrcoef(z.T) - torch.eye(10)).max() < 6 / 4000**0.5


@pytest.mark.parametrize("n", [1, 2, 7])
def test_more_draws_leave_the_first_as_they_were(n: int) -> None:
    assert torch.equal(prior((3, 4), 9, seed=2)[:n], prior((3, 4), n, seed=2))


def test_the_prior_draws_no_noise_that_a_run_has_used() -> None:
    z = prior((50,), 4, seed=0)
    for sweep in range(50):
        noise = chain_noise(seed=0, sweep=sweep, index=torch.arange(4), steps=1, shape=(50,))
        assert not torch.isin(z, noise).any()


@pytest.mark.parametrize(
    ("kind", "size", "shape"),
    [("texture", (5, 1), (1, 3, 20, 4)), ("sound", (9,), (1, 1, 144))],
)
def test_a_larger_map_gives_one_larger_signal(
    kind: str, size: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    generator = Generator(NETWORKS[kind])
    signal = expand(generator, size, seed=1)
    assert signal.shape == shape
    assert torch.equal(signal, expand(generator, size, seed=1))
    assert not torch.equal(signal, expand(generator, size, seed=2))


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


SPATIAL = [*list(NETWORKS.values())[:2], MIXED, WIDE]


@pytest.mark.parametrize("spec", SPATIAL, ids=range(4))
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
        theirs = theirs.narrow(axis, (spec.reach + 3) * unit, n * unit)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("spec", SPATIAL, ids=range(4))
def test_the_interior_can_be_learnt_from(spec: GeneratorSpec) -> None:
    generator = Generator(spec)
    z = torch.randn(1, spec.latent_shape[0], *(1 + 2 * spec.reach for _ in spec.latent_shape[1:]))
    z.requires_grad_(True)
    generator.interior(z).square().sum().backward()
    assert z.grad is not None
    assert z.grad.abs().sum() > 0


def test_a_signal_has_just_the_size_that_was_asked_for() -> None:
    assert expand_to(Generator(MIXED), (7, 10), seed=0).shape == (1, 1, 7, 10)


@pytest.mark.parametrize("spec", [*list(NETWORKS.values())[:1], MIXED], ids=range(2))
def test_a_larger_signal_of_a_seed_continues_the_smaller(spec: GeneratorSpec) -> None:
    generator = Generator(spec)
    small, large = expand_to(generator, (17, 30), 0), expand_to(generator, (150, 160), 0)
    torch.testing.assert_close(large[..., :17, :30], small, rtol=0, atol=1e-5)


def test_an_endless_sound_is_the_long_one_in_pieces_and_never_the_same() -> None:
    generator = Generator(NETWORKS["sound"])
    pieces = list(islice(chunks(generator, seed=3, positions=5), 4))
    whole = expand(generator, (20,), seed=3)
    torch.testing.assert_close(torch.cat(pieces, -1), whole, rtol=0, atol=1e-5)
    assert not any(torch.allclose(a, b, atol=1e-3) for a, b in combinations(pieces, 2))


@pytest.mark.parametrize("size", [(130, 3), (64, 300), (5, 5)])
def test_strips_make_up_the_whole(size: tuple[int, int]) -> None:
    generator = Generator(NETWORKS["texture"])
    latents = endless(generator, 1)
    made = list(strips(generator, latents, size))
    assert {strip.shape[-1] for strip in made} == {size[1]}
    whole = torch.cat(made, 2)
    positions = tuple(-(-n // 4) for n in size)
    z = latents.part((-2, -2), tuple(n + 2 for n in positions))
    expected = generator.interior(z[None]).detach()[..., : size[0], : size[1]]
    torch.testing.assert_close(whole, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("axes", [(True, True), (True, False), (False, True)])
def test_a_tile_goes_on_where_it_begins(axes: tuple[bool, bool]) -> None:
    generator = Generator(MIXED)
    size = (5, 3)
    once = tile(generator, size, 4, axes)
    twice = piece(
        generator,
        Repeated(endless(generator, 4), tuple(n if on else 0 for n, on in zip(size, axes))),  # noqa: B905
        (0, 0),
        tuple(2 * n if on else n for n, on in zip(size, axes)),  # noqa: B905
    )
    laid = once.repeat(1, 1, *(2 if on else 1 for on in axes))
    torch.testing.assert_close(twice, laid, rtol=0, atol=1e-5)


def test_a_loop_goes_on_where_it_begins() -> None:
    generator = Generator(NETWORKS["sound"])
    once = tile(generator, (7,), 4, (True,))
    latents = Repeated(endless(generator, 4), (7,))
    twice = piece(generator, latents, (0,), (14,))
    torch.testing.assert_close(twice, once.repeat(1, 1, 2), rtol=0, atol=1e-5)


@given(st.integers(0, 1000), st.integers(2, 9))
def test_the_arc_keeps_lengths_and_grows_its_angle_evenly(seed: int, steps: int) -> None:
    a, b = prior((12,), 2, seed)
    way = between(a, b, steps)
    torch.testing.assert_close(way[[0, -1]], torch.stack([a, b]), rtol=0, atol=1e-5)
    lengths = way.norm(dim=1)
    torch.testing.assert_close(lengths, torch.linspace(float(a.norm()), float(b.norm()), steps))
    unit = way / lengths[:, None]
    angles = (unit[1:] * unit[:-1]).sum(1).clamp(-1, 1).acos()
    torch.testing.assert_close(angles, angles.mean().expand_as(angles), rtol=0, atol=2e-3)


@pytest.mark.parametrize("scale", [1.0, 2.0, -1.0])
def test_points_in_line_have_a_straight_way(scale: float) -> None:
    a = prior((5,), 1, 0)[0]
    way = between(a, scale * a, 3)
    torch.testing.assert_close(way[1], a * (1 + scale) / 2, rtol=0, atol=1e-5)


def test_a_straight_way_is_straight() -> None:
    a, b = prior((2, 3), 2, 0)
    torch.testing.assert_close(between(a, b, 5, "straight")[1], 0.75 * a + 0.25 * b)


def test_a_blend_of_samples_is_as_wide_as_the_prior() -> None:
    points = prior((5000,), 4, 1)
    weights = [0.4, 0.3, 0.2, 0.1]
    assert float(blend(list(points), weights).var()) == pytest.approx(1, abs=0.1)
    assert float(blend(list(points), weights, "straight").var()) == pytest.approx(0.3, abs=0.05)


def test_interpolation_and_grids_begin_and_end_at_their_points() -> None:
    generator = Generator(NETWORKS["objects"])
    corners = prior((6,), 4, 2)
    ends = generator(corners).detach()
    way = interpolate(generator, corners[0], corners[1], 6)
    assert way.shape == (6, 3, 8, 8)
    torch.testing.assert_close(way[[0, -1]], ends[:2], rtol=0, atol=1e-5)
    panel = grid(generator, corners, 3, 4)
    torch.testing.assert_close(panel[[0, 3, 8, 11]], ends, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["objects", "vector sound"])
def test_a_vector_latent_has_one_size(kind: str) -> None:
    with pytest.raises(ValueError, match=r"one size only\.$"):
        expand(Generator(NETWORKS[kind]), (4, 4), seed=0)


@pytest.mark.cuda
def test_samples_of_a_cuda_network_come_back() -> None:
    generator = Generator(NETWORKS["texture"])
    here = sample(generator, 2, seed=0)
    there = sample(generator.cuda(), 2, seed=0)
    assert there.device.type == "cpu"
    torch.testing.assert_close(there, here, rtol=0, atol=1e-2)
