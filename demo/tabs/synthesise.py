"""The Synthesise tab: textures of any size, sounds of any length, sheets of pictures."""

import html
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from demo import limits
from demo.tabs.running import url
from demo.widgets import widget
from demo.workbench import TILES, Made, Making, Rejected, Workbench

IDLE: dict[str, Any] = {"phase": "idle", "headline": "", "detail": "Press Make.", "share": 0}
SILENT: dict[str, Any] = {"token": "", "key": "", "rate": 0, "seed": "1", "temperature": 1.0}
HEADLINES = {
    "texture": "{}, at any size",
    "sound": "{}, for as long as you like",
    "objects": "New {}",
}
NEW_SEED = "() => String(Math.floor(Math.random() * 1e9))"
PICTURES = [".png", ".jpg", ".jpeg", ".webp"]


def build(
    workbench: Workbench, token: gr.BrowserState, chosen: list[Dependency], tab: gr.Tab
) -> None:
    """token: the visitor's. chosen: the events after which another model is current. tab: the one
    that this is in; when it is first opened, something is made."""
    kind, known_unit, opened = gr.State("texture"), gr.State(16), gr.State("closed")

    def chunk(sent: Any) -> dict[str, Any]:
        """A stretch of the endless sound, whatever the page sent; a refusal is an answer."""
        fields = sent if isinstance(sent, dict) else {}
        try:
            return workbench.chunk(str(fields.get("token")), str(fields.get("key")), fields)
        except Rejected as refusal:
            return {"refusal": str(refusal)}

    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300):
            sections, fields = _controls()
        with gr.Column(scale=9, min_width=300):
            with gr.Row(elem_id="abp-make-orders"):
                make = gr.Button("Make", variant="primary", elem_id="abp-make")
                another = gr.Button("Another seed", elem_id="abp-another")
                takings = [gr.DownloadButton(visible=False) for _ in range(2)]
            notice = gr.HTML("", elem_id="abp-make-notice")
            endless = widget("endless", SILENT, server_functions=[chunk], visible=False)
            work = widget("work", IDLE)
    asked = [token, kind, *fields.values()]
    shown = [notice, work, *takings]

    def fit(token: str, unit: int, seed: str, temperature: float) -> dict[Component, Any]:
        """The controls that suit the current model; what was made of another one stays."""
        try:
            offer = workbench.offer(token)
        except Rejected as refusal:
            return {notice: _refusal(refusal)}
        current = {"token": token, "key": offer.key, "rate": offer.rate}
        updates = {
            kind: offer.kind,
            work: {**IDLE, "headline": HEADLINES[offer.kind].format(offer.label)},
            endless: gr.update(
                value={**current, "seed": seed, "temperature": temperature}, visible=offer.lengths
            ),
            fields["seconds"]: gr.update(visible=offer.lengths),
            fields["loop"]: gr.update(visible=offer.lengths),
            fields["nearest"]: gr.update(visible=offer.compared),
        }
        for of, section in sections:
            updates[section] = gr.update(visible=offer.kind == of)
        if offer.kind == "texture" and offer.unit != unit:
            sides = gr.update(step=offer.unit, value=offer.side)
            margin, widest = offer.margins
            margins = gr.update(maximum=widest, step=offer.unit, value=margin)
            updates |= {fields["width"]: sides, fields["height"]: sides, fields["margin"]: margins}
            updates |= {known_unit: offer.unit}
        return updates

    def tune(current: Any, seed: str, temperature: float) -> dict[str, Any]:
        """The endless sound is of the seed and temperature that the page shows."""
        known = current if isinstance(current, dict) else SILENT
        return {**known, "seed": seed, "temperature": temperature}

    def synthesise(token: str, kind: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        sent = {"kind": kind, **dict(zip(fields, values, strict=True))}
        try:
            for step in workbench.make(token, sent):
                if isinstance(step, Making):
                    yield "", _making(step), *[gr.skip()] * len(takings)
                else:
                    yield "", _made(step), *_files(step, len(takings))
        except Rejected as refusal:
            kept = {**IDLE, "phase": "kept"}
            yield _refusal(refusal), kept, *[gr.skip()] * len(takings)

    def open_tab(state: str, token: str, _: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Something is on the page before the first click: as soon as there is a model."""
        if state == "made":
            return
        nothing = [gr.skip()] * len(shown)
        try:
            kind = workbench.offer(token).kind  # the controls may not have been fitted yet
        except Rejected:
            yield "waiting", *nothing
            return
        yield "made", *nothing  # at once: the page may report the opening twice
        for outputs in synthesise(token, kind, *values):
            yield "made", *outputs

    def catch_up(state: str, *asked: Any) -> Iterator[tuple[Any, ...]]:
        """The first model came after the tab was opened."""
        if state == "waiting":
            yield from open_tab(state, *asked)

    quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}
    fitted = ["width", "height", "margin", "seconds", "loop", "nearest"]
    for event in chosen:
        event.then(
            fit,
            [token, known_unit, fields["seed"], fields["temperature"]],
            [
                *(kind, known_unit, notice, work, endless),
                *(section for _, section in sections),
                *(fields[name] for name in fitted),
            ],
            **quiet,
        ).then(catch_up, [opened, *asked], [opened, *shown], **quiet)
    tab.select(open_tab, [opened, *asked], [opened, *shown], **quiet)
    make.click(synthesise, asked, shown, **quiet)
    another.click(None, None, fields["seed"], js=NEW_SEED).then(synthesise, asked, shown, **quiet)
    tuning = [endless, fields["seed"], fields["temperature"]]
    for field in tuning[1:]:
        field.change(tune, tuning, endless, show_progress="hidden", queue=False)


def _controls() -> tuple[list[tuple[str, Component]], dict[str, Component]]:
    """What belongs to which kind of model, and the fields by the names that the workbench knows."""
    fields: dict[str, Component] = {}
    with gr.Group() as texture:
        with gr.Row():  # no bounds: what is too large gets a sentence instead of another value
            for name in ("width", "height"):
                label = f"{name.capitalize()} in pixels"
                fields[name] = gr.Number(512, precision=0, step=16, label=label, min_width=120)
        fields["tile"] = gr.Radio(list(TILES), value="no", label="Tile that continues itself")
        fields["copies"] = gr.Slider(
            1, 16, value=1, step=1, label="Pictures", info="Several come on a sheet, seed by seed."
        )
    with gr.Accordion("Or grow a picture of yours", open=False) as growing:
        fields["picture"] = gr.File(
            label="A picture; of a large one the middle",
            file_types=PICTURES,
            type="filepath",
            height=164,
            elem_id="abp-grown",
        )
        fields["margin"] = gr.Slider(
            0, limits.MARGIN, value=128, step=16, label="Pixels to grow by, on every side"
        )
        fields["kept"] = gr.Checkbox(
            True,
            label="Keep the picture itself",
            info="Otherwise its middle shows what the model makes of it.",
        )
    with gr.Group(visible=False) as sound:
        fields["seconds"] = gr.Slider(1, limits.SECONDS, value=10, step=1, label="Seconds")
        fields["loop"] = gr.Checkbox(
            False, label="Loop without a seam", info="Of the nearest length that can be one."
        )
    with gr.Group(visible=False) as objects:
        fields["count"] = gr.Slider(
            1, limits.OBJECTS, value=36, step=1, label="Pictures on the sheet"
        )
        fields["nearest"] = gr.Checkbox(
            False,
            label="Is it copying?",
            info="Puts the nearest training example beside each picture.",
        )
    with gr.Group():
        fields["seed"] = gr.Textbox(
            "1", label="Seed", info="The same seed makes the same again.", elem_id="abp-seed"
        )
        fields["temperature"] = gr.Slider(
            0, 2, value=1, step=0.05, label="Temperature", info="1 as learnt; lower is calmer."
        )
    sections = [("texture", texture), ("texture", growing), ("sound", sound), ("objects", objects)]
    return sections, fields


def _making(step: Making) -> dict[str, Any]:
    return {
        **IDLE,
        "phase": "working",
        "headline": step.sentence,
        "detail": "",
        "share": step.share,
    }


def _made(made: Made) -> dict[str, Any]:
    panels = [asdict(panel) for panel in made.panels]
    for panel in panels:
        if panel["sound"] and not panel["sound"].startswith("data:"):
            panel["sound"] = url(panel["sound"])
    return {
        "phase": "done",
        "headline": made.headline,
        "detail": made.detail,
        "share": 1,
        "number": made.number,
        "kind": made.kind,
        "panels": panels,
        "repeats": made.repeats,
        "facts": made.facts,
        "command": made.command,
    }


def _files(made: Made, places: int) -> list[Any]:
    files = [gr.update(value=path, label=label, visible=True) for label, path in made.files]
    return [*files, *[gr.update(visible=False)] * (places - len(files))]


def _refusal(refusal: Rejected) -> str:
    return f'<div class="abp-notice refusal" role="alert">{html.escape(str(refusal))}</div>'
