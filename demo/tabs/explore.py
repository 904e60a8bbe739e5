"""The Explore tab: the latents of the current model under the visitor's hand."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo import limits
from demo.orders import handler
from demo.turns import Lanes
from demo.widgets import widget
from demo.workbench import Workbench

FORMULA = (Path(__file__).parent / "explore.html").read_text(encoding="utf-8")

# What a point or a link may hold, for the page to check before it sends one.
BOUNDS: dict[str, float] = {
    "farthest": limits.FARTHEST,
    "plane": limits.PLANE,
    "edits": limits.EDITS,
    "digits": limits.CELL_DIGITS,
    "seed": limits.SEED[1],
    "kept": limits.KEPT_POINTS,
}
NOTHING: dict[str, Any] = {
    "token": "",
    "model": None,
    "point": "",
    "refusal": "",
    "bounds": BOUNDS,
}


@dataclass(frozen=True, slots=True)
class PointRequest:
    """A point of the model `key`."""

    token: str
    key: str = ""
    point: object = None


@dataclass(frozen=True, slots=True)
class SheetRequest:
    """A sheet of thumbnails, or the way between points, of the model `key`."""

    token: str
    key: str = ""
    what: str = ""
    points: object = None


@dataclass(frozen=True, slots=True)
class LinkedPoint:
    """The tab with the point of a link, if there was one."""

    token: str
    link: str = ""


def refusal_answer(sentence: str) -> dict[str, Any]:
    """A refusal as what a component's script is answered with."""
    return {"refusal": sentence}


def build(
    workbench: Workbench,
    lanes: Lanes,
    token: gr.BrowserState,
    chosen: list[Dependency],
    link: gr.Textbox,
) -> None:
    """token: the visitor's. chosen: the events after which another model is current. link: the
    point that the address named, until it was shown."""

    @handler(PointRequest, lanes.look, refusal_answer)
    def look(sent: PointRequest) -> dict[str, Any]:
        return workbench.look(sent.token, sent.key, sent.point)

    @handler(SheetRequest, lanes.look, refusal_answer)
    def sprite(sent: SheetRequest) -> dict[str, Any]:
        return {"picture": workbench.sprite(sent.token, sent.key, sent.what)}

    @handler(SheetRequest, lanes.heavy, refusal_answer)
    def journey(sent: SheetRequest) -> dict[str, Any]:
        return workbench.journey(sent.token, sent.key, sent.points, sent.what)

    explore = widget("explore", NOTHING, server_functions=[look, sprite, journey])
    with gr.Accordion("What happens here?", open=False):
        gr.HTML(FORMULA, elem_classes="abp-formula")

    @handler(LinkedPoint, lanes.look, lambda sentence: ({**NOTHING, "refusal": sentence}, ""))
    def explore_model(sent: LinkedPoint) -> tuple[dict[str, Any], str]:
        model = workbench.describe(sent.token)
        return {**NOTHING, "token": sent.token, "model": model, "point": sent.link}, ""

    for event in chosen:
        event.then(
            explore_model,
            [token, link],
            [explore, link],
            show_progress="hidden",
            concurrency_limit=None,
        )
