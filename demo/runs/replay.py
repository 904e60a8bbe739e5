"""How a run went, in a few pictures."""

from dataclasses import dataclass
from itertools import pairwise

from demo import limits


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture as it was at an iteration; a data URL."""

    iteration: int
    picture: str


class Replay:
    """Frames of a run, evenly thinned out whenever they become too many."""

    def __init__(self, frames: tuple[Frame, ...] = ()) -> None:
        steps = (b.iteration - a.iteration for a, b in pairwise(frames))
        self._frames, self._apart = frames, min(steps, default=1)

    def add(self, frame: Frame | None) -> tuple[Frame, ...]:
        """All that are kept, with another one if it is far enough from the last."""
        if frame is not None:
            self._frames = self._spaced((*self._frames, frame))
            while len(self._frames) > limits.FRAMES:
                self._apart *= 2
                self._frames = self._spaced(self._frames)
        return self._frames

    def _spaced(self, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        kept = list(frames[:1])
        for frame in frames[1:]:
            if frame.iteration - kept[-1].iteration >= self._apart:
                kept.append(frame)
        return tuple(kept)
