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
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from abp_core.data import datasets
from abp_core.device import this_machine
from abp_core.presets import PRESETS
from abp_core.spec import GeneratorSpec, TrainingSpec
from abp_core.trainer import Trainer
from benchmarks.report import BUNDLED, THREADS, keep

STEPS = ("langevin", "learning", "both", "iteration")
SIDE = 2048  # of the matrices of the product


class TextbookGenerator(nn.Module):
    """The network of a spec as it is usually written: fp32 and contiguous; a stack of
    nn.ConvTranspose1d or 2d."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.projection = spec.projection
        if spec.projection is not None:
            units = torch.Size(spec.projection).numel()
            self.opening = nn.Linear(spec.latent_shape[0], units)
        flat = len(spec.first_map) == 2
        transposed = nn.ConvTranspose1d if flat else nn.ConvTranspose2d
        widths = [spec.first_map[0], *spec.mixing, *spec.channels, spec.out_channels]
        strides = [1] * len(spec.mixing) + [spec.upsampling] * (len(spec.channels) + 1)
        layers: list[nn.Module] = []
        for (before, after), stride in zip(pairwise(widths), strides, strict=True):
            excess = spec.kernel_size - stride
            layers += [
                transposed(
                    before,
                    after,
                    spec.kernel_size,
                    stride,
                    padding=(excess + 1) // 2,
                    output_padding=excess % 2,
                ),
                nn.LeakyReLU(spec.leak) if spec.leak else nn.ReLU(),
            ]
        self.rectify = layers[-1]
        self.layers = nn.Sequential(*layers[:-1], nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        if self.projection is not None:
            z = self.rectify(self.opening(z)).view(len(z), *self.projection)
        x: Tensor = self.layers(z)
        return x


class TextbookTrainer:
    """Alternating back-propagation with .backward(), which makes every gradient every time."""

    def __init__(self, spec: TrainingSpec, signals: Tensor, sigma: float) -> None:
        torch.manual_seed(spec.seed)
        self.spec, self.signals, self.sigma = spec, signals, sigma
        self.generator = TextbookGenerator(spec.generator)
        self.optimiser = torch.optim.Adam(
            self.generator.parameters(), lr=spec.learning_rate, betas=(0.5, 0.999)
        )
        self.z = torch.randn(len(signals), *spec.generator.latent_shape)

    def draw(self) -> None:
        """The minibatch of the next iteration."""
        self.batch = torch.randperm(len(self.signals))[: self.spec.batch_size]
        self.y, self.here = self.signals[self.batch], self.z[self.batch]

    def langevin_step(self) -> None:
        """One move of the minibatch's chains."""
        s = self.spec.langevin.step_size
        z = self.here.clone().requires_grad_(True)
        energy = self._misfit(z) + z.square().sum() / 2
        energy.backward()
        self.here = z.detach() - s**2 / 2 * z.grad + s * torch.randn_like(z)

    def learning_step(self) -> float:
        """One optimiser step on the weights; returns the misfit."""
        self.optimiser.zero_grad()
        misfit = self._misfit(self.here) / len(self.batch)
        misfit.backward()
        self.optimiser.step()
        self.z[self.batch] = self.here
        return misfit.item()

    def _misfit(self, z: Tensor) -> Tensor:
        return (self.y - self.generator(z)).square().sum() / (2 * self.sigma**2)


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


def product_rate(a: Tensor) -> float:
    """Operations a second of a @ a."""
    start = perf_counter()
    a @ a
    return 2 * len(a) ** 3 / (perf_counter() - start)


def langevin_operations(textbook: TextbookTrainer) -> int:
    """That one Langevin step of the minibatch needs: f(z) and its gradient with respect to z."""
    textbook.draw()
    textbook.generator.requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        textbook.generator(textbook.here.clone().requires_grad_(True)).sum().backward()
    textbook.generator.requires_grad_(True)
    return counter.get_total_flops()


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
    operations = langevin_operations(textbook)
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
