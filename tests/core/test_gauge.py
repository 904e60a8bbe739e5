"""A change of gauge changes the latents and not what they mean."""

import pytest
import torch

from abp_core.gauge import standardise
from abp_core.generator import Generator
from tests.tiny import NETWORKS


@pytest.mark.parametrize("kind", NETWORKS)
def test_signals_stay_what_they_were(kind: str) -> None:
    generator = Generator(NETWORKS[kind], seed=1).requires_grad_(False)
    z = 3 * torch.randn(20, *NETWORKS[kind].latent_shape) + 1
    before, was = generator(z), z.clone()
    standardise(generator, z)
    assert not torch.allclose(z, was, atol=1e-2)
    torch.testing.assert_close(generator(z), before, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", NETWORKS)
def test_latents_come_to_the_priors_moments(kind: str) -> None:
    generator = Generator(NETWORKS[kind], seed=1).requires_grad_(False)
    shape = NETWORKS[kind].latent_shape
    mixing = torch.randn(shape[0], shape[0])
    z = torch.einsum("ij,nj...->ni...", mixing, torch.randn(4000, *shape)) + 0.5
    for _ in range(120):
        standardise(generator, z)
    codes = z.transpose(0, 1).reshape(shape[0], -1)
    torch.testing.assert_close(
        codes @ codes.T / codes.shape[1], torch.eye(shape[0]), rtol=0, atol=0.05
    )
    if len(shape) == 1:
        assert codes.mean(1).abs().max() < 0.01


def test_latents_of_the_prior_stay() -> None:
    network = NETWORKS["objects"]
    generator = Generator(network, seed=1).requires_grad_(False)
    z = torch.randn(20_000, *network.latent_shape)
    was = z.clone()
    standardise(generator, z)
    torch.testing.assert_close(z, was, rtol=0, atol=0.02)
