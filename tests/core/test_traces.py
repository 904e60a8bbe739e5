"""Walks for eyes against the walk for learning, and what they say of themselves."""

from pathlib import Path

import pytest
import torch

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.analysis.traces import Walk, as_in_training, landscape, plane_of
from abp_core.device import Machine
from abp_core.generator import Generator
from abp_core.langevin import infer
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior
from abp_core.presets import PRESETS
from abp_core.spec import LangevinSpec
from abp_core.trainer import Trainer
from tests.tiny import BF16, FP32, NETWORKS, dataset, training


def walk_of(kind: str, *, steps: int = 6, step_size: float = 0.05, temperature: float = 1.0,
            preconditioner: Preconditioner | None = None) -> Walk:  # fmt: skip
    spec = NETWORKS[kind]
    generator = Generator(spec, seed=3).requires_grad_(False)
    index = torch.arange(3)
    y = dataset(spec, 3).signals
    posterior = Posterior(generator, Full(), y, index, 0.3)
    start = chain_noise(seed=1, sweep=0, index=index, steps=1, shape=spec.latent_shape)[0]
    noise = chain_noise(seed=1, sweep=1, index=index, steps=steps, shape=spec.latent_shape)
    how = LangevinSpec(steps=steps, step_size=step_size, temperature=temperature)
    return Walk(posterior, start, noise, how, preconditioner)


def to_the_end(walk: Walk) -> Walk:
    while not walk.ended:
        walk.advance()
    return walk


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("with_metric", [False, True])
def test_a_walk_ends_where_inference_would(kind: str, with_metric: bool) -> None:
    channels = NETWORKS[kind].latent_shape[0]
    preconditioner = (
        Preconditioner.of(torch.diag(torch.linspace(1, 9, channels))) if with_metric else None
    )
    walk = to_the_end(walk_of(kind, preconditioner=preconditioner))
    z = infer(walk.posterior.energy, walk.steps[0].z, walk.noise, walk.spec, preconditioner)
    assert torch.equal(walk.steps[-1].z, z)
    assert [step.number for step in walk.steps] == list(range(7))
    with pytest.raises(StopIteration):
        walk.advance()


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_a_step_tells_is_of_its_own_latents(kind: str) -> None:
    walk = to_the_end(walk_of(kind))
    for before, step in zip(walk.steps, walk.steps[1:], strict=False):
        misfit = walk.posterior.misfit(step.z)
        torch.testing.assert_close(step.misfit, misfit, rtol=1e-4, atol=1e-2)
        torch.testing.assert_close(step.prior, step.z.flatten(1).square().sum(1) / 2)
        torch.testing.assert_close(step.length, (step.z - before.z).flatten(1).norm(dim=1))
        leaf = step.z.clone().requires_grad_(True)
        (grad,) = torch.autograd.grad(walk.posterior.energy(leaf).sum(), leaf)
        torch.testing.assert_close(step.slope, grad.flatten(1).norm(dim=1))
        drawn = walk.noise[step.number - 1].flatten(1).norm(dim=1) * walk.spec.step_size
        drift = walk.spec.step_size**2 / 2 * before.slope
        torch.testing.assert_close(
            step.noise, drawn**2 / (drawn**2 + drift**2), rtol=1e-3, atol=1e-5
        )
        assert ((step.accepted >= 0) & (step.accepted <= 1)).all()
        assert not step.put_back.any()


def test_without_noise_there_is_no_noise_in_it_and_nothing_to_test() -> None:
    walk = to_the_end(walk_of("objects", temperature=0.0))
    for step in walk.steps[1:]:
        assert (step.noise < 1e-6).all()
        assert step.accepted.isnan().all()
    energies = torch.stack([step.misfit + step.prior for step in walk.steps])
    assert (energies.diff(dim=0) <= 1e-3).all(), "gradient descent goes downhill"


