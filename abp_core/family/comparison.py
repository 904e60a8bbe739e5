"""Several methods that learn from the same data in turns, so that all have spent as much."""

from collections.abc import Iterator, Sequence
from functools import partial

from abp_core.family.member import Member, Told
from abp_core.family.methods import METHODS
from abp_core.family.trial import Trial


class Comparison:
    """The methods `names` on the data of a trial.

    members: those that were built, by name; each is built when its first turn comes. told: what
    each said last.
    """

    def __init__(self, trial: Trial, names: Sequence[str], seed: int = 0) -> None:
        self.trial = trial
        self.names = tuple(names)
        self.members: dict[str, Member] = {}
        self.told: dict[str, Told] = {}
        self._build = {name: partial(METHODS[name].build, trial, seed) for name in self.names}

    def moves(self, budget: float) -> Iterator[tuple[str, Told | None]]:
        """Small moves, one after the other, each with the name of whose it was: None, and at the
        end of an iteration what that did. The next iteration is that of whoever has spent least;
        `budget` seconds end a member's turns, as do a divergence and having learnt all there is.
        """
        while waiting := [name for name in self.names if not self._ended(name, budget)]:
            name = min(waiting, key=self.spent)
            if name not in self.members:
                self.members[name] = self._build[name]()
                yield name, None
            for told in self.members[name].alternation():
                if told is not None:
                    self.told[name] = told
                yield name, told

    def spent(self, name: str) -> float:
        """Seconds that a member has computed."""
        return self.members[name].seconds if name in self.members else 0.0

    def ended(self, name: str) -> bool:
        """Whether a member can go on no more, whatever its budget."""
        told = self.told.get(name)
        return told is not None and (told.diverged or told.learnt)

    def progress(self, budget: float) -> float:
        """The share of all budgets that is spent."""
        shares = [
            1.0 if self._ended(name, budget) else self.spent(name) / budget for name in self.names
        ]
        return sum(shares) / len(shares)

    def _ended(self, name: str, budget: float) -> bool:
        return self.ended(name) or self.spent(name) >= budget
