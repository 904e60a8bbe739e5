"""CoopNets: its generator's fixed point, what it infers, and that it goes on exactly."""

from pathlib import Path

import pytest
import torch

from abp_core.checkpoint import Checkpoint
from abp_core.family.cooperative import Cooperative, CooperativeSpec
from abp_core.family.energies import bottom_up
from abp_core.family.field import FieldSpec
from benchmarks.evidence.family_pixels import generator_learnt, gradient_at_fixed_point
from tests.core.test_family_descriptor import small_trial
from tests.tiny import FP32

SIZES = {"texture": (22, 30), "sound": (150,), "objects": (8, 8)}


def small(kind: str) -> Cooperative:
    trial = small_trial(kind)
    spec = CooperativeSpec(
        proposals=4, extent=256 if kind == "sound" else 16, field=FieldSpec(), lasting=4
    )
    network = bottom_up(trial, spec.field.reference * trial.data.deviation, 3)
    return Cooperative(trial, 3, network, spec, FP32)


def go_on(member: Cooperative, iterations: int) -> Cooperative:
    for _ in range(iterations):
        for _ in member.alternation():
            pass
    return member


def same(one: Cooperative, other: Cooperative) -> bool:
    ours, theirs = one.tensors(), other.tensors()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def test_its_generator_learns_the_law_of_its_descriptor() -> None:
    found = generator_learnt(chains=40, iterations=160)
    assert found["learnt"] < 0.2 < 0.6 < found["begun"]


def test_its_generator_rests_where_it_has_that_law() -> None:
    found = gradient_at_fixed_point(chains=40, iterations=40)
    assert found["half"] < -10
    assert found["one and a half"] > 1.5
    assert abs(found["fixed point"]) < 1.5


@pytest.mark.parametrize("kind", ["texture", "sound", "objects"])
def test_it_goes_on_exactly(kind: str) -> None:
    whole, first = go_on(small(kind), 4), go_on(small(kind), 2)
    second = small(kind)
    second.resume(first.tensors(), first.iteration, first.seconds)
    assert same(go_on(second, 2), whole)


def test_who_stops_asking_leaves_it_as_it_was() -> None:
    stopped, other = go_on(small("objects"), 1), go_on(small("objects"), 1)
    moves = sum(1 for _ in go_on(small("objects"), 1).alternation())
    for asked in range(1, moves):
        half = stopped.alternation()
        for _ in range(asked):
            assert next(half) is None
        half.close()
        assert same(stopped, other)
    assert same(go_on(stopped, 1), go_on(other, 1))


def test_one_proposal_after_another_is_replaced() -> None:
    member = small("objects")
    for iteration in range(4):
        z = member.z.clone()
        moves = member.alternation()
        next(moves)
        fresh, _ = member._with_fresh_proposals()
        assert (fresh != z).any(1).tolist() == [row == iteration for row in range(4)]
        for _ in moves:
            pass


@pytest.mark.parametrize("kind", ["texture", "sound", "objects"])
def test_it_rebuilds_what_its_generator_can_make(kind: str) -> None:
    member = small(kind)
    x = member._propose(3, 5, {"texture": (24, 32), "sound": (256,), "objects": (8, 8)}[kind])
    rebuilt = member.rebuild(x)
    assert rebuilt is not None
    assert (rebuilt - x).square().sum() < 0.1 * (x - x.mean()).square().sum()


@pytest.mark.parametrize("kind", ["texture", "sound", "objects"])
def test_its_samples_have_the_size_that_is_asked_for(kind: str) -> None:
    member = go_on(small(kind), 1)
    x = member.sample(2, 1, SIZES[kind])
    assert x.shape[2:] == SIZES[kind]
    assert x.isfinite().all()
    assert torch.equal(x, member.sample(2, 1, SIZES[kind]))


@pytest.mark.parametrize("kind", ["texture", "sound", "objects"])
def test_its_generator_is_a_model_of_the_studio(kind: str, tmp_path: Path) -> None:
    member = go_on(small(kind), 2)
    made = member.checkpoint()
    assert made is not None
    made.save(tmp_path / "made.safetensors")
    saved = Checkpoint.load(tmp_path / "made.safetensors")
    data = member.trial.data.signals
    assert saved.digest == member.trial.data.digest
    with torch.no_grad():
        assert saved.generator()(saved.latents).shape == data[: len(saved.latents)].shape
    (z,) = saved.prior().draw(1, 0)
    assert z.shape == saved.spec.generator.latent_shape


def test_it_shows_what_is_proposed_revised_and_data() -> None:
    proposed, revised, data = go_on(small("objects"), 3).show()
    assert proposed.signals.shape == revised.signals.shape == data.signals.shape
    assert not torch.equal(proposed.signals, revised.signals)
