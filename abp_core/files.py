"""The only door for files: pictures, sounds and sets of pictures to plain arrays.

Every file may be hostile. What a header promises is checked before anything is decoded, so a
small file cannot ask for much memory. A refusal is one sentence that says what to do.
"""

import io
import zipfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageOps

Pixels = NDArray[np.uint8]
Samples = NDArray[np.float32]

MOST_PIXELS = 25_000_000  # of one picture: 100 MB once decoded
MOST_SAMPLES = 30_000_000  # of one sound, over all channels: 120 MB once decoded
LOUDEST = 1e9  # of a sound's samples; beyond it their squares would overflow
MOST_SECONDS = 60.0  # of a sound that are used; the rest is left out
MOST_PICTURES = 5_000  # of a set
MOST_SET_BYTES = 400_000_000  # of a set once unpacked
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without bounds
SET_ENDINGS = (".zip", ".npz")


class FileRejected(ValueError):
    """A file that cannot be used. The message is one sentence for the user."""


def read_picture(file: Path | io.BytesIO, name: str = "") -> Pixels:
    """A PNG, JPEG or WebP as (h, w, 3). Transparent parts become white.

    Raises FileRejected.
    """
    name = name or _name(file)
    _require_content(file, name)
    try:
        with Image.open(file, formats=("PNG", "JPEG", "WEBP")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise FileRejected(
                    f"{name} has {picture.width} x {picture.height} pixels; "
                    f"please make it smaller than {int(MOST_PIXELS**0.5)} x "
                    f"{int(MOST_PIXELS**0.5)} first."
                )
            ImageOps.exif_transpose(picture, in_place=True)
            seen: Image.Image = picture
            if seen.mode in ("I;16", "I;16B", "I"):
                seen = Image.fromarray((np.asarray(seen) // 257).astype(np.uint8))
            if seen.has_transparency_data:
                clear = seen.convert("RGBA")
                seen = Image.new("RGB", clear.size, "white")
                seen.paste(clear, mask=clear)
            return np.array(seen if seen.mode == "RGB" else seen.convert("RGB"))
    except FileRejected:
        raise
    except Exception as error:  # Pillow raises many kinds for broken files
        raise FileRejected(
            f"{name} could not be read as a picture; please choose a PNG, JPEG or WebP file."
        ) from error


def read_sound(path: Path) -> tuple[Samples, int]:
    """The first minute of a WAV, FLAC, OGG or MP3 as mono samples (frames,), and its rate.

    Raises FileRejected.
    """
    name = _name(path)
    _require_content(path, name)
    try:
        with soundfile.SoundFile(path) as sound:
            frames = min(sound.frames, int(MOST_SECONDS * sound.samplerate))
            if frames * sound.channels > MOST_SAMPLES:
                raise FileRejected(
                    f"{name} holds too many samples a second; please save it as 48 kHz stereo."
                )
            samples = sound.read(frames, dtype="float32", always_2d=True)
            rate = int(sound.samplerate)
    except FileRejected:
        raise
    except Exception as error:  # libsndfile raises several kinds for broken files
        raise FileRejected(
            f"{name} could not be read as a sound; please choose a WAV, FLAC, OGG or MP3 file."
        ) from error
    if not (np.abs(samples) <= LOUDEST).all():
        raise FileRejected(f"{name} holds values that are no numbers; please export it again.")
    return samples.mean(axis=1), rate


def read_pictures(path: Path) -> list[Pixels]:
    """A folder or zip of pictures, or an .npz of them (n, h, w) or (n, h, w, 1 or 3), uint8, as
    arrays (h, w, 3) in the order of their names. Raises FileRejected."""
    name = _name(path)
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_ENDINGS)
        _require_number(len(files), name)
        return [read_picture(file) for file in files]
    _require_content(path, name)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(entry.compress_type not in PACKINGS for entry in entries):
                raise FileRejected(f"{name} is packed in a rare way; please make an ordinary zip.")
            if sum(entry.file_size for entry in entries) > MOST_SET_BYTES:
                raise FileRejected(
                    f"{name} unpacks to more than {MOST_SET_BYTES // 10**6} MB; "
                    "please take fewer or smaller pictures."
                )
            if path.suffix.lower() == ".npz":
                return _from_npz(archive, name)
            return _from_zip(archive, name)
    except FileRejected:
        raise
    except Exception as error:  # zipfile and numpy raise many kinds for broken files
        raise FileRejected(
            f"{name} could not be read as a set of pictures; please choose a zip of PNG, JPEG or "
            "WebP files, or an .npz."
        ) from error


def _from_zip(archive: zipfile.ZipFile, name: str) -> list[Pixels]:
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
    decoded = 0
    for entry in entries:
        with archive.open(entry) as member:  # its size may be a lie: never unpack beyond it
            content = io.BytesIO(member.read(entry.file_size))
        picture = read_picture(content, f"{Path(entry.filename).name} in {name}")
        decoded += picture.nbytes
        if decoded > MOST_SET_BYTES:
            raise FileRejected(f"The pictures in {name} are too large; please make them smaller.")
        pictures.append(picture)
    return pictures


def _from_npz(archive: zipfile.ZipFile, name: str) -> list[Pixels]:
    for entry in sorted(archive.namelist()):
        with archive.open(entry) as member:
            version = np.lib.format.read_magic(member)
            read_header = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read_header(member)
        if dtype != np.uint8 or len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] > 3):
            continue  # names, labels, frame rates beside the pictures
        _require_number(shape[0], name)
        if np.prod([float(size) for size in shape]) > MOST_SET_BYTES or min(shape) < 1:
            raise FileRejected(f"The pictures in {name} are too large; please make them smaller.")
        with archive.open(entry) as member:
            pictures = np.lib.format.read_array(member, allow_pickle=False)
        if pictures.ndim == 3:
            pictures = pictures[..., None]
        return list(np.broadcast_to(pictures[..., :3], (*pictures.shape[:3], 3)))
    raise FileRejected(f"{name} holds no array of pictures (n, height, width) of type uint8.")


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
