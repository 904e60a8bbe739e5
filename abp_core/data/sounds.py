"""Sounds: hostile bytes to mono samples.

What is there is read: the minute that is learnt begins where the sound does, channels that cancel
each other are heard one at a time, and what was done is said.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from abp_core.data import waves
from abp_core.data.formats import SOUNDS, FileRejected, format_of, read_head, require_read

Samples = NDArray[np.float32]

MOST_SAMPLES = 30_000_000  # of one sound, over all channels
PART = 1024  # frames that are decoded at a time where what meets the end is lost
CHECKED_AT_ONCE = 100_000  # frames
LOUDEST = 1e9  # of a sound's samples; beyond it their squares would overflow
PLAYED_RATE = 8_000  # hertz; below that no browser plays a sound
MOST_SECONDS = 60.0  # of a sound that are used; the rest is left out
MOST_SKIPPED = 1800.0  # seconds of silence before a sound
SILENT = 1e-3  # level below which a minute is passed over, if a tenfold one follows
CANCELLED = 0.1  # level of the mean of all channels over that of the loudest one
CHANNEL_NAMES = ("left", "right")


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """samples (frames,), mono. rate: in hertz. notes: what was done, each the rest of a sentence
    that begins with the file. mixed: how many channels they are the mean of."""

    samples: Samples
    rate: int
    notes: tuple[str, ...] = ()
    mixed: int = 1


def read_sound(path: Path) -> tuple[Samples, int]:
    """A sound's samples and their rate, see `decode`. Raises FileRejected."""
    sound = decode(path)
    return sound.samples, sound.rate


def decode(path: Path) -> Sound:
    """A minute of a WAV, FLAC, OGG, Opus, MP3, AIFF, AU or CAF, whatever its name ends with: the
    first, or where that is silent the one that begins with the sound. Raises FileRejected."""
    name, head = path.name, read_head(path)
    require_read(head, name, "sound")
    kind = format_of(head)
    if kind not in SOUNDS:
        raise _no_sound(name)
    try:
        mended = waves.mend(path, kind)
        open_ended = waves.is_open_ended(mended)
        # By an open file, since libsndfile cannot be told of every name that a system allows.
        with path.open("rb") as file:
            try:
                with soundfile.SoundFile(mended or file) as sound:
                    return _read(sound, name, in_parts=open_ended, open_ended=open_ended)
            except soundfile.SoundFileRuntimeError:  # it is damaged on the way: up to there
                (mended or file).seek(0)
                with soundfile.SoundFile(mended or file) as sound:
                    return _read(sound, name, in_parts=True, open_ended=open_ended)
    except FileRejected:
        raise
    except Exception as error:  # libsndfile raises several kinds for broken files
        raise _no_sound(name) from error


def _read(sound: soundfile.SoundFile, name: str, *, in_parts: bool, open_ended: bool) -> Sound:
    """in_parts: whether what comes before a part that cannot be read shall be kept. open_ended:
    whether the header promises more than there is."""
    rate = int(sound.samplerate)
    minute = min(sound.frames, int(MOST_SECONDS * rate))
    if minute * sound.channels > MOST_SAMPLES:
        raise FileRejected(
            f"{name} holds too many samples a second; please save it as 48 kHz stereo."
        )
    found, notes = _frames(sound, minute, name, in_parts), list[str]()
    broken = len(found) < minute and in_parts and not open_ended
    level, more = float(np.abs(found).max(initial=0)), sound.frames - len(found)
    if level < SILENT and more > 0 and not broken:
        start = _end_of_silence(sound, rate, max(10 * level, SILENT / 10))
        if start is not None:
            sound.seek(start)
            found = _frames(sound, min(minute, sound.frames - start), name, in_parts)
            notes.append(f"it is silent at first; what is learnt begins at {_clock(start / rate)}")
    elif more > 0 and not broken and not (open_ended and len(found) < minute):
        length = "" if open_ended else f" of {_clock(sound.frames / rate)}"
        notes.append(f"its first minute{length} is learnt")
    if broken:
        notes.append(f"it is damaged, and learnt up to {_clock(len(found) / rate)}")
    samples, word = _mono(found)
    return Sound(samples, rate, (*notes, *([word] if word else [])), 1 if word else sound.channels)


def _frames(sound: soundfile.SoundFile, most: int, name: str, in_parts: bool) -> Samples:
    """The next frames (n, channels), at most so many. In one go, since after each the decoder seeks
    where it is, of which an MP3 can be heard; or in parts. Raises FileRejected."""
    whole, n = np.empty((most, sound.channels), np.float32), 0
    if not in_parts:
        n = sound.buffer_read_into(whole, "float32") if most else 0
    while in_parts and n < most:
        part = whole[n : n + PART]
        try:
            read = sound.buffer_read_into(part, "float32")
        except soundfile.SoundFileRuntimeError:
            break
        n += read
        if not read:
            break
    for at in range(0, n, CHECKED_AT_ONCE):
        if not (np.abs(whole[at : min(n, at + CHECKED_AT_ONCE)]) <= LOUDEST).all():
            raise FileRejected(f"{name} holds values that are no numbers; please export it again.")
    return whole[:n]


def _end_of_silence(sound: soundfile.SoundFile, rate: int, level: float) -> int | None:
    """The frame after which a sound is at least so loud, to a second; None where it never is."""
    block, start = np.empty((rate, sound.channels), np.float32), int(sound.tell())
    for _ in range(int(MOST_SKIPPED)):
        try:
            n = sound.buffer_read_into(block, "float32")
        except soundfile.SoundFileRuntimeError:
            return None
        if not n:
            return None
        if np.abs(block[:n]).max() >= level:
            return start
        start += int(n)
    return None


def _mono(channels: Samples) -> tuple[Samples, str]:
    """(frames,) of samples (frames, channels), and what to say of it."""
    if channels.shape[1] == 1:
        return channels[:, 0], ""
    mean = channels.mean(axis=1)
    levels = [_level(each) for each in channels.T]
    loudest = int(np.argmax(levels))
    if _level(mean) >= CANCELLED * levels[loudest]:
        return mean, ""
    known = channels.shape[1] == 2
    which = CHANNEL_NAMES[loudest] if known else f"{loudest + 1}th"
    return channels[:, loudest].copy(), f"its channels cancel each other; the {which} one is learnt"


def _level(samples: Samples) -> float:
    """Their root mean square; 0 of none."""
    return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _no_sound(name: str) -> FileRejected:
    return FileRejected(
        f"{name} could not be read as a sound; please choose a WAV, FLAC, OGG or MP3 file."
    )
