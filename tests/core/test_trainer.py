"""The alternation: it learns, goes on exactly, and neither order nor a bad chain can disturb it."""

import dataclasses
import math
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor

from abp_core.chains import examples as chains_module
from abp_core.chains.examples import DataMismatch
from abp_core.checkpoint import Checkpoint
from abp_core.data.datasets import Dataset
from abp_core.device import Machine, this_machine
from abp_core.langevin import infer
from abp_core.learning.events import (
    Diverging,
    TrainingEvent,
)
from abp_core.noise import chain_noise, permutation
from abp_core.observation import Compressed, Downsampled, Full, Observation, Occluded
from abp_core.posterior import Posterior
from abp_core.spec import LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from tests.tiny import AS_A_CARD, BF16, FP32, NETWORKS, dataset, sha256, training

PRECISIONS = pytest.mark.parametrize("machine", [FP32, BF16], ids=["fp32", "bf16"])
KINDS = pytest.mark.parametrize("kind", NETWORKS)


def trainer(kind: str = "texture", machine: Machine = FP32, **changes: object) -> Trainer:
    network = NETWORKS[kind]
    return Trainer(training(network, **changes), dataset(network), machine=machine)


def run(trainer: Trainer, iterations: int) -> list[TrainingEvent]:
    return list(trainer.steps(iterations))


class TestResume:
    """17 and 23 iterations, with a file between them, are 40."""

    @PRECISIONS
    @KINDS
    def test_every_tensor_is_the_same(self, kind: str, machine: Machine, tmp_path: Path) -> None:
        whole = trainer(kind, machine)
        events = run(whole, 40)
        first = trainer(kind, machine)
        run(first, 17)
        first.checkpoint().save(tmp_path / "run.safetensors")
        saved = Checkpoint.load(tmp_path / "run.safetensors")
        second = Trainer.resume(saved, dataset(NETWORKS[kind]), machine=machine)
        later = run(second, 23)
        assert sha256(second.checkpoint()) == sha256(whole.checkpoint())
        for resumed, uninterrupted in zip(later, events[17:], strict=True):
            assert dataclasses.replace(resumed, seconds=0) == dataclasses.replace(
                uninterrupted, seconds=0
            )

    def test_a_run_that_has_not_begun_resumes_too(self) -> None:
        whole = trainer()
        second = Trainer.resume(whole.checkpoint(), dataset(NETWORKS["texture"]), machine=FP32)
        run(whole, 3)
        run(second, 3)
        assert sha256(second.checkpoint()) == sha256(whole.checkpoint())

    def test_the_clock_goes_on(self) -> None:
        first = trainer()
        run(first, 2)
        saved = first.checkpoint()
        second = Trainer.resume(saved, dataset(NETWORKS["texture"]), machine=FP32)
        (event,) = run(second, 1)
        assert event.iteration == 3
        assert second.seconds == pytest.approx(saved.seconds + event.seconds)

    def test_other_data_is_refused_by_name(self) -> None:
        saved = trainer().checkpoint()
        with pytest.raises(DataMismatch, match=r"not the data .*\(made\).*\.$"):
            Trainer.resume(saved, dataset(NETWORKS["texture"], seed=1), machine=FP32)

    def test_a_checkpoint_is_memory_of_its_own(self) -> None:
        going = trainer()
        run(going, 2)
        saved = going.checkpoint()
        before = sha256(saved)
        run(going, 2)
        assert sha256(saved) == before
        assert sha256(going.checkpoint()) != before


