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
from abp_core.priors.normal import Normal
from abp_core.spec import PriorName, SpecRejected, TrainingSpec
from abp_core.trainer import Trainer
from tests.tiny import FP32, NETWORKS, dataset, sha256, training


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
    saved.light().save(path)
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
    z = torch.randn(1, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    assert isinstance(prior_of("exemplar", z, {}), Exemplar)
    assert isinstance(prior_of("normal", z, {}), Normal)
    for prior in (prior_of("exemplar", z, {}), prior_of("normal", z, {})):
        assert prior.draw(2, 0).shape == (2, 3, 9, 9)
        assert torch.equal(prior.draw(2, 0)[:1], prior.draw(1, 0))
        assert prior.tensors() == {}


def test_a_prior_must_be_of_such_latents() -> None:
    for prior in ("exemplar", "else"):
        with pytest.raises(SpecRejected):
            of(prior)  # type: ignore[arg-type]
    with pytest.raises(SpecRejected, match="flow"):
        dataclasses.replace(training(NETWORKS["texture"]), prior="flow")
