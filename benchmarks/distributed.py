"""Whether several processes train the run that one trains, how much faster, and what they tell.

    python -m benchmarks.distributed [--ranks 1 2] [--turns 3] [--iterations 12]

Numbers of processes take turns, each started by torchrun with one thread a process, or on cards
with one card a process. Of every preset are told:
- equality: the largest distance between the weights, and between the latents, of n processes and
  of one after the same iterations, as a share of their norm; and as a yardstick the same of
  one process whose first weights were moved by a rounding error of float32;
- efficiency: how many times faster than one, for each process; the median of the turns' ratios;
- bytes that every process hands over to be summed, an iteration.

At last, what a million faces would take on eight H100, by calculation: see ESTIMATE.
"""

import argparse
import dataclasses
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.device import Machine, this_machine
from abp_core.presets import PRESETS
from abp_core.ranks import joined
from abp_core.spec import TrainingSpec
from abp_core.trainer import Trainer
from benchmarks.report import BUNDLED, ROOT, keep

RUNS = ("objects", "texture")
ROUNDING = 6e-8  # of float32, of a number
# Of the calculation: nothing of it was measured. speed: operations a second that a card keeps up,
# a tenth of its 989e12 in dense bfloat16 (here convolutions reach a quarter of the machine's
# product, and small ones on a card less). launch: seconds that a call takes at least where the
# iteration is no captured graph. link: bytes a second between cards, one way (NVLink). round:
# seconds that each of four collectives takes at least. disk: bytes a second, for all cards.
ESTIMATE = {
    "cards": 8,
    "faces": 1_000_000,
    "minibatch": 1024,
    "visits": 100,
    "speed": 0.1 * 989e12,
    "launch": 5e-6,
    "link": 450e9,
    "round": 50e-6,
    "disk": 2e9,
}


def train(preset: str, iterations: int, folder: Path, nudged: bool) -> None:
    """As one of the processes that torchrun started: the first leaves a checkpoint and the median
    seconds of an iteration in `folder`. nudged: from first weights moved by a rounding error."""
    torch.set_num_threads(1)
    # bfloat16 may hide what is to be compared.
    machine = Machine(this_machine().device, torch.float32)
    with joined() as ranks:
        data, spec = datasets.load(BUNDLED[preset], PRESETS[preset].training)
        going = Trainer(spec, data, machine=machine, ranks=ranks)
        if nudged:
            draw = torch.Generator().manual_seed(1)
            weights = {
                name: weight * (1 + ROUNDING * torch.randn(weight.shape, generator=draw))
                for name, weight in going.checkpoint().weights.items()
            }
            going = Trainer(spec, data, machine=machine, weights=weights)
        events = list(going.steps(iterations))
        if ranks.first:
            name = "nudged" if nudged else str(ranks.size)
            going.checkpoint().save(folder / f"{name}.safetensors")
            seconds = statistics.median(event.seconds for event in events[2:])  # kernels are chosen
            (folder / f"{name}.json").write_text(json.dumps(seconds), encoding="utf-8")


def launch(preset: str, n: int, iterations: int, folder: Path, nudged: str = "") -> float:
    """Trains by n processes; the median seconds of an iteration."""
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n}"]
    words += [
        "-m",
        "benchmarks.distributed",
        "--train",
        preset,
        str(iterations),
        str(folder),
        nudged,
    ]
    quiet = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    subprocess.run(words, cwd=ROOT, check=True, env=os.environ | quiet)
    seconds: float = json.loads((folder / f"{nudged or n}.json").read_text(encoding="utf-8"))
    return seconds


def distance(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm().clamp(min=1e-12))


def handed_over(spec: TrainingSpec, weights: int, minibatch: int) -> int:
    """Bytes an iteration that a process hands over: the gradient of W, and that of the loss of
    samples; the latents of the minibatch; sums for the metric and the figures; a flag."""
    channels, *extent = spec.generator.latent_shape
    moved = [min(spec.window, n) if spec.window else n for n in extent]
    latents = minibatch * channels * math.prod(moved)
    moments = spec.generator.latent_shape[0] ** 2 if spec.langevin.preconditioned else 0
    gradients = weights * (2 if spec.sample_loss_rate else 1)
    return 4 * (gradients + latents + moments + 4 + spec.langevin.steps) + 8


