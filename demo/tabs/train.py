"""The Train tab: choose, press Train, watch, stop, take it home."""

from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, astuple
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo import limits
from demo.jobs import Report
from demo.sessions import Busy, LostPlace
from demo.tabs import running
from demo.tabs.running import (
    NOTHING,
    answered_by_notice,
    asset,
    curves_of,
    follow,
    notice_of,
    picked,
    stage_of,
    url,
)
from demo.widgets import widget
from demo.workbench import STYLES, Rejected, Settings, Workbench, about, settings_from

STANDARD = STYLES[1]
FIRST = {"kind": "texture", "item": "pebbles"}
FILE_TYPES = [".png", ".jpg", ".jpeg", ".webp", ".wav", ".flac", ".ogg", ".mp3", ".zip", ".npz"]
FORMULA = (Path(__file__).parent / "train.html").read_text()


def build(workbench: Workbench, token: gr.BrowserState, greeted: Dependency) -> None:
    """token: the visitor's. greeted: the event after which it is known."""
    kind = gr.State(FIRST["kind"])
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
                info=about(FIRST["kind"], STANDARD)[0],
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
                knobs = _knobs(about(FIRST["kind"], STANDARD)[1])
        with gr.Column(scale=9, min_width=320):
            with gr.Row(elem_id="abp-orders"):
                train = gr.Button(
                    "Train", variant="primary", interactive=False, elem_id="abp-train"
                )
                pause = gr.Button("Pause", interactive=False, elem_id="abp-pause")
                stop = gr.Button("Stop", interactive=False, elem_id="abp-stop")
            notice = gr.HTML("", elem_id="abp-notice")
            shorter = gr.Button("Go on with half the step", visible=False, elem_id="abp-shorter")
            stage = widget("stage", _welcome())
            curves = widget("curves", NOTHING)
            with gr.Row():
                take_model = gr.Button("Take the model home", size="sm", interactive=False)
                take_samples = gr.Button("Take samples home", size="sm", interactive=False)
            file = gr.DownloadButton(visible="hidden", elem_id="abp-file")
            with gr.Accordion("What happens here?", open=False):
                gr.HTML(FORMULA, elem_classes="abp-formula")

    def choose(choice: object, style: str) -> tuple[Any, ...]:
        """Something of the pack was picked: it takes the place of whatever was uploaded."""
        chosen, _ = picked(choice)
        return chosen, None, None, "", *describe(chosen, style)

    def describe(kind: str, style: str) -> tuple[Any, ...]:
        """The preset's own values, shown where the visitor has set nothing."""
        try:
            sentence, values = about(kind, style)
        except Rejected as refusal:
            return gr.update(info=str(refusal)), *[gr.skip()] * len(knobs)
        own = [gr.update(value="", placeholder=f"{value:g}") for value in astuple(values)]
        return gr.update(info=sentence), *own

    def inspect(path: str | None, style: str) -> tuple[Any, ...]:
        if path is None:
            return ("", *[gr.skip()] * (len(knobs) + 2))
        try:
            kind, sentence = workbench.inspect(path)
        except Rejected as refusal:
            return (notice_of(str(refusal), refusal=True), *[gr.skip()] * (len(knobs) + 2))
        return notice_of(f"{sentence} Press Train to learn it."), kind, *describe(kind, style)

    @answered_by_notice
    def recognise(path: str | None) -> str | None:
        return workbench.inspect_checkpoint(path) if path else None

    @answered_by_notice
    def begin(
        token: str,
        choice: object,
        upload: str | None,
        checkpoint: str | None,
        style: str,
        minutes: float,
        *texts: str,
    ) -> None:
        if checkpoint:
            workbench.continue_from(token, checkpoint, upload=upload or "", minutes=minutes)
        else:
            workbench.start(
                token,
                item=picked(choice)[1],
                upload=upload or "",
                style=style,
                settings=settings_from(dict(zip(KNOBS, texts, strict=True))),
                minutes=minutes,
            )

    @answered_by_notice
    def hold(token: str, label: str, minutes: float) -> None:
        running.hold(workbench, token, label, minutes)

    @answered_by_notice
    def halt(token: str) -> None:
        workbench.stop(token)

    @answered_by_notice
    def shorten(token: str, minutes: float) -> None:
        workbench.go_on(token, minutes, step_factor=0.5)

    def carry(take: Callable[[str], str], token: str) -> tuple[Any, str]:
        try:
            return take(token), ""
        except Rejected as refusal:
            return gr.skip(), notice_of(str(refusal), refusal=True)

    async def attach(token: str) -> AsyncIterator[tuple[Any, ...]]:
        """Streams the visitor's run to this page for as long as the page is open."""
        nothing = [gr.skip()] * 9
        yield (*nothing[:3], gr.update(interactive=True), *nothing[4:])
        phase = ""
        try:
            async for live in follow(workbench, token, "learn"):
                if live is None:
                    yield tuple(nothing)
                    continue
                buttons = _buttons(live.report) if live.report.phase != phase else nothing[3:]
                phase = live.report.phase
                yield (gr.skip(), stage_of(live), curves_of(live.report), *buttons)
        except (Rejected, Busy, LostPlace) as refusal:
            yield (notice_of(str(refusal), refusal=True), *nothing[1:])

    picker.change(
        choose,
        [picker, style],
        [kind, upload, checkpoint, notice, style, *knobs],
        show_progress="hidden",
        queue=False,
    )
    style.input(describe, [kind, style], [style, *knobs], show_progress="hidden", queue=False)
    upload.change(inspect, [upload, style], [notice, kind, style, *knobs], show_progress="hidden")
    checkpoint.change(recognise, checkpoint, notice, show_progress="hidden")
    train.click(
        begin,
        [token, picker, upload, checkpoint, style, minutes, *knobs],
        notice,
        show_progress="hidden",
        concurrency_limit=None,
    )
    pause.click(hold, [token, pause, minutes], notice, show_progress="hidden", queue=False)
    stop.click(halt, token, notice, show_progress="hidden", queue=False)
    shorter.click(shorten, [token, minutes], notice, show_progress="hidden", queue=False)
    hand_over = "() => setTimeout(() => document.querySelector('#abp-file').click(), 100)"
    for button, take in (
        (take_model, workbench.take_home),
        (take_samples, workbench.take_samples),
    ):
        button.click(partial(carry, take), token, [file, notice], concurrency_limit=None).success(
            None, js=hand_over
        )
    greeted.then(
        attach,
        token,
        [notice, stage, curves, train, pause, stop, take_model, take_samples, shorter],
        show_progress="hidden",
        concurrency_limit=None,
    )


def cards_of(workbench: Workbench) -> list[dict[str, Any]]:
    """What the pack has, as a picker shows it."""
    return [
        {
            "kind": card.kind,
            "name": card.name,
            "label": card.label,
            "picture": card.picture,
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
    "examples": ("Examples", "Crops or segments drawn, or pictures taken of a set."),
    "seed": ("Seed", "The same seed gives the same run."),
}


def _buttons(report: Report) -> list[Any]:
    """train, pause, stop, take_model, take_samples, shorter."""
    known = report.phase not in ("starting", "failed")
    return [
        *running.orders_of(report),
        gr.update(interactive=known),
        gr.update(interactive=known),
        gr.update(visible=report.phase == "diverged"),
    ]


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
                "caption": "New pebbles, from noise",
                "picture": asset("welcome-new.webp"),
                "still": asset("welcome-new.jpg"),
            },
        ],
    }
