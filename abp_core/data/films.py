"""Films: hostile files to frames.

Videos are decoded in a process of their own (`film_reader`), which has little time and memory; it
is not trusted either. What was done to a film is said in notes.
"""

import json
import math
import os
import struct
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from abp_core.data import film_choice, formats, sets
from abp_core.data.colours import Pixels
from abp_core.data.decode import MOST_MEMORY, decode_bytes
from abp_core.data.film_choice import LEAST_UNITS, Choice, Fit
from abp_core.data.film_reader import END, FRAME, HEADER, LEAST_FRAMES, NO_FILM, REFUSED, Wanted
from abp_core.data.formats import FileRejected

SOON = 4.0  # seconds within which a film that can be used has begun to arrive
LATEST = 20.0  # seconds after which no more of it is waited for
MOST_WORDS = 20_000  # bytes of a message that is no frame
STILL = 0.25  # levels by which the frames of a still may differ on average, by how they are packed
STILL_BLOCK = 16  # levels by which they may in a block
BLOCK = 4  # pixels
USUAL_RATE = 25.0  # frames a second of pictures, which have none
RATES = (0.001, 100_000.0)  # frames a second that are believed
ROOT = str(Path(__file__).parents[2])
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH", "TMPDIR", "TEMP")
BEGIN = (
    "import os, sys; sys.path += sys.argv[1].split(os.pathsep);"
    "from abp_core.data.film_reader import main; main()"
)
TOO_SLOW = (
    "takes too long to be decoded; please save it as an MP4 (H.264) of at most 1920 x 1080 first."
)
TOO_SHORT = "is too short or ends early: only {} of its frames can be used, and a film needs 8."
NO_MOTION = "does not move: all its frames are the same; please choose a film of what moves."
ADVICE = "please choose a film (MP4, WebM, AVI or GIF) or a zip of its frames."


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """frames (n, h, w, 3), bytes. rate: frames a second. notes: what was done, each the rest of a
    sentence that begins with the file. size: width and height of the film in the file, as it is
    seen. seconds: of the whole film."""

    frames: Pixels
    rate: float
    notes: tuple[str, ...]
    size: tuple[int, int]
    seconds: float


def read_film(path: Path, *, pixels: int, unit: int = 8, most: int = 300) -> Film:
    """The first `most` frames of a film, at most 30 a second: an MP4, MOV, WebM, Matroska, AVI,
    GIF or animated WebP, whatever its name ends with; a folder or zip of its frames, in the order
    of their names; an .npz with an array called `frames`, (n, h, w, 3) or (n, h, w) bytes, and
    `fps` where it is known; or an .npy of such frames.

    A frame covers at most so many pixels. Its shape is kept, but for what is cut off at
    opposite edges so that both its sides are multiples of `unit`; it is never made larger.

    Raises FileRejected, within some five seconds.
    """
    if pixels < (LEAST_UNITS * unit) ** 2 or unit < 1 or most < LEAST_FRAMES:
        raise ValueError("A film needs room for four units a side and for eight frames.")
    name, wish = path.name, Wanted("", pixels, unit, most)
    if path.is_dir():
        return _from_pictures(sets.members_of(path), name, wish)
    head = formats.read_head(path)
    formats.require_read(head, name)
    kind = formats.format_of(head)
    if kind in formats.FILMS or formats.is_animated_webp(head):
        return _from_video(path, Wanted(kind, pixels, unit, most))
    if kind in formats.SETS:
        return _from_set(path, kind, wish)
    if kind in formats.PICTURES:
        raise FileRejected(f"{name} is one picture and no film; {ADVICE}")
    if kind in formats.SOUNDS:
        raise FileRejected(f"{name} holds a sound and no pictures; {ADVICE}")
    raise FileRejected(f"{name} {NO_FILM}")


# Videos, by way of a process of their own.


