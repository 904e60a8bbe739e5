"""The Train tab: choose, press Train, watch, stop, take it home."""

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from demo.errors import Rejected
from demo.models.cards import Card
from demo.runs.settings import describe_method, describe_preset
from demo.server.orders import handler
from demo.server.turns import Lanes
from demo.train.layout import Choices, Controls, lay_out
from demo.train.requests import DataUpload, PresetPick, PresetQuery, TrainingRequest
from demo.train.service import Training
from demo.widgets.shared import (
    QUIET,
    HoldRequest,
    Visitor,
    buttons_script,
    hand_over_script,
    parse_choice,
    render_notice,
    render_refusal,
)

BOTH = "both"  # of the ways in which the Synthesise tab lets a texture continue itself
# The function alone, as the framework wants it.
ONWARD = (Path(__file__).parent / "onward.js").read_text(encoding="utf-8").partition("*/")[2]
ONWARD = ONWARD.strip().removesuffix(";")
CONTINUED = f"""(label) => label === "Make a tile" ? {BOTH!r}
    : {{ __type__: "update" }}"""


def build(
    training: Training,
    lanes: Lanes,
    token: gr.Textbox,
    live: gr.HTML,
    cards: list[Card],
    tile: Component,
) -> None:
    """token: the visitor's. live: what changes whenever buttons shall stand otherwise. cards: of
    the pack. tile: where the Synthesise tab is told which way a texture shall continue itself."""
    choices, controls = lay_out(cards)
    _wire_choices(training, lanes, token, choices, controls.notice, controls.method)
    _wire_run(training, lanes, token, choices, controls)
    _wire_downloads(training, lanes, token, controls)
    buttons = [
        *(controls.train, controls.pause, controls.stop),
        *(controls.take_model, controls.take_samples, controls.shorter, *controls.onward),
    ]
    for event in (live.stand, choices.minutes.change):
        event(None, [live, choices.minutes], buttons, js=buttons_script("learn", len(buttons)))
    _, second, _ = controls.onward
    second.click(None, second, tile, js=CONTINUED)
    for button in controls.onward:
        button.click(None, button, None, js=ONWARD)


def _wire_choices(
    training: Training,
    lanes: Lanes,
    token: gr.Textbox,
    ui: Choices,
    notice: gr.HTML,
    method: gr.HTML,
) -> None:
    """What is to be learnt, and how. method: where what the preset does is told."""
    unset = [gr.skip()] * (len(ui.knobs) + 1)
    unchanged = [gr.skip()] * (len(ui.knobs) + 4)

    def described(kind: str, style: str) -> tuple[Any, ...]:
        """The preset's own values, shown where the visitor has set nothing."""
        try:
            sentence, values = describe_preset(kind, style)
        except Rejected as refusal:
            return gr.update(info=str(refusal)), *unset
        own = [gr.update(value="", placeholder=f"{value:g}") for value in astuple(values)]
        return gr.update(info=sentence), *own, describe_method(kind, style)

    @handler(
        PresetPick,
        lanes.quick,
        lambda sentence: (*[gr.skip()] * 3, render_refusal(sentence), gr.skip(), *unset),
    )
    def choose(sent: PresetPick) -> tuple[Any, ...]:
        """Something of the pack was picked: it takes the place of whatever was uploaded."""
        chosen, _ = parse_choice(sent.choice)
        return chosen, None, None, "", *described(chosen, sent.style)

    @handler(PresetQuery, lanes.quick, lambda sentence: (gr.update(info=sentence), *unset))
    def describe(sent: PresetQuery) -> tuple[Any, ...]:
        return described(sent.kind, sent.style)

    @handler(DataUpload, lanes.heavy, lambda sentence: (render_refusal(sentence), *unchanged))
    def inspect(sent: DataUpload) -> tuple[Any, ...]:
        if not sent.path:
            return "", *unchanged
        kind, sentence, picture = training.inspect(sent.path)
        words = render_notice(f"{sentence} Press Train to learn it.", picture=picture)
        # Nothing of the pack is chosen any more.
        return words, kind, {"kind": kind, "item": ""}, *described(kind, sent.style)

    @handler(DataUpload, lanes.heavy, render_refusal)
    def recognise(sent: DataUpload) -> str:
        return render_notice(training.inspect_checkpoint(sent.path)) if sent.path else ""

    preset = [ui.style, *ui.knobs, method]
    ui.picker.pick(
        choose,
        [token, ui.picker, ui.style],
        [ui.kind, ui.upload, ui.checkpoint, notice, *preset],
        **QUIET,
    )
    last: dict[str, Any] = {"trigger_mode": "always_last", **QUIET}
    ui.style.input(describe, [token, ui.kind, ui.style], preset, **last)
    uploaded = [token, ui.upload, ui.style]
    ui.upload.change(inspect, uploaded, [notice, ui.kind, ui.picker, *preset], **QUIET)
    ui.checkpoint.change(recognise, [token, ui.checkpoint], notice, **QUIET)


def _wire_run(
    training: Training, lanes: Lanes, token: gr.Textbox, ui: Choices, controls: Controls
) -> None:
    """Begin, hold, stop, go on with a shorter step."""

    @handler(TrainingRequest, lanes.heavy, render_refusal)
    def begin(sent: TrainingRequest) -> str:
        if sent.checkpoint:
            training.continue_from(
                sent.token, sent.checkpoint, upload=sent.upload, minutes=sent.minutes
            )
        else:
            training.start(
                sent.token,
                item=parse_choice(sent.choice)[1],
                upload=sent.upload,
                style=sent.style,
                settings=sent.settings,
                minutes=sent.minutes,
            )
        return ""

    @handler(HoldRequest, lanes.quick, render_refusal)
    def hold(sent: HoldRequest) -> str:
        training.runs.hold(sent.token, sent.label, sent.minutes)
        return ""

    @handler(Visitor, lanes.quick, render_refusal)
    def halt(sent: Visitor) -> str:
        training.runs.stop(sent.token)
        return ""

    @handler(HoldRequest, lanes.quick, render_refusal)
    def shorten(sent: HoldRequest) -> str:
        training.runs.go_on(sent.token, sent.minutes, step_factor=0.5)
        return ""

    notice = controls.notice
    asked = [ui.picker, ui.upload, ui.checkpoint, ui.style, ui.minutes, *ui.knobs]
    controls.train.click(begin, [token, *asked], notice, **QUIET)
    controls.pause.click(hold, [token, controls.pause, ui.minutes], notice, **QUIET)
    controls.stop.click(halt, token, notice, **QUIET)
    controls.shorter.click(shorten, [token, controls.shorter, ui.minutes], notice, **QUIET)


def _wire_downloads(
    training: Training, lanes: Lanes, token: gr.Textbox, controls: Controls
) -> None:
    """The model and samples, to take home."""

    def carrying(take: Callable[[str], str]) -> Callable[..., Any]:
        @handler(Visitor, lanes.heavy, lambda sentence: (gr.skip(), render_refusal(sentence)))
        def carry(sent: Visitor) -> tuple[Any, str]:
            return take(sent.token), ""

        return carry

    for button, take in (
        (controls.take_model, training.runs.take_model),
        (controls.take_samples, training.runs.take_samples),
    ):
        button.click(
            carrying(take), token, [controls.file, controls.notice], concurrency_limit=None
        ).success(None, js=hand_over_script("abp-file"))
