"""When the frames of a video are shown, and which of them are taken: its time stamps are looked at,
and nothing is decoded."""

import contextlib
from dataclasses import dataclass
from typing import IO, Any

import av

from abp_core.data.film import choosing
from abp_core.data.film.bounds import MOST_STEP, require_frames
from abp_core.data.film.choosing import Choice
from abp_core.data.film.opening import has_end, opened
from abp_core.data.film.protocol import Wanted

SPARE = 32  # frames, by which they come in another order than they are shown in
LONGEST = 1e6  # seconds; a film that promises more is not believed
SQUARE_WITHIN = 10  # how oblong a pixel may be
USUAL_RATE = 25.0  # frames a second where a film does not tell


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


def listing_of(file: IO[bytes], wanted: Wanted) -> Listing:
    """Looks at the time stamps of a film, without decoding it. Raises Refused."""
    with opened(file, wanted.kind) as (film, stream):
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
    if complete:
        require_frames(number)
    if ticks:
        times = [unit * (tick - ticks[0]) for tick in ticks]
        choice = choosing.choose(times, wanted.most)
        rate = choice.rate * choice.step
        length = times[-1] + 1 / rate
    else:
        choice = choosing.choose_even(number, rate, wanted.most)
        length = number / rate
    if complete and wanted.kind == "GIF":  # it does not say how long it is
        seconds = length
    cut = complete and not has_end(file, wanted.kind)
    return Listing(choice, ticks, number, complete, rate, length, seconds, aspect, cut)


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
            enough = min(choosing.step_of(rate), MOST_STEP) * most + SPARE
            if number >= enough:
                complete = False
                break
    told = len(ticks) == number
    return (choosing.shown_only(ticks) if told else []), number, complete


def _seconds(film: Any, stream: Any) -> float | None:
    """How long a film says it is."""
    if stream.duration:
        seconds = float(stream.duration * stream.time_base)
    elif film.duration:
        seconds = film.duration / av.time_base
    else:
        return None
    return seconds if 0 < seconds <= LONGEST else None
