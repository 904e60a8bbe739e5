"""What the three tables of the paper's experiments share: arguments, errors, kept results."""

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from abp_core.cli import arguments
from benchmarks.picture_sets import BUNDLED
from benchmarks.report import RESULTS, THREADS, machine_facts

Errors = dict[str, float]
RECALLED = "recalled, other data"  # the paper's own figures, which were not read from its text


def table_arguments(
    name: str, about: str, rows: list[str], minutes: float, *, runs: int = 0, curve: bool = False
) -> argparse.Namespace:
    """The command line of `python -m benchmarks.NAME`."""
    parser = arguments.Parser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--data", type=Path, help="an aligned set of pictures of your own")
    parser.add_argument(
        "--sets", nargs="+", help=f"of olivetti, {', '.join(BUNDLED)} (default: all at hand)"
    )
    parser.add_argument("--rows", nargs="+", choices=rows, default=rows, help="default: all")
    parser.add_argument(
        "--minutes",
        type=arguments.number("The minutes", 0, 10_000),
        default=minutes,
        help=f"of training for each row (default {minutes:g})",
    )
    parser.add_argument(
        "--seed", type=arguments.seed, default=0, help="of the training (default 0)"
    )
    parser.add_argument("--threads", type=arguments.count("The threads", 1, 256), default=THREADS)
    parser.add_argument(
        "--results", type=Path, default=RESULTS / f"{name}.json", help="where rows are kept"
    )
    parser.add_argument(
        "--table", action="store_true", help="print the kept rows in markdown, measure nothing"
    )
    if runs:
        parser.add_argument(
            "--runs",
            type=arguments.count("The runs", 1, 100),
            default=runs,
            help=f"independent ones that share a row's minutes (default {runs})",
        )
    if curve:
        parser.add_argument(
            "--curve", action="store_true", help="measure as training goes on, and draw it"
        )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    return args


def errors(made: Tensor, truth: Tensor, counted: Tensor | None = None) -> Errors:
    """Mean absolute and root mean square difference as shares of the range of pixel values, over
    the entries where `counted` (broadcast to the pictures) is 1, or over all."""
    difference = (made - truth) / 2  # signals lie in [-1, 1]
    weights = torch.ones(()) if counted is None else counted
    weights = weights.expand_as(difference)
    total = weights.sum()
    return {
        "absolute": float((difference.abs() * weights).sum() / total),
        "squared": float(((difference.square() * weights).sum() / total).sqrt()),
    }


def against(ours: Errors, others: dict[str, Errors], kind: str) -> tuple[str, float]:
    """The best of the others by that kind of error, and ours as a multiple of it."""
    best = min(others, key=lambda name: others[name][kind])
    return best, ours[kind] / others[best][kind]


def keep(path: Path, name: str, label: str, row: dict[str, Any]) -> dict[str, Any]:
    """Merges a row into the results by set and label; the file is read anew, since another run may
    have written to it. Returns the row as it was kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = read(path)
    row = json.loads(json.dumps(row), parse_float=lambda text: float(f"{float(text):.4g}"))
    kept.setdefault(name, {})[label] = row | {"machine": machine_facts()}
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return row


def read(path: Path) -> dict[str, Any]:
    """All rows that were kept, by set and label."""
    kept: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
    return kept


def markdown(heads: list[str], rows: list[list[str]]) -> str:
    """A table; figures are written as .0571, as the paper writes them."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figure(value: float | None, digits: int = 4) -> str:
    """.0571 for 0.0571; nothing for None."""
    text = "" if value is None else f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def pair(found: Errors | None) -> str:
    """absolute / root mean square."""
    return "" if found is None else f"{figure(found['absolute'])} / {figure(found['squared'])}"


def finish(done: dict[str, Any]) -> int:
    """The last line of the output: one JSON object."""
    print(json.dumps(done), flush=True)
    return 0
