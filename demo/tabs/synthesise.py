"""The Synthesise tab: textures of any size, sounds of any length, sheets of pictures."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from demo import limits
from demo.orders import handler
from demo.served import url
from demo.tabs.explore import refusal_answer
from demo.tabs.run_controls import render_refusal
from demo.turns import Lanes
from demo.widgets import widget
from demo.workbench import SOURCES, TILES, Progress, Rejected, Result, Workbench

IDLE: dict[str, Any] = {"phase": "idle", "headline": "", "detail": "Press Make.", "share": 0}
DRAWN = ("seed", "source", "temperature", "novelty")  # what tells one draw from another
SILENT: dict[str, Any] = {
    "token": "",
    "key": "",
    "rate": 0,
    "seed": "1",
    "source": SOURCES[0],
    "temperature": 1.0,
    "novelty": 1.0,
}
HEADLINES = {
    "texture": "{}, at any size",
    "sound": "{}, for as long as you like",
    "objects": "New {}",
}
# The endless sound is drawn as the page shows.
TUNE = """(current, seed, source, temperature, novelty) =>
    ({ ...current, seed, source, temperature, novelty })"""
# Each way to draw has its own slider; a flow, of sets, has none.
WAY = f"""(source, kind) => [source === {SOURCES[1]!r},
        source !== {SOURCES[1]!r} && kind !== 'objects']
    .map((visible) => ({{ __type__: 'update', visible }}))"""
NEW_SEED = "() => String(Math.floor(Math.random() * 1e9))"
PICTURES = [".png", ".jpg", ".jpeg", ".webp"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Stretch k of the endless sound of the model `key`."""

    token: str
    key: str = ""
    seed: object = None
    source: str = ""
    temperature: object = 1.0
    novelty: object = 1.0
    k: object = None


@dataclass(frozen=True, slots=True)
class ControlState:
    """The controls, to be fitted to the current model; unit: what sides step by now."""

    token: str
    unit: float = 0.0
    seed: str = ""
    source: str = ""
    temperature: float = 1.0
    novelty: float = 1.0


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """Everything that the tab asks for. state: whether it was opened, and something made."""

    token: str
    state: str = ""
    kind: str = ""
    width: object = None
    height: object = None
    tile: object = None
    copies: object = None
    picture: str = ""
    margin: object = None
    kept: bool = True
    seconds: object = None
    loop: bool = False
    count: object = None
    nearest: bool = False
    seed: object = None
    source: str = ""
    temperature: object = 1.0
    novelty: object = 1.0


