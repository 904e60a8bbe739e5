"""Who holds which job, and when it is let go.

A visitor is known by the word that their browser remembers. Each page that they open has a token of
its own, which begins with that word: pages share the visitor's run and their files, and each has a
current model of its own.
"""

import re
import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from demo import limits
from demo.disk import Disk
from demo.errors import Rejected
from demo.runs.current import Current
from demo.runs.jobs import (
    Job,
)
from demo.runs.report import (
    AT_WORK,
)
from demo.runs.saved_runs import Keeper

GAVE_WAY = {  # what is said of the run of the other task
    "learn": "It was stopped when the Train tab began; you can go on with it.",
    "repair": "It was stopped when the Repair tab began; you can go on with it.",
    "compare": "It was stopped when the Compare tab began; you can go on with it.",
}
PAGE = "~"  # between a visitor's word and a page's own
TOKEN = f"[A-Za-z0-9_-]{{16,40}}({PAGE}[A-Za-z0-9_-]{{1,20}})?"


class Busy(Rejected):
    """No room for another run. The message is one sentence for the user."""


class LostPlace(Rejected):
    """What was sent is no token of a page that is open. The message is one sentence for the
    user."""


@dataclass(frozen=True, slots=True)
class Held:
    """A visitor's run. keeper: from what it can be built anew; None of one that goes with the
    memory."""

    job: Job
    name: str
    kind: str
    keeper: Keeper | None = None


@dataclass(slots=True, eq=False)
class Visit:
    """held: a run a task, see TASKS, the one that began last at the end. looked_at: when a
    page last asked for live pictures of it. here_until: until when a page of it is expected to
    speak again. spoken: whether one ever did. folder: of the visitor's files to take home; it goes
    with the visit. currents: what the other tabs act on, by the pages' tokens, the newest choice
    last."""

    held: dict[str, Held] = field(default_factory=dict)
    currents: OrderedDict[str, Current] = field(default_factory=OrderedDict)
    looked_at: float = field(default_factory=monotonic)
    here_until: float = field(default_factory=lambda: monotonic() + limits.SECONDS_OF_SILENCE)
    spoken: bool = False
    folder: Path | None = None

    @property
    def newest(self) -> str:
        """The task whose run began last; learn before any."""
        return next(reversed(self.held), "learn")

    @property
    def job(self) -> Job | None:
        """The run that began last; of a visitor's runs only this one may be at work."""
        held = self.held.get(self.newest)
        return held.job if held else None

    @property
    def at_work(self) -> bool:
        job = self.job  # another thread may let go of it
        return job is not None and job.report.phase in AT_WORK

    def choose(self, token: str, current: Current) -> None:
        """Makes a model the current one of a page."""
        self.currents[token] = current
        self.currents.move_to_end(token)
        while len(self.currents) > limits.PAGES:
            self.currents.popitem(last=False)

    def current(self, token: str) -> Current | None:
        """That of a page; of a page that has chosen none, what another chose last."""
        return self.currents.get(token) or next(reversed(self.currents.values()), None)

    def place(self, disk: Disk, name: str) -> Path:
        """Where a file of that name is written for the visitor; their oldest ones make room."""
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(dir=disk.out))
        disk.make_room(self.folder, 0, limits.FILES_KEPT - 1)
        self.folder.mkdir(exist_ok=True)
        return self.folder / name


def new_token() -> str:
    """Of a visitor's first page."""
    return page_token(secrets.token_urlsafe(18))


def page_token(word: str) -> str:
    """Of another page of the visitor who is known by the word."""
    return f"{word}{PAGE}{secrets.token_urlsafe(6)}"


def word_of(token: str) -> str:
    """By which the visitor is known, whichever of their pages speaks."""
    return token.partition(PAGE)[0]


def is_token(token: object) -> bool:
    """Whether something can be a word or a page's token."""
    return isinstance(token, str) and re.fullmatch(TOKEN, token) is not None


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
            word = word_of(token)
            if word not in self._visits:
                if len(self._visits) >= limits.VISITORS:
                    self._make_room()
                self._visits[word] = Visit()
            return self._visits[word]

    def visit(self, token: str) -> Visit:
        """The visit of a token whose page was opened. Raises LostPlace."""
        with self._lock:
            if not isinstance(token, str) or word_of(token) not in self._visits:
                raise LostPlace("This page has lost its place; please reload it.")
            return self._visits[word_of(token)]

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
        visit = self._visits.get(word_of(token))
        return visit is not None and monotonic() - visit.looked_at < limits.SECONDS_OF_LOOKING

    def admit(
        self,
        token: str,
        job: Job,
        *,
        name: str,
        kind: str,
        task: str = "learn",
        keeper: Keeper | None = None,
        after: Job | None = None,
    ) -> None:
        """Starts a job for a visitor in the place of an earlier one of its task; their runs
        of other tasks stop and stay, and that of another visitor who pauses gives way. after: the
        job it goes on from. Raises Busy, LostPlace."""
        with self._lock:
            visit = self.visit(token)
            if self._over.is_set():
                raise Busy("The studio is closing; please come back in a minute.")
            earlier = visit.held.get(task)
            if after is not None and (earlier is None or earlier.job is not after):
                raise Busy("Another run has taken the place of this one meanwhile.")
            self._find_turn(visit)
            for other, held in visit.held.items():
                held.job.stop("" if other == task else GAVE_WAY[task])
            job.start(after=visit.job)
            visit.held.pop(task, None)
            visit.held[task] = Held(job, name, kind, keeper)
            self._park_jobs(job)

    def sweep(self, now: float) -> None:
        """Stops jobs whose visitor is gone, and later forgets them.

        now: in seconds of `monotonic`.
        """
        with self._lock:
            for token, visit in list(self._visits.items()):
                gone = now - visit.here_until
                if gone > limits.SECONDS_UNTIL_STOP and visit.at_work and visit.job:
                    visit.job.stop("It was stopped when nobody looked; you can go on with it.")
                if gone > limits.SECONDS_UNTIL_FORGOTTEN:
                    self._forget(token)

    def close(self) -> None:
        """Stops everything, admits nothing more, and waits for it."""
        with self._lock:
            self._over.set()
            jobs = [held.job for visit in self._visits.values() for held in visit.held.values()]
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
        paused[0].stop("While it was paused another visitor took its turn; you can go on with it.")

    def _park_jobs(self, newest: Job) -> None:
        """Keeps so many runs that have ended in memory: not those of visitors who are longest
        gone."""
        ended = [
            (visit, task, held.job)
            for visit in sorted(self._visits.values(), key=lambda visit: visit.here_until)
            for task, held in visit.held.items()
            if held.job.ended and held.job.in_memory and held.job is not newest
        ]
        for visit, task, job in ended[: max(0, len(ended) - limits.KEPT_JOBS)]:
            if not job.park():
                del visit.held[task]  # nothing of it could be saved

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
            return bool(visit.held), visit.spoken, visit.here_until

        self._forget(min(gone, key=worth))

    def _forget(self, token: str) -> None:
        visit = self._visits.pop(token)
        for held in visit.held.values():
            held.job.stop()
        if visit.folder is not None:
            shutil.rmtree(visit.folder, ignore_errors=True)

    def _watch(self) -> None:
        while not self._over.wait(timeout=1.0):
            self.sweep(monotonic())
