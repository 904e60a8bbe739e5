"""The Repair tab: learn from what was never seen whole; repair a picture with the current model."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo import limits, media
from demo.canvas import canvas
from demo.live import NOTHING
from demo.orders import handler
from demo.served import asset
from demo.tabs import run_controls
from demo.tabs.run_controls import (
    HoldRequest,
    Visitor,
    buttons_script,
    parse_choice,
    render_refusal,
)
from demo.turns import Lanes
from demo.widgets import widget
from demo.workbench import STYLES, Rejected, RepairResult, Workbench, list_degradations

FORMULA = (Path(__file__).parent / "repair.html").read_text(encoding="utf-8")
FIRST = {"kind": "objects", "item": "toon_faces_64"}
FILE_TYPES = [".png", ".jpg", ".jpeg", ".webp", ".wav", ".flac", ".ogg", ".mp3", ".zip", ".npz"]
TITLE = ["Recovery error", "over the hidden part only, a share of the range"]
WHERE = ["what I painted", "the middle", "the right half"]
BOXES = [(80, 176, 80, 176), (0, 256, 128, 256)]  # of the last two: top, bottom, left, right
# There is a model now to ask.
WAKE = "() => [1, 2].map(() => ({ __type__: 'update', interactive: true }))"
UNREPAIRED = asdict(RepairResult(progress=0.0, sentence=""))


@dataclass(frozen=True, slots=True)
class DataPick:
    """Something of the pack."""

    token: str
    choice: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DegradationChoice:
    """What shall be taken away, of something of the pack or of an upload."""

    token: str
    choice: dict[str, Any] = field(default_factory=dict)
    upload: str = ""
    of_pictures: str = ""
    of_sounds: str = ""

    @property
    def taken(self) -> str:
        """What the kind of the data lets one choose."""
        return self.of_sounds if parse_choice(self.choice)[0] == "sound" else self.of_pictures


@dataclass(frozen=True, slots=True)
class LearningRequest(DegradationChoice):
    """Everything that learning from the rest is asked for with."""

    k: float = 0.0
    painted: dict[str, Any] = field(default_factory=dict)
    style: str = ""
    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class PictureUpload:
    """A picture of the visitor's."""

    token: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class PaintedPicture:
    """A picture that was painted over, and where to repair it."""

    token: str
    drawn: dict[str, Any] = field(default_factory=dict)
    where: str = ""


