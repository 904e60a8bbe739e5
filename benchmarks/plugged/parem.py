"""ParEM (Kuntz, Lim and Johansen 2023; github.com/juankuntz/ParEM, MIT) on our generator."""

import importlib
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from abp_core.data.datasets import Dataset
from abp_core.generator import Generator
from abp_core.spec import TrainingSpec
from benchmarks.plugged.loops import Step, stand_in

ONLY_FOR_REPORTS = (
    "torchtyping",
    "wandb",
    "torchvision",
    "torchvision.datasets",
    "torchvision.transforms",
    "torchvision.transforms.functional",
    "torchvision.utils",
    "torchmetrics",
    "torchmetrics.image",
    "torchmetrics.image.fid",
)
Peer = tuple[Any, Any]  # its modules algorithms and models


def load(folder: Path) -> Peer:
    """Its modules algorithms and models, of the folder that holds the package parem."""
    sys.path.insert(0, str(folder))
    stand_in(ONLY_FOR_REPORTS)
    return importlib.import_module("parem.algorithms"), importlib.import_module("parem.models")


def stepping(
    peer: Peer, algorithm: str, spec: TrainingSpec, data: Dataset, **settings: Any
) -> Step:
    """Iterations of one of its algorithms over minibatches as large as ours, on our generator. Its
    step is half the square of ours."""
    algorithms, models = peer
    size = spec.langevin.step_size**2 / 2
    walk = {} if algorithm == "VI" else {"particle_step_size": size, "lambd": 1e-2}
    return _stepping(
        getattr(algorithms, algorithm)(
            _with_our_generator(models, spec, data),
            _Rows(data.signals),
            theta_optimizer="adam",
            train_batch_size=spec.batch_size,
            **walk,
            **settings,
        ),
        data,
        spec.batch_size,
    )


def _with_our_generator(models: Any, spec: TrainingSpec, data: Dataset) -> Any:
    """Its model, with our f for its network."""

    class Plugged(models.NLVM):  # type: ignore[misc]
        def __init__(self) -> None:
            torch.nn.Module.__init__(self)
            self.x_dim = spec.generator.latent_shape[0]
            self.sigma2 = (spec.sigma * data.deviation) ** 2
            self.generator = Generator(spec.generator, seed=0)

        def forward(self, z: Tensor) -> Tensor:
            x: Tensor = self.generator(z.flatten(0, -2))
            return x.view(*z.shape[:-1], *x.shape[1:])

    return Plugged()


class _Rows(TensorDataset):
    """As its data sets are: rows, and how many channels they have."""

    def __init__(self, signals: Tensor) -> None:
        super().__init__(signals)
        self.n_channels = signals.shape[1]
        self.name = "faces"


def _stepping(algorithm: Any, data: Dataset, batch: int) -> Step:
    draw = torch.Generator().manual_seed(0)

    def step() -> object:
        index = torch.randperm(len(data.signals), generator=draw)[:batch]
        return algorithm.step(data.signals[index], index)

    return step