class TestOrder:
    """The places of the examples within a batch do not matter."""

    @staticmethod
    def backwards(trainer: Trainer) -> Trainer:
        """The same trainer, with every batch in the opposite order."""
        chains = trainer._chains
        turn = chains.choose_visited
        chains.choose_visited = lambda iteration: turn(iteration).flip(0)
        return trainer

    @PRECISIONS
    @KINDS
    def test_latents_are_bit_equal_and_weights_agree(self, kind: str, machine: Machine) -> None:
        size = {"batch_size": 7}
        one, other = trainer(kind, machine, **size), trainer(kind, machine, **size)
        # The learning gradient is a sum over the batch, so its order is worth a rounding error;
        # weights that agree to rounding give bit-equal latents only until they are used.
        here, there = self.backwards(one).step(), other.step()
        assert torch.equal(one.z, other.z)
        assert here.misfit == pytest.approx(there.misfit, rel=1e-6)
        tolerance = 1e-5 if machine is FP32 else 2e-2
        assert here.grad_norm == pytest.approx(there.grad_norm, rel=tolerance)
        for moment in ("first_moments", "second_moments"):
            ours, theirs = getattr(one.checkpoint(), moment), getattr(other.checkpoint(), moment)
            for name in ours:
                bound = tolerance * float(theirs[name].abs().max())
                assert (ours[name] - theirs[name]).abs().max() <= bound
        run(one, 9)
        run(other, 9)
        bound = 1e-3 if machine is FP32 else 0.1
        assert (one.z - other.z).norm() < bound * other.z.norm()

    def test_an_epoch_visits_everybody_once_in_shuffled_order(self) -> None:
        going = trainer(batch_size=5)
        visits = []
        for _ in range(4):
            visits.append(going._chains.choose_visited(going.iteration).tolist())
            going.step()
        assert sorted(visits[0] + visits[1]) == list(range(10))
        assert sorted(visits[2] + visits[3]) == list(range(10))
        first = permutation(seed=going.spec.seed, epoch=0, n=10)
        assert visits[0] == sorted(first[:5].tolist())
        assert visits[0] != visits[2]

    def test_a_batch_larger_than_the_data_is_all_of_it(self) -> None:
        going = trainer(batch_size=64)
        assert going._chains.choose_visited(going.iteration).tolist() == list(range(10))
        assert going.step().diverged == 0


@pytest.mark.parametrize(("machine", "most"), [(FP32, 8), (AS_A_CARD, 1)])
def test_only_a_cpu_fills_lots(machine: Machine, most: int) -> None:
    going, rows = trainer(machine=machine, batch_size=1), set()
    going._twin.register_forward_pre_hook(lambda network, given: rows.add(len(given[0])))
    going.step()
    assert rows == {most}


def test_training_walks_as_infer_does() -> None:
    going = trainer(batch_size=10)
    start, spec = going.z.clone(), going.spec
    everyone = torch.arange(10)
    shape = spec.generator.latent_shape
    noise = chain_noise(seed=spec.seed, sweep=1, index=everyone, steps=4, shape=shape)
    posterior = Posterior(
        going.checkpoint().generator(), Full(), going.data.signals, everyone, going.sigma
    )
    expected = infer(posterior.energy, start, noise, spec.langevin)
    going.step()
    assert torch.equal(going.z, expected)


def test_chains_start_at_the_prior_and_those_not_in_the_batch_stay() -> None:
    going = trainer()
    start = going.z.clone()
    shape = going.spec.generator.latent_shape
    assert torch.equal(
        start, chain_noise(seed=7, sweep=0, index=torch.arange(10), steps=1, shape=shape)[0]
    )
    batch = going._chains.choose_visited(going.iteration)
    going.step()
    moved = (going.z != start).flatten(1).any(1)
    assert moved.nonzero().flatten().tolist() == batch.tolist()


def test_sigma_is_in_units_of_the_datas_deviation() -> None:
    network = NETWORKS["texture"]
    data = dataset(network)
    quiet = Dataset(data.signals * 0.1, data.source)
    loud, soft = (Trainer(training(network), d, machine=FP32) for d in (data, quiet))
    assert loud.sigma == pytest.approx(0.3 * data.deviation)
    assert soft.sigma == pytest.approx(loud.sigma / 10)


def test_events_tell_what_happened() -> None:
    going = trainer(batch_size=10)
    before = going.checkpoint()
    event = going.step()
    residual = (going.data.signals - before.generator()(going.z)).flatten(1)
    misfit = residual.square().sum(1).mean() / (2 * going.sigma**2)
    assert event.iteration == going.iteration == going.updates == 1
    assert event.misfit == pytest.approx(float(misfit), rel=1e-5)
    assert event.reconstruction_error == pytest.approx(float(residual.abs().mean()) / 2, rel=1e-5)
    assert event.latent_norm == pytest.approx(float(going.z.square().mean().sqrt()), rel=1e-5)
    assert event.diverged == 0
    assert going.seconds == event.seconds > 0


