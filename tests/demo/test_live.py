"""What an open page is told of its run, and what its asking tells the studio."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from demo import limits
from demo.disk import Disk
from demo.runs.jobs import Job
from demo.runs.sessions import new_token
from demo.server.live import MORE, Watch
from tests.demo.loops import run
from tests.demo.rooms import Rooms
from tests.demo.runs import Counting, until


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = Rooms(Disk(tmp_path))
    yield rooms
    rooms.close()


class Seeing(Counting):
    """A run whose views are what a page can draw."""

    def view(self, anew: bool = True) -> Any:
        super().view()
        return ()


def told(watch: Watch, **sent: Any) -> dict[str, Any] | None:
    return run(watch.answer(sent))


def training(rooms: Rooms, token: str, task: str = "learn") -> Job:
    job = Job(Seeing, budget=1e6)
    rooms.studio.sessions.admit(token, job, name="pebbles", kind="texture", task=task)
    until(lambda: job.report.phase == "running" and job.report.iteration)
    return job


def test_a_page_is_told_once_what_is_new(rooms: Rooms) -> None:
    watch, token = Watch(rooms.studio), new_token()
    rooms.studio.sessions.open(token)
    first = told(watch, token=token)
    assert first is not None
    assert first["runs"] == {"learn": None, "repair": None, "compare": None}
    assert told(watch, token=token, seen=first["seen"]) is None
    job = training(rooms, token)
    second = told(watch, token=token, seen=first["seen"])
    assert second is not None
    assert second["runs"]["learn"]["stage"]["phase"] == "running"
    assert second["runs"]["learn"]["stage"]["headline"] == "Learning pebbles"
    job.pause()
    third = told(watch, token=token, seen=second["seen"])
    assert third is not None
    assert third["runs"]["learn"]["stage"]["phase"] == "paused"


def test_a_run_of_the_other_task_stops_and_keeps_its_place(rooms: Rooms) -> None:
    watch, token = Watch(rooms.studio), new_token()
    rooms.studio.sessions.open(token)
    first = training(rooms, token, "learn")
    before = told(watch, token=token)
    second = training(rooms, token, "repair")
    assert first.join(20)
    news = told(watch, token=token, seen=before["seen"])  # type: ignore[index]
    assert news is not None
    assert news["runs"]["learn"]["stage"]["phase"] == "stopped"
    assert "Repair" in news["runs"]["learn"]["stage"]["detail"]
    assert news["runs"]["repair"]["stage"]["phase"] == "running"
    assert [news["buttons"][task][1]["value"] for task in ("learn", "repair")] == [
        MORE["learn"],
        "Pause",
    ]
    third = training(rooms, token, "learn")
    assert second.join(20)
    assert not third.ended
    held = rooms.studio.sessions.visit(token).held
    assert {task: run.job for task, run in held.items()} == {"learn": third, "repair": second}


@pytest.mark.parametrize("task", ["learn", "repair"])
def test_the_buttons_of_the_other_task_stand_as_before_a_run(rooms: Rooms, task: str) -> None:
    watch, token = Watch(rooms.studio), new_token()
    rooms.studio.sessions.open(token)
    idle = told(watch, token=token)
    job = training(rooms, token, task)
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
    assert ended["buttons"][task][1] == {"value": MORE[task], "interactive": True}
    assert ended["buttons"][task][0] == {"interactive": True}


def test_a_page_that_the_studio_does_not_know_shall_arrive_anew(rooms: Rooms) -> None:
    one, other = Watch(rooms.studio), Watch(rooms.studio)
    answers = [told(watch, token=new_token()) for watch in (one, other)]
    assert all(answer and answer["unknown"] for answer in answers)
    assert answers[0]["server"] != answers[1]["server"], "a restarted one is another"  # type: ignore[index]
    for token in (None, 7, [], {"a": 1}, "x" * 10**6):
        answer = told(one, token=token)
        assert answer is not None
        assert answer["unknown"]
    assert not rooms.studio.sessions._visits, "who never opened a page costs nothing"


def test_who_looks_is_watched_and_who_is_hidden_is_here(rooms: Rooms) -> None:
    watch, token = Watch(rooms.studio), new_token()
    visit = rooms.studio.sessions.open(token)
    visit.looked_at = monotonic() - 100
    assert told(watch, token=token, hidden=True) is None
    assert not rooms.studio.sessions.watched(token)
    assert visit.here_until > monotonic() + limits.SECONDS_OF_SILENCE / 2
    told(watch, token=token)
    assert rooms.studio.sessions.watched(token)


def test_one_who_leaves_is_gone_at_once_and_back_with_the_next_question(
    rooms: Rooms,
) -> None:
    watch, token = Watch(rooms.studio), new_token()
    visit = rooms.studio.sessions.open(token)
    job = training(rooms, token)
    assert told(watch, token=token, leaving=True) is None
    assert visit.here_until <= monotonic()
    told(watch, token=token)
    rooms.studio.sessions.sweep(monotonic() + limits.SECONDS_UNTIL_STOP + 1)
    assert job.report.phase == "running", "a reload takes a second or two"
    told(watch, token=token, leaving=True)
    rooms.studio.sessions.sweep(monotonic() + limits.SECONDS_UNTIL_STOP + 1)
    assert job.join(20)
    assert job.report.phase == "stopped"
