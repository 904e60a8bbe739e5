"""A training job: one thread that iterates a run, with pause, stop, questions and a report.

It knows no screen and no engine. The run it drives is anything that moves in small steps, so
that a click is answered between two of them.
"""

import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from time import monotonic
from typing import Any, TypeVar

from abp_core.device import hand_back_memory
from demo import limits
from demo.errors import Rejected
from demo.runs.replay import Frame, Replay
from demo.runs.report import AT_WORK, CurvePoint, History, Phase, Progress, Report, Run
from demo.runs.views import Views

Answer = TypeVar("Answer")
NEVER_BEGAN = "This run never began, or another went on with it; please press Train to begin one."
_numbers = itertools.count(1)


class NeverBegan(Rejected):
    """A job has no run to ask. The message is one sentence for the user."""


class Job:
    """Drives the run that `prepare` builds for `budget` seconds of computing.

    number: tells jobs apart.
    watched: whether anybody looks; live views are made only then.
    explain: the sentence for the user when something raises. curve, frames: of the job that it goes
    on from.
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
        frames: tuple[Frame, ...] = (),
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
        self._report = Report(budget=budget, curve=curve, frames=frames)
        self._replay = Replay(frames)
        self._stop = self._pause = self._closed = False
        self._hurry = False  # whether nobody waits for what is worked out at the end
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

    def stop(self, sentence: str = "", *, conclude: bool = False) -> None:
        """sentence: why, where the user did not ask for it. conclude: whether somebody waits for
        what the run works out at its end."""
        self._hurry = not conclude
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
            self._replay = Replay()
            if self._report.frames:
                self._publish(frames=())
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
                if self._report.phase in AT_WORK:  # one that concludes has ended by itself
                    self._publish(phase="stopped", sentence=sentence)
            if self._pause != pause and not stop:
                self._pause = pause
                if self._run is not None and not self._stop:
                    self._publish(phase="paused" if pause else "running")
            self._change.notify_all()

    def _work(self) -> None:
        end: Phase = "failed"
        sentence, run = "", None
        try:
            run = self._built()
            self._publish(**self._seen(run, run.view()))
            with self._change:
                if not self._stop:
                    self._publish(phase="paused" if self._pause else "running")
            end = self._train(run)
            self._publish(**self._seen(run, run.view()))
            self._write_down(run)
            self._conclude(run, end)
        except Exception as error:
            sentence = self._explain(error)
        finally:
            run = None  # another job may drive it as soon as this one is closed, or nobody
            self._lay_to_rest()
            with self._change:
                self._closed = True
                self._save = None  # what it holds goes with the run
                self._publish(phase=end, sentence=sentence or self._report.sentence)
            self._answer_all()
            hand_back_memory()

    def _lay_to_rest(self) -> None:
        """A run that computes no more holds no memory of a card. One that does not come off it, as
        the card broke, is let go, whether what was saved is left of it."""
        try:
            self._run = self._run and self._run.at_rest()
        except Exception as error:
            logging.getLogger(__name__).error("A run could not be laid to rest", exc_info=error)
            self._run = None

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

    def _conclude(self, run: Run, end: Phase) -> None:
        """Works out what there is to say at the end, until somebody wants something else."""
        if self._hurry:
            return
        self._publish(phase=end)
        with closing(run.conclude()) as views:
            for view in views:
                self._publish(view=view)
                self._answer_all()
                if self._hurry:
                    break
        if self._hurry:
            self._publish(view=run.view(anew=False))

    def _train(self, run: Run) -> Phase:
        if self._stop:
            return "stopped"
        history = History(self._report.curve)
        shown = saved = monotonic()
        views = Views()
        while self._report.seconds < self._report.budget:
            moves = list(self._moves(run))
            if not moves:  # there is nothing left to learn
                return "finished"
            last = moves[-1]
            if last is None:
                return "stopped"
            done = [progress for progress in moves if progress is not None]
            if any(progress.diverged for progress in done):
                return "diverged"
            for progress in done:
                history.add((progress.iteration, progress.error, progress.latent, progress.prior))
            now = monotonic()
            news: dict[str, Any] = {}
            silent = now - shown < 1 / limits.VIEWS_PER_SECOND
            if not silent and self._watched() and (view := views.draw(run)) is not None:
                news = self._seen(run, view)
            self._publish(
                silent=silent,
                iteration=last.iteration,
                rate=history.rate(last.seconds),
                seconds=self._report.seconds + sum(progress.seconds for progress in done),
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
        """One stroke of the run, cut short where a click asks for it: then None is the last."""
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
            self._publish(**self._seen(run, run.view()))
        while self._pause and not self._stop:
            with self._change:
                self._change.wait_for(
                    lambda: self._questions or self._stop or not self._pause, timeout=1.0
                )
            self._answer_all()
            if monotonic() > until:
                self.stop("The pause was too long for a shared page; you can go on with it.")
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

    def _seen(self, run: Run, view: Any) -> dict[str, Any]:
        """What there is to publish of a view."""
        return {"view": view, "frames": self._replay.add(run.frame(view))}

    def _publish(self, *, silent: bool = False, **news: Any) -> None:
        with self._change:
            number = self._report.number + (not silent)
            self._report = replace(self._report, number=number, **news)
