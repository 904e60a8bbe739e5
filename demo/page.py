"""The page: title, the trained models, and the tabs that act on the current one."""

import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo import limits
from demo.compare import tab as compare
from demo.compare.requests import Wanted
from demo.compare.service import Comparisons
from demo.explore import tab as explore
from demo.explore.service import Exploration
from demo.idea import tab as idea
from demo.infer import tab as infer
from demo.infer.service import Inference
from demo.lesson.steps import STEPS
from demo.models.collection import Model
from demo.repair import tab as repair
from demo.repair.service import Repairs
from demo.runs.report import (
    AT_WORK,
)
from demo.runs.sessions import is_token, new_token, page_token, word_of
from demo.server.orders import handler
from demo.server.served import url
from demo.server.turns import Lanes
from demo.studio import OWN, Studio
from demo.synthesise import tab as synthesise
from demo.synthesise.service import Synthesis
from demo.train import tab as train
from demo.train.service import Training
from demo.widgets import widget
from demo.widgets.shared import QUIET, Upload, Visitor

# Before the framework's own scripts.
STREAM = (Path(__file__).parent / "server" / "stream.js").read_text(encoding="utf-8")
HEAD = f"<script>{STREAM}</script>"
TITLE = """<a class="abp-skip" href="#abp-tabs">Skip to the tabs</a><h1>ABP Studio</h1>
<p>Move through what a generator network learnt by alternating back-propagation
(<a href="https://arxiv.org/abs/1606.08571" target="_blank" rel="noopener">paper</a>),
or watch it learn something of yours.</p>"""
STORED = "abp-studio-word"
NO_MODEL = '<div class="bar"><span>Current model: none yet</span></div>'
DENIED = "denied:"  # before the word, from a browser that remembers nothing for this page
FORGETFUL = """<div class="bar" role="status"><span>Your browser keeps nothing for this page, so
that what you do here lasts as long as the page stays open: take home what you want to keep.</span>
</div>"""
# Storage may be denied, in a private window or within another site: then asking for it throws.
REMEMBERED = f"""() => {{
    try {{ return localStorage.getItem({STORED!r}) || ""; }} catch {{ return {DENIED!r}; }}
}}"""
REMEMBER = f"""(word) => {{
    try {{ localStorage.setItem({STORED!r}, word); }} catch {{}}
}}"""
# As the address has them.
TABS = ["explore", "synthesise", "inference", "repair", "train", "compare", "idea"]
KINDS = {"texture": "texture", "sound": "sound", "objects": "picture set", "film": "film"}
ORIGINS = {"shipped": "", "file": "from your file, ", "run": "your run as of "}


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


def build(studio: Studio, lanes: Lanes) -> gr.Blocks:
    """The studio's page, ready to be launched."""
    with gr.Blocks(title="ABP Studio", analytics_enabled=False) as page:
        with gr.Row(elem_id="abp-head"):
            gr.HTML(TITLE, elem_id="abp-title")
            widget("lesson/lesson", None, steps=STEPS)
        token = gr.Textbox("", visible=False)  # of this page, for every order of it
        memory = gr.Textbox("", visible=False)  # the visitor's word, and whether it is remembered
        forgetful = gr.HTML(FORGETFUL, visible=False, elem_id="abp-forgetful")
        pace = 1 / limits.VIEWS_PER_SECOND
        live = widget("live", {"token": "", "buttons": None}, working=AT_WORK, pace=pace)
        ui = _lay_out(studio)
        greeted = page.load(
            _greet,
            memory,
            [token, memory, forgetful],
            show_progress="hidden",
            queue=False,
            js=REMEMBERED,
        )
        greeted.then(None, memory, None, js=REMEMBER)
        comparisons = Comparisons(studio)
        chosen = _wire(studio, comparisons, lanes, ui, greeted, token, live)
        data = studio.cards()
        with gr.Tabs(overflow_behavior="wrap", elem_id="abp-tabs"):
            with gr.Tab("Explore", id=TABS[0]):
                explore.build(Exploration(studio), lanes, token, chosen)
            with gr.Tab("Synthesise", id=TABS[1]) as synthesis:
                tile = synthesise.build(Synthesis(studio), lanes, token, chosen, synthesis)
            with gr.Tab("Inference", id=TABS[2]) as inference:
                infer.build(Inference(studio), lanes, token, chosen, inference)
            with gr.Tab("Repair", id=TABS[3], elem_id="abp-tab-repair") as repairing:
                repair.build(Repairs(studio), lanes, token, chosen[0], live, data, repairing)
            with gr.Tab("Train", id=TABS[4], elem_id="abp-tab-train"):
                train.build(Training(studio), lanes, token, live, data, tile)
            with gr.Tab("Compare", id=TABS[5], elem_id="abp-tab-compare"):
                compare.build(comparisons, lanes, token, live, data)
            with gr.Tab("The idea", id=TABS[6], elem_id="abp-tab-idea"):
                idea.build()
    for event in page.fns.values():
        event.api_visibility = "private"  # they are for this page, and change with it
    built: gr.Blocks = page
    return built


@dataclass(frozen=True, slots=True)
class CurrentModel:
    """What shows and changes the current model, above the tabs."""

    gallery: gr.HTML
    bar: gr.HTML
    follow: gr.Button
    own: gr.UploadButton


