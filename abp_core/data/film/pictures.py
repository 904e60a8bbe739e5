"""Films that are kept as pictures or as numbers: folders and zips of frames, and numpy's arrays."""

import math
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from abp_core.data import sets
from abp_core.data.colours import Pixels
from abp_core.data.decode import MOST_MEMORY, decode_bytes
from abp_core.data.film import choosing
from abp_core.data.film.choosing import Choice, Fit
from abp_core.data.film.frames import LATEST, SOON, TOO_SHORT, Film, require_motion
from abp_core.data.film.protocol import LEAST_FRAMES, Wanted
from abp_core.data.formats import FileRejected

USUAL_RATE = 25.0  # frames a second of pictures, which have none
RATES = (0.001, 100_000.0)  # frames a second that are believed


def holds_frames(path: Path) -> bool:
    """Whether a zip is numpy's archive of an array called `frames`."""
    try:
        with sets.opened_zip(path) as archive:
            return any(Path(entry).name == "frames.npy" for entry in archive.namelist())
    except Exception as error:  # zipfile raises many kinds; its reader says what is wrong
        if isinstance(error, MemoryError):
            raise
        return False


def from_set(path: Path, kind: str, wish: Wanted) -> Film:
    """A film of a zip, of pictures or of an array, or of an .npy. Raises FileRejected."""
    name = path.name
    try:
        if kind == "npy":
            with path.open("rb") as file:
                return _from_array(file, name, wish, None)
        with sets.opened_zip(path) as archive:
            members = sets.members_of(archive)
            arrays = {Path(entry).name for entry in archive.namelist()}
            if not members and "frames.npy" in arrays:
                rate = _rate_beside(archive) if "fps.npy" in arrays else None
                with archive.open("frames.npy") as member:
                    return _from_array(member, name, wish, rate)
            if not members and path.suffix.lower() == ".npz":
                raise _no_frames(name)
            return from_pictures(members, name, wish)
    except FileRejected:
        raise
    except Exception as error:  # zipfile and numpy raise many kinds for broken files
        if isinstance(error, MemoryError):
            raise
        raise FileRejected(
            f"{name} could not be read as the frames of a film; please choose a zip of PNG, JPEG "
            "or WebP files, or an .npz."
        ) from error


def from_pictures(members: list[sets.Member], name: str, wish: Wanted) -> Film:
    """A film of pictures that are all of one size. Raises FileRejected."""
    if len(members) < LEAST_FRAMES:
        what = {0: "no pictures", 1: "one picture"}.get(len(members), f"{len(members)} pictures")
        raise FileRejected(f"{name} holds {what}; a film needs at least 8 frames.")
    choice = choosing.choose_even(len(members), USUAL_RATE, wish.most)
    began, notes = time.monotonic(), [f"its pictures are played at {USUAL_RATE:.0f} a second"]
    size: tuple[int, int] | None = None
    first, fit, taken = "", None, list[Pixels]()
    for member, content in members[: len(choice.places)]:
        waited = time.monotonic() - began
        if waited > LATEST or (waited > SOON and len(taken) < LEAST_FRAMES):
            break
        short = Path(member).name
        made = decode_bytes(_content(content, short, name), f"{short} in {name}")
        if size is None:
            size, first = made.size, short
            fit = _fit(made.pixels.shape[:2], name, wish)
        if made.size != size or not made.whole:
            raise FileRejected(_odd(name, short, first, made.size, size))
        assert fit is not None
        taken.append(_smaller(made.pixels, fit))
    if len(taken) < LEAST_FRAMES:
        raise FileRejected(f"{name} takes too long to be read; please make its pictures smaller.")
    seconds = len(members) / choice.rate
    if len(taken) < len(choice.places):
        notes.append("they take long to be read")
    rest = seconds if len(taken) < len(members) else 0
    notes += choosing.notes_of(choice, choice.rate, len(taken) / choice.rate, rest)
    frames = np.stack(taken)
    require_motion(frames, name)
    return Film(frames, choice.rate, tuple(notes), size or (0, 0), seconds)


def _content(content: Callable[[], bytes], short: str, name: str) -> bytes:
    try:
        return content()
    except (FileRejected, MemoryError):
        raise
    except Exception as error:  # zipfile raises many kinds for a member that is damaged
        raise FileRejected(
            f"{short} in {name} could not be unpacked; please pack the frames again."
        ) from error


