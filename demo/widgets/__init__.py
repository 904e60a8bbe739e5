"""Our few browser components: a `gr.HTML` each, with its script and style beside it.

A component's value is a JSON object that its script draws; what the visitor picks comes back as
that value. Text from Python reaches the page as text, never as markup. What only one tab has lies
in that tab's folder.
"""

from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent
_DEMO = _HERE.parent

# The files before a widget's own, in this order: those that it shares with others, and the parts of
# a script too long for one file. The page runs all scripts of a widget as if they were one file, so
# that each knows the names of the others; "elements" is in every widget.
_BEFORE = {
    "compare/columns": ("drawing", "plot", "panels", "compare/column", "compare/table"),
    "curves": ("drawing", "plot"),
    "diagram": ("iteration",),
    "explore/explore": (
        *("address", "drawing", "model", "explore/point", "explore/looking"),
        *("explore/sliders", "explore/time", "explore/plane", "explore/brush", "explore/journeys"),
        *("explore/links", "explore/drift", "explore/present"),
    ),
    "gallery": ("address", "cards"),
    "idea/idea": (
        *("drawing", "idea/network", "idea/alternation", "idea/shapes"),
        *("idea/plane", "idea/codes"),
    ),
    "infer/infer": (
        *("address", "drawing", "model", "infer/walk", "infer/playing", "infer/showing"),
        *("infer/energy", "infer/land", "iteration", "infer/slow", "infer/taking"),
        "infer/targets",
    ),
    "live": ("hand",),
    "picker": ("cards",),
    "share": ("address",),
    "synthesise/endless": ("synthesise/play",),
    "synthesise/reel": ("synthesise/play",),
    "synthesise/pan": ("drawing", "synthesise/pieces", "synthesise/brush"),
    "stage": ("panels", "replay"),
}


def files(name: str, ending: str) -> list[Path]:
    """The files of a widget that are written in one language, in their order; name: with the folder
    of the tab that has it, "picker" or "explore/explore"."""
    parts = ["elements", *_BEFORE.get(name, ()), name]
    every = [(_DEMO if "/" in part else _HERE) / f"{part}.{ending}" for part in parts]
    return [file for file in every if file.exists()]


def widget(name: str, value: Any, *, elem_id: str = "", **props: Any) -> gr.HTML:
    """The component whose files are called `name`, see `files`; elem_id: of its place on the page,
    where there is more than one."""

    def text(ending: str) -> str:
        return "".join(file.read_text(encoding="utf-8") for file in files(name, ending))

    return gr.HTML(
        value=value,
        html_template=text("html"),
        js_on_load=text("js"),
        css_template=text("css"),
        apply_default_css=False,
        elem_id=elem_id or f"abp-{Path(name).name}",
        **props,
    )


def formula(folder: Path, own: str = "") -> gr.HTML:
    """What happens in a tab, one click away: the words of `formula.html` in its folder, and below
    them the place for what the model at hand does; own: what is there first."""
    with gr.Accordion("What happens here?", open=False):
        gr.HTML((folder / "formula.html").read_text(encoding="utf-8"), elem_classes="abp-formula")
        return gr.HTML(own)
