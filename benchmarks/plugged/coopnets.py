"""CoopNets (Xie, Lu, Gao and Wu 2018; github.com/FANG-Xiaolin/pytorch-CoopNets, which has
no licence of its own) on our generator and descriptor.

Its whole training loop runs, `CoopNets.train`, for one epoch without an end, so that its reports
are never made. Its networks for cifar, its reading of files and its calls for a card are replaced.
"""

import importlib
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from abp_core.family.cooperative import INFERRING, CooperativeSpec
from abp_core.family.energies import BottomUp, bottom_up
from abp_core.family.trial import Trial
from abp_core.generator import Generator
from benchmarks.plugged.loops import Step, Stepped, stand_in

ONLY_FOR_REPORTS = (
    "cv2",
    "scipy",
    "scipy.io",
    "PIL",
    "torchvision",
    "torchvision.transforms",
)
EXAMPLES = 2**40  # of the epoch without an end
STEP_SIZE_OF_LATENTS = 0.1  # its step in latents, which has no metric


def load(folder: Path) -> Any:
    """Its module model, of the folder that holds the package model."""
    sys.path.insert(0, str(folder))
    stand_in(ONLY_FOR_REPORTS)
    return importlib.import_module("model.model")


def stepping(peer: Any, trial: Trial, spec: CooperativeSpec, scratch: Path) -> Step:
    """Iterations of its loop: as many chains, signals and moves as ours has. scratch: a folder to
    write to."""
    network, deviation = trial.spec.generator, trial.data.deviation
    reference = spec.field.reference * deviation
    z_size = network.latent_shape[0]
    generator = _Proposing(Generator(network, seed=0))
    generator.inner.start_at(trial.data.signals.mean((0, 2, 3)), deviation)
    descriptor = _Features(bottom_up(trial, reference, 0), z_size)
    peer.Generator_cifar = lambda _: generator
    peer.Descriptor_cifar = lambda _: descriptor
    peer.DataSet = lambda *_, **__: _Endless(trial.data.signals)
    cooperative = peer.CoopNets(_options(trial, spec, z_size, str(scratch)))

    def loop() -> None:
        with patch.object(Tensor, "cuda", lambda self: self):
            cooperative.train()

    return Stepped(loop, generator)


def _options(trial: Trial, spec: CooperativeSpec, z_size: int, scratch: str) -> Namespace:
    """As its command line reads them."""
    field, deviation = spec.field, trial.data.deviation
    reference = field.reference * deviation
    return Namespace(
        set="cifar",
        img_size=trial.size[0],
        z_size=z_size,
        nRow=1,
        nCol=spec.proposals,
        batch_size=spec.proposals,
        num_epoch=1,
        log_epoch=1,
        with_noise=True,
        data_path=scratch,
        category="",
        output_dir=scratch,
        ckpt_dir=scratch,
        ckpt_des=None,
        ckpt_gen=None,
        sigma_des=reference,
        langevin_step_num_des=field.steps,
        langevin_step_size_des=field.step_size * reference,
        lr_des=field.rate,
        beta1_des=0.5,
        sigma_gen=trial.spec.sigma * deviation,
        langevin_step_num_gen=INFERRING.steps,
        langevin_step_size_gen=STEP_SIZE_OF_LATENTS,
        lr_gen=spec.rate,
        beta1_gen=0.5,
    )


class _OnTheCPU(nn.Module):
    """A network that stays where it is."""

    def cuda(self, *_: Any, **__: Any) -> Any:
        return self


class _Proposing(_OnTheCPU):
    """Our f of its latents (n, c, 1, 1)."""

    def __init__(self, inner: Generator) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, z: Tensor) -> Tensor:
        x: Tensor = self.inner(z.flatten(1))
        return x


class _Features(_OnTheCPU):
    """Our F (n,) as features (n, n_features) whose sum it is, which its loop asks for."""

    def __init__(self, inner: BottomUp, n_features: int) -> None:
        super().__init__()
        self.inner, self._n = inner, n_features

    def forward(self, x: Tensor) -> Tensor:
        f: Tensor = self.inner(x)
        return (f / self._n).unsqueeze(1).expand(-1, self._n)


class _Endless:
    """Slices of a set (n, c, h, w) that begins anew wherever it ends."""

    def __init__(self, signals: Tensor) -> None:
        self._signals = signals

    def __len__(self) -> int:
        return EXAMPLES

    def __getitem__(self, wanted: slice) -> npt.NDArray[np.float32]:
        rows = torch.arange(wanted.start, wanted.stop) % len(self._signals)
        found: npt.NDArray[np.float32] = self._signals[rows].numpy()
        return found
