"""What the child that decodes a film and the parent that asked for it say to each other.

The child is given an open file and a wish. It answers by messages on its standard output: a letter,
the length of what follows in four bytes, and that.

HEADER   what is coming, as JSON: `shape` (h, w) of a frame and how many there are at most (`most`),
         their `rate`, and `size` and `seconds` of the whole film
FRAME    one byte, how many times the frame is shown, and its h x w x 3 bytes
END      notes, as JSON
REFUSED  the rest of a sentence that begins with the file
"""

import json
import struct
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

HEADER, FRAME, END, REFUSED = b"H", b"F", b"E", b"R"
LEAST_FRAMES = 8
MOST_REPEATS = 255  # of a frame, in a byte
NO_FILM = "could not be read as a film; please choose an MP4 (H.264), WebM, AVI or GIF file."
ENDS_EARLY = "it ends early; what is there of it was taken"
DAMAGED = "some of its frames could not be decoded and were left out"


class Refused(Exception):
    """A film that cannot be used. The message is the rest of a sentence that begins with it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the child is asked for. kind: the file's format, as `formats.format_of` has it."""

    kind: str
    pixels: int
    unit: int
    most: int


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
