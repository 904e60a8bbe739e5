"""The Compare tab: choose data and methods, press Compare, watch them side by side."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from demo.compare.layout import Comparing, lay_out
from demo.compare.requests import ComparisonRequest, DataBrought, Wanted
from demo.compare.service import Comparisons, list_methods
from demo.models.cards import Card
from demo.server.orders import handler
from demo.server.turns import Lanes
from demo.widgets.shared import (
    ASK_AT_ONCE,
    QUIET,
    HoldRequest,
    Visitor,
    buttons_script,
    hand_over_script,
    parse_choice,
    render_notice,
    render_refusal,
)

# Which methods can take the data is known by its kind, and told to the page alone: the value of
# their widget is the visitor's.
OF_THIS_KIND = """(picker) => {
    document.dispatchEvent(new CustomEvent("abp-kind", { detail: picker.kind }));
}"""


def build(
    comparisons: Comparisons, lanes: Lanes, token: gr.Textbox, live: gr.HTML, cards: list[Card]
) -> None:
    """token: the visitor's. live: what changes whenever buttons shall stand otherwise. cards: of
    the pack."""
    ui = lay_out(cards, list_methods())
    _wire_data(comparisons, lanes, token, ui)
    _wire_run(comparisons, lanes, token, ui)
    _wire_downloads(comparisons, lanes, token, ui)
    buttons = [ui.begin, ui.pause, ui.stop, ui.take_table, ui.take_sheet]
    for event in (live.stand, ui.minutes.change):
        event(None, [live, ui.minutes], buttons, js=buttons_script("compare", len(buttons)))


def _wire_data(comparisons: Comparisons, lanes: Lanes, token: gr.Textbox, ui: Comparing) -> None:
    """What they are to learn from."""

    @handler(Visitor, lanes.quick, lambda _: (gr.skip(), gr.skip()))
    def choose_compared(sent: Visitor) -> tuple[Any, str]:
        """Something of the pack takes the place of whatever was uploaded."""
        return None, ""

    @handler(DataBrought, lanes.heavy, lambda sentence: (render_refusal(sentence), gr.skip()))
    def inspect_compared(sent: DataBrought) -> tuple[Any, Any]:
        if not sent.path:
            return gr.skip(), gr.skip()
        kind, sentence = comparisons.inspect(sent.path)
        words = render_notice(f"{sentence} Press Compare to have it learnt.")
        return words, {"kind": kind, "item": ""}

    ui.picker.pick(None, ui.picker, None, js=OF_THIS_KIND)
    ui.picker.pick(choose_compared, token, [ui.upload, ui.notice], **QUIET)
    brought = ui.upload.change(
        inspect_compared, [token, ui.upload], [ui.notice, ui.picker], **QUIET
    )
    brought.then(None, ui.picker, None, js=OF_THIS_KIND)


def _wire_run(comparisons: Comparisons, lanes: Lanes, token: gr.Textbox, ui: Comparing) -> None:
    """Begin, hold, stop."""

    @handler(ComparisonRequest, lanes.heavy, render_refusal)
    def compare(sent: ComparisonRequest) -> str:
        comparisons.start(
            sent.token,
            item=parse_choice(sent.choice)[1],
            upload=sent.upload,
            names=sent.names,
            minutes=sent.minutes,
        )
        return ""

    @handler(HoldRequest, lanes.quick, render_refusal)
    def hold_comparison(sent: HoldRequest) -> str:
        comparisons.hold(sent.token, sent.label, sent.minutes)
        return ""

    @handler(Visitor, lanes.quick, render_refusal)
    def halt_comparison(sent: Visitor) -> str:
        comparisons.stop(sent.token)
        return ""

    asked = [token, ui.picker, ui.upload, ui.methods, ui.minutes]
    held = [token, ui.pause, ui.minutes]
    for answered in (
        ui.begin.click(compare, asked, ui.notice, **QUIET),
        ui.pause.click(hold_comparison, held, ui.notice, **QUIET),
        ui.stop.click(halt_comparison, token, ui.notice, **QUIET),
    ):
        answered.then(None, js=ASK_AT_ONCE)


def _wire_downloads(
    comparisons: Comparisons, lanes: Lanes, token: gr.Textbox, ui: Comparing
) -> None:
    """The table, the sheet, and each model."""

    def carrying(take: Callable[[str], str]) -> Callable[..., Any]:
        @handler(Visitor, lanes.heavy, lambda sentence: (gr.skip(), render_refusal(sentence)))
        def carry_comparison(sent: Visitor) -> tuple[Any, str]:
            return take(sent.token), ""

        return carry_comparison

    @handler(Wanted, lanes.heavy, lambda sentence: (gr.skip(), render_refusal(sentence)))
    def carry_method(sent: Wanted) -> tuple[Any, str]:
        return comparisons.take_model(sent.token, sent.name), ""

    home = [ui.file, ui.notice]
    brought = [
        ui.take_table.click(carrying(comparisons.take_table), token, home, concurrency_limit=None),
        ui.take_sheet.click(carrying(comparisons.take_sheet), token, home, concurrency_limit=None),
        ui.columns.take(carry_method, [token, ui.columns], home, concurrency_limit=None),
    ]
    for event in brought:
        event.success(None, js=hand_over_script("abp-compare-file"))
