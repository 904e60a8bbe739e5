"""What the Inference tab is asked with."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """A walk to begin with the model `key`: what to infer and how, or a replay of training."""

    token: str
    key: str = ""
    target: dict[str, Any] = field(default_factory=dict)
    wish: dict[str, Any] = field(default_factory=dict)
    replay: bool = False


@dataclass(frozen=True, slots=True)
class StepRequest:
    """A step of the walk with that number, or the steps from `first` on, of one chain."""

    token: str
    walk: int = -1
    first: int = -1
    step: int = -1
    chain: int = 0


@dataclass(frozen=True, slots=True)
class TabState:
    """What the tab shows, with what is wanted of it or was brought."""

    token: str
    shown: dict[str, Any] = field(default_factory=dict)
    path: str = ""


@dataclass(frozen=True, slots=True)
class TabOpening:
    """The tab with the current model; nothing is prepared before it is opened."""

    token: str
    opened: bool = False
