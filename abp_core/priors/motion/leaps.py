"""Which moments of a film may follow each other, and what becomes of whoever leaps between them, as
in video textures (Schoedl, Szeliski, Salesin and Essa 2000, there on pixels)."""

from functools import cached_property

import torch
from torch import Tensor

FEWEST = 8  # frames that are left of the film where a leap lands
NEAR = 6  # frames that a leap bridges at least, or an eighth of the film
SHORTEST, LONGEST = 12, 120  # frames from one leap to the next, before the best one is looked for
WITHIN = 20  # frames in which it is looked for
CHOICE = 3  # leaps among which chance chooses, at most
SLACK = 0.1  # of what leaps usually cost, by which these may cost more than the best
COMPARED = ((-2, 0.25), (-1, 1.0), (0, 1.0), (1, 0.25))  # frames about a leap, and their weights
HORIZON = 4  # lengths of the film for which is anticipated
SWEEPS = 100  # leaps for which is anticipated


class Leaps:
    """Leaps from one moment of a film to another, of which the distances (frames, frames) between
    the frames tell how much they show."""

    def __init__(self, distances: Tensor) -> None:
        self._apart, self._n = distances, len(distances)
        self.landings = self._n - max(1, min(FEWEST, self._n // 3)) + 1  # from the first moment on
        self.shortest = max(1, min(SHORTEST, self._n // 2))

    @cached_property
    def costs(self) -> Tensor:
        """How unlike what would follow a moment is what follows a leap, (frames, landings): the
        mean distance of the frames about it. Infinite where a leap bridges hardly anything."""
        n, frames = self._n, torch.arange(self._n)
        landings = torch.arange(self.landings)
        sums = torch.zeros(n, len(landings), dtype=torch.float64)
        weights = torch.zeros(n, 1, dtype=torch.float64)
        for step, weight in COMPARED:
            known = frames[frames + 1 + step < n]
            known = known[known + 1 + step >= 0]
            there = (landings + step).clamp(0, n - 1)
            sums[known] += weight * self._apart[known + 1 + step][:, there]
            weights[known] += weight
        costs = sums / weights
        bridged = (landings - (frames[:, None] + 1)).abs()
        return costs.masked_fill(bridged < min(max(NEAR, n // 8), n // 4), torch.inf)

    @cached_property
    def _spared(self) -> Tensor:
        """What a cost counts after so many frames: rare leaps may cost more."""
        return (1 - 1 / (HORIZON * self._n)) ** torch.arange(self._n, dtype=torch.float64)

    @cached_property
    def _beyond(self) -> Tensor:
        """What the leaps after a landing cost at least, (landings,). Without it whoever comes to
        the end of a film stays there, since nothing is more like it than what is just before."""
        landings = torch.arange(self.landings)
        earliest = (landings + self.shortest - 1).clamp(max=self._n - 1)
        beyond = torch.zeros(self.landings, dtype=torch.float64)
        for _ in range(SWEEPS):
            best = (self.costs + beyond).amin(1) * self._spared  # of a leap after each moment
            later = best.flip(0).cummin(0).values.flip(0)  # of the best one from there on
            beyond = later[earliest] / self._spared[landings]
        return beyond

    @cached_property
    def _slack(self) -> float:
        """By how much more than the best another leap may cost."""
        known = self.costs[self.costs.isfinite()]
        return SLACK * float(known.median()) if len(known) else 0.0

    def among(self, first: int, last: int) -> list[tuple[int, int]]:
        """The best leaps after the moments from first to last, as far as there are, one or a few
        that land apart: the moment before each, and the one after it."""
        last = min(last, self._n - 1)
        first = min(first, last)
        costs = self.costs[first : last + 1] + self._beyond
        costs *= self._spared[: len(costs), None]
        costs, before = costs.min(0)
        most = float(costs.min()) + self._slack
        found: list[tuple[int, int]] = []
        while len(found) < CHOICE and (not found or float(costs.min()) <= most):
            lands = int(costs.argmin())
            found.append((first + int(before[lands]), lands))
            costs[max(0, lands - NEAR) : lands + NEAR + 1] = torch.inf
        return found
