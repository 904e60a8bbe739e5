"""What an iteration costs, against the number of examples, the latent's size and the signal's.

    python -m benchmarks.scaling

Every size is trained for some iterations, in turns with the others of its row. Time is the median
of an iteration's; memory is how far the process rose above its level before, at most, while it
trained. Writes results/scaling.json and docs/scaling.webp.
"""

import argparse
import dataclasses
import io
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from abp_core.data.datasets import Dataset, Source
from abp_core.presets import PRESETS
from abp_core.spec import TrainingSpec
from abp_core.trainer import Trainer
from benchmarks.report import ROOT, THREADS, keep

PLOT = ROOT / "docs" / "scaling.webp"
BASE = dataclasses.replace(PRESETS["quick-texture"].training, sample_loss_rate=0.0, batch_size=8)


def of_examples(n: int) -> TrainingSpec:
    return dataclasses.replace(BASE, examples=n)


def of_channels(channels: int) -> TrainingSpec:
    generator = dataclasses.replace(BASE.generator, latent_shape=(channels, 8, 8))
    return dataclasses.replace(BASE, generator=generator)


def of_side(side: int) -> TrainingSpec:
    generator = dataclasses.replace(BASE.generator, latent_shape=(16, side // 16, side // 16))
    return dataclasses.replace(BASE, generator=generator)


# What varies: its words, its sizes, and the settings for each.
ROWS: dict[str, tuple[list[int], Callable[[int], TrainingSpec]]] = {
    "examples": ([16, 64, 256, 1024], of_examples),
    "latent channels": ([4, 16, 64, 256], of_channels),
    "pixels along a side": ([64, 128, 256, 384], of_side),
}


def trainer(spec: TrainingSpec) -> Trainer:
    """A run on noise, which costs what any data costs."""
    draw = torch.Generator().manual_seed(0)
    signals = torch.randn(spec.examples, *spec.generator.signal_shape, generator=draw) / 4
    return Trainer(spec, Dataset(signals, Source(kind="texture", name="noise")))


def peak_bytes() -> int:
    """The process's highest resident memory since `begin_peak` (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("VmHWM")


def begin_peak() -> int:
    """Lets the highest resident memory begin anew, and returns it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return peak_bytes()


def measure(sizes: list[int], settings: Callable[[int], TrainingSpec], turns: int) -> list[Any]:
    """One row: for each size milliseconds an iteration and working memory in MB."""
    runs = [trainer(settings(size)) for size in sizes]
    seconds: list[list[float]] = [[] for _ in sizes]
    risen = [0 for _ in sizes]
    for turn in range(turns + 1):
        for place, run in enumerate(runs):
            before = begin_peak()
            event = run.step()
            if turn:  # the first chooses kernels and fills caches
                seconds[place].append(event.seconds)
                risen[place] = max(risen[place], peak_bytes() - before)
    return [
        {"size": size, "ms": round(1000 * statistics.median(s), 2), "mb": round(m / 1e6, 1)}
        for size, s, m in zip(sizes, seconds, risen, strict=True)
    ]


def draw(table: dict[str, Any]) -> None:
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    for axes, (words, rows) in zip(figure.subplots(1, len(table)), table.items(), strict=True):
        sizes = np.array([row["size"] for row in rows], dtype=float)
        if words.startswith("pixels"):
            sizes, words = sizes**2, "pixels"
        axes.plot(sizes, [row["ms"] for row in rows], "o-", color="#4f46e5")
        axes.set(xlabel=words, ylabel="ms an iteration", ylim=(0, None), xlim=(0, None))
        memory = axes.twinx()
        memory.plot(sizes, [row["mb"] for row in rows], "s--", color="#b45309")
        most = max(200.0, 1.1 * max(row["mb"] for row in rows))  # the allocator keeps a few MB
        memory.set(ylabel="working memory, MB", ylim=(0, most))
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=120)
    Image.open(written).save(PLOT, quality=85)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=10, help="iterations of each size")
    args = parser.parse_args()
    torch.set_num_threads(THREADS)
    table = {}
    for words, (sizes, settings) in ROWS.items():
        table[words] = rows = measure(sizes, settings, args.turns)
        for row in rows:
            print(f"{words:22} {row['size']:6} {row['ms']:9.1f} ms {row['mb']:8.1f} MB", flush=True)
    draw(table)
    print("kept in", keep("scaling", {"rows": table}).name, "and", PLOT.relative_to(ROOT))


if __name__ == "__main__":
    main()
