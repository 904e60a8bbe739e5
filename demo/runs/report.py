"""What a job drives, and how it stands at one moment."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from demo import limits
from demo.runs.replay import Frame

Phase = Literal["starting", "running", "paused", "stopped", "finished", "diverged", "failed"]


CurvePoint = tuple[int, float, float, float | None]


AT_WORK: tuple[Phase, ...] = ("starting", "running", "paused")


@dataclass(frozen=True, slots=True)
class Progress:
    """What one iteration did: the numbers that are drawn, and the seconds it computed. prior: the
    loss of a prior that is learnt along, on latents that it does not see; None without one."""

    iteration: int
    error: float
    latent: float
    diverged: bool
    seconds: float
    prior: float | None = None


class Run(Protocol):
    """What a job drives."""

    def iterate(self) -> Iterator[Progress | None]:
        """One iteration: None after every small move, at last what it did. Whoever stops asking
        leaves the run as it was before. On a card, several at once after the first None."""
        ...

    def at_rest(self) -> "Run":
        """The run once it computes no more: a card's memory is for those that do."""
        ...

    def awake(self, seconds: float, step_factor: float = 1.0) -> "Run":
        """The run where it goes on, for so many seconds; a Langevin step is so many times as long
        as it was."""
        ...

    def view(self, anew: bool = True) -> Any:
        """How things look now. anew: whether what takes long is drawn anew, too."""
        ...

    def conclude(self) -> Generator[Any, None, None]:
        """Views of what is worked out at the end, each with more of it. Whoever closes it has the
        rest left out."""
        ...

    def frame(self, view: Any) -> Frame | None:
        """What a replay keeps of a view, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """A job at one moment. `number` grows whenever there is something new to show.

    rate: iterations a second. seconds of `budget` are spent. curve: points
    (iteration, error, latent, prior), see Progress. view: the latest of the run's views.
    frames: of those before, for a replay. sentence: why it ended, where that needs words.
    """

    number: int = 0
    phase: Phase = "starting"
    iteration: int = 0
    rate: float = 0.0
    seconds: float = 0.0
    budget: float = 0.0
    curve: tuple[CurvePoint, ...] = ()
    view: Any = None
    frames: tuple[Frame, ...] = ()
    sentence: str = ""

    @property
    def progress(self) -> float:
        """The share of the budget that is spent."""
        return min(1.0, self.seconds / self.budget) if self.budget else 0.0

    @property
    def seconds_left(self) -> int:
        return max(0, round(self.budget - self.seconds))


class History:
    """A curve that is thinned out evenly so that it never has more than so many points."""

    def __init__(
        self, points: tuple[CurvePoint, ...] = (), most: int = limits.CURVE_POINTS
    ) -> None:
        self.points, self._most = list(points), most
        self._every = points[1][0] - points[0][0] if len(points) > 1 else 1
        self._seconds = 0.0

    def add(self, point: CurvePoint) -> None:
        if point[0] % self._every == 0:
            self.points.append(point)
        if len(self.points) > self._most:
            self._every *= 2
            self.points = [point for point in self.points if point[0] % self._every == 0]

    def rate(self, seconds: float) -> float:
        """Iterations a second, over the last ten or so; nothing while they take no time."""
        self._seconds = seconds if not self._seconds else 0.9 * self._seconds + 0.1 * seconds
        return 1 / self._seconds if self._seconds else 0.0
