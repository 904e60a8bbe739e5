"""The Explore tab: the latents of the current model under the visitor's hand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo.widgets import widget
from demo.workbench import Rejected, Workbench

FORMULA = (Path(__file__).parent / "explore.html").read_text()
NOTHING: dict[str, Any] = {"token": "", "model": None, "point": "", "refusal": ""}


def build(
    workbench: Workbench, token: gr.BrowserState, chosen: list[Dependency], link: gr.State
) -> None:
    """token: the visitor's. chosen: the events after which another model is current. link: the
    point that the address named, until it was shown."""

    @answered
    def look(token: str, key: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        return workbench.look(token, key, sent.get("point"))

    @answered
    def sprite(token: str, key: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        return {"picture": workbench.sprite(token, key, str(sent.get("what")))}

    @answered
    def journey(token: str, key: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        return workbench.journey(token, key, sent.get("points"), str(sent.get("what")))

    explore = widget("explore", NOTHING, server_functions=[look, sprite, journey])
    with gr.Accordion("What happens here?", open=False):
        gr.HTML(FORMULA, elem_classes="abp-formula")

    def explore_model(token: str, point: str) -> tuple[dict[str, Any], str]:
        try:
            model = workbench.describe(token)
        except Rejected as refusal:
            return {**NOTHING, "token": token, "refusal": str(refusal)}, ""
        return {**NOTHING, "token": token, "model": model, "point": point}, ""

    for event in chosen:
        event.then(
            explore_model,
            [token, link],
            [explore, link],
            show_progress="hidden",
            concurrency_limit=4,
        )


def answered(
    order: Callable[[str, str, Mapping[str, Any]], dict[str, Any]],
) -> Callable[[Any], dict[str, Any]]:
    """The order as a function that a page may call with anything; a refusal is an answer."""

    def answer(sent: Any) -> dict[str, Any]:
        fields = sent if isinstance(sent, dict) else {}
        try:
            return order(str(fields.get("token", "")), str(fields.get("key", "")), fields)
        except Rejected as refusal:
            return {"refusal": str(refusal)}

    answer.__name__ = order.__name__  # by which the page calls it
    return answer