@KINDS
def test_learning_step_is_adam_on_the_mean_misfit(kind: str) -> None:
    going = trainer(kind, batch_size=10)
    generator = going.checkpoint().generator().requires_grad_(True)
    adam = torch.optim.Adam(generator.parameters(), lr=3e-3, betas=(0.5, 0.999))
    event = going.step()
    residual = (going.data.signals - generator(going.z)).flatten(1)
    (residual.square().sum(1) / (2 * going.sigma**2)).mean().backward()
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in generator.parameters()))
    adam.step()
    assert event.grad_norm == pytest.approx(norm, rel=1e-4)
    first = dict(going.checkpoint().first_moments)
    for name, parameter in generator.named_parameters():
        torch.testing.assert_close(
            first[name],
            parameter.grad / 2,
            rtol=1e-3,
            atol=1e-4 * float(parameter.grad.abs().max()),
        )  # 1 - beta_1 = 1/2 of the first gradient
        assert (going.checkpoint().weights[name] - parameter).abs().max() < 3e-4


@PRECISIONS
@KINDS
def test_learning_explains_what_a_network_made(kind: str, machine: Machine) -> None:
    # The data was made by another network of this very shape, so that it can be explained.
    walk = LangevinSpec(steps=4, step_size=0.05)
    going = trainer(kind, machine, batch_size=10, learning_rate=1e-2, langevin=walk)
    events = run(going, 120)
    start = events[0].reconstruction_error
    end = sum(event.reconstruction_error for event in events[-10:]) / 10
    assert end < 0.5 * start
    assert 0.3 < events[-1].latent_norm < 2
    assert not any(event.diverged for event in events)


@pytest.mark.parametrize("seen", ["occluded", "compressed", "downsampled"])
def test_learning_from_what_was_seen_lowers_its_misfit(seen: str) -> None:
    network = NETWORKS["texture"]
    draw = torch.Generator().manual_seed(0)
    observation: Observation = {
        "occluded": Occluded((torch.rand(10, 1, 8, 12, generator=draw) > 0.5).float()),
        "compressed": Compressed.random(60, network.signal_shape, seed=0),
        "downsampled": Downsampled(2),
    }[seen]
    # K projections of deviation .5 measure each signal entry K/4 times over, so that a step
    # which is right for the full picture would be too large.
    walk = LangevinSpec(steps=4, step_size=0.02 if seen == "compressed" else 0.1)
    spec = training(network, batch_size=10, langevin=walk)
    events = run(Trainer(spec, dataset(network), observation, machine=FP32), 120)
    assert sum(event.diverged for event in events) == 0
    assert events[-1].misfit < 0.5 * events[0].misfit


class TestAbandonment:
    """Whoever stops asking before the event leaves the run as it was."""

    @pytest.mark.parametrize("moves", [0, 1, 3, 4])
    @PRECISIONS
    def test_nothing_changes(self, moves: int, machine: Machine) -> None:
        one, other = trainer(machine=machine), trainer(machine=machine)
        run(one, 3)
        run(other, 3)
        before, seconds = sha256(one.checkpoint()), one.seconds
        assert list(islice(one.alternation(), moves)) == [None] * moves
        assert sha256(one.checkpoint()) == before
        assert (one.iteration, one.updates, one.seconds) == (3, 3, seconds)
        run(one, 4)
        run(other, 4)
        assert sha256(one.checkpoint()) == sha256(other.checkpoint())

    def test_an_iteration_is_its_moves_and_then_its_event(self) -> None:
        moves = list(trainer().alternation())
        assert moves[:-1] == [None] * 4
        assert moves[-1].iteration == 1


