"""Who may train, what is stopped when its visitor is gone, and what is forgotten."""

import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from demo import limits
from demo.runs import sessions as module
from demo.runs.jobs import Job
from demo.runs.sessions import (
    Busy,
    LostPlace,
    Sessions,
    Visit,
    is_token,
    new_token,
)
from tests.demo.runs import Counting, until

ANN, BEN, CEM, DAN = ("token-of-" + name * 3 for name in ("ann", "ben", "cem", "dan"))


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    sessions = Sessions()
    yield sessions
    sessions.close()


class Clock:
    """The sessions' time: it passes by itself, and may be turned ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


def admitted(sessions: Sessions, token: str, *, budget: float = 1e6, saved: bool = True) -> Job:
    """The job of a visitor whose page is open. saved: whether it can be written down."""
    sessions.open(token)
    kept: list[Counting] = []
    job = Job(
        Counting,
        budget=budget,
        save=(lambda run, _: kept.append(run)) if saved else None,
        rebuild=(lambda: kept[-1]) if saved else None,
    )
    sessions.admit(token, job, name="pebbles", kind="texture")
    return job


def running(sessions: Sessions, token: str) -> Job:
    job = admitted(sessions, token)
    until(lambda: job.report.phase == "running")
    return job


def ended(sessions: Sessions, token: str, *, saved: bool = True) -> Job:
    job = admitted(sessions, token, budget=0.01, saved=saved)
    assert job.join(20)
    return job


def test_tokens_are_recognised_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(is_token(token) for token in tokens)


@pytest.mark.parametrize(
    "token",
    [
        *(None, "", "short", "x" * 65, "x" * 10**6, "ünïcödé-ünïcödé-ünïcödé", 12, 1.5, True),
        *([], {}, b"x" * 20, ["x"] * 20, float("nan"), {"token": "x" * 20}),
    ],
)
def test_what_is_no_token_gets_no_visit(sessions: Sessions, token: object) -> None:
    assert not is_token(token)
    for enter in (sessions.open, sessions.visit, sessions.hear):
        with pytest.raises(LostPlace, match="reload"):
            enter(token)  # type: ignore[arg-type]
    assert not sessions._visits


def test_a_visit_begins_when_its_page_opens_and_not_before(sessions: Sessions) -> None:
    """Or anybody could fill the house with tokens of no page."""
    job = Job(Counting, budget=1e6)
    for enter in (
        lambda: sessions.visit(ANN),
        lambda: sessions.hear(ANN),
        lambda: sessions.hear(ANN, leaving=True),
        lambda: sessions.admit(ANN, job, name="", kind=""),
    ):
        with pytest.raises(LostPlace, match="reload"):
            enter()
    assert not sessions.watched(ANN)
    assert not sessions._visits
    assert job.report.phase == "starting"
    visit = sessions.open(ANN)
    assert sessions.visit(ANN) is sessions.hear(ANN) is visit


def test_a_token_finds_its_visit_again(sessions: Sessions) -> None:
    assert sessions.open(ANN) is sessions.open(ANN) is sessions.visit(ANN)
    assert sessions.open(ANN) is not sessions.open(BEN)


def test_two_visitors_train_and_a_third_waits_for_a_turn(sessions: Sessions) -> None:
    assert limits.RUNNING_JOBS == 2
    first = running(sessions, ANN)
    second = running(sessions, BEN)
    with pytest.raises(Busy, match="2 visitors are training"):
        admitted(sessions, CEM)
    assert sessions.visit(CEM).job is None
    assert first.report.phase == second.report.phase == "running"
    first.stop()
    assert first.join(20)
    third = running(sessions, CEM)
    assert sessions.visit(CEM).job is third
    assert sessions.visit(ANN).job is first, "what ended stays for its visitor"


def test_a_stopped_job_holds_its_turn_until_its_thread_has_ended(sessions: Sessions) -> None:
    """Or starting and stopping under new names would pile up threads."""
    gate = threading.Semaphore(0)
    slow = Job(lambda: Counting(gate=gate), budget=1e6)
    sessions.open(ANN)
    sessions.admit(ANN, slow, name="pebbles", kind="texture")
    running(sessions, BEN)
    slow.stop()
    with pytest.raises(Busy):
        admitted(sessions, CEM)
    gate.release(10)
    assert slow.join(20)
    running(sessions, CEM)


def test_a_paused_run_gives_way_to_another_visitor_and_is_kept(sessions: Sessions) -> None:
    first, second = running(sessions, ANN), running(sessions, BEN)
    second.pause()
    third = running(sessions, CEM)
    assert second.join(20)
    assert second.report.phase == "stopped"
    assert "you can go on" in second.report.sentence
    assert sessions.visit(BEN).job is second
    assert first.report.phase == third.report.phase == "running"


def test_a_paused_run_stays_where_there_is_room(sessions: Sessions) -> None:
    first = running(sessions, ANN)
    first.pause()
    running(sessions, BEN)
    assert first.report.phase == "paused"


def test_a_second_run_of_a_visitor_replaces_the_first(sessions: Sessions) -> None:
    first = running(sessions, ANN)
    running(sessions, BEN)
    second = running(sessions, ANN)
    assert first.ended
    assert first.report.phase == "stopped"
    assert sessions.visit(ANN).job is second


def test_a_refused_run_leaves_the_earlier_one_alone(sessions: Sessions) -> None:
    mine = ended(sessions, CEM)
    running(sessions, ANN)
    running(sessions, BEN)
    with pytest.raises(Busy):
        admitted(sessions, CEM)
    assert sessions.visit(CEM).job is mine


def test_going_on_from_a_job_that_was_replaced_meanwhile_is_refused(sessions: Sessions) -> None:
    first = ended(sessions, ANN)
    second = ended(sessions, ANN)
    late = Job(first.take_over, budget=1.0)
    with pytest.raises(Busy, match="taken the place"):
        sessions.admit(ANN, late, name="", kind="", after=first)
    assert sessions.visit(ANN).job is second


def test_many_clicks_at_once_leave_one_run(sessions: Sessions) -> None:
    sessions.open(ANN)
    jobs = [Job(Counting, budget=1e6) for _ in range(20)]
    threads = [
        threading.Thread(target=sessions.admit, args=(ANN, job), kwargs={"name": "", "kind": ""})
        for job in jobs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    last = sessions.visit(ANN).job
    until(lambda: sum(not job.ended for job in jobs) == 1)
    assert last is not None
    assert not last.ended


def test_a_crowd_at_once_gets_no_more_than_its_turns(sessions: Sessions) -> None:
    outcomes: list[str] = []

    def come(token: str) -> None:
        try:
            admitted(sessions, token)
            outcomes.append("in")
        except Busy:
            outcomes.append("busy")

    threads = [threading.Thread(target=come, args=(f"visitor-number-{n:04d}",)) for n in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["busy"] * 28 + ["in"] * 2


def gone_since(visit: Visit, now: float, seconds: float) -> None:
    visit.here_until = now - seconds


def test_the_run_of_a_visitor_who_is_gone_is_stopped_and_later_forgotten(
    sessions: Sessions,
) -> None:
    job = running(sessions, ANN)
    left = sessions.hear(ANN, leaving=True).here_until
    assert left <= monotonic()
    sessions.sweep(left + limits.SECONDS_UNTIL_STOP - 1)
    assert job.report.phase == "running"
    sessions.sweep(left + limits.SECONDS_UNTIL_STOP + 1)
    assert job.join(20)
    assert job.report.phase == "stopped"
    assert "you can go on" in job.report.sentence
    sessions.sweep(left + limits.SECONDS_UNTIL_FORGOTTEN - 1)
    assert sessions.visit(ANN).job is job
    sessions.sweep(left + limits.SECONDS_UNTIL_FORGOTTEN + 1)
    with pytest.raises(LostPlace):
        sessions.visit(ANN)


def test_a_page_that_falls_silent_is_waited_for_longer_than_one_that_says_it_goes(
    sessions: Sessions,
) -> None:
    job = running(sessions, ANN)
    heard = monotonic()
    sessions.hear(ANN)
    sessions.sweep(heard + limits.SECONDS_OF_SILENCE + limits.SECONDS_UNTIL_STOP - 1)
    assert job.report.phase == "running"
    sessions.sweep(monotonic() + limits.SECONDS_OF_SILENCE + limits.SECONDS_UNTIL_STOP + 1)
    assert job.report.phase == "stopped"


@pytest.mark.parametrize("hidden", [False, True])
def test_a_page_that_speaks_keeps_a_run_even_in_the_background(
    sessions: Sessions, clock: Clock, hidden: bool
) -> None:
    job = running(sessions, ANN)
    for _ in range(20):
        clock.ahead += 60  # the longest that a browser lets a page in the background wait
        sessions.hear(ANN, hidden=hidden)
        sessions.sweep(clock())
    assert job.report.phase == "running"
    assert sessions.visit(ANN).job is job


def test_pictures_are_looked_at_only_by_a_page_that_lies_open(
    sessions: Sessions, clock: Clock
) -> None:
    sessions.open(ANN)
    sessions.hear(ANN)
    assert sessions.watched(ANN)
    assert not sessions.watched(BEN)
    clock.ahead += limits.SECONDS_OF_LOOKING
    assert not sessions.watched(ANN)
    sessions.hear(ANN, hidden=True)
    assert not sessions.watched(ANN)
    sessions.hear(ANN, leaving=True)
    assert not sessions.watched(ANN)
    sessions.hear(ANN)
    assert sessions.watched(ANN)


def test_one_page_that_goes_leaves_the_run_to_the_others(sessions: Sessions) -> None:
    """Two pages of one visitor; the other speaks again within seconds."""
    job = running(sessions, ANN)
    left = sessions.hear(ANN, leaving=True).here_until
    sessions.hear(ANN, hidden=True)
    sessions.sweep(left + limits.SECONDS_UNTIL_STOP + 1)
    assert job.report.phase == "running"


def test_a_page_that_is_loaded_anew_finds_its_run(sessions: Sessions) -> None:
    job = running(sessions, ANN)
    left = sessions.hear(ANN, leaving=True).here_until
    sessions.sweep(left + 2)
    assert sessions.open(ANN).job is job
    sessions.hear(ANN)
    sessions.sweep(left + limits.SECONDS_UNTIL_STOP + 1)
    assert job.report.phase == "running"


def test_the_watchdog_sweeps_by_itself(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS_UNTIL_STOP", -1.0)
    job = running(sessions, ANN)
    sessions.hear(ANN, leaving=True)
    assert job.join(20)
    assert job.report.phase == "stopped"


def come(sessions: Sessions, token: str) -> Visit:
    """A page opens, and speaks."""
    sessions.open(token)
    return sessions.hear(token)


def known(sessions: Sessions) -> set[str]:
    return set(sessions._visits)


def test_who_gives_way_to_a_new_visitor_has_no_run_never_spoke_and_is_longest_gone(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RUNNING_JOBS", 3)
    now = monotonic()
    silent_for = {
        "never-spoke-and-longer-gone": 9,
        "never-spoke-as-yet": -50,  # and may still be about to, as after any opening
        "left-much-longer-ago": 300,
        "left-not-long-ago": 10,
        "never-spoke-with-a-run": 400,
        "left-and-has-a-run": 500,
    }
    for token, seconds in reversed(silent_for.items()):
        visit = sessions.open(token)
        if token.endswith("run"):
            ended(sessions, token)
        visit.spoken = token.startswith("left")
        gone_since(visit, now, seconds)
    monkeypatch.setattr(limits, "VISITORS", len(silent_for))
    before = known(sessions)
    for place, token in enumerate(silent_for):
        come(sessions, f"newcomer-number-{place:04d}")
        assert before - known(sessions) == {token}
        before = known(sessions)
    with pytest.raises(Busy, match="Too many visitors"):
        sessions.open(ANN)
    assert known(sessions) == before, "who is here stays"
    gone_since(sessions.visit("newcomer-number-0003"), now, 1)
    come(sessions, ANN)
    assert before - known(sessions) == {"newcomer-number-0003"}


def test_one_who_is_known_comes_back_to_a_full_house(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "VISITORS", 2)
    mine, _ = come(sessions, ANN), come(sessions, BEN)
    assert sessions.open(ANN) is mine


def test_a_flood_of_tokens_that_never_speak_displaces_only_itself(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "VISITORS", 4)
    job = running(sessions, ANN)
    gone_since(sessions.hear(ANN, leaving=True), monotonic(), 20)  # a reload that takes long
    gone_since(come(sessions, BEN), monotonic(), 500)
    come(sessions, CEM)
    for _ in range(100):
        sessions.open(new_token())
    assert {ANN, BEN, CEM} < known(sessions)
    assert len(known(sessions)) == 4
    assert job.report.phase == "running"


def test_the_job_of_a_visitor_who_gave_way_is_stopped(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "VISITORS", 1)
    job = running(sessions, ANN)
    sessions.open(BEN)
    assert job.join(20)


def test_only_so_many_ended_runs_stay_in_memory_and_the_others_are_as_they_were_saved(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KEPT_JOBS", 2)
    jobs = {token: ended(sessions, token) for token in (ANN, BEN, CEM)}
    come(sessions, ANN)
    assert all(job.in_memory for job in jobs.values()), "the newest is not counted"
    iterations = jobs[BEN].report.iteration
    jobs[DAN] = ended(sessions, DAN)
    assert [token for token, job in jobs.items() if job.in_memory] == [ANN, CEM, DAN]
    parked = sessions.visit(BEN).job
    assert parked is jobs[BEN], "its visitor is longest gone, and still has it"
    assert parked.report.phase == "finished"
    assert parked.ask(lambda run: run.committed) == iterations > 0


def test_a_run_at_work_is_never_let_go(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEPT_JOBS", 0)
    job = running(sessions, ANN)
    job.pause()
    ended(sessions, BEN)
    assert job.in_memory
    assert sessions.visit(ANN).job is job


def test_a_run_that_could_not_be_saved_is_gone_with_its_memory(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KEPT_JOBS", 1)
    for token in (ANN, BEN, CEM):
        ended(sessions, token, saved=False)
    assert [sessions.visit(t).job is not None for t in (ANN, BEN, CEM)] == [False, True, True]


def test_files_of_a_visitor_go_with_the_visit(sessions: Sessions, tmp_path: Path) -> None:
    folders = {}
    for token in (ANN, BEN):
        folders[token] = tmp_path / token
        folders[token].mkdir()
        (folders[token] / "model.safetensors").write_bytes(b"x")
        come(sessions, token).folder = folders[token]
    gone_since(sessions.visit(ANN), monotonic(), limits.SECONDS_UNTIL_FORGOTTEN + 1)
    sessions.sweep(monotonic())
    assert not folders[ANN].exists()
    assert folders[BEN].exists()


def test_closing_ends_every_thread_and_admits_nobody_more() -> None:
    before = set(threading.enumerate())
    sessions = Sessions()
    first, second = running(sessions, ANN), running(sessions, BEN)
    second.pause()
    sessions.close()
    assert first.ended
    assert second.ended
    assert set(threading.enumerate()) <= before
    with pytest.raises(Busy, match="closing"):
        admitted(sessions, CEM)
    assert set(threading.enumerate()) <= before
