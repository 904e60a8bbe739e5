"""A set that was learnt whole: measured against one half of it, as its other half is."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from abp_core.data import datasets, sets
from abp_core.data.datasets import Dataset
from abp_core.presets import PRESETS
from abp_core.trainer import Trainer
from abp_core.zoo.yardsticks.objects import (
    LEAST_COMPARED,
    LearntSetYardstick,
)
from abp_core.zoo.yardsticks.summary import summary
from tests.tiny import FP32, NETWORKS, dataset, training

PACK = Path(__file__).resolve().parents[2] / "demo" / "examples"
BOOTS = PACK / "objects" / "ankle_boot_32.npz"


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of few pictures, to be quick."""
    path = tmp_path_factory.mktemp("data") / "boots.npz"
    np.savez(path, np.stack(sets.read_pictures(BOOTS)[:101]))
    return path


@pytest.fixture(scope="module")
def boots(few: Path) -> Dataset:
    learnt, _ = datasets.load(few, PRESETS["objects"].training)
    return learnt


def test_the_order_of_what_looks_worse(boots: Dataset) -> None:
    yardstick = LearntSetYardstick(boots)
    floor = yardstick.floor()
    assert floor is not None
    real = boots.signals[:50]
    noise = torch.randn(real.shape, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    mean = real.mean(0, keepdim=True).expand_as(real)
    distances = [yardstick.distance(some) / floor for some in (real, real * 0.8, mean, noise)]
    assert distances == sorted(distances)
    assert distances[0] < 1.2
    assert distances[1] > 1.5


def test_a_small_set_has_no_floor(boots: Dataset) -> None:
    for n, there in ((2 * LEAST_COMPARED, True), (2 * LEAST_COMPARED - 1, False)):
        yardstick = LearntSetYardstick(Dataset(boots.signals[:n], boots.source))
        assert (yardstick.floor() is not None) == there


def test_reconstruction_is_that_of_the_stored_latents() -> None:
    network = NETWORKS["objects"]
    saved = Trainer(training(network), dataset(network), machine=FP32).checkpoint()
    made = saved.generator()(saved.latents)
    itself = LearntSetYardstick(Dataset(made, saved.source))
    moved = LearntSetYardstick(Dataset(made + 0.1, saved.source))
    assert itself.reconstruction(saved) == pytest.approx(0, abs=1e-6)
    assert moved.reconstruction(saved) == pytest.approx(0.05, abs=1e-6)


def test_the_figures_of_a_set_have_four_digits(few: Path) -> None:
    preset = PRESETS["quick-objects"]
    learnt, spec = datasets.load(few, preset.training)
    saved = Trainer(dataclasses.replace(spec, sample_loss_rate=0.0), learnt).checkpoint()
    figures = summary(saved, few, preset)
    assert set(figures) == {"distance", "diversity", "diversity_of_data", "reconstruction"}
    assert figures["distance"] > 2  # nothing was learnt yet
    assert all(figure == float(f"{figure:.4g}") for figure in figures.values())
