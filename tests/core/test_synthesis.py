"""New signals: the prior, keyed by its seed, sent through the network."""

import pytest
import torch

from abp_core.generator import Generator
from abp_core.noise import chain_noise
from abp_core.spec import GeneratorSpec
from abp_core.synthesis import expand, expand_to, prior, sample
from tests.tiny import NETWORKS


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_sample_is_the_prior_through_the_network(kind: str) -> None:
    spec = NETWORKS[kind]
    generator = Generator(spec)
    signals = sample(generator, 3, seed=4)
    assert signals.shape == (3, *spec.signal_shape)
    assert torch.equal(signals, generator(prior(spec.latent_shape, 3, 4)).detach())


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


@pytest.mark.parametrize("spec", [*list(NETWORKS.values())[:2], MIXED, WIDE], ids=range(4))
def test_what_is_cut_out_does_not_feel_the_border_of_the_map(spec: GeneratorSpec) -> None:
    generator = Generator(spec).requires_grad_(False)
    axes = len(spec.latent_shape) - 1
    size = (3,) * axes
    z = torch.randn(1, spec.latent_shape[0], *(n + 2 * spec.reach for n in size))
    more = torch.nn.functional.pad(z, (3, 3) * axes)  # zeros that are not the convolution's own
    more += 5 * (more == 0) * torch.randn(more.shape)
    ours, theirs = generator(z), generator(more)
    for axis, n in enumerate(size, start=2):
        unit, inside = spec.enlargement, n * spec.enlargement
        ours = ours.narrow(axis, spec.reach * unit, inside)
        theirs = theirs.narrow(axis, (spec.reach + 3) * unit, inside)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_a_signal_has_just_the_size_that_was_asked_for() -> None:
    generator = Generator(MIXED)
    assert expand_to(generator, (7, 10), seed=0).shape == (1, 1, 7, 10)
    assert torch.equal(
        expand_to(generator, (7, 10), 0), expand_to(generator, (8, 12), 0)[..., :7, :10]
    )


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
