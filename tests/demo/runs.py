"""A run that counts what a job does to it, a visitor who has come, and a patient wait."""

import threading
from collections.abc import Callable, Generator, Iterator
from time import monotonic, sleep
from typing import Any

from demo.runs.replay import Frame
from demo.runs.report import (
    Progress,
)
from demo.runs.sessions import new_token
from demo.runs.settings import FILM_STYLES, STYLES
from demo.studio import Studio
from demo.train.layout import AS_SET

# What Train is pressed with beside something of the pack: no files, and how to learn.
UNTRAINED = [None, None, AS_SET, STYLES[0], FILM_STYLES[0]]


class Counting:
    """A run whose iterations are `moves` small moves; it counts what is done to it.

    gate: given, every move waits for a token of it. break_at, diverge_at: iterations.
    """

    def __init__(
        self,
        *,
        moves: int = 3,
        seconds: float = 0.01,
        gate: threading.Semaphore | None = None,
        break_at: int = 0,
        diverge_at: int = 0,
    ) -> None:
        self.moves, self.seconds, self.gate = moves, seconds, gate
        self.break_at, self.diverge_at = break_at, diverge_at
        self.moved = self.committed = self.views = self.rested = 0

    def iterate(self) -> Iterator[Progress | None]:
        for _ in range(self.moves):
            if self.gate is not None:
                self.gate.acquire()
            else:
                sleep(0.0005)  # lets the other threads of the test in
            self.moved += 1
            yield None
        if self.committed + 1 == self.break_at:
            raise RuntimeError("it broke")
        self.committed += 1
        diverged = self.committed == self.diverge_at
        yield Progress(self.committed, 1 / self.committed, 1.0, diverged, self.seconds)

    def at_rest(self) -> "Counting":
        self.rested += 1
        return self

    def awake(self, seconds: float, step_factor: float = 1.0) -> "Counting":
        return self

    def conclude(self) -> Generator[int, None, None]:
        yield from ()

    def view(self, anew: bool = True) -> int:
        self.views += 1
        return self.committed

    def frame(self, view: int) -> Frame:
        return Frame(self.committed, str(view))


def arrived(studio: Studio) -> str:
    """The token of a new visitor, whose page has opened."""
    token = new_token()
    studio.sessions.open(token)
    return token


def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    """Waits for what must come; the bound only ends a broken test."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, "it never came"
        sleep(0.001)
