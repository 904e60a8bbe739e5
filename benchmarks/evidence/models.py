"""Trained models whose posteriors are walked."""

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from abp_core.analysis import excerpts
from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.device import Energy, Machine
from abp_core.generator import Generator
from abp_core.observation import Observation
from abp_core.posterior import Posterior
from abp_core.presets import PRESETS
from abp_core.spec import GeneratorSpec
from abp_core.trainer import Trainer
from abp_core.zoo.catalogue import read_shipped
from benchmarks.report import EXAMPLES, ROOT

FP32 = Machine(torch.device("cpu"), torch.float32)
BF16 = Machine(torch.device("cpu"), torch.bfloat16)
FACES = EXAMPLES / "objects" / "noto_animal_faces_128.npz"


# Of the paper's kind for sets, on pictures of 16 x 16: learnt in seconds, walked in microseconds.
SMALL = GeneratorSpec(
    latent_shape=(2,),
    projection=(16, 4, 4),
    channels=(16,),
    kernel_size=5,
    upsampling=2,
    out_channels=3,
    leak=0.2,
)
SHOWN = 4  # positions of a latent map, a side, that a window of it shows


@dataclass(frozen=True, slots=True)
class Model:
    """A trained generator, the signals it was trained on, and where their chains stand (latents).
    sigma: in signal units."""

    generator: Generator
    signals: Tensor
    latents: Tensor
    sigma: float

    def energy(self, example: int, observation: Observation) -> Energy:
        """U of one example's latents, at any number of them."""
        index = torch.tensor([example])
        y = observation.measure(self.signals[index], index)

        def energy(z: Tensor) -> Tensor:
            n = len(z)
            same = y.expand(n, *y.shape[1:])
            everywhere = Posterior(
                self.generator, observation, same, index.expand(n), self.sigma, lot=0
            )
            return everywhere.energy(z)

        return energy


def small_model(iterations: int) -> Model:
    """Learnt now, by the Trainer with the settings of the preset `plane`."""
    plane = PRESETS["plane"].training
    spec = dataclasses.replace(plane, generator=SMALL, learning_rate=3e-3, sample_loss_rate=0.0)
    dataset, spec = datasets.load(FACES, spec)
    trainer = Trainer(spec, dataset, machine=FP32)
    for _ in trainer.steps(iterations):
        pass
    generator = trainer.generator.requires_grad_(False)
    return Model(generator, dataset.signals, trainer.z, trainer.sigma)


def shipped_model(name: str) -> tuple[Model, Checkpoint]:
    """One of checkpoints/, with its training data, and as it was saved; of one that learnt a whole
    picture or sound windows of it, which show SHOWN positions of its map a side."""
    entry = next(entry for entry in read_shipped(ROOT / "checkpoints") if entry.name == name)
    saved = entry.open(ROOT / "checkpoints")
    dataset, _ = datasets.load(ROOT / entry.data, saved.spec)
    network = saved.spec.generator
    if saved.spec.window:
        size = (SHOWN + 2 * network.margin,) * (len(network.latent_shape) - 1)
        small = dataclasses.replace(network, latent_shape=(network.latent_shape[0], *size))
        saved = dataclasses.replace(saved, spec=dataclasses.replace(saved.spec, generator=small))
    signals = excerpts.signals_of(saved.spec, dataset.signals)
    return Model(saved.generator(), signals, excerpts.latents_of(saved), saved.sigma), saved
