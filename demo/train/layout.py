"""What the Train tab consists of."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demo import limits
from demo.models.cards import Card
from demo.runs.settings import FILM_STYLES, STYLES, Settings, describe_method, describe_preset
from demo.server.live import NOTHING
from demo.server.served import asset
from demo.train.requests import KNOBS
from demo.widgets import formula, widget
from demo.widgets.shared import picker_cards

STANDARD = STYLES[1]
FIRST = {"kind": "texture", "item": "pebbles"}
AS = AS_FILM, AS_SET = ("as a film", "as a set")


@dataclass(frozen=True, slots=True)
class Choices:
    """The left side. kind: of the data that is chosen. learn_as: what numbered pictures are taken
    for. film_style: the settings of films. knobs: by the names of `Settings`."""

    kind: gr.Textbox
    picker: gr.HTML
    upload: gr.File
    checkpoint: gr.File
    learn_as: gr.Radio
    style: gr.Radio
    film_style: gr.Radio
    minutes: gr.Slider
    knobs: list[gr.Textbox]


@dataclass(frozen=True, slots=True)
class Controls:
    """The right side: the buttons above and below what is learnt. onward: where to go on with it.
    file: what is handed over.     method: where what the preset does is told."""

    train: gr.Button
    pause: gr.Button
    stop: gr.Button
    notice: gr.HTML
    shorter: gr.Button
    take_model: gr.Button
    take_samples: gr.Button
    onward: list[gr.Button]
    file: gr.DownloadButton
    method: gr.HTML


def lay_out(cards: list[Card]) -> tuple[Choices, Controls]:
    """The tab, ready to be wired. cards: of the pack."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            choices = _choices(cards)
        with gr.Column(scale=9, min_width=320):
            controls = _controls()
    return choices, controls


def _choices(cards: list[Card]) -> Choices:
    sentence, own = describe_preset(FIRST["kind"], STANDARD)
    kind = gr.Textbox(FIRST["kind"], visible=False)
    upload = gr.File(
        label="A picture, a sound, a film or a zip of pictures",
        type="filepath",
        height=156,
        elem_id="abp-upload",
    )
    picker = widget("picker", FIRST, cards=picker_cards(cards))
    with gr.Accordion("Or go on with a model of yours", open=False):
        checkpoint = gr.File(
            label="A saved model, to go on training",
            type="filepath",
            height=164,
            elem_id="abp-checkpoint",
        )
    learn_as = gr.Radio(
        list(AS),
        value=AS_SET,
        label="Learn these numbered pictures",
        visible=False,
        elem_id="abp-learn-as",
    )
    style = gr.Radio(STYLES, value=STANDARD, label="Settings", info=sentence)
    # Another list, since one whose choices follow the data refuses what a page asks with that has
    # not heard of the new ones.
    film_style = gr.Radio(FILM_STYLES, value=STANDARD, label="Settings", visible=False)
    minutes = gr.Slider(
        1,
        limits.MINUTES[1],
        value=limits.DEFAULT_MINUTES,
        step=1,
        label="Minutes",
        info="You can stop at any time and keep what was learnt.",
    )
    with gr.Accordion("Advanced", open=False):
        knobs = _knobs(own)
    return Choices(kind, picker, upload, checkpoint, learn_as, style, film_style, minutes, knobs)


def _controls() -> Controls:
    with gr.Row(elem_id="abp-orders"):
        train = gr.Button("Train", variant="primary", interactive=False, elem_id="abp-train")
        pause = gr.Button("Pause", interactive=False, elem_id="abp-pause")
        stop = gr.Button("Stop", interactive=False, elem_id="abp-stop")
    notice = gr.HTML("", elem_id="abp-notice")
    shorter = gr.Button("Go on with half the step", visible=False, elem_id="abp-shorter")
    widget("stage", _welcome(), task="learn")
    widget("curves", NOTHING, task="learn")
    widget("diagram", None, task="learn")
    with gr.Row():
        take_model = gr.Button("Download model", size="sm", interactive=False)
        take_samples = gr.Button("Download samples", size="sm", interactive=False)
    with gr.Row(elem_id="abp-onward"):
        onward = [
            gr.Button("Explore it", interactive=False),
            gr.Button("Make a tile", interactive=False),
            gr.Button("Pan without end", visible=False),
        ]
    file = gr.DownloadButton(visible="hidden", elem_id="abp-file")
    method = formula(Path(__file__).parent, describe_method(FIRST["kind"], STANDARD))
    return Controls(
        train, pause, stop, notice, shorter, take_model, take_samples, onward, file, method
    )


def _knobs(own: Settings) -> list[gr.Textbox]:
    """The advanced settings; an empty one leaves the preset's own value, which shows through."""
    return [
        gr.Textbox("", placeholder=f"{value:g}", label=KNOBS[name][0], info=KNOBS[name][1])
        for name, value in asdict(own).items()
    ]


def _welcome() -> dict[str, Any]:
    return {
        "phase": "idle",
        "headline": "Choose something, press Train, and watch it being learnt",
        "detail": "Here is what three minutes did before",
        "progress": 0,
        "kind": "texture",
        "frames": [],
        "panels": [
            {"caption": "Pebbles, from a photograph", "picture": asset("welcome-data.jpg")},
            {
                "caption": "Rebuilt by a model as it learns",
                "picture": asset("welcome-rebuilt.webp"),
                "still": asset("welcome-rebuilt.jpg"),
            },
            {
                "caption": "New pebbles",
                "picture": asset("welcome-new.webp"),
                "still": asset("welcome-new.jpg"),
            },
        ],
    }
