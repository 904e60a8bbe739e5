"""What every film must be that the child decodes, whatever decodes it."""

from abp_core.data.film import choosing
from abp_core.data.film.choosing import Fit
from abp_core.data.film.protocol import LEAST_FRAMES, Refused, Wanted

MOST_PIXELS = 4096 * 2304
MOST_STEP = 34  # of the frames that are looked at one is taken
TOO_LARGE = (
    "has {} x {} pixels; please make it smaller than 4096 x 2304 first, such as 1920 x 1080."
)
TOO_MUCH = (
    "needs too much memory to be decoded; please save it as an MP4 (H.264) of at most 1920 x 1080 "
    "first."
)
TOO_FEW = "holds {}; a film needs at least 8 frames."


def require_size(size: tuple[int, int]) -> None:
    """Raises Refused where frames of this width and height take too much memory."""
    if size[0] * size[1] > MOST_PIXELS:
        raise Refused(TOO_LARGE.format(*size))


def require_frames(number: int) -> None:
    """Raises Refused where these are too few."""
    if number < LEAST_FRAMES:
        raise Refused(TOO_FEW.format(_count(number)))


def require_fit(size: tuple[int, int], wanted: Wanted) -> Fit:
    """How frames of this width and height become as small as is wanted. Raises Refused."""
    width, height = size
    fit = choosing.fit(height, width, pixels=wanted.pixels, unit=wanted.unit)
    if fit is None:
        raise Refused(choosing.why_no_fit(height, width, unit=wanted.unit))
    return fit


def _count(number: int) -> str:
    return {0: "no frames", 1: "one frame"}.get(number, f"{number} frames")
