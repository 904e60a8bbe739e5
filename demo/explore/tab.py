"""The Explore tab: the latents of the current model under the visitor's hand."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo import limits
from demo.explore.service import Exploration
from demo.server.orders import handler
from demo.server.turns import Lanes
from demo.widgets import formula, widget
from demo.widgets.shared import QUIET, Visitor, refusal_answer

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


def build(
    exploration: Exploration,
    lanes: Lanes,
    token: gr.Textbox,
    chosen: list[Dependency],
) -> None:
    """token: the visitor's. chosen: the events after which another model is current."""

    @handler(PointRequest, lanes.look, refusal_answer)
    def look(sent: PointRequest) -> dict[str, Any]:
        return exploration.look(sent.token, sent.key, sent.point)

    @handler(SheetRequest, lanes.look, refusal_answer)
    def sprite(sent: SheetRequest) -> dict[str, Any]:
        return exploration.draw_sheet(sent.token, sent.key, sent.what)

    @handler(SheetRequest, lanes.heavy, refusal_answer)
    def journey(sent: SheetRequest) -> dict[str, Any]:
        return exploration.travel(sent.token, sent.key, sent.points, sent.what)

    greeting = {**NOTHING, **exploration.greet()}
    explore = widget("explore/explore", greeting, server_functions=[look, sprite, journey])
    formula(Path(__file__).parent)

    @handler(Visitor, lanes.look, lambda sentence: {**NOTHING, "refusal": sentence})
    def explore_model(sent: Visitor) -> dict[str, Any]:
        return {**NOTHING, "token": sent.token, "model": exploration.describe(sent.token)}

    for event in chosen:
        event.then(explore_model, token, explore, **QUIET)