def _odd(name: str, short: str, first: str, size: tuple[int, int], usual: tuple[int, int]) -> str:
    if size == usual:
        return f"{short} in {name} ends early; please take it out or export it again."
    return (
        f"{name} holds frames of several sizes, {first} of {usual[0]} x {usual[1]} pixels and "
        f"{short} of {size[0]} x {size[1]}; please make them all of one size."
    )


def _from_array(file: IO[bytes], name: str, wish: Wanted, rate: float | None) -> Film:
    """A film of numpy's bytes, of which no more is read than is taken."""
    if np.lib.format.read_magic(file) != (1, 0):
        raise _no_frames(name)
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    coloured = len(shape) == 4 and shape[3] == 3
    if dtype != np.uint8 or by_columns or not (coloured or len(shape) == 3) or min(shape) < 1:
        raise _no_frames(name)
    if shape[0] < LEAST_FRAMES:
        raise FileRejected(f"{name} holds {shape[0]} frames; a film needs at least 8 frames.")
    length = math.prod(shape[1:])
    if length > MOST_MEMORY // 8:
        raise FileRejected(f"The frames in {name} are too large; please make them smaller.")
    fit = _fit(shape[1:3], name, wish)
    choice = choosing.choose_even(shape[0], rate or USUAL_RATE, wish.most)
    frames = np.empty((len(choice.places), *fit.kept, 3), np.uint8)
    began = time.monotonic()
    taken = 0
    for taken, pixels in enumerate(_each(file, shape[1:], choice), 1):
        frames[taken - 1] = _smaller(np.broadcast_to(pixels, (*shape[1:3], 3)), fit)
        waited = time.monotonic() - began
        if waited > LATEST or (waited > SOON and taken < LEAST_FRAMES):
            break
    if taken < LEAST_FRAMES:
        raise FileRejected(f"{name} {TOO_SHORT.format(taken)}")
    seconds = shape[0] * choice.step**-1 / choice.rate
    more = taken * choice.step < shape[0]
    notes = [] if rate else [f"its frames are played at {USUAL_RATE:.0f} a second"]
    notes += choosing.notes_of(
        choice, choice.rate * choice.step, taken / choice.rate, seconds if more else 0
    )
    require_motion(frames[:taken], name)
    return Film(frames[:taken], choice.rate, tuple(notes), (shape[2], shape[1]), seconds)


def _each(file: IO[bytes], shape: tuple[int, ...], choice: Choice) -> Iterator[Pixels]:
    """The chosen ones of frames that follow each other in a file, (h, w, 3 or 1), up to its end."""
    length, at = math.prod(shape), 0
    for place in choice.places:
        for _ in range(int(place) - at):
            file.read(length)
        content = file.read(length)
        at = int(place) + 1
        if len(content) < length:
            return
        yield np.frombuffer(content, np.uint8).reshape(*shape[:2], -1)


def _rate_beside(archive: zipfile.ZipFile) -> float | None:
    """Frames a second as an array called `fps` beside them has it."""
    with archive.open("fps.npy") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            return None
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if math.prod(shape) != 1 or dtype.kind not in "fiu":
            return None
        value: NDArray[Any] = np.frombuffer(file.read(dtype.itemsize), dtype)
    rate = float(value[0])
    return rate if RATES[0] <= rate <= RATES[1] else None


def _fit(shape: tuple[int, ...], name: str, wish: Wanted) -> Fit:
    height, width = shape
    fit = choosing.fit(height, width, pixels=wish.pixels, unit=wish.unit)
    if fit is None:
        raise FileRejected(f"{name} {choosing.why_no_fit(height, width, unit=wish.unit)}")
    return fit


def _smaller(pixels: Pixels, fit: Fit) -> Pixels:
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if picture.size != fit.scaled[::-1]:
        picture = picture.resize(fit.scaled[::-1], Image.Resampling.LANCZOS)
    top, left = fit.corner
    return np.asarray(picture)[top : top + fit.kept[0], left : left + fit.kept[1]]


def _no_frames(name: str) -> FileRejected:
    return FileRejected(
        f"{name} holds no array called frames of bytes, (n, height, width, 3) or (n, height, "
        "width); please save it so."
    )
