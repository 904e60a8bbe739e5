"""What is held back of a picture or sound, and what windows of one show together."""

from collections.abc import Sequence

import torch
from torch import Tensor


def without_quarter(picture: Tensor) -> tuple[list[Tensor], Tensor]:
    """A picture (c, h, w) without its lower right quarter, as the upper half and the lower left
    quarter; and that quarter, (c, h // 2, w // 2), which is held back. Of a sound (1, length) the
    last quarter is held back."""
    if picture.ndim == 2:
        cut = picture.shape[1] * 3 // 4
        return [picture[:, :cut]], picture[:, cut:]
    top, left = picture.shape[1] - picture.shape[1] // 2, picture.shape[2] - picture.shape[2] // 2
    return [picture[:, :top], picture[:, top:, :left]], picture[:, top:, left:]


def put_together(
    windows: Sequence[Tensor], places: Sequence[tuple[int, ...]], extent: tuple[int, ...]
) -> Tensor:
    """What windows (c, ...) that begin at `places` of a signal (c, *extent) show of it, their mean
    where they overlap; NaN where none is."""
    total = windows[0].new_zeros(windows[0].shape[0], *extent)
    count = windows[0].new_zeros(extent)
    for window, place in zip(windows, places, strict=True):
        where = tuple(slice(a, a + n) for a, n in zip(place, window.shape[1:], strict=True))
        total[(slice(None), *where)] += window
        count[where] += 1
    return torch.where(count > 0, total / count, torch.nan)
