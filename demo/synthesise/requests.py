"""What the Synthesise tab is asked with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endless:
    """What never ends, of the model `key`, and how it is drawn. begun: tells all that began at one
    moment on a page from what began at another."""

    token: str
    key: str = ""
    begun: float = 0.0
    seed: object = None
    source: str = ""
    temperature: object = 1.0
    novelty: object = 1.0


@dataclass(frozen=True, slots=True)
class Stretch(Endless):
    """Stretch k of a sound."""

    k: object = None


@dataclass(frozen=True, slots=True)
class Frames(Stretch):
    """Stretch k of a film."""

    width: object = None
    height: object = None
    speed: object = None
    windows: object = None
    begin: str = ""


@dataclass(frozen=True, slots=True)
class Canvas(Endless):
    """A texture, and the strokes of the brush on it."""

    strokes: object = None


@dataclass(frozen=True, slots=True)
class Piece(Canvas):
    """The piece that is so many across and down from the beginning."""

    across: object = None
    down: object = None


@dataclass(frozen=True, slots=True)
class Tile(Canvas):
    """What is shown, in positions of the latent map."""

    left: object = None
    top: object = None
    columns: object = None
    rows: object = None


@dataclass(frozen=True, slots=True)
class ControlState:
    """The controls, to be fitted to the current model. unit: what sides step by now."""

    token: str
    unit: float = 0.0
    seed: str = ""
    source: str = ""
    temperature: float = 1.0
    novelty: float = 1.0


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """Everything that the tab asks for. kind: of the model that it shows, or `UNSEEN`."""

    token: str
    kind: str = ""
    width: object = None
    height: object = None
    tile: object = None
    copies: object = None
    picture: str = ""
    margin: object = None
    kept: bool = True
    seconds: object = None
    loop: bool = False
    count: object = None
    nearest: bool = False
    film_seconds: object = None
    film_loop: bool = False
    speed: object = None
    windows: object = None
    begin: str = ""
    seed: object = None
    source: str = ""
    temperature: object = 1.0
    novelty: object = 1.0
