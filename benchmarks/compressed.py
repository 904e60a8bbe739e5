"""Experiment 6 of the paper: learning from pictures seen only through random projections.

    python -m benchmarks.compressed                           # every set at hand, every row
    python -m benchmarks.compressed --sets toon_faces --rows d60 --minutes 10
    python -m benchmarks.compressed --table                   # the kept rows in markdown

Every picture is seen through the same K projections with entries N(0, .5^2): K = 1000 for pictures
of 64 x 64, in colour (12,288 entries) or grey (4,096); K = 250 for 32 x 32 in grey (1,024), as 1000
would all but tell the picture. All pixels of the first COUNTED pictures are counted.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from abp_core.cli import arguments
from abp_core.observation import Compressed
from abp_core.trainer import Trainer
from benchmarks import classical, learning, picture_sets, tables
from benchmarks.picture_sets import PictureSet
from benchmarks.tables import Errors

ROWS = {"d20": 20, "d60": 60, "d100": 100}
RECALLED = {"d20": 0.0795, "d60": 0.0617, "d100": 0.0625}
TARGET = 0.8  # of the best of the others
SIGMA, STEPS = 0.3, 3
COUNTED = 40  # pictures that the errors are taken over: total variation takes seconds for each
TUNED = 4  # of them, on which its weight is chosen
PROJECTIONS = {64: 1000, 32: 250}  # by the pictures' side
SHARE = 0.244  # of a grey picture's entries, for any other side
ITERATIONS, PICTURES = 600 * 10, 1000  # of the paper: 600 epochs of batches of 100


def main() -> int:
    about = "Learn from random projections of pictures, recover the pictures."
    args = tables.table_arguments("compressed", about, list(ROWS), 10.0, runs=4)
    if args.table:
        print(table(tables.read(args.results)))
        return tables.finish(tables.read(args.results))
    done: dict[str, Any] = {}
    for pictures in picture_sets.chosen(args.data, args.sets):
        observation = seen_through(pictures)
        others = yardsticks(pictures, observation, [ROWS[label] for label in args.rows])
        for label in args.rows:
            row = measured(pictures, observation, ROWS[label], args.minutes, args.runs, args.seed)
            row["others"] = {name: others[name] for name in ("total variation", "smooth")}
            row["others"]["PPCA"] = others[f"PPCA {ROWS[label]}"]
            done.setdefault(pictures.name, {})[label] = tables.keep(
                args.results, pictures.name, label, row
            )
            print(pictures.name, label, _line(row), flush=True)
    return tables.finish(done)


def seen_through(pictures: PictureSet) -> Compressed:
    k = PROJECTIONS.get(pictures.side, round(SHARE * pictures.side**2))
    return Compressed.random(k, tuple(pictures.signals.shape[1:]), seed=0)


def yardsticks(
    pictures: PictureSet, observation: Compressed, dimensions: list[int]
) -> dict[str, Errors]:
    """What the others make of the projections, for every d of the linear model."""
    x = pictures.signals
    count, shape = min(COUNTED, len(x)), tuple(x.shape[1:])
    y = observation.measure(x, torch.arange(len(x)))
    projection = observation.projection

    def found(made: Tensor) -> Errors:
        return tables.errors(made.view(-1, *shape)[: len(made)], x[: len(made)])

    def varied(weight: float, some: int) -> Tensor:
        return torch.stack(
            [classical.total_variation(one, projection, shape, weight) for one in y[:some]]
        )

    # Its weight is chosen by the truth, in its favour: no other is told so much.
    weight = min(classical.TV_WEIGHTS, key=lambda weight: found(varied(weight, TUNED))["absolute"])
    others = {
        "total variation": found(varied(weight, count)),
        "smooth": found(classical.smooth_linear(y[:count], projection, shape)),
    }
    for d in dimensions:
        made = classical.principal_components(y, projection, d)
        others[f"PPCA {d}"] = found(made[:count])
    return others


def measured(
    pictures: PictureSet, observation: Compressed, d: int, minutes: float, runs: int, seed: int
) -> dict[str, Any]:
    """Our errors over all pixels."""
    x = pictures.signals
    count = min(COUNTED, len(x))
    spec = learning.settings(pictures.data, d=d, sigma=SIGMA, steps=STEPS)

    def trainer(seed: int) -> Trainer:
        return Trainer(replace(spec, seed=seed), pictures.data, observation)

    made = learning.over_runs(learning.recovered, trainer, count, minutes, runs=runs, seed=seed)
    return {
        "ours": tables.errors(made.mean, x[:count]),
        "one run": tables.errors(made.one, x[:count]),
        "one run, last state": tables.errors(made.last, x[:count]),
        "runs": runs,
        "projections": len(observation.projection),
        "entries": observation.projection.shape[1],
        "pictures": len(x),
        "sigma": spec.sigma,
        "minutes": made.seconds / 60,
        "iterations": made.iterations,
    }


def _line(row: dict[str, Any]) -> str:
    best, ratio = tables.against(row["ours"], row["others"], "absolute")
    return f"ours {tables.pair(row['ours'])}, best {best} x{ratio:.2f}"


def table(kept: dict[str, Any]) -> str:
    """Errors are mean absolute / root mean square, over all pixels, range 1."""
    heads = ["set", "row", "K of entries", "ours", "one run", "total variation", "smooth",
             "PPCA", "x best",
             "target", "shortened"]  # fmt: skip
    rows = []
    for name, labels in kept.items():
        for label in [label for label in ROWS if label in labels]:
            row = labels[label]
            ratios = [
                tables.figure(tables.against(row["ours"], row["others"], kind)[1], 2)
                for kind in ("absolute", "squared")
            ]
            rows.append(
                [
                    name,
                    f"d = {ROWS[label]}",
                    f"{row['projections']} of {row['entries']:,}",
                    tables.pair(row["ours"]),
                    tables.pair(row["one run"]),
                    *(
                        tables.pair(row["others"][other])
                        for other in ("total variation", "smooth", "PPCA")
                    ),
                    " / ".join(ratios),
                    tables.figure(TARGET, 1),
                    f"{row['pictures']} pictures of {PICTURES:,}; {row['runs']} run(s), together "
                    f"{row['minutes']:.1f} min and "
                    f"{row['iterations']:,} iterations of {ITERATIONS:,}",
                ]
            )
    for label, absolute in RECALLED.items():
        recalled = [f"paper ({tables.RECALLED})", f"d = {ROWS[label]}", "1000 of 12,288",
                    tables.figure(absolute)]  # fmt: skip
        rows.append(recalled + [""] * (len(heads) - len(recalled)))
    return tables.markdown(heads, rows)


if __name__ == "__main__":
    arguments.run(main)
