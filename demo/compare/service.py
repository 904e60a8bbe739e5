"""The orders of the Compare tab: look at a file, begin, and take home or use what was learnt."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.data.atomic import open_atomically
from abp_core.data.datasets import Dataset
from abp_core.family import file
from abp_core.family.comparison import Comparison
from abp_core.family.member import Member
from abp_core.family.methods import METHODS, why_not
from abp_core.family.trial import load_trial
from abp_core.spec import Kind
from demo import limits
from demo.compare.run import WHY_NOT, ComparisonRun
from demo.compare.sheet import draw_sheet
from demo.errors import Rejected, translate_disk_errors, translate_errors
from demo.models.collection import Model, model_of
from demo.models.downloads import model_file, slug
from demo.runs.columns import DATA, Column
from demo.runs.current import Current
from demo.runs.saved_runs import RunRecipe
from demo.studio import Studio

TASK = "compare"
GONE = "There is no comparison any more; please press Compare to begin one."
NOT_BEGUN = "This method has not begun yet; please try again in a moment."
KINDS = {"texture": "a picture", "sound": "a sound", "objects": "a set of pictures"}


def list_methods() -> list[dict[str, Any]]:
    """Each method as the page tells of it. not_for: why it cannot take data of a kind, by kinds;
    nothing of those that it can."""
    return [
        {
            "name": name,
            "title": method.title,
            "sentence": method.sentence,
            "equation": method.equation,
            "source": method.source,
            "curve": method.curve,
            "can": sorted(method.can),
            "not_for": {kind: why for kind in get_args(Kind) if (why := why_not(name, kind))},
        }
        for name, method in METHODS.items()
    ]


class Comparisons:
    """Several methods on the same data."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self.runs = studio, studio.runs

    def inspect(self, path: str) -> tuple[str, str]:
        """The kind of an uploaded file and a sentence about it. Raises Rejected."""
        with translate_errors():
            kind = datasets.kind_of(Path(path))
            trial = load_trial(Path(path))
        return kind, f"{Path(path).name}: {KINDS[kind]}. {trial.data.remarks}".strip()

    def start(
        self, token: str, *, item: str, upload: str, names: Sequence[str], minutes: float
    ) -> None:
        """Begins a comparison on an item of the pack, or on an upload if one is named. minutes: of
        each method. Raises Rejected."""
        self._studio.visit(token)
        _require_minutes(minutes)
        names = _known(names)
        path, name = self._studio.find_data(item, upload)
        with translate_errors():  # here, so that a refusal leaves the earlier run alone
            kind = datasets.kind_of(path)
            for each in names:
                if why := why_not(each, kind):
                    raise Rejected(f"{METHODS[each].title}: {why}")
            run = ComparisonRun(Comparison(load_trial(path, name=name), names), 60 * minutes)
        recipe = RunRecipe(task=TASK, name=name, kind=kind, path=path, own=bool(upload))
        self.runs.begin(token, run, minutes, recipe)

    def hold(self, token: str, label: str, minutes: float) -> None:
        """What the button says: Pause, Resume, or anything else to go on. Raises Rejected."""
        if label not in ("Pause", "Resume"):
            _require_minutes(minutes)
        self.runs.hold(token, label, minutes, TASK)

    def stop(self, token: str) -> None:
        """Ends the comparison, if there is one; then all are measured. Raises Rejected."""
        self.runs.stop(token, TASK)

    def use(self, token: str, name: str) -> Model:
        """Makes what a method has learnt the page's current model. Raises Rejected."""

        def question(run: ComparisonRun) -> tuple[Checkpoint | None, Dataset]:
            member = _member(run, name)
            return member.checkpoint(), member.trial.data

        saved, data = self.runs.ask(token, TASK, question)
        if saved is None:
            raise Rejected(f"{METHODS[name].title} cannot be used in the other tabs. {WHY_NOT}")
        key = f"{TASK}-{name}-{saved.iteration}-{token[-6:]}"
        path = model_file(saved.source.name, saved)
        model = model_of(saved, "run", key=key, path=path, learnt_from=data)
        self._studio.visit(token).choose(token, Current(model))
        return model

    def take_model(self, token: str, name: str) -> str:
        """Path of a method as it stands, in a file. Raises Rejected."""

        def question(run: ComparisonRun) -> bytes:
            return file.content(name, _member(run, name))

        content = self.runs.ask(token, TASK, question)
        return self._write(token, f"{name}.safetensors", content)

    def take_table(self, token: str) -> str:
        """Path of what the methods were measured by, as CSV. Raises Rejected."""
        rows = io.StringIO()
        writer = csv.writer(rows)
        writer.writerow(
            [
                "method",
                "iterations",
                "seconds",
                "parameters",
                "reconstruction error (share of range)",
                "feature distance (floors)",
                "copied (share)",
                "diversity (share of the data's)",
                "samples",
                "inference",
                "likelihood bound",
                "incomplete data",
            ]
        )
        for column in self._columns(token):
            method, figures = METHODS[column.name], column.figures
            numbers = [
                "" if (value := figures.get(key)) is None else f"{value:.6g}"
                for key in ("reconstruction", "features", "copied", "diversity")
            ]
            marks = [
                "yes" if each in method.can else "no"
                for each in ("samples", "inference", "bound", "incomplete")
            ]
            about = [column.iteration, f"{column.seconds:.1f}", column.parameters]
            writer.writerow([method.title, *about, *numbers, *marks])
        return self._write(token, "table.csv", rows.getvalue().encode())

    def take_sheet(self, token: str) -> str:
        """Path of all pictures side by side, as a PNG. Raises Rejected."""
        titles = {name: method.title for name, method in METHODS.items()} | {DATA: "The data"}
        return self._write(token, "sheet.png", draw_sheet(self._columns(token, data=True), titles))

    def _columns(self, token: str, *, data: bool = False) -> list[Column]:
        """Those of the visitor's comparison, and that of the data if asked. Raises Rejected."""
        live = self.runs.live(token, TASK)
        columns = live.columns if live else ()
        if not columns:
            raise Rejected(GONE)
        return [column for column in columns if data or column.name != DATA]

    def _write(self, token: str, ending: str, content: bytes) -> str:
        """Path of a file for the visitor, called after the data. Raises Rejected."""
        live = self.runs.live(token, TASK)
        if live is None:
            raise Rejected(GONE)
        with translate_disk_errors():
            path = self._studio.place(token, f"{slug(live.name)}-{ending}")
            with open_atomically(path) as written:
                written.write(content)
        return str(path)


def _member(run: ComparisonRun, name: str) -> Member:
    """Raises Rejected."""
    member = run.comparison.members.get(name)
    if member is None:
        raise Rejected(NOT_BEGUN)
    return member


def _known(names: Sequence[str]) -> tuple[str, ...]:
    """Raises Rejected for methods that are not here, too few or too many."""
    fewest, most = limits.COMPARED
    known = tuple(dict.fromkeys(name for name in names if name in METHODS))
    if not fewest <= len(known) <= most:
        raise Rejected(f"Please choose {_words(fewest)} to {_words(most)} methods.")
    return known


def _words(n: int) -> str:
    return ("none", "one", "two", "three", "four", "five", "six")[n]


def _require_minutes(minutes: float) -> None:
    shortest, longest = limits.COMPARED_MINUTES
    if not (isinstance(minutes, int | float) and shortest <= minutes <= longest):
        raise Rejected(f"Please set the time of each between {shortest:g} and {longest:g} minutes.")
