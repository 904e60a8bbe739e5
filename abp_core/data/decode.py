"""Pictures: hostile bytes to plain arrays.

Every file may be hostile. What a header promises is checked before anything is decoded, so a
small file cannot ask for much memory. A refusal is one sentence that says what to do; what was done
to a picture that can be used is said in notes.
"""

import io
import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from abp_core.data import containers
from abp_core.data.colours import Colours, Pixels, colours_of
from abp_core.data.containers import Bare
from abp_core.data.formats import HEAD, FileRejected, read_head, require_read

MOST_MEMORY = 235_000_000  # bytes that reading a file is reckoned to take; with what is lost, 250
MOST_FILE_BYTES = 50_000_000  # of one picture
MOST_PIXELS = 25_000_000  # of one picture, as it is decoded
MOST_PHOTO_PIXELS = 80_000_000  # of a JPEG, which can be decoded at a part of its size
LONGEST_SIDE = 20_000  # making a picture smaller takes some 50 bytes for each pixel of a side
LONGEST_SHAPE = 40  # a side of a picture over its other one
STRIP = 1_000_000  # pixels whose colours are converted at a time
ALIKE = 3  # levels by which the filling of a JPEG that ends early may differ
ENDS_EARLY = "it ends early: of its {} rows the upper {} are there"


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """pixels (h, w, 3). notes: what was done to them, each the rest of a sentence that begins with
    the file. whole: whether all rows of the picture were there. size: width and height of the
    picture in the file, as it is seen."""

    pixels: Pixels
    notes: tuple[str, ...] = ()
    whole: bool = True
    size: tuple[int, int] = (0, 0)


class TooLargeTogether(FileRejected):
    """A picture that would be fine alone."""


def read_picture(file: Path | io.BytesIO, name: str = "") -> Pixels:
    """A PNG, JPEG or WebP as (h, w, 3), see `decode`. Raises FileRejected."""
    return decode(file, name).pixels


def decode(file: Path | io.BytesIO, name: str = "") -> Decoded:
    """A PNG, JPEG or WebP, whatever its name ends with, in sRGB; transparent parts become white.
    Of one that ends early or is damaged the rows that are there. A JPEG that is too large is read
    at a half, a quarter or an eighth of its size.

    Raises FileRejected.
    """
    if isinstance(file, io.BytesIO):
        return decode_bytes(file.getvalue(), name or "The file")
    name = name or file.name
    read_head(file)
    require_file_bytes(file.stat().st_size, name)
    return decode_bytes(file.read_bytes(), name)


def decode_bytes(content: bytes, name: str, *, kept: int = 0) -> Decoded:
    """The same of a file's content. kept: bytes that are in use already. Raises FileRejected."""
    require_read(content[:HEAD], name, "picture")
    try:
        bare = containers.strip_metadata(content)
    except ValueError as error:
        raise _no_picture(name) from error
    try:
        return _decode(bare, name, kept)
    except _Undecodable:
        mended = containers.mend_png(bare.content) if content.startswith(containers.PNG) else None
        if mended is None:
            raise
        height, rows = (struct.unpack(">I", each[20:24])[0] for each in (bare.content, mended))
        made = _decode(Bare(mended, bare.held, bare.profile), name, kept)
        early = ENDS_EARLY.format(height, rows)
        return Decoded(made.pixels, (early, *made.notes), rows == height, made.size)


def square(pixels: Pixels, side: int) -> Pixels:
    """The middle of a picture (h, w, 3), as large as a square of `side` pixels."""
    if pixels.shape[:2] == (side, side):
        return pixels
    picture = Image.fromarray(pixels)
    return np.asarray(ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS))


class _Undecodable(FileRejected):
    """The decoder refuses it."""


