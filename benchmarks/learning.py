"""Learning from what was seen of pictures, and the mean of what a run makes of them."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.data.datasets import Dataset
from abp_core.langevin import infer
from abp_core.learning.events import Diverging
from abp_core.noise import chain_noise
from abp_core.posterior import Posterior
from abp_core.presets import PRESETS
from abp_core.spec import LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer

STATES = 16  # of the chains, late in the run, whose pictures are averaged
LATE = 0.4  # of the run's time, after which its states count
SHORT = 25  # Langevin steps of a short run (Nijkamp et al. 2020)
AT_ONCE = 100  # pictures that are made at once


WIDTH = 16  # of the network: of a short run's pictures, its many iterations tell more than width
RATE = 2e-3  # of learning


def settings(data: Dataset, *, d: int, sigma: float, seed: int = 0, steps: int = 2) -> TrainingSpec:
    """The `objects` preset without lessons, which need whole pictures; smaller and bolder, for
    minutes of one core."""
    preset = PRESETS["objects"].training
    side, channels = data.signals.shape[-1], data.signals.shape[1]
    network = dataclasses.replace(
        preset.generator,
        latent_shape=(d,),
        projection=(4 * WIDTH, 4, 4),
        channels=(4 * WIDTH, 2 * WIDTH, WIDTH),
    ).fitted_to((side, side), channels)
    return dataclasses.replace(
        preset,
        generator=network,
        langevin=dataclasses.replace(preset.langevin, steps=steps),
        sigma=sigma,
        learning_rate=RATE,
        sample_loss_rate=0.0,
        seed=seed,
    )


@dataclass(frozen=True, slots=True)
class Made:
    """What runs make of the first pictures, x (n, c, h, w): one run at the end of its walks and as
    the mean over late ones, and the mean over all runs; and how far they went together."""

    last: Tensor
    one: Tensor
    mean: Tensor
    iterations: int
    seconds: float


def over_runs(
    run: Callable[[Trainer, int, float], Made],
    trainer: Callable[[int], Trainer],
    count: int,
    minutes: float,
    *,
    runs: int,
    seed: int = 0,
) -> Made:
    """The mean over so many runs with other seeds, which share the minutes: weights that few
    pictures leave open are averaged over, as latents are over late states (Lakshminarayanan,
    Pritzel and Blundell, Deep Ensembles, 2017)."""
    made = [run(trainer(seed + k), count, minutes / runs) for k in range(runs)]
    return Made(
        last=made[0].last,
        one=made[0].one,
        mean=torch.stack([one.mean for one in made]).mean(0),
        iterations=sum(one.iterations for one in made),
        seconds=sum(one.seconds for one in made),
    )


def recovered(trainer: Trainer, count: int, minutes: float) -> Made:
    """Runs the trainer for so many minutes of computing. A chain's late states are draws from the
    posterior, and the mean of f(z) over them is nearest in mean square. The weights go on moving
    between them, so it is a mean over these as well."""
    total, states = 0.0, 0
    for _ in _late(trainer, minutes):
        last = pictures(trainer, count)
        total, states = total + last, states + 1
    return Made(last, total / states, total / states, trainer.iteration, trainer.seconds)


def short_run(trainer: Trainer, count: int, minutes: float) -> Made:
    """The same with short-run inference (Nijkamp et al., Learning Multi-layer Latent Variable Model
    via Variational Optimization of Short Run MCMC, 2020): at every visit, a chain begins anew at
    the prior and takes SHORT steps."""

    def afresh(sweep: int) -> None:
        shape = trainer.spec.generator.latent_shape
        everyone = torch.arange(len(trainer.z))
        z = chain_noise(
            seed=trainer.spec.seed + 1, sweep=sweep, index=everyone, steps=1, shape=shape
        )[0]
        trainer.z.copy_(z)

    total, states, diverging = 0.0, 0, Diverging(trainer.chains)
    while trainer.seconds < 60 * minutes or not trainer.iteration:
        afresh(trainer.iteration)
        if diverging.observe(trainer.step()):
            break
    for state in range(STATES // 2):
        afresh(trainer.iteration + state)
        last = _walked(trainer, count, state)
        total, states = total + last, states + 1
    return Made(last, total / states, total / states, trainer.iteration, trainer.seconds)


def short_run_settings(spec: TrainingSpec) -> TrainingSpec:
    """Chains that begin at the prior have no place of their own that could be moved."""
    langevin = dataclasses.replace(spec.langevin, steps=SHORT)
    return dataclasses.replace(spec, langevin=langevin, components=False, standardised=False)


def _late(trainer: Trainer, minutes: float) -> Iterator[None]:
    """Trains; yields STATES times, evenly over what comes after LATE of the time."""
    seconds, diverging = 60 * minutes, Diverging(trainer.chains)
    mark = LATE * seconds
    while trainer.seconds < seconds:
        if diverging.observe(trainer.step()):
            break
        if mark <= trainer.seconds < seconds:
            yield
            mark += (1 - LATE) * seconds / STATES
    yield


@torch.inference_mode()
def pictures(trainer: Trainer, count: int) -> Tensor:
    """f(z) of the first examples, where their chains stand."""
    return torch.cat([trainer.generator(z) for z in trainer.z[:count].split(AT_ONCE)])


def _walked(trainer: Trainer, count: int, sweep: int) -> Tensor:
    """f(z) of the first examples after a walk of SHORT steps with the weights of now."""
    spec, made = trainer.spec, []
    walk: LangevinSpec = spec.langevin.at(trainer.step_size)
    preconditioner = Preconditioner.of(trainer.curvature) if spec.langevin.preconditioned else None
    for index in torch.arange(count).split(AT_ONCE):
        y = trainer.observation.measure(trainer.data.signals[index], index)
        posterior = Posterior(trainer.generator, trainer.observation, y, index, trainer.sigma)
        noise = chain_noise(
            seed=spec.seed + 2,
            sweep=sweep,
            index=index,
            steps=walk.steps,
            shape=spec.generator.latent_shape,
        )
        z = infer(posterior.energy, trainer.z[index], noise, walk, preconditioner)
        with torch.inference_mode():
            made.append(trainer.generator(z))
    return torch.cat(made)
