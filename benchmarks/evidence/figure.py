"""docs/correctness.webp: bias against step size; posteriors beside what chains visited."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from benchmarks.evidence.grids import Grid


@dataclass(frozen=True, slots=True)
class Picture:
    """A posterior on a grid and what chains visited, in the same bins, (bins, bins)."""

    title: str
    grid: Grid
    visited: Tensor


def draw(biases: dict[str, Any], pictures: list[Picture], path: Path) -> None:
    """Bias against step size above; four posteriors beside what chains visited below."""
    figure = Figure(figsize=(12, 7.2), layout="constrained")
    axes = figure.subplot_mosaic("AAAABBBB;CDEFGHIJ", height_ratios=[1.6, 1])
    _draw_bias(axes["A"], biases["linear"], "linear model, stiffest direction")
    _draw_bias(axes["B"], biases["plane"], "trained model of two latents")
    for places, picture in zip(("CD", "EF", "GH", "IJ"), pictures, strict=True):
        _draw_picture([axes[place] for place in places], picture)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110)
    Image.open(written).convert("RGB").save(path, quality=88)


def _draw_bias(axes: Axes, rows: list[dict[str, float]], title: str) -> None:
    shares = np.array([row["share"] for row in rows])
    curve = np.linspace(0, 0.92, 200)
    theory = "Langevin, theory: $1 / (1 - s^2 h / 4)$" if "linear" in title else (
        "Langevin, were the posterior a Gaussian"
    )  # fmt: skip
    axes.plot(curve, 1 / (1 - curve**2), color="#4f46e5", lw=1.2, label=theory)
    for name, word, colour in (("langevin", "Langevin", "#4f46e5"), ("mala", "MALA", "#b45309")):
        axes.errorbar(
            shares,
            [row[name] for row in rows],
            yerr=[3 * row[f"{name}_error"] for row in rows],
            fmt="o" if name == "langevin" else "s",
            ms=5,
            capsize=3,
            color=colour,
            label=f"{word}, $\\pm 3$ standard errors",
        )
    axes.axhline(1, color="#6b7280", lw=0.8, ls=":")
    axes.set(
        title=title,
        xlabel="step size, as a share of the longest stable one",
        ylabel="variance, in the posterior's",
        yscale="log",
        xlim=(0, 0.95),
        ylim=(0.85, 12),
    )
    ticks = [1, 1.5, 2, 3, 5, 10]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="upper left", fontsize=9, frameon=False)


def _draw_picture(axes: list[Axes], picture: Picture) -> None:
    grid, bins = picture.grid, 32
    (left, bottom), (right, top) = grid.low.tolist(), grid.high.tolist()
    known = grid.binned(bins)[:-1].view(bins, bins).numpy()
    found = grid.histogram(picture.visited, bins)[:-1].view(bins, bins).numpy()
    for panel, shares, word in zip(axes, (known, found), ("grid", "chains"), strict=True):
        panel.imshow(
            shares.T,
            origin="lower",
            extent=(left, right, bottom, top),
            aspect="auto",
            cmap="viridis",
            vmin=0,
            vmax=known.max(),
        )
        panel.set_title(f"{picture.title.replace(', ', chr(10))}\n{word}", fontsize=8)
        panel.tick_params(labelsize=6)
