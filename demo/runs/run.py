"""A run: the trainer as a job drives it, and what of it is shown."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from time import monotonic

import torch

from abp_core.device import Machine, cpu, this_machine
from abp_core.learning.events import Diverging, TrainingEvent
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from demo import limits, media
from demo.models.downloads import SEED_OF_SAMPLES
from demo.models.medium import Medium, medium_of
from demo.runs.replay import Frame
from demo.runs.report import (
    Progress,
)

LIVE_SIZE = 256  # pixels along a live picture
CAPTIONS = ("From the data", "Rebuilt by the model", "New")


@dataclass(frozen=True, slots=True)
class Panel:
    """One live picture, sound or film; data URLs. picture: of a film its first frame."""

    caption: str
    picture: str
    sound: str = ""
    film: str = ""


class Along:
    """A prior that is learnt along with a run, by a small share of its time, from the latents as
    they stand when it begins a round. Nothing for a run whose prior has nothing to learn."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer, self._learning = trainer, trainer.learn_prior()
        self._spent, self._allowed = 0.0, 0.0
        self._loss: float | None = None

    def after(self, seconds: float) -> float | None:
        """An iteration took so long; the loss on latents that the prior does not see, or None."""
        self._allowed += limits.PRIOR_SHARE * seconds
        if self._trainer.spec.prior == "flow" and self._spent < self._allowed:
            begun = monotonic()
            progress = next(self._learning, None)
            if progress is None:  # it gets no better: from the latents as they are by now
                self._learning = self._trainer.learn_prior(anew=False)
            else:
                self._loss = progress.held_back
            self._spent += monotonic() - begun
        return self._loss


class Run:
    """A trainer as a job drives it."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self._along = Along(trainer)
        self._diverging = Diverging(trainer.chains)
        self._new: Panel | None = None  # of the last view that was drawn whole

    def renewed(self, trainer: Trainer) -> "Run":
        """The same run of another trainer."""
        return Run(trainer)

    def on(self, machine: Machine) -> "Run":
        """The same run where another machine computes it; itself where that is its own."""
        trainer = self.trainer
        if trainer.machine == machine:
            return self
        saved = trainer.checkpoint()
        return self.renewed(
            Trainer.resume(saved, trainer.data, trainer.observation, machine=machine)
        )

    def at_rest(self) -> "Run":
        """The same run where it holds no memory of a card."""
        return self.on(cpu())

    def awake(self, seconds: float, step_factor: float = 1.0) -> "Run":
        """The same run where this machine computes it; a Langevin step is so many times as long as
        it was."""
        run = self.on(this_machine())
        trainer = run.trainer
        if step_factor != 1.0:
            saved = trainer.checkpoint()
            saved = saved.at(saved.step_size * step_factor)
            trainer = Trainer.resume(saved, trainer.data, trainer.observation)
        return run.renewed(trainer)

    def iterate(self) -> Iterator[Progress | None]:
        """One iteration in small moves, and at last what it did; on a card several at a stroke."""
        for event in self.trainer.alternation(None):
            yield None if event is None else self._progress(event)

    def error(self, event: TrainingEvent) -> float:
        """What is drawn of how near the model comes."""
        return event.reconstruction_error

    def _progress(self, event: TrainingEvent) -> Progress:
        return Progress(
            iteration=event.iteration,
            error=self.error(event),
            latent=event.latent_norm,
            diverged=self._diverging.observe(event),
            seconds=event.seconds,
            prior=self._along.after(event.seconds),
        )

    def view(self, anew: bool = True) -> tuple[Panel, ...]:
        """What it learns from, how the model rebuilds it, and something new, which takes long."""
        data, rebuilding, novelty = CAPTIONS
        medium = medium_of(self.trainer.data.source)
        with torch.inference_mode(), self.trainer.machine.autocast():
            shown, rebuilt = self._seen()
            new = self._sample(shown) if anew or self._new is None else None
        if new is not None:
            self._new = panel_of(novelty, medium, new.float())
        assert self._new is not None
        return (panel_of(data, medium, shown), panel_of(rebuilding, medium, rebuilt), self._new)

    def conclude(self) -> Generator[tuple[Panel, ...], None, None]:
        """Nothing more is worked out at its end."""
        yield from ()

    def frame(self, view: tuple[Panel, ...]) -> Frame | None:
        """What a replay keeps of a view: nothing."""
        return None

    def _sample(self, shown: torch.Tensor) -> torch.Tensor:
        """New ones, as many and as large as what is shown."""
        trainer, prior = self.trainer, self.trainer.prior()
        if trainer.data.source.kind == "objects":
            return sampling.sample(trainer.generator, prior, len(shown), SEED_OF_SAMPLES)
        size = tuple(min(n, most) for n, most in zip(shown.shape[2:], self._size, strict=True))
        return sampling.generate_field(trainer.generator, prior.map(SEED_OF_SAMPLES), size)

    @property
    def _size(self) -> tuple[int, ...]:
        """Of the largest texture or sound that is shown."""
        rate = self.trainer.data.source.sample_rate
        return (3 * rate,) if rate else (LIVE_SIZE, LIVE_SIZE)

    def _seen(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Some of what it learns from, and f(z) of it: of a whole picture or sound its middle."""
        trainer, unit = self.trainer, self.trainer.spec.generator.enlargement
        if not trainer.spec.window:
            n = {"texture": 4, "sound": 1, "objects": 16}[trainer.data.source.kind]
            return trainer.data.signals[:n], trainer.generator(trainer.z[:n]).float().cpu()
        x, z = trainer.data.signals, trainer.z
        for axis, most in enumerate(self._size, start=2):
            positions = min(x.shape[axis], most) // unit
            first = (x.shape[axis] // unit - positions) // 2
            x = x.narrow(axis, first * unit, positions * unit)
            z = z.narrow(axis, first, positions + 2 * trainer.spec.generator.margin)
        return x, trainer.generator(z).float().cpu()


def panel_of(caption: str, medium: Medium, signals: torch.Tensor) -> Panel:
    """Signals (n, c, ...) as a live picture or sound."""
    picture = media.jpeg_url(medium.draw_sheet(signals), 90)
    return Panel(caption, picture, medium.play(signals[0]))
