"""Sets of aligned pictures to measure on: some of the bundled ones, the Olivetti faces where they
are at hand, or any other."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from abp_core.data import datasets
from abp_core.data.datasets import Dataset
from abp_core.errors import Refusal
from abp_core.presets import PRESETS
from benchmarks.report import EXAMPLES, ROOT

BUNDLED = {
    "toon_faces": EXAMPLES / "objects" / "toon_faces_64.npz",
    "ankle_boot": EXAMPLES / "objects" / "ankle_boot_32.npz",
    "sneaker": EXAMPLES / "objects" / "sneaker_32.npz",
}
OLIVETTI = ROOT.parent / "shared" / "data" / "research" / "olivetti_64x64.npz"
HOW_TO_GET_OLIVETTI = (
    "The Olivetti faces may be measured on but not passed on, so they are not here; save them with "
    "scikit-learn as numpy.savez('olivetti_64x64.npz', images=(sklearn.datasets."
    "fetch_olivetti_faces().images * 255).astype('uint8')) and name that file with --data."
)
HELD_BACK = 5  # one picture in so many is kept from training, as by the yardsticks
OLIVETTI_TEST = 100  # of 400, as in the 300 to 100


@dataclass(frozen=True, slots=True)
class PictureSet:
    """signals (n, c, side, side) in [-1, 1]."""

    name: str
    data: Dataset

    @property
    def signals(self) -> Tensor:
        return self.data.signals

    @property
    def side(self) -> int:
        return self.signals.shape[-1]

    def split(self) -> tuple[Tensor, Tensor]:
        """Training and test pictures."""
        n = len(self.signals)
        order = torch.from_numpy(np.random.default_rng(0).permutation(n))
        held = OLIVETTI_TEST if self.name.startswith("olivetti") else max(2, n // HELD_BACK)
        return self.signals[order[held:]], self.signals[order[:held]]


def chosen(path: Path | None, names: list[str] | None) -> list[PictureSet]:
    """The set at `path`, or those of `names`, or all at hand. Raises Refusal, FileRejected."""
    if path:
        return [_read(path.stem, path)]
    wanted = names or ["olivetti", *BUNDLED]
    if names is None and not OLIVETTI.exists():
        print(HOW_TO_GET_OLIVETTI, flush=True)
        wanted.remove("olivetti")
    return [_read(name, _place(name)) for name in wanted]


def _place(name: str) -> Path:
    if name == "olivetti":
        if not OLIVETTI.exists():
            raise Refusal(HOW_TO_GET_OLIVETTI)
        return OLIVETTI
    if name not in BUNDLED:
        raise Refusal(f"There is no set {name} here; name its file with --data.")
    return BUNDLED[name]


def _read(name: str, path: Path) -> PictureSet:
    dataset, _ = datasets.load(path, PRESETS["objects"].training, name=name)
    return PictureSet(name, dataset)
