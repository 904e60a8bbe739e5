"""What a texture model explains of a part of the photograph that it never saw.

    python -m benchmarks.held_back [--name ...] [--iterations 1000 3000] [--threads N] [--float32]

Trains on the upper three quarters of each bundled photograph; then infers the latents of the lower
quarter, STEPS Langevin steps from a draw of the model's own prior. Prints, and keeps in
results/held_back.json, the explained share of the variance of both: of what was learnt by the
latents as training left them, of what was held back by those that were inferred.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.data import datasets
from abp_core.data.pack import read_pack
from abp_core.device import Machine, this_machine
from abp_core.evaluation.halves import without_repeat
from abp_core.langevin import infer
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior
from abp_core.presets import PRESETS
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from abp_core.zoo.yardsticks.common import (
    explained_variance,
    whole_signal_spec,
)
from benchmarks.report import EXAMPLES, keep

STEPS = 200
WIDEST = 256  # pixels of the held-back part, along a side


def main() -> None:
    parser = argparse.ArgumentParser(description="Explained variance of what was held back.")
    parser.add_argument("--name", nargs="+", help="of the bundled textures (default: all)")
    parser.add_argument("--iterations", type=int, nargs="+", default=[1000])
    parser.add_argument("--float32", action="store_true", help="chains in float32 as well")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    machine = Machine(torch.device("cpu"), torch.float32) if args.float32 else this_machine()
    name = "held_back-float32" if args.float32 else "held_back"
    rows: dict[str, object] = {}
    for item in read_pack(EXAMPLES):
        if item.kind == "texture" and (not args.name or item.path.stem in args.name):
            rows[item.path.stem] = row = measure(item.path, sorted(args.iterations), machine)
            print(f"{item.path.stem:16}", row, flush=True)
            keep(name, rows)


def measure(path: Path, iterations: list[int], machine: Machine) -> dict[str, dict[str, float]]:
    """By the number of iterations: seconds of training, and both shares. A photograph that shows
    everything twice is cut to its upper half before."""
    side = datasets.LARGEST_PICTURE
    (whole,) = datasets.load(path, whole_signal_spec(1, side, side))[0].signals
    (pixels,) = sampling.pixels(without_repeat(whole)[None])
    cut = len(pixels) * 3 // 4
    dataset, spec = datasets.from_picture(pixels[:cut], PRESETS["texture"].training, name=path.stem)
    below = pixels[cut:, :WIDEST]
    held = torch.from_numpy(np.array(below[..., : dataset.signals.shape[1]]))
    y = held.permute(2, 0, 1)[None].float() / 127.5 - 1
    unit = spec.generator.enlargement
    y = y[..., : y.shape[2] // unit * unit, : y.shape[3] // unit * unit]
    trainer, found = Trainer(spec, dataset, machine=machine), {}
    for n in iterations:
        for _ in trainer.steps(n - trainer.iteration):
            pass
        with torch.inference_mode():
            learnt = trainer.generator.interior(trainer.z).float()
        found[str(n)] = {
            "seconds": round(trainer.seconds, 1),
            "learnt": round(explained_variance(dataset.signals, learnt), 4),
            "held back": round(explained_variance(y, inferred(trainer, y)), 4),
        }
    return found


def inferred(trainer: Trainer, y: Tensor) -> Tensor:
    """f(z) of a picture y (1, c, h, w) after STEPS steps from a draw of the learnt prior."""
    generator, reach = trainer.generator, trainer.spec.generator.reach
    unit = trainer.spec.generator.enlargement
    size = tuple(n // unit + 2 * reach for n in y.shape[2:])
    start = trainer.prior().map(0).part((0, 0), size)[None]
    noise = chain_noise(
        seed=0, sweep=1, index=torch.tensor([0]), steps=STEPS, shape=start.shape[1:]
    )
    posterior = Posterior(generator.interior, Full(), y, torch.tensor([0]), trainer.sigma, lot=0)
    walk = dataclasses.replace(trainer.spec.langevin.at(trainer.step_size), steps=STEPS)
    z = infer(posterior.energy, start, noise, walk, Preconditioner.of(trainer.curvature))
    with torch.inference_mode():
        made: Tensor = generator.interior(z)
    return made


if __name__ == "__main__":
    main()
