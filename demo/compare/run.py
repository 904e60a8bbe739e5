"""Several methods that learn in turns, as one job drives them."""

import logging
import math
from collections.abc import Generator, Iterator
from dataclasses import asdict, replace
from itertools import cycle

from torch import Tensor

from abp_core.family.comparison import Comparison
from abp_core.family.member import Member, Told
from abp_core.family.methods import METHODS
from abp_core.family.verdict import Figures, Yardstick, tell_energies
from demo import limits
from demo.compare.view import draw_data, draw_new, draw_rebuilt, draw_shown
from demo.runs.columns import DATA, Column, Pictures
from demo.runs.replay import Frame
from demo.runs.report import History, Progress

RAN_AWAY = "ran away; as it last was"
LEARNT = "has learnt all there is"
MEASURED = "is being measured"
TABS = "Explore and Inference have nothing to move, Synthesise and Repair nothing to infer"
WHY_NOT = f"It has no generator with latents: {TABS}."

TOLD = ("reconstruction", "features", "copied", "diversity")

View = tuple[Column, ...]


class ComparisonRun:
    """A comparison as a job drives it. seconds: that each method may compute. figures: what those
    that were measured came to.

    Its clock is that of whoever has spent least of those that still learn.
    """

    def __init__(self, comparison: Comparison, seconds: float) -> None:
        self.comparison, self._trial = comparison, comparison.trial
        self._columns = {name: Column(name) for name in comparison.names}
        self._data = Column(DATA, 1, draw_data(comparison.trial), begun=True)
        self._curves = {name: History(most=limits.COMPARED_POINTS) for name in comparison.names}
        self._turns, self._later = cycle(comparison.names), cycle(comparison.names)
        self._yardstick: Yardstick | None = None
        self._measuring: set[str] = set()
        self.figures: dict[str, Figures] = {}
        self.energies: dict[str, dict[str, float]] = {}
        self._set_out(seconds)

    def _set_out(self, seconds: float) -> None:
        """From here on every method that still learns has so many seconds more."""
        spent = [self.comparison.spent(name) for name in self._going()]
        self._budget, self._seconds = max(spent, default=0.0) + seconds, seconds
        self._clock = 0.0

    def _going(self) -> list[str]:
        return [name for name in self.comparison.names if not self.comparison.ended(name)]

    def awake(self, seconds: float, step_factor: float = 1.0) -> "ComparisonRun":
        """It goes on where it stood, and what it was measured by is out of date."""
        self.figures.clear()
        self.energies.clear()
        for name, column in self._columns.items():
            self._columns[name] = replace(column, figures={}, energies=())
        self._set_out(seconds)
        return self

    def at_rest(self) -> "ComparisonRun":
        return self

    def iterate(self) -> Iterator[Progress | None]:
        """One iteration of whoever has spent least; nothing where none has any time left."""
        for name, told in self.comparison.moves(self._budget):
            if told is None:
                yield None
            else:
                if math.isfinite(told.loss):
                    self._curves[name].add((told.iteration, told.loss, 0.0, None))
                yield self._progress(told)
                return

    def _progress(self, told: Told) -> Progress:
        before = self._clock
        least = min(map(self.comparison.spent, self._going()), default=self._budget)
        self._clock = min(max(self._seconds - (self._budget - least), before), self._seconds)
        iterations = sum(member.iteration for member in self.comparison.members.values())
        return Progress(iterations, told.loss, 0.0, diverged=False, seconds=self._clock - before)

    def view(self, anew: bool = True) -> View:
        """The figures of all, and the new pictures of one: another each time. anew: those that it
        rebuilds, too, of the next whose turn for that it is."""
        name = next(self._turns)
        if name in self.comparison.members:
            self._redraw(name, rebuilt=False)
        if anew and (later := next(self._later)) in self.comparison.members:
            self._redraw(later, rebuilt=True)
        return self._view()

    def conclude(self) -> Generator[View, None, None]:
        """All pictures as they are at the end, and what each is measured by."""
        members = self.comparison.members
        self._measuring = set(members)
        try:
            yield self._view()
            self._yardstick = self._yardstick or Yardstick.of(self._trial)
            made: dict[str, Tensor] = {}
            for name, member in members.items():
                self._redraw(name, rebuilt=False)
                self._redraw(name, rebuilt=True)
                self._measure(name, member, self._yardstick, made)
                self._measuring.discard(name)
                yield self._view()
            yield from self._ask_for_energies(made)
        finally:
            self._measuring.clear()

    def _ask_for_energies(self, made: dict[str, Tensor]) -> Iterator[View]:
        """What each that knows an energy thinks of what all have made."""
        for name, member in self.comparison.members.items():
            if told := tell_energies(member, self._trial, made):
                self.energies[name] = told
                titles = {DATA: "The data"} | {each: METHODS[each].title for each in made}
                energies = tuple((titles[each], energy) for each, energy in told.items())
                self._tell(name, energies=energies)
                yield self._view()

    def _measure(
        self, name: str, member: Member, yardstick: Yardstick, made: dict[str, Tensor]
    ) -> None:
        """One that cannot be measured, as what it makes is no signal, leaves the others theirs."""
        try:
            made[name] = yardstick.draw(member)
            self.figures[name] = yardstick.judge(member, made[name])
            self._tell(name, figures=_told(self.figures[name]))
        except (ArithmeticError, RuntimeError, ValueError) as error:
            logging.getLogger(__name__).error("%s could not be measured", name, exc_info=error)
            self._tell(name, figures=dict.fromkeys(TOLD))

    def frame(self, view: View) -> Frame | None:
        """What a replay keeps of a view: nothing."""
        return None

    def _view(self) -> View:
        for name, member in self.comparison.members.items():
            self._follow(name, member)
        return (self._data, *self._columns.values())

    def _redraw(self, name: str, *, rebuilt: bool) -> None:
        column, member = self._columns[name], self.comparison.members[name]
        now: Pictures = column.pictures
        if rebuilt:
            now = replace(now, rebuilt=draw_rebuilt(member))
        else:
            now = replace(now, new=draw_new(member), shown=draw_shown(member))
        self._tell(name, pictures=now, drawn=column.drawn + 1)

    def _follow(self, name: str, member: Member) -> None:
        """What there is to say of a member that costs nothing to say."""
        points = tuple((iteration, loss) for iteration, loss, *_ in self._curves[name].points)
        if not self._columns[name].begun:
            self._introduce(name, member)
        self._tell(
            name,
            iteration=member.iteration,
            seconds=member.seconds,
            rate=member.iteration / member.seconds if member.seconds else 0.0,
            curve=points,
            status=self._status(name),
        )

    def _introduce(self, name: str, member: Member) -> None:
        """What stays the same of a member as long as it learns."""
        held = sum(each.numel() * each.element_size() for each in member.tensors().values())
        self._tell(
            name,
            begun=True,
            parameters=member.parameters,
            megabytes=held / 2**20,
            why_not="" if METHODS[name].model else WHY_NOT,
        )

    def _status(self, name: str) -> str:
        told = self.comparison.told.get(name)
        if name in self._measuring:
            return MEASURED
        if told is None:
            return ""
        return RAN_AWAY if told.diverged else LEARNT if told.learnt else ""

    def _tell(self, name: str, **news: object) -> None:
        self._columns[name] = replace(self._columns[name], **news)  # type: ignore[arg-type]


def _told(told: Figures) -> dict[str, float | None]:
    """Figures as a page is told of them; what is no number is not known."""
    return {
        name: value if value is not None and math.isfinite(value) else None
        for name, value in asdict(told).items()
        if name in TOLD
    }
