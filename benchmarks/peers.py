"""Iterations a second beside a peer's own code, on the same network and pictures.

    python -m benchmarks.peers /path/to/ParEM/torch
    python -m benchmarks.peers /path/to/ParEM/torch --rounds 8 --threads 2

The peer is ParEM (Kuntz, Lim and Johansen 2023; github.com/juankuntz/ParEM, MIT), of which the
folder with the package `parem` is given; nothing of it is kept here. Our generator is put in the
place of its network. Both take turns of some iterations, so that what else the machine does falls
on both; a figure is the median over the turns' ratios. What only its reports need (wandb,
torchvision, torchmetrics, torchtyping) need not be installed.
"""

import contextlib
import dataclasses
import importlib.util
import statistics
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import MagicMock

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import TensorDataset

from abp_core.cli import arguments
from abp_core.data import datasets
from abp_core.data.datasets import Dataset
from abp_core.family.trial import Trial
from abp_core.family.vae import VAE
from abp_core.generator import Generator
from abp_core.presets import PRESETS
from abp_core.spec import LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from benchmarks.report import BUNDLED, THREADS, keep

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
BATCH, STEPS, PARTICLES = 32, 10, 4
STEP_SIZE = 0.01  # of all walks; the peer's is half its square
TURN = 1.0  # seconds, about, that a side computes at a time
Step = Callable[[], object]
Peer = tuple[Any, Any]  # its modules algorithms and models


def main() -> int:
    parser = arguments.Parser(prog="python -m benchmarks.peers", description=__doc__.split("\n")[0])
    parser.add_argument("peer", type=Path, help="the folder that holds the package parem")
    parser.add_argument("--rounds", type=arguments.count("The rounds", 1, 1000), default=8)
    parser.add_argument("--threads", type=arguments.count("The threads", 1, 256), default=THREADS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    peer = _peer(args.peer)
    data, spec = small_pictures()
    several = {"particles": PARTICLES, "langevin": _walk(1)}
    pairs = {
        "ABP": (
            _ours(spec, data),
            _theirs(peer, "AlternatingBackprop", spec, data, n_chain_length=STEPS),
        ),
        "particles": (
            _ours(spec, data, **several),
            _theirs(peer, "PGD", spec, data, n_particles=PARTICLES),
        ),
        "short run": (
            _ours(spec, data, persistent=False),
            _theirs(peer, "ShortRun", spec, data, n_chain_length=STEPS),
        ),
        "VAE": (_our_vae(spec, data), _theirs(peer, "VI", spec, data, q_optimizer="adam")),
    }
    found = {}
    for name, (ours, theirs) in pairs.items():
        found[name] = compare(ours, theirs, args.rounds)
        print(name, found[name], flush=True)
    print(keep("peers", found))
    return 0


def small_pictures() -> tuple[Dataset, TrainingSpec]:
    """Faces of 32 x 32, which the peer's encoder is made for, and the settings of both: the paper's
    two moves and nothing beside them."""
    data, spec = datasets.load(BUNDLED["objects"], PRESETS["objects"].training)
    small = dataclasses.replace(data, signals=functional.avg_pool2d(data.signals, 2))
    return small, dataclasses.replace(
        spec,
        generator=spec.generator.fitted_to((32, 32), small.signals.shape[1]),
        langevin=_walk(STEPS),
        batch_size=BATCH,
        sample_loss_rate=0.0,
        standardised=False,
        components=False,
        halved_after=0,
    )


def compare(ours: Step, theirs: Step, rounds: int) -> dict[str, float]:
    """Milliseconds an iteration of each, and how many of ours go into one of theirs: medians over
    turns that follow each other, and the ratio's range."""
    lengths = [max(1, round(TURN / _seconds(step, 2))) for step in (ours, theirs)]
    turns = [
        [_seconds(step, n) for step, n in zip((ours, theirs), lengths, strict=True)]
        for _ in range(rounds)
    ]
    ratios = [b / a for a, b in turns]
    return {
        "ours_ms": round(1000 * statistics.median(a for a, _ in turns), 1),
        "theirs_ms": round(1000 * statistics.median(b for _, b in turns), 1),
        "ratio": round(statistics.median(ratios), 2),
        "lowest": round(min(ratios), 2),
        "highest": round(max(ratios), 2),
    }


def _seconds(step: Step, n: int) -> float:
    """An iteration, over n."""
    began = perf_counter()
    for _ in range(n):
        step()
    return (perf_counter() - began) / n


def _walk(steps: int) -> LangevinSpec:
    return LangevinSpec(steps=steps, step_size=STEP_SIZE)


def _ours(spec: TrainingSpec, data: Dataset, **changes: Any) -> Step:
    return Trainer(dataclasses.replace(spec, **changes), data).step


def _our_vae(spec: TrainingSpec, data: Dataset) -> Step:
    member = VAE(Trial(data, data.signals[:2], spec), 0)
    return lambda: list(member.alternation())


def _peer(folder: Path) -> Peer:
    """Its modules algorithms and models, with stand-ins for what only reports need."""
    sys.path.insert(0, str(folder))
    for name in ONLY_FOR_REPORTS:
        found = None
        with contextlib.suppress(ModuleNotFoundError, ValueError):
            found = importlib.util.find_spec(name)
        if found is None:
            sys.modules[name] = MagicMock(__spec__=ModuleSpec(name, None))
    return importlib.import_module("parem.algorithms"), importlib.import_module("parem.models")


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


def _stepping(algorithm: Any, data: Dataset) -> Step:
    """Its iterations over minibatches as large as ours."""
    draw = torch.Generator().manual_seed(0)

    def step() -> object:
        index = torch.randperm(len(data.signals), generator=draw)[:BATCH]
        return algorithm.step(data.signals[index], index)

    return step


def _theirs(peer: Peer, algorithm: str, spec: TrainingSpec, data: Dataset, **settings: Any) -> Step:
    """Iterations of one of its algorithms, on our generator."""
    algorithms, models = peer
    walk = {} if algorithm == "VI" else {"particle_step_size": STEP_SIZE**2 / 2, "lambd": 1e-2}
    return _stepping(
        getattr(algorithms, algorithm)(
            _with_our_generator(models, spec, data),
            _Rows(data.signals),
            theta_optimizer="adam",
            train_batch_size=BATCH,
            **walk,
            **settings,
        ),
        data,
    )


if __name__ == "__main__":
    arguments.run(main)
