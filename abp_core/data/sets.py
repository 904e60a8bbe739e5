"""Sets of pictures: a folder or a zip of them, or an array of numpy's, through one door.

What cannot be used is left out and named; of what is too many an even choice is taken.
"""

import io
import math
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from abp_core.data.colours import Pixels
from abp_core.data.decode import (
    MOST_MEMORY,
    TooLargeTogether,
    decode_bytes,
    require_file_bytes,
    square,
)
from abp_core.data.formats import PICTURE_ENDINGS, FileRejected, format_of, read_head

MOST_PICTURES = 5_000  # of a set
MOST_SET_BYTES = 400_000_000  # of a set once unpacked; not all of it is held at once
MOST_LISTING = 2_000_000  # bytes in which a zip says what it holds; twice what 5,000 pictures need
LONGEST_NAME = 200  # characters, of a picture in an array
MOST_NAMED = 3  # pictures that are left out, in a sentence
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without bounds
LEAST_SIDE = 0.5  # of the set's median; a smaller picture shows too little

Member = tuple[str, Callable[[], bytes]]  # a picture's file: its name, and its content


@dataclass(frozen=True, slots=True, eq=False)
class PictureSet:
    """pictures (h, w, 3). total: how many there were. left_out: names and why, the rest of a
    sentence. notes: what was done, each the rest of a sentence that begins with the file. names: of
    the pictures, as their files or an array of names beside them have it; empty for none. sizes:
    widths and heights that there are in the file."""

    pictures: list[Pixels]
    total: int
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    sizes: frozenset[tuple[int, int]] = frozenset()


def read_pictures(
    path: Path, *, most: int = MOST_PICTURES, side: int | None = None
) -> list[Pixels]:
    """The pictures of a set, see `read_set`. Raises FileRejected."""
    return read_set(path, most=most, side=side).pictures