def build(
    workbench: Workbench,
    lanes: Lanes,
    token: gr.BrowserState,
    arrived: Dependency,
    live: gr.HTML,
    cards: list[dict[str, Any]],
) -> None:
    """token: the visitor's. arrived: the event after which there is a current model. live: what
    changes whenever buttons shall stand otherwise. cards: of the pack."""
    repairs = workbench.repairs
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            picker = widget("picker", FIRST, cards=cards, elem_id="abp-repair-picker")
            upload = gr.File(
                label="Or a picture, a sound, or a zip of aligned pictures of yours",
                file_types=FILE_TYPES,
                type="filepath",
                height=164,
                elem_id="abp-repair-upload",
            )
            # Two lists, since one whose choices follow the data refuses what a page asks with that
            # has not heard of the new ones.
            with gr.Group(elem_id="abp-taken"):
                taken = [
                    gr.Dropdown(
                        list_degradations(kind), value=first, label="Take away", visible=shown
                    )
                    for kind, first, shown in (
                        ("objects", "scattered-70", True),
                        ("sound", "stretch-20", False),
                    )
                ]
            k = gr.Number(1000, label="K, the number of projections", precision=0, visible=False)
            with gr.Column(visible=False) as painting:
                editor = canvas("abp-repair-editor", "Paint over what to hide")
            style = gr.Radio(STYLES[:2], value=STYLES[1], label="Settings")
            minutes = gr.Slider(
                1, limits.MINUTES[1], value=limits.DEFAULT_MINUTES, step=1, label="Minutes"
            )
        with gr.Column(scale=9, min_width=320):
            with gr.Row(elem_id="abp-repair-orders"):
                begin = gr.Button(
                    "Learn from the rest",
                    variant="primary",
                    interactive=False,
                    elem_id="abp-repair-begin",
                )
                pause = gr.Button("Pause", interactive=False, elem_id="abp-repair-pause")
                stop = gr.Button("Stop", interactive=False, elem_id="abp-repair-stop")
            notice = gr.HTML("", elem_id="abp-repair-notice")
            widget("stage", _welcome(), elem_id="abp-repair-stage", task="repair")
            drawn = {**NOTHING, "title": TITLE}
            widget("curves", drawn, elem_id="abp-repair-curves", task="repair")
    gr.HTML("<h2>Repair one picture with the current model</h2>", elem_classes="abp-heading")
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            painting_over = canvas("abp-canvas", "Paint over a picture")
            with gr.Row():
                own = gr.UploadButton(
                    "Open a picture", file_types=FILE_TYPES[:4], size="sm", elem_id="abp-own"
                )
                example = gr.Button(
                    "Take a training example", size="sm", interactive=False, elem_id="abp-example"
                )
            where = gr.Radio(WHERE, value=WHERE[0], label="Repair")
            mend = gr.Button("Repair", variant="primary", interactive=False, elem_id="abp-mend")
            take = gr.DownloadButton("Take the answers home", size="sm", interactive=False)
        with gr.Column(scale=9, min_width=320):
            mended_notice = gr.HTML("", elem_id="abp-mend-notice")
            repaired = widget("repaired", UNREPAIRED, elem_id="abp-repaired")
    with gr.Accordion("What happens here?", open=False):
        gr.HTML(FORMULA, elem_classes="abp-formula")

    @handler(DataPick, lanes.quick, lambda _: (gr.skip(), gr.skip(), gr.skip()))
    def choose_data(sent: DataPick) -> tuple[Any, ...]:
        sound = parse_choice(sent.choice)[0] == "sound"
        return None, gr.update(visible=not sound), gr.update(visible=sound)

    @handler(DegradationChoice, lanes.heavy, lambda _: (gr.skip(), gr.skip(), gr.skip()))
    def show_more(sent: DegradationChoice) -> tuple[Any, ...]:
        """What a way of taking away needs beside it."""
        painted = sent.taken == "painted"
        value: Any = gr.skip()
        if painted:
            try:
                picture = repairs.canvas(parse_choice(sent.choice)[1], sent.upload)
                value = gr.skip() if picture is None else media.on_canvas(picture)
            except Rejected:
                value = gr.skip()  # said when the button is pressed
        return gr.update(visible=sent.taken == "projections"), gr.update(visible=painted), value

    @handler(LearningRequest, lanes.heavy, render_refusal)
    def learn(sent: LearningRequest) -> str:
        repairs.start(
            sent.token,
            item=parse_choice(sent.choice)[1],
            upload=sent.upload,
            style=sent.style,
            what=sent.taken,
            k=sent.k,
            painted=media.painted_on(sent.painted)[1] if sent.taken == "painted" else None,
            minutes=sent.minutes,
        )
        return ""

    @handler(HoldRequest, lanes.quick, render_refusal)
    def hold_repair(sent: HoldRequest) -> str:
        run_controls.hold(workbench, sent.token, sent.label, sent.minutes)
        return ""

    @handler(Visitor, lanes.quick, render_refusal)
    def halt_repair(sent: Visitor) -> str:
        workbench.stop(sent.token)
        return ""

    @handler(PictureUpload, lanes.heavy, lambda sentence: (gr.skip(), render_refusal(sentence)))
    def open_picture(sent: PictureUpload) -> tuple[Any, str]:
        picture = repairs.canvas("", sent.path)
        if picture is None:
            return gr.skip(), render_refusal("Please choose a picture.")
        return media.on_canvas(picture), ""

    @handler(Visitor, lanes.heavy, lambda sentence: (gr.skip(), render_refusal(sentence)))
    def open_example(sent: Visitor) -> tuple[Any, str]:
        return media.on_canvas(workbench.example(sent.token)), ""

    @handler(
        PaintedPicture,
        lanes.heavy,
        lambda sentence: (gr.skip(), render_refusal(sentence), gr.skip()),
    )
    def repair(sent: PaintedPicture) -> Iterator[tuple[Any, ...]]:
        picture, painted = media.painted_on(sent.drawn)
        if sent.where in WHERE[1:]:
            painted = media.box(media.CANVAS, BOXES[WHERE.index(sent.where) - 1])
        for made in workbench.repair(sent.token, picture, painted):
            if made.file:
                yield gr.skip(), "", gr.update(value=made.file, interactive=True)
            else:
                yield asdict(made), "", gr.skip()

    quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}
    more = [k, painting, editor]
    data = [token, picker, upload, *taken]
    picker.change(choose_data, [token, picker], [upload, *taken], **quiet).then(
        show_more, data, more, **quiet
    )
    # What is chosen while an answer is under way counts when it has come.
    last: dict[str, Any] = {"trigger_mode": "always_last", **quiet}
    for choice in taken:
        choice.input(show_more, data, more, **last)
    upload.upload(show_more, data, more, **quiet)
    begin.click(learn, [*data, k, editor, style, minutes], notice, **quiet)
    pause.click(hold_repair, [token, pause, minutes], notice, **quiet)
    stop.click(halt_repair, token, notice, **quiet)
    live.stand(None, live, [begin, pause, stop], js=buttons_script("repair"))
    arrived.then(None, None, [example, mend], js=WAKE)
    own.upload(open_picture, [token, own], [painting_over, mended_notice], **quiet)
    example.click(open_example, token, [painting_over, mended_notice], **quiet)
    mend.click(repair, [token, painting_over, where], [repaired, mended_notice, take], **quiet)


def _welcome() -> dict[str, Any]:
    """What was learnt before, shown until there is a run."""
    captions = ("Seen", "Recovered", "The truth, never shown", "Where chains differ", "New")
    return {
        "phase": "idle",
        "headline": "Take something away, press Learn from the rest, and see it come back",
        "detail": "Here is what two minutes did before",
        "progress": 0,
        "kind": "objects",
        "panels": [
            {"caption": caption, "picture": asset(f"repair-{k}.jpg")}
            for k, caption in enumerate(captions)
        ],
    }
