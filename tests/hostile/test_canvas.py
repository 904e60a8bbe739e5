"""What the canvas of the Repair tab takes, and what it leaves alone."""

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio.components.image_editor import AcceptBlobs, EditorData
from gradio.data_classes import FileData
from PIL import Image

from demo.media import CANVAS
from demo.repair.canvas import (
    KEPT,
    LARGEST,
    MOST_BYTES,
    Paintings,
)
from tests.hostile.test_bad_files import chunk, flat_png
from tests.tiny import peak_memory

MB = 1_000_000
NOTHING: dict[str, Any] = {"background": None, "layers": []}


@pytest.fixture
def paintings() -> Paintings:
    return Paintings()


def picture(side: int = CANVAS, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 4), np.uint8)


def png(pixels: np.ndarray) -> bytes:
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "PNG")
    return memory.getvalue()


def send(paintings: Paintings, name: Any, kind: Any, content: bytes, index: Any = "0") -> None:
    data = {"id": name, "type": kind, "index": index}
    paintings.accept_blobs(AcceptBlobs.model_construct(data=data, files=[("blob", content)]))


def test_what_was_painted_comes_as_it_was_sent(paintings: Paintings) -> None:
    below, above = picture(seed=1), picture(seed=2)
    send(paintings, "a", "background", png(below), "null")
    send(paintings, "a", "layer", png(above))
    send(paintings, "a", "layer", png(below), "1")  # there is no second layer
    send(paintings, "a", "composite", png(above), "null")
    value = paintings.read(EditorData(id="a"))
    assert set(value) == {"background", "layers"}
    np.testing.assert_array_equal(value["background"], below)
    np.testing.assert_array_equal(value["layers"], [above])
    assert paintings.read(EditorData(id="a")) == NOTHING, "it is read once"


def test_what_the_studio_laid_there_comes_back_from_its_file(
    paintings: Paintings, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png(picture()))
    file = FileData(path=str(tmp_path / "a.png"))
    value = paintings.read(EditorData(background=file, layers=[file, file], composite=file))
    np.testing.assert_array_equal(value["background"], picture())
    assert len(value["layers"]) == 1


@pytest.mark.parametrize("size", [(25_000, 7_000), (7_000, 25_000), (LARGEST + 1, 1)])
def test_a_picture_that_no_canvas_would_send_is_not_opened(
    paintings: Paintings, tmp_path: Path, size: tuple[int, int]
) -> None:
    content = flat_png(tmp_path / "a.png", *size, bits=1, colour=0).read_bytes()
    assert len(content) < MB
    file = FileData(path=str(tmp_path / "a.png"))
    with peak_memory() as memory:
        assert paintings.read(EditorData(background=file, composite=file)) == NOTHING
        send(paintings, "a", "background", content)
        assert paintings.read(EditorData(id="a")) == NOTHING
    assert memory.growth < 20 * MB


def test_text_beside_the_pixels_takes_little(paintings: Paintings) -> None:
    words = zlib.compress(bytes(300 * MB), 9)
    content = png(picture(8))
    head = 8 + 25  # what a PNG begins with, and the chunk of its size
    for kind in (b"zTXt", b"iTXt", b"iCCP"):
        said = b"a\0" + (b"\1\0\0\0" if kind == b"iTXt" else b"\0") + words
        send(paintings, "a", "layer", content[:head] + chunk(kind, said) + content[head:])
        with peak_memory() as memory:
            paintings.read(EditorData(id="a"))
        assert memory.growth < 20 * MB


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 999, b"RIFF\0\0\0\0WEBP", png(picture())[:-900], b"\x89PNG\r\n\x1a\n"],
    ids=range(5),
)
def test_what_is_no_picture_is_nothing(
    paintings: Paintings, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a").write_bytes(content)
    send(paintings, "a", "background", content)
    assert paintings.read(EditorData(id="a")) == NOTHING
    file = FileData(path=str(tmp_path / "a"))
    assert paintings.read(EditorData(background=file)) == NOTHING
    assert paintings.read(None) is None


def test_what_is_sent_and_never_asked_for_takes_little(paintings: Paintings) -> None:
    content = bytes(MOST_BYTES)
    with peak_memory() as memory:
        for k in range(200):
            own = bytes([k]) * MOST_BYTES  # one that all share would take no room
            send(paintings, f"{k}" + "x" * 1000, "background", own)
            send(paintings, f"{k}", "layer", bytes(MOST_BYTES + 1))
    assert memory.growth < 2 * KEPT * MB
    for name, kind in ((None, "layer"), ([], "layer"), ("a", None), ("a", "other"), (5, {})):
        send(paintings, name, kind, png(picture()))
    paintings.accept_blobs(AcceptBlobs.model_construct(data={}, files=[]))
    assert paintings.read(EditorData(id="a")) == NOTHING
    # The newest paintings are still there.
    send(paintings, "mine", "background", png(picture()))
    for k in range(KEPT - 1):
        send(paintings, f"other {k}", "background", content)
    assert paintings.read(EditorData(id="mine"))["background"] is not None
