"""Moments of a film in another order: time goes on frame by frame, and now and then leaps from one
moment to another that looks alike (`leaps`)."""

from bisect import bisect_left, bisect_right
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from abp_core.priors.motion.leaps import CHOICE, LONGEST, WITHIN, Leaps

Choice = TypeVar("Choice")
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
        self._leaps, self._n = Leaps(distances), len(distances)
        self._chance = np.random.default_rng([number % 2**63 for number in seed])
        self._period, self._fade = period, CLOSING if period else FADE
        self._begins: list[int] = []  # the frames with which runs begin, and their moments there
        self._moments: list[int] = []
        self._end = 0  # of the last run
        self._next = 0  # the moment with which another would begin
        if period:
            self._close(period)
        elif onwards:
            self._run(self._chosen(self._leaps.among(self._n - 1, self._n - 1))[1])
        else:
            self._run(int(self._chance.integers(self._leaps.landings)))

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
            self._run(self._next)
        return self._faded(start, stop)

    def _run(self, moment: int) -> None:
        """From here on moments follow each other, until the best of the leaps that come next."""
        latest = max(self._leaps.shortest + 1, min(LONGEST, self._n - moment))
        earliest = moment + int(self._chance.integers(self._leaps.shortest, latest, 2).max()) - 1
        last, self._next = self._chosen(self._leaps.among(earliest, earliest + WITHIN))
        self._begin(self._end, moment)
        self._end += last - moment + 1

    def _begin(self, frame: int, moment: int) -> None:
        self._begins.append(frame)
        self._moments.append(moment)

    def _last(self, run: int) -> int:
        """The last moment of a run."""
        after = self._begins[run + 1] if run + 1 < len(self._begins) else self._end
        return self._moments[run] + after - self._begins[run] - 1

    def _chosen(self, some: list[Choice]) -> Choice:
        return some[int(self._chance.integers(len(some)))]

    def _close(self, period: int) -> None:
        """A path that comes back: one stretch of the film where it is long enough, else stretches
        of which the last ends just before the first begins."""
        costs, landings = self._leaps.costs, self._leaps.landings
        if self._n > period:
            begins = torch.arange(min(self._n - period, landings))
            best = costs[begins + period - 1, begins].argsort(stable=True)[:CHOICE].tolist()
            self._begin(0, self._chosen(best))
            self._end = period
            return
        first = int(self._chance.integers(self._n // 2, landings))
        while self._end < period:
            self._run(self._next if self._end else first)
        moments, *_ = self._faded(0, period)
        stretches = torch.arange(1, min(first, period - 1) + 1)  # lengths that the last may have
        back = costs[moments[period - stretches - 1], first - stretches]
        stretch = int(stretches[back.argmin()])
        kept = bisect_left(self._begins, period - stretch)
        del self._begins[kept:], self._moments[kept:]
        self._begin(period - stretch, first - stretch)
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
