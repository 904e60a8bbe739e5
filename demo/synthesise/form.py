"""What a page may ask the Synthesise tab for, as a request that a shared machine can bear."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from abp_core.data.pack import PackItem
from abp_core.spec import Kind
from abp_core.synthesis.request import Request, loop_of
from demo import limits
from demo.errors import Rejected
from demo.models.collection import Model

TILES = {"no": None, "across": "x", "down": "y", "both": "xy"}
SOURCES = ("what was inferred", "the paper's prior")
BEGINNINGS = ("where the film ended", "anywhere")  # of a new film
SIDE, MARGIN = 512, 128  # pixels of a texture
ELSEWHERE = "the command line makes more"

Sent = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What can be asked of a model. unit: pixels that sides step by. size: the usual width and
    height. margins: the usual and the widest. rate: of sounds, in hertz. lengths: whether they may
    have any. windowed: whether the parts of a film's picture may go their own ways, and make a
    larger one.
    compared: whether its training examples are at hand. inferred: whether new latents come from
    those that were inferred, and not only from N(0, I). piece: pixels along a side of the squares
    that an endless texture comes in; 0 where there is none. radius, reach: of a brush on it and of
    what a latent has a part in, in latents. novel: whether how far they may depart
    from them can be asked for. warm: whether a temperature can be."""

    key: str
    kind: Kind
    label: str
    unit: int
    size: tuple[int, int]
    margins: tuple[int, int]
    rate: int
    lengths: bool
    compared: bool
    inferred: bool
    novel: bool
    warm: bool
    windowed: bool
    piece: int
    radius: int
    reach: int


