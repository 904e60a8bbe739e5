"""Whose turn it is: heavy handlers run in a few threads of their own, one call a visitor at a time.

Who waits holds no thread and no place of the queue's: a crowd of calls of one visitor can neither
stop another's slider nor keep the page from being served.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from demo import limits
from demo.errors import Rejected

Answer = TypeVar("Answer")
NEWER = "A newer wish of yours has taken the place of this one."
CROWDED = "Many visitors are here just now; please try again in a moment."
CLOSING = "The studio is closing; please come back in a minute."
_END = object()


class TurnedAway(Rejected):
    """No turn came, or a newer call took it. The message is one sentence for the user."""


@dataclass(slots=True, eq=False)
class _Waiting:
    who: str
    called: "asyncio.Future[None]"


class Lane:
    """`threads` threads for one kind of work.

    A visitor has one of them at a time and a few calls that wait; of more the oldest is turned
    away, because the newest says what is wanted now. All of it is decided in the event loop, so
    there is nothing to lock. prepare: what each thread does first.
    """

    def __init__(
        self, name: str, threads: int, prepare: Callable[[], object] = lambda: None
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, name, prepare)
        self._free = threads
        self._at_work: set[str] = set()
        self._waiting: deque[_Waiting] = deque()

    async def do(self, who: str, work: Callable[[], Answer]) -> Answer:
        """What work() answers, in a thread of this lane. Raises TurnedAway, or what work raises."""
        async with self._turn(who):
            return await self._in_thread(work)

    async def follow(self, who: str, steps: Iterator[Answer]) -> AsyncIterator[Answer]:
        """What an iterator yields, each step in a thread of this lane; the turn is kept between
        them. Nothing is left open in the threads between two steps, since the next may come in
        another one. Raises TurnedAway, or what a step raises."""
        async with self._turn(who):
            ended = False
            try:
                while True:
                    step = await self._in_thread(lambda: next(steps, _END))
                    if step is _END:
                        ended = True
                        return
                    yield step  # type: ignore[misc]
            finally:
                close = getattr(steps, "close", None)
                if close is not None and not ended:
                    with suppress(TurnedAway):
                        await self._in_thread(close)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
        """A thread cannot be broken off: even a call that nobody waits for keeps its turn until
        its work has ended."""
        try:
            going = asyncio.get_running_loop().run_in_executor(self._threads, work)
        except RuntimeError as error:  # the threads are closed
            raise TurnedAway(CLOSING) from error
        try:
            return await asyncio.shield(going)
        except asyncio.CancelledError:
            await asyncio.wait([going])
            raise

    @asynccontextmanager
    async def _turn(self, who: str) -> AsyncIterator[None]:
        await self._enter(who)
        try:
            yield
        finally:
            self._at_work.discard(who)
            self._free += 1
            self._call_next()

    async def _enter(self, who: str) -> None:
        own = [waiting for waiting in self._waiting if waiting.who == who]
        if len(own) >= limits.WAITING_EACH:
            self._waiting.remove(own[0])
            own[0].called.set_exception(TurnedAway(NEWER))
        elif len(self._waiting) >= limits.WAITING_ALL:
            raise TurnedAway(CROWDED)
        me = _Waiting(who, asyncio.get_running_loop().create_future())
        self._waiting.append(me)
        self._call_next()
        try:
            await asyncio.wait_for(asyncio.shield(me.called), limits.SECONDS_WAITING)
        except BaseException as error:
            if me in self._waiting:
                self._waiting.remove(me)
            elif me.called.done() and me.called.exception() is None:  # called, and gone meanwhile
                self._at_work.discard(who)
                self._free += 1
                self._call_next()
            me.called.cancel()
            if isinstance(error, TimeoutError):
                raise TurnedAway(CROWDED) from error
            raise

    def _call_next(self) -> None:
        """Gives free threads to those who wait longest and have none yet."""
        for waiting in list(self._waiting):
            if not self._free:
                return
            if waiting.who in self._at_work:
                continue
            self._waiting.remove(waiting)
            self._free -= 1
            self._at_work.add(waiting.who)
            waiting.called.set_result(None)


class Lanes:
    """The lanes of the studio. look: a picture or a stretch of sound, some 50 ms. walk: inference.
    heavy: what reads files, trains up, or makes much. quick: next to nothing, but it may wait for
    a lock."""

    def __init__(self, prepare: Callable[[], object] = lambda: None) -> None:
        self.look = Lane("look", limits.LOOKERS, prepare)
        self.walk = Lane("walk", limits.WALKERS, prepare)
        self.heavy = Lane("heavy", limits.ASIDE, prepare)
        self.quick = Lane("quick", limits.QUICK, prepare)

    def close(self) -> None:
        for lane in (self.look, self.walk, self.heavy, self.quick):
            lane.close()
