"""Whether a model copies: the nearest examples and how near they are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.data.formats import FileRejected
from abp_core.presets import PRESETS
from abp_core.synthesis import neighbours
from abp_core.trainer import Trainer
from tests.tiny import FP32

SETS = Path(__file__).resolve().parents[2] / "demo" / "examples" / "objects"


def test_the_nearest_and_their_distances_are_known() -> None:
    values = torch.tensor([-1.0, 0.0, 0.5, 1.0])
    examples = values.view(4, 1, 1, 1).expand(4, 3, 40, 48).contiguous()
    samples = torch.tensor([0.6, -0.9, 0.0]).view(3, 1, 1, 1).expand(3, 3, 40, 48)
    found = neighbours.nearest(samples, examples)
    assert found.pictures[:, 0, 0, 0].tolist() == [0.5, -1.0, 0.0]
    assert found.distance == pytest.approx(0.05, abs=1e-4)  # .1 of a range of 2
    assert found.usual == pytest.approx(0.25, abs=1e-4)
    assert found.sentence() == (
        "Samples are 5.0 % of the range from their nearest training example (median), and examples "
        "25.0 % from each other's."
    )


def test_copies_have_no_distance() -> None:
    examples = torch.rand(300, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = neighbours.nearest(examples[250:], examples)
    assert torch.equal(found.pictures, examples[250:])
    assert found.distance < 1e-3 < found.usual


def test_many_are_compared_in_parts() -> None:
    draw = torch.Generator().manual_seed(0)
    a, b = torch.rand(600, 1, 4, 4, generator=draw), torch.rand(30, 1, 4, 4, generator=draw)
    found = neighbours.nearest(a, b)
    apart = (a[:, None] - b[None]).square().flatten(2).mean(2).sqrt() / 2
    assert found.distance == pytest.approx(float(apart.min(1).values.median()), abs=1e-5)
    assert torch.equal(found.pictures, b[apart.argmin(1)])


def test_only_what_was_learnt_from_is_compared_with() -> None:
    preset = PRESETS["quick-objects"].training
    dataset, spec = datasets.load(SETS / "ankle_boot_32.npz", preset)
    trainer = Trainer(spec, dataset, machine=FP32)
    saved: Checkpoint = trainer.checkpoint()
    examples = neighbours.examples(saved, SETS / "ankle_boot_32.npz")
    assert torch.equal(examples, dataset.signals)
    with pytest.raises(FileRejected, match="is not what this model learnt from; please choose"):
        neighbours.examples(saved, SETS / "toon_faces_64.npz")


def test_pictures_are_compared_at_one_size() -> None:
    assert neighbours._small(torch.zeros(2, 3, 128, 128)).shape == (2, 3 * 32 * 32)
    assert neighbours._small(torch.zeros(2, 3, 8, 12)).shape == (2, 3 * 8 * 8)
    assert np.isfinite(neighbours.SIDE)
