"""The figures of a comparison as a table that spreadsheets read."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import get_args

from abp_core.family.comparison import Comparison
from abp_core.family.methods import METHODS, Ability
from abp_core.family.verdict import DATA, Figures


def to_csv(
    comparison: Comparison, rows: Mapping[str, Figures], energies: Mapping[str, Mapping[str, float]]
) -> str:
    """A line a method, by its name; empty where it does not know a figure. energies: of those who
    know it, what they think of the samples of each, and at last of the data."""
    text = io.StringIO()
    lines = [_line(comparison, name, figures) for name, figures in rows.items()]
    lines += [{"method": "the data"}] if energies else []
    for who, told in energies.items():
        for line, name in zip(lines, [*rows, DATA], strict=True):
            line[f"energy by {METHODS[who].title}"] = told.get(name, "")
    writer = csv.DictWriter(text, list(lines[0]) if lines else ["method"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _line(comparison: Comparison, name: str, figures: Figures) -> dict[str, object]:
    member, method = comparison.members[name], METHODS[name]
    known = {key: "" if value is None else value for key, value in asdict(figures).items()}
    return {
        "method": method.title,
        **known,
        "seconds": round(member.seconds, 1),
        "iterations": member.iteration,
        "parameters": member.parameters,
        **{ability: "yes" if ability in method.can else "no" for ability in get_args(Ability)},
    }
