"""The canvas that is painted on: the framework's image editor, with bounds on what it is sent."""

import hashlib
import io
import os
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.components.base import server
from gradio.components.image_editor import AcceptBlobs, EditorData
from gradio.data_classes import FileData
from PIL import Image

from demo.media import CANVAS, Pixels

LARGEST = 4 * CANVAS  # a browser may send it at the size of its screen's pixels
MOST_BYTES = 1_000_000  # of one picture as it is sent
KEPT = 32  # paintings that have been sent and not been asked for
PARTS = ("background", "layer")  # what we read of one; the composite says nothing new
LOWEST = ("0", "null", "None")  # the layer that is painted on; there are no others


def canvas(name: str, label: str) -> gr.ImageEditor:
    """A square canvas of one size with one brush; everything else of the editor is switched off.

    What its value is read as: {"background": picture, "layers": [picture]}, pictures (h, w, 4), or
    None and [] for what is missing, or is no picture that a canvas could have sent.
    """
    editor = gr.ImageEditor(
        label=label,
        type="numpy",
        image_mode="RGBA",
        layers=False,
        transforms=(),
        sources=(),
        canvas_size=(CANVAS, CANVAS),
        fixed_canvas=True,
        brush=gr.Brush(colors=["#d946ef"], color_mode="fixed", default_size=24),
        eraser=gr.Eraser(default_size=24),
        buttons=[],
        height=380,
        elem_id=name,
    )
    # In place of the editor's own, which open whatever is sent. A class made from the editor's
    # would have the framework write a file beside this one whenever it is imported.
    paintings = Paintings()
    editor.preprocess = paintings.read  # type: ignore[method-assign]
    editor.accept_blobs = paintings.accept_blobs
    shown = Path(editor.GRADIO_CACHE)
    editor.postprocess = lambda value: _shown(value, shown)  # type: ignore[method-assign]
    return editor


def _shown(value: Any, folder: Path) -> EditorData | None:
    """A picture to paint on, as `media.on_canvas` makes it, for the browser. It is written once and
    whole: the editor's own way writes it again while it is being fetched."""
    if value is None:
        return None
    content = io.BytesIO()
    Image.fromarray(value["background"]).save(content, "WEBP", lossless=True, method=0)
    name = hashlib.sha256(content.getvalue()).hexdigest()
    path = folder / "canvas" / f"{name}.webp"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content.getvalue())
        os.replace(file.name, path)
    picture = FileData(path=str(path))
    return EditorData(background=picture, layers=[], composite=picture)


class Paintings:
    """What browsers have sent of canvases, until it is read or newer ones need the room."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, dict[str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    @server  # type: ignore[untyped-decorator]
    def accept_blobs(self, data: AcceptBlobs) -> None:
        """Keeps a part of a painting, which comes before the event that is to read it; the
        framework hands on whatever else is sent to its address, which is no painting."""
        if not isinstance(data, AcceptBlobs):
            return
        name, part = data.data.get("id"), data.data.get("type")
        content = data.files[0][1] if data.files else b""
        above = part == "layer" and str(data.data.get("index")) not in LOWEST
        if not isinstance(name, str) or part not in PARTS or above or len(content) > MOST_BYTES:
            return
        with self._lock:
            self._sent.setdefault(name[:64], {})[part] = content
            self._sent.move_to_end(name[:64])
            while len(self._sent) > KEPT:
                self._sent.popitem(last=False)

    def read(self, payload: EditorData | None) -> Any:
        """What was painted, as `canvas` says."""
        if payload is None:
            return None
        if payload.id is not None:
            with self._lock:
                sent = self._sent.pop(payload.id[:64], {})
            return _painting(*(sent.get(part) for part in PARTS))
        return _painting(_content(payload.background), *map(_content, payload.layers[:1]))


def _painting(background: bytes | None, *layers: bytes | None) -> dict[str, Any]:
    painted = (_pixels(layer) for layer in layers)
    return {
        "background": _pixels(background),
        "layers": [layer for layer in painted if layer is not None],
    }


def _content(file: FileData | None) -> bytes | None:
    """A file of a few bytes more than are taken is as good as a long one."""
    if file is None:
        return None
    with Path(file.path).open("rb") as stream:
        return stream.read(MOST_BYTES + 1)


def _pixels(content: bytes | None) -> Pixels | None:
    """A PNG or WebP as (h, w, 4); None for anything that no canvas would send."""
    if content is None or len(content) > MOST_BYTES:
        return None
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "WEBP")) as picture:
            if max(picture.size) > LARGEST:
                return None
            return np.asarray(picture.convert("RGBA"))
    except Exception:  # Pillow raises many kinds for broken files
        return None
