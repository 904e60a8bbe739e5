"""An energy learnt in the space of pictures (Nijkamp, Hill, Han, Zhu and Wu 2020;
github.com/point0bar1/ebm-anatomy, MIT), of our descriptor's density.

Its script train_data.py runs as it stands, in a copy of its folder where its settings are written.
Its network, its set of pictures and what draws its reports are replaced.
"""

import contextlib
import json
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from torch import Tensor, nn
from torch.utils.data import TensorDataset

from abp_core.device import cpu
from abp_core.family.descriptor import DescriptorSpec
from abp_core.family.energies import bottom_up
from abp_core.family.field import RandomField
from abp_core.family.trial import Trial
from benchmarks.plugged.loops import Step, Stepped

SCRIPT = "train_data.py"
SETTINGS = Path("config_locker", "flowers_convergent.json")  # which the script reads
NEVER = 2**31 - 1


def stepping(folder: Path, trial: Trial, spec: DescriptorSpec, scratch: Path) -> Step:
    """Iterations of its script: as many persistent chains, pictures and moves as ours has. scratch:
    a folder to write to."""
    energy = _Energy(trial, spec)
    here = scratch / "ebm"
    shutil.copytree(folder, here, ignore=shutil.ignore_patterns("*.pdf", ".git"))
    _write_settings(here / SETTINGS, trial, spec, energy.step_size)
    sys.modules.update(_modules(energy, trial.data.signals))
    with contextlib.chdir(here):
        step = Stepped(lambda: runpy.run_path(SCRIPT), energy)
        step()  # only now is the first iteration's report over
    return step


class _Energy(nn.Module):
    """Our U, times s^2 / 2: in such units its moves take the gradient as it is."""

    def __init__(self, trial: Trial, spec: DescriptorSpec) -> None:
        super().__init__()
        reference = spec.field.reference * trial.data.deviation
        self.inner = bottom_up(trial, reference, 0)
        self._field = RandomField(self.inner, trial.data.signals, cpu(), spec.field)
        self.step_size = self._field.walk.step_size

    def forward(self, x: Tensor) -> Tensor:
        return self._field.energy(x) * (self.step_size**2 / 2)


def _write_settings(path: Path, trial: Trial, spec: DescriptorSpec, step_size: float) -> None:
    """Its own settings, but for what is to be as ours."""
    changed = {
        "data": "cifar10",
        "num_train_iters": 10**6,
        "batch_size": spec.chains,
        "im_sz": trial.size[0],
        "im_ch": trial.data.signals.shape[1],
        "data_epsilon": 0.0,
        "net_type": "vanilla",
        "optimizer_type": "adam",
        "lr_init": spec.field.rate,
        "lr_min": 0.0,
        "epsilon": step_size,
        "num_shortrun_steps": spec.field.steps,
        "shortrun_init": "persistent",
        "log_freq": NEVER,
        "log_longrun": False,
    }
    path.write_text(json.dumps(json.loads(path.read_text()) | changed), encoding="utf-8")


def _modules(energy: nn.Module, signals: Tensor) -> dict[str, Any]:
    """What its script imports beside torch."""
    vision, nets = MagicMock(), MagicMock()
    vision.datasets.CIFAR10.return_value = TensorDataset(signals)
    nets.VanillaNet.return_value = energy
    return {
        "torchvision": vision,
        "torchvision.datasets": vision.datasets,
        "torchvision.transforms": vision.transforms,
        "nets": nets,
        "utils": MagicMock(),
    }
