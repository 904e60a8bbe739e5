"""Iterations on a card, each at one stroke."""

from collections import Counter
from collections.abc import Callable, Hashable

from abp_core.device import Queue

BEFORE = 2  # times that work is done as Python says it, before it is recorded
BURST = 0.02  # seconds of work that are queued before the host waits for what came out


class Bursts:
    """Work of a few kinds that is done over and over, on a queue of its own: at first as Python
    says it, so that libraries choose their kernels and optimisers find their memory, and then as
    it was recorded."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._recorded: dict[Hashable, Callable[[], None]] = {}
        self._done: Counter[Hashable] = Counter()
        self._pace = BURST  # seconds that one took of late

    def size(self, most: int | None) -> int:
        """How many to queue at once, at most so many where there is a bound."""
        enough = max(1, int(BURST / self._pace))
        return enough if most is None else min(most, enough)

    def perform(self, kind: Hashable, work: Callable[[], None]) -> None:
        """Queues it once; all work of a kind is the same."""
        if kind not in self._recorded and self._done[kind] == BEFORE:
            self._recorded[kind] = self.queue.record(work)
        self._recorded.get(kind, work)()
        self._done[kind] = min(self._done[kind] + 1, BEFORE)

    def took(self, seconds: float) -> None:
        """Each of the last ones."""
        self._pace = seconds
