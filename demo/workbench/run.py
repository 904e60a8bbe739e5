"""A run: the trainer as a job drives it, and what of it is shown."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

import torch

from abp_core.data.datasets import Dataset
from abp_core.events import Diverging
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from demo import limits, media
from demo.jobs import Progress, Report
from demo.sessions import Visit
from demo.workbench.cards import label_of
from demo.workbench.downloads import SEED_OF_SAMPLES

LIVE_SIZE = 256  # pixels along a live picture
CAPTIONS = ("From the data", "Rebuilt by the model", "New")


@dataclass(frozen=True, slots=True)
class Panel:
    """One live picture or sound; data URLs."""

    caption: str
    picture: str
    sound: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """A visitor's run as it stands, ready to be shown. number: tells runs apart. task: learn, or
    repair."""

    number: int
    task: str
    name: str
    kind: str
    report: Report
    panels: tuple[Panel, ...]


def live_of(visit: Visit) -> Live | None:
    """A visitor's run, or None before the first."""
    job = visit.job  # another thread may let go of it
    if job is None:
        return None
    report = job.report
    return Live(job.number, visit.task, label_of(visit.name), visit.kind, report, report.view or ())


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

    def renewed(self, trainer: Trainer) -> "Run":
        """The same run of another trainer."""
        return Run(trainer)

    def iterate(self) -> Iterator[Progress | None]:
        for event in self.trainer.alternation():
            if event is None:
                yield None
                continue
            yield Progress(
                iteration=event.iteration,
                error=event.reconstruction_error,
                latent=event.latent_norm,
                diverged=self._diverging.observe(event),
                seconds=event.seconds,
                prior=self._along.after(event.seconds),
            )

    def view(self) -> tuple[Panel, ...]:
        """What it learns from, how the model rebuilds it, and something new."""
        trainer, source = self.trainer, self.trainer.data.source
        with torch.inference_mode(), trainer.machine.autocast():
            shown, rebuilt = self._seen()
            prior = trainer.prior()
            if source.kind == "objects":
                new = sampling.sample(trainer.generator, prior, len(shown), SEED_OF_SAMPLES)
            else:
                size = tuple(
                    min(n, most) for n, most in zip(shown.shape[2:], self._size, strict=True)
                )
                new = sampling.generate_field(trainer.generator, prior.map(SEED_OF_SAMPLES), size)
        panel = _sound_panel if source.kind == "sound" else _picture_panel
        return tuple(
            panel(caption, signals, trainer.data)
            for caption, signals in zip(CAPTIONS, (shown, rebuilt, new), strict=True)
        )

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


def _picture_panel(caption: str, signals: torch.Tensor, _: Dataset) -> Panel:
    pictures = sampling.pixels(signals)
    sheet = sampling.contact_sheet(pictures, math.isqrt(len(pictures)))
    return Panel(caption, media.jpeg_url(sheet))


def _sound_panel(caption: str, signals: torch.Tensor, dataset: Dataset) -> Panel:
    rate = dataset.source.sample_rate
    segment = dataset.signals.shape[-1]  # the same stretch of time in every picture
    return Panel(
        caption,
        media.jpeg_url(media.sound_picture(signals[0, 0, :segment].numpy(), rate)),
        media.wav_url(sampling.samples(signals[0], dataset.source.gain), rate),
    )
