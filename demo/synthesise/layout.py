"""What the Synthesise tab consists of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from demo import limits
from demo.synthesise.form import BEGINNINGS, SOURCES, TILES
from demo.widgets import widget

IDLE: dict[str, Any] = {
    "phase": "idle",
    "key": "",
    "headline": "",
    "detail": "Press Make.",
    "share": 0,
}
# Of strokes on an endless texture and of its tiles, for the page to keep to.
BOUNDS = {
    "strokes": limits.STROKES,
    "places": limits.PLACES,
    "span": limits.SPAN,
    "tile": limits.TILE,
}
SILENT: dict[str, Any] = {
    "token": "",
    "key": "",
    "rate": 0,
    "side": 0,
    "unit": 0,
    "radius": 0,
    "reach": 0,
    "bounds": BOUNDS,
    "seed": "1",
    "source": SOURCES[0],
    "temperature": 1.0,
    "novelty": 1.0,
}

STILL: dict[str, Any] = {
    "token": "",
    "key": "",
    "seed": "1",
    "width": 512,
    "height": 512,
    "speed": 1,
    "windows": 1,
    "begin": BEGINNINGS[0],
}

TILE_WORDS = ("off", "left-right", "top-bottom", "both")

Fields = dict[str, Component]


@dataclass(frozen=True, slots=True)
class Controls:
    """sections: what belongs to which kind of model. fields: by the names of `form`. kind, unit:
    what a page remembers of its model. takings: the files to take home."""

    sections: list[tuple[str, Component]]
    fields: Fields
    kind: gr.Textbox
    unit: gr.Number
    make: gr.Button
    another: gr.Button
    takings: list[gr.DownloadButton]
    notice: gr.HTML
    endless: gr.HTML
    canvas: gr.HTML
    reel: gr.HTML
    work: gr.HTML


Order = Callable[..., Any]


def lay_out(chunk: Order, piece: Order, tile: Order, frames: Order) -> Controls:
    """The tab, ready to be wired. chunk; piece, tile; frames: what the scripts of the endless
    sound, texture and film may call."""
    # Not as gr.State: that costs every page a connection which stays open, and a browser has six of
    # them for all its pages.
    kind = gr.Textbox("texture", visible=False)
    unit = gr.Number(16, visible=False)
    fields: Fields = {}
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300):
            sections = [
                *_size(fields),
                *_texture(fields),
                _sound(fields),
                _objects(fields),
                _film(fields),
            ]
            _draw(fields)
        with gr.Column(scale=9, min_width=300):
            with gr.Row(elem_id="abp-make-orders"):
                make = gr.Button("Make", variant="primary", elem_id="abp-make")
                another = gr.Button("Another seed", elem_id="abp-another")
                takings = [gr.DownloadButton(visible=False) for _ in range(2)]
            notice = gr.HTML("", elem_id="abp-make-notice")
            endless = widget("synthesise/endless", SILENT, server_functions=[chunk], visible=False)
            canvas = widget("synthesise/pan", SILENT, server_functions=[piece, tile], visible=False)
            reel = widget("synthesise/reel", STILL, server_functions=[frames], visible=False)
            work = widget("synthesise/work", IDLE)
    return Controls(
        *(sections, fields, kind, unit, make, another, takings, notice, endless, canvas, reel, work)
    )


def _size(fields: Fields) -> list[tuple[str, Component]]:
    with gr.Group() as size, gr.Row():
        for name in ("width", "height"):  # no bounds: what is too large gets a sentence instead
            label = f"{name.capitalize()} in pixels"
            fields[name] = gr.Number(512, precision=0, step=16, label=label, min_width=120)
    return [("texture", size), ("windowed film", size)]


def _texture(fields: Fields) -> list[tuple[str, Component]]:
    with gr.Group() as texture:
        fields["tile"] = gr.Radio(
            list(zip(TILE_WORDS, TILES, strict=True)), value="no", label="Seamless tile"
        )
        fields["copies"] = gr.Slider(
            1, 16, value=1, step=1, label="Pictures", info="Several come on a sheet, seed by seed."
        )
    with gr.Accordion("Or grow a picture of yours", open=False) as growing:
        fields["picture"] = gr.File(
            label="A picture; of a large one the middle",
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
    return [("texture", texture), ("texture", growing)]


def _sound(fields: Fields) -> tuple[str, Component]:
    with gr.Group(visible=False) as sound:
        fields["seconds"] = gr.Slider(1, limits.SECONDS, value=10, step=1, label="Seconds")
        fields["loop"] = gr.Checkbox(
            False, label="Loop without a seam", info="Of the nearest length that can be one."
        )
    return "sound", sound


def _objects(fields: Fields) -> tuple[str, Component]:
    with gr.Group(visible=False) as objects:
        fields["count"] = gr.Slider(
            1, limits.OBJECTS, value=36, step=1, label="Pictures on the sheet"
        )
        fields["nearest"] = gr.Checkbox(
            False,
            label="Is it copying?",
            info="Puts the nearest training example beside each picture.",
        )
    return "objects", objects


def _film(fields: Fields) -> tuple[str, Component]:
    with gr.Group(visible=False) as film:
        fields["film_seconds"] = gr.Slider(1, limits.SECONDS, value=10, step=1, label="Seconds")
        fields["film_loop"] = gr.Checkbox(
            False, label="Loop without a seam", info="Its end goes on as its beginning."
        )
        fields["speed"] = gr.Slider(
            0.25, 4, value=1, step=0.05, label="Speed", info="Times as fast as what was learnt."
        )
        fields["windows"] = gr.Slider(
            1, 4, value=1, step=1, label="How many parts of the picture go their own way"
        )
        fields["begin"] = gr.Radio(
            list(BEGINNINGS),
            value=BEGINNINGS[0],
            label="It begins",
            info="A larger picture begins anywhere.",
        )
    return "film", film


def _draw(fields: Fields) -> None:
    """What tells one draw from another."""
    with gr.Group():
        fields["seed"] = gr.Textbox(
            "1", label="Seed", info="The same seed makes the same again.", elem_id="abp-seed"
        )
        fields["source"] = gr.Radio(
            list(SOURCES),
            value=SOURCES[0],
            label="New ones come from",
            info="Codes like those that were inferred, or noise as in the paper.",
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
