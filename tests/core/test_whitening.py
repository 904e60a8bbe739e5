"""A change of gauge changes the latents and not what they mean."""

import pytest
import torch

from abp_core.data.pca import start_at_components
from abp_core.generator import Generator
from abp_core.learning.whitening import standardise
from abp_core.spec import SpecRejected
from abp_core.trainer import Trainer
from tests.tiny import FP32, NETWORKS, dataset, training


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


def test_chains_begin_at_the_scores_of_a_linear_model() -> None:
    draw = torch.Generator().manual_seed(0)
    truth = torch.randn(1500, 4, generator=draw) @ torch.diag(torch.tensor([5.0, 3.0, 2.0, 1.0]))
    y = (truth @ torch.randn(4, 3 * 8 * 8, generator=draw) + 2).view(-1, 3, 8, 8)
    z = torch.randn(1500, 4, generator=draw)
    start_at_components(z, y)
    assert z.mean(0).abs().max() < 0.1  # over all; over those whose components were taken, 0
    torch.testing.assert_close(z.T @ z / 1500, torch.eye(4), rtol=0, atol=0.15)
    design = torch.cat([z, torch.ones(1500, 1)], dim=1)
    rebuilt = design @ torch.linalg.lstsq(design, y.flatten(1)).solution
    torch.testing.assert_close(rebuilt, y.flatten(1), rtol=0, atol=1e-3)


def test_latents_beyond_the_components_stay_where_they_are() -> None:
    y, z = torch.randn(5, 3, 8, 8), torch.randn(5, 7)
    was = z.clone()
    start_at_components(z, y)
    assert torch.equal(z[:, 4:], was[:, 4:])
    torch.testing.assert_close(z[:, :4].T @ z[:, :4] / 5, torch.eye(4), rtol=0, atol=1e-5)


def test_a_run_that_is_asked_to_begins_there() -> None:
    network = NETWORKS["objects"]
    data = dataset(network, n=40)
    run = Trainer(training(network, components=True), data, machine=FP32)
    expected = torch.zeros(40, 6)
    start_at_components(expected, data.signals)
    assert torch.equal(run.checkpoint().latents, expected)


def test_a_map_of_latents_has_no_components_to_begin_at() -> None:
    with pytest.raises(SpecRejected, match="vector latent"):
        training(NETWORKS["texture"], components=True)
