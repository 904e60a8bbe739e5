"""The current model of a page, which grows with the run that it is a snapshot of."""

import threading
from collections.abc import Callable
from time import monotonic

from demo import limits
from demo.models.collection import Model
from demo.runs.saved_runs import Keeper


class Current:
    """What the tabs of a page act on. keeper: of the run that it is a snapshot of; None for a model
    that stays as it is."""

    def __init__(self, model: Model, keeper: Keeper | None = None) -> None:
        self._model, self._keeper = model, keeper
        self._asked = monotonic()
        self._asking = threading.Lock()

    @property
    def model(self) -> Model:
        """As it was taken last."""
        return self._model

    def grown(self, take: Callable[[Keeper, Model], Model | None]) -> Model:
        """The model, by `take` as its run stands now, or None where that has learnt no more; it is
        not asked often, and nobody waits while another asks."""
        if self._keeper is None or monotonic() - self._asked < limits.SECONDS_BETWEEN_SNAPSHOTS:
            return self._model
        if self._asking.acquire(blocking=False):
            try:
                self._model = take(self._keeper, self._model) or self._model
                self._asked = monotonic()
            finally:
                self._asking.release()
        return self._model
