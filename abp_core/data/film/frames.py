"""A film in memory, whatever it was read from: how long one waits for it, and that it moves."""

from dataclasses import dataclass

import numpy as np

from abp_core.data.colours import Pixels
from abp_core.data.film.protocol import LEAST_FRAMES
from abp_core.data.formats import FileRejected

SOON = 4.0  # seconds within which a film that can be used has begun to arrive
LATEST = 20.0  # seconds after which no more of it is waited for
STILL = 0.25  # levels by which the frames of a still may differ on average, by how they are packed
STILL_BLOCK = 16  # levels by which they may in a block
BLOCK = 4  # pixels
TOO_SHORT = "is too short or ends early: only {} of its frames can be used, and a film needs 8."
NO_MOTION = "does not move: all its frames are the same; please choose a film of what moves."


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """frames (n, h, w, 3), bytes. rate: frames a second. notes: what was done, each the rest of a
    sentence that begins with the file. size: width and height of the film in the file, as it is
    seen. seconds: of the whole film."""

    frames: Pixels
    rate: float
    notes: tuple[str, ...]
    size: tuple[int, int]
    seconds: float


def differ(one: Pixels, other: Pixels) -> bool:
    """Whether something moved from one frame to the other: a little everywhere, or much somewhere.
    Films pack the same picture in several ways, of which edges tremble."""
    height, width = (size - size % BLOCK for size in one.shape[:2])
    change = one[:height, :width].astype(np.float32) - other[:height, :width]
    blocks = change.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3).mean((1, 3))
    return bool(np.abs(change).mean() > STILL or np.abs(blocks).max() > STILL_BLOCK)


def require_motion(frames: Pixels, name: str) -> None:
    """Raises FileRejected where there are too few frames, or all are the same."""
    if len(frames) < LEAST_FRAMES:
        raise FileRejected(f"{name} {TOO_SHORT.format(len(frames))}")
    if not any(differ(frame, frames[0]) for frame in frames[1:]):
        raise FileRejected(f"{name} {NO_MOTION}")
