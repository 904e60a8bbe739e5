"""A prior that is the inferred latents of a film themselves, in space and time: new films are made
of windows of them, each at its own place.

Time goes on frame by frame, and now and then from one moment to another that looks alike, as in
video textures (Schoedl, Szeliski, Salesin and Essa 2000, there on pixels). For more novelty the
picture is parted into windows that each go their own way through time.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import Self

import numpy as np
import torch
from torch import Tensor

from abp_core.priors.fields import LatentMap, Place
from abp_core.priors.known import Known
from abp_core.priors.motion.chain import Chain
from abp_core.priors.normal import ONE_SIZE

FINEST = 256  # whole numbers to a unit of a latent, whose products add up without error
SHORTEST, LONGEST = 12, 40  # frames from one leap to the next
FEWEST = 8  # frames that are left of the film where a leap lands
NEAR = 6  # frames that a leap bridges at least
CHOICE = 3  # moments among which chance chooses
COMPARED = ((-2, 0.25), (-1, 1.0), (0, 1.0), (1, 0.25))  # frames about a leap, and their weights
FADE = 6  # frames over which the moment before gives way to the one after
SOFT = 2  # positions over which a window gives way to the next


@dataclass(frozen=True, eq=False)
class Windows:
    """z (frames, c, h, w): the latents of a film. windows: along a side of its picture; one keeps
    every picture together."""

    z: Tensor
    windows: int = 1

    @classmethod
    def of(cls, z: Tensor) -> Self:
        """Of the latents (frames, c, h, w) of a film as they stand."""
        return cls(z.detach().float().cpu())

    def draw(self, n: int, seed: int) -> Tensor:
        """The first n frames of a new film, (n, c, h, w); of one seed the first k are the same."""
        return self.chain(seed).part(0, n)

    def map(
        self, seed: int, *, periods: Place | None = None, known: Known | None = None
    ) -> LatentMap:
        """There is none that does not move. Raises ValueError."""
        raise ValueError(ONE_SIZE)

    def tensors(self) -> dict[str, Tensor]:
        """It needs none beside the latents themselves."""
        return {}

    def chain(self, seed: int, *, onwards: bool = False, period: int = 0) -> Chain:
        """A new film, a function of the seed; see `Motion.chain`."""
        parts = [
            _Part(Path(self.distances(rows, columns), (seed, k), onwards, period), window)
            for k, (rows, columns, window) in enumerate(self._windows)
        ]
        return _Composed(self, parts, period)

    def distances(self, rows: slice, columns: slice) -> Tensor:
        """How far apart any two frames are in a part of the picture, squared, (frames, frames)."""
        flat = (self.z[:, :, rows, columns].double() * FINEST).round().flatten(1)
        products = flat @ flat.T
        squares = products.diagonal()
        return squares[:, None] + squares[None] - 2 * products

    @cached_property
    def _windows(self) -> list[tuple[slice, slice, Tensor]]:
        """Rows and columns of the windows, and how much each counts at every place (h, w)."""
        h, w = self.z.shape[2:]
        across = [_shares(n, min(self.windows, max(1, n // (2 * SOFT)))) for n in (h, w)]
        return [
            (rows, columns, row[:, None] * column)
            for (rows, row), (columns, column) in product(*across)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    path: "Path"
    weight: Tensor


class _Composed:
    """The windows of a film, each where its path is. About the mean of their place, so that where
    two of them meet there is as much contrast as elsewhere."""

    def __init__(self, of: Windows, parts: list[_Part], period: int) -> None:
        self._of, self._parts, self._period = of, parts, period
        self._mean = of.z.mean(0)

    def part(self, start: int, stop: int) -> Tensor:
        """Those of the frames [start, stop), (n, c, h, w)."""
        if len(self._parts) == 1:
            return self._of_path(self._parts[0].path, start, stop)
        apart = [
            (self._of_path(part.path, start, stop) - self._mean) * part.weight
            for part in self._parts
        ]
        power = torch.stack([part.weight.square() for part in self._parts]).sum(0)
        return self._mean + torch.stack(apart).sum(0) / power.sqrt()

    def _of_path(self, path: "Path", start: int, stop: int) -> Tensor:
        now, before, share = path.part(start, stop)
        here = self._of.z[now]
        fading = share < 1
        if fading.any():
            old = self._of.z[before[fading]]
            here[fading] = torch.lerp(old, here[fading], share[fading].view(-1, 1, 1, 1))
        return here


class Path:
    """Moments of a film, one after the other, with leaps between moments that look alike: a
    function of the seed and of the distances (frames, frames) between the frames.

    onwards: it goes on after the last frame. period: after how many it comes back to its beginning.
    """

    def __init__(
        self, distances: Tensor, seed: tuple[int, int], onwards: bool, period: int
    ) -> None:
        self._apart, self._n = distances, len(distances)
        self._chance = np.random.default_rng([number % 2**63 for number in seed])
        self._period = period
        self._fewest = max(1, min(FEWEST, self._n // 3))
        self._moments: list[int] = []
        self._leaps: list[int] = []  # frames before which there is one
        self._until = 0  # the next leap, at the latest
        self._before = self._n - 1 if onwards else -1
        if period:
            self._close(period)

    def part(self, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
        """Of the frames [start, stop): the moment of each, and where a leap is near the moment that
        it would be without it, and the share (n,) of the former."""
        if self._period:
            order = torch.arange(start, stop) % self._period
            now, before, share = self._faded(0, self._period)
            return now[order], before[order], share[order]
        while len(self._moments) < stop + FADE:
            self._moments.append(self._next(self._moments[-1] if self._moments else self._before))
        return self._faded(start, stop)

    def _next(self, last: int) -> int:
        t = len(self._moments)
        if last < 0:  # anywhere
            self._until = t + self._stretch()
            return int(self._chance.integers(max(1, self._n - self._fewest)))
        if last + 1 < self._n and t < self._until:
            return last + 1
        lands = self._land(last)
        self._until = t + self._stretch()
        if lands != last + 1:
            self._leaps.append(t)
        return lands

    def _stretch(self) -> int:
        """Frames until the next leap."""
        longest = max(2, min(LONGEST, self._n // 2))
        return int(self._chance.integers(min(SHORTEST, longest - 1), longest))

    def _land(self, last: int) -> int:
        """A moment that may follow a moment."""
        landings = torch.arange(max(1, self._n - self._fewest + 1))
        cost = self._cost(last + 1, landings)
        cost[(landings - (last + 1)).abs() < min(NEAR, self._n // 4)] = torch.inf
        best = cost.argsort(stable=True)[:CHOICE]
        return int(landings[best[int(self._chance.integers(len(best)))]])

    def _cost(self, expected: int, landings: Tensor) -> Tensor:
        """How unlike what would be expected about a moment is what is about others."""
        cost = torch.zeros(len(landings), dtype=torch.float64)
        for step, weight in COMPARED:
            if 0 <= expected + step < self._n:
                there = (landings + step).clamp(0, self._n - 1)
                cost += weight * self._apart[expected + step][there]
        return cost

    def _close(self, period: int) -> None:
        """A path that comes back: one stretch of the film where it is long enough, else stretches
        of which the last ends just before the first begins."""
        last = self._n - period
        if last >= 1:
            begins = torch.arange(last)
            costs = torch.stack([self._cost(int(b) + period, b[None])[0] for b in begins])
            best = costs.argsort(stable=True)[:CHOICE]
            first = int(begins[best[int(self._chance.integers(len(best)))]])
            self._moments = list(range(first, first + period))
            self._leaps = [0]
            return
        first = int(self._chance.integers(self._n // 2, self._n))
        self._moments, self._until = [first], self._stretch()
        stretch = min(first, max(1, self._n // 3), period - 1)
        while len(self._moments) < period - stretch:
            self._moments.append(self._next(self._moments[-1]))
        self._leaps += [0, len(self._moments)]
        self._moments += range(first - stretch, first)
        self._moments = self._moments[:period]

    def _faded(self, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
        now = torch.tensor(self._moments[start:stop], dtype=torch.int64)
        before, share = now.clone(), torch.ones(len(now))
        n, half = len(self._moments), FADE // 2
        for leap in self._leaps:
            left = self._moments[leap - 1] if leap or self._period else self._before
            lands = self._moments[leap]
            for k in range(-half, half):
                t = leap + k
                t = t % n if self._period else t
                if not start <= t < stop:
                    continue
                old, new = left + 1 + k, lands + k
                if not (0 <= old < self._n and 0 <= new < self._n):
                    continue
                now[t - start], before[t - start] = new, old
                share[t - start] = (k + half + 0.5) / FADE
        return now, before, share


def _shares(n: int, parts: int) -> list[tuple[slice, Tensor]]:
    """Stretches of n positions, and how much each of them counts at every position; together 1."""
    edges = [round(n * k / parts) for k in range(parts + 1)]
    places = torch.arange(n) + 0.5
    # From one stretch to the next over SOFT positions about their common edge.
    rises = [((places - edge) / SOFT + 0.5).clamp(0, 1) for edge in edges[1:-1]]
    rises = [torch.ones(n), *rises, torch.zeros(n)]
    return [
        (slice(max(0, low - SOFT), min(n, high + SOFT)), rise - fall)
        for (low, high), (rise, fall) in zip(pairwise(edges), pairwise(rises), strict=True)
    ]
