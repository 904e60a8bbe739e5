"""A video opened by ffmpeg, what its header promises, and whether its file is all there: all that
can be told before its frames are looked at."""

import contextlib
import struct
from collections.abc import Iterator
from typing import IO, Any

import av

from abp_core.data.film.bounds import MOST_PIXELS
from abp_core.data.film.protocol import NO_FILM, Refused

LARGEST = 2**31 - 1  # pixels that are believed of a header
MOST_BOXES = 1000  # of an MP4, up to its index
DEMUXERS = {"MP4": "mov", "WebM": "matroska", "AVI": "avi", "GIF": "gif"}
CODECS = (
    *("h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "gif", "mpeg4", "mpeg2video", "mpeg1video"),
    *("mjpeg", "png", "h263", "msmpeg4", "msmpeg4v1", "msmpeg4v2", "wmv1", "wmv2", "wmv3", "vc1"),
    *("prores", "dnxhd", "dvvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "qtrle"),
    *("cinepak", "svq1", "svq3", "theora", "flv", "vp6", "vp6f", "indeo5", "msvideo1", "cfhd"),
)
UNKNOWN = (
    "has pictures that are packed by {}, which is not read here; please save it as an MP4 (H.264) "
    "file."
)
ONLY_SOUND = (
    "holds a sound and no pictures; please choose a film, or save the sound as a WAV, FLAC, OGG or "
    "MP3 file."
)


@contextlib.contextmanager
def opened(file: IO[bytes], kind: str, most: int = MOST_PIXELS) -> Iterator[tuple[Any, Any]]:
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


def promised(file: IO[bytes], kind: str) -> tuple[int, int]:
    """Width and height as a file's header has them."""
    file.seek(0)
    if kind == "GIF":
        width, height = struct.unpack("<HH", file.read(10)[6:10])
        return width, height
    for most in (MOST_PIXELS, LARGEST):  # what is too large to be decoded may look like nothing
        with opened(file, kind, most) as (_, stream):
            context = stream.codec_context
            if context is None or context.name not in CODECS:
                name = context.name if context is not None else "an unknown codec"
                raise Refused(UNKNOWN.format(name))
            if context.width and context.height:
                break
    return context.width, context.height


def has_end(file: IO[bytes], kind: str) -> bool:
    """Whether a GIF or an AVI is all there; of others their length tells."""
    length = file.seek(0, 2)
    if kind == "GIF":
        file.seek(-min(16, length), 2)
        return b";" in file.read()
    if kind == "AVI":
        file.seek(4)
        return int.from_bytes(file.read(4), "little") + 8 <= length
    return True


def has_index(file: IO[bytes]) -> bool:
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
