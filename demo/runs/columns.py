"""What is shown of several methods that learn side by side."""

from dataclasses import dataclass, field

from demo.runs.run import Panel


@dataclass(frozen=True, slots=True)
class Pictures:
    """How a method stands. new: what it makes. rebuilt: what was held back of the data, as it
    rebuilds it; None before that was drawn, and of a method that infers nothing. shown: whatever
    else is to be seen of it."""

    new: Panel | None = None
    rebuilt: Panel | None = None
    shown: tuple[Panel, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One method, or beside them the data. name: of the method; DATA. drawn: grows whenever its
    pictures are others. begun: whether it was built yet. seconds: that it computed. rate:
    iterations in one of them. parameters: that it learns. megabytes: of what it goes on from.
    curve: iterations and the loss at each. status: what has become of it, where that needs words.
    why_not: why its model is no current one of the page, or nothing. figures: what it was measured
    by, once it was; those that it does not know are None. energies: what it thinks of the data and
    of the samples of all, whose titles stand before; nothing of a method that knows no energy."""

    name: str
    drawn: int = 0
    pictures: Pictures = Pictures()
    begun: bool = False
    iteration: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    parameters: int = 0
    megabytes: float = 0.0
    curve: tuple[tuple[int, float], ...] = ()
    status: str = ""
    why_not: str = ""
    figures: dict[str, float | None] = field(default_factory=dict)
    energies: tuple[tuple[str, float], ...] = ()


DATA = "data"