def read_set(path: Path, *, most: int = MOST_PICTURES, side: int | None = None) -> PictureSet:
    """A folder or zip of pictures, with folders in it or not, in the order of their names, or an
    .npz or .npy of them: (n, h, w), (n, h, w, 1, 3 or 4) or (n, 1 or 3, h, w), bytes or numbers
    from 0 to 1. Of more than `most` as many, evenly chosen; each cut to a square no larger than
    `side` where that is given. Raises FileRejected."""
    name = path.name
    if path.is_dir():
        return _from_files(_in_folder(path), name, most, side)
    if format_of(read_head(path)) == "npy":
        return _from_arrays([(name, lambda: path.open("rb"))], name, most, side)
    try:
        with opened_zip(path) as archive:
            entries = archive.infolist()
            arrays = [e for e in entries if e.filename.lower().endswith(".npy") and _shown(e)]
            files = list(_in_zip(archive))
            if arrays and not files:
                members = [(e.filename, partial(archive.open, e)) for e in arrays]
                return _from_arrays(members, name, most, side)
            if path.suffix.lower() == ".npz" and not files:
                raise _no_array(name)
            return _from_files(files, name, most, side)
    except FileRejected:
        raise
    except Exception as error:  # zipfile and numpy raise many kinds for broken files
        raise FileRejected(
            f"{name} could not be read as a set of pictures; please choose a zip of PNG, JPEG or "
            "WebP files, or an .npz."
        ) from error


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip that is packed in an ordinary way and does not unpack to too much. Raises
    FileRejected, and whatever zipfile does for a broken one."""
    with _Listed(path) as listed, zipfile.ZipFile(listed) as archive:
        _require_ordinary(archive.infolist(), path.name)
        yield archive


def members_of(source: Path | zipfile.ZipFile) -> list[Member]:
    """The files of pictures in a folder or an open zip, in the order of their names as people
    count, and what each holds."""
    return _in_folder(source) if isinstance(source, Path) else list(_in_zip(source))


def choose_evenly(n: int, most: int) -> NDArray[np.int64]:
    """At most so many of n places, as far apart as can be."""
    return np.arange(n) if n <= most else np.arange(most) * n // most


def _require_ordinary(entries: list[zipfile.ZipInfo], name: str) -> None:
    if any(entry.compress_type not in PACKINGS for entry in entries):
        raise FileRejected(f"{name} is packed in a rare way; please make an ordinary zip.")
    if any(entry.flag_bits & 1 for entry in entries):
        raise FileRejected(f"{name} is locked with a password; please pack it without one.")
    if sum(entry.file_size for entry in entries) > MOST_SET_BYTES:
        raise FileRejected(
            f"{name} unpacks to more than {MOST_SET_BYTES // 10**6} MB; "
            "please take fewer or smaller pictures."
        )


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


def _in_order(name: str) -> list[tuple[int, int | str]]:
    """By which names are sorted as people count: 2 before 10."""
    parts = re.split(r"(\d{1,18})", name)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def _is_picture(name: str) -> bool:
    """Whether a member by that name, with the folders it is in, is meant to be a picture: not what
    systems put beside them."""
    parts = Path(name.replace("\\", "/")).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts if part != "..")
    return not hidden and Path(name).suffix.lower() in PICTURE_ENDINGS


def _shown(entry: zipfile.ZipInfo) -> bool:
    return not entry.is_dir() and "__MACOSX" not in entry.filename


def _in_folder(folder: Path) -> list[Member]:
    names = {
        file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if _is_picture(file.relative_to(folder).as_posix()) and file.is_file()
    }

    def content(file: Path) -> bytes:
        require_file_bytes(file.stat().st_size, file.name)
        return file.read_bytes()

    ordered = sorted(names.items(), key=lambda each: _in_order(each[0]))
    return [(name, partial(content, file)) for name, file in ordered]


def _in_zip(archive: zipfile.ZipFile) -> Iterator[Member]:
    entries = [e for e in archive.infolist() if not e.is_dir() and _is_picture(e.filename)]
    for entry in sorted(entries, key=lambda entry: _in_order(entry.filename)):
        yield entry.filename, partial(_unpack, archive, entry)


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """What an archive holds, and never more than it says that this is."""
    require_file_bytes(entry.file_size, Path(entry.filename).name)
    content = io.BytesIO()
    with archive.open(entry) as member:
        shutil.copyfileobj(member, content)
    return content.getvalue()


def _from_files(members: list[Member], name: str, most: int, side: int | None) -> PictureSet:
    """The pictures among files, of which those that cannot be used are left out."""
    _require_number(len(members), name)
    found: list[tuple[str, Pixels, tuple[int, int]]] = []
    left_out: list[tuple[str, str]] = []
    decoded = kept = 0
    for place in choose_evenly(len(members), most):
        member, content = members[int(place)]
        short = Path(member).name
        try:
            made = decode_bytes(content(), f"{short} in {name}", kept=kept)
        except TooLargeTogether:
            raise
        except FileRejected as refusal:
            reason = str(refusal).removeprefix(f"{short} in {name} ").removeprefix(f"{short} ")
            left_out.append((short, reason))
            continue
        except Exception as error:  # zipfile raises many kinds for a member that is damaged
            if isinstance(error, MemoryError):
                raise
            left_out.append((short, "could not be unpacked."))
            continue
        if not made.whole:  # the others would no longer be aligned with what is there of it
            left_out.append((short, "ends early."))
            continue
        decoded += made.pixels.nbytes
        if decoded > MOST_SET_BYTES:
            raise FileRejected(f"The pictures in {name} are too large; please make them smaller.")
        picture = _crop_square(made.pixels, side)
        kept += picture.nbytes
        found.append((short, picture, made.size))
    found, small = _without_small(found)
    if len(found) < 2:
        if len(members) - len(left_out) < 2 and left_out:
            raise FileRejected(f"{left_out[0][0]} in {name} {left_out[0][1]}")
        raise FileRejected(f"{name} holds too few pictures of one size; a set needs at least two.")
    names, pictures, sizes = zip(*found, strict=True)
    return PictureSet(
        list(pictures),
        len(members),
        (*left_out, *small),
        names=names,
        sizes=frozenset(sizes),
    )


def _without_small(
    found: list[tuple[str, Pixels, tuple[int, int]]],
) -> tuple[list[tuple[str, Pixels, tuple[int, int]]], list[tuple[str, str]]]:
    """Without pictures that are much smaller than most: they would have to be made larger, or all
    the others as small."""
    if not found:
        return found, []
    usual = float(np.median([min(picture.shape[:2]) for _, picture, _ in found]))
    small = [each[0] for each in found if min(each[1].shape[:2]) < LEAST_SIDE * usual]
    kept = [each for each in found if min(each[1].shape[:2]) >= LEAST_SIDE * usual]
    return kept, [(n, "is much smaller than the others.") for n in small]


def _from_arrays(
    members: Sequence[tuple[str, Callable[[], IO[bytes]]]], name: str, most: int, side: int | None
) -> PictureSet:
    """The pictures in numpy's arrays: of several the one for training, else the longest."""
    shapes: list[tuple[bool, int, str, Callable[[], IO[bytes]]]] = []
    for member, opened in sorted(members, key=lambda each: each[0]):
        with opened() as file:
            shape, dtype = _header(file)
        if _holds_pictures(shape, dtype):
            shapes.append(("train" in member.lower(), shape[0], member, opened))
    if not shapes:
        raise _no_array(name)
    _, n, member, opened = max(shapes, key=lambda each: each[:2])
    with opened() as file:
        shape, dtype = _header(file)
    _require_number(n, name)
    chosen = choose_evenly(n, most)
    squares = 0 if side is None else 3 * min(side, *sorted(shape[1:])[-2:]) ** 2
    held = 1 if dtype == np.uint8 else 2 * dtype.itemsize  # numbers become bytes by way of others
    needed = math.prod(shape) * held + len(chosen) * squares
    if needed > MOST_MEMORY or min(shape) < 1:
        raise FileRejected(f"The pictures in {name} are too large; please make them smaller.")
    with opened() as file:
        values = np.lib.format.read_array(file, allow_pickle=False)
    pictures = _as_bytes(values, name)
    notes = [f"of {len(shapes)} arrays {Path(member).stem} was taken"] if len(shapes) > 1 else []
    if pictures.shape[3] == 4:
        notes.append("alpha was left out")
    pictures = np.broadcast_to(pictures[..., :3], (*pictures.shape[:3], 3))
    squared = [_crop_square(pictures[place], side) for place in chosen]
    size = (pictures.shape[2], pictures.shape[1])
    beside = _names_beside(members, n)
    names = tuple(beside[place] for place in chosen) if beside else ()
    return PictureSet(squared, n, notes=tuple(notes), names=names, sizes=frozenset([size]))


