"""Picture files without what they say beside their pixels.

Text, colour profiles, previews and EXIF are a way to ask for memory: a few kilobytes of them can be
written so that reading them takes gigabytes. Nothing here is decoded or looked at but one number,
how the camera was held; all the rest is left out before a decoder sees the file.
"""

import struct
from collections.abc import Iterator

PNG, JPEG, RIFF, WEBP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"WEBP"
UPRIGHT = 1  # the first of the eight ways in which EXIF knows a camera to be held
PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
WEBP_PIXELS = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF")
SCAN = 0xDA  # from this marker on a JPEG is pixels
LONE_MARKERS = (0x01, *range(0xD0, 0xD9))  # of a JPEG, without a length
WORDS = (*range(0xE1, 0xEE), 0xEF, 0xFE)  # of a JPEG; what is told by 0xE0 and 0xEE is colour
MOST_WORDS = 16_000_000  # bytes before the pixels of a JPEG; a depth map there takes some
MOST_SCANS = 32  # of a JPEG, each of which goes over the whole picture; ordinary ones have ten
ORIENTATION = 0x0112


def strip_metadata(content: bytes) -> tuple[bytes, int]:
    """A PNG, JPEG or WebP with nothing but its pixels, and how the camera was held, 1 to 8 as in
    EXIF. Raises ValueError for anything else."""
    if content.startswith(PNG):
        parts = list(_png(content))
        pixels, head = [part for kind, part in parts if kind in PNG_PIXELS], [PNG]
        exif = [part[8:] for kind, part in parts if kind == b"eXIf"]
    elif content.startswith(RIFF) and content[8:12] == WEBP:
        parts = list(_webp(content))
        pixels = [part for kind, part in parts if kind in WEBP_PIXELS]
        head = [RIFF, struct.pack("<I", 4 + sum(map(len, pixels))), WEBP]
        exif = [part[8:] for kind, part in parts if kind == b"EXIF"]
    elif content.startswith(JPEG):
        segments = list(_jpeg(content))
        pixels, head = [part for marker, part in segments if marker not in WORDS], [JPEG[:2]]
        exif = [part[4:] for marker, part in segments if marker == 0xE1]
    else:
        raise ValueError("This is no picture.")
    held = (_orientation(bytes(each[:100_000])) for each in exif[:9])
    return b"".join([*head, *pixels]), next((way for way in held if way != UPRIGHT), UPRIGHT)


def _png(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The kind of each chunk, and all of it."""
    at, kind = len(PNG), b""
    while at + 8 <= len(content) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, memoryview(content)[at : at + 12 + length]
        at += 12 + length


def _webp(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The kind of each chunk, and all of it."""
    at = 12
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, at)
        length += length % 2
        yield kind, memoryview(content)[at : at + 8 + length]
        at += 8 + length


def _jpeg(content: bytes) -> Iterator[tuple[int, memoryview]]:
    """The marker of each segment, and all of it; the last one is all scans, up to the end of the
    picture. Raises ValueError where they are none or too many."""
    at = content.find(b"\xff", 2)
    while 0 <= at < MOST_WORDS and at + 4 <= len(content):
        marker, length = struct.unpack_from(">xBH", content, at)
        if marker == SCAN:
            end = content.find(b"\xff\xd9", at) % len(content) + 2  # telephones add films
            if content.count(b"\xff\xda", at, end) > MOST_SCANS:
                raise ValueError("This picture is in too many parts.")
            yield marker, memoryview(content)[at:end]
            return
        if marker == 0xFF:  # fills up
            at += 1
            continue
        if marker and marker not in LONE_MARKERS:
            yield marker, memoryview(content)[at : at + 2 + length]
            at += length
        at = content.find(b"\xff", at + 2)
    raise ValueError("This picture has no pixels.")


def _orientation(exif: bytes) -> int:
    """What EXIF says of how a camera was held; UPRIGHT where it says nothing."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return UPRIGHT
    try:
        (first,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, first)
        for at in range(first + 2, first + 2 + 12 * entries, 12):
            tag, way = struct.unpack_from(order + "H6xH", exif, at)
            if tag == ORIENTATION:
                return way if 1 <= way <= 8 else UPRIGHT
    except struct.error:  # it is cut short
        pass
    return UPRIGHT
