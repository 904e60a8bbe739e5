"""When a run that is watched shows how things look."""

from time import monotonic
from typing import Any

from demo import limits
from demo.runs.report import Run


class Views:
    """The pictures of a run while it trains: quick ones as often as their share of its time allows,
    and those that take long, which a run draws anew only when it is told to, by a share of their
    own, so that they do not hold up the others."""

    def __init__(self) -> None:
        self._due = monotonic()
        self._anew_due = self._due + limits.SECONDS_TO_SAMPLES
        self._quick = 0.0  # seconds that one took

    def draw(self, run: Run) -> Any:
        """What is due by now; None for nothing."""
        begun = monotonic()
        if begun < self._due:
            return None
        anew = begun >= self._anew_due
        view = run.view(anew)
        now = monotonic()
        if anew:
            self._anew_due = now + (now - begun) / limits.SAMPLE_SHARE
        else:
            self._quick = now - begun
        self._due = now + max(self._quick / limits.VIEW_SHARE, 1 / limits.VIEWS_PER_SECOND)
        return view