def compare(preset: str, numbers: list[int], turns: int, iterations: int) -> dict[str, Any]:
    """One preset by every number of processes in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds: dict[int, list[float]] = {n: [] for n in numbers}
        for _ in range(turns):
            for n in numbers:
                seconds[n].append(launch(preset, n, iterations, folder))
        launch(preset, 1, iterations, folder, "nudged")
        names = ["nudged", *map(str, numbers)]
        saved = {name: Checkpoint.load(folder / f"{name}.safetensors") for name in names}
    one = saved["1"]
    weights = sum(weight.numel() for weight in one.weights.values())
    apart = {
        name: {
            "weights_apart": max(distance(each.weights[k], w) for k, w in one.weights.items()),
            "latents_apart": distance(each.latents, one.latents),
        }
        for name, each in saved.items()
    }
    rows = {}
    for n in numbers:
        ratios = [alone / n / many for alone, many in zip(seconds[1], seconds[n], strict=True)]
        rows[str(n)] = {
            "ms": round(1000 * statistics.median(seconds[n]), 1),
            "efficiency": round(statistics.median(ratios), 3),
            **apart[str(n)],
        }
    told = handed_over(one.spec, weights, one.spec.batch_size)
    return {"ranks": rows, "nudged": apart["nudged"], "bytes": told, "weights": weights}


class _Calls(TorchDispatchMode):
    """Counts what is asked of the device."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def operations(spec: TrainingSpec) -> tuple[float, int]:
    """Floating-point operations of an iteration for each example of it, without the loss of
    samples, whose cost does not grow with the minibatch; and how many calls an iteration takes."""
    n = 32
    draw = torch.Generator().manual_seed(0)
    signals = torch.randn(n, *spec.generator.signal_shape, generator=draw) / 4
    spec = dataclasses.replace(spec, sample_loss_rate=0.0, batch_size=n, examples=n)
    data = datasets.Dataset(signals, datasets.Source(kind="objects", name="noise"))
    going = Trainer(spec, data, machine=Machine(torch.device("cpu"), torch.float32))
    with FlopCounterMode(display=False) as counter:
        going.step()
    with _Calls() as calls:
        going.step()
    return counter.get_total_flops() / n, calls.count


def estimate(weights: int) -> dict[str, float]:
    """What ESTIMATE comes to with the `objects` preset's network: at least, where the iteration is
    a captured graph and all data stays in memory; at most, where neither is so."""
    given, spec = ESTIMATE, PRESETS["objects"].training
    (each, calls), d = operations(spec), spec.generator.latent_shape[0]
    per_card = given["minibatch"] / given["cards"]
    second_loss = 16 * 3 * each / spec.langevin.steps  # its samples, on every card alike
    whitening = 4 * d**2 * given["faces"]  # of all latents, every iteration, on every card alike
    compute = (per_card * each + second_loss + whitening) / given["speed"]
    ring = 2 * (given["cards"] - 1) / given["cards"]
    told = handed_over(spec, weights, int(given["minibatch"]))
    talk = ring * told / given["link"] + 4 * given["round"]
    read = given["minibatch"] * 4 * 3 * 64 * 64 / given["disk"]
    launched = max(compute, calls * given["launch"])
    iterations = given["visits"] * given["faces"] / given["minibatch"]
    return {
        "gigaflop_an_example": round(each / 1e9, 2),
        "ms_computing": round(1000 * compute, 2),
        "ms_talking": round(1000 * talk, 2),
        "ms_reading_from_disk": round(1000 * read, 2),
        "iterations": round(iterations),
        "ms_launching_without_a_graph": round(1000 * calls * given["launch"], 2),
        "hours_at_least": round(iterations * (compute + talk) / 3600, 2),
        "hours_at_most": round(iterations * (launched + talk + read) / 3600, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2], help="beside 1")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=12)
    parser.add_argument("--train", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.train:
        preset, iterations, folder, nudged = args.train
        train(preset, int(iterations), Path(folder), bool(nudged))
        return
    numbers = sorted({1, *args.ranks})
    runs = {name: compare(name, numbers, args.turns, args.iterations) for name in RUNS}
    for name, run in runs.items():
        print(f"{name}: {run['bytes'] / 1e6:.2f} MB an iteration from every process")
        for n, row in run["ranks"].items():
            print(
                f"  {n} processes {row['ms']:9.1f} ms  efficiency {row['efficiency']:.2f}  "
                f"weights apart {row['weights_apart']:.1e}  latents {row['latents_apart']:.1e}"
            )
        print("  one, nudged:", run["nudged"])
    faces = estimate(runs["objects"]["weights"])
    print("a million faces on eight H100, calculated:", faces)
    results = {"runs": runs, "assumed": ESTIMATE, "calculated": faces}
    print("kept in", keep("distributed", {"iterations": args.iterations, **results}).name)


if __name__ == "__main__":
    main()
