"""A larger picture made of a smaller one: along each side it goes on position by position, and
leaps where what is about two positions is alike on average, as a path through time does."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

SOFT = 2  # positions over which what is left of a join gives way to what is right of it
BORDER = SOFT + 2  # positions from either border of the film that are shown at its borders only
COMPARED = range(-SOFT, SOFT)  # positions about a leap
CHANCE = 0.5  # by how much more than it is a leap may seem to cost


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Positions [low, high) along a side, which show those of the film that begin at `source`.
    share (high - low,): how much they count, beside the stretches that they overlap."""

    low: int
    high: int
    source: int
    share: Tensor

    @property
    def here(self) -> slice:
        return slice(self.low, self.high)

    @property
    def there(self) -> slice:
        return slice(self.source, self.source + self.high - self.low)


def lay(features: Tensor, size: int, parts: int, seed: list[int]) -> list[Stretch]:
    """Stretches that fill `size` positions along a side, as many as the film has or more, each in
    about `parts` for as much as the film has. features (n, any): of the film's own n positions, by
    which they are compared."""
    n = len(features)
    runs = _leaps(features, size, seed)
    ends = [*(begin for begin, _ in runs[1:]), size]
    most = max(1, n // (2 * SOFT))
    edges, sources = [], []
    for (begin, source), end in zip(runs, ends, strict=True):
        number = max(1, round(min(parts, most) * (end - begin) / n))
        for k in range(number):
            edges.append(begin + round((end - begin) * k / number))
            sources.append(source - begin)  # where the film would begin
    places = torch.arange(size) + 0.5
    rises = [((places - edge) / SOFT + 0.5).clamp(0, 1) for edge in edges[1:]]
    rises = [torch.ones(size), *rises, torch.zeros(size)]
    edges.append(size)
    found = []
    for k, shift in enumerate(sources):
        low = max(0, edges[k] - SOFT, -shift)
        high = min(size, edges[k + 1] + SOFT, n - shift)
        share = (rises[k] - rises[k + 1])[low:high]
        found.append(Stretch(low, high, low + shift, share))
    return found


def _leaps(features: Tensor, size: int, seed: list[int]) -> list[tuple[int, int]]:
    """Where stretches begin, and at which of the film's positions: those that cost least together,
    by dynamic programming. The first and the last of all positions are those of the film."""
    n = len(features)
    if size == n:
        return [(0, 0)]
    border, least = min(BORDER, n // 4), max(1, n // 4)
    cost = _unlike(features, border)
    chance = np.random.default_rng(seed)
    best = np.full((size, n), np.inf)
    came = np.zeros((size, n, 2), int)  # the stretch before: where it begins, and at what
    best[0, 0] = 0
    for at in range(size - least):
        for length in range(least, min(n, size - at - least) + 1):
            before = best[at, : n - length + 1, None]
            if not np.isfinite(before).any():
                continue
            total = before + cost[length:]
            source, there = total.argmin(0), at + length
            least_total = total[source, np.arange(n)]
            better = least_total < best[there]
            best[there, better] = least_total[better]
            came[there, better, 0], came[there, better, 1] = at, source[better]
        if at + 1 < size:
            best[at + 1] *= 1 + CHANCE * chance.random(n)
    # The last stretch ends where the film does.
    ends = np.arange(size - n + 1, size - least + 1)
    at = int(ends[best[ends, ends - (size - n)].argmin()])
    runs = [(at, at - (size - n))]
    while runs[0][0]:
        runs.insert(0, tuple(came[runs[0]].tolist()))
    return runs


def _unlike(features: Tensor, border: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """How unlike what would come next at a position (n + 1) is what comes at another (n), about
    both; infinite so near a border that it would be felt."""
    n = len(features)
    flat = features.double()
    apart = torch.cdist(flat, flat).square()
    rows, columns = torch.arange(n + 1), torch.arange(n)
    cost = torch.zeros(n + 1, n, dtype=torch.float64)
    for step in COMPARED:
        cost += apart[(rows + step).clamp(0, n - 1)][:, (columns + step).clamp(0, n - 1)]
    cost[rows < border] = cost[rows > n - border] = torch.inf
    cost[:, (columns < border) | (columns > n - border)] = torch.inf
    found: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = cost.numpy()
    return found
