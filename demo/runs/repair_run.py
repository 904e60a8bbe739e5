"""Learning from data that was never seen whole, as a job drives it, and repairs by a model."""

import dataclasses
from typing import Self

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.data.datasets import Dataset
from abp_core.langevin import choose_rows, energy_ceiling, infer
from abp_core.learning.events import TrainingEvent
from abp_core.noise import chain_noise
from abp_core.posterior import Posterior
from abp_core.presets import Preset
from abp_core.spec import TrainingSpec
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from demo import media
from demo.models.downloads import SEED_OF_SAMPLES
from demo.models.medium import Medium, medium_of
from demo.runs.baseline import error_over, mean_of_seen
from demo.runs.degradations import Degradation
from demo.runs.replay import Frame
from demo.runs.run import (
    Panel,
    Run,
    panel_of,
)

SHOWN_SIGNALS = {"texture": 4, "sound": 1, "objects": 9}
RECOVERED = 1  # which of a view's panels
CHAINS_BESIDE = 4  # beside training's own, whose differences are the uncertainty
MOVES_A_VIEW = 5  # of each before a view
CROPS = 32  # of a picture or sound
MOST_INCOMPLETE = 400  # at most: masks and projections of more take long to draw
MOST_FRAMES = 150  # of a film, whose hidden places are compared with all others
CHAIN = 2**61  # the "example" whose noise moves the first of the chains beside


def spec_of(preset: Preset) -> TrainingSpec:
    """A preset for incomplete data: without the loss of samples, which would need whole examples;
    of a picture or sound by crops, each of which may have lost its own places; of a film its first
    frames."""
    own = preset.training
    if own.generator.moving:
        return dataclasses.replace(own, examples=min(own.examples, MOST_FRAMES))
    if own.window:
        return dataclasses.replace(own, window=0, examples=CROPS, batch_size=4, prior="normal")
    examples = min(own.examples, MOST_INCOMPLETE) if not own.generator.spatial else own.examples
    langevin = own.langevin
    if own.generator.spatial:  # maps begin at noise, and find by the walk alone what was not seen
        langevin = dataclasses.replace(langevin, steps=max(langevin.steps, 5))
    return dataclasses.replace(own, sample_loss_rate=0.0, examples=examples, langevin=langevin)


