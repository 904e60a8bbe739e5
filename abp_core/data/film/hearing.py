"""The answer of the child that decodes a film, heard message by message."""

import json
import math
import struct
from typing import IO, Any

import numpy as np

from abp_core.data.colours import Pixels
from abp_core.data.film.choosing import MOST_RATE
from abp_core.data.film.frames import Film, differ, require_motion
from abp_core.data.film.protocol import END, FRAME, HEADER, LEAST_FRAMES, NO_FILM, REFUSED, Wanted
from abp_core.data.formats import FileRejected

MOST_WORDS = 20_000  # bytes of a message that is no frame
TOO_SLOW = (
    "takes too long to be decoded; please save it as an MP4 (H.264) of at most 1920 x 1080 first."
)


class Answer:
    """What the child says, of which nothing is believed that was not asked for."""

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
        require_motion(frames, self._name)
        return Film(frames, rate, tuple(self._notes), (width, height), seconds)

    def _hear_frame(self, stream: IO[bytes], length: int) -> None:
        times, room = _exactly(stream, 1, 1)[0], len(self._frames) - self._number
        if not 1 <= times <= room or length != 1 + self._frames[0].nbytes:
            raise ValueError("This is no frame that was announced.")
        content = _exactly(stream, length - 1, length)
        pixels = np.frombuffer(content, np.uint8).reshape(self._frames.shape[1:])
        self._frames[self._number : self._number + times] = pixels
        self._number += times
        self._moves = self._moves or differ(pixels, self._frames[0])

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
        if not (0 < facts["rate"] <= MOST_RATE and 0 <= facts["seconds"] < math.inf):
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