def _names_beside(members: Sequence[tuple[str, Callable[[], IO[bytes]]]], n: int) -> list[str]:
    """The names of n pictures where an array called so holds as many of them, not too long."""
    for member, opened in members:
        if Path(member).stem != "names":
            continue
        with opened() as file:
            shape, dtype = _header(file)
        if shape == (n,) and dtype.kind == "U" and dtype.itemsize <= 4 * LONGEST_NAME:
            with opened() as file:
                values: list[str] = np.lib.format.read_array(file, allow_pickle=False).tolist()
            return values
    return []


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """Shape and type of an array, without reading it. One with a long header, of many fields, which
    may ask for any amount of memory, has no shape here."""
    if np.lib.format.read_magic(file) != (1, 0):
        return (), np.dtype(np.void)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, dtype


def _holds_pictures(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> bool:
    """Not names, labels or frame rates beside the pictures."""
    if dtype != np.uint8 and dtype.kind != "f":
        return False
    return len(shape) == 3 or (len(shape) == 4 and (shape[3] in (1, 3, 4) or shape[1] in (1, 3)))


def _as_bytes(values: NDArray[np.generic], name: str) -> Pixels:
    """Pictures (n, h, w, 1, 3 or 4)."""
    if values.ndim == 3:
        values = values[..., None]
    elif values.shape[3] not in (1, 3, 4):
        values = values.transpose(0, 2, 3, 1)
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    numbers = values.astype(np.float32)
    low, high = float(np.min(numbers)), float(np.max(numbers))
    if not (math.isfinite(low) and math.isfinite(high)) or low < -1 or high > 255:
        raise FileRejected(
            f"{name} holds numbers that are no colours; please save bytes, or numbers from 0 to 1."
        )
    if low < 0:
        numbers = (numbers + 1) * 127.5
    elif high <= 1:
        numbers = numbers * 255
    return np.round(numbers).clip(0, 255).astype(np.uint8)


def _crop_square(pixels: Pixels, side: int | None) -> Pixels:
    return pixels if side is None else square(pixels, min(side, *pixels.shape[:2]))


def _no_array(name: str) -> FileRejected:
    return FileRejected(
        f"{name} holds no array of pictures (n, height, width) of bytes or of numbers from 0 to 1."
    )


def _require_number(n: int, name: str) -> None:
    if n < 2:
        raise FileRejected(
            f"{name} holds {'one picture' if n else 'no picture'}; a set needs at least two."
        )
    if n > MOST_PICTURES:
        raise FileRejected(
            f"{name} holds {n} pictures; please take at most {MOST_PICTURES} of them."
        )