def test_a_chain_that_runs_away_is_marked_and_put_back() -> None:
    walk = to_the_end(walk_of("objects", steps=12, step_size=9.0))
    lost = torch.stack([step.put_back for step in walk.steps])
    assert lost.any()
    for step in walk.steps:
        assert step.z.isfinite().all()
        assert torch.equal(step.z[step.put_back], walk.steps[0].z[step.put_back])


@pytest.mark.parametrize("machine", [FP32, BF16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("preconditioned", [False, True])
def test_as_in_training_is_what_training_does_next(
    machine: Machine, preconditioned: bool, tmp_path: Path
) -> None:
    """The latents after the walk are, bit for bit, those of the trainer's next iteration."""
    network = NETWORKS["objects"]
    langevin = LangevinSpec(steps=4, step_size=0.2, acceptance=0.5, preconditioned=preconditioned)
    spec, data = training(network, langevin=langevin), dataset(network)
    trainer = Trainer(spec, data, machine=machine)
    for _ in trainer.steps(5):
        pass
    saved = trainer.checkpoint()
    before = trainer.z.clone()
    trainer.step()
    moved = (trainer.z != before).flatten(1).any(1).nonzero().flatten().tolist()
    assert moved
    for example in moved:
        y = data.signals[example : example + 1]
        walk = to_the_end(as_in_training(saved, y, example, machine))
        assert torch.equal(walk.steps[-1].z[0], trainer.z[example])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("machine", [FP32, BF16], ids=["fp32", "bf16"])
def test_of_a_large_batch_every_walk_can_be_had_again_alone(machine: Machine, threads: int) -> None:
    """32 chains of a network as large as kernels need to take the paths that they take in earnest;
    some kernels of float32 sum otherwise for more than eight."""
    network = PRESETS["objects"].training.generator.fitted_to((32, 32), 1)
    langevin = LangevinSpec(steps=2, step_size=0.2, acceptance=0.5, preconditioned=True)
    spec, data = training(network, langevin=langevin, batch_size=32), dataset(network, 40)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        trainer = Trainer(spec, data, machine=machine)
        trainer.step()
        saved, stood = trainer.checkpoint(), trainer.z.clone()
        trainer.step()
        moved = (trainer.z != stood).flatten(1).any(1).nonzero().flatten().tolist()
        assert len(moved) == 32
        for example in moved[:12]:
            y = data.signals[example : example + 1]
            walk = to_the_end(as_in_training(saved, y, example, machine))
            assert torch.equal(walk.steps[-1].z[0], trainer.z[example])
    finally:
        torch.set_num_threads(before)


def test_the_plane_of_two_latents_is_their_own() -> None:
    z = torch.randn(5, 3, 2)
    walk = walk_of("objects")
    steps = [walk.steps[0].__class__(k, each, *[torch.zeros(3)] * 7) for k, each in enumerate(z)]
    plane = plane_of(steps)
    assert torch.equal(plane.coordinates(z[0]), z[0])


def test_the_plane_is_the_one_in_which_the_walk_is_widest() -> None:
    walk = to_the_end(walk_of("objects", steps=20, step_size=0.3))
    plane = plane_of(walk.steps)
    z = torch.stack([step.z for step in walk.steps]).flatten(0, 1)
    at = plane.coordinates(z)
    values = torch.linalg.eigvalsh(torch.cov(z.T))
    torch.testing.assert_close(at.var(0), values.flip(0)[:2], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(plane.coordinates(plane.points(at)), at, rtol=1e-4, atol=1e-4)


def test_a_landscape_is_the_energy_at_its_places() -> None:
    walk = to_the_end(walk_of("objects"))
    plane = plane_of(walk.steps)
    across, down = torch.linspace(-1, 1, 5), torch.linspace(2, -2, 4)
    heights = landscape(walk.posterior, plane, across, down)
    assert heights.shape == (4, 5)
    z = plane.points(torch.tensor([[float(across[3]), float(down[1])]])).expand(3, -1)
    torch.testing.assert_close(heights[1, 3], walk.posterior.energy(z)[0], rtol=1e-4, atol=1e-2)
