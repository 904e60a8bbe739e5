"""The Inference tab: watch, step through and believe how codes are found."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo import limits
from demo.orders import handler
from demo.tabs.explore import refusal_answer
from demo.tabs.run_controls import Visitor, hand_over_script
from demo.turns import Lanes
from demo.widgets import widget
from demo.workbench import Rejected, Workbench

FORMULA = (Path(__file__).parent / "infer.html").read_text(encoding="utf-8")
NOTHING: dict[str, Any] = {
    "token": "",
    "model": None,
    "brought": "",
    "refusal": "",
    "bounds": {"chains": limits.CHAINS},
}
FILE_TYPES = [".png", ".jpg", ".jpeg", ".webp", ".wav", ".flac", ".ogg", ".mp3", ".zip", ".npz"]


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """A walk to begin with the model `key`: what to infer and how, or a replay of training."""

    token: str
    key: str = ""
    target: dict[str, Any] = field(default_factory=dict)
    wish: dict[str, Any] = field(default_factory=dict)
    replay: bool = False


@dataclass(frozen=True, slots=True)
class StepRequest:
    """A step of the walk with that number, or the steps from `first` on, of one chain."""

    token: str
    walk: int = -1
    first: int = -1
    step: int = -1
    chain: int = 0


@dataclass(frozen=True, slots=True)
class TabState:
    """What the tab shows, with what is wanted of it or was brought."""

    token: str
    shown: dict[str, Any] = field(default_factory=dict)
    path: str = ""


@dataclass(frozen=True, slots=True)
class TabOpening:
    """The tab with the current model; nothing is prepared before it is opened."""

    token: str
    opened: bool = False


def build(
    workbench: Workbench,
    lanes: Lanes,
    token: gr.BrowserState,
    chosen: list[Dependency],
    tab: gr.Tab,
) -> None:
    """token: the visitor's. chosen: the events after which another model is current. tab: the one
    that this is in."""
    inference = workbench.inference

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

    opened = gr.Checkbox(False, visible=False)
    infer = widget("infer", NOTHING, server_functions=[begin, advance, land, heard, slowly])
    own = gr.UploadButton(
        "Infer a file of your own", file_types=FILE_TYPES, size="sm", elem_id="abp-infer-own"
    )
    file = gr.DownloadButton(visible="hidden", elem_id="abp-walk-file")
    with gr.Accordion("What happens here?", open=False):
        gr.HTML(FORMULA, elem_classes="abp-formula")

    def shown(token: str) -> dict[str, Any]:
        """The tab of the current model, or why it cannot be shown."""
        try:
            return {**NOTHING, "token": token, "model": inference.describe(workbench.model(token))}
        except Rejected as refusal:
            return {**NOTHING, "token": token, "refusal": str(refusal)}

    @handler(TabOpening, lanes.heavy, lambda sentence: {**NOTHING, "refusal": sentence})
    def infer_with(sent: TabOpening) -> Any:
        return shown(sent.token) if sent.opened else gr.skip()

    @handler(Visitor, lanes.heavy, lambda sentence: (True, {**NOTHING, "refusal": sentence}))
    def open_tab(sent: Visitor) -> tuple[bool, Any]:
        return True, shown(sent.token)

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

    hand_over = hand_over_script("abp-walk-file")
    quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}
    tab.select(open_tab, token, [opened, infer], **quiet)
    for event in chosen:
        event.then(infer_with, [token, opened], infer, **quiet)
    own.upload(bring, [token, infer, own], infer, **quiet)
    infer.take(take, [token, infer], [file, infer], **quiet).success(None, js=hand_over)
