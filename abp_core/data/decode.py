"""The only door for files: pictures, sounds and sets of pictures to plain arrays.

Every file may be hostile. What a header promises is checked before anything is decoded, so a
small file cannot ask for much memory. A refusal is one sentence that says what to do.
"""

import io
import math
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from abp_core.data import containers
from abp_core.errors import Refusal

Pixels = NDArray[np.uint8]
Samples = NDArray[np.float32]

MOST_MEMORY = 235_000_000  # bytes that reading a file is reckoned to take; with what is lost, 250
MOST_FILE_BYTES = 50_000_000  # of one picture
MOST_PIXELS = 25_000_000  # of one picture, as it is decoded
MOST_PHOTO_PIXELS = 80_000_000  # of a JPEG, which can be decoded at a part of its size
LONGEST_SIDE = 20_000  # making a picture smaller takes some 50 bytes for each pixel of a side
LONGEST_SHAPE = 40  # a side of a picture over its other one
STRIP = 1_000_000  # pixels whose colours are converted at a time
MOST_SAMPLES = 30_000_000  # of one sound, over all channels
DECODED_AT_ONCE = 1_000_000  # samples that are decoded at a time, over all channels
LOUDEST = 1e9  # of a sound's samples; beyond it their squares would overflow
MOST_SECONDS = 60.0  # of a sound that are used; the rest is left out
MOST_PICTURES = 5_000  # of a set
MOST_SET_BYTES = 400_000_000  # of a set once unpacked; not all of it is held at once
MOST_LISTING = 2_000_000  # bytes in which a zip says what it holds; twice what 5,000 pictures need
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without bounds
SET_ENDINGS = (".zip", ".npz")


class FileRejected(Refusal):
    """A file that cannot be used. The message is one sentence for the user."""


def read_picture(file: Path | io.BytesIO, name: str = "") -> Pixels:
    """A PNG, JPEG or WebP as (h, w, 3). Transparent parts become white. A JPEG that is too large
    for that is read at a half, a quarter or an eighth of its size.

    Raises FileRejected.
    """
    name = name or _name(file)
    if isinstance(file, io.BytesIO):
        return _picture(*_bare(file.getvalue(), name), name)
    _require_content(file, name)
    _require_file_bytes(file.stat().st_size, name)
    return _picture(*_bare(file.read_bytes(), name), name)


def read_sound(path: Path) -> tuple[Samples, int]:
    """The first minute of a WAV, FLAC, OGG or MP3 as mono samples (frames,), and its rate.

    Raises FileRejected.
    """
    name = _name(path)
    _require_content(path, name)
    try:
        with soundfile.SoundFile(path) as sound:
            rate = int(sound.samplerate)
            frames = min(sound.frames, int(MOST_SECONDS * rate))
            if frames * sound.channels > MOST_SAMPLES:
                raise FileRejected(
                    f"{name} holds too many samples a second; please save it as 48 kHz stereo."
                )
            samples, done = np.empty(frames, np.float32), 0
            for block in sound.blocks(
                DECODED_AT_ONCE // sound.channels, frames=frames, dtype="float32", always_2d=True
            ):
                if not (np.abs(block) <= LOUDEST).all():
                    raise FileRejected(
                        f"{name} holds values that are no numbers; please export it again."
                    )
                samples[done : done + len(block)] = block.mean(axis=1)
                done += len(block)
            return samples[:done], rate  # a header may promise more than there is
    except FileRejected:
        raise
    except Exception as error:  # libsndfile raises several kinds for broken files
        raise FileRejected(
            f"{name} could not be read as a sound; please choose a WAV, FLAC, OGG or MP3 file."
        ) from error