class TestDivergence:
    """Bad chains are flagged and put back; the others and the weights are not touched by them."""

    @PRECISIONS
    @pytest.mark.parametrize("steps", [8, 60])  # far above the start; no longer finite
    def test_a_step_that_is_too_large(self, machine: Machine, steps: int) -> None:
        going = trainer(machine=machine, langevin=LangevinSpec(steps=steps, step_size=10.0))
        before = sha256(going.checkpoint())
        events = run(going, 3)
        assert [event.diverged for event in events] == [4, 4, 4]
        assert [event.iteration for event in events] == [1, 2, 3]
        assert sha256(going.checkpoint()) == before
        assert going.updates == 0

    @pytest.mark.parametrize("size", [1e5, 1e12, 1e25, math.inf, math.nan])
    def test_one_chain_alone(self, size: float, monkeypatch: pytest.MonkeyPatch) -> None:
        def kicked(size: float) -> Trainer:
            """After an iteration in which the chain of example 3 got noise of this size."""

            def noise(*, index: Tensor, sweep: int, **name: object) -> Tensor:
                drawn = chain_noise(index=index, sweep=sweep, **name)
                if sweep:
                    drawn[-1, (index == 3).nonzero().item()] = size
                return drawn

            with monkeypatch.context() as patch:
                patch.setattr(chains_module, "chain_noise", noise)
                going = trainer(batch_size=10)
                start = going.z.clone()
                event = going.step()
            assert event.diverged == 1
            moved = (going.z != start).flatten(1).any(1)
            assert moved.tolist() == [example != 3 for example in range(10)]
            assert going.updates == 1
            return going

        # Which bad state a chain was in has no say: the weights are the same, bit for bit.
        assert sha256(kicked(size).checkpoint()) == sha256(kicked(2e5).checkpoint())

    def test_a_run_recovers_with_a_smaller_step(self) -> None:
        going = trainer(langevin=LangevinSpec(steps=60, step_size=10.0))
        run(going, 2)
        saved = going.checkpoint()
        gentler = dataclasses.replace(saved.spec, langevin=LangevinSpec(steps=4, step_size=0.1))
        saved = dataclasses.replace(saved, spec=gentler).at(0.1)
        again = Trainer.resume(saved, dataset(NETWORKS["texture"]), machine=FP32)
        assert run(again, 1)[0].diverged == 0

    def test_resume_counts_updates_not_iterations(self, tmp_path: Path) -> None:
        # Adam's step count must not grow in an iteration that took no step.
        calm, wild = LangevinSpec(steps=4, step_size=0.1), LangevinSpec(steps=60, step_size=10.0)
        going = trainer()
        run(going, 2)
        data = dataset(NETWORKS["texture"])

        def with_walk(saved: Checkpoint, walk: LangevinSpec) -> Trainer:
            spec = dataclasses.replace(saved.spec, langevin=walk)
            saved = dataclasses.replace(saved, spec=spec).at(walk.step_size)
            return Trainer.resume(saved, data, machine=FP32)

        stumbled = with_walk(going.checkpoint(), wild)
        run(stumbled, 3)
        saved = stumbled.checkpoint()
        assert (saved.iteration, saved.updates) == (5, 2)
        resumed = with_walk(saved, calm)
        held = resumed._learner._optimiser.tensors()
        steps = {float(step) for name, step in held.items() if name.startswith("step.")}
        assert steps == {2.0}


@KINDS
def test_only_what_was_measured_matters(kind: str) -> None:
    # Signals of +-.5 in equal numbers, visible and hidden apart: shuffling what is hidden keeps
    # the data's deviation, in whose units sigma is given, exact to the last bit.
    network = NETWORKS[kind]
    visible = torch.zeros(10, 1, *network.signal_shape[1:])
    visible[..., ::2] = 1
    signals = torch.full((10, *network.signal_shape), 0.5)
    signals[1::2] *= -1
    hidden_order = torch.arange(10).roll(1)
    other = torch.where(visible.bool(), signals, signals[hidden_order])
    assert (signals != other).float().mean() > 0.4
    source = dataset(network).source

    def trained(signals: Tensor) -> str:
        going = Trainer(
            training(network), Dataset(signals, source), Occluded(visible), machine=FP32
        )
        assert going.sigma == 0.15
        run(going, 12)
        return sha256(going.checkpoint())

    assert trained(signals) == trained(other)
    assert trained(signals) != trained(signals.flip(0))


def test_a_run_is_given_up_when_every_chain_diverges_three_times_in_a_row() -> None:
    calm = trainer().step()
    lost, partly = (dataclasses.replace(calm, diverged=n) for n in (4, 3))
    diverging = Diverging(chains=4, patience=3)
    story = [lost, lost, calm, lost, partly, lost, lost, lost, lost]
    assert [diverging.observe(event) for event in story] == [False] * 7 + [True] * 2


