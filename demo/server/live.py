"""A visitor's runs as an open page shows them: what changed since the page last asked.

A page asks now and then, which costs next to nothing and holds neither a place of the queue nor a
connection. What it gets is drawn by its scripts; see widgets/live.js.
"""

import secrets
from dataclasses import asdict
from typing import Any

from demo.runs.report import (
    AT_WORK,
    Report,
)
from demo.runs.service import TASKS, Live
from demo.runs.sessions import LostPlace
from demo.studio import Studio

NOTHING: dict[str, list[float]] = {"iterations": [], "errors": [], "latents": [], "priors": []}
MINUTES = "{minutes}"  # in a label: how many more, as the page is set
MORE = {  # a run that has ended
    "learn": f"Train {MINUTES}",
    "repair": f"Learn {MINUTES}",
    "compare": f"{MINUTES} each",
}
ONWARD = {
    "texture": "Make a tile",
    "sound": "Listen endlessly",
    "objects": "New pictures",
    "film": "Make a film",
}
HEADLINES = {
    "starting": "Getting ready to learn {}",
    "running": "Learning {}",
    "paused": "Paused: {}",
    "stopped": "Stopped: {}",
    "finished": "Learnt: {}",
    "diverged": "{} ran away",
    "failed": "{} could not be learnt",
}


