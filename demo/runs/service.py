"""What every run is asked, whatever it learns: begin, hold, go on, stop, show, take home."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from abp_core.checkpoint import Checkpoint
from demo import limits
from demo.disk import Disk
from demo.errors import Rejected, explain, translate_disk_errors, translate_errors
from demo.models.cards import label_of
from demo.models.costs import require_minutes
from demo.models.downloads import model_file, samples_file, write_samples
from demo.runs.columns import Column
from demo.runs.jobs import (
    Job,
    NeverBegan,
)
from demo.runs.report import (
    AT_WORK,
    Report,
    Run,
)
from demo.runs.run import Panel
from demo.runs.run import Run as TrainerRun
from demo.runs.saved_runs import Keeper, RunRecipe, SavedRuns
from demo.runs.sessions import Held, Sessions, word_of
from demo.runs.threads import all_threads

TASKS = ("learn", "repair", "compare")
SEVERAL = "Several models learn in the Compare tab: please choose one of them there."
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Live:
    """A visitor's run as it stands, ready to be shown. number: tells runs apart. task: of TASKS.
    panels: of one model, columns: of several that are compared."""

    number: int
    task: str
    name: str
    kind: str
    report: Report
    panels: tuple[Panel, ...] = ()
    columns: tuple[Column, ...] = ()


class Runs:
    """The runs of all visitors, one a task each, see TASKS. sessions: the visits that hold them.
    disk: where they are kept, and what of them is taken home."""

    def __init__(self, sessions: Sessions, disk: Disk) -> None:
        self._sessions, self._disk = sessions, disk
        self._saved = SavedRuns(disk.runs)

    def begin(
        self, token: str, build: Callable[[], Run], minutes: float, recipe: RunRecipe
    ) -> None:
        """Trains in the place of the visitor's earlier run of the task. build: makes the run, in
        its own thread. recipe: from what it can be built anew, where it is of one model.
        Raises Rejected."""
        if recipe.task == "compare":
            held = Held(self._job(token, build, minutes), recipe.name, recipe.kind)
            self._admit(token, held, recipe.task)
            return
        keeper = self._saved.keeper(word_of(token), recipe)

        def prepare() -> Run:
            keeper.begin()
            return build()

        job = self._job(token, prepare, minutes, keeper)
        self._admit(token, Held(job, recipe.name, recipe.kind, keeper), recipe.task)

    def go_on(
        self, token: str, minutes: float, task: str = "learn", *, step_factor: float = 1.0
    ) -> None:
        """Another stretch of a run that has ended, with a shorter Langevin step if asked.
        Raises Rejected."""
        held = self._held(token, task)
        require_minutes(minutes)
        if held is None or held.job.report.phase in (*AT_WORK, "failed"):
            raise Rejected("There is no ended run to go on with; please begin one.")
        earlier = held.job

        def prepare() -> Run:
            run: Run = earlier.take_over().awake(60 * minutes, step_factor)
            return run

        job = self._job(token, prepare, minutes, held.keeper, after=earlier)
        self._admit(token, replace(held, job=job), task, after=earlier)

    def hold(self, token: str, label: str, minutes: float, task: str = "learn") -> None:
        """What the button says: Pause, Resume, or anything else to go on for so many minutes more.
        Raises Rejected."""
        held = self._held(token, task)
        if label not in ("Pause", "Resume"):
            self.go_on(token, minutes, task)
        elif held is not None:
            (Job.pause if label == "Pause" else Job.resume)(held.job)

    def stop(self, token: str, task: str = "learn") -> None:
        """Ends the visitor's run, if there is one. Raises Rejected."""
        held = self._held(token, task)
        if held is not None:
            held.job.stop(conclude=True)

    def live(self, token: str, task: str = "learn") -> Live | None:
        """The visitor's run, or None before the first. Raises Rejected."""
        held = self._held(token, task)
        if held is None:
            return None
        report = held.job.report
        seen = {"columns" if task == "compare" else "panels": report.view or ()}
        return Live(held.job.number, task, label_of(held.name), held.kind, report, **seen)

    def frame(self, token: str, iteration: int, task: str) -> str:
        """The picture of a replay at one of its iterations. Raises Rejected."""
        held = self._held(token, task)
        for frame in held.job.report.frames if held else ():
            if frame.iteration == iteration:
                return frame.picture
        raise Rejected("This moment of the run is not kept any more.")

    def checkpoint(self, token: str, task: str = "learn") -> Checkpoint:
        """The visitor's run as it stands. Raises Rejected."""
        return self._named(token, task)[1]

    def newest(self, token: str) -> tuple[Held, Checkpoint]:
        """The visitor's run that began last, and what it has learnt as it stands.
        Raises Rejected."""
        task = self._sessions.visit(token).newest
        if task == "compare":
            raise Rejected(SEVERAL)
        return self._named(token, task)

    def ask(self, token: str, task: str, question: Callable[[Any], Answer]) -> Answer:
        """What a run of the visitor's answers, as it stands. Raises Rejected."""
        return self._asked(token, task, question)[1]

    def newer(self, token: str, keeper: Keeper, iteration: int) -> Checkpoint | None:
        """What a run of the visitor's has learnt, if that is more than at an iteration; None, too,
        where it is no more theirs, or does not answer at once. Raises Rejected."""
        for held in list(self._sessions.visit(token).held.values()):
            if held.keeper is keeper and held.job.report.iteration > iteration:
                with suppress(Rejected, TimeoutError), translate_errors():
                    return held.job.ask(_checkpoint_of, limits.SECONDS_TO_SNAPSHOT)
        return None

    def take_up(self, token: str) -> None:
        """Gives the visitor the runs of before a restart that are theirs. Raises Rejected."""
        visit = self._sessions.visit(token)
        for task in TASKS:
            found = self._saved.find(word_of(token), task) if task not in visit.held else None
            if found is not None:
                keeper, job = found
                about = keeper.recipe
                visit.held = {task: Held(job, about.name, about.kind, keeper), **visit.held}

    def take_model(self, token: str, task: str = "learn") -> str:
        """Path of a checkpoint of the visitor's run as it stands. Raises Rejected."""
        held, saved = self._named(token, task)
        with translate_disk_errors():
            path = self._sessions.visit(token).place(self._disk, model_file(held.name, saved))
            saved.save(path)
        return str(path)

    def take_samples(self, token: str, task: str = "learn") -> str:
        """Path of a PNG or WAV of new samples of the visitor's run. Raises Rejected."""
        held, saved = self._named(token, task)
        with translate_disk_errors():
            path = self._sessions.visit(token).place(self._disk, samples_file(held.name, saved))
            write_samples(saved, path, model_file(held.name, saved))
        return str(path)

    def _held(self, token: str, task: str) -> Held | None:
        return self._sessions.visit(token).held.get(task)

    def _named(self, token: str, task: str) -> tuple[Held, Checkpoint]:
        """A visitor's run, and what it has learnt as it stands. Raises Rejected."""
        return self._asked(token, task, _checkpoint_of)

    def _asked(
        self, token: str, task: str, question: Callable[[Any], Answer]
    ) -> tuple[Held, Answer]:
        """A visitor's run, and what it answers. Raises Rejected."""
        held = self._held(token, task)
        if held is None:
            raise Rejected("There is no model yet; press Train to begin.")
        with translate_errors():  # it may have to be built anew from what was saved
            try:
                answer = held.job.ask(question)
            except (NeverBegan, TimeoutError) as error:
                sentence = "The model is not ready yet; please try again in a moment."
                raise Rejected(sentence) from error
        return held, answer

    def _job(
        self,
        token: str,
        prepare: Callable[[], Run],
        minutes: float,
        keeper: Keeper | None = None,
        *,
        after: Job | None = None,
    ) -> Job:
        """A job that has not begun. keeper: of its run. after: the one that it goes on from."""

        def begin() -> Run:
            all_threads()
            return prepare()

        return Job(
            begin,
            budget=minutes * 60,
            watched=partial(self._sessions.watched, token),
            explain=explain,
            curve=after.report.curve if after else (),
            frames=after.report.frames if after else (),
            save=keeper.save if keeper else None,
            rebuild=keeper.rebuild if keeper else None,
        )

    def _admit(self, token: str, held: Held, task: str, *, after: Job | None = None) -> None:
        """Begins a run. after: the job that it goes on from. Raises Rejected."""
        with translate_errors():
            self._sessions.admit(
                token,
                held.job,
                name=held.name,
                kind=held.kind,
                task=task,
                keeper=held.keeper,
                after=after,
            )


def _checkpoint_of(run: TrainerRun) -> Checkpoint:
    return run.trainer.checkpoint()
