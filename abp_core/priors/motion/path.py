"""Moments of a film in another order: time goes on frame by frame, and now and then from one
moment to another that looks alike, as in video textures (Schoedl, Szeliski, Salesin and Essa 2000,
there on pixels)."""

from bisect import bisect_left, bisect_right

import numpy as np
import torch
from torch import Tensor

SHORTEST, LONGEST = 12, 40  # frames from one leap to the next
FEWEST = 8  # frames that are left of the film where a leap lands
NEAR = 6  # frames that a leap bridges at least
CHOICE = 3  # moments among which chance chooses
COMPARED = ((-2, 0.25), (-1, 1.0), (0, 1.0), (1, 0.25))  # frames about a leap, and their weights
FADE = 6  # frames over which the moment before gives way to the one after
CLOSING = 12  # the same of a loop, whose seam comes again and again


class Path:
    """Moments of a film, one after the other, with leaps between moments that look alike: a
    function of the seed and of the distances (frames, frames) between the frames. What is kept of
    it are its runs of moments that follow each other.

    onwards: it goes on after the last frame. period: after how many it comes back to its beginning.
    """

    def __init__(
        self, distances: Tensor, seed: tuple[int, int], onwards: bool, period: int
    ) -> None:
        self._apart, self._n = distances, len(distances)
        self._chance = np.random.default_rng([number % 2**63 for number in seed])
        self._period, self._fade = period, CLOSING if period else FADE
        self._fewest = max(1, min(FEWEST, self._n // 3))
        self._landings: dict[int, list[int]] = {}  # by the moment before
        self._begins: list[int] = []  # the frames with which runs begin, and their moments there
        self._moments: list[int] = []
        self._end = 0  # of the last run
        if period:
            self._close(period)
        elif onwards:
            self._run(self._land(self._n - 1))
        else:
            until = self._stretch()
            self._run(int(self._chance.integers(max(1, self._n - self._fewest))), until)

    @property
    def leaps(self) -> list[int]:
        """The frames, of those that are known by now, before which there is a leap."""
        return self._begins if self._period else self._begins[1:]

    def part(self, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
        """Of the frames [start, stop): the moment of each, and where a leap is near the moment that
        it would be without it, and the share (n,) of the former."""
        if self._period:
            order = torch.arange(start, stop) % self._period
            now, before, share = self._faded(0, self._period)
            return now[order], before[order], share[order]
        while self._end < stop + FADE:
            self._run(self._land(self._last(len(self._begins) - 1)))
        return self._faded(start, stop)

    def _run(self, moment: int, length: int = 0) -> None:
        """From here on moments follow each other, for so long at most; 0: as chance has it."""
        at = self._end
        length = min(length or self._stretch(), self._n - moment)
        if not at or moment != self._last(len(self._begins) - 1) + 1:
            self._begins.append(at)
            self._moments.append(moment)
        self._end = at + length

    def _last(self, run: int) -> int:
        """The last moment of a run."""
        after = self._begins[run + 1] if run + 1 < len(self._begins) else self._end
        return self._moments[run] + after - self._begins[run] - 1

    def _stretch(self) -> int:
        """Frames until the next leap."""
        longest = max(2, min(LONGEST, self._n // 2))
        return int(self._chance.integers(min(SHORTEST, longest - 1), longest))

    def _land(self, last: int) -> int:
        """A moment that may follow a moment."""
        if last not in self._landings:
            landings = torch.arange(max(1, self._n - self._fewest + 1))
            cost = self._cost(last + 1, landings)
            cost[(landings - (last + 1)).abs() < min(NEAR, self._n // 4)] = torch.inf
            self._landings[last] = cost.argsort(stable=True)[:CHOICE].tolist()
        best = self._landings[last]
        return best[int(self._chance.integers(len(best)))]

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
            self._run(int(begins[best[int(self._chance.integers(len(best)))]]), period)
            return
        first = int(self._chance.integers(self._n // 2, self._n))
        self._run(first)
        stretch = min(first, max(1, self._n // 3), period - 1)
        while self._end < period - stretch:
            self._run(self._land(self._last(len(self._begins) - 1)))
        self._end = period - stretch
        self._begins.append(self._end)
        self._moments.append(first - stretch)
        self._end = period

    def _faded(self, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
        frames = torch.arange(start, stop)
        first, half = bisect_right(self._begins, start) - 1, self._fade // 2
        begins, moments = (
            torch.tensor(known[first : bisect_right(self._begins, stop)])
            for known in (self._begins, self._moments)
        )
        run = torch.searchsorted(begins, frames, right=True) - 1
        now = moments[run] + frames - begins[run]
        before, share = now.clone(), torch.ones(len(now))
        nearby = range(
            bisect_left(self._begins, start - half), bisect_right(self._begins, stop + half)
        )
        for leap in nearby:
            if not (leap or self._period):
                continue  # nothing is before the first frame
            left = self._last(leap - 1 if leap else len(self._begins) - 1)
            lands = self._moments[leap]
            for k in range(-half, half):
                t = self._begins[leap] + k
                t = t % self._period if self._period else t
                if not start <= t < stop:
                    continue
                old, new = left + 1 + k, lands + k
                if not (0 <= old < self._n and 0 <= new < self._n):
                    continue
                now[t - start], before[t - start] = new, old
                share[t - start] = (k + half + 0.5) / self._fade
        return now, before, share
