"""A training job: one thread that iterates a run, with pause, stop, questions and a report.

It knows no screen and no engine. The run it drives is anything that moves in small steps, so
that a click is answered between two of them.
"""

import ctypes
import itertools
import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, Literal, Protocol, TypeVar

from demo import limits

Phase = Literal["starting", "running", "paused", "stopped", "finished", "diverged", "failed"]
CurvePoint = tuple[int, float, float, float | None]
AT_WORK: tuple[Phase, ...] = ("starting", "running", "paused")

Answer = TypeVar("Answer")
NEVER_BEGAN = "This run never began, or another went on with it; please press Train to begin one."
_numbers = itertools.count(1)
_C = ctypes.CDLL(None) if os.name == "posix" else None


class NeverBegan(LookupError):
    """A job has no run to ask. The message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one iteration did: the numbers that are drawn, and the seconds it computed. prior: the
    loss of a prior that is learnt along, on latents that it does not see; None without one."""

    iteration: int
    error: float
    latent: float
    diverged: bool
    seconds: float
    prior: float | None = None


class Run(Protocol):
    """What a job drives."""

    def iterate(self) -> Iterator[Progress | None]:
        """One iteration: None after every small move, at last what it did. Whoever stops asking
        leaves the run as it was before."""
        ...

    def view(self) -> Any:
        """How things look now."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """A job at one moment. `number` grows whenever there is something new to show.

    rate: iterations a second. seconds of `budget` are spent. curve: points
    (iteration, error, latent, prior), see Progress. view: the latest of the run's views.
    sentence: why it ended, where that needs words.
    """

    number: int = 0
    phase: Phase = "starting"
    iteration: int = 0
    rate: float = 0.0
    seconds: float = 0.0
    budget: float = 0.0
    curve: tuple[CurvePoint, ...] = ()
    view: Any = None
    sentence: str = ""

    @property
    def progress(self) -> float:
        """The share of the budget that is spent."""
        return min(1.0, self.seconds / self.budget) if self.budget else 0.0

    @property
    def seconds_left(self) -> int:
        return max(0, round(self.budget - self.seconds))


class Job:
    """Drives the run that `prepare` builds for `budget` seconds of computing.

    number: tells jobs apart.
    watched: whether anybody looks; live views are made only then.
    explain: the sentence for the user when something raises. curve: what an earlier job drew.
    save: writes a run and its report down, now and then and at the end. rebuild: makes the run anew
    from what was written.
    """

    def __init__(
        self,
        prepare: Callable[[], Run],
        *,
        budget: float,
        watched: Callable[[], bool] = lambda: True,
        explain: Callable[[Exception], str] = str,
        curve: tuple[CurvePoint, ...] = (),
        save: Callable[[Any, "Report"], None] | None = None,
        rebuild: Callable[[], Run] | None = None,
    ) -> None:
        self.number = next(_numbers)
        self._prepare: Callable[[], Run] | None = prepare
        self._watched, self._explain = watched, explain
        self._save, self._rebuild = save, rebuild
        self._saved = False  # whether the run, as it stands at its end, was written down
        self._after: Job | None = None
        self._run: Run | None = None
        self._change = threading.Condition()  # guards all that follows
        self._report = Report(budget=budget, curve=curve)
        self._stop = self._pause = self._closed = False
        self._questions: list[tuple[Callable[[Any], Any], Future[Any]]] = []
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)

    @classmethod
    def ended_before(cls, rebuild: Callable[[], Run], report: Report) -> "Job":
        """A job of which just the report and what was saved are left."""
        job = cls(rebuild, budget=report.budget, rebuild=rebuild)
        job._report, job._closed, job._saved = report, True, True
        return job

    @property
    def report(self) -> Report:
        return self._report

    @property
    def in_memory(self) -> bool:
        """Whether its run is kept in memory."""
        return self._run is not None

    @property
    def ended(self) -> bool:
        """Whether its thread computes no more; a stopped job still finishes its small move."""
        return self._closed

    def start(self, after: "Job | None" = None) -> None:
        """Begins, once the thread of the job `after` has ended."""
        self._after = after
        self._thread.start()

    def pause(self) -> None:
        self._order(pause=True)

    def resume(self) -> None:
        self._order(pause=False)

    def stop(self, sentence: str = "") -> None:
        """sentence: why, where the user did not ask for it."""
        self._order(stop=True, sentence=sentence)

    def join(self, timeout: float | None = None) -> bool:
        """Whether the thread has ended within `timeout` seconds."""
        if self._thread.ident is not None:  # one that ended before was never started here
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def ask(self, question: Callable[[Any], Answer], timeout: float = 20.0) -> Answer:
        """question(run), answered between two small moves, or at once when the job has ended.

        Raises NeverBegan where there is no run, TimeoutError, or what question raises.
        """
        answer: Future[Any] = Future()
        with self._change:
            if self._closed:  # under the lock, so that nobody takes the run over meanwhile
                self._answer(question, answer)
            else:
                self._questions.append((question, answer))
                self._change.notify_all()
        try:
            result: Answer = answer.result(timeout)
        except TimeoutError:
            answer.cancel()  # nobody waits for it any more
            raise
        return result

    def take_over(self) -> Any:
        """The run of a job that has ended, for another job to drive; this one knows it no more.

        Raises NeverBegan where there is none.
        """
        with self._change:
            if not self._closed:
                raise NeverBegan(NEVER_BEGAN)
            run = self._known()
            self._run = self._rebuild = None
            return run

    def park(self) -> bool:
        """Lets the run of a job that has ended go, whether what was saved is left of it; then it
        is built anew when somebody asks for it. It waits for nobody: a run that is asked for just
        now stays."""
        if not self._closed or not self._change.acquire(blocking=False):
            return True
        try:
            self._run = None
            hand_back_memory()
            return self._saved and self._rebuild is not None
        finally:
            self._change.release()

    def _known(self) -> Any:
        """The run, built anew where it was let go. Raises NeverBegan."""
        if self._run is None and self._closed and self._saved and self._rebuild is not None:
            self._run = self._rebuild()
        if self._run is None:
            raise NeverBegan(NEVER_BEGAN)
        return self._run

    def _order(self, *, pause: bool = False, stop: bool = False, sentence: str = "") -> None:
        """Takes a click; the report says so at once, the thread follows within a small move."""
        if self._closed:  # then the lock may be held for as long as a run is built anew
            return
        with self._change:
            if self._closed:
                return
            if stop and not self._stop:
                self._stop = True
                self._publish(phase="stopped", sentence=sentence)
            if self._pause != pause and not stop:
                self._pause = pause
                if self._run is not None and not self._stop:
                    self._publish(phase="paused" if pause else "running")
            self._change.notify_all()

    def _work(self) -> None:
        end: Phase = "failed"
        sentence = ""
        try:
            run = self._built()
            self._publish(view=run.view())
            with self._change:
                if not self._stop:
                    self._publish(phase="paused" if self._pause else "running")
            end = self._train(run)
            self._publish(view=run.view())
            self._write_down(run)
            del run  # another job may drive it as soon as this one is closed, or nobody
        except Exception as error:
            sentence = self._explain(error)
        finally:
            with self._change:
                self._closed = True
                self._save = None  # what it holds goes with the run
                self._publish(phase=end, sentence=sentence or self._report.sentence)
            self._answer_all()
            hand_back_memory()

    def _write_down(self, run: Run) -> None:
        """Saves the run; one that cannot be saved goes on all the same."""
        if self._save is None:
            return
        try:
            self._save(run, self._report)
            self._saved = True
        except OSError as error:
            self._saved = False
            logging.getLogger(__name__).error("A run could not be saved", exc_info=error)

    def _built(self) -> Run:
        """The run; what it was built from, and the job before, are let go."""
        assert self._prepare is not None
        if self._after is not None:
            self._after.join()
        run = self._run = self._prepare()
        self._prepare = self._after = None
        return run

    def _train(self, run: Run) -> Phase:
        if self._stop:
            return "stopped"
        history = _History(self._report.curve)
        shown = drawn = saved = monotonic()
        pause_between_views = 0.0
        while self._report.seconds < self._report.budget:
            *_, progress = self._moves(run)
            if progress is None:
                return "stopped"
            if progress.diverged:
                return "diverged"
            history.add((progress.iteration, progress.error, progress.latent, progress.prior))
            now = monotonic()
            news: dict[str, Any] = {}
            silent = now - shown < 1 / limits.VIEWS_PER_SECOND
            if not silent and now - drawn > pause_between_views and self._watched():
                news["view"] = run.view()
                drawn = monotonic()
                pause_between_views = (drawn - now) / limits.VIEW_SHARE
            self._publish(
                silent=silent,
                iteration=progress.iteration,
                rate=history.rate(progress.seconds),
                seconds=self._report.seconds + progress.seconds,
                curve=tuple(history.points),
                **news,
            )
            if not silent:
                shown = now
            if now - saved > limits.SECONDS_BETWEEN_SAVES:
                self._write_down(run)
                saved = monotonic()
        return "finished"

    def _moves(self, run: Run) -> Iterator[Progress | None]:
        """One iteration of the run, cut short where a click asks for it: then None is the last."""
        for progress in run.iterate():
            yield progress
            if progress is None and not self._may_go_on(run):
                return

    def _may_go_on(self, run: Run) -> bool:
        """Answers questions and waits while paused; False when the job shall stop."""
        if not (self._stop or self._pause or self._questions):
            return True
        self._answer_all()
        until = monotonic() + limits.SECONDS_PAUSED
        if self._pause and not self._stop:
            self._publish(view=run.view())
        while self._pause and not self._stop:
            with self._change:
                self._change.wait_for(
                    lambda: self._questions or self._stop or not self._pause, timeout=1.0
                )
            self._answer_all()
            if monotonic() > until:
                self.stop("The pause was too long for a page that is shared; Go on takes it up.")
        return not self._stop

    def _answer_all(self) -> None:
        with self._change:
            questions, self._questions = self._questions, []
        for question, answer in questions:
            self._answer(question, answer)

    def _answer(self, question: Callable[[Any], Any], answer: "Future[Any]") -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(question(self._known()))
        except Exception as error:
            answer.set_exception(error)

    def _publish(self, *, silent: bool = False, **news: Any) -> None:
        with self._change:
            number = self._report.number + (not silent)
            self._report = replace(self._report, number=number, **news)


def hand_back_memory() -> None:
    """Gives what was freed back to the system, where the C library is one that keeps it: a run's
    arrays come and go in the memory of many threads."""
    trim = getattr(_C, "malloc_trim", None)
    if trim is not None:
        trim(0)


class _History:
    """A curve that is thinned out evenly so that it never has too many points."""

    def __init__(self, points: tuple[CurvePoint, ...]) -> None:
        self.points = list(points)
        self._every = points[1][0] - points[0][0] if len(points) > 1 else 1
        self._seconds = 0.0

    def add(self, point: CurvePoint) -> None:
        if point[0] % self._every == 0:
            self.points.append(point)
        if len(self.points) > limits.CURVE_POINTS:
            self._every *= 2
            self.points = [point for point in self.points if point[0] % self._every == 0]

    def rate(self, seconds: float) -> float:
        """Iterations a second, over the last ten or so."""
        self._seconds = seconds if not self._seconds else 0.9 * self._seconds + 0.1 * seconds
        return 1 / self._seconds
