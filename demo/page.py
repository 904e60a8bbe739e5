"""The page: title, the trained models, and the tabs that act on the current one."""

import html
from collections.abc import Callable
from typing import Any

import gradio as gr

from demo.sessions import is_token, new_token
from demo.tabs import explore, infer, repair, synthesise, train
from demo.tabs.running import ASSETS, url
from demo.widgets import widget
from demo.workbench import EXAMPLES, Model, Rejected, Workbench

TITLE = """<h1>ABP Studio</h1>
<p>A generator network learnt by alternating back-propagation
(<a href="https://arxiv.org/abs/1606.08571" target="_blank" rel="noopener">Han, Lu, Zhu, Wu</a>):
choose a trained one and move through what it learnt, or watch it learn something of yours.</p>"""
NO_MODEL = '<div class="bar"><span>Current model: none yet</span></div>'
KINDS = {"texture": "texture", "sound": "sound", "objects": "picture set"}
ORIGINS = {"shipped": "", "file": ", from your file", "run": ", your run"}


def build(workbench: Workbench) -> gr.Blocks:
    """The studio's page, ready to be launched."""
    gr.set_static_paths([EXAMPLES, ASSETS, workbench.shelf])
    with gr.Blocks(title="ABP Studio", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.HTML(TITLE, elem_id="abp-title")
        token = gr.BrowserState("", storage_key="abp-studio-visitor", secret="abp-studio")
        link = gr.State("")
        cards = [
            {
                "kind": card.kind,
                "name": card.name,
                "label": card.label,
                "picture": url(card.picture),
                "sound": url(card.sound) if card.sound else "",
                "facts": card.facts,
            }
            for card in workbench.gallery()
        ]
        gallery = widget("gallery", {"name": "", "ready": False}, cards=cards)
        with gr.Row(elem_id="abp-current"):
            model_bar = gr.HTML(NO_MODEL, elem_id="abp-model")
            follow = gr.Button("Use my run", size="sm", interactive=False, elem_id="abp-follow")
            own = gr.UploadButton(
                "Open a model file",
                file_types=[".safetensors"],
                size="sm",
                interactive=False,
                elem_id="abp-open",
            )

        def arrive(token: str, request: gr.Request) -> tuple[Any, ...]:
            asked = request.query_params
            bar, gallery = show(token, lambda: workbench.arrive(token, asked.get("model", "")))
            usable = gr.update(interactive=True)  # the page knows now whose orders they are
            return bar, gallery, asked.get("point", ""), usable, usable

        def choose_model(token: str, choice: object) -> tuple[Any, ...]:
            name = choice.get("name", "") if isinstance(choice, dict) else ""
            return show(token, lambda: workbench.choose(token, str(name)))

        def open_model(token: str, path: str) -> tuple[Any, ...]:
            return show(token, lambda: workbench.open_model(token, path))

        def take_run(token: str) -> tuple[Any, ...]:
            return show(token, lambda: workbench.follow(token))

        def show(token: str, order: Callable[[], Model]) -> tuple[str, dict[str, Any]]:
            """What the page says of a model that was chosen, or why the one before stays."""
            try:
                model = order()
            except Rejected as refusal:
                sentence = html.escape(str(refusal))
                bar = f'<div class="bar refusal" role="alert"><span>{sentence}</span></div>'
                return bar, {"name": _name(workbench.current(token)), "ready": True}
            about = f"{KINDS[model.kind]}{ORIGINS[model.origin]}, iteration {model.saved.iteration}"
            bar = f"Current model: <b>{html.escape(model.label)}</b>, {about}"
            return (
                f'<div class="bar" role="status"><span>{bar}</span></div>',
                {"name": _name(model), "ready": True},
            )

        greeted = page.load(_greet, token, token, show_progress="hidden", queue=False)
        shown = [model_bar, gallery]
        quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": 4}
        chosen = [
            greeted.then(arrive, token, [*shown, link, follow, own], **quiet),
            gallery.pick(choose_model, [token, gallery], shown, **quiet),
            own.upload(open_model, [token, own], shown, **quiet),
            follow.click(take_run, token, shown, **quiet),
        ]
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab("Explore"):
                explore.build(workbench, token, chosen, link)
            with gr.Tab("Synthesise") as synthesis:
                synthesise.build(workbench, token, chosen, synthesis)
            with gr.Tab("Inference") as inference:
                infer.build(workbench, token, chosen, inference)
            with gr.Tab("Repair"):
                repair.build(workbench, token, greeted, chosen[0], train.cards_of(workbench))
            with gr.Tab("Train"):
                train.build(workbench, token, greeted)
    return page


def _name(model: Model | None) -> str:
    """By which the gallery knows a model; empty for one that is not of the gallery."""
    return model.name if model is not None and model.origin == "shipped" else ""


def _greet(token: object) -> str:
    """A visitor keeps the token that the browser remembers; a new one gets a new token."""
    return str(token) if is_token(token) else new_token()
