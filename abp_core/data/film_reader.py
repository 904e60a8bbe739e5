"""A film's frames, decoded in a process of its own, which a hostile file may well break.

It is given an open file and little time and memory, and answers by messages on its standard output:
a letter, the length of what follows in four bytes, and that.

HEADER   what is coming, as JSON: `shape` (h, w) of a frame and how many there are at most (`most`),
         their `rate`, and `size` and `seconds` of the whole film
FRAME    one byte, how many times the frame is shown, and its h x w x 3 bytes
END      notes, as JSON
REFUSED  the rest of a sentence that begins with the file
"""

import contextlib
import importlib
import io
import json
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from abp_core.data import film_choice, film_colours
from abp_core.data.film_choice import Choice, Fit

Bytes = NDArray[np.uint8]

HEADER, FRAME, END, REFUSED = b"H", b"F", b"E", b"R"
LEAST_FRAMES = 8
MOST_PIXELS = 4096 * 2304
LARGEST = 2**31 - 1  # pixels that are believed of a header
MOST_MEMORY = 320_000_000  # bytes that the process may ask for; it starts with a fifth of them
MOST_BOXES = 1000  # of an MP4, up to its index
MOST_WEBP = 40_000_000  # bytes of its file
MOST_CPU = 40  # seconds
MOST_STEP = 34  # of the frames that are looked at one is taken
SPARE = 32  # frames, by which they come in another order than they are shown in
MOST_BROKEN = 100  # packets that cannot be decoded
MOST_REPEATS = 255  # of a frame, in a byte
LONGEST = 1e6  # seconds; a film that promises more is not believed
SQUARE_WITHIN = 10  # how oblong a pixel may be
ALIKE_SHAPE = 0.02  # by which the shape of frames may differ that are brought to one size
HIGH_DEFINITION = 720  # rows from which on a film that does not tell its colours has BT.709's
USUAL_RATE = 25.0  # frames a second where a film does not tell
MATRICES = (2, 3)  # of colours, in ffmpeg's list: not told, reserved
SCALING = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
DEMUXERS = {"MP4": "mov", "WebM": "matroska", "AVI": "avi", "GIF": "gif"}
CODECS = (
    *("h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "gif", "mpeg4", "mpeg2video", "mpeg1video"),
    *("mjpeg", "png", "h263", "msmpeg4", "msmpeg4v1", "msmpeg4v2", "wmv1", "wmv2", "wmv3", "vc1"),
    *("prores", "dnxhd", "dvvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "qtrle"),
    *("cinepak", "svq1", "svq3", "theora", "flv", "vp6", "vp6f", "indeo5", "msvideo1", "cfhd"),
)
NO_FILM = "could not be read as a film; please choose an MP4 (H.264), WebM, AVI or GIF file."
NO_INDEX = (
    "could not be read as a film, since its index is missing, as if it were cut off; please copy "
    "or save it again."
)
TOO_LARGE = (
    "has {} x {} pixels; please make it smaller than 4096 x 2304 first, such as 1920 x 1080."
)
UNKNOWN = (
    "has pictures that are packed by {}, which is not read here; please save it as an MP4 (H.264) "
    "file."
)
TOO_MUCH = (
    "needs too much memory to be decoded; please save it as an MP4 (H.264) of at most 1920 x 1080 "
    "first."
)
TOO_FEW = "holds {}; a film needs at least 8 frames."
ONLY_SOUND = (
    "holds a sound and no pictures; please choose a film, or save the sound as a WAV, FLAC, OGG or "
    "MP3 file."
)
ENDS_EARLY = "it ends early; what is there of it was taken"
NEW_SHAPE = "its frames change their shape after {:.1f} s; what comes before was taken"
NEW_SIZE = "its frames change their size after {:.1f} s and were brought to one"
BRIGHT = "its HDR colours were brought to those of a common screen"
INTERLACED = "it is interlaced; one field of each of its frames was taken"
DAMAGED = "some of its frames could not be decoded and were left out"


class Refused(Exception):
    """A film that cannot be used. The message is the rest of a sentence that begins with it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader is asked for. kind: the file's format, as `formats.format_of` has it."""

    kind: str
    pixels: int
    unit: int
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """What is known of a film before it is decoded. ticks: when its frames are shown, in the units
    of the stream; empty where they are only counted. number: of frames that were looked at.
    complete: whether that is all of them. seconds: of the whole film; None where that is not known.
    aspect: of a pixel, its width over its height. cut: whether the file has no end."""

    choice: Choice
    ticks: list[int]
    number: int
    complete: bool
    rate: float
    length: float
    seconds: float | None
    aspect: float
    cut: bool = False


@dataclass(slots=True, eq=False)
class Sender:
    """Frames on their way out."""

    file: IO[bytes]
    sent: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def message(self, letter: bytes, content: bytes) -> None:
        self.file.write(letter + struct.pack(">I", len(content)) + content)
        self.file.flush()

    def facts(self, letter: bytes, **facts: Any) -> None:
        self.message(letter, json.dumps(facts).encode())

    def frame(self, pixels: Bytes, times: int) -> None:
        while times > 0:
            some = min(times, MOST_REPEATS)
            self.message(FRAME, bytes([some]) + np.ascontiguousarray(pixels).tobytes())
            self.sent += some
            times -= some


def main() -> None:
    """Reads the film on the standard input. The wish is the last argument, as JSON."""
    out = Sender(os.fdopen(os.dup(1), "wb"))
    file = os.fdopen(os.dup(0), "rb")
    wanted = Wanted(**json.loads(sys.argv[-1]))
    if wanted.kind == "WebP":
        importlib.import_module("PIL.WebPImagePlugin")  # before memory is short
    _be_modest()
    try:
        (_send_webp if wanted.kind == "WebP" else _send)(file, wanted, out)
    except Refused as refusal:
        out.message(REFUSED, str(refusal).encode())
    except BrokenPipeError:
        pass
    except MemoryError:
        out.message(REFUSED, TOO_MUCH.encode())
    except Exception:  # ffmpeg and Pillow raise many kinds for broken files
        cut = wanted.kind == "MP4" and not _has_index(file)
        out.message(REFUSED, (NO_INDEX if cut else NO_FILM).encode())


def _be_modest() -> None:
    """Gives up memory, time and the right to write files, where the system can be told so."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {"RLIMIT_CORE": 0, "RLIMIT_CPU": MOST_CPU, "RLIMIT_FSIZE": 0}
    # All that a process holds for itself counts, whether it is touched or not, but not its code.
    limits |= {"RLIMIT_DATA": MOST_MEMORY} if sys.platform == "linux" else {}
    for name, most in limits.items():
        with contextlib.suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, name), (most, most))


# Films as ffmpeg reads them.


@contextlib.contextmanager
def _opened(file: IO[bytes], kind: str, most: int = MOST_PIXELS) -> Iterator[tuple[Any, Any]]:
    """The container and its stream of pictures, of which none with more than `most` pixels is
    decoded. Raises Refused."""
    file.seek(0)
    allowed = {"codec_whitelist": ",".join(CODECS)}
    with av.open(
        file,
        format=DEMUXERS[kind],
        container_options=allowed,
        options={"max_pixels": str(most), "threads": "1"},
        metadata_errors="replace",
    ) as film:
        pictures = [
            each
            for each in film.streams.video
            if not each.disposition & each.disposition.attached_pic
        ]
        if not pictures:
            raise Refused(ONLY_SOUND if film.streams.audio else NO_FILM)
        stream = pictures[0]
        yield film, stream


def _send(file: IO[bytes], wanted: Wanted, out: Sender) -> None:
    _require_size(_promised(file, wanted.kind))
    listing = _listing(file, wanted)
    frames = _Frames(listing, wanted, out)
    with _opened(file, wanted.kind) as (film, stream):
        context = stream.codec_context
        context.thread_count = 1  # each thread would hold frames of its own
        for frame in _decoded(film, stream, out):
            more = frames.take(frame)
            del frame  # a large one leaves no room for itself and the next one
            if not more:
                break
    if not out.sent:
        raise Refused(NO_FILM)
    out.facts(END, notes=[*frames.notes(), *out.notes])


def _promised(file: IO[bytes], kind: str) -> tuple[int, int]:
    """Width and height as a file's header has them."""
    file.seek(0)
    if kind == "GIF":
        width, height = struct.unpack("<HH", file.read(10)[6:10])
        return width, height
    for most in (MOST_PIXELS, LARGEST):  # what is too large to be decoded may look like nothing
        with _opened(file, kind, most) as (_, stream):
            context = stream.codec_context
            if context is None or context.name not in CODECS:
                name = context.name if context is not None else "an unknown codec"
                raise Refused(UNKNOWN.format(name))
            if context.width and context.height:
                break
    return context.width, context.height


def _require_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise Refused(TOO_LARGE.format(*size))


def _listing(file: IO[bytes], wanted: Wanted) -> Listing:
    """Looks at the time stamps of a film, without decoding it. Raises Refused."""
    with _opened(file, wanted.kind) as (film, stream):
        told = stream.average_rate or stream.guessed_rate
        rate = float(told) if told and 0.01 <= float(told) <= 1000 else USUAL_RATE
        ticks, number, complete = _ticks(film, stream, rate, wanted.most)
        unit = float(stream.time_base)
        aspect = float(stream.sample_aspect_ratio or 1)
        seconds = _seconds(film, stream)
    if not 1 / SQUARE_WITHIN <= aspect <= SQUARE_WITHIN:
        aspect = 1.0
    if ticks:
        number = len(ticks)
    if number < LEAST_FRAMES and complete:
        raise Refused(TOO_FEW.format(_count(number)))
    if ticks:
        times = [unit * (tick - ticks[0]) for tick in ticks]
        choice = film_choice.choose(times, wanted.most)
        rate = choice.rate * choice.step
        length = times[-1] + 1 / rate
    else:
        choice = film_choice.choose_even(number, rate, wanted.most)
        length = number / rate
    if complete and wanted.kind == "GIF":  # it does not say how long it is
        seconds = length
    cut = complete and not _has_end(file, wanted.kind)
    return Listing(choice, ticks, number, complete, rate, length, seconds, aspect, cut)


def _has_end(file: IO[bytes], kind: str) -> bool:
    """Whether a GIF or an AVI is all there; of others their length tells."""
    length = file.seek(0, 2)
    if kind == "GIF":
        file.seek(-min(16, length), 2)
        return b";" in file.read()
    if kind == "AVI":
        file.seek(4)
        return _number(file.read(4)) + 8 <= length
    return True


def _has_index(file: IO[bytes]) -> bool:
    """Whether an MP4 holds its index, without which nothing of it can be read."""
    length, at = file.seek(0, 2), 0
    for _ in range(MOST_BOXES):
        file.seek(at)
        opening = file.read(16)
        if len(opening) < 16:
            return False
        size, name = struct.unpack(">I4s", opening[:8])
        if name == b"moov":
            return True
        size = struct.unpack(">Q", opening[8:])[0] if size == 1 else size
        if size < 8 or at + size >= length:
            return False
        at += size
    return False


def _ticks(film: Any, stream: Any, rate: float, most: int) -> tuple[list[int], int, bool]:
    """When frames are shown, in order, empty where that is not told; how many packets of frames
    were looked at, enough for `most` frames; and whether these are all. rate: frames a second, as
    the file has it."""
    ticks: list[int] = []
    number, enough, complete = 0, most + SPARE, True
    with contextlib.suppress(av.error.FFmpegError):  # it ends on the way
        for packet in film.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            number += 1
            if packet.pts is not None:
                ticks.append(packet.pts)
            if number < enough:
                continue
            if len(ticks) == number:
                span = float((max(ticks) - min(ticks)) * stream.time_base)
                rate = number / span if span else rate
            enough = min(film_choice.step_of(rate), MOST_STEP) * most + SPARE
            if number >= enough:
                complete = False
                break
    told = len(ticks) == number
    return (film_choice.shown_only(ticks) if told else []), number, complete


def _seconds(film: Any, stream: Any) -> float | None:
    """How long a film says it is."""
    if stream.duration:
        seconds = float(stream.duration * stream.time_base)
    elif film.duration:
        seconds = film.duration / av.time_base
    else:
        return None
    return seconds if 0 < seconds <= LONGEST else None


def _decoded(film: Any, stream: Any, out: Sender) -> Iterator[Any]:
    """Frames in the order in which they are shown; what cannot be decoded is passed over."""
    broken = 0
    packets = film.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except MemoryError:
            raise
        except av.error.FFmpegError:  # it ends on the way, which the listing knows
            packet = None
        try:
            if packet is None:
                with contextlib.suppress(EOFError):
                    yield from stream.codec_context.decode(None)
                return
            yield from packet.decode()
            if packet.size == 0:  # what was held back has come
                return
        except MemoryError:
            raise
        except EOFError:
            return
        except av.error.FFmpegError as error:
            broken += 1
            out.note(DAMAGED)
            if packet is None or broken > MOST_BROKEN:
                if not out.sent:
                    raise Refused(NO_FILM) from error
                return


class _Frames:
    """Takes the chosen frames out of all, and sends them."""

    def __init__(self, listing: Listing, wanted: Wanted, out: Sender) -> None:
        self._listing, self._wanted, self._out = listing, wanted, out
        self._at = self._seen = 0
        self._size = (0, 0)
        self._view: _View | None = None

    def take(self, frame: Any) -> bool:
        """Whether more are wanted."""
        places, ticks = self._listing.choice.places, self._listing.ticks
        now = frame.pts if ticks else self._seen
        self._seen += 1
        if now is None:  # it comes right after the one before
            return True
        times = 0
        while self._at < len(places):
            place = int(places[self._at])
            if (ticks[place] if ticks else place) > now:
                break
            times += 1
            self._at += 1
        if times:
            if not self._fits(frame):
                return False
            assert self._view is not None
            self._out.frame(self._view.show(frame), times)
        return self._at < len(places)

    def _fits(self, frame: Any) -> bool:
        """Whether the frame can be shown like the first one, of which more is made here."""
        size = (frame.width, frame.height)
        if self._view is None:
            _require_size(size)
            self._size = size
            self._view = _View(frame, self._listing.aspect, self._wanted, self._out)
            self._announce(self._view)
        elif size != self._size:
            now = self._out.sent / self._listing.choice.rate
            shape, first = size[0] / size[1], self._size[0] / self._size[1]
            if abs(shape / first - 1) > ALIKE_SHAPE:
                self._out.note(NEW_SHAPE.format(now))
                return False
            self._out.note(NEW_SIZE.format(now))
        return True

    def _announce(self, view: "_View") -> None:
        listing = self._listing
        self._out.facts(
            HEADER,
            shape=view.fit.kept,
            most=len(listing.choice.places),
            rate=listing.choice.rate,
            size=view.seen,
            seconds=listing.seconds or listing.length,
        )

    def notes(self) -> list[str]:
        """What was taken of the whole, once all of it is sent."""
        listing, choice = self._listing, self._listing.choice
        last = int(choice.places[-1]) + choice.step
        more = last < listing.number or not listing.complete or self._at < len(choice.places)
        taken, said = self._out.sent / choice.rate, listing.seconds
        ends = said or listing.length
        early = listing.complete and ends > listing.length + max(2 / listing.rate, 0.02 * ends, 0.2)
        total: float | None = 0.0
        if last < listing.number or (not early and more):
            total = said or (listing.length if listing.complete else None)
            total = total if total is not None and total > taken else None
        notes = list(film_choice.notes_of(choice, listing.rate, taken, total))
        if early:
            notes.append(f"its pictures end after {listing.length:.1f} s of {ends:.1f} s")
        elif listing.cut:
            notes.append(ENDS_EARLY)
        return notes


class _View:
    """How frames are seen: scaled, turned, cut, in the colours of a common screen."""

    def __init__(self, frame: Any, aspect: float, wanted: Wanted, out: Sender) -> None:
        self._out = out
        self._reformatter = VideoReformatter()
        self._turn = _turn(frame)
        width, height = max(1, round(frame.width * aspect)), frame.height
        self.seen = (height, width) if self._turn[0] else (width, height)
        self.fit = _require_fit(self.seen, wanted)

    def show(self, frame: Any) -> Bytes:
        """A frame as (h, w, 3)."""
        turned, rows, columns = self._turn
        height, width = self.fit.scaled[::-1] if turned else self.fit.scaled
        pixels = self._scaled(frame, height, width)
        pixels = pixels.transpose(1, 0, 2) if turned else pixels
        top, left = self.fit.corner
        pixels = pixels[:: -1 if rows else 1, :: -1 if columns else 1]
        return pixels[top : top + self.fit.kept[0], left : left + self.fit.kept[1]]

    def _scaled(self, frame: Any, height: int, width: int) -> Bytes:
        if frame.interlaced_frame:
            self._out.note(INTERLACED)
            whole = self._reformat(frame, frame.height, frame.width, "rgb24", Interpolation.BICUBIC)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(whole[::2]), format="rgb24")
        elif any(component.is_alpha for component in frame.format.components):
            frame = av.VideoFrame.from_ndarray(self._over_white(frame), format="rgb24")
        transfer, primaries = int(frame.color_trc), int(frame.color_primaries)
        if not frame.format.is_rgb and film_colours.is_bright(transfer, primaries):
            self._out.note(BRIGHT)
            # Not rgb48le, of which swscale loses channels where a frame keeps its size.
            coded = self._reformat(frame, height, width, "gbrp16le", SCALING)
            return film_colours.to_common(coded, transfer, primaries)
        pixels: Bytes = self._reformat(frame, height, width, "rgb24", SCALING)
        return pixels

    def _over_white(self, frame: Any) -> Bytes:
        pixels = self._reformat(frame, frame.height, frame.width, "rgba", Interpolation.POINT)
        return over_white(pixels)

    def _reformat(
        self, frame: Any, height: int, width: int, kind: str, how: Interpolation
    ) -> NDArray[Any]:
        told = frame.format.is_rgb or int(frame.colorspace) not in MATRICES
        usual = Colorspace.ITU709 if frame.height >= HIGH_DEFINITION else Colorspace.ITU601
        return self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=kind,
            src_colorspace=None if told else usual,
            interpolation=how,
            threads=1,
        ).to_ndarray()


