"""Steps that fit the posterior: the same law, sooner; learnt from gradients."""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from abp_core.adaptation.preconditioner import (
    Preconditioner,
    apply_to_channels,
    squares,
)
from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.device import Machine, value_and_grad
from abp_core.langevin import Langevin, LangevinInfo, infer
from abp_core.noise import chain_noise
from abp_core.spec import LangevinSpec
from abp_core.trainer import Trainer
from tests.tiny import BF16, FP32, NETWORKS, dataset, goes_on_exactly, sha256, training

PRECISION = torch.tensor([[400.0, 30.0, 0.0], [30.0, 9.0, 1.0], [0.0, 1.0, 1.5]])
WALK = LangevinSpec(steps=3, step_size=1.0, acceptance=0.5, preconditioned=True)


def energy(z: Tensor) -> Tensor:
    """U of a Gaussian that is twenty times as wide in one direction as in another."""
    return (z @ PRECISION * z).sum(1) / 2


def test_a_metric_is_the_inverse_of_the_curvature_and_its_powers() -> None:
    preconditioner = Preconditioner.of(PRECISION)
    torch.testing.assert_close(preconditioner.whole, torch.linalg.inv(PRECISION))
    torch.testing.assert_close(preconditioner.root @ preconditioner.root, preconditioner.whole)
    torch.testing.assert_close(preconditioner.inverse, PRECISION, rtol=1e-4, atol=1e-3)


def test_no_direction_is_taken_to_be_wider_than_the_prior() -> None:
    preconditioner = Preconditioner.of(torch.diag(torch.tensor([4.0, 0.01])))
    torch.testing.assert_close(preconditioner.whole, torch.diag(torch.tensor([0.25, 1.0])))


def test_move_by_hand() -> None:
    # M = 1/4: z = 2, dU/dz = 3, s = .2, noise = .5: 2 - .02 * 3 / 4 + .2 * .5 / 2
    one = torch.ones(1, 1)
    spec = LangevinSpec(steps=1, step_size=0.2)
    kernel = Langevin(energy_of_one, spec, Preconditioner.of(4 * torch.eye(1)))
    state = dataclasses.replace(kernel.init(2 * one), grad=3 * one)
    moved = kernel.propose(state, 0.5 * one)
    assert float(moved) == pytest.approx(2.035)


def energy_of_one(z: Tensor) -> Tensor:
    return z.square().sum(1) / 2


def test_the_walk_rests_at_the_posterior_in_every_direction() -> None:
    # With M = P^-1 a step s rests at covariance (P (1 - s^2 / 4))^-1, whatever P.
    s, n, steps = 0.8, 20_000, 40
    noise = chain_noise(seed=2, sweep=1, index=torch.arange(n), steps=steps, shape=(3,))
    spec = LangevinSpec(steps=steps, step_size=s)
    z = infer(energy, torch.zeros(n, 3), noise, spec, Preconditioner.of(PRECISION)).double()
    expected = torch.linalg.inv(PRECISION.double()) / (1 - s**2 / 4)
    deviations = expected.diagonal().sqrt()
    error = (deviations[:, None] * deviations) * (2 / n) ** 0.5
    assert ((torch.cov(z.T) - expected).abs() < 5 * error).all()


def test_at_rest_the_gradients_tell_the_curvature() -> None:
    root = torch.linalg.cholesky(torch.linalg.inv(PRECISION))
    draw = torch.Generator().manual_seed(1)
    z = torch.randn(200_000, 3, generator=draw) @ root.T
    found = squares(value_and_grad(energy, z)[1]) / len(z)
    torch.testing.assert_close(found, PRECISION, rtol=0.03, atol=0.3)


def test_the_moment_of_a_map_is_taken_over_its_positions() -> None:
    gradients = torch.randn(5, 3, 4, 6)
    rows = gradients.permute(0, 2, 3, 1).reshape(-1, 3)
    torch.testing.assert_close(squares(gradients), rows.T @ rows)


def test_acceptance_is_that_of_a_metropolis_test() -> None:
    spec, preconditioner = LangevinSpec(steps=1, step_size=1.1), Preconditioner.of(PRECISION)
    z, there = torch.randn(6, 3) / 5, torch.randn(6, 3) / 5

    def log_move(a: Tensor, b: Tensor) -> Tensor:
        mean = a - spec.step_size**2 / 2 * value_and_grad(energy, a)[1] @ preconditioner.whole
        law = torch.distributions.MultivariateNormal(mean, spec.step_size**2 * preconditioner.whole)
        return law.log_prob(b)

    expected = (energy(z) - energy(there) + log_move(there, z) - log_move(z, there)).exp()
    kernel = Langevin(energy, spec, preconditioner)
    found = LangevinInfo(kernel, kernel.init(z), kernel.init(there)).acceptance
    torch.testing.assert_close(found, expected.clamp(max=1), rtol=1e-3, atol=1e-4)


def test_a_chain_does_not_know_its_company() -> None:
    matrix, z = torch.randn(40, 40), torch.randn(37, 40)
    whole = apply_to_channels(matrix, z)
    for size in (1, 3, 8, 17):
        assert torch.equal(
            torch.cat([apply_to_channels(matrix, some) for some in z.split(size)]), whole
        )
    order = torch.randperm(37)
    assert torch.equal(apply_to_channels(matrix, z[order]), whole[order])


@pytest.mark.parametrize("machine", [FP32, BF16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_preconditioned_run_goes_on_exactly(kind: str, machine: Machine, tmp_path: Path) -> None:
    spec, data = training(NETWORKS[kind], langevin=WALK), dataset(NETWORKS[kind])
    path = tmp_path / "run.safetensors"
    saved = goes_on_exactly(spec, data, path, before=3, after=4, machine=machine)
    assert not torch.equal(saved.curvature, torch.eye(len(saved.curvature)))


def test_it_learns_sooner_than_with_one_step_size_for_all_directions() -> None:
    network = NETWORKS["objects"]
    data = dataset(network)
    errors = []
    for walk in (LangevinSpec(steps=3, step_size=0.1, acceptance=0.5), WALK):
        run = Trainer(training(network, langevin=walk, standardised=True), data, machine=FP32)
        for _ in run.steps(200):
            pass
        errors.append(sum(event.reconstruction_error for event in run.steps(20)))
    assert errors[1] < errors[0]


def test_a_run_without_a_metric_keeps_none() -> None:
    saved = Trainer(training(NETWORKS["objects"]), dataset(NETWORKS["objects"])).checkpoint()
    assert saved.preconditioner() is None


@pytest.mark.parametrize("preconditioned", [False, True])
def test_only_a_walk_without_a_metric_can_do_without_its_curvature(
    preconditioned: bool, tmp_path: Path
) -> None:
    walk = dataclasses.replace(WALK, preconditioned=preconditioned)
    network, path = NETWORKS["objects"], tmp_path / "run.safetensors"
    begun = Trainer(training(network, langevin=walk), dataset(network)).checkpoint()
    begun.save(path)
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    tensors = {name: t for name, t in begun.tensors().items() if name != "curvature"}
    save_file(tensors, path, header)
    if preconditioned:
        with pytest.raises(CheckpointRejected, match="damaged"):
            Checkpoint.load(path)
    else:
        assert sha256(Checkpoint.load(path)) == sha256(begun)