def build(
    workbench: Workbench,
    lanes: Lanes,
    token: gr.BrowserState,
    chosen: list[Dependency],
    tab: gr.Tab,
) -> None:
    """token: the visitor's. chosen: the events after which another model is current. tab: the one
    that this is in; when it is first opened, something is made."""
    # What a page remembers of itself. Not as gr.State: that costs every page a connection which
    # stays open, and a browser has six of them for all its pages.
    kind = gr.Textbox("texture", visible=False)
    known_unit = gr.Number(16, visible=False)
    opened = gr.Textbox("closed", visible=False)

    @handler(Stretch, lanes.look, refusal_answer)
    def chunk(sent: Stretch) -> dict[str, Any]:
        return workbench.chunk(sent.token, sent.key, asdict(sent))

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
    asked = [token, opened, kind, *fields.values()]
    shown = [notice, work, *takings]
    nothing = [gr.skip()] * len(takings)

    @handler(ControlState, lanes.quick, lambda sentence: {notice: render_refusal(sentence)})
    def fit(sent: ControlState) -> dict[Component, Any]:
        """The controls that suit the current model; what was made of another one stays."""
        offer = workbench.offer(sent.token)
        current = {"token": sent.token, "key": offer.key, "rate": offer.rate}
        paper = sent.source == SOURCES[1]
        updates: dict[Component, Any] = {
            kind: offer.kind,
            work: {**IDLE, "headline": HEADLINES[offer.kind].format(offer.label)},
            endless: gr.update(
                value={**current, **{name: getattr(sent, name) for name in DRAWN}},
                visible=offer.lengths,
            ),
            fields["seconds"]: gr.update(visible=offer.lengths),
            fields["loop"]: gr.update(visible=offer.lengths),
            fields["nearest"]: gr.update(visible=offer.compared),
            fields["source"]: gr.update(visible=offer.inferred),
            fields["temperature"]: gr.update(visible=paper or not offer.inferred),
            fields["novelty"]: gr.update(visible=offer.novel and not paper),
        }
        for of, section in sections:
            updates[section] = gr.update(visible=offer.kind == of)
        if offer.kind == "texture" and offer.unit != sent.unit:
            sides = gr.update(step=offer.unit, value=offer.side)
            margin, widest = offer.margins
            margins = gr.update(maximum=widest, step=offer.unit, value=margin)
            updates |= {fields["width"]: sides, fields["height"]: sides, fields["margin"]: margins}
            updates |= {known_unit: offer.unit}
        return updates

    def made(sent: WorkRequest) -> Iterator[tuple[Any, ...]]:
        for step in workbench.make(sent.token, asdict(sent)):
            if isinstance(step, Progress):
                yield "", _render_progress(step), *nothing
            else:
                yield "", _render_result(step), *_render_files(step, len(takings))

    def kept(sentence: str) -> tuple[Any, ...]:
        return render_refusal(sentence), {**IDLE, "phase": "kept"}, *nothing

    @handler(WorkRequest, lanes.heavy, kept)
    def synthesise(sent: WorkRequest) -> Iterator[tuple[Any, ...]]:
        yield from made(sent)

    @handler(WorkRequest, lanes.heavy, lambda sentence: ("made", *kept(sentence)))
    def open_tab(sent: WorkRequest) -> Iterator[tuple[Any, ...]]:
        """Something is on the page before the first click: as soon as there is a model."""
        if sent.state == "made":
            return
        try:
            kind = workbench.offer(sent.token).kind  # the controls may not have been fitted yet
        except Rejected:
            yield "waiting", gr.skip(), gr.skip(), *nothing
            return
        yield "made", gr.skip(), gr.skip(), *nothing  # at once: an opening may be reported twice
        for outputs in made(replace(sent, kind=kind)):
            yield "made", *outputs

    @handler(WorkRequest, lanes.heavy, lambda sentence: ("made", *kept(sentence)))
    def catch_up(sent: WorkRequest) -> Iterator[tuple[Any, ...]]:
        """The first model came after the tab was opened."""
        if sent.state == "waiting":
            kind = workbench.offer(sent.token).kind
            for outputs in made(replace(sent, kind=kind)):
                yield "made", *outputs

    quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}
    fitted = ["width", "height", "margin", "seconds", "loop", "nearest", *DRAWN[1:]]
    drawn = [fields[name] for name in DRAWN]
    for event in chosen:
        event.then(
            fit,
            [token, known_unit, *drawn],
            [
                *(kind, known_unit, notice, work, endless),
                *(section for _, section in sections),
                *(fields[name] for name in fitted),
            ],
            **quiet,
        ).then(catch_up, asked, [opened, *shown], **quiet)
    tab.select(open_tab, asked, [opened, *shown], **quiet)
    # A click that comes before the last answer is quite over is taken when it is.
    make.click(synthesise, asked, shown, trigger_mode="always_last", **quiet)
    another.click(None, None, fields["seed"], js=NEW_SEED).then(synthesise, asked, shown, **quiet)
    for field in drawn:
        field.change(None, [endless, *drawn], endless, js=TUNE)  # type: ignore[attr-defined]
    fields["source"].input(None, [fields["source"], kind], drawn[2:], js=WAY)  # type: ignore[attr-defined]


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
        fields["source"] = gr.Radio(
            list(SOURCES),
            value=SOURCES[0],
            label="New ones come from",
            info="Latents like those that were inferred, or noise as in the paper.",
            visible=False,
        )
        fields["temperature"] = gr.Slider(
            0, 2, value=1, step=0.05, label="Temperature", info="1 as learnt; lower is calmer."
        )
        fields["novelty"] = gr.Slider(
            0,
            1,
            value=1,
            step=0.05,
            label="Familiar to new",
            info="0 is what was learnt from; towards 1 its pieces are put together anew.",
            visible=False,
        )
    sections = [("texture", texture), ("texture", growing), ("sound", sound), ("objects", objects)]
    return sections, fields


def _render_progress(step: Progress) -> dict[str, Any]:
    return {
        **IDLE,
        "phase": "working",
        "headline": step.sentence,
        "detail": "",
        "share": step.share,
    }


def _render_result(made: Result) -> dict[str, Any]:
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


def _render_files(made: Result, places: int) -> list[Any]:
    files = [gr.update(value=path, label=label, visible=True) for label, path in made.files]
    return [*files, *[gr.update(visible=False)] * (places - len(files))]
