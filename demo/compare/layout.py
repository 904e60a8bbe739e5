"""What the Compare tab consists of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demo import limits
from demo.compare.welcome import read_welcome
from demo.models.cards import Card
from demo.widgets import formula, widget
from demo.widgets.shared import picker_cards

FIRST = {"kind": "texture", "item": "pebbles"}
CHOSEN = ["paper", "learnt-prior", "vae", "frame"]  # before the first click


@dataclass(frozen=True, slots=True)
class Comparing:
    """columns: the methods side by side. file: what is handed over."""

    picker: gr.HTML
    upload: gr.File
    methods: gr.HTML
    minutes: gr.Slider
    begin: gr.Button
    pause: gr.Button
    stop: gr.Button
    notice: gr.HTML
    columns: gr.HTML
    take_table: gr.Button
    take_sheet: gr.Button
    file: gr.DownloadButton


def lay_out(cards: list[Card], methods: list[dict[str, Any]]) -> Comparing:
    """The tab, ready to be wired. cards: of the pack. methods: what there is to say of each."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            picker, upload = _data(cards)
        with gr.Column(scale=9, min_width=320):
            choice = widget(
                "compare/methods",
                {"chosen": CHOSEN},
                methods=methods,
                kind=FIRST["kind"],
                bounds=limits.COMPARED,
            )
            minutes = gr.Slider(
                *limits.COMPARED_MINUTES,
                value=limits.COMPARED_MINUTES_FIRST,
                step=0.5,
                label="Minutes of each",
                info="They take turns, so that all grow together.",
            )
            begin, pause, stop = _orders()
            notice = gr.HTML("", elem_id="abp-compare-notice")
    before = read_welcome()
    widget("stage", _idle(before), elem_id="abp-compare-stage", task="compare")
    columns = widget("compare/columns", None, methods=methods, welcome=before, task="compare")
    with gr.Row():
        take_table = gr.Button("Download the table", size="sm", interactive=False)
        take_sheet = gr.Button("Download the sheet", size="sm", interactive=False)
    file = gr.DownloadButton(visible="hidden", elem_id="abp-compare-file")
    formula(Path(__file__).parent)
    return Comparing(
        *(picker, upload, choice, minutes, begin, pause, stop, notice),
        *(columns, take_table, take_sheet, file),
    )


def _idle(before: list[dict[str, Any]]) -> dict[str, Any]:
    """What the stage says until there is a comparison. before: what is shown meanwhile."""
    seconds = before[0]["seconds"] if before else 0
    spent = f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"
    return {
        "phase": "idle",
        "headline": "Choose something, choose methods, press Compare",
        "detail": f"Here is what {spent} of each did before" if before else "",
        "progress": 0,
        "kind": "texture",
        "frames": [],
        "panels": [],
    }


def _data(cards: list[Card]) -> tuple[gr.HTML, gr.File]:
    picker = widget(
        "picker", FIRST, cards=picker_cards(cards, films=False), elem_id="abp-compare-picker"
    )
    upload = gr.File(
        label="Or a picture, a sound or a zip of pictures",
        type="filepath",
        height=164,
        elem_id="abp-compare-upload",
    )
    return picker, upload


def _orders() -> tuple[gr.Button, gr.Button, gr.Button]:
    with gr.Row(elem_id="abp-compare-orders"):
        begin = gr.Button(
            "Compare", variant="primary", interactive=False, elem_id="abp-compare-begin"
        )
        pause = gr.Button("Pause", interactive=False, elem_id="abp-compare-pause")
        stop = gr.Button("Stop", interactive=False, elem_id="abp-compare-stop")
    return begin, pause, stop
