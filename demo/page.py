"""The page: title, the trained models, and the tabs that act on the current one."""

import html
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from demo import limits
from demo.jobs import AT_WORK
from demo.orders import handler
from demo.served import url
from demo.sessions import is_token, new_token
from demo.tabs import explore, infer, repair, synthesise, train
from demo.tabs.run_controls import Visitor
from demo.turns import Lanes
from demo.widgets import widget
from demo.workbench import Model, Workbench

TITLE = """<h1>ABP Studio</h1>
<p>A generator network learnt by alternating back-propagation
(<a href="https://arxiv.org/abs/1606.08571" target="_blank" rel="noopener">Han, Lu, Zhu, Wu</a>):
choose a trained one and move through what it learnt, or watch it learn something of yours.</p>"""
NO_MODEL = '<div class="bar"><span>Current model: none yet</span></div>'
KINDS = {"texture": "texture", "sound": "sound", "objects": "picture set"}
ORIGINS = {"shipped": "", "file": ", from your file", "run": ", your run"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A page that opens; link: to a model."""

    token: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class GalleryPick:
    """A card of the gallery."""

    token: str
    gallery: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelUpload:
    """A model file of the visitor's."""

    token: str
    path: str = ""


def build(workbench: Workbench, lanes: Lanes) -> gr.Blocks:
    """The studio's page, ready to be launched."""
    with gr.Blocks(title="ABP Studio", analytics_enabled=False) as page:
        gr.HTML(TITLE, elem_id="abp-title")
        token = gr.BrowserState("", storage_key="abp-studio-visitor", secret="abp-studio")
        link = gr.Textbox("", visible=False)
        pace = 1 / limits.VIEWS_PER_SECOND
        live = widget("live", {"token": "", "buttons": None}, working=AT_WORK, pace=pace)
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

        def shown(model: Model) -> tuple[str, dict[str, Any]]:
            """What the page says of a model that was chosen."""
            about = f"{KINDS[model.kind]}{ORIGINS[model.origin]}, iteration {model.saved.iteration}"
            bar = f"Current model: <b>{html.escape(model.label)}</b>, {about}"
            return (
                f'<div class="bar" role="status"><span>{bar}</span></div>',
                {"name": _name(model), "ready": True},
            )

        def stays(sentence: str) -> tuple[str, Any]:
            """Why the model before stays. What the visitor picked is marked no longer."""
            words = html.escape(sentence)
            bar = f'<div class="bar refusal" role="alert"><span>{words}</span></div>'
            return bar, {"name": None, "ready": True}

        @handler(Arrival, lanes.quick, stays)
        def enter(sent: Arrival) -> tuple[str, Any]:
            return shown(workbench.arrive(sent.token, sent.link))

        @handler(GalleryPick, lanes.quick, stays)
        def choose_model(sent: GalleryPick) -> tuple[str, Any]:
            return shown(workbench.choose(sent.token, str(sent.gallery.get("name", ""))))

        @handler(ModelUpload, lanes.heavy, stays)
        def open_model(sent: ModelUpload) -> tuple[str, Any]:
            return shown(workbench.open_model(sent.token, sent.path))

        @handler(Visitor, lanes.heavy, stays)
        def take_run(sent: Visitor) -> tuple[str, Any]:
            return shown(workbench.follow(sent.token))

        async def arrive(token: object, request: gr.Request) -> tuple[Any, ...]:
            asked = request.query_params
            bar, gallery = await enter(token, asked.get("model", ""))
            usable = gr.update(interactive=True)  # the page knows now whose orders they are
            here = {"token": token, "buttons": None}
            return bar, gallery, asked.get("point", ""), here, usable, usable

        greeted = page.load(_greet, token, token, show_progress="hidden", queue=False)
        model_shown = [model_bar, gallery]
        quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}
        arriving = [*model_shown, link, live, follow, own]
        chosen = [
            greeted.then(arrive, token, arriving, **quiet),
            gallery.pick(
                choose_model,
                [token, gallery],
                model_shown,
                trigger_mode="always_last",  # of many picks the last one counts
                **quiet,
            ),
            own.upload(open_model, [token, own], model_shown, **quiet),
            follow.click(take_run, token, model_shown, **quiet),
        ]
        # The studio does not know this visit any more.
        live.lost(arrive, token, arriving, **quiet)
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab("Explore"):
                explore.build(workbench, lanes, token, chosen, link)
            with gr.Tab("Synthesise") as synthesis:
                synthesise.build(workbench, lanes, token, chosen, synthesis)
            with gr.Tab("Inference") as inference:
                infer.build(workbench, lanes, token, chosen, inference)
            with gr.Tab("Repair"):
                repair.build(workbench, lanes, token, chosen[0], live, train.cards_of(workbench))
            with gr.Tab("Train"):
                train.build(workbench, lanes, token, live)
    for event in page.fns.values():
        event.api_visibility = "private"  # they are for this page, and change with it
    built: gr.Blocks = page
    return built


def _name(model: Model | None) -> str:
    """By which the gallery knows a model; empty for one that is not of the gallery."""
    return model.name if model is not None and model.origin == "shipped" else ""


async def _greet(token: object) -> str:
    """A visitor keeps the token that the browser remembers; a new one gets a new token."""
    return str(token) if is_token(token) else new_token()
