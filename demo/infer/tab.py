"""The Inference tab: watch, step through and believe how codes are found."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo import limits
from demo.errors import Rejected
from demo.infer.requests import SessionRequest, StepRequest, TabOpening, TabState
from demo.infer.service import Inference
from demo.server.orders import handler
from demo.server.turns import Lanes
from demo.widgets import formula, widget
from demo.widgets.shared import QUIET, Visitor, hand_over_script, refusal_answer

NOTHING: dict[str, Any] = {
    "token": "",
    "model": None,
    "brought": "",
    "refusal": "",
    "bounds": {"chains": limits.CHAINS},
}


def build(
    inference: Inference,
    lanes: Lanes,
    token: gr.Textbox,
    chosen: list[Dependency],
    tab: gr.Tab,
) -> None:
    """token: the visitor's. chosen: the events after which another model is current. tab: the one
    that this is in."""
    opened = gr.Checkbox(False, visible=False)
    infer = widget("infer/infer", NOTHING, server_functions=_script_calls(inference, lanes))
    own = gr.UploadButton("Infer a file of your own", size="sm", elem_id="abp-infer-own")
    file = gr.DownloadButton(visible="hidden", elem_id="abp-walk-file")
    method = formula(Path(__file__).parent)

    @handler(TabOpening, lanes.heavy, lambda sentence: ({**NOTHING, "refusal": sentence}, ""))
    def infer_with(sent: TabOpening) -> tuple[Any, Any]:
        return _show(inference, sent.token) if sent.opened else (gr.skip(), gr.skip())

    @handler(Visitor, lanes.heavy, lambda sentence: ({**NOTHING, "refusal": sentence}, ""))
    def open_tab(sent: Visitor) -> tuple[Any, Any]:
        try:
            return _show(inference, sent.token)
        except Rejected:  # the page has not arrived yet, and is shown its model when it has
            return gr.skip(), gr.skip()

    tab.select(None, None, opened, js="() => true")
    tab.select(open_tab, token, [infer, method], **QUIET)
    for event in chosen:
        event.then(infer_with, [token, opened], [infer, method], **QUIET)
    _wire_files(inference, lanes, token, infer, own, file)


def _script_calls(inference: Inference, lanes: Lanes) -> list[Callable[..., Any]]:
    """What the tab's script may call while it plays."""

    @handler(SessionRequest, lanes.walk, refusal_answer)
    def begin(sent: SessionRequest) -> dict[str, Any]:
        return inference.begin(sent.token, sent.key, sent.target, sent.wish, replay=sent.replay)

    @handler(StepRequest, lanes.walk, refusal_answer)
    def advance(sent: StepRequest) -> dict[str, Any]:
        return inference.advance(sent.token, sent.walk, sent.first, sent.chain)

    @handler(StepRequest, lanes.walk, refusal_answer)
    def land(sent: StepRequest) -> dict[str, Any]:
        return inference.land(sent.token, sent.walk)

    @handler(StepRequest, lanes.walk, refusal_answer)
    def heard(sent: StepRequest) -> dict[str, Any]:
        return inference.play_sound(sent.token, sent.walk, sent.step, sent.chain)

    @handler(StepRequest, lanes.walk, refusal_answer)
    def slowly(sent: StepRequest) -> dict[str, Any]:
        return inference.slowly(sent.token, sent.walk, sent.step, sent.chain)

    return [begin, advance, land, heard, slowly]


def _wire_files(
    inference: Inference,
    lanes: Lanes,
    token: gr.Textbox,
    infer: gr.HTML,
    own: gr.UploadButton,
    file: gr.DownloadButton,
) -> None:
    """A file of the visitor's to infer, and a walk to take home."""

    @handler(TabState, lanes.heavy, lambda sentence: {**NOTHING, "refusal": sentence})
    def bring(sent: TabState) -> Any:
        model = sent.shown.get("model")
        key = str(model.get("key", "")) if isinstance(model, dict) else ""
        try:
            name = inference.bring(sent.token, key, sent.path)
        except Rejected as refusal:
            return {**NOTHING, **sent.shown, "refusal": str(refusal)}
        return {**NOTHING, **sent.shown, "brought": name, "refusal": ""}

    @handler(TabState, lanes.heavy, lambda sentence: (gr.skip(), {**NOTHING, "refusal": sentence}))
    def take(sent: TabState) -> tuple[Any, Any]:
        wanted = sent.shown.get("take")
        wanted = wanted if isinstance(wanted, dict) else {}
        try:
            path = inference.take(
                sent.token, wanted.get("walk"), wanted.get("what"), wanted.get("chain")
            )
        except Rejected as refusal:
            return gr.skip(), {**NOTHING, **sent.shown, "refusal": str(refusal)}
        return path, gr.skip()

    own.upload(bring, [token, infer, own], infer, **QUIET)
    handed = infer.take(take, [token, infer], [file, infer], **QUIET)
    handed.success(None, js=hand_over_script("abp-walk-file"))


def _show(inference: Inference, token: str) -> tuple[dict[str, Any], str]:
    """The tab of the current model, and how that learnt. Raises Rejected."""
    model = inference.describe(token)
    shown = {**NOTHING, "token": token, "model": model}
    return shown, inference.describe_method(token)
