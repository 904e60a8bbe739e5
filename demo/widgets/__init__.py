"""Our few browser components: a `gr.HTML` each, with its script and style beside it.

A component's value is a JSON object that its script draws; what the visitor picks comes back as
that value. Text from Python reaches the page as text, never as markup.
"""

from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent


def widget(name: str, value: Any, *, elem_id: str = "", **props: Any) -> gr.HTML:
    """The component whose files are called `name`; elem_id: of its place on the page, where there
    is more than one."""
    return gr.HTML(
        value=value,
        html_template=(_HERE / f"{name}.html").read_text(),
        js_on_load=(_HERE / f"{name}.js").read_text(),
        css_template=(_HERE / f"{name}.css").read_text(),
        apply_default_css=False,
        elem_id=elem_id or f"abp-{name}",
        **props,
    )
