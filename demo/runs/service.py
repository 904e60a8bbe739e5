"""What every run is asked, whatever it learns: begin, hold, go on, stop, show, take home."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from abp_core.checkpoint import Checkpoint
from abp_core.device import this_machine
from abp_core.trainer import Trainer
from demo import limits
from demo.disk import Disk
from demo.errors import Rejected, explain, translate_disk_errors, translate_errors
from demo.models.cards import label_of
from demo.models.costs import require_minutes
from demo.models.downloads import model_file, samples_file, write_samples
from demo.runs.jobs import (
    Job,
    NeverBegan,
)
from demo.runs.report import (
    AT_WORK,
    Report,
)
from demo.runs.run import Panel, Run
from demo.runs.saved_runs import Keeper, RunRecipe, SavedRuns
from demo.runs.sessions import Held, Sessions, word_of
from demo.runs.threads import all_threads

TASKS = ("learn", "repair")


@dataclass(frozen=True, slots=True)
class Live:
    """A visitor's run as it stands, ready to be shown. number: tells runs apart. task: learn, or
    repair."""

    number: int
    task: str
    name: str
    kind: str
    report: Report
    panels: tuple[Panel, ...]


class Runs:
    """The runs of all visitors, one a task each: learn, or repair. sessions: the visits that hold
    them. disk: where they are kept, and what of them is taken home."""

    def __init__(self, sessions: Sessions, disk: Disk) -> None:
        self._sessions, self._disk = sessions, disk
        self._saved = SavedRuns(disk.runs)

    def begin(self, token: str, run: Run, minutes: float, recipe: RunRecipe) -> None:
        """Trains in the place of the visitor's earlier run of the task. recipe: from what the run
        can be built anew. Raises Rejected."""
        keeper = self._saved.keeper(word_of(token), recipe)

        def prepare() -> Run:
            keeper.begin()
            return run

        self._admit(token, prepare, minutes, keeper)

    def go_on(
        self, token: str, minutes: float, task: str = "learn", *, step_factor: float = 1.0
    ) -> None:
        """Another stretch of a run that has ended, with a shorter Langevin step if asked.
        Raises Rejected."""
        held = self._held(token, task)
        require_minutes(minutes)
        if held is None or held.keeper is None or held.job.report.phase in (*AT_WORK, "failed"):
            raise Rejected("There is no ended run to go on with; press Train to begin one.")
        earlier = held.job

        def prepare() -> Run:
            run: Run = earlier.take_over().on(this_machine())
            trainer = run.trainer
            if step_factor != 1.0:
                saved = trainer.checkpoint()
                saved = saved.at(saved.step_size * step_factor)
                trainer = Trainer.resume(saved, trainer.data, trainer.observation)
            return run.renewed(trainer)

        self._admit(token, prepare, minutes, held.keeper, after=earlier)

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
            held.job.stop()

    def live(self, token: str, task: str = "learn") -> Live | None:
        """The visitor's run, or None before the first. Raises Rejected."""
        held = self._held(token, task)
        if held is None:
            return None
        report = held.job.report
        panels = report.view or ()
        return Live(held.job.number, task, label_of(held.name), held.kind, report, panels)

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
        return self._named(token, self._sessions.visit(token).newest)

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
        held = self._held(token, task)
        if held is None:
            raise Rejected("There is no model yet; press Train to begin.")
        with translate_errors():  # it may have to be built anew from what was saved
            try:
                saved = held.job.ask(_checkpoint_of)
            except (NeverBegan, TimeoutError) as error:
                sentence = "The model is not ready yet; please try again in a moment."
                raise Rejected(sentence) from error
        return held, saved

    def _admit(
        self,
        token: str,
        prepare: Callable[[], Run],
        minutes: float,
        keeper: Keeper,
        *,
        after: Job | None = None,
    ) -> None:
        """Begins a job. after: the one that it goes on from. Raises Rejected."""

        def begin() -> Run:
            all_threads()
            return prepare()

        job = Job(
            begin,
            budget=minutes * 60,
            watched=partial(self._sessions.watched, token),
            explain=explain,
            curve=after.report.curve if after else (),
            frames=after.report.frames if after else (),
            save=keeper.save,
            rebuild=keeper.rebuild,
        )
        about = keeper.recipe
        with translate_errors():
            self._sessions.admit(
                token,
                job,
                name=about.name,
                kind=about.kind,
                task=about.task,
                keeper=keeper,
                after=after,
            )


def _checkpoint_of(run: Run) -> Checkpoint:
    return run.trainer.checkpoint()
