"""Learning from a film that was never seen whole, as a job drives it."""

from collections.abc import Iterator

import torch
from torch import Tensor

from abp_core.learning.events import TrainingEvent
from abp_core.priors.motion.between import blend
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from demo import limits
from demo.media import Pixels
from demo.models.medium import medium_of
from demo.runs.baseline import error_over
from demo.runs.degradations import Degradation
from demo.runs.film_run import panel_of_film
from demo.runs.repair_run import RepairRun
from demo.runs.run import Panel, Run

AT_ONCE = 16  # frames
SEEN, RECOVERED, BLENDED, TRUTH = (
    *("Seen", "Recovered", "A blend"),
    "The truth, never shown",
)


class FilmRepair(Run):
    """A trainer on what is left of a film. A stretch of it is shown, that which has lost most; its
    error is that of what is hidden there."""

    def __init__(self, trainer: Trainer, hidden: Degradation) -> None:
        super().__init__(trainer)
        self._hidden, self._medium = hidden, medium_of(trainer.data.source)
        x, rate = trainer.data.signals, trainer.data.source.frame_rate
        self._number = min(len(x), limits.LIVE_FRAMES, max(2, round(limits.LIVE_SECONDS * rate)))
        lost = hidden.hidden.flatten(1).mean(1)
        self._first = _middle_of_most(lost, self._number)
        self._shown = slice(self._first, self._first + self._number)
        self._visible, self._truth = 1 - hidden.hidden[self._shown], x[self._shown]
        observed = x * (1 - hidden.hidden)
        self._blended = blend(observed, 1 - hidden.hidden)[self._shown]
        self._error: float | None = None
        self._still: tuple[Panel, ...] = ()  # the panels that stay as they are

    def renewed(self, trainer: Trainer) -> "FilmRepair":
        """The same run of another trainer."""
        return FilmRepair(trainer, self._hidden)

    def error(self, event: TrainingEvent) -> float:
        """That of what is hidden, worked out now and then; where nobody knows what that was, how
        far the model is off what was seen."""
        if not self._hidden.known:
            return event.reconstruction_error
        if self._error is None or event.iteration % 50 == 1:
            self._error = error_over(1 - self._visible, self._recovered(), self._truth)
        return self._error

    def view(self, anew: bool = True) -> tuple[Panel, ...]:
        """What was seen, what was recovered, what is blended from the nearest frames instead, and
        the truth where there is one."""
        recovered = self._recovered()
        if not self._still:
            self._still = self._staying()
        seen, *others = self._still
        return seen, self._panel(RECOVERED, recovered), *others

    def frames(self) -> Iterator[Pixels]:
        """The whole film, frame by frame, what was not seen of it recovered."""
        for first in range(0, len(self.trainer.data.signals), AT_ONCE):
            yield from sampling.pixels(self._mixed(slice(first, first + AT_ONCE)))

    def _staying(self) -> tuple[Panel, ...]:
        grey = torch.where(self._visible > 0, self._truth, 0.0)
        blended = self._panel(BLENDED, self._blended)
        if not self._hidden.known:  # every second frame is as it was
            times = torch.arange(self._number)
            before = self._truth[times - (times + self._first) % 2]
            return panel_of_film("As it was", self._medium, before), blended
        seen, truth = (panel_of_film(*each) for each in (
            (SEEN, self._medium, grey), (TRUTH, self._medium, self._truth)))  # fmt: skip
        return seen, blended, truth

    def _panel(self, what: str, made: Tensor) -> Panel:
        """A film, with its error over what was hidden in its caption."""
        if self._hidden.known:
            error = 100 * error_over(1 - self._visible, made, self._truth)
            return panel_of_film(f"{what}: off by {error:.2f} %", self._medium, made)
        words = {RECOVERED: "At twice the rate"}.get(what, what)
        return panel_of_film(words, self._medium, made)

    def _recovered(self) -> Tensor:
        return self._mixed(self._shown)

    def _mixed(self, which: slice) -> Tensor:
        """Frames of the film, what was not seen of them recovered."""
        trainer, expected = self.trainer, self.trainer.expected
        assert expected is not None
        with torch.inference_mode(), trainer.machine.autocast():
            made = sampling.generate(trainer.generator, trainer.z[which]).float()
            return expected.mix(made, 1 - self._hidden.hidden[which], which.start)


def _middle_of_most(lost: Tensor, number: int) -> int:
    """The first of so many frames in a row, about the middle of those of which most is lost."""
    sums = lost.unfold(0, number, 1).sum(1)
    most = (sums > sums.max() - 1e-6).nonzero()[:, 0]
    return int(most[len(most) // 2])


def repair_of(trainer: Trainer, hidden: Degradation) -> Run:
    """A trainer on incomplete data as a job drives it, whatever it learns."""
    kind = FilmRepair if trainer.data.source.kind == "film" else RepairRun
    return kind(trainer, hidden)