def over_white(pixels: Bytes) -> Bytes:
    """Colours and alpha (h, w, 4) over white."""
    if pixels[..., 3].min() == 255:
        return np.ascontiguousarray(pixels[..., :3])
    seen = np.empty((*pixels.shape[:2], 3), np.uint8)
    for row, out in zip(pixels, seen, strict=True):  # never all of it in wider numbers
        alpha = row[:, 3:].astype(np.uint16)
        out[:] = (row[:, :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return seen


def _turn(frame: Any) -> tuple[bool, bool, bool]:
    """How a frame has to be turned to be seen: whether its rows become columns, and whether rows
    and columns then come in the opposite order."""
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None or len(bytes(matrix)) < 36:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, d < 0, a < 0
    return True, b < 0, c < 0


def _require_fit(size: tuple[int, int], wanted: Wanted) -> Fit:
    width, height = size
    fit = film_choice.fit(height, width, pixels=wanted.pixels, unit=wanted.unit)
    if fit is None:
        raise Refused(film_choice.why_no_fit(height, width, unit=wanted.unit))
    return fit


def _count(number: int) -> str:
    return {0: "no frames", 1: "one frame"}.get(number, f"{number} frames")


# Animated WebPs, which Pillow reads.


def _send_webp(file: IO[bytes], wanted: Wanted, out: Sender) -> None:
    from PIL import Image

    content = file.read(MOST_WEBP + 1)
    if len(content) > MOST_WEBP:  # Pillow and its decoder hold it too
        raise Refused(TOO_MUCH)
    size = _number(content[24:27]) + 1, _number(content[27:30]) + 1
    _require_size(size)
    durations, end = _frames_of_webp(content)
    if len(durations) < LEAST_FRAMES:
        raise Refused(TOO_FEW.format(_count(len(durations))))
    fit = _require_fit(size, wanted)
    times = np.cumsum([0, *durations]) / 1000
    choice = film_choice.choose(times[:-1].tolist()[: MOST_STEP * wanted.most], wanted.most)
    total = float(times[-1])
    facts = {"rate": choice.rate, "size": size, "seconds": total}
    if end < len(content):
        out.note(ENDS_EARLY)
        content = content[:4] + struct.pack("<I", end - 8) + content[8:end]
    with Image.open(io.BytesIO(content), formats=("WEBP",)) as picture:
        out.facts(HEADER, shape=fit.kept, most=len(choice.places), **facts)
        for place in np.unique(choice.places):
            try:
                picture.seek(int(place))
                pixels = over_white(np.asarray(picture.convert("RGBA")))
            except (EOFError, OSError):
                out.note(DAMAGED)
                break
            out.frame(_resized(pixels, fit), int((choice.places == place).sum()))
    taken, more = out.sent / choice.rate, int(choice.places[-1]) + choice.step < len(durations)
    rate = choice.rate * choice.step
    notes = film_choice.notes_of(choice, rate, taken, total if more else 0)
    out.facts(END, notes=[*notes, *out.notes])


def _resized(pixels: Bytes, fit: Fit) -> Bytes:
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    height, width = fit.scaled
    small = frame.reformat(width=width, height=height, interpolation=SCALING, threads=1)
    top, left = fit.corner
    made: Bytes = np.asarray(small.to_ndarray(), np.uint8)
    return made[top : top + fit.kept[0], left : left + fit.kept[1]]


def _number(content: bytes) -> int:
    return int.from_bytes(content, "little")


def _frames_of_webp(content: bytes) -> tuple[list[int], int]:
    """How long the frames of an animated WebP are shown, in milliseconds, as in browsers, and where
    the last whole part of the file ends."""
    found: list[int] = []
    at = 12
    while at + 8 <= len(content):
        length = _number(content[at + 4 : at + 8])
        end = at + 8 + length + length % 2
        if end > len(content):
            return found, at
        if content[at : at + 4] == b"ANMF" and length >= 16:
            shown = _number(content[at + 20 : at + 23])
            found.append(shown if shown > 10 else 100)
        at = end
    return found, at


if __name__ == "__main__":
    main()
