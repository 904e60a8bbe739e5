"""Our few browser components: a `gr.HTML` each, with its script and style beside it.

A component's value is a JSON object that its script draws; what the visitor picks comes back as
that value. Text from Python reaches the page as text, never as markup.
"""

from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent

# The files before a widget's own, in this order: those that it shares with others, and the parts of
# a script too long for one file. The page runs all scripts of a widget as if they were one file, so
# that each knows the names of the others; "elements" is in every widget.
_BEFORE = {
    "curves": ("drawing",),
    "explore": (
        *("drawing", "model", "explore/point", "explore/looking", "explore/sliders"),
        *("explore/plane", "explore/brush", "explore/journeys", "explore/links"),
    ),
    "gallery": ("cards",),
    "infer": (
        *("drawing", "model", "infer/walk", "infer/playing", "infer/showing", "infer/energy"),
        *("infer/land", "infer/slow", "infer/taking", "infer/targets"),
    ),
    "picker": ("cards",),
}


def files(name: str, ending: str) -> list[Path]:
    """The files of a widget that are written in one language, in their order."""
    parts = ["elements", *_BEFORE.get(name, ()), name]
    every = [_HERE / f"{part}.{ending}" for part in parts]
    return [file for file in every if file.exists()]


def widget(name: str, value: Any, *, elem_id: str = "", **props: Any) -> gr.HTML:
    """The component whose files are called `name`; elem_id: of its place on the page, where there
    is more than one."""

    def text(ending: str) -> str:
        return "".join(file.read_text(encoding="utf-8") for file in files(name, ending))

    return gr.HTML(
        value=value,
        html_template=text("html"),
        js_on_load=text("js"),
        css_template=text("css"),
        apply_default_css=False,
        elem_id=elem_id or f"abp-{name}",
        **props,
    )
