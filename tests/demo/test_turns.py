"""Whose turn it is: few threads, one call a visitor, the newest wins, and the loop goes on."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from time import sleep

import pytest

from demo import limits
from demo.server.turns import (
    CROWDED,
    NEWER,
    Lane,
    TurnedAway,
)
from tests.demo.loops import run


@pytest.fixture
def lane() -> Iterator[Lane]:
    lane = Lane("test", 2)
    yield lane
    lane.close()


class Gate:
    """Work that waits until it may end, and tells who is at it."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.at_work: list[str] = []
        self.done: list[str] = []

    def work(self, name: str) -> Callable[[], str]:
        def run() -> str:
            self.at_work.append(name)
            assert self.open.wait(20)
            self.done.append(name)
            return name

        return run


async def until(condition: Callable[[], object]) -> None:
    for _ in range(20_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came")


def test_work_is_answered_and_its_errors_come_back(lane: Lane) -> None:
    async def come() -> None:
        assert await lane.do("ann", lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await lane.do("ann", lambda: 1 / 0)
        assert await lane.do("ann", lambda: 8) == 8, "a turn that broke is free again"

    run(come())


def test_a_visitor_works_in_one_thread_and_others_go_on(lane: Lane) -> None:
    gate = Gate()

    async def come() -> None:
        mine = [asyncio.create_task(lane.do("ann", gate.work(f"ann {k}"))) for k in range(3)]
        await until(lambda: gate.at_work)
        theirs = asyncio.create_task(lane.do("ben", gate.work("ben")))
        await until(lambda: len(gate.at_work) == 2)
        assert gate.at_work == ["ann 0", "ben"]
        gate.open.set()
        await asyncio.gather(*mine, theirs)
        assert sorted(gate.done) == ["ann 0", "ann 1", "ann 2", "ben"]

    run(come())


def test_of_sixty_calls_of_one_visitor_the_oldest_that_wait_give_way(lane: Lane) -> None:
    gate = Gate()

    async def come() -> None:
        first = asyncio.create_task(lane.do("ann", gate.work("first")))
        await until(lambda: gate.at_work)
        calls = [asyncio.create_task(lane.do("ann", gate.work(str(k)))) for k in range(60)]
        await until(lambda: sum(call.done() for call in calls) == 60 - limits.WAITING_EACH)
        gate.open.set()
        ended = await asyncio.gather(first, *calls, return_exceptions=True)
        kept = [answer for answer in ended if isinstance(answer, str)]
        assert kept == ["first", *(str(k) for k in range(60 - limits.WAITING_EACH, 60))]
        away = [answer for answer in ended if not isinstance(answer, str)]
        assert all(isinstance(answer, TurnedAway) and str(answer) == NEWER for answer in away)

    run(come())


def test_a_crowd_is_told_at_once_that_there_is_no_room(lane: Lane) -> None:
    gate = Gate()

    async def come() -> None:
        crowd = [
            asyncio.create_task(lane.do(f"visitor {k}", gate.work(str(k))))
            for k in range(limits.WAITING_ALL + 2)
        ]
        await until(lambda: len(gate.at_work) == 2)
        with pytest.raises(TurnedAway, match="Many visitors"):
            await lane.do("late", lambda: 1)
        gate.open.set()
        assert len(await asyncio.gather(*crowd)) == limits.WAITING_ALL + 2
        assert await lane.do("late", lambda: 1) == 1

    run(come())


def test_who_waits_too_long_is_told(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS_WAITING", 0.05)
    gate = Gate()

    async def come() -> None:
        mine = asyncio.create_task(lane.do("ann", gate.work("ann")))
        await until(lambda: gate.at_work)
        with pytest.raises(TurnedAway) as refusal:
            await lane.do("ann", lambda: 1)
        assert str(refusal.value) == CROWDED
        gate.open.set()
        await mine
        assert await lane.do("ann", lambda: 1) == 1

    run(come())


def test_a_call_that_is_broken_off_keeps_its_turn_until_its_work_has_ended(lane: Lane) -> None:
    """Or a visitor could fill the threads with calls that nobody waits for."""
    gate = Gate()

    async def come() -> None:
        call = asyncio.create_task(lane.do("ann", gate.work("broken off")))
        await until(lambda: gate.at_work)
        call.cancel()
        later = asyncio.create_task(lane.do("ann", gate.work("later")))
        await asyncio.sleep(0.05)
        assert gate.at_work == ["broken off"]
        gate.open.set()
        assert await later == "later"
        with pytest.raises(asyncio.CancelledError):
            await call

    run(come())


def test_one_who_waits_and_is_broken_off_takes_no_turn(lane: Lane) -> None:
    gate = Gate()

    async def come() -> None:
        mine = asyncio.create_task(lane.do("ann", gate.work("ann")))
        await until(lambda: gate.at_work)
        waiting = asyncio.create_task(lane.do("ann", gate.work("never")))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.open.set()
        await mine
        for k in range(4):
            assert await lane.do("ann", lambda k=k: k) == k  # type: ignore[misc]
        assert gate.done == ["ann"]

    run(come())


def test_steps_come_one_by_one_and_a_turn_is_kept_between_them(lane: Lane) -> None:
    threads: set[str] = set()

    def steps() -> Iterator[int]:
        for k in range(5):
            threads.add(threading.current_thread().name)
            yield k

    async def come() -> None:
        assert [k async for k in lane.follow("ann", steps())] == [0, 1, 2, 3, 4]
        assert all(name.startswith("test") for name in threads)

    run(come())


def test_steps_that_nobody_asks_for_any_more_end_and_free_the_turn(lane: Lane) -> None:
    ended: list[bool] = []

    def steps() -> Iterator[int]:
        try:
            while True:
                sleep(0.001)
                yield 1
        finally:
            ended.append(True)

    async def come() -> None:
        following = lane.follow("ann", steps())
        assert await anext(following) == 1
        await following.aclose()  # type: ignore[attr-defined]
        assert ended == [True]
        assert await lane.do("ann", lambda: 2) == 2

    run(come())


def test_the_loop_goes_on_while_all_threads_are_taken(lane: Lane) -> None:
    gate = Gate()

    async def come() -> None:
        crowd = [asyncio.create_task(lane.do(str(k), gate.work(str(k)))) for k in range(20)]
        await until(lambda: len(gate.at_work) == 2)
        ticks = 0
        while ticks < 50:
            await asyncio.sleep(0)
            ticks += 1
        assert gate.at_work == ["0", "1"]
        gate.open.set()
        await asyncio.gather(*crowd)

    run(come())


def test_what_is_asked_of_a_studio_that_closes_gets_a_sentence(lane: Lane) -> None:
    async def come() -> None:
        steps = lane.follow("ann", iter("abc"))
        assert await anext(steps) == "a"
        lane.close()
        with pytest.raises(TurnedAway, match="closing"):
            await anext(steps)
        with pytest.raises(TurnedAway, match="closing"):
            await lane.do("ben", lambda: 7)

    run(come())
