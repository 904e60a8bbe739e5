"""Pictures and sounds to files, piece by piece: what is held does not grow with the file.

A file says in its metadata how it was made. It is written whole or not at all.
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import numpy as np
import png
import soundfile
from numpy.typing import NDArray

Facts = dict[str, str]  # Software, Model, Seed, Command and the like
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

LONGEST_SIDE = 2**31 - 1  # of a PNG, in pixels
MOST_FRAMES = 2**30  # of a sound: a WAV file ends at 4 GB
TAGS = {"Title": "title", "Software": "software", "Command": "comment"}  # of a sound file


def write_png(file: IO[bytes], size: tuple[int, int], strips: Iterable[Bytes], facts: Facts) -> int:
    """A picture of (width, height), colour or grey, from strips (rows, width, 3 or 1) that come
    from top to bottom, at 8 bits a channel. Returns how many rows there were."""
    strips = iter(strips)
    first = next(strips)
    writer = _Writer(facts, *size, greyscale=first.shape[2] == 1, alpha=False, bitdepth=8)
    return int(writer.write_packed(file, (row.tobytes() for s in _all(first, strips) for row in s)))


def write_sound(
    file: IO[bytes], kind: str, rate: int, pieces: Iterable[Floats], facts: Facts
) -> None:
    """Mono samples (n,) in [-1, 1], piece by piece, as WAV or FLAC (`kind`) of 16 bits.
    Raises OSError."""
    honest = _Honest(file)
    try:
        with soundfile.SoundFile(honest, "w", rate, 1, subtype="PCM_16", format=kind) as sound:
            for name, tag in TAGS.items():
                if name in facts:
                    setattr(sound, tag, facts[name])
            for samples in pieces:
                sound.write(to_int16(samples))
                honest.tell_trouble()
    except (soundfile.SoundFileError, AssertionError):  # how it reports a full disk
        honest.tell_trouble()
        raise
    honest.tell_trouble()


def to_int16(samples: Floats) -> NDArray[np.int16]:
    """Samples in [-1, 1] at 16 bits, rounded; what is louder is cut off. libsndfile would round
    them in another way for each format."""
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)


def write_zip(file: IO[bytes], members: Iterable[tuple[str, Callable[[IO[bytes]], Any]]]) -> None:
    """An archive of named files, each written by its function; they are compressed already."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, write in members:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                write(member)


class _Writer(png.Writer):  # type: ignore[misc]  # it has no types
    """A PNG writer that tells some facts before the pixels."""

    def __init__(self, facts: Facts, *size: int, **how: Any) -> None:
        super().__init__(*size, **how)
        self._facts = facts

    def write_preamble(self, outfile: IO[bytes]) -> None:
        super().write_preamble(outfile)
        for name, text in self._facts.items():
            # keyword, not compressed, no language, no translated keyword, UTF-8
            content = name.encode("latin-1") + b"\0\0\0\0\0" + text.encode()
            png.write_chunk(outfile, b"iTXt", content)


class _Honest:
    """A file for libsndfile, which cannot pass on an exception: it is kept, and raised later."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._trouble: OSError | None = None

    def write(self, content: bytes) -> int:
        try:
            return self._file.write(content)
        except OSError as error:
            self._trouble = error
            return 0

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def tell_trouble(self) -> None:
        """Raises OSError where something could not be written."""
        if self._trouble is not None:
            raise self._trouble


def _all(first: Bytes, rest: Iterator[Bytes]) -> Iterator[Bytes]:
    yield first
    yield from rest
