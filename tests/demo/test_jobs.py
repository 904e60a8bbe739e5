"""A job drives a run in its thread: clicks, questions, endings, what it reports."""

import gc
import itertools
import threading
import weakref
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from time import sleep
from typing import Any

import pytest

from demo import limits
from demo.runs import jobs, views
from demo.runs.jobs import (
    Job,
    NeverBegan,
)
from demo.runs.report import (
    History,
    Progress,
    Report,
)
from tests.demo.runs import Counting, until


@pytest.fixture
def started() -> Iterator[Callable[..., Job]]:
    """Starts jobs over a run, and ends them with the test."""
    going: list[tuple[Job, Counting]] = []

    def start(run: Counting, *, budget: float = 1e6, **how: Any) -> Job:
        job = Job(lambda: run, budget=budget, **how)
        job.start()
        going.append((job, run))
        return job

    yield start
    for job, run in going:
        job.stop()
        if run.gate is not None:
            run.gate.release(1000)
        assert job.join(20)


class Concluding(Counting):
    """A run that has two things to say at its end."""

    def conclude(self) -> Generator[int, None, None]:
        yield from (-1, -2)


def test_a_run_concludes_when_somebody_waits_for_it(started: Callable[..., Job]) -> None:
    stopped = started(Concluding())
    until(lambda: stopped.report.iteration)
    stopped.stop(conclude=True)
    ended = started(Concluding(), budget=0.05)
    assert stopped.join(20)
    assert ended.join(20)
    assert [job.report.view for job in (stopped, ended)] == [-2, -2]
    assert [job.report.phase for job in (stopped, ended)] == ["stopped", "finished"]


def test_who_gives_way_does_not_conclude(started: Callable[..., Job]) -> None:
    run = Concluding()
    job = started(run)
    until(lambda: job.report.iteration)
    job.stop("Another one began.")
    assert job.join(20)
    assert job.report.view == run.committed


def test_pause_stops_the_moves_and_resume_goes_on(started: Callable[..., Job]) -> None:
    run = Counting()
    job = started(run)
    until(lambda: run.committed > 2)
    job.pause()
    assert job.report.phase == "paused"
    views = run.views
    until(lambda: run.views > views)  # the thread has come to the pause
    moved = run.moved
    sleep(0.05)
    assert run.moved == moved
    job.resume()
    assert job.report.phase == "running"
    until(lambda: run.moved > moved + 10)


def test_stop_comes_within_one_move_and_leaves_the_iteration_uncommitted(
    started: Callable[..., Job],
) -> None:
    gate = threading.Semaphore(0)
    run = Counting(moves=5, gate=gate)
    job = started(run)
    gate.release(5 + 2)
    until(lambda: run.moved == 7)  # two moves into the second iteration
    job.stop()
    assert job.report.phase == "stopped"
    gate.release(100)
    assert job.join(20)
    assert run.moved <= 8
    assert run.committed == 1
    assert job.report.iteration == 1


def test_stop_ends_a_pause(started: Callable[..., Job]) -> None:
    run = Counting()
    job = started(run)
    job.pause()
    until(lambda: run.moved)
    job.stop("the reason")
    assert job.join(20)
    assert (job.report.phase, job.report.sentence) == ("stopped", "the reason")
    job.resume()
    assert job.report.phase == "stopped"