def _decode(bare: Bare, name: str, kept: int) -> Decoded:
    content = bare.content
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as picture:
            part = _part(picture, content, name, kept)
            size = picture.size
            if part > 1:
                picture.draft(None, (size[0] // part, size[1] // part))
            height = picture.height
            picture.load()
            rows = height if bare.whole or picture.format != "JPEG" else _rows_there(picture)
            shown = picture if rows == height else picture.crop((0, 0, picture.width, rows))
            colours = colours_of(shown, bare.profile, _strip_rows(shown))
            pixels = _upright(shown, bare.held, colours)
    except FileRejected:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(name) from error
    except Exception as error:  # Pillow raises many kinds for broken files
        raise _no_picture(name) from error
    early = () if rows == height else (ENDS_EARLY.format(height, rows),)
    seen = size if bare.held < 5 else size[::-1]
    return Decoded(pixels, (*early, *colours.notes), rows == height, seen)


def _part(picture: Image.Image, content: bytes, name: str, kept: int) -> int:
    """At what part of its size a picture is read, 1 / 1 to 1 / 8. Raises FileRejected where it asks
    for too much."""
    size, parts = picture.size, (1, 2, 4, 8) if picture.format == "JPEG" else (1,)
    if math.prod(size) > (MOST_PHOTO_PIXELS if len(parts) > 1 else MOST_PIXELS):
        raise _too_large(name, picture)
    if max(size) > min(LONGEST_SIDE, LONGEST_SHAPE * min(size)):
        raise FileRejected(
            f"{name} has {size[0]} x {size[1]} pixels, which is too long and thin; please "
            "crop it nearer to a square."
        )
    needed = {part: _memory_needed(picture, content, part) for part in parts}
    part = next((part for part in parts if needed[part] <= MOST_MEMORY), 0)
    if not part:
        raise _too_large(name, picture)
    if kept + needed[part] > MOST_MEMORY:
        raise TooLargeTogether(
            f"{name} is too large beside the others; please make all pictures smaller."
        )
    return part


def _memory_needed(picture: Image.Image, content: bytes, part: int) -> float:
    """Bytes that decoding a picture at 1 / part of its size takes. Pillow holds a pixel in 4 bytes,
    and 3 are ours."""
    decoded = math.prod(math.ceil(side / part) for side in picture.size)
    if decoded > MOST_PIXELS:
        return math.inf
    if isinstance(picture, JpegImageFile):
        return len(content) + max(_coefficients(picture, content) + 4 * decoded, 7 * decoded)
    if picture.format == "WEBP":  # its file again, two canvases, and a frame on its way
        return 3 * len(content) + 16 * decoded
    return len(content) + 7 * decoded


def _coefficients(picture: JpegImageFile, content: bytes) -> float:
    """Bytes of them that are held because a JPEG comes in several scans; none if its first scan, up
    to the end of whose header Pillow has read, tells of all components."""
    length = 6 + 2 * picture.layers
    start = picture.fp.tell() - length if picture.fp else 0
    if (
        content[start : start + 3] == struct.pack(">HB", length, picture.layers)
        and "progressive" not in picture.info
    ):
        return 0
    across, down = ([layer[axis] for layer in picture.layer] for axis in (1, 2))
    share = sum(h * v for h, v in zip(across, down, strict=True)) / (max(across) * max(down))
    return 2 * share * picture.width * picture.height


def _rows_there(picture: Image.Image) -> int:
    """How many rows of a JPEG came before its end: the decoder fills up the rest with one colour
    a block, and what it fills it fills to the right-hand edge."""
    edge = picture.crop((picture.width - 1, 0, picture.width, picture.height)).convert("RGB")
    column = np.asarray(edge)[:, 0].astype(np.int16)
    same = (np.abs(column - column[-1]) <= ALIKE).all(1)
    filled = int(np.argmin(same[::-1])) if not same.all() else len(same)
    if filled < 2 * 8:  # no more than what may be alike in any picture
        return picture.height
    below = picture.crop((0, picture.height - 8, picture.width, picture.height)).convert("RGB")
    flat = np.ptp(np.asarray(below).astype(np.int16), axis=(0, 1)).max() <= ALIKE
    return max(1, picture.height - filled) if flat else picture.height


def _strip_rows(picture: Image.Image) -> int:
    return max(1, STRIP // picture.width)


def _upright(picture: Image.Image, held: int, colours: Colours) -> Pixels:
    """A picture (h, w, 3) as it was seen through a camera that was held in a way of EXIF's."""
    turned = held >= 5
    size = picture.size if turned else picture.size[::-1]
    pixels = np.empty((*size, 3), np.uint8)
    stored = pixels.transpose(1, 0, 2) if turned else pixels
    stored = stored[:: -1 if held in (3, 4, 6, 7) else 1, :: -1 if held in (2, 3, 7, 8) else 1]
    rows = _strip_rows(picture)
    for top in range(0, picture.height, rows):  # never a whole picture twice
        bottom = min(top + rows, picture.height)
        stored[top:bottom] = colours.read(picture.crop((0, top, picture.width, bottom)))
    return pixels


def _no_picture(name: str) -> _Undecodable:
    return _Undecodable(
        f"{name} could not be read as a picture; please choose a PNG, JPEG or WebP file."
    )


def _too_large(name: str, picture: Image.Image | None = None) -> FileRejected:
    has = f"{picture.width} x {picture.height}" if picture else "too many"
    small = "5000 x 5000"
    if picture and picture.format == "WEBP":  # its decoder holds more
        small = "3500 x 3500 or save it as a JPEG"
    return FileRejected(f"{name} has {has} pixels; please make it smaller than {small} first.")


def require_file_bytes(length: int, name: str) -> None:
    """Raises FileRejected for a picture's file that is too large to be read."""
    if length > MOST_FILE_BYTES:
        raise FileRejected(
            f"{name} is larger than {MOST_FILE_BYTES // 10**6} MB; please make it smaller first."
        )
