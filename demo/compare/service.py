"""The orders of the Compare tab: look at a file, begin, and take home or use what was learnt."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.data.atomic import open_atomically
from abp_core.data.datasets import Dataset
from abp_core.family.comparison import Comparison
from abp_core.family.file import save_model
from abp_core.family.member import Member
from abp_core.family.methods import METHODS, why_not
from abp_core.family.table import to_csv
from abp_core.family.trial import load_trial
from abp_core.spec import Kind
from demo import limits
from demo.compare.run import WHY_NOT, ComparisonRun
from demo.compare.sheet import draw_sheet
from demo.errors import Rejected, translate_disk_errors, translate_errors
from demo.models.collection import Model, model_of
from demo.models.downloads import model_file, slug
from demo.runs.columns import DATA
from demo.runs.current import Current
from demo.runs.saved_runs import RunRecipe
from demo.runs.service import Live
from demo.studio import Studio

TASK = "compare"
NOT_BEGUN = "This method has not begun yet; please try again in a moment."
KINDS: dict[Kind, str] = {
    "texture": "a picture",
    "sound": "a sound",
    "objects": "a set of pictures",
}


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
            "not_for": {kind: why for kind in KINDS if (why := why_not(name, kind))},
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
            kind = _comparable(Path(path))
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
            kind = _comparable(path)
            for each in names:
                if why := why_not(each, kind):
                    raise Rejected(f"{METHODS[each].title}: {why}")
            run = ComparisonRun(Comparison(load_trial(path, name=name), names), 60 * minutes)
        recipe = RunRecipe(task=TASK, name=name, kind=kind, path=path, own=bool(upload))
        self.runs.begin(token, lambda: run, minutes, recipe)

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
        model = replace(model, label=f"{model.label} by {METHODS[name].title}")
        self._studio.visit(token).choose(token, Current(model))
        return model

    def take_model(self, token: str, name: str) -> str:
        """Path of a method as it stands: of one with a generator the model that the studio opens.
        Raises Rejected."""
        path = self._place(token, f"{slug(name)}.safetensors")
        with translate_disk_errors():
            self.runs.ask(token, TASK, lambda run: save_model(name, _member(run, name), path))
        return str(path)

    def take_table(self, token: str) -> str:
        """Path of what the methods were measured by, as CSV. Raises Rejected."""

        def question(run: ComparisonRun) -> str:
            if not run.figures:
                raise Rejected("They are measured when they end, or when you press Stop.")
            return to_csv(run.comparison, run.figures, run.energies)

        return self._write(token, "table.csv", self.runs.ask(token, TASK, question).encode())

    def take_sheet(self, token: str) -> str:
        """Path of all pictures side by side, as a PNG. Raises Rejected."""
        titles = {name: method.title for name, method in METHODS.items()} | {DATA: "The data"}
        columns = self._live(token).columns
        if not columns:
            raise Rejected(NOT_BEGUN)
        return self._write(token, "sheet.png", draw_sheet(columns, titles))

    def _live(self, token: str) -> Live:
        """The visitor's comparison. Raises Rejected."""
        live = self.runs.live(token, TASK)
        if live is None:
            raise Rejected("There is no comparison any more; please press Compare to begin one.")
        return live

    def _place(self, token: str, ending: str) -> Path:
        """Where a file for the visitor is written, called after the data. Raises Rejected."""
        return self._studio.place(token, f"{slug(self._live(token).name)}-{ending}")

    def _write(self, token: str, ending: str, content: bytes) -> str:
        """Path of a file for the visitor. Raises Rejected."""
        path = self._place(token, ending)
        with translate_disk_errors(), open_atomically(path) as written:
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


def _comparable(path: Path) -> Kind:
    """The kind of a file. Raises FileRejected, and Rejected for a kind that no method takes."""
    kind = datasets.kind_of(path)
    if kind not in KINDS:
        raise Rejected("Films are not compared yet; please choose pictures or a sound.")
    return kind


def _words(n: int) -> str:
    return ("none", "one", "two", "three", "four", "five", "six")[n]


def _require_minutes(minutes: float) -> None:
    shortest, longest = limits.COMPARED_MINUTES
    if not (isinstance(minutes, int | float) and shortest <= minutes <= longest):
        raise Rejected(f"Please set the time of each between {shortest:g} and {longest:g} minutes.")
