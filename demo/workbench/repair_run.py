"""Learning from data that was never seen whole, as a job drives it, and repairs by a model."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Self

import numpy as np
import torch
from torch import Tensor

from abp_core.data.datasets import Dataset
from abp_core.events import Diverging
from abp_core.langevin import energy_ceiling, infer
from abp_core.noise import chain_noise
from abp_core.observation import Observation
from abp_core.posterior import Posterior
from abp_core.preconditioner import Preconditioner
from abp_core.presets import Preset
from abp_core.priors.exemplar import Exemplar
from abp_core.priors.known import Known
from abp_core.spec import TrainingSpec
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from demo import media
from demo.jobs import Progress
from demo.workbench.degradations import Degradation
from demo.workbench.downloads import SEED_OF_SAMPLES
from demo.workbench.models import Model
from demo.workbench.run import Along, Panel

SHOWN_SIGNALS = {"texture": 4, "sound": 1, "objects": 9}
CHAINS_BESIDE = 4  # beside training's own, whose differences are the uncertainty
MOVES_A_VIEW = 5  # of each before a view
SPREAD = 0.35  # of the signal's range of 2, where the colours of an uncertainty end
CROPS = 32  # of a picture or sound
MOST_INCOMPLETE = 400  # at most: masks and projections of more take long to draw
CHAIN = 2**61  # the "example" whose noise moves the first of the chains beside


def spec_of(preset: Preset) -> TrainingSpec:
    """A preset for incomplete data: without the loss of samples, which would need whole examples,
    and of a picture or sound by crops, each of which may have lost its own places."""
    own = preset.training
    if own.window:
        return dataclasses.replace(own, window=0, examples=CROPS, batch_size=4, prior="normal")
    examples = min(own.examples, MOST_INCOMPLETE) if not own.generator.spatial else own.examples
    langevin = own.langevin
    if own.generator.spatial:  # maps begin at noise, and find by the walk alone what was not seen
        langevin = dataclasses.replace(langevin, steps=max(langevin.steps, 5))
    return dataclasses.replace(own, sample_loss_rate=0.0, examples=examples, langevin=langevin)


class RepairRun:
    """A trainer on incomplete data as a job drives it; its error is that of the hidden part."""

    def __init__(self, trainer: Trainer, hidden: Degradation) -> None:
        self.trainer, self._hidden = trainer, hidden
        data = trainer.data
        self._diverging = Diverging(self.trainer.chains)
        self._along = Along(self.trainer)
        shown = SHOWN_SIGNALS[data.source.kind]
        self._index = torch.arange(min(shown, len(data.signals)))
        self._truth = data.signals[self._index]
        self._y = trainer.observation.measure(self._truth, self._index)
        self._beside = torch.cat([self.trainer.z[self._index].cpu()] * CHAINS_BESIDE)
        self._views = 0
        self._error = math.nan

    @classmethod
    def begin(cls, spec: TrainingSpec, data: Dataset, hidden: Degradation) -> Self:
        """A run that has not learnt yet."""
        return cls(Trainer(spec, data, hidden.observation), hidden)

    def renewed(self, trainer: Trainer) -> "RepairRun":
        """The same run of another trainer."""
        return RepairRun(trainer, self._hidden)

    def iterate(self) -> Iterator[Progress | None]:
        for event in self.trainer.alternation():
            if event is None:
                yield None
                continue
            if event.iteration % 5 == 1:
                self._error = self.recovery_error()
            yield Progress(
                iteration=event.iteration,
                error=self._error,
                latent=event.latent_norm,
                diverged=self._diverging.observe(event),
                seconds=event.seconds,
                prior=self._along.after(event.seconds),
            )

    def recovery_error(self) -> float:
        """Mean |f(z) - x| / 2 over what was hidden of the examples that are shown."""
        hidden = self._hidden.hidden[self._index].expand_as(self._truth)
        difference = (self._made() - self._truth).abs() * hidden
        return float(difference.sum() / hidden.sum()) / 2

    def view(self) -> tuple[Panel, ...]:
        """What was seen, what was recovered, the truth, what is not certain, and new samples."""
        data, made = self.trainer.data, self._made()
        seen = _as_seen(self._hidden, self._truth, self._index)
        hidden = self._hidden.hidden[self._index]
        recovered = made if self._hidden.whole else torch.where(hidden > 0, made, self._truth)
        panels = [
            _panel("Seen", seen, data),
            _panel("Recovered", recovered, data),
            _panel("The truth, never shown to the model", self._truth, data),
            _spread_panel("Where chains differ", self._uncertainty(), data),
            _panel("New: it never saw a whole one", self._samples(), data),
        ]
        return tuple(panels)

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
        index = self._index.repeat(CHAINS_BESIDE).to(trainer.z.device)
        y = torch.cat([self._y] * CHAINS_BESIDE).to(trainer.z.device)
        posterior = Posterior(trainer.generator, trainer.observation, y, index, trainer.sigma)
        self._views += 1
        noise = chain_noise(
            seed=spec.seed,
            sweep=self._views,
            index=torch.arange(n * CHAINS_BESIDE) + CHAIN,
            steps=MOVES_A_VIEW,
            shape=spec.generator.latent_shape,
        ).to(trainer.z.device)
        walk = spec.langevin.at(trainer.step_size)
        start = self._beside.to(trainer.z.device)
        preconditioner = (
            Preconditioner.of(trainer.curvature) if spec.langevin.preconditioned else None
        )
        z, own = infer(posterior.energy, start, noise, walk, preconditioner), trainer.z[index]
        with torch.no_grad():
            near = posterior.energy(z) <= energy_ceiling(posterior.energy(own), own)
            z = torch.where(near.view(-1, *[1] * (z.ndim - 1)), z, own)
            made: Tensor = trainer.generator(z).float().cpu()
        self._beside = z.cpu()
        return made.view(CHAINS_BESIDE, n, *made.shape[1:]).std(0)


def sample_answers(
    model: Model, y: Tensor, observation: Observation, chains: int, steps: int, seed: int
) -> Iterator[tuple[int, Tensor]]:
    """Several answers to what was hidden of one signal (1, c, ...): the number of steps so far and
    f(z) (chains, c, ...), every few steps of chains from the prior. They walk downhill first, then
    with noise, that of training where latents carry a whole picture; there at last all that shows
    nothing of what was seen is drawn from the exemplar, each time anew."""
    saved = model.saved
    shape = saved.spec.generator.latent_shape
    index = torch.zeros(chains, dtype=torch.int64)
    seen = observation.measure(y, index[:1])
    seen = seen.expand(chains, *seen.shape[1:])
    posterior = Posterior(model.generator, observation, seen, index, saved.sigma)
    z = model.prior.draw(chains, seed)
    each, walk = 10, saved.spec.langevin.at(saved.step_size)
    for begun in range(0, steps, each):
        warm = walk.temperature if model.saved.spec.window else 1.0
        cold = dataclasses.replace(walk, temperature=0.0 if begun < steps // 2 else warm)
        noise = chain_noise(
            seed=seed, sweep=begun + 1, index=torch.arange(chains), steps=each, shape=shape
        )
        moved = infer(posterior.energy, z, noise, cold, saved.preconditioner())
        fine = moved.flatten(1).isfinite().all(1)
        z = torch.where(fine.view(-1, *(1 for _ in shape)), moved, z)
        with torch.inference_mode():
            ended = begun + each >= steps
            made = model.generator(_complete(model, z, observation, seed) if ended else z)
        yield begun + each, made  # outside: the next step may come in another thread


def _complete(model: Model, z: Tensor, observation: Observation, seed: int) -> Tensor:
    """Latents z (n, ...) whose positions that show what was seen stay, while the others are drawn
    to fit from an exemplar; of other priors as they are."""
    prior, spec = model.prior, model.generator.spec
    if not isinstance(prior, Exemplar) or observation.visible is None:
        return z
    shown = torch.nn.functional.avg_pool2d(observation.visible[:1, :1], spec.enlargement)
    around = torch.nn.functional.pad(shown, [spec.margin] * 4, mode="replicate")
    seen, stop = around[0, 0] > 0.5, tuple(z.shape[2:])
    maps = (prior.map(seed + k, known=Known(each, seen, (0, 0))) for k, each in enumerate(z))
    return torch.stack([each.part((0, 0), stop) for each in maps])


def _as_seen(hidden: Degradation, truth: Tensor, index: Tensor) -> Tensor:
    """What the model was given, as a signal (n, c, ...); the hidden part is grey."""
    if not hidden.whole:
        return truth * (1 - hidden.hidden[index])
    y = hidden.observation.measure(truth, index)
    if hidden.observation.name == "downsampled":
        size = tuple(truth.shape[2:])
        return torch.nn.functional.interpolate(y, size=size, mode="nearest")
    if y.ndim == truth.ndim:
        return y.expand_as(truth)
    # Projections are no picture: their own numbers, as grey noise.
    k = y.shape[1]
    side = max(1, math.isqrt(k))
    flat = (y[:, : side * side] / y.std().clamp(min=1e-6) / 2).view(-1, 1, side, side)
    grown = torch.nn.functional.interpolate(flat, size=tuple(truth.shape[2:]), mode="nearest")
    return grown.expand_as(truth)


def _panel(caption: str, signals: Tensor, data: Dataset) -> Panel:
    source = data.source
    if source.kind == "sound":
        rate = source.sample_rate
        return Panel(
            caption,
            media.jpeg_url(media.sound_picture(signals[0, 0].numpy(), rate)),
            media.wav_url(sampling.samples(signals[0], source.gain), rate),
        )
    pictures = sampling.pixels(signals)
    return Panel(
        caption, media.jpeg_url(sampling.contact_sheet(pictures, math.isqrt(len(pictures))), 90)
    )


def _spread_panel(caption: str, spread: Tensor, data: Dataset) -> Panel:
    if data.source.kind == "sound":
        picture = media.sound_picture(spread[0, 0].numpy(), data.source.sample_rate)
        return Panel(caption, media.jpeg_url(picture))
    tiles = [media.heat(each.mean(0).numpy(), SPREAD) for each in spread]
    sheet = sampling.contact_sheet(np.stack(tiles), math.isqrt(len(tiles)))
    return Panel(caption, media.jpeg_url(sheet, 90))