@KINDS
def test_data_of_another_shape_is_refused(kind: str) -> None:
    network = NETWORKS[kind]
    data = dataset(network)
    longer = Dataset(torch.cat([data.signals, data.signals], -1), data.source)
    with pytest.raises(DataMismatch, match=r"has shape .* but this network makes .*\.$"):
        Trainer(training(network), longer, machine=FP32)


def test_a_run_is_a_function_of_its_seed() -> None:
    def after(seed: int) -> str:
        going = trainer(seed=seed)
        run(going, 5)
        return sha256(going.checkpoint())

    assert after(1) == after(1)
    assert after(1) != after(2)


def test_a_spec_is_kept_in_the_checkpoint() -> None:
    going = trainer()
    spec: TrainingSpec = going.spec
    saved = going.checkpoint()
    assert saved.spec is spec
    assert saved.sigma == going.sigma
    assert saved.digest == going.data.digest
    assert {name.split("/")[0] for name in saved.tensors()} == {
        "weights",
        "first_moments",
        "second_moments",
        "latents",
        "curvature",
    }


@pytest.mark.cuda
@KINDS
def test_training_on_cuda_resumes_exactly(kind: str, tmp_path: Path) -> None:
    machine = this_machine()
    first = trainer(kind, machine)
    run(first, 5)
    first.checkpoint().save(tmp_path / "run.safetensors")
    saved = Checkpoint.load(tmp_path / "run.safetensors")
    second = Trainer.resume(saved, dataset(NETWORKS[kind]), machine=machine)
    assert sha256(second.checkpoint()) == sha256(first.checkpoint())
    a, b = run(first, 5), run(second, 5)
    assert a[-1].misfit == pytest.approx(b[-1].misfit, rel=1e-3)


@pytest.mark.cuda
def test_training_on_cuda_follows_the_cpu() -> None:
    here, there = trainer(), trainer(machine=this_machine())
    for ours, theirs in zip(run(here, 5), run(there, 5), strict=True):
        assert ours.misfit == pytest.approx(theirs.misfit, rel=1e-2)


class TestStepSize:
    def adapting(self, longest: float) -> Trainer:
        return trainer(langevin=LangevinSpec(steps=4, step_size=longest, acceptance=0.5))

    def test_a_step_that_is_too_long_is_shortened_until_the_run_goes_on(self) -> None:
        going = self.adapting(5.0)
        events = run(going, 40)
        assert going.step_size < 5.0
        assert events[0].diverged == going.chains
        assert sum(event.diverged for event in events[-5:]) == 0

    def test_a_short_step_stays_at_its_longest(self) -> None:
        going = self.adapting(1e-4)
        run(going, 5)
        assert going.step_size == 1e-4

    def test_without_an_aim_it_stays(self) -> None:
        going = trainer(langevin=LangevinSpec(steps=4, step_size=5.0))
        run(going, 3)
        assert going.step_size == 5.0

    def test_it_travels_with_the_checkpoint(self) -> None:
        going = self.adapting(5.0)
        run(going, 6)
        again = Trainer.resume(going.checkpoint(), going.data, machine=FP32)
        assert again.step_size == going.step_size
        run(again, 6)
        run(going, 6)
        assert sha256(again.checkpoint()) == sha256(going.checkpoint())

    def test_standardised_runs_resume_exactly(self) -> None:
        going = trainer(standardised=True)
        run(going, 5)
        again = Trainer.resume(going.checkpoint(), going.data, machine=FP32)
        run(going, 5)
        run(again, 5)
        assert sha256(again.checkpoint()) == sha256(going.checkpoint())


def test_learning_rates_fade_when_asked_to() -> None:
    """Adam's steps are as long as its learning rate, which the eleventh step of a run that is
    halved after one iteration has fallen to an eleventh of."""

    def eleventh(halved_after: int) -> float:
        going = trainer(halved_after=halved_after)
        run(going, 10)
        before = [p.detach().clone() for p in going.generator.parameters()]
        run(going, 1)
        after = [p.detach() for p in going.generator.parameters()]
        moved = [(a - b).abs().mean() for a, b in zip(after, before, strict=True)]
        return float(torch.stack(moved).mean())

    assert 0.04 < eleventh(1) / eleventh(0) < 0.25
