"""The brush on a texture without end, and the tiles that are taken of it."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from demo import limits
from demo.disk import Disk
from demo.errors import Rejected
from tests.demo.rooms import Rooms

ANN, TEXTURE = "token-of-annannann", "bark"
STROKE = {"seed": 5, "places": [[10, 12], [14, 12], [18, 16]]}  # positions: 8 pixels each


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    rooms = Rooms(Disk(tmp_path_factory.mktemp("studio")))
    rooms.studio.sessions.open(ANN)
    yield rooms
    rooms.close()


def decoded(url: str) -> np.ndarray:  # type: ignore[type-arg]
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def piece(rooms: Rooms, across: int, down: int, **sent: Any) -> np.ndarray:  # type: ignore[type-arg]
    key = rooms.studio.choose(ANN, TEXTURE).key
    asked = {"seed": "3", "across": across, "down": down, **sent}
    return decoded(rooms.synthesis.piece(ANN, key, asked)["picture"])


def test_a_stroke_draws_its_place_anew_and_nothing_else(rooms: Rooms) -> None:
    before, after = piece(rooms, 0, 0), piece(rooms, 0, 0, strokes=[STROKE])
    changed = np.abs(before - after).max(-1) > 24  # more than a JPEG does beside it
    rows, columns = changed.nonzero()
    offer = rooms.synthesis.offer(ANN)
    around = offer.radius + offer.reach + 1
    assert changed.sum() > 200
    assert rows.min() >= (12 - around) * offer.unit
    assert rows.max() < (16 + around) * offer.unit
    assert columns.min() >= (10 - around) * offer.unit
    assert columns.max() < (18 + around) * offer.unit
    assert np.array_equal(before, piece(rooms, 0, 0, strokes=[])), "it is undone"
    assert np.array_equal(piece(rooms, 5, 3), piece(rooms, 5, 3, strokes=[STROKE]))


def test_the_same_strokes_give_the_same_pixels(rooms: Rooms, tmp_path: Path) -> None:
    strokes = [STROKE, {"seed": 6, "places": [[20, 14]]}]
    here = piece(rooms, 0, 0, strokes=strokes)
    other = Rooms(Disk(tmp_path))  # which has held nothing
    try:
        other.studio.sessions.open(ANN)
        assert np.array_equal(here, piece(other, 0, 0, strokes=strokes))
    finally:
        other.close()
    assert not np.array_equal(here, piece(rooms, 0, 0, strokes=strokes[:1]))
    assert not np.array_equal(here, piece(rooms, 0, 0, strokes=strokes[::-1]))


def test_a_tile_is_what_is_shown_and_continues_itself(rooms: Rooms) -> None:
    key = rooms.studio.choose(ANN, TEXTURE).key
    shown = {"left": -3, "top": 2, "columns": 40, "rows": 24, "strokes": [STROKE]}
    answer = rooms.synthesis.tile(ANN, key, {"seed": "3", **shown})
    unit = rooms.synthesis.offer(ANN).unit
    assert answer["size"] == (40 * unit, 24 * unit)
    assert answer["name"] == f"bark-tile-{40 * unit}x{24 * unit}.png"
    with Image.open(io.BytesIO(base64.b64decode(answer["file"].partition(",")[2]))) as picture:
        assert (picture.format, picture.size) == ("PNG", answer["size"])
        tile = np.asarray(picture.convert("RGB")).astype(int)
    for axis in (0, 1):
        steps = np.abs(np.diff(tile, axis=axis, append=tile.take([0], axis)))
        steps = steps.mean((1 - axis, 2))
        assert steps[-1] < 1.5 * steps[:-1].mean()
    rows, columns = (16 - 2) * unit, (8 + 3) * unit  # of the middle of the first piece
    middle = piece(rooms, 0, 0, strokes=[STROKE])[16 * unit :][: 2 * unit]
    part = tile[rows : rows + 2 * unit, columns : columns + 12 * unit]
    assert np.abs(part - middle[:, 8 * unit : 20 * unit]).mean() < 3


@pytest.mark.parametrize(
    "strokes",
    [
        *("x", 7, {"seed": 1}, [None], [[]], [{"seed": 1}], [{"seed": 1, "places": []}]),
        [{"seed": "1", "places": [[0, 0]]}],
        [{"seed": -1, "places": [[0, 0]]}],
        [{"seed": 1, "places": [[0]]}],
        [{"seed": 1, "places": [[0, 0.5]]}],
        [{"seed": 1, "places": [[0, 10**12]]}],
        [{"seed": 1, "places": [[0, True]]}],
        [{"seed": 1, "places": [[0, 0]] * (limits.PLACES + 1)}],
        [{"seed": 1, "places": [[0, 0], [limits.SPAN + 1, 0]]}],
    ],
)
def test_a_stroke_that_no_page_sends_gets_a_sentence(rooms: Rooms, strokes: Any) -> None:
    with pytest.raises(Rejected, match="do not agree any more; please reload"):
        piece(rooms, 0, 0, strokes=strokes)


def test_a_canvas_holds_so_many_strokes(rooms: Rooms) -> None:
    with pytest.raises(Rejected, match="holds 24 strokes; please undo one first"):
        piece(rooms, 0, 0, strokes=[STROKE] * 25)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"columns": 3}, "Too little is shown for a tile"),
        ({"rows": -40}, "Too little is shown for a tile"),
        ({"columns": 10**6}, "too far away"),
        ({"left": "x"}, "too far away"),
        ({"top": None}, "too far away"),
    ],
)
def test_a_tile_of_anything_else_gets_a_sentence(
    rooms: Rooms, sent: dict[str, Any], sentence: str
) -> None:
    key = rooms.studio.choose(ANN, TEXTURE).key
    shown = {"seed": "1", "left": 0, "top": 0, "columns": 20, "rows": 20}
    with pytest.raises(Rejected, match=sentence):
        rooms.synthesis.tile(ANN, key, {**shown, **sent})
