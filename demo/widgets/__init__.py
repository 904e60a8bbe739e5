"""Our few browser components: a `gr.HTML` each, with its script and style beside it.

A component's value is a JSON object that its script draws; what the visitor picks comes back as
that value. Text from Python reaches the page as text, never as markup.
"""

from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent


_WITH_CARDS = ("gallery", "picker")


def widget(name: str, value: Any, *, elem_id: str = "", **props: Any) -> gr.HTML:
    """The component whose files are called `name`, after those that components share; elem_id: of
    its place on the page, where there is more than one."""
    parts = ["elements", *(["cards"] if name in _WITH_CARDS else []), name]

    def text(ending: str) -> str:
        files = (_HERE / f"{part}.{ending}" for part in parts)
        return "".join(file.read_text() for file in files if file.exists())

    return gr.HTML(
        value=value,
        html_template=text("html"),
        js_on_load=text("js"),
        css_template=text("css"),
        apply_default_css=False,
        elem_id=elem_id or f"abp-{name}",
        **props,
    )
