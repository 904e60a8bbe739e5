"""The Inference tab: watch, step through and believe how codes are found."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo.tabs.explore import answered
from demo.widgets import widget
from demo.workbench import Rejected, Workbench

FORMULA = (Path(__file__).parent / "infer.html").read_text()
NOTHING: dict[str, Any] = {"token": "", "model": None, "brought": "", "refusal": ""}
FILE_TYPES = [".png", ".jpg", ".jpeg", ".webp", ".wav", ".flac", ".ogg", ".mp3", ".zip", ".npz"]


def build(
    workbench: Workbench, token: gr.BrowserState, chosen: list[Dependency], tab: gr.Tab
) -> None:
    """token: the visitor's. chosen: the events after which another model is current. tab: the one
    that this is in; nothing is prepared before it is opened."""
    inference = workbench.inference

    @answered
    def begin(token: str, key: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        return inference.begin(token, key, sent)

    @answered
    def advance(token: str, key: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        return inference.advance(token, sent.get("walk"), sent.get("first"), sent.get("chain"))

    @answered
    def land(token: str, key: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        return inference.land(token, sent.get("walk"))

    @answered
    def heard(token: str, key: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        return inference.heard(token, sent.get("walk"), sent.get("step"), sent.get("chain"))

    @answered
    def slow(token: str, key: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        return inference.slowly(token, sent.get("walk"), sent.get("step"), sent.get("chain"))

    slow.__name__ = "slowly"
    opened = gr.State(False)
    infer = widget("infer", NOTHING, server_functions=[begin, advance, land, heard, slow])
    own = gr.UploadButton(
        "Infer a file of your own", file_types=FILE_TYPES, size="sm", elem_id="abp-infer-own"
    )
    file = gr.DownloadButton(visible="hidden", elem_id="abp-walk-file")
    with gr.Accordion("What happens here?", open=False):
        gr.HTML(FORMULA, elem_classes="abp-formula")

    def infer_with(token: str, opened: bool) -> Any:
        if not opened:
            return gr.skip()
        try:
            model = inference.describe(workbench.model(token))
        except Rejected as refusal:
            return {**NOTHING, "token": token, "refusal": str(refusal)}
        return {**NOTHING, "token": token, "model": model}

    def open_tab(token: str) -> tuple[bool, Any]:
        return True, infer_with(token, True)

    def bring(token: str, shown: object, path: str) -> Any:
        value = shown if isinstance(shown, dict) else NOTHING
        model = value.get("model") or {}
        try:
            name = inference.bring(token, str(model.get("key", "")), path)
        except Rejected as refusal:
            return {**value, "refusal": str(refusal)}
        return {**value, "brought": name, "refusal": ""}

    def take(token: str, shown: object) -> tuple[Any, Any]:
        value = shown if isinstance(shown, dict) else NOTHING
        wanted = value.get("take") if isinstance(value.get("take"), dict) else {}
        try:
            path = inference.take(
                token, wanted.get("walk"), wanted.get("what"), wanted.get("chain")
            )
        except Rejected as refusal:
            return gr.skip(), {**value, "refusal": str(refusal)}
        return path, gr.skip()

    hand_over = "() => setTimeout(() => document.querySelector('#abp-walk-file').click(), 100)"
    quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 4}
    tab.select(open_tab, token, [opened, infer], **quiet)
    for event in chosen:
        event.then(infer_with, [token, opened], infer, **quiet)
    own.upload(bring, [token, infer, own], infer, **quiet)
    infer.take(take, [token, infer], [file, infer], **quiet).success(None, js=hand_over)
