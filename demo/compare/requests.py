"""What the Compare tab is asked with."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class DataBrought:
    """A file of the visitor's to learn from."""

    token: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class ComparisonRequest:
    """Everything that Compare is pressed with. methods: what was chosen, as {"chosen": names}."""

    token: str
    choice: dict[str, Any] = field(default_factory=dict)
    upload: str = ""
    methods: dict[str, Any] = field(default_factory=dict)
    minutes: float = 0.0

    @property
    def names(self) -> list[str]:
        """Of the methods that were chosen, whatever was sent in their place."""
        chosen = self.methods.get("chosen")
        return [str(name) for name in chosen] if isinstance(chosen, list) else []


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the visitor pressed in a column: its method, as {"wanted": name}."""

    token: str
    columns: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.columns.get("wanted", ""))
