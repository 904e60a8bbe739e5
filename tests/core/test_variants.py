"""Variants of alternating back-propagation: chains that begin anew, and several of them."""

import dataclasses

import pytest
import torch

from abp_core.analysis.traces import as_in_training
from abp_core.checkpoint import Checkpoint
from abp_core.family.alternating import Alternating
from abp_core.noise import chain_noise
from abp_core.observation import Occluded
from abp_core.posterior import misfit_of
from abp_core.spec import LangevinSpec, SpecRejected, TrainingSpec
from abp_core.trainer import Trainer
from abp_core.zoo.half_precision import lighten
from benchmarks.evidence.family_latent import particle_gradients, short_runs
from benchmarks.evidence.learning import FLAT, factor_data
from tests.members import goes_on_exactly as member_goes_on_exactly
from tests.members import leaves_as_it_was, small_trial
from tests.tiny import (
    FP32,
    NETWORKS,
    dataset,
    goes_on_exactly,
    training,
    whole_dataset,
    whole_training,
)

NETWORK = NETWORKS["objects"]


def run(iterations: int, **changes: object) -> Trainer:
    trainer = Trainer(training(NETWORK, **changes), dataset(NETWORK), machine=FP32)
    for _ in trainer.steps(iterations):
        pass
    return trainer


class TestShortRuns:
    def test_a_visit_does_not_know_the_one_before(self) -> None:
        """Where chains stood changes nothing of where they end, nor of what is learnt."""
        one, two = (run(2, persistent=False) for _ in range(2))
        two.z.fill_(3.0)
        events = [dataclasses.replace(trainer.step(), seconds=0.0) for trainer in (one, two)]
        assert events[0] == events[1]
        visited = (two.z != 3.0).any(1)
        assert visited.sum() == one.chains
        assert torch.equal(one.z[visited], two.z[visited])

    def test_every_visit_ends_by_the_same_law(self) -> None:
        found = short_runs(visits=30)
        assert abs(found["first"] - found["second"]) < 4 * found["error"]
        assert found["follows"] == pytest.approx(found["followed_by_chance"], abs=0.05)
        assert short_runs(visits=20, persistent=True)["follows"] > 0.5

    def test_walks_begin_at_draws_from_the_prior(self) -> None:
        trainer = Trainer(
            training(NETWORK, persistent=False, batch_size=10), dataset(NETWORK), machine=FP32
        )
        starts = []
        for iteration in range(150):
            trainer._feed.hand_over(iteration)
            starts.append(trainer._chains.visit())
        z = torch.cat(starts)
        assert z.mean(0).abs().max() < 0.1
        assert (torch.cov(z.T) - torch.eye(6)).abs().max() < 0.12

    def test_their_noise_is_that_of_chains_that_go_on(self) -> None:
        noise = [
            run(0, persistent=persistent)._chains.draw(3)["noise"] for persistent in (True, False)
        ]
        assert torch.equal(*noise)

    @pytest.mark.parametrize("kind", ["texture", "sound"])
    def test_windows_begin_anew_too(self, kind: str) -> None:
        spec = whole_training(kind, persistent=False)
        one, two = (Trainer(spec, whole_dataset(kind), machine=FP32) for _ in range(2))
        draw = one._chains.draw(0)
        assert draw["start"].std() == pytest.approx(1, abs=0.1)
        (place,) = draw["places"].tolist()
        inside = two.z[0]
        for axis, first in enumerate(place, start=1):
            inside = inside.narrow(axis, first, spec.window)
        inside.fill_(3.0)
        assert one.step().misfit == two.step().misfit
        assert torch.equal(one.z, two.z)

    def test_a_trace_begins_where_training_would(self) -> None:
        trainer = run(3, persistent=False)
        walk = as_in_training(trainer.checkpoint(), trainer.data.signals[4:5], 4, FP32)
        drawn = chain_noise(seed=7, sweep=4, index=torch.tensor([4]), steps=5, shape=(6,))
        assert torch.equal(walk.steps[0].z, drawn[4])
        assert torch.equal(walk.noise, drawn[:4])

    def test_their_metric_is_the_fisher_information(self) -> None:
        """They never come to rest, where gradients would tell the curvature: of a linear model it
        is I + W^T W / sigma^2."""
        walk = LangevinSpec(steps=2, step_size=0.5, preconditioned=True)
        data = factor_data(50, 0)
        spec = training(
            FLAT, langevin=walk, persistent=False, batch_size=50, examples=50, learning_rate=1e-12
        )
        trainer = Trainer(spec, data, machine=FP32)
        for _ in trainer.steps(33):
            pass
        rows = trainer.generator.kernels[0].detach().flatten(1)
        expected = torch.eye(4) + rows @ rows.T / trainer.sigma**2
        assert (trainer.curvature - expected).abs().max() < 0.25 * expected.max()
        assert expected.max() > 2

    def test_few_gradients_do_not_let_walks_go_too_far(self) -> None:
        """Three of them say nothing of half of the six directions."""
        walk = LangevinSpec(steps=4, step_size=1.0, preconditioned=True)
        changes = {"langevin": walk, "persistent": False, "batch_size": 3, "sigma": 0.05}
        trainer = Trainer(training(NETWORK, **changes), dataset(NETWORK), machine=FP32)
        assert [event.diverged for event in trainer.steps(6)] == [0] * 6

    def test_it_goes_on_exactly(self, tmp_path) -> None:
        spec = training(NETWORK, persistent=False)
        goes_on_exactly(spec, dataset(NETWORK), tmp_path / "run", before=2, after=2, machine=FP32)


