"""One Langevin step and one learning step, ours against a plainly written textbook loop, and
against what this machine's own large matrix product does in the same time.

    python -m benchmarks.kernels

All learn the same network from the same data in one process, in turns (ours, textbook, product,
ours, ...), so that a noisy machine disturbs them alike; figures are medians of the turns' ratios.
"""

import argparse
import dataclasses
import statistics
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter
from typing import Any

import torch

from abp_core.data import datasets
from abp_core.device import this_machine
from abp_core.presets import PRESETS
from abp_core.trainer import Trainer
from benchmarks.operations import of_langevin_step, product_rate
from benchmarks.report import BUNDLED, THREADS, keep
from benchmarks.textbook import TextbookTrainer

STEPS = ("langevin", "learning", "both", "iteration")
SIDE = 2048  # of the matrices of the product


@dataclass
class Times:
    """Seconds of each turn: a Langevin step (the mean of the turn's walk), the learning step, one
    of each, and the whole iteration."""

    langevin: list[float] = field(default_factory=list)
    learning: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)
    iteration: list[float] = field(default_factory=list)

    def add(self, walk: list[float], learning: float) -> None:
        self.langevin.append(statistics.fmean(walk))
        self.learning.append(learning)
        self.both.append(statistics.fmean(walk) + learning)
        self.iteration.append(sum(walk) + learning)


def time_ours(trainer: Trainer, times: Times) -> None:
    """One iteration of ours. Drawing the minibatch and its noise counts as Langevin time."""
    marks = [perf_counter()]
    marks += [perf_counter() for _ in trainer.alternation()]
    seconds = [after - before for before, after in pairwise(marks)]
    times.add(seconds[:-1], seconds[-1])


def time_textbook(trainer: TextbookTrainer, times: Times) -> None:
    """One iteration of the textbook's."""
    marks = [perf_counter()]
    trainer.draw()
    for _ in range(trainer.spec.langevin.steps):
        trainer.langevin_step()
        marks.append(perf_counter())
    trainer.learning_step()
    marks.append(perf_counter())
    seconds = [after - before for before, after in pairwise(marks)]
    times.add(seconds[:-1], seconds[-1])


def compare(preset: str, turns: int) -> dict[str, Any]:
    """Median seconds of both and the median of their ratios, by kind of step."""
    path = BUNDLED[preset.removeprefix("quick-")]
    dataset, spec = datasets.load(path, PRESETS[preset].training)
    spec = dataclasses.replace(spec, sample_loss_rate=0.0)  # the textbook gives none
    ours = Trainer(spec, dataset)
    textbook = TextbookTrainer(spec, dataset.signals, ours.sigma)
    for _ in range(2):  # kernels are chosen and caches filled
        time_ours(ours, Times())
        time_textbook(textbook, Times())
    operations = of_langevin_step(spec, ours.chains)
    square = torch.randn(SIDE, SIDE).to(ours.machine.fast)
    product_rate(square)
    mine, theirs, rates = Times(), Times(), []
    for _ in range(turns):
        time_ours(ours, mine)
        time_textbook(textbook, theirs)
        rates.append(product_rate(square))
    shares = [operations / s / rate for s, rate in zip(mine.langevin, rates, strict=True)]
    table: dict[str, Any] = {
        "data": path.name,
        "turns": turns,
        "gigaflops": round(statistics.median(operations / s / 1e9 for s in mine.langevin)),
        "product_gigaflops": round(statistics.median(rates) / 1e9),
        "share_of_product": round(statistics.median(shares), 3),
    }
    for step in STEPS:
        a, b = getattr(mine, step), getattr(theirs, step)
        table[step] = {
            "ours_ms": round(1000 * statistics.median(a), 2),
            "textbook_ms": round(1000 * statistics.median(b), 2),
            "times_faster": round(statistics.median(t / o for o, t in zip(a, b, strict=True)), 2),
        }
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=15, help="iterations of each, per preset")
    parser.add_argument("--presets", nargs="+", default=["texture", "sound", "objects"])
    args = parser.parse_args()
    torch.set_num_threads(THREADS)
    precision = str(this_machine().fast).removeprefix("torch.")
    print(f"{THREADS} threads; ours computes chains in {precision}, the textbook in float32")
    print(f"{'preset':14} {'step':10} {'ours ms':>9} {'textbook ms':>12} {'times faster':>13}")
    tables = {}
    for preset in args.presets:
        tables[preset] = table = compare(preset, args.turns)
        for step in STEPS:
            row = table[step]
            print(
                f"{preset:14} {step:10} {row['ours_ms']:9.1f} {row['textbook_ms']:12.1f}"
                f" {row['times_faster']:13.2f}",
                flush=True,
            )
        print(
            f"{preset:14} a Langevin step runs at {table['gigaflops']} GFLOP/s, "
            f"{table['share_of_product']:.0%} of a matrix product's {table['product_gigaflops']}",
            flush=True,
        )
    print("kept in", keep("kernels", {"chain_precision": precision, "presets": tables}).name)


if __name__ == "__main__":
    main()
