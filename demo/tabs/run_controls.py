"""What the tabs that train share: the answers to orders, and a run's buttons."""

import html
from dataclasses import dataclass
from typing import Any

from demo.workbench import Workbench


def hold(workbench: Workbench, token: str, label: str, minutes: float) -> None:
    """What the button says: Pause, Resume, or Go on for so many minutes more. Raises Rejected."""
    if label == "Pause":
        workbench.pause(token)
    elif label == "Resume":
        workbench.resume(token)
    else:
        workbench.go_on(token, minutes)


def buttons_script(task: str) -> str:
    """The script that lets a task's buttons stand as the live value says."""
    return f'(value) => value.buttons.{task}.map((button) => ({{ __type__: "update", ...button }}))'


def hand_over_script(elem_id: str) -> str:
    """The script that takes home the file of a hidden download button, once the page has it."""
    return f"() => setTimeout(() => document.querySelector('#{elem_id}').click(), 100)"


def render_notice(sentence: str, *, refusal: bool = False) -> str:
    """A sentence beside the buttons."""
    role = "alert" if refusal else "status"
    kind = " refusal" if refusal else ""
    return f'<div class="abp-notice{kind}" role="{role}">{html.escape(sentence)}</div>'


def render_refusal(sentence: str) -> str:
    """A refusal beside the buttons."""
    return render_notice(sentence, refusal=True)


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
