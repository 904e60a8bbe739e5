"""Alternating back-propagation: inference of the latents and learning of the weights, in turn."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Self

import torch
from torch import Tensor

from abp_core.chains.examples import Chains, PerExample
from abp_core.chains.examples import DataMismatch as DataMismatch
from abp_core.chains.windows import Windows
from abp_core.checkpoint import Checkpoint
from abp_core.data.datasets import Dataset
from abp_core.data.pca import impute, start_at_components
from abp_core.device import Machine, this_machine, value_and_grad
from abp_core.generator import Generator
from abp_core.langevin import Langevin
from abp_core.losses.samples import BATCH_SIZE, SAMPLE_INDEX, SampleLoss
from abp_core.noise import CURVATURE_INDEX, chain_noise
from abp_core.observation import Full, Observation, same
from abp_core.posterior import Posterior, misfit_of, observe, prior_energy
from abp_core.preconditioner import (
    ESTIMATE_EVERY,
    ESTIMATE_RATE,
    FOLLOW_RATE,
    Preconditioner,
    fisher_information,
    second_moment,
)
from abp_core.priors import flow, kinds
from abp_core.priors.flow import Flow, Progress
from abp_core.priors.kinds import Prior
from abp_core.spec import TrainingSpec
from abp_core.whitening import standardise


@dataclass(frozen=True, slots=True)
class TrainingEvent:
    """What one iteration did, over its minibatch.

    misfit: |y - A f(z)|^2 / (2 sigma^2), mean over examples. reconstruction_error: mean
    |y - A f(z)| / 2, a share of the signal's range. grad_norm: of the learning gradient.
    latent_norm: root mean square of the latents; 1 under the prior. diverged: chains that were
    put back. seconds: spent computing.
    """

    iteration: int
    misfit: float
    reconstruction_error: float
    grad_norm: float
    latent_norm: float
    diverged: int
    seconds: float


class Diverging:
    """Tells when a run cannot go on: every chain diverged, `patience` iterations in a row.

    Such iterations change neither weights nor latents, so the run still stands at its last good
    state; half the Langevin step usually saves it. chains: how many an iteration moves.
    """

    def __init__(self, chains: int, patience: int = 8) -> None:
        self.chains, self.patience = chains, patience
        self._lost = 0

    def observe(self, event: TrainingEvent) -> bool:
        """Takes the next iteration's event; whether it is time to give up."""
        self._lost = self._lost + 1 if event.diverged >= self.chains else 0
        return self._lost >= self.patience


