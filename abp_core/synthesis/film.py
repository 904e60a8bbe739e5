"""Frames to a film that every browser plays: H.264 in an MP4, or an animated WebP."""

import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import IO

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from PIL import Image

from abp_core.synthesis.encode import Bytes, Facts

SMALLEST = 256  # pixels along the shorter side; a smaller film is enlarged by a whole number
BT709 = 1  # colours as of a high-definition television, in each of ffmpeg's lists of them
TELEVISION = 1001  # by which a thousand times its rates are divided, such as 30000 / 1001
DESCRIPTION = 0x010E  # in EXIF
NEARLY = 1e-4  # frames a second
# Of an MP4: what it knows of the things that a file says about itself.
TAGS = {"Title": "title", "Software": "artist", "Command": "comment"}
WEBP_QUALITY = 80  # of 100; what is lost is hardly seen
QUALITY = "16"  # x264's constant rate factor: what is lost can hardly be seen
PACE = "veryfast"  # x264's preset: as small as by its usual one, in a third of the time
X264 = {"crf": QUALITY, "preset": PACE}


def encode_film(frames: Iterable[Bytes], rate: float, smallest: int = SMALLEST) -> bytes:
    """Frames (h, w, 3), so many a second, as an MP4 whose index comes first, so that it plays
    while it arrives. Odd sides are made even: colour has half the pixels of light. smallest: pixels
    along the shorter side, see SMALLEST."""
    file = io.BytesIO()
    write_film(file, frames, rate, smallest=smallest)
    return file.getvalue()


def write_film(
    file: IO[bytes],
    frames: Iterable[Bytes],
    rate: float,
    facts: Facts | None = None,
    smallest: int = SMALLEST,
) -> int:
    """The same to an open file that can be read and sought in, frame by frame, so that a film of
    any length takes no memory. rate: frames a second, see `exact`. facts: what it says about
    itself. Returns how many frames there were.

    Raises OSError where the file cannot be written, and ValueError for a rate that is not positive
    or for no frames.
    """
    pictures = (_picture(frame, smallest) for frame in frames)
    first = next(pictures, None)
    if first is None or not rate > 0:
        raise ValueError("A film needs frames, and more than none a second.")
    number, start = 0, file.tell()
    with av.open(
        file,
        "w",
        format="mp4",
        options={"movflags": "faststart"},
        io_open=lambda *_: _Again(file, start),  # to move its content behind the index
    ) as film:
        for name, text in (facts or {}).items():
            if name in TAGS:
                film.metadata[TAGS[name]] = text
        stream = film.add_stream("libx264", rate=exact(rate), options=X264)
        context = stream.codec_context
        context.thread_count = 1  # a visitor's film takes one core, as all else that is asked for
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = ColorRange.MPEG
        stream.width, stream.height = first.width, first.height
        for picture in itertools.chain([first], pictures):
            film.mux(stream.encode(picture))
            number += 1
        film.mux(stream.encode(None))
    return number


def encode_webp(frames: Sequence[Bytes], rate: float, facts: Facts | None = None) -> bytes:
    """Frames (h, w, 3), so many a second, as an animated WebP that is played for ever. A frame is
    shown for a whole number of milliseconds; together they last as long as they should. facts:
    what it says about itself, as the description of a picture (EXIF)."""
    if not len(frames) or not 0 < rate <= 1000:
        raise ValueError("A film needs frames, and from one to 1,000 of them a second.")
    ends = [round(1000 * k / rate) for k in range(len(frames) + 1)]
    first, *others = map(Image.fromarray, frames)
    about = Image.Exif()
    if facts:
        about[DESCRIPTION] = "; ".join(f"{name}: {text}" for name, text in facts.items())
    file = io.BytesIO()
    first.save(
        file,
        "WebP",
        save_all=True,
        append_images=others,
        duration=[end - begin for begin, end in itertools.pairwise(ends)],
        loop=0,
        quality=WEBP_QUALITY,
        allow_mixed=False,
        minimize_size=False,
        exif=about.tobytes() if facts else b"",
    )
    return file.getvalue()


def exact(rate: float) -> Fraction:
    """A rate in frames a second as the fraction that players know it by: 29.97 is 30000 / 1001."""
    television = Fraction(1000 * round(rate * TELEVISION / 1000), TELEVISION)
    if abs(television - Fraction(rate)) < NEARLY:
        return television
    return Fraction(rate).limit_denominator(TELEVISION)


class _Again:
    """A file that is being written, to be read from where it began: it keeps a place of its own, as
    the writer does."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        self._file, self._start, self._at = file, start, 0

    def read(self, length: int) -> bytes:
        with self._kept():
            content = self._file.read(length)
        self._at += len(content)
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        with self._kept():
            end = self._file.seek(0, 2) - self._start
        self._at = offset + (0, self._at, end)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    @contextmanager
    def _kept(self) -> Iterator[None]:
        place = self._file.tell()
        self._file.seek(self._start + self._at)
        try:
            yield
        finally:
            self._file.seek(place)


def _picture(frame: Bytes, smallest: int) -> av.VideoFrame:
    height, width = frame.shape[:2]
    even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    times = -(-smallest // min(height, width))
    return av.VideoFrame.from_ndarray(even, format="rgb24").reformat(
        width=times * even.shape[1],
        height=times * even.shape[0],
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC,
    )
