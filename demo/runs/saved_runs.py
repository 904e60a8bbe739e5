"""Runs on the disk: written while they train, taken up after a crash or when memory is short."""

import dataclasses
import hashlib
import json
import logging
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.data.atomic import open_atomically
from abp_core.device import cpu
from abp_core.trainer import Trainer
from demo.media import Pixels
from demo.runs.degradations import degrade, with_frames_between
from demo.runs.film_repair import repair_of
from demo.runs.film_run import run_of
from demo.runs.jobs import (
    Job,
)
from demo.runs.report import (
    Report,
)
from demo.runs.run import (
    Panel,
    Run,
)

RECORD, PAINTED = "run.json", "painted.npy"
WHY = "The studio was restarted, or nobody was here for long: "
TAKEN_UP = WHY + "this run ended, and was saved at iteration {}. You can go on with it."
NEVER_SAVED = WHY + "this run ended before it was saved; press Train to begin anew."


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecipe:
    """From what a run can be built anew, beside its checkpoint. path: of its data. own: whether
    that is a visitor's file. what, k, painted: how its examples were hidden (see `hide`)."""

    task: str
    name: str
    kind: str
    path: Path
    own: bool = False
    what: str = ""
    k: int = 0
    painted: Pixels | None = None


def build(recipe: RunRecipe, saved: Checkpoint) -> Run:
    """The run of a checkpoint, at rest; it goes on exactly. Raises FileRejected, DataMismatch,
    CheckpointRejected, Rejected."""
    source = saved.source
    dataset, _ = datasets.load(
        recipe.path, saved.spec, sample_rate=source.sample_rate or 16_000, name=source.name
    )
    if recipe.task != "repair":
        return run_of(Trainer.resume(saved, dataset, machine=cpu()))
    dataset = with_frames_between(recipe.what, dataset)
    hidden = degrade(recipe.what, dataset, saved.spec, k=recipe.k, painted=recipe.painted)
    trainer = Trainer.resume(saved, dataset, hidden.observation, machine=cpu())
    return repair_of(trainer, hidden)


class Keeper:
    """Keeps one run in a folder: what it is, its checkpoint, and the visitor's file that it learns
    from. model: the name of the checkpoint, once there is one."""

    def __init__(self, folder: Path, recipe: RunRecipe, model: str = "") -> None:
        self._folder, self.recipe, self.model = folder, recipe, model

    def begin(self) -> None:
        """Takes the place of an earlier run, before anything of this one is saved. Where the disk
        refuses, the run goes on and just cannot be taken up later."""
        try:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(mode=0o700, parents=True)
            if self.recipe.own:
                path = _link_file(self.recipe.path, self._folder)
                self.recipe = dataclasses.replace(self.recipe, path=path)
            if self.recipe.painted is not None:
                np.save(self._folder / PAINTED, self.recipe.painted, allow_pickle=False)
            self._record(Report())
        except OSError as error:
            logging.getLogger(__name__).error("A run cannot be kept", exc_info=error)

    def save(self, run: Run, report: Report) -> None:
        """Writes the run down as it stands. Raises OSError."""
        before, self.model = self.model, f"{report.iteration}.safetensors"
        run.trainer.checkpoint().save(self._folder / self.model, private=True)
        self._record(report)  # a crash before this leaves the earlier record and its model
        if before not in ("", self.model):
            (self._folder / before).unlink(missing_ok=True)
        if self.recipe.own:
            os.utime(self.recipe.path)  # it is as new as the run, for whoever clears away

    def rebuild(self) -> Run:
        """The run anew, from what was written. Raises what `build` raises."""
        return build(self.recipe, Checkpoint.load(self._folder / self.model))

    def _record(self, report: Report) -> None:
        fields: dict[str, Any] = {
            field.name: getattr(self.recipe, field.name)
            for field in dataclasses.fields(self.recipe)
            if field.name != "painted"
        }
        fields["path"] = str(self.recipe.path)
        view = [dataclasses.asdict(panel) for panel in report.view or ()]
        # The replay is not kept: a megabyte each time is too much.
        written = dataclasses.asdict(dataclasses.replace(report, frames=())) | {"view": view}
        told = {"recipe": fields, "report": written, "model": self.model}
        with open_atomically(self._folder / RECORD) as file:
            file.write(json.dumps(told).encode())


class SavedRuns:
    """A folder of saved runs, one a visitor and task. What a run's folder is called does not tell
    the visitor's word."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keeper(self, word: str, recipe: RunRecipe) -> Keeper:
        return Keeper(self._of(word, recipe.task), recipe)

    def find(self, word: str, task: str) -> tuple[Keeper, Job] | None:
        """The run that an earlier server kept for a visitor, as a job that has ended, or None."""
        folder = self._of(word, task)
        try:
            told = json.loads((folder / RECORD).read_bytes())
            painted = folder / PAINTED
            told["recipe"]["path"] = Path(told["recipe"]["path"])
            recipe = RunRecipe(
                **told["recipe"],
                painted=np.load(painted, allow_pickle=False) if painted.exists() else None,
            )
            fields = told["report"]
            fields["curve"] = tuple(
                (int(i), float(e), float(z), None if p is None else float(p))
                for i, e, z, p in fields["curve"]
            )
            fields["view"] = tuple(Panel(**panel) for panel in fields["view"])
            fields["frames"] = ()
            report, model = Report(**fields), Path(str(told["model"])).name
        except (OSError, ValueError, TypeError, KeyError):
            return None
        whole = bool(model) and (folder / model).exists()
        report = dataclasses.replace(
            report,
            number=1,
            phase="stopped" if whole else "failed",
            sentence=TAKEN_UP.format(report.iteration) if whole else NEVER_SAVED,
        )
        keeper = Keeper(folder, recipe, model)
        return keeper, Job.ended_before(keeper.rebuild, report)

    def _of(self, word: str, task: str) -> Path:
        return self._folder / hashlib.sha256(f"{word} {task}".encode()).hexdigest()[:32]


def _link_file(path: Path, folder: Path) -> Path:
    """A visitor's file in a folder: the same bytes under a second name where the disk can do
    that, else a copy."""
    there = folder / f"data{path.suffix.lower()}"
    with suppress(OSError):
        os.link(path, there)
        return there
    shutil.copyfile(path, there)
    return there