def _from_video(path: Path, wish: Wanted) -> Film:
    answer = _Answer(path.name, wish)
    paths = os.pathsep.join([ROOT, *(each for each in sys.path if Path(each).is_absolute())])
    command = [sys.executable, "-I", "-c", BEGIN, paths, json.dumps(asdict(wish))]
    variables = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    variables |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each takes memory
    try:
        with path.open("rb") as file:
            process = subprocess.Popen(
                command,
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=variables,
            )
    except OSError as error:
        raise FileRejected(
            f"{path.name} could not be opened, or there is no room to decode it; please try again."
        ) from error
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(process, answer, done), daemon=True)
    with process:
        watch.start()
        try:
            assert process.stdout is not None
            answer.hear(process.stdout)
        finally:
            done.set()
            process.kill()
    return answer.film()


def _watch(process: "subprocess.Popen[bytes]", answer: "_Answer", done: threading.Event) -> None:
    """Ends the process when it is late, upon which what is heard of it ends too."""
    if done.wait(SOON):
        return
    if answer.enough and done.wait(LATEST - SOON):
        return
    answer.late = True
    process.kill()


class _Answer:
    """What a reader says, of which nothing is believed that was not asked for."""

    def __init__(self, name: str, wish: Wanted) -> None:
        self.late = False
        self._name, self._wish = name, wish
        self._frames: Pixels = np.empty((0, 0, 0, 3), np.uint8)
        self._number = 0
        self._moves = False
        self._facts: dict[str, Any] = {}
        self._notes: list[str] = []
        self._whole = False

    @property
    def enough(self) -> bool:
        """Whether there is a film by now, even if nothing more comes."""
        return self._number >= LEAST_FRAMES and self._moves

    def hear(self, stream: IO[bytes]) -> None:
        """All messages up to the last one. Raises FileRejected."""
        try:
            while not self._whole and (opening := stream.read(5)):
                letter, length = struct.unpack(">cI", opening)
                if letter == FRAME:
                    self._hear_frame(stream, length)
                else:
                    self._hear_words(letter, _exactly(stream, length, MOST_WORDS))
        except FileRejected:
            raise
        except (ValueError, TypeError, KeyError, OverflowError, EOFError, struct.error) as error:
            if not self.enough:
                raise self._refused(TOO_SLOW if self.late else NO_FILM) from error

    def film(self) -> Film:
        """What there is once all is heard. Raises FileRejected."""
        if not self._whole and not self.enough:
            raise self._refused(TOO_SLOW if self.late else NO_FILM)
        rate, seconds = float(self._facts["rate"]), float(self._facts["seconds"])
        if not self._whole:
            why = "it takes long to be decoded" if self.late else "it is damaged"
            self._notes.append(f"{why}; its first {self._number / rate:.1f} s were taken")
        width, height = self._facts["size"]
        frames = self._frames[: self._number]
        if 2 * self._number < len(self._frames):
            frames = frames.copy()
        _require_motion(frames, self._name)
        return Film(frames, rate, tuple(self._notes), (width, height), seconds)

    def _hear_frame(self, stream: IO[bytes], length: int) -> None:
        times, room = _exactly(stream, 1, 1)[0], len(self._frames) - self._number
        if not 1 <= times <= room or length != 1 + self._frames[0].nbytes:
            raise ValueError("This is no frame that was announced.")
        content = _exactly(stream, length - 1, length)
        pixels = np.frombuffer(content, np.uint8).reshape(self._frames.shape[1:])
        self._frames[self._number : self._number + times] = pixels
        self._number += times
        self._moves = self._moves or _differ(pixels, self._frames[0])

    def _hear_words(self, letter: bytes, content: bytes) -> None:
        if letter == REFUSED:
            raise self._refused(content.decode())
        facts = json.loads(content)
        if letter == END and self._facts:
            self._notes += [str(note) for note in facts["notes"]]
            self._whole = True
        elif letter == HEADER and not self._facts:
            self._begin(facts)
        else:
            raise ValueError("This is no message of a reader.")

    def _begin(self, facts: dict[str, Any]) -> None:
        height, width = facts["shape"]
        pixels, unit = self._wish.pixels, self._wish.unit
        if height % unit or width % unit or not 0 < height * width <= pixels:
            raise ValueError("These are no frames that were asked for.")
        if not 0 < facts["most"] <= self._wish.most:
            raise ValueError("These are more frames than were asked for.")
        if not (0 < facts["rate"] <= film_choice.MOST_RATE and 0 <= facts["seconds"] < math.inf):
            raise ValueError("This is no time.")
        facts["size"] = [int(number) for number in facts["size"]]
        self._frames = np.empty((int(facts["most"]), int(height), int(width), 3), np.uint8)
        self._facts = facts

    def _refused(self, sentence: str) -> FileRejected:
        return FileRejected(f"{self._name} {sentence}")


