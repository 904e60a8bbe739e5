"""The network against a plainly written one, and what its shape promises."""

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from abp_core.generator import Generator
from abp_core.priors.flow import Velocity
from abp_core.spec import GeneratorSpec
from tests.tiny import NETWORKS


def latents(spec: GeneratorSpec, n: int, scale: float = 1.0) -> Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randn(n, *spec.latent_shape, generator=draw) * scale


def textbook(generator: Generator, z: Tensor) -> Tensor:
    """f(z; W) in double precision: ordinary transposed convolutions, one- or two-dimensional."""
    spec = generator.spec
    flat = len(spec.first_map) == 2
    h = z.double()

    def rectify(h: Tensor) -> Tensor:
        return torch.where(h > 0, h, spec.leak * h)

    if spec.projection is not None:
        h = h @ generator.opening.double() + generator.opening_bias.double()
        h = rectify(h).reshape(len(z), *spec.projection)
    excess = spec.kernel_size - spec.upsampling
    upsample = F.conv_transpose1d if flat else F.conv_transpose2d
    for kernel, bias in zip(generator.kernels, generator.biases, strict=True):
        kernel = kernel.double().squeeze(2) if flat else kernel.double()
        full = upsample(h, kernel, bias.double(), stride=spec.upsampling)
        cut = math.ceil(excess / 2)
        size = [n * spec.upsampling for n in h.shape[2:]]
        # Past its end a transposed convolution with output padding reads its bias alone.
        padded = F.pad(full - bias.double().view(-1, *[1] * len(size)), [0, 1] * len(size))
        part = padded[(..., *(slice(cut, cut + n) for n in size))]
        h = part + bias.double().view(-1, *[1] * len(size))
        last = kernel.shape[1] == spec.out_channels and bias is generator.biases[-1]
        h = h if last else rectify(h)
    return torch.tanh(h)


def with_biases(spec: GeneratorSpec, seed: int = 0) -> Generator:
    """A network whose biases are not the zeros that it starts with."""
    generator = Generator(spec, seed=seed).requires_grad_(False)
    draw = torch.Generator().manual_seed(9)
    for name, parameter in generator.named_parameters():
        if "bias" in name:
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.3)
    return generator


@pytest.mark.parametrize("kind", NETWORKS)
def test_network_is_the_textbook_one(kind: str) -> None:
    generator = with_biases(NETWORKS[kind])
    z = latents(NETWORKS[kind], 5)
    x = generator(z)
    assert x.shape == (5, *NETWORKS[kind].signal_shape)
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.double(), textbook(generator, z), rtol=0, atol=2e-6)


