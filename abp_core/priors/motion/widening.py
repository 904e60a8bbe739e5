"""A larger picture made of a smaller one: along each side it goes on position by position, and
leaps where what is about two positions is alike on average, as a path through time does. Where
nothing is alike, as in a scene that slopes, it turns, and goes on as in a mirror."""

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FINEST = 256  # whole numbers to a unit of what positions are compared by
SOFT = 2  # positions over which what is left of a join gives way to what is right of it
BORDER = SOFT + 2  # positions from either border of the film that are shown at its borders only
COMPARED = range(-SOFT, SOFT)  # positions about a leap
CHANCE = 0.25  # by how much more than it is a leap may seem to cost
TURN = 1.3  # times as much a turn costs as a leap to what is as much alike


Span = tuple[int, int, bool]  # from a position to before another, and whether it is turned


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Positions [low, high) along a side, which show those of the film that begin at `source`.
    turned: of the film as it is in a mirror. share (high - low,): how much they count, beside the
    stretches that they overlap."""

    low: int
    high: int
    source: int
    turned: bool
    share: Tensor

    @property
    def here(self) -> slice:
        return slice(self.low, self.high)

    def of(self, z: Tensor, axis: int) -> Tensor:
        """What it shows of maps of the film, along an axis of them."""
        seen = z.flip(axis) if self.turned else z
        return seen.narrow(axis, self.source, self.high - self.low)


def spans(stretches: list[Stretch]) -> list[Span]:
    """Where the film is seen as it is, and where as in a mirror, from one side to the other."""
    found: list[Span] = []
    for stretch, after in zip_longest(stretches, stretches[1:]):
        end = stretch.high if after is None else (stretch.high + after.low) // 2
        begin = found[-1][1] if found else 0
        if found and found[-1][2] == stretch.turned:
            begin = found.pop()[0]
        found.append((begin, end, stretch.turned))
    return found


def lay(features: Tensor, size: int, parts: int, seed: list[int], turns: bool) -> list[Stretch]:
    """Stretches that fill `size` positions along a side, as many as the film has or more, each in
    about `parts` for as much as the film has. features (n, any): of the film's own n positions, by
    which they are compared. turns: whether they may be turned."""
    n = len(features)
    runs = _leaps(features, size, seed, turns)
    ends = [*(begin for begin, _ in runs[1:]), size]
    most = max(1, n // (2 * SOFT))
    edges, shifts = [], []
    for (begin, source), end in zip(runs, ends, strict=True):
        number = max(1, round(min(parts, most) * (end - begin) / n))
        for k in range(number):
            edges.append(begin + round((end - begin) * k / number))
            shifts.append((source % n - begin, source >= n))  # where the film would begin
    places = torch.arange(size) + 0.5
    rises = [((places - edge) / SOFT + 0.5).clamp(0, 1) for edge in edges[1:]]
    rises = [torch.ones(size), *rises, torch.zeros(size)]
    edges.append(size)
    found = []
    for k, (shift, turned) in enumerate(shifts):
        low = max(0, edges[k] - SOFT, -shift)
        high = min(size, edges[k + 1] + SOFT, n - shift)
        share = (rises[k] - rises[k + 1])[low:high]
        found.append(Stretch(low, high, low + shift, turned, share))
    return found


def _leaps(features: Tensor, size: int, seed: list[int], turns: bool) -> list[tuple[int, int]]:
    """Where stretches begin, and at which of the film's n positions or, from n on, of those in the
    mirror: what costs least together, by dynamic programming. The first of all positions is the
    film's first, and the last is at one of its ends."""
    n = len(features)
    if size == n:
        return [(0, 0)]
    least = max(1, n // 4)
    cost = _unlike(features, turns)
    chance = np.random.default_rng(seed)
    best = np.full((size, 2 * n), np.inf)
    came = np.zeros((size, 2 * n, 2), int)  # the stretch before: where it begins, and at what
    best[0, 0] = 0
    for at in range(size - least):
        for half in (0, 1):
            for length in range(least, min(n, size - at - least) + 1):
                before = best[at, half * n : half * n + n - length + 1, None]
                if not np.isfinite(before).any():
                    continue
                total = before + cost[half, length:]
                source, there = total.argmin(0), at + length
                lowest = total[source, np.arange(2 * n)]
                better = lowest < best[there]
                best[there, better] = lowest[better]
                came[there, better, 0] = at
                came[there, better, 1] = half * n + source[better]
        best[at + 1] *= 1 + CHANCE * chance.random(2 * n)
    last = [  # stretches that end where the film does
        (at, half * n + at - (size - n))
        for at in range(size - n, size - least + 1)
        for half in (0, 1)
    ]
    runs = [min(last, key=lambda run: best[run])]
    while runs[0][0]:
        runs.insert(0, tuple(came[runs[0]].tolist()))
    return runs


def _unlike(features: Tensor, turns: bool) -> NDArray[np.float64]:
    """How unlike what would come next at a position (2, n + 1), of the film and in the mirror, is
    what comes at another (2 n), about both; infinite so near a border that it would be felt."""
    n, border = len(features), min(BORDER, len(features) // 4)
    # Whole numbers, whose products add up without error: no two machines choose otherwise.
    whole = (features * FINEST).round()
    both = torch.stack([whole, whole.flip(0)])
    rows, columns = torch.arange(n + 1), torch.arange(n)
    cost = torch.zeros(2, n + 1, 2, n, dtype=torch.float64)
    for half in (0, 1):
        for other in (0, 1):
            if half != other and not turns:
                cost[half, :, other] = torch.inf
                continue
            a, b = both[half], both[other]
            apart = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T
            for step in COMPARED:
                near = apart[(rows + step).clamp(0, n - 1)][:, (columns + step).clamp(0, n - 1)]
                cost[half, :, other] += near
            if half != other:
                cost[half, :, other] *= TURN
    cost[:, (rows < border) | (rows > n - border)] = torch.inf
    cost[..., (columns < border) | (columns > n - border)] = torch.inf
    found: NDArray[np.float64] = cost.view(2, n + 1, 2 * n).numpy()
    return found
