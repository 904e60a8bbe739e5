"""The Train tab: choose, press Train, watch, stop, take it home."""

from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from demo import limits
from demo.live import NOTHING
from demo.orders import handler
from demo.served import CARDS, asset, url
from demo.tabs import run_controls
from demo.tabs.run_controls import (
    HoldRequest,
    Visitor,
    buttons_script,
    hand_over_script,
    parse_choice,
    render_notice,
    render_refusal,
)
from demo.turns import Lanes
from demo.widgets import widget
from demo.workbench import STYLES, Rejected, Settings, Workbench, describe_preset, settings_from

STANDARD = STYLES[1]
FIRST = {"kind": "texture", "item": "pebbles"}
FILE_TYPES = [".png", ".jpg", ".jpeg", ".webp", ".wav", ".flac", ".ogg", ".mp3", ".zip", ".npz"]
FORMULA = (Path(__file__).parent / "train.html").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class PresetPick:
    """Something of the pack that was picked."""

    token: str
    choice: dict[str, Any] = field(default_factory=dict)
    style: str = ""


@dataclass(frozen=True, slots=True)
class PresetQuery:
    """A kind of data and a style of settings."""

    token: str
    kind: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class DataUpload:
    """A file of the visitor's."""

    token: str
    path: str = ""
    style: str = ""


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """Everything that Train is pressed with; the last are what was typed into KNOBS."""

    token: str
    choice: dict[str, Any] = field(default_factory=dict)
    upload: str = ""
    checkpoint: str = ""
    style: str = ""
    minutes: float = 0.0
    steps: str = ""
    step_size: str = ""
    temperature: str = ""
    sigma: str = ""
    learning_rate: str = ""
    batch_size: str = ""
    examples: str = ""
    seed: str = ""

    @property
    def settings(self) -> Settings:
        """Raises Rejected."""
        return settings_from({name: getattr(self, name) for name in KNOBS})


