"""The named settings: the paper's are the paper's, and every one can be built."""

import dataclasses
from pathlib import Path

import pytest
import torch

from abp_core.data import datasets
from abp_core.generator import Generator
from abp_core.learning.events import Diverging
from abp_core.presets import PRESETS
from abp_core.spec import TrainingSpec
from abp_core.trainer import Trainer
from tests.tiny import AS_A_CARD

OURS = {"texture", "sound", "objects", "plane", "quick-texture", "quick-sound", "quick-objects"}
OURS |= {"film", "quick-film", "linear-film", "transition-film"}
PAPERS = {"paper-texture", "paper-sound", "paper-objects", "paper-faces", "paper-film"}


def test_the_names() -> None:
    assert set(PRESETS) == OURS | PAPERS


# Latent, channels of every layer, kernel, upsampling, size; Langevin steps and step size
# (arXiv 1606.08571, experiments 1, 2, 3 and 3's faces).
PUBLISHED = {
    "paper-texture": ((1, 7, 7), (512, 256, 128, 64, 3), 5, 2, (3, 224, 224), 10, 0.1),
    "paper-sound": ((1, 6), (256, 128, 64, 1), 25, 10, (1, 60_000), 10, 0.1),
    "paper-objects": ((2,), (256, 128, 64, 3), 5, 2, (3, 64, 64), 30, 0.3),
    "paper-faces": ((100,), (256, 128, 64, 3), 5, 2, (3, 64, 64), 30, 0.3),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_papers_settings_as_published(name: str) -> None:
    spec = PRESETS[name].training
    network, walk = spec.generator, spec.langevin
    assert (
        network.latent_shape,
        (*network.channels, network.out_channels),
        network.kernel_size,
        network.upsampling,
        network.signal_shape,
        walk.steps,
        walk.step_size,
    ) == PUBLISHED[name]
    assert spec.sigma == 0.3
    assert walk.temperature == 1
    assert network.leak == (0.2 if name in ("paper-objects", "paper-faces") else 0)


def test_the_papers_sound_is_at_11025_hertz() -> None:
    assert PRESETS["paper-sound"].sample_rate == 11_025


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_built_kept_and_told_apart(name: str) -> None:
    preset = PRESETS[name]
    spec = preset.training
    assert TrainingSpec.from_json(spec.to_json()) == spec
    with torch.device("meta"):
        generator = Generator(spec.generator)
        x = generator(torch.empty(1, *spec.generator.latent_shape))
    assert tuple(x.shape) == (1, *spec.generator.signal_shape)
    assert preset.sentence.endswith(".")
    assert len({other.sentence for other in PRESETS.values()}) == len(PRESETS)


BUNDLED = Path(__file__).parents[2] / "demo" / "examples"
DATA = {
    "texture": "textures/pebbles.jpg",
    "sound": "sounds/stream.flac",
    "objects": "objects/toon_faces_64.npz",
    "film": "videos/waving_tree.mp4",
}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_learns_from_bundled_data(name: str) -> None:
    """A run in which every chain diverges eight times in a row is given up."""
    preset = PRESETS[name]
    spec = preset.training
    few = {"examples": min(spec.examples, 24), "batch_size": min(spec.batch_size, 4)}
    path = BUNDLED / DATA[spec.generator.kind]
    data, spec = datasets.load(
        path, dataclasses.replace(spec, **few), sample_rate=preset.sample_rate
    )
    going = Trainer(spec, data, machine=AS_A_CARD)
    diverging = Diverging(going.chains)
    while going.updates < 2:
        assert not diverging.observe(going.step())


@pytest.mark.parametrize("kind", ["texture", "sound", "objects"])
def test_quick_presets_have_fewer_weights(kind: str) -> None:
    def weights(name: str) -> int:
        with torch.device("meta"):
            network = Generator(PRESETS[name].training.generator)
        return sum(parameter.numel() for parameter in network.parameters())

    assert weights(f"quick-{kind}") < weights(kind) / 2
