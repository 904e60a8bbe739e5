"""What of the shipped sounds lies below hearing, and whether a slider moves their mean.

    python -m benchmarks.rumble                       # of the shipped sounds
    python -m benchmarks.rumble --folder FOLDER       # of others of the same names
    python -m benchmarks.rumble --as-made             # of f(z), before it is made fit to be heard
    python -m benchmarks.rumble --table               # the kept rows in markdown

Prints for each sound how much of its energy lies below 20 Hz: of the file that it learnt from, of
what is rebuilt from its latents, of three samples, of one by the paper's prior, and of what the
Explore tab plays with a slider at either end, the worst of all; then the largest mean of any of
these, a share of its peak, and how loud the samples are above 40 Hz, beside the file in decibels.
"""

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data import sounds
from abp_core.evaluation.sound import share_below
from abp_core.priors.fields import Drawn
from abp_core.priors.normal import Normal
from abp_core.synthesis import sampling, sounding
from abp_core.zoo import catalogue
from abp_core.zoo.yardsticks.common import SEEDS
from benchmarks.report import RESULTS, ROOT, keep
from demo.explore.latent_points import latent_map, view_of
from demo.explore.points import Point
from demo.explore.view import Explored, Explorer
from demo.models.collection import model_of

HEARING, AUDIBLE = 20.0, 40.0  # hertz, below and above which energy is counted
SECONDS = 10
END = 3.0  # deviations, where a slider ends
COLUMNS = ("original", "rebuilt", "drawn", "paper", "sliders", "mean", "loudness_db")

Row = dict[str, float]


def main() -> None:
    args = _arguments()
    if args.table:
        print(table(json.loads((RESULTS / "rumble.json").read_text())["sounds"]))
        return
    rows = {}
    for entry in catalogue.read_entries(ROOT / "checkpoints"):
        if entry.kind == "sound" and (not args.only or entry.name in args.only):
            saved = Checkpoint.load(args.folder / entry.file)
            rows[entry.name] = row = measure(saved, ROOT / entry.data, as_made=args.as_made)
            print(f"{entry.name:14}", *(f"{key} {row[key]:.2g} " for key in COLUMNS), flush=True)
    if not args.as_made and not args.only:
        keep("rumble", {"sounds": rows})


def measure(saved: Checkpoint, path: Path, *, as_made: bool = False) -> Row:
    """The shares and levels of one sound. path: of the file that it learnt from. as_made: of f(z)
    itself."""
    rate, generator = saved.source.sample_rate, saved.generator()

    def heard(signal: Tensor) -> Tensor:
        return signal if as_made else sounding.audible(signal, rate)

    def made(prior: Normal | None, seed: int) -> Tensor:
        latents = (prior or saved.prior()).map(seed)
        frames = SECONDS * rate
        if as_made:
            return sampling.generate_field(generator, latents, (frames,))[0]
        return sounding.draw(generator, latents, frames, rate)

    samples, own = sounds.read_sound(path)
    original = torch.from_numpy(soxr.resample(samples, own, rate).astype(np.float32))[None]
    drawn = [made(None, seed) for seed in SEEDS]
    rebuilt = heard(sampling.generate(generator, saved.latents)[0])
    paper = made(Normal(saved.spec.generator.latent_shape), 0)
    explored = [heard(signal) for signal in at_both_ends(saved)]
    played = [rebuilt, *drawn, paper, *explored]
    return {
        "original": share_below(original, rate, HEARING),
        "rebuilt": share_below(rebuilt, rate, HEARING),
        "drawn": max(share_below(x, rate, HEARING) for x in drawn),
        "paper": share_below(paper, rate, HEARING),
        "sliders": max(share_below(x, rate, HEARING) for x in explored),
        "mean": max(float(x.mean().abs() / x.abs().max()) for x in played),
        "loudness_db": np.mean([level(x / saved.source.gain, rate) for x in drawn]).item()
        - level(original, rate),
    }


def at_both_ends(saved: Checkpoint) -> Iterator[Tensor]:
    """What the Explore tab makes of seed 0 with each of its sliders at either end, (1, length)."""
    model = model_of(saved, "file", key="", path="")
    explored: Explored = Explorer().of(model)
    view = view_of(model)
    for slider in range(explored.number):
        for end in (-END, END):
            moves = (*(math.nan for _ in range(slider)), end)
            latents: Drawn = latent_map(model, explored.found, Point(seed=0, moves=moves))
            yield sampling.piece(model.generator, latents, (0,), view)[0]


def level(signal: Tensor, rate: int) -> float:
    """Of what is heard, in decibels."""
    share = 1 - share_below(signal, rate, AUDIBLE)
    return 10 * math.log10(float(signal.double().square().mean()) * share)


def table(rows: dict[str, Row]) -> str:
    """In markdown: shares in per cent, the mean in thousandths of the peak."""
    head = "| sound | original | rebuilt | drawn | paper | sliders | mean | loudness |"
    lines = [head, "| --- |" + " ---: |" * len(COLUMNS)]
    for name, row in rows.items():
        shares = " | ".join(f"{100 * row[key]:.2f} %" for key in COLUMNS[:5])
        rest = f"{1000 * row['mean']:.2f} | {row['loudness_db']:+.2f} dB"
        lines.append(f"| {name.replace('_', ' ')} | {shares} | {rest} |")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Energy below hearing of the shipped sounds.")
    parser.add_argument("--folder", type=Path, default=ROOT / "checkpoints")
    parser.add_argument("--only", nargs="*", default=[], help="sounds, by name")
    parser.add_argument("--as-made", action="store_true", help="of f(z); nothing is kept")
    parser.add_argument("--table", action="store_true", help="print the kept rows")
    return parser.parse_args()


if __name__ == "__main__":
    main()
