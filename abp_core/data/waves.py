"""Sound files whose headers do not tell how long they are, made so that a decoder reads them whole.

A recorder that lost its power never wrote the length of its WAV; a FLAC that was streamed has none;
an MP3 of variable rate without its first frame is guessed at by the rate of whatever comes first.
"""

import io
import mmap
import struct
from pathlib import Path

Content = bytes | mmap.mmap

MOST_BYTES = 100_000_000  # of a file that is mended, and then held in memory
MOST_CHUNKS = 1000  # of a WAV, before its samples
UNKNOWN = 2**36 - 1  # samples, the most that a FLAC can tell of
MP3_RATES = {  # thousands of bits a second, by version and layer, of those that people have
    (3, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
MP3_HERTZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def mend(path: Path, name: str) -> io.BytesIO | None:
    """A file with a header that tells of all that is there; None where its own does.
    name: of its format."""
    menders = {"WAV": _mend_wav, "FLAC": _mend_flac, "MP3": _mend_mp3}
    if name not in menders or path.stat().st_size > MOST_BYTES:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        mended = menders[name](content)  # of which most read a header alone
    return None if mended is None else io.BytesIO(mended)


def is_open_ended(content: io.BytesIO | None) -> bool:
    """Whether a mended file promises more than there is, so that its last samples are lost in the
    block that meets its end."""
    return content is not None and content.getvalue()[:4] == b"fLaC"


def _mend_wav(content: Content) -> bytes | None:
    """A WAV of its format and its samples alone, if its chunks do not follow each other as they say
    or its samples have no length."""
    order = ">" if content[:4] == b"RIFX" else "<"
    at, shape, honest = 12, b"", True
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(content):
            return None
        kind, length = struct.unpack_from(order + "4sI", content, at)
        if kind == b"data":
            break
        if kind == b"fmt ":
            shape = content[at : at + 8 + length + length % 2]
        at += 8 + length
        if length % 2:  # a byte fills up, unless whoever wrote the file forgot it
            padded = at + 1 < len(content) and content[at] == 0
            at, honest = (at + 1, honest) if padded else (at, False)
    else:
        return None
    if not shape or (honest and length):
        return None
    rest = content[at + 8 : at + 8 + length] if length else content[at + 8 :]
    body = b"".join([b"WAVE", shape, struct.pack(order + "4sI", b"data", len(rest)), rest])
    return content[:4] + struct.pack(order + "I", len(body)) + body


def _mend_flac(content: Content) -> bytes | None:
    """A FLAC of unknown length as one of the greatest."""
    if len(content) < 26 or content[4] & 0x7F:
        return None
    (numbers,) = struct.unpack_from(">Q", content, 18)
    if numbers & UNKNOWN:
        return None
    return content[:18] + struct.pack(">Q", numbers | UNKNOWN) + content[26:]


def _mend_mp3(content: Content) -> bytes | None:
    """An MP3 with a first frame that counts the others, if they differ and none does so yet."""
    start = _after_id3(content)
    frames, at, rates, first = 0, start, set[int](), b""
    while (found := _mp3_frame(content, at)) is not None:
        length, rate = found
        first = first or content[at : at + length]
        frames, at = frames + 1, at + length
        rates.add(rate)
    tagged = any(word in first[:200] for word in (b"Xing", b"Info", b"VBRI"))
    if frames < 2 or len(rates) < 2 or tagged:
        return None
    version, mono = (first[1] >> 3) & 3, first[3] >> 6 == 3
    side = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    head = bytes([first[0], first[1] | 1, (first[2] & 0x0F) | 0x90, first[3]])  # long enough
    sized = _mp3_frame(head + bytes(4000), 0)
    if sized is None:
        return None
    counted = struct.pack(">4sII", b"Xing", 1, frames)
    frame = (head + bytes(side) + counted).ljust(sized[0], b"\0")
    return frame + content[start:]


def _after_id3(content: Content) -> int:
    """Where the first frame of an MP3 begins."""
    at = 0
    if content[:3] == b"ID3" and len(content) > 10:
        a, b, c, d = content[6:10]
        at = 10 + (a << 21 | b << 14 | c << 7 | d)
    found = next((n for n in range(at, min(at + 4096, len(content))) if _mp3_frame(content, n)), at)
    return found


def _mp3_frame(content: Content, at: int) -> tuple[int, int] | None:
    """Length in bytes and rate of the frame that begins there, or None where none does."""
    if at + 4 > len(content) or content[at] != 0xFF or content[at + 1] & 0xE0 != 0xE0:
        return None
    version, layer = (content[at + 1] >> 3) & 3, (content[at + 1] >> 1) & 3
    kind, pitch = content[at + 2] >> 4, (content[at + 2] >> 2) & 3
    rates = MP3_RATES.get((3 if version == 3 else 2, layer))
    if version == 1 or rates is None or not 0 < kind < 15 or pitch == 3:
        return None
    padding = (content[at + 2] >> 1) & 1
    scale = 144_000 if version == 3 else 72_000
    return scale * rates[kind] // MP3_HERTZ[version][pitch] + padding, rates[kind]
