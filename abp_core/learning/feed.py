"""What an iteration takes from outside, handed over before it begins.

Whose turn it is, the noise of their walks, the learning rates: each is a function of the seed and
the iteration, so it can be drawn ahead, and what follows waits for nobody.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from torch import Tensor

from abp_core.device import Machine

AHEAD = 3  # iterations that are drawn before their turn

Drawn = list[dict[str, Tensor]]


class Fed(Protocol):
    """A part of a run that is given something anew every iteration. given: where it finds that, by
    name, on its device; these tensors stay where they are."""

    given: dict[str, Tensor]

    def draw(self, iteration: int) -> dict[str, Tensor]:
        """Some or all of what an iteration is given, on the CPU. Called by another thread."""
        ...


class Feed:
    """Gives the parts of a run what they need for an iteration; for a card it is drawn ahead, into
    pinned memory, by a thread."""

    def __init__(self, parts: Sequence[Fed], machine: Machine) -> None:
        self._parts, self._machine = parts, machine
        self._thread = ThreadPoolExecutor(1, "feed") if machine.records else None
        self._drawn: dict[int, Future[Drawn]] = {}

    def hand_over(self, iteration: int) -> None:
        """Lets the parts find what this iteration takes."""
        for part, drawn in zip(self._parts, self._take(iteration), strict=True):
            for name, value in drawn.items():
                part.given[name].copy_(value, non_blocking=True)

    def _take(self, iteration: int) -> Drawn:
        if self._thread is None:
            return self._draw(iteration)
        for number in range(iteration, iteration + AHEAD + 1):
            if number not in self._drawn:
                self._drawn[number] = self._thread.submit(self._draw, number)
        return self._drawn.pop(iteration).result()

    def _draw(self, iteration: int) -> Drawn:
        pin = self._machine.pin
        return [
            {name: pin(value) for name, value in part.draw(iteration).items()}
            for part in self._parts
        ]
