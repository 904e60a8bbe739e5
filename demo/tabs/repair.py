"""The Repair tab: learn from what was never seen whole; repair a picture with the current model."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo import limits, media
from demo.sessions import Busy, LostPlace
from demo.tabs import running
from demo.tabs.running import (
    NOTHING,
    answered_by_notice,
    asset,
    curves_of,
    follow,
    notice_of,
    picked,
    stage_of,
)
from demo.widgets import widget
from demo.workbench import STYLES, Rejected, Repaired, Workbench, takings

FORMULA = (Path(__file__).parent / "repair.html").read_text()
FIRST = {"kind": "objects", "item": "toon_faces_64"}
FILE_TYPES = [".png", ".jpg", ".jpeg", ".webp", ".wav", ".flac", ".ogg", ".mp3", ".zip", ".npz"]
TITLE = ["Recovery error", "over the hidden part only, a share of the range"]
WHERE = ["what I painted", "the middle", "the right half"]
BOXES = [(80, 176, 80, 176), (0, 256, 128, 256)]  # of the last two: top, bottom, left, right
CANVAS = 256
UNREPAIRED = asdict(Repaired(progress=0.0, sentence=""))


def build(
    workbench: Workbench,
    token: gr.BrowserState,
    greeted: Dependency,
    arrived: Dependency,
    cards: list[dict[str, Any]],
) -> None:
    """token: the visitor's. greeted: the event after which it is known. arrived: the one after
    which there is a current model. cards: of the pack."""
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
            taken = gr.Dropdown(
                takings(FIRST["kind"]),
                value="scattered-70",
                label="Take away",
                elem_id="abp-taken",
            )
            k = gr.Number(1000, label="K, the number of projections", precision=0, visible=False)
            with gr.Column(visible=False) as painting:
                editor = _editor("abp-repair-editor", "Paint over what to hide")
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
            stage = widget("stage", _welcome(), elem_id="abp-repair-stage")
            curves = widget("curves", {**NOTHING, "title": TITLE}, elem_id="abp-repair-curves")
    gr.HTML("<h2>Repair one picture with the current model</h2>", elem_classes="abp-heading")
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            canvas = _editor("abp-canvas", "Paint over a picture")
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

    def choose_data(choice: object, taken: str) -> tuple[Any, ...]:
        return None, _taking(picked(choice)[0], taken)

    def show_more(taken: str, choice: object, upload: str | None) -> tuple[Any, ...]:
        """What a way of taking away needs beside it."""
        painted = taken == "painted"
        value: Any = gr.skip()
        if painted:
            try:
                picture = repairs.canvas(picked(choice)[1], upload or "")
                value = gr.skip() if picture is None else media.on_canvas(picture)
            except Rejected:
                value = gr.skip()  # said when the button is pressed
        return gr.update(visible=taken == "projections"), gr.update(visible=painted), value

    @answered_by_notice
    def learn(
        token: str,
        choice: object,
        upload: str | None,
        taken: str,
        k: float,
        painted: object,
        style: str,
        minutes: float,
    ) -> None:
        repairs.start(
            token,
            item=picked(choice)[1],
            upload=upload or "",
            style=style,
            what=taken,
            k=k,
            painted=media.painted_on(painted)[1] if taken == "painted" else None,
            minutes=minutes,
        )

    @answered_by_notice
    def hold_repair(token: str, label: str, minutes: float) -> None:
        running.hold(workbench, token, label, minutes)

    @answered_by_notice
    def halt_repair(token: str) -> None:
        workbench.stop(token)

    async def attach_repair(token: str) -> AsyncIterator[tuple[Any, ...]]:
        nothing = [gr.skip()] * 6
        yield (*nothing[:3], gr.update(interactive=True), *nothing[4:])
        phase = ""
        try:
            async for live in follow(workbench, token, "repair"):
                if live is None:
                    yield tuple(nothing)
                    continue
                buttons = (
                    running.orders_of(live.report) if live.report.phase != phase else nothing[3:]
                )
                phase = live.report.phase
                shown = stage_of(live, f"{live.name} from what is left")
                drawn = {**curves_of(live.report), "title": TITLE}
                yield (gr.skip(), shown, drawn, *buttons)
        except (Rejected, Busy, LostPlace) as refusal:
            yield (notice_of(str(refusal), refusal=True), *nothing[1:])

    def wake_repair() -> list[Any]:
        """There is a model now to ask."""
        return [gr.update(interactive=True)] * 2

    def open_picture(path: str) -> tuple[Any, str]:
        try:
            picture = repairs.canvas("", path)
        except Rejected as refusal:
            return gr.skip(), notice_of(str(refusal), refusal=True)
        if picture is None:
            return gr.skip(), notice_of("Please choose a picture.", refusal=True)
        return media.on_canvas(picture), ""

    def open_example(token: str) -> tuple[Any, str]:
        try:
            return media.on_canvas(workbench.example(token)), ""
        except Rejected as refusal:
            return gr.skip(), notice_of(str(refusal), refusal=True)

    def repair(token: str, drawn: object, where: str) -> Iterator[tuple[Any, ...]]:
        picture, painted = media.painted_on(drawn)
        if where in WHERE[1:]:
            painted = media.box(CANVAS, BOXES[WHERE.index(where) - 1])
        try:
            for made in workbench.repair(token, picture, painted):
                if made.file:
                    yield gr.skip(), "", gr.update(value=made.file, interactive=True)
                else:
                    yield asdict(made), "", gr.skip()
        except Rejected as refusal:
            yield gr.skip(), notice_of(str(refusal), refusal=True), gr.skip()

    quiet: dict[str, Any] = {"show_progress": "hidden"}
    picker.change(choose_data, [picker, taken], [upload, taken], queue=False, **quiet).then(
        show_more, [taken, picker, upload], [k, painting, editor], **quiet
    )
    taken.input(show_more, [taken, picker, upload], [k, painting, editor], **quiet)
    upload.upload(show_more, [taken, picker, upload], [k, painting, editor], **quiet)
    begin.click(
        learn,
        [token, picker, upload, taken, k, editor, style, minutes],
        notice,
        concurrency_limit=None,
        **quiet,
    )
    pause.click(hold_repair, [token, pause, minutes], notice, queue=False, **quiet)
    stop.click(halt_repair, token, notice, queue=False, **quiet)
    greeted.then(
        attach_repair,
        token,
        [notice, stage, curves, begin, pause, stop],
        concurrency_limit=None,
        **quiet,
    )
    arrived.then(wake_repair, None, [example, mend], queue=False, **quiet)
    own.upload(open_picture, own, [canvas, mended_notice], **quiet)
    example.click(open_example, token, [canvas, mended_notice], **quiet)
    mend.click(
        repair,
        [token, canvas, where],
        [repaired, mended_notice, take],
        concurrency_limit=4,
        **quiet,
    )


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


def _editor(name: str, label: str) -> gr.ImageEditor:
    """A canvas of one size with one brush; everything else of the editor is switched off."""
    return gr.ImageEditor(
        label=label,
        type="numpy",
        image_mode="RGBA",
        layers=False,
        transforms=(),
        sources=(),
        canvas_size=(CANVAS, CANVAS),
        fixed_canvas=True,
        brush=gr.Brush(colors=["#d946ef"], color_mode="fixed", default_size=24),
        eraser=gr.Eraser(default_size=24),
        buttons=[],
        height=380,
        elem_id=name,
    )


def _taking(kind: str, taken: str) -> Any:
    """The choice of what to take away, for another kind of data."""
    choices = takings(kind)
    names = [name for _, name in choices]
    return gr.update(choices=choices, value=taken if taken in names else names[0])
