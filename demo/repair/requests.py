"""What the Repair tab is asked with."""

from dataclasses import dataclass, field
from typing import Any

from demo.widgets.shared import parse_choice


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
    of_films: str = ""

    @property
    def taken(self) -> str:
        """What the kind of the data lets one choose."""
        kind = parse_choice(self.choice)[0]
        return {"sound": self.of_sounds, "film": self.of_films}.get(kind, self.of_pictures)


@dataclass(frozen=True, slots=True)
class LearningRequest(DegradationChoice):
    """Everything that learning from the rest is asked for with."""

    k: float = 0.0
    painted: dict[str, Any] = field(default_factory=dict)
    style: str = ""
    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class PaintedPicture:
    """A picture that was painted over, and where to repair it."""

    token: str
    drawn: dict[str, Any] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """How the recovery stood at an iteration."""

    token: str
    iteration: int = 0
