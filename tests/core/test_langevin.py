"""The walk: its equation, its stationary law, and that a chain does not know its company."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from abp_core.device import Energy, Machine
from abp_core.generator import Generator
from abp_core.langevin import (
    Langevin,
    LangevinInfo,
    LangevinState,
    energy_ceiling,
    infer,
)
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior
from abp_core.spec import GeneratorSpec, LangevinSpec
from tests.tiny import BF16, FP32, NETWORKS, dataset

# As large as kernels need to take the paths that they take in earnest.
WIDER = {
    "texture": GeneratorSpec(
        latent_shape=(4, 3, 3), channels=(32, 16), kernel_size=5, upsampling=2, out_channels=3
    ),
    "sound": GeneratorSpec(
        latent_shape=(8, 20), channels=(32, 16), kernel_size=9, upsampling=4, out_channels=1
    ),
    "objects": GeneratorSpec(
        latent_shape=(10,),
        projection=(32, 4, 4),
        channels=(32, 16),
        kernel_size=5,
        upsampling=2,
        out_channels=3,
        leak=0.2,
    ),
}


def prior_energy(z: Tensor) -> Tensor:
    """U(z) = |z|^2 / 2, of a model that saw nothing."""
    return z.flatten(1).square().sum(1) / 2


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def walked(
    energy: Energy, z: Tensor, noise: Tensor, spec: LangevinSpec, dice: Tensor | None = None
) -> tuple[list[LangevinState], list[LangevinInfo]]:
    """All states of a walk, one more than moves, and what was to be known of the moves."""
    kernel = Langevin(energy, spec)
    states, infos = [kernel.init(z)], []
    for k, drawn in enumerate(noise):
        state, info = kernel.step(states[-1], drawn, None if dice is None else dice[k])
        states.append(state)
        infos.append(info)
    return states, infos


def test_move_by_hand() -> None:
    # z = 2, dU/dz = 3, s = .2, T = 4, noise = .5: 2 - .02 * 3 + .2 * 2 * .5
    one = torch.ones(1, 1)
    state = LangevinState(0, 2 * one, one[0], 3 * one)
    spec = LangevinSpec(steps=1, step_size=0.2, temperature=4.0)
    moved = Langevin(prior_energy, spec).propose(state, 0.5 * one)
    assert float(moved) == pytest.approx(2.14)


@pytest.mark.parametrize("s", [0.3, 1.0, 1.5])
def test_stationary_variance_of_the_prior(s: float) -> None:
    n, steps = 40_000, 100
    noise = gaussian(steps, n, 1, seed=1)
    z = infer(prior_energy, torch.zeros(n, 1), noise, LangevinSpec(steps=steps, step_size=s))
    expected = 1 / (1 - s**2 / 4) * (1 - (1 - s**2 / 2) ** (2 * steps))  # from z = 0
    error = expected * (2 / n) ** 0.5
    assert abs(float(z.var()) - expected) < 5 * error
    assert abs(float(z.mean())) < 5 * (expected / n) ** 0.5


@pytest.mark.parametrize("temperature", [0.25, 1.0, 3.0])
def test_linear_gaussian_posterior_is_sampled(temperature: float) -> None:
    # x = W z + e: the posterior is N(m, P^-1) with P = I + W'W / sigma^2, m = P^-1 W'y / sigma^2.
    # A walk of step s rests at covariance T (P (1 - s^2 P / 4))^-1 about the same mean.
    sigma, s, n, steps = 0.7, 0.5, 20_000, 120
    weights = torch.tensor([[1.0, 0.5, 0.0], [-0.3, 0.8, 0.6], [0.2, 0.0, 1.1], [0.4, -0.9, 0.1]])
    y = torch.tensor([0.9, -0.4, 1.2, 0.3])
    precision = (torch.eye(3) + weights.T @ weights / sigma**2).double()
    mean = torch.linalg.solve(precision, (weights.T @ y / sigma**2).double())
    damped = precision @ (torch.eye(3) - s**2 / 4 * precision)
    covariance = temperature * torch.linalg.inv(damped)

    posterior = Posterior(lambda z: z @ weights.T, Full(), y.expand(n, 4), torch.arange(n), sigma)
    noise = chain_noise(seed=2, sweep=1, index=torch.arange(n), steps=steps, shape=(3,))
    spec = LangevinSpec(steps=steps, step_size=s, temperature=temperature)
    z = infer(posterior.energy, torch.zeros(n, 3), noise, spec).double()

    deviations = covariance.diagonal().sqrt()
    assert ((z.mean(0) - mean).abs() < 5 * deviations / n**0.5).all()
    error = (deviations[:, None] * deviations) * (2 / n) ** 0.5
    assert ((torch.cov(z.T) - covariance).abs() < 5 * error).all()


def test_without_noise_the_walk_ends_at_the_posterior_mean() -> None:
    weights, y, sigma = torch.tensor([[2.0, 0.0], [1.0, 1.0]]), torch.tensor([1.0, -0.5]), 0.5
    precision = torch.eye(2) + weights.T @ weights / sigma**2
    mean = torch.linalg.solve(precision, weights.T @ y / sigma**2)
    posterior = Posterior(lambda z: z @ weights.T, Full(), y[None], torch.arange(1), sigma)
    spec = LangevinSpec(steps=400, step_size=0.25, temperature=0.0)
    start = torch.full((1, 2), 3.0)
    states, _ = walked(posterior.energy, start, gaussian(400, 1, 2), spec)
    torch.testing.assert_close(states[-1].z[0], mean, rtol=0, atol=1e-5)
    energies = torch.cat([state.energy for state in states])
    assert (energies.diff() <= 1e-5).all()


def walk(kind: str = "texture", n: int = 3, steps: int = 5) -> tuple[Posterior, Tensor, Tensor]:
    spec = NETWORKS[kind]
    generator = Generator(spec).requires_grad_(False)
    data = dataset(spec, n)
    posterior = Posterior(generator, Full(), data.signals, torch.arange(n), 0.3)
    return posterior, gaussian(n, *spec.latent_shape), gaussian(steps, n, *spec.latent_shape)


@pytest.mark.parametrize("kind", NETWORKS)
def test_infer_ends_where_the_last_step_does_bit_for_bit(kind: str) -> None:
    posterior, z, noise = walk(kind)
    spec = LangevinSpec(steps=5, step_size=0.1)
    *_, last = walked(posterior.energy, z, noise, spec)[0]
    assert torch.equal(infer(posterior.energy, z, noise, spec), last.z)
    assert not torch.equal(last.z, z)


def test_no_steps_leave_the_start() -> None:
    posterior, z, noise = walk(steps=0)
    spec = LangevinSpec(steps=1, step_size=0.1)
    assert torch.equal(infer(posterior.energy, z, noise, spec), z)


def test_every_state_is_consistent_and_follows_from_the_one_before() -> None:
    posterior, z, noise = walk()
    start = z.clone()
    spec = LangevinSpec(steps=5, step_size=0.1)
    states, _ = walked(posterior.energy, z, noise, spec)
    kernel = Langevin(posterior.energy, spec)
    assert [state.step for state in states] == [0, 1, 2, 3, 4, 5]
    assert torch.equal(states[0].z, start)
    for state in states:
        here = kernel.init(state.z)
        assert torch.equal(state.energy, here.energy)
        assert torch.equal(state.grad, here.grad)
        assert torch.equal(state.ceiling, states[0].ceiling)
    for before, after, drawn in zip(states, states[1:], noise, strict=False):
        assert torch.equal(after.z, kernel.propose(before, drawn))
    assert torch.equal(z, start)  # the walk writes into nothing that it was given


def test_a_walk_that_is_stopped_makes_no_more_evaluations() -> None:
    posterior, z, noise = walk()
    evaluations = []

    def energy(z: Tensor) -> Tensor:
        evaluations.append(len(z))
        return posterior.energy(z)

    spec = LangevinSpec(steps=5, step_size=0.1)
    walked(energy, z, noise[:2], spec)
    assert len(evaluations) == 3
    evaluations.clear()
    infer(energy, z, noise, spec)
    assert len(evaluations) == 5


class TestCompany:
    """37 chains, walked together and in parts: the same latents, bit for bit."""

    N, STEPS = 37, 4

    @pytest.fixture(autouse=True)
    def two_threads(self) -> Iterator[None]:
        """As in earnest: kernels divide the work by the number of threads as well."""
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        yield
        torch.set_num_threads(before)

    def latents(self, machine: Machine, kind: str, parts: tuple[Tensor, ...]) -> Tensor:
        network = WIDER[kind]
        twin = machine.chain_copy(Generator(network, seed=1))
        y = gaussian(self.N, *network.signal_shape, seed=1).tanh()
        z = gaussian(self.N, *network.latent_shape, seed=2)
        spec = LangevinSpec(steps=self.STEPS, step_size=0.1)
        ends = torch.empty_like(z)
        for index in parts:
            noise = chain_noise(
                seed=0, sweep=1, index=index, steps=self.STEPS, shape=network.latent_shape
            )
            posterior = Posterior(twin, Full(), y[index], index, 0.3)
            ends[index] = infer(posterior.energy, z[index], noise, spec)
        return ends

    @pytest.mark.parametrize("machine", [FP32, BF16], ids=["fp32", "bf16"])
    @pytest.mark.parametrize("kind", WIDER)
    def test_batches_of_any_size(self, machine: Machine, kind: str) -> None:
        everyone = torch.arange(self.N)
        whole = self.latents(machine, kind, (everyone,))
        for size in (1, 3, 5, 8, 16, 32):
            assert torch.equal(self.latents(machine, kind, everyone.split(size)), whole), size

    @pytest.mark.parametrize("machine", [FP32, BF16], ids=["fp32", "bf16"])
    @pytest.mark.parametrize("kind", WIDER)
    def test_any_order(self, machine: Machine, kind: str) -> None:
        everyone = torch.arange(self.N)
        whole = self.latents(machine, kind, (everyone,))
        for seed in range(3):
            order = torch.randperm(self.N, generator=torch.Generator().manual_seed(seed))
            assert torch.equal(self.latents(machine, kind, (order,)), whole)


def test_divergence_is_flagged_by_chain() -> None:
    # U = |z|^2 / 2 is stable up to s = 2. Chain 1 alone stands on a slope 100 times as steep.
    steepness = torch.tensor([1.0, 100.0, 1.0])

    def energy(z: Tensor) -> Tensor:
        return steepness * prior_energy(z)

    spec = LangevinSpec(steps=60, step_size=0.5)
    start = torch.ones(3, 4)
    states, infos = walked(energy, start, gaussian(60, 3, 4), spec)
    lost = torch.stack([info.diverged for info in infos])
    assert lost.any(0).tolist() == [False, True, False]
    for info, state in zip(infos, states[1:], strict=True):
        assert not state.diverged.any()
        if info.diverged[1]:  # it is put back, whole: with the energy and slope of its start
            assert torch.equal(state.z[1], start[1])
            assert torch.equal(state.grad[1], states[0].grad[1])
            assert state.energy[1] == states[0].energy[1]
            assert info.proposed.energy[1] > states[0].ceiling[1]
    assert states[-1].step == 60


def test_what_is_no_longer_finite_is_put_back_at_once() -> None:
    noise = torch.zeros(2, 2, 3)
    noise[0, 1] = torch.nan
    spec = LangevinSpec(steps=2, step_size=0.1)
    states, infos = walked(prior_energy, torch.ones(2, 3), noise, spec)
    assert infos[0].diverged.tolist() == [False, True]
    assert torch.equal(states[1].z[1], torch.ones(3))
    assert not infos[1].diverged.any()
    assert states[2].z.isfinite().all()


def test_far_above_the_start_counts_as_diverged() -> None:
    z = torch.zeros(2, 5)
    kernel = Langevin(prior_energy, LangevinSpec(steps=1, step_size=0.1))
    start = kernel.init(z)
    assert start.ceiling.tolist() == [50.0, 50.0]  # twice nothing plus ten for each latent
    far = kernel.init(torch.tensor([[9.9, 0, 0, 0, 0], [10.1, 0, 0, 0, 0]]))
    state = LangevinState(1, far.z, far.energy, far.grad, start)
    assert state.diverged.tolist() == [False, True]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_has_diverged(value: float) -> None:
    fine, bad = torch.zeros(2, 2), torch.tensor([[0.0, 0.0], [0.0, value]])
    energy = torch.zeros(2)
    start = LangevinState(0, fine, energy, fine)
    by_grad = LangevinState(1, fine, energy, bad, start)
    by_energy = LangevinState(1, fine, bad[:, 1], fine, start)
    assert by_grad.diverged.tolist() == [False, True]
    assert by_energy.diverged.tolist() == [False, True]


def test_walks_that_sample_stay_under_the_ceiling() -> None:
    z = gaussian(2000, 4, seed=3)
    ceiling = energy_ceiling(prior_energy(z), z)
    spec = LangevinSpec(steps=50, step_size=0.7)
    states, infos = walked(prior_energy, z, gaussian(50, 2000, 4, seed=4), spec)
    assert not any(info.diverged.any() for info in infos)
    for state in states:
        assert torch.equal(state.ceiling, ceiling)


def test_acceptance_is_that_of_a_metropolis_test() -> None:
    """For U = z^2 / 2 in one dimension, min(1, p(z') q(z | z') / (p(z) q(z' | z))) by hand."""
    spec = LangevinSpec(steps=1, step_size=1.2)

    def energy(z: Tensor) -> Tensor:
        return z.flatten(1).square().sum(1) / 2

    z, there = torch.tensor([[0.3], [-2.0], [0.0]]), torch.tensor([[1.5], [0.1], [4.0]])
    s = spec.step_size

    def log_move(a: Tensor, b: Tensor) -> Tensor:
        return torch.distributions.Normal(a - s**2 / 2 * a, s).log_prob(b).flatten()

    expected = (energy(z) - energy(there) + log_move(there, z) - log_move(z, there)).exp()
    kernel = Langevin(energy, spec)
    found = LangevinInfo(kernel, kernel.init(z), kernel.init(there)).acceptance
    torch.testing.assert_close(found, expected.clamp(max=1))


def test_a_chain_that_is_lost_is_not_accepted() -> None:
    spec = LangevinSpec(steps=1, step_size=0.1)

    def energy(z: Tensor) -> Tensor:
        return z.flatten(1).square().sum(1) / 2

    kernel = Langevin(energy, spec)
    lost = kernel.init(torch.tensor([[float("nan")], [float("inf")]]))
    fine = kernel.init(torch.tensor([[0.0], [0.0]]))
    assert LangevinInfo(kernel, fine, lost).acceptance.tolist() == [0, 0]


class TestMetropolis:
    """The walk with a test after every move."""

    @staticmethod
    def dice(*shape: int, seed: int = 0) -> Tensor:
        return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))

    @pytest.mark.parametrize("s", [0.5, 1.2, 1.8])
    def test_it_rests_at_the_posterior_whatever_the_step(self, s: float) -> None:
        # The walk without a test rests at variance 1 / (1 - s^2 / 4): 1.07, 1.56 and 5.3.
        n, steps = 40_000, 60
        z, noise = gaussian(n, 1, seed=1), gaussian(steps, n, 1, seed=2)
        spec = LangevinSpec(steps=steps, step_size=s)
        *_, last = walked(prior_energy, z, noise, spec, self.dice(steps, n))[0]
        assert abs(float(last.z.var()) - 1) < 4 * (2 / n) ** 0.5
        assert abs(float(last.z.mean())) < 4 * (1 / n) ** 0.5
        assert not torch.equal(last.z, z)

    def test_moves_that_are_refused_leave_a_consistent_state(self) -> None:
        posterior, z, noise = walk(n=3, steps=6)
        spec, dice = LangevinSpec(steps=6, step_size=0.35), self.dice(6, 3)
        states, _ = walked(posterior.energy, z, noise, spec, dice)
        kernel = Langevin(posterior.energy, spec)
        assert [state.step for state in states] == list(range(7))
        taken = []
        for before, after, drawn, thrown in zip(states, states[1:], noise, dice, strict=False):
            there = kernel.init(kernel.propose(before, drawn))
            accepted = thrown < LangevinInfo(kernel, before, there).acceptance
            for chain, yes in enumerate(accepted):
                source = there if yes else before
                assert torch.equal(after.z[chain], source.z[chain])
            here = kernel.init(after.z)
            assert torch.equal(after.energy, here.energy)
            assert torch.equal(after.grad, here.grad)
            assert torch.equal(after.ceiling, states[0].ceiling)
            taken += accepted.tolist()
        assert 0 < sum(taken) < len(taken)  # both happened

    def test_what_is_not_finite_is_refused(self) -> None:
        noise = gaussian(3, 4, 2)
        noise[1, 2] = torch.nan
        spec = LangevinSpec(steps=3, step_size=0.3)
        states, _ = walked(prior_energy, gaussian(4, 2), noise, spec, torch.zeros(3, 4))
        assert torch.equal(states[2].z[2], states[1].z[2])
        assert not torch.equal(states[2].z[3], states[1].z[3])
        assert states[-1].z.isfinite().all()
