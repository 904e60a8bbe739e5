"""Who holds which job, and when it is let go. A visitor is a token that the page remembers."""

import secrets
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from demo import limits
from demo.jobs import AT_WORK, Job


class Busy(RuntimeError):
    """No room for another run. The message is one sentence for the user."""


class LostPlace(ValueError):
    """What was sent is no token of a page that is open. The message is one sentence for the
    user."""


@dataclass(slots=True, eq=False)
class Visit:
    """looked_at: when a page last asked for live pictures of it. here_until: until when a page of
    it is expected to speak again. spoken: whether one ever did. folder: of the visitor's files to
    take home; it goes with the visit. task: what the job is for, learn or repair. recipe: from what
    it can be built anew. model: what the other tabs act on. Both as the workbench keeps them."""

    job: Job | None = None
    model: Any = None
    name: str = ""
    kind: str = ""
    task: str = "learn"
    recipe: Any = None
    looked_at: float = field(default_factory=monotonic)
    here_until: float = field(default_factory=lambda: monotonic() + limits.SECONDS_OF_SILENCE)
    spoken: bool = False
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

    def open(self, token: str) -> Visit:
        """The visit of a token whose page opens, made where it is new; one that is gone makes
        room. Raises LostPlace, Busy."""
        if not is_token(token):
            raise LostPlace("This page has lost its place; please reload it.")
        with self._lock:
            if token not in self._visits:
                if len(self._visits) >= limits.VISITORS:
                    self._make_room()
                self._visits[token] = Visit()
            return self._visits[token]

    def visit(self, token: str) -> Visit:
        """The visit of a token whose page was opened. Raises LostPlace."""
        with self._lock:
            if not isinstance(token, str) or token not in self._visits:
                raise LostPlace("This page has lost its place; please reload it.")
            return self._visits[token]

    def hear(self, token: str, *, hidden: bool = False, leaving: bool = False) -> Visit:
        """A page of the visit speaks: it looks, lies in the background, or is about to go.
        Raises LostPlace."""
        visit, now = self.visit(token), monotonic()
        visit.spoken = True
        visit.here_until = now if leaving else now + limits.SECONDS_OF_SILENCE
        if not (hidden or leaving):
            visit.looked_at = now
        return visit

    def watched(self, token: str) -> bool:
        """Whether somebody sees the live pictures of a visit."""
        visit = self._visits.get(token)
        return visit is not None and monotonic() - visit.looked_at < limits.SECONDS_OF_LOOKING

    def admit(
        self,
        token: str,
        job: Job,
        *,
        name: str,
        kind: str,
        task: str = "learn",
        recipe: Any = None,
        after: Job | None = None,
    ) -> None:
        """Starts a job for a visitor in the place of an earlier one; that of another visitor who
        pauses gives way. after: the job it goes on from. Raises Busy, LostPlace."""
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
            visit.recipe = recipe
            self._park_jobs(visit)

    def sweep(self, now: float) -> None:
        """Stops jobs whose visitor is gone, and later forgets them.

        now: in seconds of `monotonic`.
        """
        with self._lock:
            for token, visit in list(self._visits.items()):
                gone = now - visit.here_until
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

    def _park_jobs(self, newest: Visit) -> None:
        """Keeps so many runs that have ended in memory: not those of visitors who are longest
        gone."""
        ended = [
            visit
            for visit in self._visits.values()
            if visit is not newest
            and visit.job is not None
            and visit.job.ended
            and visit.job.in_memory
        ]
        ended.sort(key=lambda visit: visit.here_until)
        for visit in ended[: max(0, len(ended) - limits.KEPT_JOBS)]:
            if visit.job is not None and not visit.job.park():
                visit.job = None  # nothing of it could be saved

    def _make_room(self) -> None:
        """Forgets a visit: rather one without a run, whose page never spoke, that is longest
        gone; never one whose page is here."""
        now = monotonic()
        gone = [
            token
            for token, visit in self._visits.items()
            if not (visit.spoken and visit.here_until > now)
        ]
        if not gone:
            raise Busy("Too many visitors are here just now; please try again in a few minutes.")

        def worth(token: str) -> tuple[bool, bool, float]:
            visit = self._visits[token]
            return visit.job is not None, visit.spoken, visit.here_until

        self._forget(min(gone, key=worth))

    def _forget(self, token: str) -> None:
        visit = self._visits.pop(token)
        if visit.job is not None:
            visit.job.stop()
        if visit.folder is not None:
            shutil.rmtree(visit.folder, ignore_errors=True)

    def _watch(self) -> None:
        while not self._over.wait(timeout=1.0):
            self.sweep(monotonic())