def build(workbench: Workbench, lanes: Lanes, token: gr.BrowserState, live: gr.HTML) -> None:
    """token: the visitor's. live: what changes whenever buttons shall stand otherwise."""
    kind = gr.Textbox(FIRST["kind"], visible=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            picker = widget("picker", FIRST, cards=cards_of(workbench))
            with gr.Accordion("Or bring your own", open=False):
                upload = gr.File(
                    label="A picture, a sound, or a zip of aligned pictures",
                    file_types=FILE_TYPES,
                    type="filepath",
                    height=164,
                    elem_id="abp-upload",
                )
                checkpoint = gr.File(
                    label="A saved model, to go on training",
                    file_types=[".safetensors"],
                    type="filepath",
                    height=164,
                    elem_id="abp-checkpoint",
                )
            style = gr.Radio(
                STYLES,
                value=STANDARD,
                label="Settings",
                info=describe_preset(FIRST["kind"], STANDARD)[0],
            )
            minutes = gr.Slider(
                1,
                limits.MINUTES[1],
                value=limits.DEFAULT_MINUTES,
                step=1,
                label="Minutes",
                info="You can stop at any time and keep what was learnt.",
            )
            with gr.Accordion("Advanced", open=False):
                knobs = _knobs(describe_preset(FIRST["kind"], STANDARD)[1])
        with gr.Column(scale=9, min_width=320):
            with gr.Row(elem_id="abp-orders"):
                train = gr.Button(
                    "Train", variant="primary", interactive=False, elem_id="abp-train"
                )
                pause = gr.Button("Pause", interactive=False, elem_id="abp-pause")
                stop = gr.Button("Stop", interactive=False, elem_id="abp-stop")
            notice = gr.HTML("", elem_id="abp-notice")
            shorter = gr.Button("Go on with half the step", visible=False, elem_id="abp-shorter")
            widget("stage", _welcome(), task="learn")
            widget("curves", NOTHING, task="learn")
            with gr.Row():
                take_model = gr.Button("Take the model home", size="sm", interactive=False)
                take_samples = gr.Button("Take samples home", size="sm", interactive=False)
            file = gr.DownloadButton(visible="hidden", elem_id="abp-file")
            with gr.Accordion("What happens here?", open=False):
                gr.HTML(FORMULA, elem_classes="abp-formula")

    def described(kind: str, style: str) -> tuple[Any, ...]:
        """The preset's own values, shown where the visitor has set nothing."""
        try:
            sentence, values = describe_preset(kind, style)
        except Rejected as refusal:
            return gr.update(info=str(refusal)), *unset
        own = [gr.update(value="", placeholder=f"{value:g}") for value in astuple(values)]
        return gr.update(info=sentence), *own

    unset = [gr.skip()] * len(knobs)
    unchanged = [gr.skip()] * (len(knobs) + 2)

    @handler(
        PresetPick,
        lanes.quick,
        lambda sentence: (*[gr.skip()] * 3, render_refusal(sentence), gr.skip(), *unset),
    )
    def choose(sent: PresetPick) -> tuple[Any, ...]:
        """Something of the pack was picked: it takes the place of whatever was uploaded."""
        chosen, _ = parse_choice(sent.choice)
        return chosen, None, None, "", *described(chosen, sent.style)

    @handler(PresetQuery, lanes.quick, lambda sentence: (gr.update(info=sentence), *unset))
    def describe(sent: PresetQuery) -> tuple[Any, ...]:
        return described(sent.kind, sent.style)

    @handler(DataUpload, lanes.heavy, lambda sentence: (render_refusal(sentence), *unchanged))
    def inspect(sent: DataUpload) -> tuple[Any, ...]:
        if not sent.path:
            return "", *unchanged
        kind, sentence = workbench.inspect(sent.path)
        words = render_notice(f"{sentence} Press Train to learn it.")
        return words, kind, *described(kind, sent.style)

    @handler(DataUpload, lanes.heavy, render_refusal)
    def recognise(sent: DataUpload) -> str:
        return render_notice(workbench.inspect_checkpoint(sent.path)) if sent.path else ""

    @handler(TrainingRequest, lanes.heavy, render_refusal)
    def begin(sent: TrainingRequest) -> str:
        if sent.checkpoint:
            workbench.continue_from(
                sent.token, sent.checkpoint, upload=sent.upload, minutes=sent.minutes
            )
        else:
            workbench.start(
                sent.token,
                item=parse_choice(sent.choice)[1],
                upload=sent.upload,
                style=sent.style,
                settings=sent.settings,
                minutes=sent.minutes,
            )
        return ""

    @handler(HoldRequest, lanes.quick, render_refusal)
    def hold(sent: HoldRequest) -> str:
        run_controls.hold(workbench, sent.token, sent.label, sent.minutes)
        return ""

    @handler(Visitor, lanes.quick, render_refusal)
    def halt(sent: Visitor) -> str:
        workbench.stop(sent.token)
        return ""

    @handler(HoldRequest, lanes.quick, render_refusal)
    def shorten(sent: HoldRequest) -> str:
        workbench.go_on(sent.token, sent.minutes, step_factor=0.5)
        return ""

    def carrying(take: Callable[[str], str]) -> Callable[..., Any]:
        @handler(Visitor, lanes.heavy, lambda sentence: (gr.skip(), render_refusal(sentence)))
        def carry(sent: Visitor) -> tuple[Any, str]:
            return take(sent.token), ""

        return carry

    quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}
    picker.change(
        choose,
        [token, picker, style],
        [kind, upload, checkpoint, notice, style, *knobs],
        **quiet,
    )
    last: dict[str, Any] = {"trigger_mode": "always_last", **quiet}
    style.input(describe, [token, kind, style], [style, *knobs], **last)
    upload.change(inspect, [token, upload, style], [notice, kind, style, *knobs], **quiet)
    checkpoint.change(recognise, [token, checkpoint], notice, **quiet)
    train.click(begin, [token, picker, upload, checkpoint, style, minutes, *knobs], notice, **quiet)
    pause.click(hold, [token, pause, minutes], notice, **quiet)
    stop.click(halt, token, notice, **quiet)
    shorter.click(shorten, [token, shorter, minutes], notice, **quiet)
    for button, take in (
        (take_model, workbench.take_home),
        (take_samples, workbench.take_samples),
    ):
        button.click(carrying(take), token, [file, notice], concurrency_limit=None).success(
            None, js=hand_over_script("abp-file")
        )
    live.stand(
        None,
        live,
        [train, pause, stop, take_model, take_samples, shorter],
        js=buttons_script("learn"),
    )


def cards_of(workbench: Workbench) -> list[dict[str, Any]]:
    """What the pack has, as a picker shows it."""
    return [
        {
            "kind": card.kind,
            "name": card.name,
            "label": card.label,
            "picture": f"studio/{CARDS}/{card.name}.jpg",
            "sound": url(card.sound) if card.sound else "",
            "credit": card.credit,
        }
        for card in workbench.cards()
    ]


def _knobs(own: Settings) -> list[gr.Textbox]:
    """The advanced settings; an empty one leaves the preset's own value, which shows through."""
    return [
        gr.Textbox("", placeholder=f"{value:g}", label=KNOBS[name][0], info=KNOBS[name][1])
        for name, value in asdict(own).items()
    ]


KNOBS = {
    "steps": ("Langevin steps", "How often the hidden codes move before the weights do."),
    "step_size": ("Langevin step size s", "Longer explores faster; too long runs away."),
    "temperature": ("Temperature", "1 samples; 0 only walks downhill."),
    "sigma": ("Sigma", "Mismatch that counts as noise, in standard deviations of the data."),
    "learning_rate": ("Learning rate", "How far the weights move at a time."),
    "batch_size": ("Batch size", "Examples that learn together."),
    "examples": ("Examples", "Pictures taken of a set; one picture or sound is one."),
    "seed": ("Seed", "The same seed gives the same run."),
}


def _welcome() -> dict[str, Any]:
    return {
        "phase": "idle",
        "headline": "Choose something, press Train, and watch it being learnt",
        "detail": "Here is what three minutes did before",
        "progress": 0,
        "kind": "texture",
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
