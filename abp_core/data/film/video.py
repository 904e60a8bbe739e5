"""Videos, which ffmpeg reads: decoded frame by frame, of which the chosen ones are sent."""

import contextlib
from collections.abc import Iterator
from typing import IO, Any

import av

from abp_core.data.film import choosing
from abp_core.data.film.bounds import require_size
from abp_core.data.film.listing import Listing, listing_of
from abp_core.data.film.opening import opened, promised
from abp_core.data.film.protocol import (
    DAMAGED,
    END,
    ENDS_EARLY,
    HEADER,
    NO_FILM,
    Refused,
    Sender,
    Wanted,
)
from abp_core.data.film.views import View

MOST_BROKEN = 100  # packets that cannot be decoded
ALIKE_SHAPE = 0.02  # by which the shape of frames may differ that are brought to one size
NEW_SHAPE = "its frames change their shape after {:.1f} s; what comes before was taken"
NEW_SIZE = "its frames change their size after {:.1f} s and were brought to one"


def send(file: IO[bytes], wanted: Wanted, out: Sender) -> None:
    """All that is said of a video, but for a refusal. Raises Refused, and what ffmpeg raises."""
    require_size(promised(file, wanted.kind))
    listing = listing_of(file, wanted)
    frames = _Frames(listing, wanted, out)
    with opened(file, wanted.kind) as (film, stream):
        context = stream.codec_context
        context.thread_count = 1  # each thread would hold frames of its own
        for frame in _decoded(film, stream, out):
            more = frames.take(frame)
            del frame  # a large one leaves no room for itself and the next one
            if not more:
                break
    if not out.sent:
        raise Refused(NO_FILM)
    out.facts(END, notes=[*frames.notes(), *out.notes])


def _decoded(film: Any, stream: Any, out: Sender) -> Iterator[Any]:
    """Frames in the order in which they are shown; what cannot be decoded is passed over."""
    broken = 0
    packets = film.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except MemoryError:
            raise
        except av.error.FFmpegError:  # it ends on the way, which the listing knows
            packet = None
        try:
            if packet is None:
                with contextlib.suppress(EOFError):
                    yield from stream.codec_context.decode(None)
                return
            yield from packet.decode()
            if packet.size == 0:  # what was held back has come
                return
        except MemoryError:
            raise
        except EOFError:
            return
        except av.error.FFmpegError as error:
            broken += 1
            out.note(DAMAGED)
            if packet is None or broken > MOST_BROKEN:
                if not out.sent:
                    raise Refused(NO_FILM) from error
                return


class _Frames:
    """Takes the chosen frames out of all, and sends them."""

    def __init__(self, listing: Listing, wanted: Wanted, out: Sender) -> None:
        self._listing, self._wanted, self._out = listing, wanted, out
        self._at = self._seen = 0
        self._size = (0, 0)
        self._view: View | None = None

    def take(self, frame: Any) -> bool:
        """Whether more are wanted."""
        places, ticks = self._listing.choice.places, self._listing.ticks
        now = frame.pts if ticks else self._seen
        self._seen += 1
        if now is None:  # it comes right after the one before
            return True
        times = 0
        while self._at < len(places):
            place = int(places[self._at])
            if (ticks[place] if ticks else place) > now:
                break
            times += 1
            self._at += 1
        if times:
            if not self._fits(frame):
                return False
            assert self._view is not None
            self._out.frame(self._view.show(frame), times)
        return self._at < len(places)

    def _fits(self, frame: Any) -> bool:
        """Whether the frame can be shown like the first one, of which more is made here."""
        size = (frame.width, frame.height)
        if self._view is None:
            require_size(size)
            self._size = size
            self._view = View(frame, self._listing.aspect, self._wanted, self._out)
            self._announce(self._view)
        elif size != self._size:
            now = self._out.sent / self._listing.choice.rate
            shape, first = size[0] / size[1], self._size[0] / self._size[1]
            if abs(shape / first - 1) > ALIKE_SHAPE:
                self._out.note(NEW_SHAPE.format(now))
                return False
            self._out.note(NEW_SIZE.format(now))
        return True

    def _announce(self, view: View) -> None:
        listing = self._listing
        self._out.facts(
            HEADER,
            shape=view.fit.kept,
            most=len(listing.choice.places),
            rate=listing.choice.rate,
            size=view.seen,
            seconds=listing.seconds or listing.length,
        )

    def notes(self) -> list[str]:
        """What was taken of the whole, once all of it is sent."""
        listing, choice = self._listing, self._listing.choice
        last = int(choice.places[-1]) + choice.step
        more = last < listing.number or not listing.complete or self._at < len(choice.places)
        taken, said = self._out.sent / choice.rate, listing.seconds
        ends = said or listing.length
        early = listing.complete and ends > listing.length + max(2 / listing.rate, 0.02 * ends, 0.2)
        total: float | None = 0.0
        if last < listing.number or (not early and more):
            total = said or (listing.length if listing.complete else None)
            total = total if total is not None and total > taken else None
        notes = list(choosing.notes_of(choice, listing.rate, taken, total))
        if early:
            notes.append(f"its pictures end after {listing.length:.1f} s of {ends:.1f} s")
        elif listing.cut:
            notes.append(ENDS_EARLY)
        return notes
