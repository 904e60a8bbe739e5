"""Alternating back-propagation: inference of the latents and learning of the weights, in turn."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from math import isfinite
from time import perf_counter
from typing import Self

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import squares
from abp_core.adaptation.tuner import Adaptation
from abp_core.chains.examples import DataMismatch
from abp_core.chains.start import require_shape, start_chains
from abp_core.checkpoint import Checkpoint
from abp_core.checkpoint.file import MOST_BYTES
from abp_core.data.datasets import Dataset
from abp_core.device import Machine, this_machine
from abp_core.generator import Generator
from abp_core.langevin import Langevin
from abp_core.learning.events import TrainingEvent
from abp_core.learning.learner import (
    Learner,
    copies,
)
from abp_core.learning.samples import SampleLoss
from abp_core.learning.whitening import standardise
from abp_core.observation import Full, Observation, same
from abp_core.posterior import Posterior, misfit_of, observe, prior_energy
from abp_core.priors import flow, kinds
from abp_core.priors.flow import Flow, FlowProgress
from abp_core.priors.kinds import Prior
from abp_core.ranks import ALONE, Ranks
from abp_core.spec import TrainingSpec


class Trainer:
    """A run of ABP on `data`, of which only observation.measure(signals) is used for learning.

    One chain an example persists from visit to visit, or one over the whole of a single picture or
    sound, which is visited window by window. Everything random is keyed by the seed,
    so a run that is saved and resumed takes exactly the steps of one that was not interrupted.
    weights: of the generator by name, in place of those of the seed. ranks: the processes that
    share the run; each is given all of the data, moves its part of every minibatch, and ends every
    iteration with the same latents and weights.
    Raises DataMismatch where the data is not what the network makes.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        data: Dataset,
        observation: Observation | None = None,
        *,
        machine: Machine | None = None,
        weights: Mapping[str, Tensor] | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        require_shape(spec, data.signals)
        self.spec, self.data, self.ranks = spec, data, ranks
        self.machine = machine = machine or this_machine()
        self.observation = observation or Full()
        self.iteration, self.seconds = 0, 0.0
        self.learnt: dict[str, Tensor] = {}
        y = observe(self.observation, data.signals, torch.arange(len(data.signals)))
        seen = self.observation.moments(y, spec.generator.out_channels)
        self.sigma = spec.sigma * seen.deviation
        self._learner = Learner(spec, machine.device, weights)
        if seen.mean is not None and weights is None:
            mean = seen.mean.to(machine.device)
            self.generator.start_at(mean, seen.deviation / seen.gain)
        self._chains = start_chains(
            spec, data.signals.shape[2:], y, self.observation, machine.device, ranks
        )
        if 4 * self.z.numel() > MOST_BYTES:
            raise DataMismatch(
                "The latents of so many examples are more than a checkpoint holds; please take "
                "fewer examples, or fewer numbers for each."
            )
        self._adaptation = Adaptation(spec, machine.device, self.chains, ranks)
        self._averaged = ranks.average(self.generator)
        self._sample_loss = self._build_sample_loss() if spec.sample_loss_rate else None

        # The walk reads those it visits from fixed places, so that its evaluation can be recorded.
        here = self._chains
        self._twin = twin = machine.chain_copy(self.generator)
        shown = (here.observation, here.y, here.index, self.sigma)
        self._posterior = Posterior(
            partial(here.signals, twin), *shown, here.lot, machine.splits_lots
        )
        self._learning = Posterior(partial(here.signals, self._averaged), *shown, lot=0)
        self._energy = machine.capture(self._posterior.energy, here.visit(0))

    @property
    def generator(self) -> Generator:
        """f, with the weights as they stand."""
        return self._learner.generator

    @property
    def z(self) -> Tensor:
        """Where the chains stand, (n, *latent_shape); of one over a whole signal (1, c, ...)."""
        return self._chains.z

    @property
    def step_size(self) -> float:
        """Of the walk by now."""
        return self._adaptation.step_size

    @property
    def curvature(self) -> Tensor:
        """(c, c), what the metric of a preconditioned walk is made of by now."""
        return self._adaptation.curvature

    @property
    def updates(self) -> int:
        """Learning steps that were taken."""
        return self._learner.updates

    @property
    def chains(self) -> int:
        """How many chains, or windows of one, an iteration moves: its minibatch."""
        return self._chains.minibatch

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
        clock, adaptation = _Clock(), self._adaptation
        langevin = adaptation.langevin()
        with clock:
            start = self._chains.visit(self.iteration)
            noise = self._chains.noise(self.iteration + 1, langevin.steps)
            curvature = adaptation.estimated(self.iteration, start, self._posterior, self._energy)
            walk = Langevin(self._energy, langevin, adaptation.preconditioner(curvature))
            state = walk.init(start)
            ceiling, lost, accepted = state.ceiling, torch.zeros_like(state.energy).bool(), []
        for drawn in noise[:-1]:
            with clock:
                state, info = walk.step(state, drawn)
                lost = lost | info.diverged
                if langevin.acceptance:
                    accepted.append(info.acceptance.sum() / self.chains)
            yield None
        with clock:  # the learning step evaluates where the last move leads
            z = walk.propose(state, noise[-1])
        yield None
        with clock:
            ends = squares(state.grad) if adaptation.follows else state.grad.new_zeros(0)
            shares = torch.stack(accepted) if accepted else state.energy.new_zeros(0)
            event, (ends, shares) = self._learn(start, z, ceiling, lost, ends, shares)
            adaptation.follow(curvature, ends, state.grad)
            if accepted:
                adaptation.adapt(float(shares.mean()), event.diverged / self.chains)
            if event.diverged < self.chains:
                if self._sample_loss:
                    rate = self.spec.sample_loss_rate * self.spec.fade(self.iteration)
                    self._sample_loss.step(self.iteration, self.spec.seed, rate)
                if self.spec.standardised:
                    standardise(self.generator, self.z)
                self.machine.refresh(self._twin, self.generator)
        self.seconds += clock.seconds
        yield replace(event, seconds=clock.seconds)

    def prior(self) -> Prior:
        """Where new latents come from, as the latents stand."""
        return kinds.prior_of(self.spec, self.z, self.learnt)

    def learn_prior(self, *, anew: bool = True) -> Iterator[FlowProgress]:
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
        first, second = self._learner.moments()
        return Checkpoint(
            spec=self.spec,
            source=self.data.source,
            digest=self._digest,
            sigma=self.sigma,
            step_size=self.step_size,
            iteration=self.iteration,
            updates=self._learner.updates,
            seconds=self.seconds,
            weights=self._learner.weights(),
            first_moments=first,
            second_moments=second,
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
        ranks: Ranks = ALONE,
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
        trainer = cls(
            saved.spec,
            data,
            saved.observation,
            machine=machine,
            weights=saved.weights,
            ranks=ranks,
        )
        if trainer.z.shape != saved.latents.shape:
            raise DataMismatch("This model's latents are not of this data; please choose another.")
        trainer.z.copy_(saved.latents)
        trainer.learnt = dict(saved.learnt)
        trainer._learner.resume(saved.updates, saved.first_moments, saved.second_moments)
        if trainer._sample_loss and saved.sample_loss:
            trainer._sample_loss.resume(saved.sample_loss)
        trainer._adaptation.resume(saved.step_size, saved.curvature)
        trainer.iteration, trainer.seconds = saved.iteration, saved.seconds
        return trainer

    @cached_property
    def _digest(self) -> str:
        """Of the data, once a run: it may be large."""
        return self.data.digest

    def _build_sample_loss(self) -> SampleLoss:
        """The second loss, which must see the examples whole."""
        if not same(self.observation, Full()):
            raise DataMismatch(
                "A loss of samples needs examples that were seen whole; please set its rate to 0."
            )
        return SampleLoss(
            self.generator, self.data.signals, machine=self.machine, network=self._averaged
        )

    def _learn(
        self, start: Tensor, z: Tensor, ceiling: Tensor, lost: Tensor, *walked: Tensor
    ) -> tuple[TrainingEvent, list[Tensor]]:
        """Learning back-propagation: one step on W with the latents held fixed (paper, eq. 10).

        Chains that diverged are put back where they started and have no say in the step.
        walked: what else is to be summed over all processes, returned as sums.
        """
        healthy = z.flatten(1).isfinite().all(1) & ~lost
        z = torch.where(_like(healthy, z), z, start)
        with self.machine.autocast():
            residual = self._learning.residual(z)
        misfit = misfit_of(residual, self.sigma)
        healthy &= misfit.detach() + prior_energy(z) <= ceiling
        k = self.chains  # of which all processes together move each once
        loss = (misfit * healthy).sum() * self.ranks.size / k  # what is averaged is the mean then
        norm = self._learner.gradient_norm(loss)
        z = torch.where(_like(healthy, z), z, start)
        well, unexplained, apart, size, *sums = self.ranks.sum(
            healthy.sum(),
            misfit.detach().sum() / k,
            residual.detach().abs().sum() / (k * residual.shape[1:].numel()),
            z.square().sum() / (k * z.shape[1:].numel()),
            *walked,
        )
        diverged = k - int(well) if isfinite(norm) else k
        if diverged < k:
            self._learner.step(self.spec.learning_rate * self.spec.fade(self.iteration))
            self._chains.keep(z)
        self.iteration += 1
        event = TrainingEvent(
            iteration=self.iteration,
            misfit=float(unexplained),
            reconstruction_error=float(apart) / 2,
            grad_norm=norm,
            latent_norm=float(size.sqrt()),
            diverged=diverged,
            seconds=0.0,
        )
        return event, sums


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
