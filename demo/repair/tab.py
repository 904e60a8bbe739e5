"""The Repair tab: learn from what was never seen whole; repair a picture with the current model."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import gradio as gr
from gradio.events import Dependency

from demo import media
from demo.errors import Rejected
from demo.models.cards import Card
from demo.repair.layout import WHERE, Learning, Mending, lay_out
from demo.repair.requests import (
    DataPick,
    DegradationChoice,
    FrameRequest,
    LearningRequest,
    PaintedPicture,
)
from demo.repair.service import Repairs
from demo.server.orders import handler
from demo.server.turns import Lanes
from demo.widgets.shared import (
    QUIET,
    HoldRequest,
    Upload,
    Visitor,
    buttons_script,
    hand_over_script,
    parse_choice,
    refusal_answer,
    render_refusal,
)

BOXES = [(80, 176, 80, 176), (0, 256, 128, 256)]  # top, bottom, left, right, of the last of WHERE
# Whose picture shall be opened before the first click: of nobody, where one was or the tab is not
# seen, or there is no model yet.
UNOPENED = """(token) => {
    const button = document.querySelector("#abp-example");
    if (!button?.offsetParent || button.disabled || button.dataset.opened) return "";
    button.dataset.opened = "1";
    return token;
}"""
# There is a model now to ask.
WAKE = "() => [1, 2].map(() => ({ __type__: 'update', interactive: true }))"


def build(
    repairs: Repairs,
    lanes: Lanes,
    token: gr.Textbox,
    arrived: Dependency,
    live: gr.HTML,
    cards: list[Card],
    tab: gr.Tab,
) -> None:
    """token: the visitor's. arrived: the event after which there is a current model. live: what
    changes whenever buttons shall stand otherwise. cards: of the pack. tab: the one that this is
    in; when it is first seen, a picture is opened."""

    @handler(FrameRequest, lanes.quick, refusal_answer)
    def frame(sent: FrameRequest) -> dict[str, str]:
        return {"picture": repairs.runs.frame(sent.token, sent.iteration, "repair")}

    learning, mending = lay_out(cards, frame)
    _wire_data(repairs, lanes, token, learning)
    _wire_run(repairs, lanes, token, learning)
    _wire_mending(repairs, lanes, token, mending)
    orders = [learning.begin, learning.pause, learning.stop, learning.take]
    for event in (live.stand, learning.minutes.change):
        event(None, [live, learning.minutes], orders, js=buttons_script("repair", len(orders)))
    awake = arrived.then(None, None, [mending.example, mending.mend], js=WAKE)

    @handler(Visitor, lanes.heavy, lambda _: gr.skip())
    def open_first(sent: Visitor) -> Any:
        return media.on_canvas(repairs.example(sent.token))

    for event in (awake.then, tab.select):
        event(open_first, token, mending.painting, js=UNOPENED, **QUIET)


def _wire_data(repairs: Repairs, lanes: Lanes, token: gr.Textbox, ui: Learning) -> None:
    """What is to be learnt from, and what is taken away of it."""

    skipped = [gr.skip()] * len(ui.taken)

    def lists(kind: str) -> list[Any]:
        """Of what may be taken away, that of a kind of data is seen."""
        seen = {"sound": 1, "film": 2}.get(kind, 0)
        return [gr.update(visible=k == seen) for k in range(len(ui.taken))]

    @handler(DataPick, lanes.quick, lambda _: (gr.skip(), *skipped))
    def choose_data(sent: DataPick) -> tuple[Any, ...]:
        return None, *lists(parse_choice(sent.choice)[0])

    @handler(Upload, lanes.heavy, lambda sentence: (render_refusal(sentence), gr.skip(), *skipped))
    def recognise_data(sent: Upload) -> tuple[Any, ...]:
        kind = repairs.kind(sent.token, sent.path)
        return "", {"kind": kind, "item": ""}, *lists(kind)

    @handler(DegradationChoice, lanes.heavy, lambda _: (gr.skip(), gr.skip(), gr.skip()))
    def show_more(sent: DegradationChoice) -> tuple[Any, ...]:
        """What a way of taking away needs beside it."""
        painted = sent.taken == "painted"
        value: Any = gr.skip()
        if painted:
            try:
                picture = repairs.canvas(sent.token, parse_choice(sent.choice)[1], sent.upload)
                value = gr.skip() if picture is None else media.on_canvas(picture)
            except Rejected:
                value = gr.skip()  # said when the button is pressed
        return gr.update(visible=sent.taken == "projections"), gr.update(visible=painted), value

    more = [ui.k, ui.painting, ui.editor]
    data = [token, ui.picker, ui.upload, *ui.taken]
    ui.picker.pick(choose_data, [token, ui.picker], [ui.upload, *ui.taken], **QUIET).then(
        show_more, data, more, **QUIET
    )
    # What is chosen while an answer is under way counts when it has come.
    last: dict[str, Any] = {"trigger_mode": "always_last", **QUIET}
    for choice in ui.taken:
        choice.input(show_more, data, more, **last)
    brought = [ui.notice, ui.picker, *ui.taken]
    ui.upload.upload(recognise_data, [token, ui.upload], brought, **QUIET).then(
        show_more, data, more, **QUIET
    )


def _wire_run(repairs: Repairs, lanes: Lanes, token: gr.Textbox, ui: Learning) -> None:
    """Begin, hold, stop."""

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
        repairs.runs.hold(sent.token, sent.label, sent.minutes, "repair")
        return ""

    @handler(Visitor, lanes.quick, render_refusal)
    def halt_repair(sent: Visitor) -> str:
        repairs.runs.stop(sent.token, "repair")
        return ""

    @handler(Visitor, lanes.heavy, lambda sentence: (gr.skip(), render_refusal(sentence)))
    def take_film(sent: Visitor) -> tuple[Any, str]:
        return repairs.take_film(sent.token), ""

    ui.take.click(take_film, token, [ui.file, ui.notice], concurrency_limit=None).success(
        None, js=hand_over_script("abp-repair-file")
    )
    asked = [ui.picker, ui.upload, *ui.taken, ui.k, ui.editor, ui.style, ui.minutes]
    ui.begin.click(learn, [token, *asked], ui.notice, **QUIET)
    ui.pause.click(hold_repair, [token, ui.pause, ui.minutes], ui.notice, **QUIET)
    ui.stop.click(halt_repair, token, ui.notice, **QUIET)


def _wire_mending(repairs: Repairs, lanes: Lanes, token: gr.Textbox, ui: Mending) -> None:
    """Open a picture, repair it, take the answers home."""

    @handler(Upload, lanes.heavy, lambda sentence: (gr.skip(), render_refusal(sentence)))
    def open_picture(sent: Upload) -> tuple[Any, str]:
        picture = repairs.canvas(sent.token, "", sent.path)
        if picture is None:
            return gr.skip(), render_refusal("Please choose a picture.")
        return media.on_canvas(picture), ""

    @handler(Visitor, lanes.heavy, lambda sentence: (gr.skip(), render_refusal(sentence)))
    def open_example(sent: Visitor) -> tuple[Any, str]:
        return media.on_canvas(repairs.example(sent.token)), ""

    @handler(
        PaintedPicture,
        lanes.heavy,
        lambda sentence: (gr.skip(), render_refusal(sentence), gr.skip()),
    )
    def repair(sent: PaintedPicture) -> Iterator[tuple[Any, ...]]:
        picture, painted = media.painted_on(sent.drawn)
        if sent.where in WHERE[1:]:
            painted = media.box(media.CANVAS, BOXES[WHERE.index(sent.where) - 1])
        for made in repairs.repair(sent.token, picture, painted):
            if made.file:
                yield gr.skip(), "", gr.update(value=made.file, interactive=True)
            else:
                yield asdict(made), "", gr.skip()

    opened = [ui.painting, ui.notice]
    ui.own.upload(open_picture, [token, ui.own], opened, **QUIET)
    ui.example.click(open_example, token, opened, **QUIET)
    answers = [ui.repaired, ui.notice, ui.take]
    ui.mend.click(repair, [token, ui.painting, ui.where], answers, **QUIET)
