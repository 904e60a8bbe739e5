"""What several processes train together, and one alone beside them.

    torchrun --standalone --nproc-per-node 3 -m tests.ranked FOLDER ITERATIONS

Trains every case, from FOLDER/CASE.safetensors where that is there, and keeps it there.
"""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from abp_core.checkpoint import Checkpoint
from abp_core.data.datasets import Dataset
from abp_core.errors import Refusal
from abp_core.observation import Observation, Occluded
from abp_core.ranks import ALONE, Ranks, joined
from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from tests.tiny import FP32, NETWORKS, dataset, training, whole_dataset, whole_training

METRIC = LangevinSpec(steps=3, step_size=0.8, acceptance=0.6, preconditioned=True)
SHORT = LangevinSpec(steps=3, step_size=0.02)
WILD = LangevinSpec(steps=8, step_size=10.0)
FACE = GeneratorSpec(
    latent_shape=(6,),
    projection=(8, 8, 8),
    channels=(8,),
    kernel_size=5,
    upsampling=2,
    out_channels=3,
    leak=0.2,
)
Case = tuple[TrainingSpec, Dataset, Observation | None]


def _set(network: GeneratorSpec, **changes: object) -> Case:
    return training(network, **changes), dataset(network), None


def _occluded() -> Case:
    network = NETWORKS["texture"]
    draw = torch.Generator().manual_seed(0)
    visible = (torch.rand(10, 1, *network.signal_shape[1:], generator=draw) > 0.5).float()
    return training(network, batch_size=5), dataset(network), Occluded(visible)


CASES: dict[str, Callable[[], Case]] = {
    "as in the paper": lambda: _set(NETWORKS["objects"], batch_size=10),
    "uneven": lambda: _set(NETWORKS["texture"], batch_size=7),
    "fewer than processes": lambda: _set(NETWORKS["sound"], batch_size=1),
    "with a metric": lambda: _set(NETWORKS["objects"], batch_size=8, langevin=METRIC),
    "maps with a metric": lambda: _set(NETWORKS["texture"], langevin=METRIC),
    "standardised": lambda: _set(NETWORKS["objects"], langevin=METRIC, standardised=True),
    "loss of samples": lambda: _set(FACE, sample_loss_rate=1e-3, batch_size=8, langevin=SHORT),
    "occluded": _occluded,
    "windows": lambda: (whole_training("texture", batch_size=3), whole_dataset("texture"), None),
    "one window": lambda: (whole_training("sound"), whole_dataset("sound"), None),
    "lost": lambda: _set(NETWORKS["objects"], langevin=WILD),
}


def train(case: str, folder: Path, iterations: int, ranks: Ranks = ALONE) -> None:
    """Trains a case for so many iterations, from where `folder` has it, and keeps it there with
    what was told of it."""
    path, (spec, data, observation) = folder / f"{case}.safetensors", CASES[case]()
    if path.exists():
        going = Trainer.resume(Checkpoint.load(path), data, machine=FP32, ranks=ranks)
    else:
        going = Trainer(spec, data, observation, machine=FP32, ranks=ranks)
    events = [dataclasses.asdict(event) for event in going.steps(iterations)]
    _require_same(going, ranks)
    if ranks.first:
        going.checkpoint().save(path)
        path.with_suffix(".json").write_text(json.dumps(events), encoding="utf-8")


def _require_same(going: Trainer, ranks: Ranks) -> None:
    """All processes hold the same bits."""
    for name, tensor in going.checkpoint().tensors().items():
        everywhere = ranks.gather(tensor.float()[None], ranks.size)
        assert all(torch.equal(other, tensor.float()) for other in everywhere), name


def _require_one_refusal(ranks: Ranks) -> None:
    """The last two refuse; the first of these raises it, all others end as silently as it must."""
    words = ""
    try:
        with ranks.refusing_together():
            if ranks.rank >= ranks.size - 2:
                raise Refusal(f"Refused by {ranks.rank}.")
    except Refusal as refusal:
        words = str(refusal)
    except SystemExit as end:
        words = f"code {end.code}"
    speaker = max(ranks.size - 2, 0)
    assert words == (f"Refused by {speaker}." if ranks.rank == speaker else "code 2")


def main() -> None:
    folder, iterations = Path(sys.argv[1]), int(sys.argv[2])
    with joined() as ranks:
        assert [*range(10)[ranks.part(10)]], "ten are enough for all"
        _require_one_refusal(ranks)
        for case in CASES:
            train(case, folder, iterations, ranks)


if __name__ == "__main__":
    main()