def read_pictures(
    path: Path, *, most: int = MOST_PICTURES, side: int | None = None
) -> list[Pixels]:
    """A folder or zip of pictures, or an .npz of them (n, h, w) or (n, h, w, 1 or 3), uint8, as
    arrays (h, w, 3) in the order of their names: the first `most`, each cut to a square no larger
    than `side` where that is given. Raises FileRejected."""
    name = _name(path)
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_ENDINGS)
        _require_number(len(files), name)
        return [_crop_square(read_picture(file), side) for file in files[:most]]
    _require_content(path, name)
    try:
        with _Listed(path) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if any(entry.compress_type not in PACKINGS for entry in entries):
                raise FileRejected(f"{name} is packed in a rare way; please make an ordinary zip.")
            if sum(entry.file_size for entry in entries) > MOST_SET_BYTES:
                raise FileRejected(
                    f"{name} unpacks to more than {MOST_SET_BYTES // 10**6} MB; "
                    "please take fewer or smaller pictures."
                )
            if path.suffix.lower() == ".npz":
                return _from_npz(archive, name, most, side)
            return _from_zip(archive, name, most, side)
    except FileRejected:
        raise
    except Exception as error:  # zipfile and numpy raise many kinds for broken files
        raise FileRejected(
            f"{name} could not be read as a set of pictures; please choose a zip of PNG, JPEG or "
            "WebP files, or an .npz."
        ) from error


def square(pixels: Pixels, side: int) -> Pixels:
    """The middle of a picture (h, w, 3), as large as a square of `side` pixels."""
    if pixels.shape[:2] == (side, side):
        return pixels
    picture = Image.fromarray(pixels)
    return np.asarray(ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS))


def _crop_square(pixels: Pixels, side: int | None) -> Pixels:
    return pixels if side is None else square(pixels, min(side, *pixels.shape[:2]))


def _bare(content: bytes, name: str) -> tuple[bytes, int]:
    try:
        return containers.strip_metadata(content)
    except ValueError as error:
        raise _no_picture(name) from error


