"""The figures of a comparison as a table that spreadsheets read."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import get_args

from abp_core.family.comparison import Comparison
from abp_core.family.methods import METHODS, Ability
from abp_core.family.verdict import Figures


def to_csv(comparison: Comparison, rows: Mapping[str, Figures]) -> str:
    """A line a method, by its name; empty where it does not know a figure."""
    text = io.StringIO()
    lines = [_line(comparison, name, figures) for name, figures in rows.items()]
    writer = csv.DictWriter(text, list(lines[0]) if lines else ["method"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _line(comparison: Comparison, name: str, figures: Figures) -> dict[str, object]:
    member, method, told = comparison.members[name], METHODS[name], asdict(figures)
    held, own = told.pop("energies") or ("", "")
    known = {key: "" if value is None else value for key, value in told.items()}
    return {
        "method": method.title,
        **known,
        "energy of held-back data": held,
        "energy of samples": own,
        "seconds": round(member.seconds, 1),
        "iterations": member.iteration,
        "parameters": member.parameters,
        **{ability: "yes" if ability in method.can else "no" for ability in get_args(Ability)},
    }
