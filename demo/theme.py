"""Colours and type. Two hues run through the studio: orange learns, indigo infers."""

from pathlib import Path

import gradio as gr

CSS = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")

_SYSTEM = [
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "Roboto",
    "Helvetica Neue",
    "Noto Sans",
    "sans-serif",
]
_MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]


def theme() -> gr.themes.Base:
    """System fonts only (nothing is fetched), and text that passes WCAG AA contrast."""
    return gr.themes.Base(
        primary_hue="orange",
        secondary_hue="indigo",
        neutral_hue="stone",
        font=_SYSTEM,
        font_mono=_MONO,
    ).set(
        body_background_fill="#faf9f7",
        body_background_fill_dark="#141312",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1d1b1a",
        body_text_color_subdued="#57534e",
        body_text_color_subdued_dark="#a8a29e",
        block_info_text_color="#57534e",
        block_info_text_color_dark="#a8a29e",
        block_label_text_color="#44403c",
        block_label_text_color_dark="#d6d3d1",
        block_title_text_color="#292524",
        block_title_text_color_dark="#e7e5e4",
        input_placeholder_color="#6b655f",
        input_placeholder_color_dark="#a8a29e",
        button_primary_background_fill="#c2410c",
        button_primary_background_fill_dark="#c2410c",
        button_primary_background_fill_hover="#9a3412",
        button_primary_background_fill_hover_dark="#9a3412",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        slider_color="#c2410c",
        slider_color_dark="#ea580c",
        block_radius="12px",
        block_border_width="1px",
        link_text_color="#4338ca",
        link_text_color_dark="#a5b4fc",
        link_text_color_hover="#312e81",
        link_text_color_hover_dark="#c7d2fe",
        link_text_color_visited="#4338ca",
        link_text_color_visited_dark="#a5b4fc",
    )