def _exactly(stream: IO[bytes], length: int, most: int) -> bytes:
    if length > most:
        raise ValueError("This is longer than any message.")
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content


# Frames that are pictures or numbers.


def holds_frames(path: Path) -> bool:
    """Whether a zip is numpy's archive of an array called `frames`."""
    try:
        with sets.opened_zip(path) as archive:
            return any(Path(entry).name == "frames.npy" for entry in archive.namelist())
    except Exception as error:  # zipfile raises many kinds; its reader says what is wrong
        if isinstance(error, MemoryError):
            raise
        return False


def _from_set(path: Path, kind: str, wish: Wanted) -> Film:
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
            return _from_pictures(members, name, wish)
    except FileRejected:
        raise
    except Exception as error:  # zipfile and numpy raise many kinds for broken files
        if isinstance(error, MemoryError):
            raise
        raise FileRejected(
            f"{name} could not be read as the frames of a film; please choose a zip of PNG, JPEG "
            "or WebP files, or an .npz."
        ) from error


def _from_pictures(members: list[sets.Member], name: str, wish: Wanted) -> Film:
    """A film of pictures that are all of one size."""
    if len(members) < LEAST_FRAMES:
        what = {0: "no pictures", 1: "one picture"}.get(len(members), f"{len(members)} pictures")
        raise FileRejected(f"{name} holds {what}; a film needs at least 8 frames.")
    choice = film_choice.choose_even(len(members), USUAL_RATE, wish.most)
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
    notes += film_choice.notes_of(choice, choice.rate, len(taken) / choice.rate, rest)
    frames = np.stack(taken)
    _require_motion(frames, name)
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
    choice = film_choice.choose_even(shape[0], rate or USUAL_RATE, wish.most)
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
    notes += film_choice.notes_of(
        choice, choice.rate * choice.step, taken / choice.rate, seconds if more else 0
    )
    _require_motion(frames[:taken], name)
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
    fit = film_choice.fit(height, width, pixels=wish.pixels, unit=wish.unit)
    if fit is None:
        raise FileRejected(f"{name} {film_choice.why_no_fit(height, width, unit=wish.unit)}")
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


def _differ(one: Pixels, other: Pixels) -> bool:
    """Whether something moved from one frame to the other: a little everywhere, or much somewhere.
    Films pack the same picture in several ways, of which edges tremble."""
    height, width = (size - size % BLOCK for size in one.shape[:2])
    change = one[:height, :width].astype(np.float32) - other[:height, :width]
    blocks = change.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3).mean((1, 3))
    return bool(np.abs(change).mean() > STILL or np.abs(blocks).max() > STILL_BLOCK)


def _require_motion(frames: Pixels, name: str) -> None:
    if len(frames) < LEAST_FRAMES:
        raise FileRejected(f"{name} {TOO_SHORT.format(len(frames))}")
    if not any(_differ(frame, frames[0]) for frame in frames[1:]):
        raise FileRejected(f"{name} {NO_MOTION}")