def test_a_long_pause_ends_by_itself(
    started: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SECONDS_PAUSED", -1.0)
    job = started(Counting())
    job.pause()
    assert job.join(20)
    assert job.report.phase == "stopped"
    assert "you can go on" in job.report.sentence


def test_a_job_that_is_stopped_while_it_starts_never_moves() -> None:
    ready = threading.Event()
    run = Counting()

    def prepare() -> Counting:
        ready.wait(20)
        return run

    job = Job(prepare, budget=1e6)
    job.start()
    assert job.report.phase == "starting"
    job.stop()
    assert job.report.phase == "stopped"
    ready.set()
    assert job.join(20)
    assert (job.report.phase, run.moved) == ("stopped", 0)
    assert job.ask(lambda run: run.committed) == 0


def test_a_job_that_is_paused_while_it_starts_begins_paused() -> None:
    ready = threading.Event()
    run = Counting()

    def prepare() -> Counting:
        ready.wait(20)
        return run

    job = Job(prepare, budget=1e6)
    job.start()
    job.pause()
    assert job.report.phase == "starting"
    ready.set()
    until(lambda: job.report.phase == "paused")
    until(lambda: run.views == 2)
    assert (run.moved, run.committed) == (1, 0)
    job.stop()
    assert job.join(20)


def test_questions_are_answered_while_running_while_paused_and_after_the_end(
    started: Callable[..., Job],
) -> None:
    run = Counting()
    job = started(run)
    asked_in = job.ask(lambda run: threading.current_thread().name)
    assert asked_in == "training"
    job.pause()
    until(lambda: run.views > 1)
    assert job.ask(lambda run: run.committed) == run.committed
    job.stop()
    assert job.join(20)
    assert job.ask(lambda run: run.committed) == run.committed


@pytest.mark.parametrize("paused", [False, True])
def test_many_threads_ask_at_once_and_each_gets_its_own_answer(
    started: Callable[..., Job], paused: bool
) -> None:
    job = started(Counting())
    if paused:
        job.pause()
    answers: dict[int, int] = {}
    threads = [
        threading.Thread(target=lambda n=n: answers.__setitem__(n, job.ask(lambda run: n * n)))
        for n in range(40)
    ]
    for thread in threads:
        thread.start()
    job.stop()  # some ask while it ends
    for thread in threads:
        thread.join(20)
    assert answers == {n: n * n for n in range(40)}


def test_a_question_that_raises_raises_for_who_asked_and_harms_nobody(
    started: Callable[..., Job],
) -> None:
    run = Counting()
    job = started(run)
    with pytest.raises(ZeroDivisionError):
        job.ask(lambda run: 1 // 0)
    committed = run.committed
    until(lambda: run.committed > committed)


def test_a_question_that_nobody_waits_for_any_more_is_not_answered() -> None:
    ready = threading.Event()
    run = Counting()
    asked: list[int] = []

    def prepare() -> Counting:
        ready.wait(20)
        return run

    job = Job(prepare, budget=1e6)
    job.start()
    with pytest.raises(TimeoutError):
        job.ask(lambda run: asked.append(1), timeout=0.01)
    ready.set()
    assert job.ask(lambda run: "answered") == "answered"
    job.stop()
    assert job.join(20)
    assert not asked


def test_a_run_that_cannot_be_built_fails_with_its_sentence() -> None:
    def prepare() -> Counting:
        raise ValueError("there is no such thing")

    job = Job(prepare, budget=1.0, explain=lambda error: f"Sorry, {error}.")
    job.start()
    assert job.join(20)
    assert job.report.phase == "failed"
    assert job.report.sentence == "Sorry, there is no such thing."
    with pytest.raises(NeverBegan):
        job.ask(lambda run: run)
    with pytest.raises(NeverBegan):
        job.take_over()


def test_a_run_that_raises_fails_with_its_sentence_and_can_be_asked(
    started: Callable[..., Job],
) -> None:
    job = started(Counting(break_at=3))
    assert job.join(20)
    assert (job.report.phase, job.report.sentence) == ("failed", "it broke")
    assert job.ask(lambda run: run.committed) == 2


@pytest.mark.parametrize("run", [{}, {"break_at": 3}, {"diverge_at": 3}], ids=str)
def test_a_run_is_laid_to_rest_when_it_ends(
    run: dict[str, int], started: Callable[..., Job]
) -> None:
    counting = Counting(**run)  # type: ignore[arg-type]
    job = started(counting)
    until(lambda: job.report.iteration)
    if not run:  # those that break may have done so by now
        assert not counting.rested, "it computes yet"
    job.stop()
    assert job.join(20)
    assert counting.rested == 1


class Unresting(Counting):
    """A run that does not come off its card."""

    def at_rest(self) -> Counting:
        raise RuntimeError("CUDA error: unspecified launch failure")


def test_a_run_that_does_not_come_off_its_card_is_left_as_it_was_saved() -> None:
    anew = Counting()
    job = Job(
        Unresting,
        budget=1e6,
        save=lambda run, report: None,
        rebuild=lambda: anew,
    )
    job.start()
    until(lambda: job.report.iteration)
    job.stop()
    assert job.join(20)
    assert job.ask(lambda run: run) is anew


def test_a_diverging_run_ends_as_diverged(started: Callable[..., Job]) -> None:
    job = started(Counting(diverge_at=4))
    assert job.join(20)
    assert job.report.phase == "diverged"
    assert [point[0] for point in job.report.curve] == [1, 2, 3]


def test_the_budget_is_spent_by_computing_and_not_by_pausing(started: Callable[..., Job]) -> None:
    run = Counting(seconds=0.25)
    job = started(run, budget=2.0)
    job.pause()
    sleep(0.05)
    job.resume()
    assert job.join(20)
    assert job.report.phase == "finished"
    assert run.committed == job.report.iteration == 8
    assert job.report.seconds == pytest.approx(2.0)
    assert (job.report.progress, job.report.seconds_left) == (1.0, 0)


def test_the_number_grows_with_every_change(started: Callable[..., Job]) -> None:
    run = Counting()
    job = started(run, budget=1.0)
    seen: list[Report] = [job.report]
    clicks = itertools.cycle([job.pause, job.resume])
    while not job.join(0):
        next(clicks)()
        if job.report is not seen[-1]:
            seen.append(job.report)
        sleep(0.002)
    seen.append(job.report)
    for earlier, later in itertools.pairwise(seen):
        assert later.number >= earlier.number
        if (later.phase, later.view) != (earlier.phase, earlier.view):
            assert later.number > earlier.number


def test_the_first_job_ends_before_the_next_one_begins(started: Callable[..., Job]) -> None:
    gate = threading.Semaphore(0)
    first = started(Counting(gate=gate))
    built: list[bool] = []

    def prepare() -> Counting:
        built.append(first.ended)
        return Counting()

    second = Job(prepare, budget=0.01)
    first.stop()
    second.start(after=first)
    assert not second.join(0.05)
    assert not built
    gate.release(10)
    assert second.join(20)
    assert built == [True]


def test_a_run_is_taken_over_once_and_only_after_the_end(started: Callable[..., Job]) -> None:
    run = Counting()
    job = started(run)
    with pytest.raises(NeverBegan):
        job.take_over()
    job.stop()
    assert job.join(20)
    assert job.take_over() is run
    with pytest.raises(NeverBegan):
        job.take_over()
    with pytest.raises(NeverBegan):
        job.ask(lambda run: run)


class Clock:
    """Time that passes only where a run says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Timed(Counting):
    """Iterations and views of known lengths on a clock; slow: what a view takes longer that is
    drawn anew."""

    def __init__(self, clock: Clock, iteration: float, view: float, slow: float = 0.0) -> None:
        super().__init__(moves=1, seconds=iteration)
        self.clock, self.view_takes, self.slow = clock, view, slow
        self.anew_at: list[float] = []
        self.viewed_at: list[float] = []

    def iterate(self) -> Iterator[Progress | None]:
        self.clock.now += self.seconds
        self.committed += 1
        yield Progress(self.committed, 1.0, 1.0, False, self.seconds)

    def view(self, anew: bool = True) -> int:
        self.clock.now += self.view_takes + self.slow * anew
        if anew:
            self.anew_at.append(self.clock.now)
        self.viewed_at.append(self.clock.now)
        return super().view()


@pytest.mark.parametrize(
    ("iteration", "view", "slow"),
    [
        *((0.01, 0.0, 0.0), (0.01, 0.001, 0.0), (0.03, 0.1, 0.0), (0.5, 0.02, 0.0)),
        *((0.004, 1.0, 0.0), (0.05, 0.05, 1.5), (0.05, 0.0, 0.5)),
    ],
)
def test_views_are_few_and_take_a_small_share_of_the_time(
    monkeypatch: pytest.MonkeyPatch, iteration: float, view: float, slow: float
) -> None:
    clock = Clock()
    for module in (jobs, views):
        monkeypatch.setattr(module, "monotonic", clock)
    run = Timed(clock, iteration, view, slow)
    job = Job(lambda: run, budget=100.0)
    job.start()
    assert job.join(30)
    live = run.viewed_at[1:-1]  # between the one at the start and the one at the end
    anew = run.anew_at[1:-1]
    whole = 100.0 + view * len(live) + slow * len(anew)
    assert len(live) >= 2
    assert view * (len(live) - len(anew) - 1) <= limits.VIEW_SHARE * whole
    assert (view + slow) * (len(anew) - 1) <= limits.SAMPLE_SHARE * whole
    if slow:  # which holds up nothing else
        assert len(live) > 4 * len(anew)
    between = [b - a for a, b in itertools.pairwise(live)]
    assert min(between) >= 1 / limits.VIEWS_PER_SECOND - 1e-9


def test_nothing_is_drawn_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(jobs, "monotonic", clock)
    run = Timed(clock, 0.1, 0.001)
    job = Job(lambda: run, budget=100.0, watched=lambda: False)
    job.start()
    assert job.join(30)
    assert run.views == 2  # where it began and where it ended
    assert job.report.view == run.committed


@pytest.mark.parametrize("start", [0, 17, 1234])
@pytest.mark.parametrize("iterations", [1, 300, 301, 5000])
def test_a_curve_stays_short_evenly_spaced_and_complete(start: int, iterations: int) -> None:
    history = History(())
    for n in range(start + 1, start + iterations + 1):
        history.add((n, float(n), 0.0, None))
        assert len(history.points) <= limits.CURVE_POINTS
    xs = [point[0] for point in history.points]
    gaps = {b - a for a, b in itertools.pairwise(xs)}
    assert len(gaps) <= 1
    gap = gaps.pop() if gaps else 1
    assert xs[0] - gap <= start
    assert xs[-1] + gap > start + iterations
    assert gap <= 2 * max(1, iterations / limits.CURVE_POINTS) * 2
    assert all(point[1] == point[0] for point in history.points)


def test_a_curve_goes_on_where_an_earlier_job_left_it() -> None:
    earlier = History(())
    for n in range(1, 1001):
        earlier.add((n, 0.0, 0.0, None))
    whole = History(())
    for n in range(1, 2001):
        whole.add((n, 0.0, 0.0, None))
    later = History(tuple(earlier.points))
    for n in range(1001, 2001):
        later.add((n, 0.0, 0.0, None))
    assert later.points == whole.points


def test_the_rate_follows_the_seconds_of_the_iterations(started: Callable[..., Job]) -> None:
    job = started(Counting(seconds=0.25), budget=3.0)
    assert job.join(20)
    assert job.report.rate == pytest.approx(4.0)


def test_what_a_job_was_built_from_is_let_go() -> None:
    """Or every stretch of a run that goes on and on would keep the ones before it."""
    first = Job(Counting, budget=0.01)
    first.start()
    assert first.join(20)
    run = weakref.ref(first.ask(lambda run: run))
    second = Job(first.take_over, budget=0.01)
    second.start(after=first)
    assert second.join(20)
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None
    assert second.ask(lambda run: run) is run()


class Kept:
    """Writes runs down as numbers, and builds them anew from those."""

    def __init__(self) -> None:
        self.saved: list[int] = []
        self.reports: list[Report] = []
        self.rebuilt = 0
        self.full = False
        self.gate: threading.Semaphore | None = None
        self.building = threading.Event()

    def save(self, run: Counting, report: Report) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.saved.append(run.committed)
        self.reports.append(report)

    def rebuild(self) -> Counting:
        self.building.set()
        if self.gate is not None:
            self.gate.acquire()
        run = Counting()
        run.committed = self.saved[-1]
        self.rebuilt += 1
        return run

    def job(self, run: Counting, budget: float = 1.0) -> Job:
        """Has ended, by itself."""
        job = Job(lambda: run, budget=budget, save=self.save, rebuild=self.rebuild)
        job.start()
        assert job.join(20)
        return job


def test_a_run_is_written_down_now_and_then_and_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, kept = Clock(), Kept()
    monkeypatch.setattr(jobs, "monotonic", clock)
    seconds = limits.SECONDS_BETWEEN_SAVES / 10 + 0.01
    job = kept.job(Timed(clock, seconds, 0.0), budget=34.5 * seconds)
    assert job.report.iteration == 35
    assert kept.saved == [10, 20, 30, 35]
    assert [report.iteration for report in kept.reports] == kept.saved
    assert [point[0] for point in kept.reports[0].curve] == list(range(1, 11))


@pytest.mark.parametrize("what", ["stopped", "diverged"])
def test_a_run_is_written_down_however_it_ends(what: str) -> None:
    kept, run = Kept(), Counting(diverge_at=3 if what == "diverged" else 0)
    job = Job(lambda: run, budget=1e6, save=kept.save, rebuild=kept.rebuild)
    job.start()
    if what == "stopped":
        until(lambda: run.committed > 2)
        job.stop()
    assert job.join(20)
    assert job.report.phase == what
    assert kept.saved == [run.committed]


def test_a_run_that_is_let_go_answers_from_what_was_saved() -> None:
    kept, run = Kept(), Counting(seconds=0.1)
    job = kept.job(run)
    report, gone = job.report, weakref.ref(run)
    assert job.in_memory
    assert job.ask(lambda run: run) is run
    del run
    assert job.park()
    gc.collect()
    assert gone() is None
    assert not job.in_memory
    left = replace(report, number=report.number + 1, frames=())
    assert (job.report, job.ended, kept.rebuilt) == (left, True, 0)
    again = job.ask(lambda run: run)
    assert again.committed == report.iteration == kept.saved[-1]
    assert job.ask(lambda run: run) is again, "it is built anew once"
    assert job.park()
    assert job.take_over().committed == report.iteration
    with pytest.raises(NeverBegan):
        job.take_over()
    with pytest.raises(NeverBegan):
        job.ask(lambda run: run)
    assert not job.park(), "nothing is left of it"
    assert kept.rebuilt == 2


def test_many_who_ask_for_a_run_that_was_let_go_build_it_once() -> None:
    kept = Kept()
    job = kept.job(Counting(seconds=0.1))
    job.park()
    answers: list[Counting] = []
    threads = [
        threading.Thread(target=lambda: answers.append(job.ask(lambda run: run))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(answers) == 20
    assert len(set(map(id, answers))) == kept.rebuilt == 1


def test_nobody_waits_while_a_run_is_built_anew() -> None:
    """Or one visitor's large run would halt whoever looks after all of them."""
    kept = Kept()
    job = kept.job(Counting(seconds=0.1))
    job.park()
    kept.gate = threading.Semaphore(0)
    asking = threading.Thread(target=lambda: job.ask(lambda run: run))
    asking.start()
    assert kept.building.wait(20)
    caring = threading.Thread(target=lambda: (job.stop(), job.pause(), job.park()))
    caring.start()
    caring.join(20)
    waited = caring.is_alive()
    kept.gate.release()
    asking.join(20)
    assert not waited
    assert job.in_memory, "it was asked for just then"
    caring.join(20)


def test_a_job_at_work_keeps_its_run(started: Callable[..., Job]) -> None:
    run = Counting()
    job = started(run, save=lambda *_: None, rebuild=Counting)
    until(lambda: run.committed)
    assert job.park()
    assert job.in_memory
    assert job.ask(lambda run: run) is run


def test_what_cannot_be_saved_goes_on_and_is_lost_when_it_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SECONDS_BETWEEN_SAVES", -1.0)
    kept = Kept()
    kept.full = True
    run = Counting(seconds=0.1)
    job = kept.job(run)
    assert (job.report.phase, job.report.sentence) == ("finished", "")
    assert job.ask(lambda run: run) is run
    assert not job.park()
    with pytest.raises(NeverBegan):
        job.ask(lambda run: run)


def test_a_run_whose_last_state_could_not_be_saved_is_not_taken_for_saved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SECONDS_BETWEEN_SAVES", -1.0)
    kept, run = Kept(), Counting()
    job = Job(lambda: run, budget=1e6, save=kept.save, rebuild=kept.rebuild)
    job.start()
    until(lambda: kept.saved)
    kept.full = True
    job.stop()
    assert job.join(20)
    assert not job.park()


def test_what_was_saved_but_cannot_be_read_raises_for_who_asks() -> None:
    kept = Kept()
    job = kept.job(Counting(seconds=0.1))
    job.park()
    kept.saved.clear()
    with pytest.raises(IndexError):
        job.ask(lambda run: run)
    with pytest.raises(IndexError):
        job.take_over()
    kept.saved.append(7)  # nothing is lost by having asked
    assert job.take_over().committed == 7


def test_a_job_of_before_is_as_it_was_reported_and_its_run_goes_on() -> None:
    kept = Kept()
    kept.saved.append(12)
    told = Report(
        number=1, phase="stopped", iteration=12, budget=60.0, curve=((12, 0.1, 1.0, None),)
    )
    job = Job.ended_before(kept.rebuild, told)
    assert job.report == told
    assert job.ended
    assert job.join(0)
    assert not job.in_memory
    assert job.park()
    job.stop("nobody looks")
    job.resume()
    assert job.report == told
    assert job.ask(lambda run: run.committed) == 12
    second = Job(job.take_over, budget=0.03, curve=told.curve)
    second.start(after=job)
    assert second.join(20)
    assert second.report.iteration == 15
    assert [point[0] for point in second.report.curve] == [12, 13, 14, 15]
