"""Who holds which job, and when it is let go. A visitor is a token that the page remembers."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from demo import limits
from demo.jobs import AT_WORK, Job


class Busy(RuntimeError):
    """No room for another run. The message is one sentence for the user."""


@dataclass(slots=True)
class Visit:
    """viewers: pages that show this visit now. left_at: when the last of them went."""

    job: Job | None = None
    name: str = ""
    kind: str = ""
    viewers: int = 0
    left_at: float = field(default_factory=monotonic)

    @property
    def at_work(self) -> bool:
        return self.job is not None and self.job.report.phase in AT_WORK


def new_token() -> str:
    return secrets.token_urlsafe(18)


def is_token(token: object) -> bool:
    return isinstance(token, str) and 16 <= len(token) <= 64 and token.isascii()


class Sessions:
    """All visits, and the watchdog that stops what nobody looks at any more."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watchdog.start()

    def visit(self, token: str) -> Visit:
        """The visit of a token, made where it is new; the longest gone makes room."""
        with self._lock:
            if token not in self._visits:
                if len(self._visits) >= limits.VISITORS:
                    self._forget_one()
                self._visits[token] = Visit()
            return self._visits[token]

    @contextmanager
    def watching(self, token: str) -> Iterator[Visit]:
        """While a page shows the visit of a token."""
        visit = self.visit(token)
        with self._lock:
            self._visits[token] = visit
            visit.viewers += 1
        try:
            yield visit
        finally:
            with self._lock:
                visit.viewers -= 1
                visit.left_at = monotonic()

    def admit(self, token: str, job: Job, *, name: str, kind: str) -> None:
        """Starts a job for a visitor in the place of an earlier one. Raises Busy."""
        visit = self.visit(token)
        with self._lock:
            others = sum(v.at_work for v in self._visits.values() if v is not visit)
            if others >= limits.RUNNING_JOBS:
                raise Busy(
                    f"{others} visitors are training on this machine just now; please try again "
                    "in a few minutes, or run the studio on your own computer."
                )
            if visit.job is not None:
                visit.job.stop()
            visit.job, visit.name, visit.kind = job, name, kind
            job.start()

    def sweep(self, now: float) -> None:
        """Stops jobs whose visitor is gone, and later forgets them."""
        with self._lock:
            for token, visit in list(self._visits.items()):
                gone = 0.0 if visit.viewers else now - visit.left_at
                if gone > limits.SECONDS_UNTIL_STOP and visit.at_work and visit.job:
                    visit.job.stop()
                if gone > limits.SECONDS_UNTIL_FORGOTTEN:
                    del self._visits[token]

    def close(self) -> None:
        """Stops everything and waits for it."""
        self._over.set()
        with self._lock:
            jobs = [visit.job for visit in self._visits.values() if visit.job is not None]
        for job in jobs:
            job.stop()
        for job in jobs:
            job.join(timeout=10)

    def _forget_one(self) -> None:
        gone = [token for token, visit in self._visits.items() if not visit.viewers]
        if not gone:
            raise Busy("Too many visitors are here just now; please try again in a few minutes.")
        oldest = min(gone, key=lambda token: self._visits[token].left_at)
        job = self._visits.pop(oldest).job
        if job is not None:
            job.stop()

    def _watch(self) -> None:
        while not self._over.wait(timeout=1.0):
            self.sweep(monotonic())
