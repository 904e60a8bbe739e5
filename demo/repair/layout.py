"""What the Repair tab consists of."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demo import limits
from demo.models.cards import Card
from demo.repair.canvas import canvas
from demo.repair.service import RepairResult, list_degradations
from demo.runs.settings import STYLES
from demo.server.live import NOTHING
from demo.server.served import asset
from demo.widgets import formula, widget
from demo.widgets.shared import picker_cards

FIRST = {"kind": "objects", "item": "toon_faces_64"}
TITLE = ["Recovery error", "over what is hidden; where nobody has that, over what was seen"]
WHERE = ["what I painted", "the middle", "the right half"]
UNREPAIRED = asdict(RepairResult(progress=0.0, sentence=""))


@dataclass(frozen=True, slots=True)
class Learning:
    """The upper half: learn from the rest. taken: what is taken away, of pictures, of
    sounds and of films. painting: what the editor is in. take: to take a film home; file: by which
    it is handed over."""

    picker: gr.HTML
    upload: gr.File
    taken: list[gr.Dropdown]
    k: gr.Number
    painting: gr.Column
    editor: gr.ImageEditor
    style: gr.Radio
    minutes: gr.Slider
    begin: gr.Button
    pause: gr.Button
    stop: gr.Button
    notice: gr.HTML
    take: gr.Button
    file: gr.DownloadButton


@dataclass(frozen=True, slots=True)
class Mending:
    """The lower half: repair one picture."""

    painting: gr.ImageEditor
    own: gr.UploadButton
    example: gr.Button
    where: gr.Radio
    mend: gr.Button
    take: gr.DownloadButton
    notice: gr.HTML
    repaired: gr.HTML


def lay_out(cards: list[Card], frame: Callable[..., Any]) -> tuple[Learning, Mending]:
    """The tab, ready to be wired. cards: of the pack. frame: gives a picture of the replay."""
    learning = _learning(cards, frame)
    gr.HTML("<h2>Repair one picture with the current model</h2>", elem_classes="abp-heading")
    mending = _mending()
    formula(Path(__file__).parent)
    return learning, mending


def _learning(cards: list[Card], frame: Callable[..., Any]) -> Learning:
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            picker = widget("picker", FIRST, cards=picker_cards(cards), elem_id="abp-repair-picker")
            upload = gr.File(
                label="Or a picture, a sound, a film or a zip of pictures",
                type="filepath",
                height=164,
                elem_id="abp-repair-upload",
            )
            # Three lists, since one whose choices follow the data refuses what a page asks with
            # that has not heard of the new ones.
            with gr.Group(elem_id="abp-taken"):
                taken = [
                    gr.Dropdown(
                        list_degradations(kind), value=first, label="Take away", visible=shown
                    )
                    for kind, first, shown in (
                        ("objects", "scattered-70", True),
                        ("sound", "stretch-20", False),
                        ("film", "frames-2", False),
                    )
                ]
            k = gr.Number(1000, label="K, the number of projections", precision=0, visible=False)
            with gr.Column(visible=False) as painting:
                editor = canvas("abp-repair-editor", "Paint over what to hide")
            style = gr.Radio(STYLES[:2], value=STYLES[1], label="Settings")
            longest = limits.MINUTES[1]
            minutes = gr.Slider(1, longest, limits.DEFAULT_MINUTES, step=1, label="Minutes")
        with gr.Column(scale=9, min_width=320):
            begin, pause, stop = _orders()
            notice = gr.HTML("", elem_id="abp-repair-notice")
            widget(
                "stage",
                _welcome(),
                elem_id="abp-repair-stage",
                task="repair",
                replay=True,
                server_functions=[frame],
            )
            drawn = {**NOTHING, "title": TITLE}
            widget("curves", drawn, elem_id="abp-repair-curves", task="repair")
            take = gr.Button(
                "Download the film", size="sm", visible=False, elem_id="abp-repair-take"
            )
            file = gr.DownloadButton(visible="hidden", elem_id="abp-repair-file")
    return Learning(
        *(picker, upload, taken, k, painting, editor, style, minutes, begin, pause, stop, notice),
        *(take, file),
    )


def _orders() -> tuple[gr.Button, gr.Button, gr.Button]:
    with gr.Row(elem_id="abp-repair-orders"):
        begin = gr.Button(
            "Learn from the rest",
            variant="primary",
            interactive=False,
            elem_id="abp-repair-begin",
        )
        pause = gr.Button("Pause", interactive=False, elem_id="abp-repair-pause")
        stop = gr.Button("Stop", interactive=False, elem_id="abp-repair-stop")
    return begin, pause, stop


def _mending() -> Mending:
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            painting = canvas("abp-canvas", "Paint over a picture")
            with gr.Row():
                own = gr.UploadButton("Open a picture", size="sm", elem_id="abp-own")
                example = gr.Button(
                    "Take a training example", size="sm", interactive=False, elem_id="abp-example"
                )
            where = gr.Radio(WHERE, value=WHERE[0], label="Repair")
            mend = gr.Button("Repair", variant="primary", interactive=False, elem_id="abp-mend")
            take = gr.DownloadButton("Take the answers home", size="sm", interactive=False)
        with gr.Column(scale=9, min_width=320):
            notice = gr.HTML("", elem_id="abp-mend-notice")
            repaired = widget("repair/repaired", UNREPAIRED, elem_id="abp-repaired")
    return Mending(painting, own, example, where, mend, take, notice, repaired)


def _welcome() -> dict[str, Any]:
    """What was learnt before, shown until there is a run."""
    captions = (
        *("Seen", "Recovered", "The mean", "The truth, never shown"),
        *("Where chains differ", "New"),
    )
    return {
        "phase": "idle",
        "headline": "Take something away, press Learn from the rest, and see it come back",
        "detail": "Here is what two minutes did before",
        "progress": 0,
        "kind": "objects",
        "frames": [],
        "panels": [
            {"caption": caption, "picture": asset(f"repair-{k}.jpg")}
            for k, caption in enumerate(captions)
        ],
    }
