"""How far something is, and what was made."""

from dataclasses import dataclass

Files = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: a sentence, and the share that is done."""

    sentence: str
    share: float


@dataclass(frozen=True, slots=True)
class ResultPanel:
    """A picture as a data URL, with a sound (a data URL, or the path of a file) or a film (a data
    URL) where there is one. loop: whether it is to be played again and again. breadth: how wide
    it is beside the first panel, where both are of one scale; else 0."""

    caption: str
    picture: str
    sound: str = ""
    film: str = ""
    loop: bool = False
    breadth: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was made. number: tells works apart. repeats: how often the first picture shows it,
    across and down. compared: whether a panel of the same scale is shown beside it at first.
    command: the line that makes it again. files: labels and paths."""

    number: int
    kind: str
    headline: str
    detail: str
    panels: tuple[ResultPanel, ...]
    repeats: tuple[int, int] = (1, 1)
    compared: bool = False
    facts: tuple[tuple[str, str], ...]
    command: str
    files: Files