class Watch:
    """Answers the pages of all visitors."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._sessions, self._runs = studio, studio.sessions, studio.runs
        self._server = secrets.token_hex(4)  # tells a restarted studio from this one

    async def answer(self, sent: dict[str, Any]) -> dict[str, Any] | None:
        """What a page that sent {token, seen, hidden, leaving} does not know yet, or None.

        The answer holds `seen`, to be sent the next time; `runs`, what there is to draw of each
        task whose run has changed, or None; `buttons`, how those of each task stand; `as_of`, the
        iteration at which the current model is the visitor's run, or None. A page whose
        visit is not known here (the studio was restarted, or it was away for long) is told so by
        `unknown`, and shall arrive anew.
        """
        token = str(sent.get("token", ""))
        leaving, hidden = sent.get("leaving") is True, sent.get("hidden") is True
        try:
            self._sessions.hear(token, hidden=hidden, leaving=leaving)
            if hidden or leaving:
                return None
            runs = {task: self._runs.live(token, task) for task in TASKS}
            as_of = self._studio.as_of(token)
        except LostPlace:
            return {"unknown": True, "server": self._server}
        seen = {task: self._place_of(live) for task, live in runs.items()}
        known = sent.get("seen")
        known = known if isinstance(known, dict) else {}
        changed = [task for task in TASKS if known.get(task) != seen[task]]
        if not changed and known.get("as_of") == as_of:
            return None
        return {
            "seen": {**seen, "as_of": as_of},
            "as_of": as_of,
            "runs": {
                task: _run_of(live, known.get(task)) if (live := runs[task]) else None
                for task in changed
            },
            "buttons": {task: _buttons(task, runs[task]) for task in TASKS},
        }

    def _place_of(self, live: Live | None) -> list[str | int]:
        """Tells every report of every run from all others, and which pictures it has."""
        if live is None:
            return [self._server, 0, 0]
        drawn = [column.drawn for column in live.columns]
        films = [_mark(panel.film) for panel in live.panels if live.kind == "film"]
        return [self._server, live.number, live.report.number, *drawn, *films]


def _run_of(live: Live, known: object) -> dict[str, Any]:
    """What there is to draw of a run. known: what the page has of it, in the words of
    `Watch._place_of`."""
    told = {"task": live.task, "number": live.number}
    if live.task == "compare":
        name = f"{live.name} by {len(live.columns) - 1} methods" if live.columns else live.name
        return {**told, "stage": _stage_of(live, name), "columns": _columns_of(live, known)}
    name = live.name if live.task == "learn" else f"{live.name} from what is left"
    stage = _stage_of(live, name)
    stage["panels"] = _panels_of(live, known)
    return {**told, "stage": stage, "curves": _curves_of(live.report)}


def _columns_of(live: Live, known: object) -> list[dict[str, Any]]:
    """Of each method what there is to show; its pictures only where the page has not got them, as
    those of six methods are half a megabyte."""
    drawn = list(known)[3:] if isinstance(known, list) and known[1:2] == [live.number] else []
    return [
        asdict(column) | ({"pictures": None} if drawn[k : k + 1] == [column.drawn] else {})
        for k, column in enumerate(live.columns)
    ]


def _panels_of(live: Live, known: object) -> list[dict[str, Any]]:
    """What is seen of a run; its films only where the page has not got them."""
    films = list(known)[3:] if isinstance(known, list) and known[1:2] == [live.number] else []
    return [
        asdict(panel) | ({"film": None} if films[k : k + 1] == [_mark(panel.film)] else {})
        for k, panel in enumerate(live.panels)
    ]


def _mark(film: str) -> int:
    """Tells films apart; a number that a browser can count to."""
    return hash(film) % 2**32


def _stage_of(live: Live, name: str) -> dict[str, Any]:
    """What the stage shows, without its panels."""
    report = live.report
    return {
        "phase": report.phase,
        "headline": HEADLINES[report.phase].format(name),
        "detail": _detail(live),
        "progress": report.progress,
        "kind": live.kind,
        "frames": [frame.iteration for frame in report.frames],
        "panels": [],
    }


def _detail(live: Live) -> str:
    report = live.report
    if report.sentence:
        return report.sentence
    if live.task == "compare":
        return _time_of_each(live)
    parts = [f"iteration {report.iteration}"] if report.iteration else []
    if report.phase == "running" and report.rate:
        left = report.seconds_left
        parts += [f"{report.rate:.1f} a second", f"{_clock(left)} left"]
    return " · ".join(parts)


def _time_of_each(live: Live) -> str:
    """What was spent of the time of each method, and how long it takes yet."""
    report, methods = live.report, sum(not column.status for column in live.columns[1:])
    parts = [f"{_clock(report.seconds)} of {_clock(report.budget)} each"]
    if report.phase == "running":
        parts.append(f"about {_clock(methods * report.seconds_left)} left")
    return " · ".join(parts)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _curves_of(report: Report) -> dict[str, Any]:
    if not report.curve:
        return NOTHING
    iterations, errors, latents, priors = zip(*report.curve, strict=True)
    return {"iterations": iterations, "errors": errors, "latents": latents, "priors": priors}


def _buttons(task: str, live: Live | None) -> list[dict[str, Any]]:
    """How the buttons of a task stand: to begin, to hold and to stop; of learning, to take the
    model or samples home, to go on with a shorter step, and three ways on with the model; of a
    comparison, to take its table and its sheet home; of a repair, to take a film home."""
    orders: list[dict[str, Any]]
    takings: list[dict[str, Any]]
    if live is None:
        held = {"value": "Pause", "interactive": False}
        orders = [{"interactive": True}, held, {"interactive": False}]
        takings = [{"interactive": False}, {"interactive": False}, {"visible": False}]
        takings += [{"interactive": False}, {"interactive": False}, {"visible": False}]
    else:
        phase = live.report.phase
        at_work, known = phase in AT_WORK, phase not in ("starting", "failed")
        label = {"paused": "Resume", "running": "Pause", "starting": "Pause"}.get(phase, MORE[task])
        orders = [
            {"interactive": not at_work},
            {"value": label, "interactive": phase != "failed"},  # who pressed it keeps the focus
            {"interactive": at_work},
        ]
        takings = [
            {"interactive": known},
            {"interactive": known},
            {"visible": phase == "diverged"},
            {"interactive": known},
            {"interactive": known, "value": ONWARD[live.kind]},
            {"interactive": known, "visible": live.kind == "texture"},
        ]
    if task == "compare":
        taking = {"interactive": bool(live and live.columns)}
        return [*orders, taking, taking]
    if task == "repair":
        film = live is not None and live.kind == "film"
        return [*orders, {"visible": film, "interactive": film and takings[0]["interactive"]}]
    return orders + takings
