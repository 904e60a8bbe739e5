"""Alternating back-propagation: inference of the latents and learning of the weights, in turn."""

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from time import perf_counter
from typing import Self

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import squares
from abp_core.adaptation.tuner import Adaptation, Look
from abp_core.chains.examples import DataMismatch
from abp_core.chains.start import require_shape, start_chains
from abp_core.checkpoint import Checkpoint
from abp_core.checkpoint.file import MOST_BYTES
from abp_core.data.datasets import Dataset
from abp_core.device import Machine, this_machine
from abp_core.generator import Generator
from abp_core.langevin import Langevin, choose_rows
from abp_core.learning.bursts import Bursts
from abp_core.learning.events import TrainingEvent
from abp_core.learning.feed import Fed, Feed
from abp_core.learning.learner import Learner, copies
from abp_core.learning.samples import SampleLoss
from abp_core.learning.whitening import standardise
from abp_core.observation import Full, Observation, same
from abp_core.posterior import Posterior, misfit_of, observe
from abp_core.priors import flow, kinds
from abp_core.priors.flow import Flow, FlowProgress
from abp_core.priors.kinds import Prior
from abp_core.priors.motion.between import Expected
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
        self._chains = here = start_chains(
            spec,
            data.signals.shape[2:],
            y,
            self.observation,
            self.generator,
            ranks,
            anew=weights is None,
        )
        if 4 * here.z.numel() > MOST_BYTES:
            raise DataMismatch(
                "The latents of so many examples are more than a checkpoint holds; please take "
                "fewer examples, or fewer numbers for each."
            )
        self._averaged = ranks.average(self.generator)
        self._sample_loss = self._build_sample_loss() if spec.sample_loss_rate else None
        self._twin = twin = machine.chain_copy(self.generator)
        shown = (here.observation, here.y, here.index, self.sigma)
        self._posterior = Posterior(
            partial(here.signals, twin),
            *shown,
            here.lot if machine.fills_lots else 0,
            machine.splits_lots,
            here.drives,
        )
        self._learning = Posterior(
            partial(here.signals, self._averaged), *shown, lot=0, drives=here.drives
        )
        self._adaptation = Adaptation(spec, self._posterior, self.chains, ranks)
        self._told = torch.zeros(5, device=machine.device)  # figures of the last event
        fed: list[Fed] = [here, self._adaptation, self._learner]
        self._feed = Feed([*fed, *([self._sample_loss] if self._sample_loss else [])], machine)
        self._bursts = Bursts(machine.queue()) if machine.records and ranks.alone else None

    @property
    def generator(self) -> Generator:
        """f, with the weights as they stand."""
        return self._learner.generator

    @property
    def z(self) -> Tensor:
        """Where the chains stand, (n, *latent_shape), of several particles an example the first;
        of one over a whole signal (1, c, ...)."""
        return self._chains.z[: len(self.data.signals)]

    @property
    def step_size(self) -> float:
        """Of the walk by now."""
        return float(self._adaptation.step_size)

    @property
    def curvature(self) -> Tensor:
        """(c, c), what the metric of a preconditioned walk is made of by now."""
        return self._adaptation.curvature

    @property
    def expected(self) -> Expected | None:
        """What is expected of a film that was not seen whole."""
        return self._chains.expected

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

    def alternation(self, most: int | None = 1) -> Iterator[TrainingEvent | None]:
        """One iteration in small moves: None after every Langevin step, and at last its event.
        Whoever stops asking before the event leaves the run as it was.

        On a card it is up to `most` iterations at one stroke, or without a bound as many as take
        some hundredths of a second, and then the events of all of them.
        """
        if self._bursts is not None:
            yield from self._burst(self._bursts, most)
            return
        clock, moves = _Clock(), self._moves(self._adaptation.look(self.iteration))
        with clock:
            self._feed.hand_over(self.iteration)
        while True:
            with clock:
                ended = next(moves, True)
            if ended:
                break
            yield None
        with clock:
            told = self._told.cpu().tolist()
        self.iteration += 1
        self.seconds += clock.seconds
        yield TrainingEvent.of(self.iteration, told, clock.seconds)

    def _burst(self, bursts: Bursts, most: int | None) -> Iterator[TrainingEvent | None]:
        """Iterations of a card, queued one behind the other; the host waits for their figures
        alone."""
        yield None
        begun, told, first = perf_counter(), [], self.iteration + 1
        with bursts.queue:
            for _ in range(bursts.size(most)):
                look = self._adaptation.look(self.iteration)
                self._feed.hand_over(self.iteration)
                bursts.perform(look, partial(self._iterate, look))
                told.append(self._told.clone())
                self.iteration += 1
            figures = torch.stack(told).cpu().tolist()
        each = (perf_counter() - begun) / len(figures)
        bursts.took(each)
        self.seconds += each * len(figures)
        for number, figure in enumerate(figures, first):
            yield TrainingEvent.of(number, figure, each)

    def _iterate(self, look: Look) -> None:
        for _ in self._moves(look):
            pass

    def _moves(self, look: Look) -> Iterator[None]:
        """An iteration of what was handed over, in small moves. It asks nothing of the host: what
        it does never depends on what comes out, and all that it changes it changes in place."""
        adaptation, chains = self._adaptation, self._chains
        start, noise = chains.visit(), chains.given["noise"]
        curvature = adaptation.estimate(look, start)
        walk = Langevin(
            self._posterior.energy,
            self.spec.langevin,
            adaptation.preconditioner(curvature),
            adaptation.step_size,
        )
        state = walk.init(start)
        ceiling, lost, accepted = state.ceiling, torch.zeros_like(state.energy).bool(), []
        for drawn in noise[:-1]:
            state, info = walk.step(state, drawn)
            lost = lost | info.diverged
            if self.spec.langevin.acceptance:
                accepted.append(info.acceptance.sum() / self.chains)
            yield
        z = walk.propose(state, noise[-1])  # the learning step evaluates where it leads
        yield
        ends = squares(state.grad) if adaptation.follows else state.grad.new_zeros(0)
        shares = torch.stack(accepted) if accepted else state.energy.new_zeros(0)
        diverged, (ends, shares) = self._learn(start, z, ceiling, lost, ends, shares)
        adaptation.follow(curvature, ends, state.grad)
        if accepted:
            adaptation.adapt(shares.mean(), diverged / self.chains)
        sound = diverged < self.chains
        if self._sample_loss:
            self._sample_loss.step(sound)
        if self.spec.standardised:
            standardise(self.generator, self._chains.walked, sound)
        self.machine.refresh(self._twin, self.generator)

    def prior(self) -> Prior:
        """Where new latents come from, as the latents stand."""
        weights = dict(self.generator.named_parameters())
        return kinds.prior_of(self.spec, self.z, self.learnt, weights)

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
            particles=copies({"others": self._others} if len(self._others) else {}),
            driven=copies(self._chains.beside),
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
        if trainer.spec.particles > 1:
            again = saved.latents.repeat(trainer.spec.particles - 1, *[1] * (trainer.z.ndim - 1))
            trainer._others.copy_(saved.particles.get("others", again))
        for name, held in trainer._chains.beside.items():
            held.copy_(saved.driven[name])
        trainer.learnt = dict(saved.learnt)
        trainer._learner.resume(saved.updates, saved.first_moments, saved.second_moments)
        if trainer._sample_loss and saved.sample_loss:
            trainer._sample_loss.resume(saved.sample_loss)
        trainer._adaptation.resume(saved.step_size, saved.curvature)
        trainer.iteration, trainer.seconds = saved.iteration, saved.seconds
        return trainer

    @property
    def _others(self) -> Tensor:
        """Where all particles but the first of every example stand."""
        return self._chains.z[len(self.data.signals) :]

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
            self.spec,
            self.generator,
            self.data.signals,
            machine=self.machine,
            network=self._averaged,
        )

    def _learn(
        self, start: Tensor, z: Tensor, ceiling: Tensor, lost: Tensor, *walked: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Learning back-propagation: one step on W with the latents held fixed (paper, eq. 10).
        How many chains diverged, ().

        They are put back where they started and have no say in the step.
        walked: what else is to be summed over all processes, returned as sums.
        """
        healthy = z.flatten(1).isfinite().all(1) & ~lost
        z = choose_rows(healthy, z, start)
        with self.machine.autocast():
            residual = self._learning.residual(z)
        misfit = misfit_of(residual, self.sigma)
        healthy &= misfit.detach() + self._learning.prior(z) <= ceiling
        k = self.chains  # of which all processes together move each once
        loss = (misfit * healthy).sum() * self.ranks.size / k  # what is averaged is the mean then
        norm = self._learner.gradient_norm(loss)
        healthy &= norm.isfinite()
        z = choose_rows(healthy, z, start)
        well, unexplained, apart, size, *sums = self.ranks.sum(
            healthy.sum(),
            misfit.detach().sum() / k,
            residual.detach().float().abs().sum() / (k * residual.shape[1:].numel()),
            self._chains.drives(z).square().sum() / (k * z.shape[1:].numel()),
            *walked,
        )
        self._learner.step(well > 0)
        self._chains.keep(z)
        diverged = k - well
        self._told.copy_(torch.stack([unexplained, apart / 2, norm, size.sqrt(), diverged.float()]))
        return diverged, sums


class _Clock:
    """Adds up the time spent inside `with`; a caller's pause between moves does not count."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._mark = perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += perf_counter() - self._mark
