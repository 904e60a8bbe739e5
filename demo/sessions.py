"""Who holds which job, and when it is let go. A visitor is a token that the page remembers."""

import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from demo import limits
from demo.jobs import AT_WORK, Job


class Busy(RuntimeError):
    """No room for another run. The message is one sentence for the user."""


class LostPlace(ValueError):
    """What was sent is no token. The message is one sentence for the user."""


@dataclass(slots=True, eq=False)
class Visit:
    """viewers: pages that show this visit now. left_at: when the last of them went.
    folder: of the visitor's files to take home; it goes with the visit.
    task: what the job is for, learn or repair. model: what the other tabs act on, as the workbench
    keeps it."""

    job: Job | None = None
    model: Any = None
    name: str = ""
    kind: str = ""
    task: str = "learn"
    viewers: int = 0
    left_at: float = field(default_factory=monotonic)
    folder: Path | None = None

    @property
    def at_work(self) -> bool:
        job = self.job  # another thread may let go of it
        return job is not None and job.report.phase in AT_WORK


def new_token() -> str:
    return secrets.token_urlsafe(18)


def is_token(token: object) -> bool:
    return isinstance(token, str) and 16 <= len(token) <= 64 and token.isascii()


class Sessions:
    """All visits, and the watchdog that stops what nobody looks at any more."""

    def __init__(self) -> None:
        self._visits: dict[str, Visit] = {}
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watchdog.start()

    def visit(self, token: str) -> Visit:
        """The visit of a token, made where it is new; the longest gone makes room.
        Raises LostPlace, Busy."""
        if not is_token(token):
            raise LostPlace("This page has lost its place; please reload it.")
        with self._lock:
            if token not in self._visits:
                if len(self._visits) >= limits.VISITORS:
                    self._make_room()
                self._visits[token] = Visit()
            return self._visits[token]

    @contextmanager
    def watching(self, token: str) -> Iterator[Visit]:
        """While a page shows the visit of a token. Raises LostPlace, Busy."""
        with self._lock:
            visit = self.visit(token)
            if visit.viewers >= limits.PAGES:
                raise Busy("The studio is open in too many pages; please close some of them.")
            visit.viewers += 1
        try:
            yield visit
        finally:
            with self._lock:
                visit.viewers -= 1
                visit.left_at = monotonic()

    def admit(
        self,
        token: str,
        job: Job,
        *,
        name: str,
        kind: str,
        task: str = "learn",
        after: Job | None = None,
    ) -> None:
        """Starts a job for a visitor in the place of an earlier one; that of another visitor who
        pauses gives way. after: the job it goes on from. Raises Busy."""
        with self._lock:
            visit = self.visit(token)
            if self._over.is_set():
                raise Busy("The studio is closing; please come back in a minute.")
            if after is not None and visit.job is not after:
                raise Busy("Another run has taken the place of this one meanwhile.")
            self._find_turn(visit)
            if visit.job is not None:
                visit.job.stop()
            job.start(after=visit.job)
            visit.job, visit.name, visit.kind, visit.task = job, name, kind, task
            self._give_up_jobs(visit)

    def sweep(self, now: float) -> None:
        """Stops jobs whose visitor is gone, and later forgets them.

        now: in seconds of `monotonic`.
        """
        with self._lock:
            for token, visit in list(self._visits.items()):
                gone = 0.0 if visit.viewers else now - visit.left_at
                if gone > limits.SECONDS_UNTIL_STOP and visit.at_work and visit.job:
                    visit.job.stop("It was stopped when nobody looked; Go on takes it up.")
                if gone > limits.SECONDS_UNTIL_FORGOTTEN:
                    self._forget(token)

    def close(self) -> None:
        """Stops everything, admits nothing more, and waits for it."""
        with self._lock:
            self._over.set()
            jobs = [visit.job for visit in self._visits.values() if visit.job is not None]
        for job in jobs:
            job.stop()
        for job in jobs:
            job.join(timeout=10)
        self._watchdog.join(timeout=10)

    def _find_turn(self, visit: Visit) -> None:
        """Raises Busy where too many others train; the first of them who pauses makes room."""
        others = [v.job for v in self._visits.values() if v is not visit and v.job is not None]
        others = [job for job in others if not job.ended]
        if len(others) < limits.RUNNING_JOBS:
            return
        paused = [job for job in others if job.report.phase == "paused"]
        if not paused:
            raise Busy(
                f"{len(others)} visitors are training on this machine just now; please try again "
                "in a few minutes, or run the studio on your own computer."
            )
        paused[0].stop("While it was paused another visitor took its turn; Go on takes it up.")

    def _give_up_jobs(self, newest: Visit) -> None:
        """Keeps so many jobs that have ended: not those of visitors who are longest gone."""
        ended = [
            visit
            for visit in self._visits.values()
            if visit is not newest and visit.job is not None and visit.job.ended
        ]
        ended.sort(key=lambda visit: (visit.viewers > 0, visit.left_at))
        for visit in ended[: max(0, len(ended) - limits.KEPT_JOBS)]:
            visit.job = None

    def _make_room(self) -> None:
        gone = [token for token, visit in self._visits.items() if not visit.viewers]
        if not gone:
            raise Busy("Too many visitors are here just now; please try again in a few minutes.")
        self._forget(min(gone, key=lambda token: self._visits[token].left_at))

    def _forget(self, token: str) -> None:
        visit = self._visits.pop(token)
        if visit.job is not None:
            visit.job.stop()
        if visit.folder is not None:
            shutil.rmtree(visit.folder, ignore_errors=True)

    def _watch(self) -> None:
        while not self._over.wait(timeout=1.0):
            self.sweep(monotonic())