def _picture(content: bytes, held: int, name: str, kept: int = 0) -> Pixels:
    """What `containers.bare` found, as (h, w, 3). kept: bytes that are in use already."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as picture:
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
                raise FileRejected(
                    f"{name} is too large beside the others; please make all pictures smaller."
                )
            if part > 1:
                picture.draft(None, (size[0] // part, size[1] // part))
            return _upright(picture, held)
    except FileRejected:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(name) from error
    except Exception as error:  # Pillow raises many kinds for broken files
        raise _no_picture(name) from error


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


def _upright(picture: Image.Image, held: int) -> Pixels:
    """A picture (h, w, 3) as it was seen through a camera that was held in a way of EXIF's."""
    turned = held >= 5
    size = picture.size if turned else picture.size[::-1]
    pixels = np.empty((*size, 3), np.uint8)
    stored = pixels.transpose(1, 0, 2) if turned else pixels
    stored = stored[:: -1 if held in (3, 4, 6, 7) else 1, :: -1 if held in (2, 3, 7, 8) else 1]
    rows = max(1, STRIP // picture.width)
    for top in range(0, picture.height, rows):  # never a whole picture twice
        bottom = min(top + rows, picture.height)
        stored[top:bottom] = _rgb(picture.crop((0, top, picture.width, bottom)))
    return pixels


def _rgb(picture: Image.Image) -> Pixels:
    if picture.mode in ("I;16", "I;16B", "I"):
        picture = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = Image.new("RGB", clear.size, "white")
        picture.paste(clear, mask=clear)
    return np.asarray(picture.convert("RGB"))


class _Listed(io.FileIO):
    """A zip whose listing is read only if it is short: zipfile takes all of it at once, and some
    ten times as much memory. Whatever else zipfile reads is in small parts."""

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = size if size is not None and 0 <= size <= MOST_LISTING else MOST_LISTING + 1
        content = super().read(wanted) or b""
        if len(content) > MOST_LISTING:
            raise FileRejected(
                f"{Path(str(self.name)).name} holds too many files; please take at most "
                f"{MOST_PICTURES} pictures."
            )
        return content


def _from_zip(archive: zipfile.ZipFile, name: str, most: int, side: int | None) -> list[Pixels]:
    entries = sorted(
        (
            entry
            for entry in archive.infolist()
            if Path(entry.filename).suffix.lower() in PICTURE_ENDINGS
            and not Path(entry.filename).name.startswith(".")
            and "__MACOSX" not in entry.filename
        ),
        key=lambda entry: entry.filename,
    )
    _require_number(len(entries), name)
    pictures = []
    decoded = kept = 0
    for entry in entries[:most]:
        member = f"{Path(entry.filename).name} in {name}"
        _require_file_bytes(entry.file_size, member)
        picture = _picture(*_bare(_unpack(archive, entry), member), member, kept)
        decoded += picture.nbytes
        picture = _crop_square(picture, side)
        kept += picture.nbytes
        if decoded > MOST_SET_BYTES:
            raise FileRejected(f"The pictures in {name} are too large; please make them smaller.")
        pictures.append(picture)
    return pictures


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """What an archive holds, and never more than it says that this is."""
    content = io.BytesIO()
    with archive.open(entry) as member:
        shutil.copyfileobj(member, content)
    return content.getvalue()


def _from_npz(archive: zipfile.ZipFile, name: str, most: int, side: int | None) -> list[Pixels]:
    for entry in sorted(archive.namelist()):
        with archive.open(entry) as member:
            if np.lib.format.read_magic(member) != (1, 0):
                continue  # a long header, of many fields; it may ask for any amount of memory
            shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        if dtype != np.uint8 or len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] > 3):
            continue  # names, labels, frame rates beside the pictures
        _require_number(shape[0], name)
        squares = 0 if side is None else 3 * min(side, *shape[1:3]) ** 2
        needed = math.prod(shape) + min(most, shape[0]) * squares
        if needed > MOST_MEMORY or min(shape) < 1:
            raise FileRejected(f"The pictures in {name} are too large; please make them smaller.")
        with archive.open(entry) as member:
            pictures = np.lib.format.read_array(member, allow_pickle=False)
        if pictures.ndim == 3:
            pictures = pictures[..., None]
        pictures = np.broadcast_to(pictures[..., :3], (*pictures.shape[:3], 3))
        return [_crop_square(picture, side) for picture in pictures[:most]]
    raise FileRejected(f"{name} holds no array of pictures (n, height, width) of type uint8.")


def _no_picture(name: str) -> FileRejected:
    return FileRejected(
        f"{name} could not be read as a picture; please choose a PNG, JPEG or WebP file."
    )


def _too_large(name: str, picture: Image.Image | None = None) -> FileRejected:
    has = f"{picture.width} x {picture.height}" if picture else "too many"
    small = "5000 x 5000"
    if picture and picture.format == "WEBP":  # its decoder holds more
        small = "3500 x 3500 or save it as a JPEG"
    return FileRejected(f"{name} has {has} pixels; please make it smaller than {small} first.")


def _require_file_bytes(length: int, name: str) -> None:
    if length > MOST_FILE_BYTES:
        raise FileRejected(
            f"{name} is larger than {MOST_FILE_BYTES // 10**6} MB; please make it smaller first."
        )


def _require_content(file: Path | io.BytesIO, name: str) -> None:
    if isinstance(file, Path):
        if not file.is_file():
            raise FileRejected(f"{name} was not found.")
        if file.stat().st_size == 0:
            raise FileRejected(f"{name} is empty; please choose another file.")


def _require_number(n: int, name: str) -> None:
    if n < 2:
        raise FileRejected(
            f"{name} holds {'one picture' if n else 'no picture'}; a set needs at least two."
        )
    if n > MOST_PICTURES:
        raise FileRejected(
            f"{name} holds {n} pictures; please take at most {MOST_PICTURES} of them."
        )


def _name(file: Path | io.BytesIO) -> str:
    return file.name if isinstance(file, Path) else "The file"