def _lay_out(studio: Studio) -> CurrentModel:
    cards = [
        {
            "kind": card.kind,
            "name": card.name,
            "label": card.label,
            "picture": url(card.picture),
            "sound": url(card.sound) if card.sound else "",
            "film": url(card.film) if card.film else "",
            "facts": card.facts,
        }
        for card in studio.gallery()
    ]
    gallery = widget("gallery", {"name": "", "ready": False}, cards=cards, own=OWN)
    with gr.Row(elem_id="abp-current"):
        bar = gr.HTML(NO_MODEL, elem_id="abp-model")
        follow = gr.Button(
            "Use the model I am training", size="sm", interactive=False, elem_id="abp-follow"
        )
        own = gr.UploadButton(
            "Open a model file",
            size="sm",
            interactive=False,
            elem_id="abp-open",
        )
        widget("share", None, tabs=TABS, own=OWN)
    return CurrentModel(gallery, bar, follow, own)


def _wire(
    studio: Studio,
    comparisons: Comparisons,
    lanes: Lanes,
    ui: CurrentModel,
    greeted: Dependency,
    token: gr.Textbox,
    live: gr.HTML,
) -> list[Dependency]:
    """The events after which another model is current; the first is the page's arrival."""

    @handler(Arrival, lanes.quick, _stays)
    def enter(sent: Arrival) -> tuple[str, Any]:
        model = studio.arrive(sent.token, sent.link)
        return _shown(model, studio.explain(model, sent.link))

    @handler(GalleryPick, lanes.quick, _stays)
    def choose_model(sent: GalleryPick) -> tuple[str, Any]:
        return _shown(studio.choose(sent.token, str(sent.gallery.get("name", ""))))

    @handler(Upload, lanes.heavy, _stays)
    def open_model(sent: Upload) -> tuple[str, Any]:
        return _shown(studio.open_model(sent.token, sent.path))

    @handler(Visitor, lanes.heavy, _stays)
    def take_run(sent: Visitor) -> tuple[str, Any]:
        return _shown(studio.follow(sent.token))

    @handler(Wanted, lanes.heavy, _stays)
    def use_compared(sent: Wanted) -> tuple[str, Any]:
        return _shown(comparisons.use(sent.token, sent.name))

    async def arrive(token: object, gallery: object, request: gr.Request) -> tuple[Any, ...]:
        """With the model that the page shows, if it comes back, else that of the link."""
        asked = request.query_params
        kept = gallery.get("name") if isinstance(gallery, dict) else ""
        named = ascii(asked.get("model", ""))[1:-1][: limits.NAME]  # anybody writes an address
        bar, gallery = await enter(token, kept or named)
        usable = gr.update(interactive=True)  # the page knows now whose orders they are
        here = {"token": token, "buttons": None}
        return bar, gallery, here, usable, usable

    shown = [ui.bar, ui.gallery]
    arriving = [*shown, live, ui.follow, ui.own]
    last: dict[str, Any] = {"trigger_mode": "always_last", **QUIET}  # of many picks the last counts
    chosen = [
        greeted.then(arrive, [token, ui.gallery], arriving, **QUIET),
        ui.gallery.pick(choose_model, [token, ui.gallery], shown, **last),
        ui.own.upload(open_model, [token, ui.own], shown, **QUIET),
        ui.follow.click(take_run, token, shown, **QUIET),
    ]
    chosen.append(live.learnt(take_run, token, shown, **QUIET))
    chosen.append(live.used(use_compared, [token, live], shown, **QUIET))
    # The studio does not know this visit any more.
    live.lost(arrive, [token, ui.gallery], arriving, **QUIET)
    return chosen


def _shown(model: Model, sentence: str = "") -> tuple[str, dict[str, Any]]:
    """What the page says of a model that was chosen; the gallery knows those of its own. sentence:
    what else is to be said."""
    # What a run has learnt since is told to the page by widgets/live.js.
    iteration = f'<span class="as-of" aria-live="off">{model.saved.iteration}</span>'
    about = f"{KINDS[model.kind]}, {ORIGINS[model.origin]}iteration {iteration}"
    bar = f"Current model: <b>{html.escape(model.label)}</b>, {about}"
    bar += f". {html.escape(sentence)}" if sentence else ""
    name = model.name if model.origin == "shipped" else ""
    return (
        f'<div class="bar" role="status" data-key="{html.escape(model.key)}">'
        f"<span>{bar}</span></div>",
        {"name": name, "ready": True},
    )


def _stays(sentence: str) -> tuple[str, Any]:
    """Why the model before stays. What the visitor picked is marked no longer."""
    words = html.escape(sentence)
    bar = f'<div class="bar refusal" role="alert"><span>{words}</span></div>'
    return bar, {"name": None, "ready": True}


async def _greet(memory: object) -> tuple[str, str, Any]:
    """A token for the page. The visitor keeps the word that the browser remembers, and a new one
    gets a new word; where nothing is remembered the page says so."""
    word = word_of(str(memory).removeprefix(DENIED))
    denied = str(memory).startswith(DENIED)
    token = page_token(word) if is_token(word) else new_token()
    return token, word_of(token), gr.update(visible=denied)