class Trainer:
    """A run of ABP on `data`, of which only observation.measure(signals) is used for learning.

    One chain an example persists from visit to visit, or one over the whole of a single picture or
    sound, which is visited window by window. Everything random is keyed by the seed,
    so a run that is saved and resumed takes exactly the steps of one that was not interrupted.
    Raises DataMismatch where the data is not what the network makes.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        data: Dataset,
        observation: Observation | None = None,
        *,
        machine: Machine | None = None,
    ) -> None:
        _require_shape(spec, data)
        self.spec, self.data = spec, data
        self.machine = machine = machine or this_machine()
        self.observation = observation or Full()
        self.iteration = self.updates = 0
        self.learnt: dict[str, Tensor] = {}
        self.seconds = 0.0
        self.step_size = spec.langevin.step_size
        self.curvature = torch.eye(spec.generator.latent_shape[0], device=machine.device)
        y = observe(self.observation, data.signals, torch.arange(len(data.signals)))
        seen = self.observation.moments(y, spec.generator.out_channels)
        self.sigma = spec.sigma * seen.deviation
        self.generator = Generator(spec.generator, seed=spec.seed).to(machine.device)
        if seen.mean is not None:
            mean = seen.mean.to(machine.device)
            self.generator.start_at(mean, seen.deviation / seen.gain)
        self.optimiser = torch.optim.Adam(
            self.generator.parameters(), lr=spec.learning_rate, betas=(0.5, 0.999), fused=True
        )
        self._chains = self._start_chains(y)
        if spec.components:
            start_at_components(self.z, self._whole(y).to(machine.device))

        self._sample_loss = self._build_sample_loss() if spec.sample_loss_rate else None

        # The walk reads those it visits from fixed places, so that its evaluation can be recorded.
        here = self._chains
        self._twin = twin = machine.chain_copy(self.generator)
        shown = (here.observation, here.y, here.index, self.sigma)
        self._posterior = Posterior(
            partial(here.signals, twin), *shown, here.lot, machine.splits_lots
        )
        self._learning = Posterior(partial(here.signals, self.generator), *shown, lot=0)
        self._energy = machine.capture(self._posterior.energy, here.visit(0))

    @property
    def z(self) -> Tensor:
        """Where the chains stand, (n, *latent_shape); of one over a whole signal (1, c, ...)."""
        return self._chains.z

    @property
    def chains(self) -> int:
        """How many chains, or windows of one, an iteration moves: its minibatch."""
        return len(self._chains.index)

    def _start_chains(self, y: Tensor) -> Chains:
        """The chains, at the prior."""
        if self.spec.window:
            size = tuple(self.data.signals.shape[2:])
            return Windows(self.spec, size, y, self.observation, self.machine.device)
        return PerExample(self.spec, y, self.observation, self.machine.device)

    def _whole(self, y: Tensor) -> Tensor:
        """What was seen of all examples; of what Occluded shows in part, filled in."""
        visible = self.observation.visible
        return y if visible is None else impute(y, visible, self.spec.generator.latent_shape[0])

    def _build_sample_loss(self) -> SampleLoss:
        """The second loss, which must see the examples whole."""
        if not same(self.observation, Full()):
            raise DataMismatch(
                "A loss of samples needs examples that were seen whole; please set its rate to 0."
            )
        return SampleLoss(self.generator, self.data.signals, machine=self.machine)

    def _draw_samples(self) -> Tensor:
        """The latents of its next step, draws of the paper's prior."""
        index, shape = torch.arange(BATCH_SIZE) + SAMPLE_INDEX, self.spec.generator.latent_shape
        drawn = chain_noise(
            seed=self.spec.seed, sweep=self.iteration, index=index, steps=1, shape=shape
        )
        return drawn[0].to(self.z.device)

    def step(self) -> TrainingEvent:
        """One whole iteration."""
        *_, event = self.alternation()
        assert event is not None
        return event

    def steps(self, n: int) -> Iterator[TrainingEvent]:
        """n iterations, one after another."""
        for _ in range(n):
            yield self.step()

    def alternation(self) -> Iterator[TrainingEvent | None]:
        """One iteration in small moves: None after every Langevin step, and at last its event.

        Whoever stops asking before the event leaves the run as it was.
        """
        langevin = dataclasses.replace(self.spec.langevin, step_size=self.step_size)
        clock = _Clock()
        with clock:
            start = self._chains.visit(self.iteration)
            noise = self._chains.noise(self.iteration + 1, langevin.steps)
            curvature = self._curvature(start)
            preconditioner = Preconditioner.of(curvature) if langevin.preconditioned else None
        walk = Langevin(self._energy, langevin, preconditioner)
        with clock:
            state = walk.init(start)
            ceiling, lost, accepted = state.ceiling, torch.zeros_like(state.energy).bool(), []
        for drawn in noise[:-1]:
            with clock:
                state, info = walk.step(state, drawn)
                lost = lost | info.diverged
                if langevin.acceptance:
                    accepted.append(info.acceptance.mean())
            yield None
        with clock:  # the learning step evaluates where the last move leads
            z = walk.propose(state, noise[-1])
        yield None
        with clock:
            event = self._learn(start, z, ceiling, lost)
            self.curvature = self._follow(curvature, state.grad)
            if accepted:
                self._adapt(float(torch.stack(accepted).mean()), event.diverged / self.chains)
            if event.diverged < self.chains:
                if self._sample_loss:
                    rate = self.spec.sample_loss_rate * self.spec.fade(self.iteration)
                    self._sample_loss.step(self.iteration, self._draw_samples(), rate)
                if self.spec.standardised:
                    standardise(self.generator, self.z)
                self.machine.refresh(self._twin, self.generator)
        self.seconds += clock.seconds
        yield dataclasses.replace(event, seconds=clock.seconds)

    def _curvature(self, start: Tensor) -> Tensor:
        """What this iteration's metric is made of. At first that of where it starts; later, of
        examples, what their walks ended with, and of windows a look at f every now and then."""
        if not self.spec.langevin.preconditioned:
            return self.curvature
        first = self.iteration == 0
        if not self.spec.window:
            return (
                second_moment(value_and_grad(self._energy, start)[1]) if first else self.curvature
            )
        if self.iteration % ESTIMATE_EVERY:
            return self.curvature
        noise = chain_noise(
            seed=self.spec.seed,
            sweep=self.iteration,
            index=CURVATURE_INDEX + self._chains.index.cpu(),
            steps=1,
            shape=self._chains.y.shape[1:],
        )[0].to(self.machine.device)
        found = fisher_information(self._posterior.residual, start, noise, self.sigma)
        return found if first else self.curvature.lerp(found, ESTIMATE_RATE)

    def _follow(self, curvature: Tensor, gradient: Tensor) -> Tensor:
        """The curvature after a walk: nearer to that of where it ended, for examples."""
        if self.spec.window or not self.spec.langevin.preconditioned:
            return curvature
        moment = second_moment(gradient)
        return curvature.lerp(moment, FOLLOW_RATE) if moment.isfinite().all() else curvature

    def _adapt(self, accepted: float, lost: float) -> None:
        """Shortens the step where fewer moves would be accepted than aimed at, and lengthens it
        again up to where it began: a generator that is still flat accepts everything. Halves it
        where every chain was lost."""
        pace = 0.5  # a run that is about to explode does so within a few iterations
        self.step_size *= math.exp(pace * (accepted - self.spec.langevin.acceptance))
        self.step_size *= 1 - lost / 2
        self.step_size = min(max(self.step_size, 1e-6), self.spec.langevin.step_size)

    def _learn(self, start: Tensor, z: Tensor, ceiling: Tensor, lost: Tensor) -> TrainingEvent:
        """Learning back-propagation: one step on W with the latents held fixed (paper, eq. 10).

        Chains that diverged are put back where they started and have no say in the step.
        """
        here = self._chains
        healthy = z.flatten(1).isfinite().all(1) & ~lost
        z = torch.where(_like(healthy, z), z, start)
        self.optimiser.zero_grad(set_to_none=True)
        with self.machine.autocast():
            residual = self._learning.residual(z)
        misfit = misfit_of(residual, self.sigma)
        healthy &= misfit.detach() + prior_energy(z) <= ceiling
        (misfit * healthy).mean().backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self.generator.parameters() if p.grad is not None]
        grad_norm = float(torch.nn.utils.get_total_norm(gradients))
        z = torch.where(_like(healthy, z), z, start)
        diverged = len(healthy) - int(healthy.sum())
        if not math.isfinite(grad_norm):
            diverged = len(healthy)
        if diverged < len(healthy):
            rate = self.spec.learning_rate * self.spec.fade(self.iteration)
            self.optimiser.param_groups[0]["lr"] = rate
            self.optimiser.step()
            self.updates += 1
            here.keep(z)
        self.iteration += 1
        return TrainingEvent(
            iteration=self.iteration,
            misfit=float(misfit.detach().mean()),
            reconstruction_error=float(residual.detach().abs().mean()) / 2,
            grad_norm=grad_norm,
            latent_norm=float(z.square().mean().sqrt()),
            diverged=diverged,
            seconds=0.0,
        )

    def prior(self) -> Prior:
        """Where new latents come from, as the latents stand."""
        return kinds.prior_of(self.spec, self.z, self.learnt)

    def learn_prior(self, *, anew: bool = True) -> Iterator[Progress]:
        """Learns a flow from the latents as they stand, and keeps the best so far. What begins anew
        is a function of the latents and the seed; else it goes on from the flow as it is. Nothing
        to do for the other priors."""
        if self.spec.prior == "flow":
            start = Flow.from_tensors(self.learnt) if self.learnt and not anew else None
            for progress in flow.learn(self.z, self.spec.seed, start):
                self.learnt = progress.flow.tensors()
                yield progress

    def checkpoint(self) -> Checkpoint:
        """The run as it stands, in memory of its own on the CPU."""
        weights = dict(self.generator.named_parameters())
        moments = {name: self.optimiser.state.get(p, {}) for name, p in weights.items()}

        def copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {name: t.detach().cpu().clone() for name, t in tensors.items()}

        def moment(key: str) -> dict[str, Tensor]:
            return copies(
                {name: moments[name].get(key, torch.zeros_like(p)) for name, p in weights.items()}
            )

        return Checkpoint(
            spec=self.spec,
            source=self.data.source,
            digest=self.data.digest,
            sigma=self.sigma,
            step_size=self.step_size,
            iteration=self.iteration,
            updates=self.updates,
            seconds=self.seconds,
            weights=copies(weights),
            first_moments=moment("exp_avg"),
            second_moments=moment("exp_avg_sq"),
            latents=self.z.cpu().clone(),
            curvature=self.curvature.cpu().clone(),
            sample_loss=self._sample_loss.tensors() if self._sample_loss else {},
            learnt=copies(self.learnt),
            observation=self.observation,
        )

    @classmethod
    def resume(
        cls,
        saved: Checkpoint,
        data: Dataset,
        observation: Observation | None = None,
        *,
        machine: Machine | None = None,
    ) -> Self:
        """The run that `saved` was taken from, going on exactly; from a light checkpoint with
        optimisers that begin anew. Raises DataMismatch where the data, or what is seen of it, is
        not what it was trained on. observation: none of one's own means that of the run."""
        if data.digest != saved.digest:
            raise DataMismatch(
                f"This is not the data that the model learnt from ({saved.source.name}); please "
                "choose that data to go on training."
            )
        if observation is not None and not same(observation, saved.observation):
            raise DataMismatch(
                "This is not what the model saw of its data; please hide the same parts to go on "
                "training."
            )
        trainer = cls(saved.spec, data, saved.observation, machine=machine)
        if trainer.z.shape != saved.latents.shape:
            raise DataMismatch("This model's latents are not of this data; please choose another.")
        trainer.generator.load_state_dict(saved.weights)
        trainer.machine.refresh(trainer._twin, trainer.generator)
        trainer.z.copy_(saved.latents)
        trainer.curvature.copy_(saved.curvature)
        trainer.learnt = dict(saved.learnt)
        for name, parameter in trainer.generator.named_parameters():
            if saved.updates:
                trainer.optimiser.state[parameter] = {
                    "step": torch.tensor(float(saved.updates), device=parameter.device),
                    "exp_avg": _place(saved.first_moments[name], parameter),
                    "exp_avg_sq": _place(saved.second_moments[name], parameter),
                }
        if trainer._sample_loss and saved.sample_loss:
            trainer._sample_loss.resume(saved.sample_loss)
        trainer.iteration, trainer.updates = saved.iteration, saved.updates
        trainer.seconds, trainer.step_size = saved.seconds, saved.step_size
        return trainer


def _require_shape(spec: TrainingSpec, data: Dataset) -> None:
    """Raises DataMismatch for signals that the network does not make."""
    shape, made = tuple(data.signals.shape[1:]), spec.generator.signal_shape
    if spec.window:
        made = spec.generator.signal_shape_of(spec.generator.map_shape_of(shape[1:]))
        if len(data.signals) != 1:
            raise DataMismatch("What is visited window by window is one picture or one sound.")
    if shape != made:
        raise DataMismatch(f"The data has shape {shape}, but this network makes {made}.")


class _Clock:
    """Adds up the time spent inside `with`; a caller's pause between moves does not count."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._mark = perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += perf_counter() - self._mark


def _like(mask: Tensor, z: Tensor) -> Tensor:
    """(n,) shaped to choose between rows of z (n, ...)."""
    return mask.view(-1, *[1] * (z.ndim - 1))


def _place(values: Tensor, parameter: Tensor) -> Tensor:
    """A copy of `values` on the parameter's device and in its memory format."""
    return torch.empty_like(parameter).copy_(values)