def offer_of(model: Model, item: PackItem | None) -> Offer:
    """What can be asked of a model. item: the bundled data that it learnt from, if it did."""
    spec = model.generator.spec

    def whole_positions(pixels: int) -> int:
        return max(1, round(pixels / spec.enlargement)) * spec.enlargement

    return Offer(
        key=model.key,
        kind=model.kind,
        label=model.label,
        unit=spec.enlargement,
        size=_own_size(model) if model.kind == "film" else (whole_positions(SIDE),) * 2,
        margins=(whole_positions(MARGIN), limits.MARGIN // spec.enlargement * spec.enlargement),
        rate=model.saved.source.sample_rate,
        lengths=model.kind == "sound" and spec.spatial,
        compared=model.kind == "objects" and item is not None,
        inferred=_is_inferred(model),
        novel=_is_exemplar(model),
        warm=model.kind != "film",
        windowed=model.saved.spec.prior == "windows",
        piece=positions_of_piece(spec.enlargement) * spec.enlargement
        if model.kind == "texture" and spec.spatial
        else 0,
        radius=radius_of(spec.enlargement),
        reach=spec.reach if spec.spatial else 0,
    )


def _own_size(model: Model) -> tuple[int, int]:
    """Width and height of what a model makes of its own."""
    height, width = model.generator.spec.signal_shape[-2:]
    return width, height


def radius_of(enlargement: int) -> int:
    """Of the brush, in positions: what is drawn anew has an inside, not a border only."""
    return max(3, round(limits.BRUSH / enlargement))


def positions_of_piece(enlargement: int) -> int:
    """Of a latent map, along a side of a piece of an endless texture."""
    return max(1, round(limits.PIECE / enlargement))


def request_from(model: Model, sent: Sent, item: PackItem | None) -> Request:
    """What a page sent, fitted to the model and to what a shared page can bear.
    Raises RequestRejected, Rejected."""
    spec, source = model.generator.spec, model.saved.source
    rate = source.sample_rate
    asked = read_basics(model, sent)
    if model.kind == "film":
        asked |= _read_film(model, sent)
    elif model.kind == "texture":
        asked |= _read_texture(sent)
    elif model.kind == "objects":
        asked |= {"count": to_whole(sent.get("count")), "nearest": _choose_data(sent, item)}
    elif spec.spatial:
        asked["seconds"] = sent.get("seconds") or 0
        if sent.get("loop"):
            seconds = Request(**asked).seconds  # what is no number is refused, not rounded
            asked |= {"tile": "x", "seconds": loop_of(seconds or 0.0, spec, rate)}
    request = Request(**asked)
    _require_bearable(request)
    if model.kind == "film":
        _require_film(request, _own_size(model), source.frame_rate)
    return request.fit(spec, rate or source.frame_rate)


def endless_film_from(model: Model, sent: Sent) -> Request:
    """What a page sent of a film that never ends, fitted to the model and to what a shared page can
    bear while it plays. Raises RequestRejected, Rejected."""
    asked = _read_film(model, {**sent, "film_seconds": 1, "film_loop": False})
    request = Request(**read_basics(model, sent), **asked)
    width, height = request.size or _own_size(model)
    if width * height > limits.PLAYED_PIXELS:
        raise Rejected(
            "This is too large to be played while it is made; please make it smaller, or make a "
            "film of some length."
        )
    return request.fit(model.generator.spec, model.saved.source.frame_rate)


def read_basics(model: Model, sent: Sent) -> dict[str, Any]:
    """What is asked of every model: a seed, and where its latents come from."""
    seed = {"seed": to_whole(sent.get("seed"))}
    if model.kind == "film":
        return seed
    if _is_inferred(model) and sent.get("source") != SOURCES[1]:
        return {**seed, "novelty": sent.get("novelty", 1.0)} if _is_exemplar(model) else seed
    return {**seed, "paper": _is_inferred(model), "temperature": sent.get("temperature", 1.0)}


def _is_inferred(model: Model) -> bool:
    return model.saved.spec.prior != "normal" and model.kind != "film"


def _is_exemplar(model: Model) -> bool:
    return model.saved.spec.prior == "exemplar"


def to_whole(value: object) -> object:
    """A whole number where that is meant: a slider sends 3.0, a text field "3"."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,30}\s*", value):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read_film(model: Model, sent: Sent) -> dict[str, Any]:
    loop = bool(sent.get("film_loop"))
    asked = {
        "seconds": sent.get("film_seconds") or 0,
        "tile": "x" if loop else None,
        "speed": sent.get("speed"),
        "anew": not loop and sent.get("begin") == BEGINNINGS[1],
    }
    if model.saved.spec.prior == "windows":
        windows, size = to_whole(sent.get("windows")), _read_size(sent)
        asked["windows"] = None if windows == 1 else windows
        asked["size"] = None if size == _own_size(model) else size
    return asked


def _read_size(sent: Sent) -> tuple[Any, Any]:
    return to_whole(sent.get("width")), to_whole(sent.get("height"))


def _read_texture(sent: Sent) -> dict[str, Any]:
    if sent.get("picture"):
        return {
            "grow": Path(str(sent["picture"])),
            "margin": to_whole(sent.get("margin")),
            "rebuilt": not sent.get("kept", True),
        }
    count = to_whole(sent.get("copies"))
    return {
        "size": _read_size(sent),
        "tile": TILES.get(str(sent.get("tile")), ""),
        "count": None if count == 1 else count,
    }


def _choose_data(sent: Sent, item: PackItem | None) -> Path | None:
    """The bundled data to compare with, if that was asked for."""
    if not sent.get("nearest"):
        return None
    if item is None:
        raise Rejected(
            "The studio has not got the data that this model learnt from; the command line "
            "compares with a file of yours: --nearest."
        )
    return item.path


def _require_film(request: Request, own: tuple[int, int], rate: float) -> None:
    """Raises Rejected for more than is held of a film until it is written."""
    width, height = request.size or own
    seconds = limits.FILM_PIXELS / (width * height * rate)
    if (request.seconds or 0) > seconds:
        raise Rejected(
            f"A film of {width} x {height} pixels can be {seconds:.0f} s long here; please make it "
            f"shorter or smaller; {ELSEWHERE}."
        )


def _require_bearable(request: Request) -> None:
    """Raises Rejected for more than a page that is shared can give."""
    width, height = request.size or (0, 0)
    side, most = f"{limits.SIDE:,}", limits.SIDE**2
    for too_much, sentence in (
        (
            max(width, height) > limits.SIDE,
            f"Please keep width and height within {side} pixels here; {ELSEWHERE}.",
        ),
        (
            width * height * (request.count or 1) > most,
            f"Please take fewer or smaller pictures: together they may have as many pixels as "
            f"{side} x {side} here.",
        ),
        (
            (request.margin or 0) > limits.MARGIN,
            f"Please let the picture grow by at most {limits.MARGIN} pixels here; {ELSEWHERE}.",
        ),
        (
            (request.seconds or 0) > limits.SECONDS,
            f"Please keep it within {limits.SECONDS} s here; {ELSEWHERE}.",
        ),
        (
            request.size is None and (request.count or 1) > limits.OBJECTS,
            f"Please take at most {limits.OBJECTS} pictures here; {ELSEWHERE}.",
        ),
    ):
        if too_much:
            raise Rejected(sentence)
