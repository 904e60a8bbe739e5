"""A visitor's run as an open page shows it: what changed since the page last asked.

A page asks now and then, which costs next to nothing and holds neither a place of the queue nor a
connection. What it gets is drawn by its scripts; see widgets/live.js.
"""

import secrets
from typing import Any

from demo.jobs import AT_WORK, Report
from demo.sessions import LostPlace
from demo.workbench import Live, Workbench

TASKS = ("learn", "repair")
NOTHING: dict[str, list[float]] = {"iterations": [], "errors": [], "latents": [], "priors": []}
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

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._server = secrets.token_hex(4)  # tells a restarted studio from this one

    async def answer(self, sent: dict[str, Any]) -> dict[str, Any] | None:
        """What a page that sent {token, seen, hidden, leaving} does not know yet, or None.

        The answer holds `seen`, to be sent the next time; `run`, what there is to draw, or None;
        `buttons`, how those of each task stand. A page whose visit is not known here (the studio
        was restarted, or it was away for long) is told so by `unknown`, and shall arrive anew.
        """
        token = str(sent.get("token", ""))
        leaving, hidden = sent.get("leaving") is True, sent.get("hidden") is True
        try:
            self._workbench.sessions.hear(token, hidden=hidden, leaving=leaving)
            live = self._workbench.live(token) if not (hidden or leaving) else None
        except LostPlace:
            return {"unknown": True, "server": self._server}
        if hidden or leaving:
            return None
        seen = [self._server, live.number, live.report.number] if live else [self._server, 0, 0]
        if sent.get("seen") == seen:
            return None
        return {
            "seen": seen,
            "run": _run_of(live) if live else None,
            "buttons": {task: _buttons(task, live) for task in TASKS},
        }


def _run_of(live: Live) -> dict[str, Any]:
    name = live.name if live.task == "learn" else f"{live.name} from what is left"
    return {
        "task": live.task,
        "stage": _stage_of(live, name),
        "curves": _curves_of(live.report),
    }


def _stage_of(live: Live, name: str) -> dict[str, Any]:
    """What the stage shows."""
    report = live.report
    return {
        "phase": report.phase,
        "headline": HEADLINES[report.phase].format(name),
        "detail": _detail(report),
        "progress": report.progress,
        "kind": live.kind,
        "panels": [
            {"caption": panel.caption, "picture": panel.picture, "sound": panel.sound}
            for panel in live.panels
        ],
    }


def _detail(report: Report) -> str:
    if report.sentence:
        return report.sentence
    parts = [f"iteration {report.iteration}"] if report.iteration else []
    if report.phase == "running" and report.rate:
        left = report.seconds_left
        parts += [f"{report.rate:.1f} a second", f"{left // 60}:{left % 60:02d} left"]
    return " · ".join(parts)


def _curves_of(report: Report) -> dict[str, Any]:
    if not report.curve:
        return NOTHING
    iterations, errors, latents, priors = zip(*report.curve, strict=True)
    return {"iterations": iterations, "errors": errors, "latents": latents, "priors": priors}


def _buttons(task: str, live: Live | None) -> list[dict[str, Any]]:
    """How the buttons of a task stand: to begin, to hold and to stop; and, of learning, to take
    the model or samples home and to go on with a shorter step."""
    orders: list[dict[str, Any]]
    takings: list[dict[str, Any]]
    if live is None or live.task != task:
        held = {"value": "Pause", "interactive": False}
        orders = [{"interactive": True}, held, {"interactive": False}]
        takings = [{"interactive": False}, {"interactive": False}, {"visible": False}]
    else:
        phase = live.report.phase
        at_work, known = phase in AT_WORK, phase not in ("starting", "failed")
        label = {"paused": "Resume", "running": "Pause", "starting": "Pause"}.get(phase, "Go on")
        orders = [
            {"interactive": not at_work},
            {"value": label, "interactive": known},
            {"interactive": at_work},
        ]
        takings = [
            {"interactive": known},
            {"interactive": known},
            {"visible": phase == "diverged"},
        ]
    return orders + takings if task == "learn" else orders
