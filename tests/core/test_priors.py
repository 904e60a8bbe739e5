"""A run's prior: named in its settings, learnt from its latents, kept in its checkpoint."""

import dataclasses
from itertools import islice
from pathlib import Path

import pytest
import torch

from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.priors.exemplar import Exemplar
from abp_core.priors.flow import Flow
from abp_core.priors.kinds import prior_of
from abp_core.priors.known import Known
from abp_core.priors.normal import Normal
from abp_core.spec import PriorName, SpecRejected, TrainingSpec
from abp_core.trainer import Trainer
from abp_core.zoo.half_precision import lighten
from tests.tiny import (
    FP32,
    NETWORKS,
    SHOWN,
    WHOLE,
    dataset,
    sha256,
    training,
    whole_dataset,
    whole_run,
    whole_training,
)


def of(prior: PriorName) -> TrainingSpec:
    return dataclasses.replace(training(NETWORKS["objects"]), prior=prior)


def learning() -> Trainer:
    going = Trainer(of("flow"), dataset(NETWORKS["objects"]), machine=FP32)
    going.step()
    return going


def test_a_flow_is_kept_and_comes_back(tmp_path: Path) -> None:
    going = learning()
    assert isinstance(going.checkpoint().prior(), Normal)  # until one is learnt
    list(islice(going.learn_prior(), 1))
    saved = going.checkpoint()
    path = tmp_path / "run.safetensors"
    saved.save(path)
    loaded = Checkpoint.load(path)
    assert sha256(loaded) == sha256(saved)
    assert isinstance(loaded.prior(), Flow)
    assert torch.equal(loaded.prior().draw(3, 0), saved.prior().draw(3, 0))
    lighten(saved).save(path)
    drawn = Checkpoint.load(path).prior().draw(3, 0)
    assert torch.allclose(drawn, saved.prior().draw(3, 0), atol=0.05)


def test_learning_a_prior_leaves_the_run_as_it_is_and_goes_with_it() -> None:
    going, other = learning(), learning()
    list(islice(going.learn_prior(), 1))
    resumed = Trainer.resume(going.checkpoint(), going.data, machine=FP32)
    for trainer in (going, other, resumed):
        trainer.step()
    assert torch.equal(going.z, other.z)
    assert sha256(going.checkpoint()) == sha256(resumed.checkpoint())
    list(islice(resumed.learn_prior(), 1))
    list(islice(going.learn_prior(), 1))
    assert sha256(going.checkpoint()) == sha256(resumed.checkpoint())


def test_the_papers_prior_has_nothing_to_learn() -> None:
    going = Trainer(of("normal"), dataset(NETWORKS["objects"]), machine=FP32)
    assert list(going.learn_prior()) == []
    assert going.checkpoint().learnt == {}


def test_a_damaged_prior_is_refused(tmp_path: Path) -> None:
    going = learning()
    list(islice(going.learn_prior(), 1))
    saved = going.checkpoint()
    path = tmp_path / "run.safetensors"
    none = {**saved.learnt, "deviation": torch.zeros_like(saved.learnt["deviation"])}
    for learnt in (none, dict(list(saved.learnt.items())[1:])):
        dataclasses.replace(saved, learnt=learnt).save(path)
        with pytest.raises(CheckpointRejected):
            Checkpoint.load(path)


def test_priors_by_name() -> None:
    z = torch.randn(1, 4, 23, 21, generator=torch.Generator().manual_seed(0))
    exemplar, normal = (
        prior_of(whole_training("texture", prior=name), z, {}, {})
        for name in ("exemplar", "normal")
    )
    assert isinstance(exemplar, Exemplar)
    assert isinstance(normal, Normal)
    for prior in (exemplar, normal):
        assert prior.draw(2, 0).shape == (2, 4, 12, 12), "as large as the network's own"
        assert torch.equal(prior.draw(2, 0)[:1], prior.draw(1, 0))
        assert prior.tensors() == {}
        found = prior.map(3, known=Known(z[0], torch.ones(23, 21, dtype=torch.bool), (-4, 2)))
        assert torch.equal(found.part((-4, 2), (19, 23)), z[0])


def test_vectors_have_no_map() -> None:
    going = learning()
    list(islice(going.learn_prior(), 1))
    for prior in (going.prior(), Normal((6,))):
        with pytest.raises(ValueError, match=r"one size only\.$"):
            prior.map(0)


@pytest.mark.parametrize("kind", WHOLE)
def test_the_prior_of_a_run_is_made_of_its_latents_as_they_stand(kind: str) -> None:
    going = Trainer(whole_training(kind), whole_dataset(kind), machine=FP32)
    going.step()
    before = going.prior().draw(1, 0)
    assert before.shape == (1, *WHOLE[kind].latent_shape)
    assert torch.equal(before, going.checkpoint().prior().draw(1, 0))
    assert torch.equal(before, Exemplar.of(going.z[0], WHOLE[kind].latent_shape[1:]).draw(1, 0))
    going.step()
    assert torch.equal(
        going.prior().draw(1, 0), Exemplar.of(going.z[0], WHOLE[kind].latent_shape[1:]).draw(1, 0)
    )
    saved = whole_run(kind, 2)
    assert saved.latents.shape[2:] == tuple(n + 2 * WHOLE[kind].margin for n in SHOWN[kind])
    assert torch.equal(saved.prior().draw(1, 0), going.prior().draw(1, 0))


def test_a_prior_must_be_of_such_latents() -> None:
    for prior in ("exemplar", "else"):
        with pytest.raises(SpecRejected):
            of(prior)  # type: ignore[arg-type]
    with pytest.raises(SpecRejected, match="flow"):
        dataclasses.replace(training(NETWORKS["texture"]), prior="flow")