@given(
    kernel=st.integers(1, 12),
    stride=st.integers(1, 6),
    flat=st.booleans(),
    before=st.integers(1, 4),
    after=st.integers(1, 3),
    height=st.integers(1, 5),
    width=st.integers(1, 5),
)
def test_phases_are_the_transposed_convolution(
    kernel: int, stride: int, flat: bool, before: int, after: int, height: int, width: int
) -> None:
    kernel = max(kernel, stride)
    if stride == 1 and kernel % 2 == 0:  # no such network
        kernel += 1
    spec = GeneratorSpec(
        latent_shape=(before, width) if flat else (before, height, width),
        channels=(),
        kernel_size=kernel,
        upsampling=stride,
        out_channels=1,
    )
    generator = Generator(spec)
    draw = torch.Generator().manual_seed(kernel)
    h = torch.randn(2, before, 1 if flat else height, width, generator=draw)
    weights = torch.randn(before, after, *generator.kernel, generator=draw)
    bias = torch.randn(after, generator=draw)
    plain = generator._enlarge(h, weights, bias, generator.stride)
    assert plain.shape[2:] == (h.shape[2] * generator.stride[0], width * stride)
    phases = generator._enlarge_by_phases(h, weights, bias)
    torch.testing.assert_close(phases, plain, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("kind", ["texture", "sound"])
def test_a_larger_latent_gives_a_larger_signal(kind: str) -> None:
    spec = NETWORKS[kind]
    sizes = tuple(size + 2 + axis for axis, size in enumerate(spec.latent_shape[1:]))
    x = Generator(spec)(torch.zeros(1, spec.latent_shape[0], *sizes))
    assert x.shape == (1, spec.out_channels, *(size * spec.enlargement for size in sizes))


@pytest.mark.parametrize("kind", ["texture", "sound"])
def test_a_shifted_latent_gives_a_shifted_signal(kind: str) -> None:
    spec = NETWORKS[kind]
    generator = with_biases(spec)
    axes = len(spec.latent_shape) - 1
    draw = torch.Generator().manual_seed(0)
    z = torch.randn(1, spec.latent_shape[0], *[14] * axes, generator=draw)
    step, margin = spec.enlargement, 4 * spec.enlargement
    here = generator(z)
    there = generator(z.roll(1, dims=-1))
    shifted = here.roll(step, dims=-1)
    inner = (..., *[slice(margin, -margin)] * axes)
    torch.testing.assert_close(there[inner], shifted[inner], rtol=0, atol=1e-6)
    assert (here[inner] - shifted[inner]).abs().max() > 0.01


@pytest.mark.parametrize("kind", NETWORKS)
def test_examples_do_not_mix(kind: str) -> None:
    generator = with_biases(NETWORKS[kind])
    z = latents(NETWORKS[kind], 4).requires_grad_(True)
    (grad,) = torch.autograd.grad(generator(z)[2].sum(), z)
    others = torch.tensor([0, 1, 3])
    assert not grad[others].any()
    assert grad[2].any()


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
def test_signals_lie_between_minus_one_and_one(kind: str, scale: float) -> None:
    x = with_biases(NETWORKS[kind])(latents(NETWORKS[kind], 3, scale))
    assert x.abs().max() <= 1


def test_weights_are_a_function_of_the_seed() -> None:
    spec = NETWORKS["objects"]
    a, b, c = (dict(Generator(spec, seed=seed).named_parameters()) for seed in (4, 4, 5))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not any(torch.equal(a[name], c[name]) for name in a if "bias" not in name)


def test_layers_have_the_widths_of_the_spec() -> None:
    spec = dataclasses.replace(NETWORKS["texture"], channels=(7, 5, 4))
    shapes = [tuple(kernel.shape[:2]) for kernel in Generator(spec).kernels]
    assert shapes == list(pairwise([3, 7, 5, 4, 3]))


def test_variance_survives_the_layers_of_a_fresh_network() -> None:
    # Wide layers, so that one draw of the weights is close to the mean over draws. The last
    # layer is made to start at a tenth of the variance, where tanh is nearly straight.
    spec = GeneratorSpec(
        latent_shape=(64, 12, 12),
        channels=(128, 128, 128),
        kernel_size=4,
        upsampling=2,
        out_channels=3,
    )
    x = Generator(spec)(latents(spec, 2)).detach()
    inner = torch.atanh(x[..., 48:-48, 48:-48].double())
    assert 0.06 < inner.square().mean() < 0.16


def test_weights_are_the_seeds_own_whoever_else_builds_at_once() -> None:
    """Two threads that build together must not share the process's chance, nor move it."""
    before = torch.get_rng_state()
    spec = NETWORKS["objects"]

    def weights(seed: int) -> list[torch.Tensor]:
        built = [Generator(spec, seed=seed), Velocity(5, seed=seed)]
        return [parameter.detach() for each in built for parameter in each.parameters()]

    alone = [weights(seed) for seed in range(30)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(weights, range(30)))
    for one, other in zip(alone, together, strict=True):
        assert all(map(torch.equal, one, other))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_of_given_weights_is_the_same_and_shares_no_memory(kind: str) -> None:
    drawn = Generator(NETWORKS[kind], seed=3)
    weights = dict(drawn.named_parameters())
    rebuilt = Generator.of(NETWORKS[kind], weights)
    z = torch.randn(2, *NETWORKS[kind].latent_shape)
    assert torch.equal(rebuilt(z), drawn(z))
    for name, parameter in rebuilt.named_parameters():
        assert parameter.data_ptr() != weights[name].data_ptr()
        assert parameter.stride() == weights[name].stride()
