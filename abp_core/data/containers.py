"""Picture files without what they say beside their pixels.

Text, previews and EXIF are a way to ask for memory: a few kilobytes of them can be written so that
reading them takes gigabytes. Nothing here is decoded or looked at but how the camera was held and
which colours the numbers mean; all the rest is left out before a decoder sees the file. What is
wrong in it does not matter either: checksums are made anew, and a file that ends early ends here.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

PNG, JPEG, RIFF, WEBP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"WEBP"
UPRIGHT = 1  # the first of the eight ways in which EXIF knows a camera to be held
PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
WEBP_PIXELS = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF")
SCAN, END = 0xDA, b"\xff\xd9"  # from this marker on a JPEG is pixels, up to that one
LONE_MARKERS = (0x01, *range(0xD0, 0xD9))  # of a JPEG, without a length
WORDS = (*range(0xE1, 0xEE), 0xEF, 0xFE)  # of a JPEG; what is told by 0xE0 and 0xEE is colour
MOST_WORDS = 16_000_000  # bytes before the pixels of a JPEG; a depth map there takes some
MOST_SCANS = 32  # of a JPEG, each of which goes over the whole picture; ordinary ones have ten
MOST_PROFILE = 4_000_000  # bytes of a colour profile; those of printers have some
PROFILE = b"ICC_PROFILE\0"
ORIENTATION = 0x0112
MOST_UNPACKED = 100_000_000  # bytes of a PNG that is mended
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a PNG, by its number for colour


@dataclass(frozen=True, slots=True)
class Bare:
    """A picture file with nothing but its pixels. held: how the camera was, 1 to 8 as in EXIF.
    profile: of its colours, in ICC's format; empty without one. whole: whether it has its end."""

    content: bytes
    held: int = UPRIGHT
    profile: bytes = b""
    whole: bool = True


def strip_metadata(content: bytes) -> Bare:
    """A PNG, JPEG or WebP without its words. Raises ValueError for anything else."""
    if content.startswith(PNG):
        return _bare_png(content)
    if content.startswith(RIFF) and content[8:12] == WEBP:
        return _bare_webp(content)
    if content.startswith(JPEG):
        return _bare_jpeg(content)
    raise ValueError("This is no picture.")


def mend_png(content: bytes) -> bytes | None:
    """The rows that a bare PNG holds before it ends or is damaged, as a PNG of that height; None
    where it holds none, or they cannot be told."""
    chunks = dict[bytes, list[bytes]]()
    for kind, part in _png(content):
        chunks.setdefault(kind, []).append(bytes(part))
    if b"IHDR" not in chunks or b"IDAT" not in chunks or len(chunks[b"IHDR"][0]) != 13:
        return None
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"][0])
    row = 1 + (CHANNELS.get(colour, 0) * bits * width + 7) // 8
    if interlaced or row == 1 or row * height > MOST_UNPACKED:
        return None
    unpacked, unpacker = bytearray(), zlib.decompressobj()
    try:
        for packed in chunks[b"IDAT"]:
            for at in range(0, len(packed), 4096):  # what comes before the damage is kept
                some = packed[at : at + 4096]
                unpacked += unpacker.decompress(some, row * height - len(unpacked))
                if len(unpacked) >= row * height:
                    break
    except (zlib.error, ValueError):
        pass
    rows = len(unpacked) // row
    if not rows:
        return None
    header = struct.pack(">II", width, rows) + chunks[b"IHDR"][0][8:]
    kept = [(kind, part) for kind in (b"PLTE", b"tRNS") for part in chunks.get(kind, [])]
    pixels = zlib.compress(memoryview(unpacked)[: rows * row], 1)
    whole = [(b"IHDR", header), *kept, (b"IDAT", pixels), (b"IEND", b"")]
    return b"".join([PNG, *(_chunk(kind, part) for kind, part in whole)])


def _bare_png(content: bytes) -> Bare:
    parts = list(_png(content))
    pixels = [_chunk(kind, bytes(part)) for kind, part in parts if kind in PNG_PIXELS]
    whole = bool(parts) and parts[-1][0] == b"IEND"
    exif = [bytes(part[:100_000]) for kind, part in parts if kind == b"eXIf"]
    profile = next((_unpacked(bytes(part)) for kind, part in parts if kind == b"iCCP"), b"")
    if any(kind == b"sRGB" for kind, _ in parts):
        profile = b""
    end = [] if whole else [_chunk(b"IEND", b"")]
    return Bare(b"".join([PNG, *pixels, *end]), _held(exif), profile, whole)


def _bare_webp(content: bytes) -> Bare:
    parts = list(_webp(content))
    pixels = [part for kind, part in parts if kind in WEBP_PIXELS]
    head = [RIFF, struct.pack("<I", 4 + sum(map(len, pixels))), WEBP]
    exif = [bytes(part[8:100_000]) for kind, part in parts if kind == b"EXIF"]
    profiles = (bytes(part[8 : 8 + MOST_PROFILE]) for kind, part in parts if kind == b"ICCP")
    return Bare(b"".join([*head, *pixels]), _held(exif), next(profiles, b""))


def _bare_jpeg(content: bytes) -> Bare:
    segments = list(_jpeg(content))
    pixels = [part for marker, part in segments if marker not in WORDS]
    exif = [bytes(part[4:100_000]) for marker, part in segments if marker == 0xE1]
    numbered = sorted(  # a long profile comes in several segments
        (bytes(part[16:17]), bytes(part[18:]))
        for marker, part in segments
        if marker == 0xE2 and bytes(part[4:16]) == PROFILE
    )
    profile = b"".join(part for _, part in numbered)
    whole = bytes(pixels[-1][-2:]) == END
    end = [] if whole else [END]
    held = _held(exif[:9])
    return Bare(b"".join([JPEG[:2], *pixels, *end]), held, profile[: MOST_PROFILE * 2], whole)


def _chunk(kind: bytes, part: bytes) -> bytes:
    """One of a PNG, with the checksum that it should have."""
    return struct.pack(">I4s", len(part), kind) + part + struct.pack(">I", zlib.crc32(kind + part))


def _png(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The kind of each chunk, and what is in it; the last one may be cut short."""
    at, kind = len(PNG), b""
    while at + 8 <= len(content) and kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, memoryview(content)[at + 8 : at + 8 + length]
        at += 12 + length


def _unpacked(part: bytes) -> bytes:
    """The profile of a PNG, which stands packed behind a name; empty for one that is none."""
    _, _, packed = part.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(packed[1:], MOST_PROFILE)
    except zlib.error:
        return b""
    return profile if unpacker.eof else b""


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
            end = content.find(END, at)  # telephones add films
            end = len(content) if end < 0 else end + len(END)
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


def _held(exif: list[bytes]) -> int:
    """How a camera was held, by the first block of EXIF that says something else than upright."""
    return next((way for each in exif if (way := _orientation(each)) != UPRIGHT), UPRIGHT)


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
            tag, kind = struct.unpack_from(order + "HH", exif, at)
            if tag == ORIENTATION:
                (way,) = struct.unpack_from(order + ("I" if kind == 4 else "H"), exif, at + 8)
                return way if 1 <= way <= 8 else UPRIGHT
    except struct.error:  # it is cut short
        pass
    return UPRIGHT
