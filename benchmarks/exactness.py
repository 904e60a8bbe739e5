"""Whether a run is the same run, bit for bit, when it is interrupted, reordered or split.

    python -m benchmarks.exactness

For each quick preset on bundled data, with chains in float32 and in bfloat16 (emulated, with the
same results to expect, where the CPU has none):
- resume: 40 iterations against 17, a checkpoint on disk, and 23 more; SHA-256 of all tensors;
- order, of a set: the same chains walked with their examples in another order in the batch;
- split, of a set: the same chains walked all at once and in batches of 1, 3, 5 and the rest.
"""

import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.device import Machine
from abp_core.langevin import infer
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior
from abp_core.presets import PRESETS
from abp_core.trainer import Trainer
from benchmarks.report import BUNDLED, THREADS, keep

BEFORE, AFTER = 17, 23
CHAINS = 16


def sha256(saved: Checkpoint) -> str:
    """Of every tensor of a run, with its name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(saved.tensors().items()):
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def walk(trainer: Trainer, y: Tensor, batches: Sequence[Tensor]) -> Tensor:
    """Where the chains of all batches of the examples y (n, ...) end after one walk, in the order
    of the examples."""
    spec, twin = trainer.spec, trainer.machine.chain_copy(trainer.generator)
    ends = torch.empty(CHAINS, *spec.generator.latent_shape)
    for index in batches:
        noise = chain_noise(
            seed=spec.seed,
            sweep=1,
            index=index,
            steps=spec.langevin.steps,
            shape=spec.generator.latent_shape,
        )
        posterior = Posterior(twin, Full(), y[index], index, trainer.sigma)
        preconditioner = trainer.checkpoint().preconditioner()
        ends[index] = infer(
            posterior.energy, trainer.z[index], noise, spec.langevin, preconditioner
        )
    return ends


def examine(preset: str, machine: Machine, folder: Path) -> dict[str, Any]:
    """The three comparisons for one preset and precision."""
    kind = preset.removeprefix("quick-")
    dataset, spec = datasets.load(BUNDLED[kind], PRESETS[preset].training)
    through = Trainer(spec, dataset, machine=machine)
    for _ in through.steps(BEFORE):
        pass
    through.checkpoint().save(folder / "part.safetensors")
    for _ in through.steps(AFTER):
        pass
    resumed = Trainer.resume(Checkpoint.load(folder / "part.safetensors"), dataset, machine=machine)
    for _ in resumed.steps(AFTER):
        pass
    hashes = sha256(through.checkpoint()), sha256(resumed.checkpoint())

    found: dict[str, Any] = {
        "sha256_uninterrupted": hashes[0],
        "sha256_resumed": hashes[1],
        "resume": hashes[0] == hashes[1],
    }
    if spec.window:  # one chain, which is alone
        return found
    y, everyone = dataset.signals, torch.arange(CHAINS)
    together = walk(through, y, [everyone])
    shuffled = torch.randperm(CHAINS, generator=torch.Generator().manual_seed(1))
    parts = everyone.split([1, 3, 5, CHAINS - 9])
    return found | {
        "order": torch.equal(walk(through, y, [shuffled]), together),
        "split": torch.equal(walk(through, y, parts), together),
    }


def main() -> int:
    torch.set_num_threads(THREADS)
    print(f"{THREADS} threads; {BEFORE} + {AFTER} = {BEFORE + AFTER} iterations, {CHAINS} chains")
    runs: dict[str, Any] = {}
    for preset in ("quick-texture", "quick-sound", "quick-objects"):
        for precision in (torch.float32, torch.bfloat16):
            name = f"{preset}, {str(precision).removeprefix('torch.')}"
            with tempfile.TemporaryDirectory() as folder:
                machine = Machine(torch.device("cpu"), precision)
                runs[name] = examine(preset, machine, Path(folder))
            made = {what: runs[name][what] for what in CHECKS if what in runs[name]}
            words = [f"{what}: {'equal' if same else 'DIFFERENT'}" for what, same in made.items()]
            print(f"{name:26}", "  ".join(words), f" sha256 {runs[name]['sha256_resumed'][:12]}")
    print("kept in", keep("exactness", {"iterations": BEFORE + AFTER, "runs": runs}).name)
    return int(not all(run.get(what, True) for run in runs.values() for what in CHECKS))


CHECKS = ("resume", "order", "split")

if __name__ == "__main__":
    sys.exit(main())
