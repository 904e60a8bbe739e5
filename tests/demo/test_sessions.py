"""Who may train, what is stopped when its visitor is gone, and what is forgotten."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import pytest

from demo import limits
from demo.jobs import Job
from demo.sessions import Busy, LostPlace, Sessions, Visit, is_token, new_token
from tests.demo.runs import Counting, until

ANN, BEN, CEM, DAN = ("token-of-" + name * 3 for name in ("ann", "ben", "cem", "dan"))


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    sessions = Sessions()
    yield sessions
    sessions.close()


def admitted(sessions: Sessions, token: str, **how: float) -> Job:
    job = Job(Counting, budget=how.get("budget", 1e6))
    sessions.admit(token, job, name="pebbles", kind="texture")
    return job


def running(sessions: Sessions, token: str) -> Job:
    job = admitted(sessions, token)
    until(lambda: job.report.phase == "running")
    return job


def ended(sessions: Sessions, token: str) -> Job:
    job = admitted(sessions, token, budget=0.01)
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
    with pytest.raises(LostPlace, match="reload"):
        sessions.visit(token)  # type: ignore[arg-type]
    with pytest.raises(LostPlace), sessions.watching(token):  # type: ignore[arg-type]
        pass
    assert not sessions._visits


def test_a_token_finds_its_visit_again(sessions: Sessions) -> None:
    assert sessions.visit(ANN) is sessions.visit(ANN)
    assert sessions.visit(ANN) is not sessions.visit(BEN)


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
    assert "Go on" in second.report.sentence
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
    visit.left_at = now - seconds


def test_the_run_of_a_visitor_who_is_gone_is_stopped_and_later_forgotten(
    sessions: Sessions,
) -> None:
    job = running(sessions, ANN)
    left = sessions.visit(ANN).left_at
    sessions.sweep(left + limits.SECONDS_UNTIL_STOP - 1)
    assert job.report.phase == "running"
    sessions.sweep(left + limits.SECONDS_UNTIL_STOP + 1)
    assert job.join(20)
    assert job.report.phase == "stopped"
    sessions.sweep(left + limits.SECONDS_UNTIL_FORGOTTEN - 1)
    assert sessions.visit(ANN).job is job
    sessions.sweep(left + limits.SECONDS_UNTIL_FORGOTTEN + 1)
    assert sessions.visit(ANN).job is None


def test_one_who_looks_on_keeps_a_run(sessions: Sessions) -> None:
    job = running(sessions, ANN)
    with sessions.watching(ANN) as one, sessions.watching(ANN) as two:
        assert one is two
        assert one.viewers == 2
        sessions.sweep(monotonic() + 10 * limits.SECONDS_UNTIL_FORGOTTEN)
        assert job.report.phase == "running"
    visit = sessions.visit(ANN)
    assert visit.viewers == 0
    assert visit.job is job
    sessions.sweep(visit.left_at + limits.SECONDS_UNTIL_STOP + 1)
    assert job.report.phase == "stopped"


def test_only_so_many_pages_show_one_visit(sessions: Sessions) -> None:
    with ExitStack() as pages:
        for _ in range(limits.PAGES):
            pages.enter_context(sessions.watching(ANN))
        with pytest.raises(Busy, match="too many pages"):
            pages.enter_context(sessions.watching(ANN))
        assert sessions.visit(ANN).viewers == limits.PAGES
    assert sessions.visit(ANN).viewers == 0


def test_a_page_that_breaks_off_counts_as_gone(sessions: Sessions) -> None:
    with pytest.raises(KeyError), sessions.watching(ANN):
        raise KeyError("the stream broke")
    assert sessions.visit(ANN).viewers == 0


def test_leaving_begins_when_the_last_page_goes(sessions: Sessions) -> None:
    visit = sessions.visit(ANN)
    gone_since(visit, monotonic(), 1000)
    before = monotonic()
    with sessions.watching(ANN):
        pass
    assert visit.left_at >= before


def test_the_watchdog_sweeps_by_itself(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS_UNTIL_STOP", -1.0)
    job = running(sessions, ANN)
    assert job.join(20)
    assert job.report.phase == "stopped"


def test_too_many_visitors_make_the_longest_gone_give_way(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "VISITORS", 3)
    now = monotonic()
    for seconds, token in ((20, ANN), (25, BEN), (10, CEM)):
        gone_since(sessions.visit(token), now, seconds)
    mine = sessions.visit(ANN)
    theirs = sessions.visit(BEN)
    sessions.visit(DAN)
    assert sessions.visit(ANN) is mine
    with (
        sessions.watching(ANN),
        sessions.watching(CEM),
        sessions.watching(DAN),
        pytest.raises(Busy, match="Too many visitors"),
    ):
        sessions.visit(BEN)
    assert sessions.visit(BEN) is not theirs


def test_the_job_of_a_visitor_who_gave_way_is_stopped(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "VISITORS", 1)
    job = running(sessions, ANN)
    sessions.visit(BEN)
    assert job.join(20)


def test_only_so_many_ended_runs_are_kept_and_lookers_keep_theirs_longest(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KEPT_JOBS", 2)
    with sessions.watching(ANN):
        for token in (ANN, BEN, CEM):
            ended(sessions, token)
        kept = [t for t in (ANN, BEN, CEM) if sessions.visit(t).job is not None]
        assert kept == [ANN, BEN, CEM], "the newest is not counted"
        ended(sessions, DAN)
        kept = [t for t in (ANN, BEN, CEM, DAN) if sessions.visit(t).job is not None]
        assert kept == [ANN, CEM, DAN]


def test_files_of_a_visitor_go_with_the_visit(sessions: Sessions, tmp_path: Path) -> None:
    folders = {}
    for token in (ANN, BEN):
        folders[token] = tmp_path / token
        folders[token].mkdir()
        (folders[token] / "model.safetensors").write_bytes(b"x")
        sessions.visit(token).folder = folders[token]
    with sessions.watching(BEN):
        sessions.sweep(monotonic() + limits.SECONDS_UNTIL_FORGOTTEN + 1)
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
