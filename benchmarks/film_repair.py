"""Films that were not seen whole: how near what is recovered comes to what was hidden.

    python -m benchmarks.film_repair [--films NAME ...] [--hidden WHAT ...] [--seconds S]
    python -m benchmarks.film_repair --table

Of each film, at 128 x 128 pixels or as many, a part is hidden: every second frame, a gap of six,
the last six, a square of a quarter of its width for a third of the time, or 70 % of every frame in
blocks of 3 x 3. The mean difference from what was hidden, in per cent of the range, is that of the
mean over time of what was seen of a place, of a blend of the nearest frames that show it, of what
is expected before anything is learnt, of f(z) alone, and of what the Repair tab shows, which mixes
the two.
"""

import argparse
import json
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from abp_core.cli import arguments
from abp_core.data import datasets, masks
from abp_core.data.datasets import Dataset
from abp_core.observation import Occluded
from abp_core.presets import PRESETS
from abp_core.priors.motion.between import blend, mean_over_time
from abp_core.spec import TrainingSpec
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from benchmarks.films import VIDEOS
from benchmarks.report import RESULTS, THREADS, machine_facts

FILMS = ("waving_tree", "rotating_earth", "river_256", "palms_256")
HIDDEN = {
    "frames": "every second frame",
    "gap": "a gap of 6 frames",
    "end": "the last 6 frames",
    "square": "a square, a third of the time",
    "scattered": "70 % in blocks",
}
COLUMNS = ("mean", "blend", "expected", "f(z)", "recovered")
KEPT = RESULTS / "film_repair.json"


def main() -> int:
    args = _arguments()
    rows = json.loads(KEPT.read_text())["rows"] if KEPT.exists() else {}
    if not args.table:
        torch.set_num_threads(args.threads)
        for name in args.films:
            data, spec = datasets.load(VIDEOS / f"{name}.mp4", PRESETS[args.preset].training)
            for what in args.hidden:
                row = measure(data, spec, hide(what, data.signals), args.seconds)
                print(name, what, json.dumps(row), flush=True)
                rows.setdefault(name, {})[what] = {**row, "preset": args.preset}
                facts = {"machine": machine_facts(), "rows": rows}
                KEPT.write_text(json.dumps(facts, indent=1) + "\n")
    print(table(rows))
    return 0


def hide(what: str, x: Tensor) -> Tensor:
    """Masks (n, 1, h, w) of a film x (n, c, h, w), 1 where it is seen."""
    n, _, height, width = x.shape
    visible = torch.ones(n, 1, height, width)
    if what == "frames":
        visible[1 : n - 1 : 2] = 0
    elif what == "gap":
        visible[n // 2 - 3 : n // 2 + 3] = 0
    elif what == "end":
        visible[-6:] = 0
    elif what == "square":
        side = width // 4
        top, left = (height - side) // 2, (width - side) // 2
        visible[n // 3 : 2 * n // 3, :, top : top + side, left : left + side] = 0
    else:
        visible = masks.random_blocks(n, (height, width), 0.7, seed=0)
    return visible


def measure(data: Dataset, spec: TrainingSpec, visible: Tensor, seconds: float) -> dict[str, float]:
    """The errors of all, and how long a run takes to begin."""
    x, begun = data.signals, perf_counter()
    trainer = Trainer(spec, data, Occluded(visible))
    waited = perf_counter() - begun
    while trainer.seconds < seconds:
        trainer.step()
    with torch.inference_mode():
        made = sampling.generate(trainer.generator, trainer.z)
    expected, seen = trainer.expected, x * visible
    assert expected is not None
    films = (
        *(mean_over_time(seen, visible), blend(seen, visible), expected.film),
        *(made, expected.mix(made, visible)),
    )
    row = {name: _off(film, x, visible) for name, film in zip(COLUMNS, films, strict=True)}
    row["f(z) of what was seen"] = _off(made, x, 1 - visible)
    return row | {"seconds to begin": round(waited, 1), "iterations": trainer.iteration}


def table(rows: dict[str, Any]) -> str:
    """The kept rows in markdown."""
    lines = [f"| film | hidden | {' | '.join(COLUMNS)} |"]
    lines.append("|" + " --- |" * (2 + len(COLUMNS)))
    for name, kinds in rows.items():
        for what, row in kinds.items():
            cells = " | ".join(f"{row[column]:.2f}" for column in COLUMNS)
            lines.append(f"| {name} | {HIDDEN[what]} | {cells} |")
    return "\n".join(lines)


def _off(made: Tensor, x: Tensor, visible: Tensor) -> float:
    """In per cent of the range, over what was hidden."""
    hidden = (visible == 0).expand_as(x)
    return round(50 * float((made - x)[hidden].abs().mean()), 3)


def _arguments() -> argparse.Namespace:
    parser = arguments.Parser(
        prog="python -m benchmarks.film_repair", description="Films that were not seen whole."
    )
    parser.add_argument("--films", nargs="+", choices=FILMS, default=FILMS)
    parser.add_argument("--hidden", nargs="+", choices=list(HIDDEN), default=list(HIDDEN))
    parser.add_argument("--preset", choices=["quick-film", "film"], default="film")
    parser.add_argument("--seconds", type=arguments.number("The seconds", 0, 1e5), default=45.0)
    parser.add_argument("--threads", type=arguments.count("The threads", 1, 256), default=THREADS)
    parser.add_argument("--table", action="store_true", help="print what was kept, measure nothing")
    return parser.parse_args()


if __name__ == "__main__":
    arguments.run(main)
