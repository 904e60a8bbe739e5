"""What an open page is told of its run, and what its asking tells the studio."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from demo import limits
from demo.disk import Disk
from demo.jobs import Job
from demo.live import Watch
from demo.sessions import new_token
from demo.workbench import Workbench
from tests.demo.loops import run
from tests.demo.runs import Counting, until


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Workbench]:
    workbench = Workbench(Disk(tmp_path))
    yield workbench
    workbench.close()


class Seeing(Counting):
    """A run whose views are what a page can draw."""

    def view(self) -> Any:
        super().view()
        return ()


def told(watch: Watch, **sent: Any) -> dict[str, Any] | None:
    return run(watch.answer(sent))


def training(workbench: Workbench, token: str, task: str = "learn") -> Job:
    job = Job(Seeing, budget=1e6)
    workbench.sessions.admit(token, job, name="pebbles", kind="texture", task=task)
    until(lambda: job.report.phase == "running" and job.report.iteration)
    return job


def test_a_page_is_told_once_what_is_new(workbench: Workbench) -> None:
    watch, token = Watch(workbench), new_token()
    workbench.sessions.open(token)
    first = told(watch, token=token)
    assert first is not None
    assert first["run"] is None
    assert told(watch, token=token, seen=first["seen"]) is None
    job = training(workbench, token)
    second = told(watch, token=token, seen=first["seen"])
    assert second is not None
    assert second["run"]["stage"]["phase"] == "running"
    assert second["run"]["stage"]["headline"] == "Learning pebbles"
    job.pause()
    third = told(watch, token=token, seen=second["seen"])
    assert third is not None
    assert third["run"]["stage"]["phase"] == "paused"


@pytest.mark.parametrize("task", ["learn", "repair"])
def test_the_buttons_of_the_other_task_stand_as_before_a_run(
    workbench: Workbench, task: str
) -> None:
    watch, token = Watch(workbench), new_token()
    workbench.sessions.open(token)
    idle = told(watch, token=token)
    job = training(workbench, token, task)
    news = told(watch, token=token)
    assert idle is not None
    assert news is not None
    other = "repair" if task == "learn" else "learn"
    assert news["buttons"][other] == idle["buttons"][other]
    begin, hold, stop, *_ = news["buttons"][task]
    assert (begin, stop) == ({"interactive": False}, {"interactive": True})
    assert hold == {"value": "Pause", "interactive": True}
    job.stop()
    assert job.join(20)
    ended = told(watch, token=token)
    assert ended is not None
    assert ended["buttons"][task][1] == {"value": "Go on", "interactive": True}
    assert ended["buttons"][task][0] == {"interactive": True}


def test_a_page_that_the_studio_does_not_know_shall_arrive_anew(workbench: Workbench) -> None:
    one, other = Watch(workbench), Watch(workbench)
    answers = [told(watch, token=new_token()) for watch in (one, other)]
    assert all(answer and answer["unknown"] for answer in answers)
    assert answers[0]["server"] != answers[1]["server"], "a restarted one is another"  # type: ignore[index]
    for token in (None, 7, [], {"a": 1}, "x" * 10**6):
        answer = told(one, token=token)
        assert answer is not None
        assert answer["unknown"]
    assert not workbench.sessions._visits, "who never opened a page costs nothing"


def test_who_looks_is_watched_and_who_is_hidden_is_here(workbench: Workbench) -> None:
    watch, token = Watch(workbench), new_token()
    visit = workbench.sessions.open(token)
    visit.looked_at = monotonic() - 100
    assert told(watch, token=token, hidden=True) is None
    assert not workbench.sessions.watched(token)
    assert visit.here_until > monotonic() + limits.SECONDS_OF_SILENCE / 2
    told(watch, token=token)
    assert workbench.sessions.watched(token)


def test_one_who_leaves_is_gone_at_once_and_back_with_the_next_question(
    workbench: Workbench,
) -> None:
    watch, token = Watch(workbench), new_token()
    visit = workbench.sessions.open(token)
    job = training(workbench, token)
    assert told(watch, token=token, leaving=True) is None
    assert visit.here_until <= monotonic()
    told(watch, token=token)
    workbench.sessions.sweep(monotonic() + limits.SECONDS_UNTIL_STOP + 1)
    assert job.report.phase == "running", "a reload takes a second or two"
    told(watch, token=token, leaving=True)
    workbench.sessions.sweep(monotonic() + limits.SECONDS_UNTIL_STOP + 1)
    assert job.join(20)
    assert job.report.phase == "stopped"
