"""A visitor's run as the tabs that train show it: streamed for as long as a page is open, in words,
with the answers to orders."""

import asyncio
import html
from collections.abc import AsyncIterator, Callable
from functools import wraps
from pathlib import Path
from time import monotonic
from typing import Any

import gradio as gr

from demo.jobs import AT_WORK, Report
from demo.workbench import Live, Rejected, Workbench

ASSETS = Path(__file__).parents[1] / "assets"
SECONDS_OF_SILENCE = 10
NOTHING = {"iterations": [], "errors": [], "latents": []}
HEADLINES = {
    "starting": "Getting ready to learn {}",
    "running": "Learning {}",
    "paused": "Paused: {}",
    "stopped": "Stopped: {}",
    "finished": "Learnt: {}",
    "diverged": "{} ran away",
    "failed": "{} could not be learnt",
}


async def follow(workbench: Workbench, token: str, task: str) -> AsyncIterator[Live | None]:
    """The run whenever there is something new of it, while it is for this task (learn, repair);
    None now and then, by which a page that is gone is noticed. Raises Rejected, Busy, LostPlace."""
    with workbench.sessions.watching(token):
        shown, spoke = (0, 0), monotonic()
        while True:
            live = workbench.live(token)
            if (
                live is not None
                and live.task == task
                and (live.number, live.report.number) != shown
            ):
                shown, spoke = (live.number, live.report.number), monotonic()
                yield live
            elif monotonic() - spoke > SECONDS_OF_SILENCE:
                spoke = monotonic()
                yield None
            await asyncio.sleep(0.1)


def answered_by_notice(order: Callable[..., str | None]) -> Callable[..., str]:
    """The order as a handler whose output is the notice: a refusal, an answer, or nothing."""

    @wraps(order)
    def handler(*inputs: Any) -> str:
        try:
            answer = order(*inputs)
        except Rejected as refusal:
            return notice_of(str(refusal), refusal=True)
        return notice_of(answer) if answer else ""

    return handler


def hold(workbench: Workbench, token: str, label: str, minutes: float) -> None:
    """What the button says: Pause, Resume, or Go on for so many minutes more. Raises Rejected."""
    if label == "Pause":
        workbench.pause(token)
    elif label == "Resume":
        workbench.resume(token)
    else:
        workbench.go_on(token, minutes)


def orders_of(report: Report) -> list[Any]:
    """How the buttons to begin, to hold and to stop stand."""
    at_work = report.phase in AT_WORK
    label = {"paused": "Resume", "running": "Pause", "starting": "Pause"}.get(report.phase, "Go on")
    return [
        gr.update(interactive=not at_work),
        gr.update(value=label, interactive=report.phase not in ("starting", "failed")),
        gr.update(interactive=at_work),
    ]


def stage_of(live: Live, name: str = "") -> dict[str, Any]:
    """What the stage shows; name: what the run is about, in place of the data's own."""
    report = live.report
    return {
        "phase": report.phase,
        "headline": HEADLINES[report.phase].format(name or live.name),
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


def curves_of(report: Report) -> dict[str, Any]:
    """What the curves show."""
    if not report.curve:
        return NOTHING
    iterations, errors, latents = zip(*report.curve, strict=True)
    return {"iterations": iterations, "errors": errors, "latents": latents}


def notice_of(sentence: str, *, refusal: bool = False) -> str:
    """A sentence as markup that a screen reader speaks."""
    role, kind = ("alert", "abp-notice refusal") if refusal else ("status", "abp-notice")
    return f'<div class="{kind}" role="{role}">{html.escape(sentence)}</div>'


def picked(choice: object) -> tuple[str, str]:
    """Kind and item of a picker's value, whatever was sent in its place."""
    fields = choice if isinstance(choice, dict) else {}
    return str(fields.get("kind", "")), str(fields.get("item", ""))


def url(path: str) -> str:
    """Where the page finds a file of ours, relative to itself."""
    return f"gradio_api/file={path}"


def asset(name: str) -> str:
    """Where the page finds a picture that greets the visitor."""
    return url(str(ASSETS / name))
