"""What tabs have in common: how they answer and hand over, what two of them are asked with."""

import html
from dataclasses import dataclass
from typing import Any

from demo.models.cards import Card
from demo.server.live import MINUTES
from demo.server.served import drawn_url, url

# Of an event that shows no spinner, and for which each visitor has a turn of their own.
QUIET: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}

# The script after an order to a run, by which the page hears at once what became of it.
ASK_AT_ONCE = "() => document.dispatchEvent(new Event('abp-ask'))"


def buttons_script(task: str, buttons: int) -> str:
    """The script that lets so many buttons of a task stand as the live value says, those that ask
    for more minutes with as many as are set."""
    return f"""(value, minutes) => {{
        const more = minutes === 1 ? "1 more minute" : `${{minutes}} more minutes`;
        return [...Array({buttons}).keys()].map((k) => {{
            const {{ value: label, ...button }} = value.buttons?.{task}[k] ?? {{}};
            const worded = label && {{ value: label.replace({MINUTES!r}, more) }};
            return {{ __type__: "update", ...button, ...worded }};
        }});
    }}"""


def hand_over_script(elem_id: str) -> str:
    """The script that takes home the file of a hidden download button, once the page has it."""
    return f"() => setTimeout(() => document.querySelector('#{elem_id}').click(), 100)"


def render_notice(sentence: str, *, refusal: bool = False, picture: str = "") -> str:
    """A sentence beside the buttons; picture: a data URL of what it is about."""
    role = "alert" if refusal else "status"
    kind = " refusal" if refusal else ""
    shown = f'<img src="{picture}" alt="What you brought, as it is learnt">' if picture else ""
    return f'<div class="abp-notice{kind}" role="{role}">{shown}{html.escape(sentence)}</div>'


def render_refusal(sentence: str) -> str:
    """A refusal beside the buttons."""
    return render_notice(sentence, refusal=True)


def refusal_answer(sentence: str) -> dict[str, Any]:
    """A refusal as what a component's script is answered with."""
    return {"refusal": sentence}


def picker_cards(cards: list[Card], *, films: bool = True) -> list[dict[str, Any]]:
    """What the pack has, as a picker shows it. films: whether those are among it."""
    return [
        {
            "kind": card.kind,
            "name": card.name,
            "label": card.label,
            "picture": drawn_url(card.name),
            "sound": url(card.sound) if card.sound else "",
            "film": url(card.film) if card.film else "",
            "credit": card.credit,
        }
        for card in cards
        if films or card.kind != "film"
    ]


def parse_choice(choice: dict[str, Any]) -> tuple[str, str]:
    """Kind and item of a picker's value, whatever was sent in its place."""
    return str(choice.get("kind", "")), str(choice.get("item", ""))


@dataclass(frozen=True, slots=True)
class Visitor:
    """An order that needs to know just whose it is."""

    token: str


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """What the button to hold is asked with."""

    token: str
    label: str = ""
    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of the visitor's."""

    token: str
    path: str = ""
