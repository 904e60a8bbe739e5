"""Films by a transition that is learnt with the generator, back-propagated through time."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data.datasets import Dataset, Source
from abp_core.device import Machine, value_and_grad
from abp_core.generator import Generator
from abp_core.learning.learner import SETTLING
from abp_core.observation import Occluded, Stretched
from abp_core.priors.kinds import motion_of
from abp_core.priors.motion.transition import Transition as Motion
from abp_core.spec import SpecRejected, TrainingSpec
from abp_core.synthesis import render
from abp_core.synthesis.request import Request
from abp_core.trainer import Trainer
from abp_core.transition import Transition
from abp_core.zoo.half_precision import lighten
from tests.tiny import BF16, FP32, NETWORKS, goes_on_exactly, training

NETWORK = dataclasses.replace(NETWORKS["objects"], moving=True, transition=8)
FRAMES = 19


def spec_of(**changes: object) -> TrainingSpec:
    settings = {"prior": "transition", "stretch": 5, "batch_size": 2, "examples": FRAMES}
    return training(NETWORK, **(settings | changes))


def film(n: int = FRAMES) -> Dataset:
    """What another network makes of latents that go round."""
    angles = torch.arange(n)[:, None] / 3 + torch.arange(6)
    maker = Generator(dataclasses.replace(NETWORK, transition=0), seed=5).requires_grad_(False)
    frames = maker(2 * torch.sin(angles)).contiguous()
    return Dataset(frames, Source(kind="film", name="made", frame_rate=10))


def run(iterations: int = 3, machine: Machine = FP32, **changes: object) -> Trainer:
    trainer = Trainer(spec_of(**changes), film(), machine=machine)
    for _ in trainer.steps(iterations):
        pass
    return trainer


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def taught(size: float = 1.0) -> Transition:
    """A transition whose hidden layer and pace say something too."""
    transition = Transition(6, 8, torch.Generator().manual_seed(0)).requires_grad_(False)
    for k, weights in enumerate(transition.parameters()):
        weights.add_(size * gaussian(*weights.shape, seed=k))
    return transition


class TestTransition:
    def test_untaught_it_stays_where_it_is(self) -> None:
        s = 0.1 * gaussian(5, 6)
        moved = Transition(6, 8)(s, torch.zeros(5, 6))
        assert (moved - s).abs().max() < 0.02

    def test_by_hand(self) -> None:
        f, s, xi = taught(), gaussian(3, 6).tanh(), gaussian(3, 6, seed=1)
        inner = s @ f.carry + xi @ f.drive + f.bias
        hidden = torch.where(inner[:, 6:] > 0, inner[:, 6:], 0.2 * inner[:, 6:])
        candidate, share = torch.tanh(inner[:, :6] + hidden @ f.bend), 1 / (1 + (-f.pace).exp())
        assert torch.allclose(f(s, xi), share * candidate + (1 - share) * s, atol=1e-6)

    def test_it_is_bounded_whatever_drives_it(self) -> None:
        f, s = taught(10.0), torch.zeros(4, 6)
        for k in range(1000):
            s = f(s, 100 * gaussian(4, 6, seed=k))
        assert s.abs().max() <= 1

    def test_a_film_is_rolled_out_frame_by_frame(self) -> None:
        f, s, xi = taught(), gaussian(3, 6).tanh(), gaussian(3, 6, 4)
        states = f.roll_out(s, xi)
        for t in range(4):
            s = f(s, xi[:, :, t])
            assert torch.equal(states[:, t], s)

    def test_it_begins_as_a_motion_through_given_states(self) -> None:
        """Of a circle, which is a linear motion, hardly anything is left for noise to do; and what
        is left has covariance I."""
        turn = torch.arange(200) / 5
        circle = torch.stack([turn.sin(), turn.cos()], 1) / 2
        f = Transition(2, 4, torch.Generator().manual_seed(0))
        noise, led = f.begin_at(circle)
        assert (led[1:] - circle[1:]).abs().max() < 1e-3
        assert float(f.drive[:, :2].detach().norm()) < 0.1
        rough = circle + 0.05 * gaussian(200, 2)
        noise, led = f.begin_at(rough)
        assert (led - rough).abs().max() < 0.05
        assert (noise.T @ noise / len(noise) - torch.eye(2)).abs().max() < 0.2

    def test_it_is_single_precision_also_in_a_fast_twin(self) -> None:
        twin = BF16.chain_copy(Generator(NETWORK))
        assert twin.transition.carry.dtype is torch.float32
        assert twin.opening.dtype is torch.bfloat16


class TestStretches:
    def test_their_frames_are_those_of_the_roll_out(self) -> None:
        trainer = run(2)
        chains, generator = trainer._chains, trainer.generator
        trainer._feed.hand_over(2)
        z = chains.visit()
        xi = chains.drives(z)
        assert torch.allclose(xi.transpose(1, 2), chains.walked[chains.index], atol=1e-5)
        x = chains.signals(generator, z)
        assert torch.equal(chains.y, trainer.data.signals[chains.index])
        before = torch.cat([chains.beside["before"][None], trainer.z])
        for row, frames in zip(x, chains.index, strict=True):
            s = before[frames[:1]]
            for t in range(5):
                s = generator.transition(s, chains.walked[frames[t]][None])
                assert torch.allclose(row[t], generator(s)[0], atol=1e-4)

    def test_the_gradient_goes_back_in_time(self) -> None:
        """Of the energy of whole stretches, by finite differences."""
        trainer = run(2)
        generator = trainer.generator.double().requires_grad_(False)
        chains = trainer._chains
        chains._before = chains._before.double()
        posterior = dataclasses.replace(
            trainer._learning, generator=lambda z: chains.signals(generator, z)
        )
        z = chains.visit().double()
        energy, gradient = value_and_grad(posterior.energy, z)
        y, xi = chains.y, chains.drives(z)
        misfit = (y - chains.signals(generator, z)).flatten(1).square().sum(1)
        expected = misfit / (2 * trainer.sigma**2) + xi.flatten(1).square().sum(1) / 2
        assert torch.allclose(energy, expected)
        for place in [(0, 0, 0), (1, 3, 0), (0, 5, 2), (1, 2, 4)]:
            change = torch.zeros_like(z)
            change[place] = 1e-5
            slope = (posterior.energy(z + change) - posterior.energy(z - change)) / 2e-5
            assert float(slope[place[0]]) == pytest.approx(float(gradient[place]), rel=1e-4)

    def test_a_linear_film_has_the_posterior_that_one_can_work_out(self) -> None:
        """With f and F linear, and all that is known of the first state, U is a quadratic of the
        pushes' sums: its gradient is J' J z / sigma^2 + D' D z - J' y / sigma^2."""
        f, d, frames = 0.5 * gaussian(6, 9), 6, 5
        carry, chains = 0.9 * torch.eye(d), run(0)._chains
        z, y = gaussian(1, d, frames), gaussian(1, frames, 9, seed=2)

        def energy(z: Tensor) -> Tensor:
            s, left = torch.zeros(1, d), []
            for t, xi in enumerate(chains.drives(z).unbind(2)):
                s = s @ carry + xi
                left.append(y[:, t] - s @ f)
            prior = chains.drives(z).flatten(1).square().sum(1) / 2
            return torch.stack(left, 1).flatten(1).square().sum(1) / 2 + prior

        steps = torch.eye(frames) - torch.eye(frames).roll(1, 1).triu()
        forgets = torch.tensor(
            [[0.9 ** (t - u) if t >= u else 0.0 for t in range(frames)] for u in range(frames)]
        )
        states = z @ steps @ forgets  # (1, d, frames)
        left = y - states.transpose(1, 2) @ f
        by_hand = -(f @ left[0].T) @ forgets.T @ steps.T + z[0] @ steps @ steps.T
        assert torch.allclose(value_and_grad(energy, z)[1][0], by_hand, atol=1e-4)

    def test_every_frame_is_visited_in_an_epoch(self) -> None:
        chains = run(0)._chains
        for epoch in range(3):
            frames = torch.cat([chains.draw(2 * epoch + k)["frames"] for k in (0, 1)])
            assert set(frames.flatten().tolist()) == set(range(FRAMES))

    def test_what_is_kept_belongs_together(self) -> None:
        """States of a stretch that was visited follow from the one before it, of which the weights
        have moved on, and from its noise."""
        trainer = run(SETTLING + 3)
        chains = trainer._chains
        noise = chains.walked[chains.index].transpose(1, 2)
        led = trainer.generator.transition.roll_out(chains._before, noise)
        assert (led[-1] - trainer.z[chains.index[-1]]).abs().max() < 1e-3

    def test_frames_are_seen_as_any_picture_is(self) -> None:
        visible = (gaussian(FRAMES, 1, 8, 8) > 0).float()
        seen = Stretched(Occluded(visible))
        index, x = torch.tensor([[3, 4], [7, 8]]), gaussian(2, 2, 3, 8, 8)
        assert torch.equal(seen.measure(x, index), x * visible[index])
        trainer = Trainer(spec_of(components=True), film(), Occluded(visible), machine=FP32)
        assert trainer.step().diverged == 0

    def test_learning_brings_f_and_its_transition_nearer(self) -> None:
        trainer = Trainer(spec_of(components=True, standardised=True), film(), machine=FP32)
        before = {k: p.detach().clone() for k, p in trainer.generator.named_parameters()}
        events = list(trainer.steps(3))
        moved = {
            k for k, p in trainer.generator.named_parameters() if not torch.equal(p, before[k])
        }
        assert "opening" in moved
        assert "transition.pace" not in moved  # as yet
        events += list(trainer.steps(2 * SETTLING))
        assert not torch.equal(trainer.generator.transition.pace, before["transition.pace"])
        assert events[-1].reconstruction_error < 0.7 * events[0].reconstruction_error

    def test_a_film_shorter_than_a_stretch(self) -> None:
        trainer = Trainer(spec_of(stretch=40), film(7), machine=FP32)
        assert trainer.chains == 1
        assert trainer.step().diverged == 0


class TestFiles:
    @pytest.mark.parametrize("machine", [FP32, BF16], ids=["fp32", "bf16"])
    @pytest.mark.parametrize("components", [False, True])
    def test_it_goes_on_exactly(self, components: bool, machine: Machine, tmp_path: Path) -> None:
        spec = spec_of(components=components, standardised=True)
        goes_on_exactly(spec, film(), tmp_path / "run", before=3, after=3, machine=machine)

    def test_the_model_alone_goes_on_from_where_it_stood(self, tmp_path: Path) -> None:
        trainer = run(3)
        lighten(trainer.checkpoint()).save(tmp_path / "run")
        light = Checkpoint.load(tmp_path / "run")
        again = Trainer.resume(light, film(), machine=FP32)
        assert torch.equal(again._chains.walked, trainer._chains.walked)
        assert (again.z - trainer.z).abs().max() < 1e-2
        assert again.step().diverged == 0

    def test_the_latents_of_a_file_are_what_f_takes(self) -> None:
        saved = run(3).checkpoint()
        assert saved.latents.abs().max() <= 1
        assert saved.driven["noise"].shape == saved.latents.shape

    def test_without_its_noise_a_file_is_refused(self, tmp_path: Path) -> None:
        saved = run(1).checkpoint()
        saved.driven.pop("noise")
        saved.save(tmp_path / "run")
        with pytest.raises(Exception, match="damaged"):
            Checkpoint.load(tmp_path / "run")

    def test_files_of_before_open(self) -> None:
        spec = training(dataclasses.replace(NETWORK, transition=0), prior="linear")
        text = spec.to_json().replace(', "transition": 0', "").replace(', "stretch": 0', "")
        assert "transition" not in text
        assert TrainingSpec.from_json(text) == spec


@pytest.fixture(scope="module")
def learnt() -> Checkpoint:
    return run(2 * SETTLING, components=True, standardised=True).checkpoint()


class TestMotion:
    def test_parts_of_parts(self, learnt: Checkpoint) -> None:
        motion = motion_of(learnt.prior())
        for how in ({}, {"onwards": True}, {"period": 12}):
            whole = motion.chain(3, **how).part(0, 40)
            chain = motion.chain(3, **how)
            for start, stop in ((5, 11), (10, 30), (30, 31), (0, 2), (39, 40)):
                assert torch.equal(chain.part(start, stop), whole[start:stop])
        draw = learnt.prior().draw
        assert torch.equal(draw(9, 4), draw(20, 4)[:9])
        assert not torch.equal(draw(9, 4), draw(9, 5))

    def test_a_loop_closes(self, learnt: Checkpoint) -> None:
        motion = motion_of(learnt.prior())
        for period in (2, 5, 30):
            z = motion.chain(1, period=period).part(0, 2 * period + 1)
            assert torch.equal(z[:period], z[period : 2 * period])
            steps = (z[1:] - z[:-1]).norm(dim=1)
            assert steps[period - 1] <= 2 * steps.max()
        z = motion.chain(1, period=30).part(0, 60)
        steps = (z[1:] - z[:-1]).norm(dim=1)
        assert steps[29] < 2 * steps[:29].mean() + steps[:29].std()

    def test_onwards_goes_on_after_the_last_frame(self, learnt: Checkpoint) -> None:
        motion = learnt.prior()
        assert isinstance(motion, Motion)
        first = motion_of(motion).chain(2, onwards=True).part(0, 1)
        drawn = motion.noise(2, 0, 1).double()
        assert torch.equal(first, motion.advance(learnt.latents[-1:].double(), drawn).float())

    def test_a_thousand_frames_stay_lively_and_bounded(self, learnt: Checkpoint) -> None:
        z = motion_of(learnt.prior()).chain(0, onwards=True).part(0, 1000)
        assert z.abs().max() <= 1
        early, late = z[:250].std(0).mean(), z[-250:].std(0).mean()
        assert 0.5 < late / early < 2

    def test_what_is_expected(self, learnt: Checkpoint) -> None:
        motion = learnt.prior()
        assert isinstance(motion, Motion)
        two = motion.predict(learnt.latents, 2)
        assert torch.allclose(two, motion.predict(motion.predict(learnt.latents, 1), 1), atol=1e-6)
        assert torch.equal(motion.predict(learnt.latents, 0), learnt.latents)

    def test_there_is_no_map(self, learnt: Checkpoint) -> None:
        with pytest.raises(ValueError, match="size"):
            learnt.prior().map(0)
        assert learnt.prior().tensors() == {}

    def test_it_does_not_move_with_the_run(self) -> None:
        trainer = run(1)
        prior = trainer.prior()
        before = prior.draw(3, 0)
        trainer.generator.transition.requires_grad_(False).bias.add_(1.0)
        assert torch.equal(prior.draw(3, 0), before)

    def test_films_are_rendered(self, learnt: Checkpoint) -> None:
        request = Request(seconds=2.0, seed=1)
        made = render.film(learnt.generator(), learnt.prior(), learnt.source, request)
        assert made.count == 20
        assert len(list(made.frames)) == 20


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"stretch": 0}, "stretches"),
        ({"prior": "linear"}, "stretches"),
        ({"stretch": True}, "stretch"),
        ({"stretch": 5000}, "stretch"),
        ({"persistent": False}, "one chain"),
        ({"particles": 2}, "one chain"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_refused(change: dict, word: str) -> None:
    with pytest.raises(SpecRejected, match=rf"{word}.*\.$"):
        spec_of(**change)


@pytest.mark.parametrize(
    "network",
    [
        lambda: dataclasses.replace(NETWORK, moving=False),
        lambda: dataclasses.replace(NETWORK, transition=-1),
        lambda: dataclasses.replace(NETWORK, transition=True),
        lambda: dataclasses.replace(NETWORKS["texture"], moving=True, transition=8),
    ],
)
def test_only_vectors_of_a_film_have_a_transition(network: Callable[[], object]) -> None:
    with pytest.raises(SpecRejected, match=r"transition.*\.$"):
        network()
