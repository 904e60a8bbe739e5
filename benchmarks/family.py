"""All methods on the same data for as many seconds each, and what became of them.

    python -m benchmarks.family [--data NAME ...] [--methods NAME ...] [--seconds S] [--seeds N]
    python -m benchmarks.family --table

Trains every method on every data set on two threads, one after the other, measures it as the
studio's table does (abp_core/family/verdict.py), and merges the rows into results/family.json. What
is there for as many seconds is not measured again, so that it can be broken off and go on. Where
all methods of a data set were measured in one go, their pictures go to docs/results/: a row a
method. The faces of CelebA are measured where they are at hand, and never shown.
"""

import argparse
import dataclasses
import json
from itertools import product
from statistics import fmean, stdev
from time import perf_counter
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from abp_core.cli import arguments
from abp_core.evaluation.spectrogram import FULL_SCALE, spectrogram
from abp_core.family.comparison import Comparison
from abp_core.family.methods import METHODS, why_not
from abp_core.family.trial import Trial, load_trial
from abp_core.family.verdict import Yardstick
from abp_core.synthesis import sampling
from benchmarks.report import EXAMPLES, RESULTS, ROOT, THREADS, machine_facts

CELEBA = ROOT.parent / "shared" / "data" / "research" / "celeba_faces_64.npz"
DATA = {
    **{
        name: EXAMPLES / "textures" / f"{name}.jpg"
        for name in ("pebbles", "brick_gray", "leaf_litter", "roof_tiles")
    },
    **{name: EXAMPLES / "sounds" / f"{name}.flac" for name in ("stream", "tabla", "clock")},
    **{
        name: EXAMPLES / "objects" / f"{name}.npz"
        for name in ("toon_faces_64", "noto_people_64", "ankle_boot_32", "sneaker_32")
    },
    "celeba_faces_64": CELEBA,
}
HIDDEN = {"celeba_faces_64"}  # may be measured on, not shown
KEPT = RESULTS / "family.json"
SHEETS = ROOT / "docs" / "results"
SIDE = 128  # pixels along a tile of a sheet
SHOWN = 16  # pictures of a set
NOTHING = "-"  # of a method that has no such figure
FIGURES = ("reconstruction", "features", "copied", "diversity")


def main() -> int:
    args = _arguments()
    rows = json.loads(KEPT.read_text())["rows"] if KEPT.exists() else {}
    if args.table:
        print(table(rows))
        return 0
    torch.set_num_threads(THREADS)
    for seed, name in product(range(args.seeds), args.data):
        if not DATA[name].exists():
            print(f"{name} is not at hand and is left out.", flush=True)
            continue
        trial, tiles = load_trial(DATA[name]), {}
        yardstick = Yardstick.of(trial)
        known = rows.setdefault(name, {})
        asked = [name for name in args.methods or METHODS if not why_not(name, trial.kind)]
        for method in asked:
            found = [row for row in known.get(method, []) if row["budget"] == args.seconds]
            if any(row["seed"] == seed for row in found):
                continue
            row, tiles[method] = measure(trial, yardstick, method, seed, args.seconds)
            print(name, method, json.dumps(row), flush=True)
            known[method] = [*found, row]
            KEPT.write_text(json.dumps({"machine": machine_facts(), "rows": rows}, indent=1) + "\n")
        if 0 < len(tiles) == len(asked) and name not in HIDDEN:
            sheet(trial, tiles).save(SHEETS / f"family-{name}.webp", quality=62, method=6)
    return 0


def measure(
    trial: Trial, yardstick: Yardstick, method: str, seed: int, seconds: float
) -> tuple[dict[str, Any], list[Tensor]]:
    """A method after so many seconds: its figures, and samples and rebuilt signals to be seen."""
    comparison = Comparison(trial, [method], seed)
    for _ in comparison.moves(seconds):
        pass
    member = comparison.members[method]
    begun = perf_counter()
    figures = dataclasses.asdict(yardstick.judge(member))
    n = SHOWN if trial.kind == "objects" else 1
    pictures = [member.sample(n, 1, trial.size)]
    rebuilt = member.rebuild(trial.held[:n])
    pictures += [] if rebuilt is None else [rebuilt]
    return {
        "seed": seed,
        "budget": seconds,
        **figures,
        "iterations": member.iteration,
        "seconds": round(member.seconds, 2),
        "parameters": member.parameters,
        "to judge": round(perf_counter() - begun, 1),
        "diverged": comparison.told[method].diverged,
    }, pictures


def sheet(trial: Trial, tiles: dict[str, list[Tensor]]) -> Image.Image:
    """A row a method: its name, samples, and what was held back as it rebuilds it; first of all the
    data."""
    n = SHOWN if trial.kind == "objects" else 1
    rows = {"the data, and what was held back": [trial.data.signals[:n], trial.held[:n]]}
    rows |= {METHODS[name].title: pictures for name, pictures in tiles.items()}
    strip = 16
    whole = Image.new("RGB", (2 * SIDE + 8, len(rows) * (SIDE + strip)), "white")
    pen = ImageDraw.Draw(whole)
    for k, (title, pictures) in enumerate(rows.items()):
        pen.text((2, k * (SIDE + strip) + 2), title, fill="black")
        for column, signals in enumerate(pictures):
            place = (column * (SIDE + 8), k * (SIDE + strip) + strip)
            whole.paste(_tile(trial, signals), place)
    return whole


def _tile(trial: Trial, signals: Tensor) -> Image.Image:
    if trial.kind == "sound":
        rate = trial.data.source.sample_rate
        pixels = spectrogram(signals[0], rate, (SIDE, SIDE), loudest=FULL_SCALE)
        return Image.fromarray(np.asarray(pixels))
    columns = 4 if trial.kind == "objects" else 1
    pixels = sampling.contact_sheet(sampling.pixels(signals), columns)
    picture = Image.fromarray(pixels[: min(pixels.shape[:2]), : min(pixels.shape[:2])])
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def table(rows: dict[str, Any]) -> str:
    """The kept rows in markdown, a table a figure: means over the seeds and their deviation."""
    lines = []
    for figure in FIGURES:
        lines += [f"\n**{figure}**\n", f"| method | {' | '.join(rows)} |"]
        lines.append("|" + " --- |" * (len(rows) + 1))
        for method in METHODS:
            found = [[row[figure] for row in data.get(method, [])] for data in rows.values()]
            cells = list(map(_mean, found))
            if any(cell != NOTHING for cell in cells):
                lines.append(f"| {METHODS[method].title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return NOTHING
    return " ± ".join(
        np.format_float_positional(round(value, 6), digits, fractional=False, trim="-")
        for value, digits in ((fmean(known), 2), (stdev(known) if len(known) > 1 else 0.0, 1))
    )


def _arguments() -> argparse.Namespace:
    parser = arguments.Parser(prog="python -m benchmarks.family", description="All methods.")
    parser.add_argument("--data", nargs="+", choices=list(DATA), default=list(DATA))
    parser.add_argument("--methods", nargs="+", choices=list(METHODS))
    parser.add_argument("--seconds", type=arguments.number("The seconds", 0, 1e5), default=60.0)
    parser.add_argument("--seeds", type=arguments.count("The seeds", 1, 100), default=3)
    parser.add_argument("--table", action="store_true", help="print what was kept, measure nothing")
    return parser.parse_args()


if __name__ == "__main__":
    arguments.run(main)
