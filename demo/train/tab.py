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
from demo.train.layout import AS_FILM, AS_SET, Choices, Controls, lay_out
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
# The numbered pictures of before are gone, and with them the choice.
AS_NOTHING = gr.update(value=AS_SET, visible=False)
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
    preset = [ui.style, ui.film_style, *ui.knobs, method]
    skipped = [gr.skip()] * len(preset)

    def styles(kind: str, sentence: str) -> list[Any]:
        """The settings of a kind of data are seen, with a sentence about the one that is chosen."""
        films = kind == "film"
        told = [gr.update(visible=False), gr.update(info=sentence, visible=True)]
        return told if films else told[::-1]

    def described(kind: str, style: str, film_style: str) -> tuple[Any, ...]:
        """The preset's own values, shown where the visitor has set nothing."""
        chosen = film_style if kind == "film" else style
        try:
            sentence, values = describe_preset(kind, chosen)
        except Rejected as refusal:
            return *styles(kind, str(refusal)), *unset
        own = [gr.update(value="", placeholder=f"{value:g}") for value in astuple(values)]
        return *styles(kind, sentence), *own, describe_method(kind, chosen)

    @handler(
        PresetPick,
        lanes.quick,
        lambda sentence: (*[gr.skip()] * 3, render_refusal(sentence), gr.skip(), *skipped),
    )
    def choose(sent: PresetPick) -> tuple[Any, ...]:
        """Something of the pack was picked: it takes the place of whatever was uploaded."""
        chosen, _ = parse_choice(sent.choice)
        shown = described(chosen, sent.style, sent.film_style)
        return chosen, None, None, "", AS_NOTHING, *shown

    @handler(PresetQuery, lanes.quick, lambda sentence: (*styles("", sentence), *unset))
    def describe(sent: PresetQuery) -> tuple[Any, ...]:
        return described(sent.kind, sent.style, sent.film_style)

    def looked_at(sent: DataUpload, learn_as: Any, *, film: bool) -> tuple[Any, ...]:
        kind, sentence, picture = training.inspect(sent.path, film=film)
        words = render_notice(f"{sentence} Press Train to learn it.", picture=picture)
        # Nothing of the pack is chosen any more.
        nothing = {"kind": kind, "item": ""}
        return words, learn_as, kind, nothing, *described(kind, sent.style, sent.film_style)

    def not_read(sentence: str) -> tuple[Any, ...]:
        return render_refusal(sentence), AS_NOTHING, gr.skip(), gr.skip(), *skipped

    @handler(DataUpload, lanes.heavy, not_read)
    def inspect(sent: DataUpload) -> tuple[Any, ...]:
        if not sent.path:
            return "", AS_NOTHING, gr.skip(), gr.skip(), *skipped
        film = training.may_be_film(sent.path)
        learn_as = gr.update(value=AS_FILM, visible=True) if film else AS_NOTHING
        return looked_at(sent, learn_as, film=film)

    def not_as_that(sentence: str) -> tuple[Any, ...]:
        return render_refusal(sentence), *[gr.skip()] * 3, *skipped

    @handler(DataUpload, lanes.heavy, not_as_that)
    def take_as(sent: DataUpload) -> tuple[Any, ...]:
        return looked_at(sent, gr.skip(), film=sent.learn_as == AS_FILM)

    @handler(DataUpload, lanes.heavy, render_refusal)
    def recognise(sent: DataUpload) -> str:
        return render_notice(training.inspect_checkpoint(sent.path)) if sent.path else ""

    ways = [ui.style, ui.film_style]
    ui.picker.pick(
        choose,
        [token, ui.picker, *ways],
        [ui.kind, ui.upload, ui.checkpoint, notice, ui.learn_as, *preset],
        **QUIET,
    )
    last: dict[str, Any] = {"trigger_mode": "always_last", **QUIET}
    for way in ways:
        way.input(describe, [token, ui.kind, *ways], preset, **last)
    brought, shown = [token, ui.upload, *ways], [notice, ui.learn_as, ui.kind, ui.picker, *preset]
    ui.upload.change(inspect, brought, shown, **QUIET)
    ui.learn_as.input(take_as, [*brought, ui.learn_as], shown, **last)
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
                film_style=sent.film_style,
                film=sent.learn_as == AS_FILM,
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
    asked = [ui.picker, ui.upload, ui.checkpoint, ui.learn_as, ui.style, ui.film_style]
    asked += [ui.minutes, *ui.knobs]
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