class TestParticles:
    def test_their_mean_gradient_is_that_of_the_marginal_likelihood(self) -> None:
        """Within Monte-Carlo error, which falls as the root of their number."""
        found = particle_gradients(examples=24, particles=8, iterations=15)
        assert found["all"] < 0.25
        assert found["all"] < 2 * found["expected"] * found["one"]

    def test_the_first_are_the_chains_of_a_run_that_has_no_others(self) -> None:
        one, three = run(0, components=True), run(0, components=True, particles=3)
        assert torch.equal(one.z, three.z)
        one, three = run(0), run(0, particles=3)
        assert torch.equal(one.z, three.z)
        assert three._chains.z.shape == (30, 6)
        assert three.chains == 3 * one.chains
        one.step()
        three.step()
        assert torch.equal(one.z, three.z)

    def test_learning_takes_the_mean_over_all(self) -> None:
        trainer = run(0, particles=3)
        before = {name: p.clone() for name, p in trainer.generator.named_parameters()}
        stood = trainer._chains.z.clone()
        event = trainer.step()
        rows = (trainer._chains.z != stood).any(1).nonzero().flatten()
        assert len(rows) == 12
        after = {name: p.clone() for name, p in trainer.generator.named_parameters()}
        trainer.generator.load_state_dict(before)
        y = trainer.data.signals[rows % 10]
        misfit = misfit_of(y - trainer.generator(trainer._chains.z[rows]), trainer.sigma).mean()
        gradients = torch.autograd.grad(misfit, list(trainer.generator.parameters()))
        norm = torch.nn.utils.get_total_norm(gradients)
        assert event.misfit == pytest.approx(misfit.item(), rel=1e-4)
        assert event.grad_norm == pytest.approx(float(norm), rel=1e-4)
        assert any(not torch.equal(before[name], after[name]) for name in before)

    def test_each_sees_its_own_example(self) -> None:
        """Also where only parts of them are seen."""
        visible = (torch.arange(16)[:, None] + torch.arange(10)[:, None, None] > 12).float()
        hidden = Occluded(visible[:, None, :8].expand(-1, 1, -1, 8).contiguous())
        data = dataset(NETWORK)
        trainer = Trainer(training(NETWORK, particles=2), data, hidden, machine=FP32)
        trainer.step()
        examples = trainer._chains.index
        assert torch.equal(examples[:4], examples[4:])
        assert torch.equal(trainer._chains.y[:4], trainer._chains.y[4:])
        seen = hidden.measure(data.signals, torch.arange(10))
        assert torch.equal(trainer._chains.y[:4], seen[examples[:4]])

    def test_it_goes_on_exactly(self, tmp_path) -> None:
        path = tmp_path / "run"
        spec = training(NETWORK, particles=3, standardised=True)
        saved = goes_on_exactly(spec, dataset(NETWORK), path, before=2, after=2, machine=FP32)
        assert saved.latents.shape == (10, 6)
        assert saved.particles["others"].shape == (20, 6)

    def test_from_the_model_alone_all_begin_at_the_first(self, tmp_path) -> None:
        path, light = tmp_path / "run", lighten(run(2, particles=3).checkpoint())
        light.save(path)
        trainer = Trainer.resume(Checkpoint.load(path), dataset(NETWORK), machine=FP32)
        assert torch.equal(trainer._chains.z, light.latents.repeat(3, 1))


class TestSettings:
    @pytest.mark.parametrize(
        ("change", "word"),
        [
            ({"persistent": 1}, "Persistent"),
            ({"persistent": None}, "Persistent"),
            ({"persistent": False, "components": True}, "anew"),
            ({"particles": 0}, "particles"),
            ({"particles": 65}, "particles"),
            ({"particles": True}, "particles"),
            ({"particles": 1.0}, "particles"),
        ],
        ids=str,
    )
    def test_what_does_not_go_together_is_refused(self, change: dict, word: str) -> None:
        with pytest.raises(SpecRejected, match=rf"{word}.*\.$"):
            training(NETWORK, **change)

    def test_windows_have_one_particle(self) -> None:
        with pytest.raises(SpecRejected, match=r"particles.*window.*\.$"):
            whole_training("texture", particles=2)

    def test_files_of_before_open(self) -> None:
        spec = training(NETWORK)
        text = spec.to_json().replace(', "persistent": true, "particles": 1', "")
        assert "persistent" not in text
        assert TrainingSpec.from_json(text) == spec


class TestMembers:
    FORMS = ({"persistent": False}, {"particles": 3, "batch_size": 2})

    @pytest.mark.parametrize("form", FORMS, ids=str)
    def test_they_go_on_exactly(self, form: dict) -> None:
        trial = small_trial("objects")
        assert member_goes_on_exactly(lambda: Alternating(trial, 3, **form))

    @pytest.mark.parametrize("form", FORMS, ids=str)
    def test_stopped_midway_they_are_as_they_were(self, form: dict) -> None:
        assert leaves_as_it_was(Alternating(small_trial("objects"), 3, **form))
