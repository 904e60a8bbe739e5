"""The Synthesise tab: textures of any size, sounds of any length, sheets of pictures."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from demo.errors import Rejected
from demo.server.orders import handler
from demo.server.served import url
from demo.server.turns import Lanes
from demo.synthesise.form import SOURCES, Offer
from demo.synthesise.layout import IDLE, SILENT, STILL, Controls, lay_out
from demo.synthesise.requests import ControlState, Frames, Piece, Stretch, Tile, WorkRequest
from demo.synthesise.result import (
    Progress,
    Result,
)
from demo.synthesise.service import Synthesis
from demo.widgets.shared import QUIET, refusal_answer, render_refusal

DRAWN = ("seed", "source", "temperature", "novelty")  # what tells one draw from another
HEADLINES = {
    "texture": "{}, at any size",
    "sound": "{}, for as long as you like",
    "objects": "New {}",
    "film": "{}, for as long as you like",
}
# The endless sound and the endless texture are drawn as the page shows.
TUNE = """(current, seed, source, temperature, novelty) =>
    ({ ...current, seed, source, temperature, novelty })"""
REEL = ("seed", "width", "height", "speed", "windows", "begin")  # what an endless film is played by
REEL_OF = f"(current, {', '.join(REEL)}) => ({{ ...current, {', '.join(REEL)} }})"
# Each way to draw has its own slider; a flow, of sets, has none.
WAY = f"""(source, kind) => [source === {SOURCES[1]!r},
        source !== {SOURCES[1]!r} && kind !== 'objects']
    .map((visible) => ({{ __type__: 'update', visible }}))"""
UNSEEN = "unseen"  # in the place of the kind, while another tab is shown
WHERE_SEEN = f"""(...sent) => {{
    if (!document.querySelector("#abp-make")?.offsetParent) sent[1] = {UNSEEN!r};
    return sent;
}}"""
NEW_SEED = "() => String(Math.floor(Math.random() * 1e9))"
FITTED = ("width", "height", "margin", "seconds", "loop", "nearest", "windows", *DRAWN[1:])


def build(
    synthesis: Synthesis,
    lanes: Lanes,
    token: gr.Textbox,
    chosen: list[Dependency],
    tab: gr.Tab,
) -> Component:
    """The field that tells which way a texture continues itself. token: the visitor's. chosen: the
    events after which another model is current. tab: the one that this is in."""

    @handler(Stretch, lanes.look, refusal_answer)
    def chunk(sent: Stretch) -> dict[str, Any]:
        return synthesis.chunk(sent.token, sent.key, asdict(sent))

    @handler(Piece, lanes.look, refusal_answer)
    def piece(sent: Piece) -> dict[str, Any]:
        return synthesis.piece(sent.token, sent.key, asdict(sent))

    @handler(Tile, lanes.heavy, refusal_answer)
    def tile(sent: Tile) -> dict[str, Any]:
        return synthesis.tile(sent.token, sent.key, asdict(sent))

    @handler(Frames, lanes.look, refusal_answer)
    def frames(sent: Frames) -> dict[str, Any]:
        return synthesis.frames(sent.token, sent.key, asdict(sent))

    ui = lay_out(chunk, piece, tile, frames)
    fitted = _wire_model(synthesis, lanes, token, chosen, ui)
    _wire_making(synthesis, lanes, token, fitted, tab, ui)
    drawn = [ui.fields[name] for name in DRAWN]
    for field in drawn:
        for endless in (ui.endless, ui.canvas):
            field.change(None, [endless, *drawn], endless, js=TUNE)  # type: ignore[attr-defined]
    played = [ui.fields[name] for name in REEL]
    for field in played:
        field.change(None, [ui.reel, *played], ui.reel, js=REEL_OF)  # type: ignore[attr-defined]
    ui.fields["source"].input(None, [ui.fields["source"], ui.kind], drawn[2:], js=WAY)  # type: ignore[attr-defined]
    return ui.fields["tile"]


def _wire_model(
    synthesis: Synthesis,
    lanes: Lanes,
    token: gr.Textbox,
    chosen: list[Dependency],
    ui: Controls,
) -> list[Dependency]:
    """The events after which the controls suit the current model."""

    @handler(ControlState, lanes.quick, lambda sentence: {ui.notice: render_refusal(sentence)})
    def fit(sent: ControlState) -> dict[Component, Any]:
        offer = synthesis.offer(sent.token)
        return _fit(offer, sent, ui, other=synthesis.turn_to(sent.token, offer.key))

    drawn, played = ([ui.fields[name] for name in names] for names in (DRAWN, REEL))
    updated = [
        *(ui.kind, ui.unit, ui.notice, ui.work, ui.endless, ui.canvas, ui.reel, *ui.takings),
        *dict.fromkeys(section for _, section in ui.sections),
        *(ui.fields[name] for name in FITTED),
    ]
    asked = [token, ui.unit, *drawn]
    fitted = [event.then(fit, asked, updated, **QUIET) for event in chosen]
    for event in fitted:
        event.then(None, [ui.reel, *played], ui.reel, js=REEL_OF)
    return fitted


def _wire_making(
    synthesis: Synthesis,
    lanes: Lanes,
    token: gr.Textbox,
    fitted: list[Dependency],
    tab: gr.Tab,
    ui: Controls,
) -> None:
    """Something is made of every model that the tab is seen with, and whenever it is asked for."""
    shown = [ui.notice, ui.work, *ui.takings]
    nothing = [gr.skip()] * len(ui.takings)
    unchanged = tuple(gr.skip() for _ in shown)  # who answers nothing at all clears the page

    def made(sent: WorkRequest) -> Iterator[tuple[Any, ...]]:
        key = synthesis.offer(sent.token).key
        for step in synthesis.make(sent.token, asdict(sent)):
            if synthesis.offer(sent.token).key != key:
                yield unchanged  # another model was chosen meanwhile; this has no place beside it
                return
            if isinstance(step, Progress):
                yield "", _render_progress(step, key), *nothing
            else:
                yield "", _render_result(step, key), *_render_files(step, len(ui.takings))

    def kept(sentence: str) -> tuple[Any, ...]:
        return render_refusal(sentence), {**IDLE, "phase": "kept"}, *nothing

    @handler(WorkRequest, lanes.heavy, kept)
    def synthesise(sent: WorkRequest) -> Iterator[tuple[Any, ...]]:
        yield from made(sent)

    @handler(WorkRequest, lanes.heavy, kept)
    def make_first(sent: WorkRequest) -> Iterator[tuple[Any, ...]]:
        """Something is on the page before the first click, of whichever model it shows."""
        yield unchanged
        if sent.kind == UNSEEN:
            return
        try:
            offer = synthesis.offer(sent.token)
        except Rejected:
            return  # it is asked for again as soon as there is a model
        if synthesis.begin_with(sent.token, offer.key):
            sent = replace(sent, kind=offer.kind)  # the controls may not fit it yet
            if offer.kind == "film":
                width, height = offer.size
                sent = replace(sent, width=width, height=height)
            yield from made(sent)

    asked = [token, ui.kind, *ui.fields.values()]
    for event in (*fitted, None):
        again = event.then if event else tab.select
        again(make_first, asked, shown, js=WHERE_SEEN, **QUIET)
    # A click that comes before the last answer is quite over is taken when it is.
    ui.make.click(synthesise, asked, shown, trigger_mode="always_last", **QUIET)
    another = ui.another.click(None, None, ui.fields["seed"], js=NEW_SEED)
    another.then(synthesise, asked, shown, **QUIET)


def _fit(offer: Offer, sent: ControlState, ui: Controls, *, other: bool) -> dict[Component, Any]:
    """The controls that suit the current model; what was made of another one goes."""
    fields, paper = ui.fields, sent.source == SOURCES[1]
    current = {
        **SILENT,
        **{"token": sent.token, "key": offer.key, "rate": offer.rate, "side": offer.piece},
        **{"unit": offer.unit, "radius": offer.radius, "reach": offer.reach},
        **{name: getattr(sent, name) for name in DRAWN},
    }
    updates: dict[Component, Any] = {
        ui.kind: offer.kind,
        ui.notice: "",
        ui.work: {
            **IDLE,
            "key": offer.key,
            "headline": HEADLINES[offer.kind].format(offer.label),
        },
        ui.endless: gr.update(value=current, visible=offer.lengths),
        ui.canvas: gr.update(value=current, visible=offer.piece > 0),
        ui.reel: gr.update(
            value={**STILL, "token": sent.token, "key": offer.key}, visible=offer.kind == "film"
        ),
        fields["seconds"]: gr.update(visible=offer.lengths),
        fields["loop"]: gr.update(visible=offer.lengths),
        fields["nearest"]: gr.update(visible=offer.compared),
        fields["windows"]: gr.update(visible=offer.windowed),
        fields["source"]: gr.update(visible=offer.inferred),
        fields["temperature"]: gr.update(visible=offer.warm and (paper or not offer.inferred)),
        fields["novelty"]: gr.update(visible=offer.novel and not paper),
    }
    seen = {offer.kind, f"windowed {offer.kind}"} if offer.windowed else {offer.kind}
    updates |= {section: gr.update(visible=False) for _, section in ui.sections}
    updates |= {section: gr.update(visible=True) for of, section in ui.sections if of in seen}
    if other:
        updates |= {taking: gr.update(visible=False) for taking in ui.takings}
    film = offer.kind == "film"
    unit = 0 if film else offer.unit  # every film has a size of its own
    if (film and other) or (offer.kind in ("texture", "film") and unit != sent.unit):
        width, height = (gr.update(step=offer.unit, value=side) for side in offer.size)
        updates |= {fields["width"]: width, fields["height"]: height, ui.unit: unit}
    if offer.kind == "texture" and offer.unit != sent.unit:
        margin, widest = offer.margins
        updates |= {fields["margin"]: gr.update(maximum=widest, step=offer.unit, value=margin)}
    return updates


def _render_progress(step: Progress, key: str) -> dict[str, Any]:
    return {
        **IDLE,
        "key": key,
        "phase": "working",
        "headline": step.sentence,
        "detail": "",
        "share": step.share,
    }


def _render_result(made: Result, key: str) -> dict[str, Any]:
    panels = [asdict(panel) for panel in made.panels]
    for panel in panels:
        if panel["sound"] and not panel["sound"].startswith("data:"):
            panel["sound"] = url(panel["sound"])
    return {
        "phase": "done",
        "key": key,
        "headline": made.headline,
        "detail": made.detail,
        "share": 1,
        "number": made.number,
        "kind": made.kind,
        "panels": panels,
        "repeats": made.repeats,
        "compared": made.compared,
        "facts": made.facts,
        "command": made.command,
    }


def _render_files(made: Result, places: int) -> list[Any]:
    files = [gr.update(value=path, label=label, visible=True) for label, path in made.files]
    return [*files, *[gr.update(visible=False)] * (places - len(files))]