class RepairRun(Run):
    """A trainer on incomplete data as a job drives it; its error is that of the hidden part."""

    def __init__(self, trainer: Trainer, hidden: Degradation) -> None:
        super().__init__(trainer)
        self._hidden, data = hidden, trainer.data
        shown = SHOWN_SIGNALS[data.source.kind]
        self._index = torch.arange(min(shown, len(data.signals)))
        self._truth = data.signals[self._index]
        self._y = trainer.observation.measure(self._truth, self._index)
        self._masked = self._hidden.hidden[self._index]
        self._mean = self._plainly()
        self._beside = torch.cat([self.trainer.z[self._index].cpu()] * CHAINS_BESIDE)
        self._views = 0
        self._error: float | None = None
        self._slow: tuple[Panel, ...] = ()  # of the last view that was drawn whole

    @classmethod
    def begin(cls, spec: TrainingSpec, data: Dataset, hidden: Degradation) -> Self:
        """A run that has not learnt yet."""
        return cls(Trainer(spec, data, hidden.observation), hidden)

    def renewed(self, trainer: Trainer) -> "RepairRun":
        """The same run of another trainer."""
        return RepairRun(trainer, self._hidden)

    def error(self, event: TrainingEvent) -> float:
        """That of the hidden part, worked out now and then."""
        if self._error is None or event.iteration % 5 == 1:
            self._error = self.recovery_error()
        return self._error

    def recovery_error(self) -> float:
        """That of f(z) over what was hidden of the examples that are shown."""
        return error_over(self._masked, self._made(), self._truth)

    def _plainly(self) -> Tensor | None:
        """The examples that are shown, the mean of what was seen in the place of what was hidden;
        None of sounds, whose mean is silence, and where nothing was seen as it is."""
        data, visible = self.trainer.data, self.trainer.observation.visible
        if visible is None or data.source.kind == "sound":
            return None
        aligned = data.source.kind == "objects"
        mean = mean_of_seen(data.signals, visible.cpu(), aligned=aligned)
        return torch.where(self._masked > 0, mean, self._truth)

    def view(self, anew: bool = True) -> tuple[Panel, ...]:
        """What was seen, what was recovered, beside it what the mean alone would be, the truth,
        what is not certain, and new samples; the last two take long."""
        medium, made = medium_of(self.trainer.data.source), self._made()
        seen = self.trainer.observation.lift(self._y, tuple(self._truth.shape[1:]))
        recovered = made if self._hidden.whole else torch.where(self._masked > 0, made, self._truth)
        if anew or not self._slow:
            spread = medium.draw_spreads(self._uncertainty())
            self._slow = (
                Panel("Where chains differ", media.jpeg_url(spread, 90)),
                panel_of("New; none was seen whole", medium, self._samples()),
            )
        return (
            panel_of("Seen", medium, seen),
            panel_of(self._worded("Recovered", recovered), medium, recovered),
            *self._beside_it(medium),
            panel_of("The truth, never shown", medium, self._truth),
            *self._slow,
        )

    def frame(self, view: tuple[Panel, ...]) -> Frame:
        """What was recovered."""
        return Frame(self.trainer.iteration, view[RECOVERED].picture)

    def _beside_it(self, medium: Medium) -> tuple[Panel, ...]:
        if self._mean is None:
            return ()
        return (panel_of(self._worded("The mean", self._mean), medium, self._mean),)

    def _worded(self, what: str, made: Tensor) -> str:
        """A caption with the error over what was hidden."""
        return f"{what}: off by {100 * error_over(self._masked, made, self._truth):.1f} %"

    def _made(self) -> Tensor:
        trainer = self.trainer
        with torch.inference_mode(), trainer.machine.autocast():
            made: Tensor = trainer.generator(trainer.z[self._index.to(trainer.z.device)])
            return made.float().cpu()

    def _samples(self) -> Tensor:
        with torch.inference_mode():
            return sampling.sample(
                self.trainer.generator, self.trainer.prior(), len(self._index), SEED_OF_SAMPLES
            )

    def _uncertainty(self) -> Tensor:
        """Deviation (shown, c, ...) of f(z) over chains that go on from view to view. Those that a
        jump of learning left far off, or that ran away, begin again where training's own stand."""
        trainer, spec = self.trainer, self.trainer.spec
        n = len(self._index)
        device = trainer.generator.device
        index = self._index.repeat(CHAINS_BESIDE).to(device)
        y, seen = torch.cat([self._y] * CHAINS_BESIDE).to(device), trainer.observation.on(device)
        posterior = Posterior(trainer.generator, seen, y, index, trainer.sigma)
        self._views += 1
        noise = chain_noise(
            seed=spec.seed,
            sweep=self._views,
            index=torch.arange(n * CHAINS_BESIDE) + CHAIN,
            steps=MOVES_A_VIEW,
            shape=spec.generator.latent_shape,
        ).to(device)
        walk = spec.langevin.at(trainer.step_size)
        start = self._beside.to(device)
        preconditioner = (
            Preconditioner.of(trainer.curvature) if spec.langevin.preconditioned else None
        )
        z, own = infer(posterior.energy, start, noise, walk, preconditioner), trainer.z[index]
        with torch.no_grad():
            near = posterior.energy(z) <= energy_ceiling(posterior.energy(own), own)
            z = choose_rows(near, z, own)
            made: Tensor = trainer.generator(z).float().cpu()
        self._beside = z.cpu()
        return made.view(CHAINS_BESIDE, n, *made.shape[1:]).std(0)
