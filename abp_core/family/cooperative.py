"""CoopNets: a generator that proposes, and a descriptor that revises."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor, nn

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.device import Machine, this_machine
from abp_core.family.batches import Batches
from abp_core.family.field import FieldSpec, RandomField
from abp_core.family.latents import curvature_of
from abp_core.family.member import Told
from abp_core.family.trial import Trial
from abp_core.generator import Generator
from abp_core.langevin import choose_rows, infer
from abp_core.learning.learner import BETAS, Optimiser
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior, misfit_of
from abp_core.spec import Kind, LangevinSpec

SAMPLE_SWEEP = 2**48  # the first sweep of what is drawn beside learning
LATENT_INDEX = 2**60  # the first "example" whose noise makes latents; no signal gets there


@dataclass(frozen=True, slots=True, kw_only=True)
class CooperativeSpec:
    """proposals: in an iteration, each of at most `extent` along an axis, and as many signals of
    the data. walk: that infers the latents of what was revised; none of it takes those that
    proposed. sigma: of the generator's noise, in units of the data's deviation. rate: of the
    generator's learning."""

    proposals: int
    extent: int
    field: FieldSpec = FieldSpec()
    walk: LangevinSpec | None = None
    sigma: float = 0.3
    lasting: float = 16
    rate: float = 1e-3


SPECS: dict[Kind, CooperativeSpec] = {
    "texture": CooperativeSpec(proposals=4, extent=96),
    "sound": CooperativeSpec(proposals=8, extent=8192),
    "objects": CooperativeSpec(proposals=16, extent=64),
}
REBUILDING = LangevinSpec(steps=200, step_size=0.5, temperature=0.1, preconditioned=True)


class Cooperative:
    """A generator and a descriptor that teach one another (Xie, Lu, Gao and Wu 2018)."""

    def __init__(
        self,
        trial: Trial,
        seed: int,
        network: nn.Module,
        spec: CooperativeSpec | None = None,
        machine: Machine | None = None,
    ) -> None:
        self.trial, self.seed = trial, seed
        self.spec = spec = spec or SPECS[trial.kind]
        self.machine = machine = machine or this_machine()
        self.iteration, self.seconds = 0, 0.0
        signals, network_spec = trial.data.signals, trial.spec.generator
        unit = network_spec.enlargement
        extent = tuple(min(spec.extent, side) // unit * unit for side in trial.size)
        self._batches = Batches(signals, extent, spec.proposals, seed)
        self.field = RandomField(network, signals, machine, spec.field)
        self.generator = Generator(network_spec, seed=seed).to(machine.device)
        deviation = trial.data.deviation
        self.generator.start_at(self.field.mean.flatten(), deviation)
        self.sigma = spec.sigma * deviation
        self._twin = machine.chain_copy(self.generator)
        self._optimiser = Optimiser(self.generator, BETAS)
        self._optimiser.rate.fill_(spec.rate)
        self._shape = (
            network_spec.map_shape_of(extent) if network_spec.spatial else network_spec.latent_shape
        )
        n = self._batches.n
        self.z = self._latents(n, self._shape, seed, 0)
        self.chains = self.field.draw_reference((n, signals.shape[1], *extent), seed, 0)
        self.curvature = torch.eye(self._shape[0])
        self._shown: tuple[Tensor, ...] = ()

    @property
    def parameters(self) -> int:
        return self.field.parameters + sum(p.numel() for p in self.generator.parameters())

    def alternation(self) -> Iterator[Told | None]:
        clock, moves = 0.0, self._moves()
        while True:
            begun = perf_counter()
            told = next(moves)
            clock += perf_counter() - begun
            if told is not None:
                break
            yield None
        self.seconds += clock
        yield dataclasses.replace(told, seconds=clock)

    def _moves(self) -> Iterator[Told | None]:
        steps, n = self.spec.field.steps, self._batches.n
        fresh = self._fresh()
        new = self._latents(n, self._shape, self.seed, self.iteration + 1)
        z = choose_rows(fresh, new, self.z)
        with torch.no_grad():
            proposed = choose_rows(fresh, self._twin(z), self.chains)
        yield None
        revised = proposed
        for revised in self.field.revise(proposed, self.seed, 1 + self.iteration * steps, steps):
            yield None
        data = self._batches.draw(self.iteration).to(z.device)
        loss = self.field.compare(data, revised)
        norm = self.field.gradient_norm(loss)
        yield None
        curvature = self.curvature
        if self.iteration % 8 == 0:
            posterior = self._posterior(revised, self._twin)
            found = curvature_of(posterior, z, self.seed, self.iteration + 1)
            curvature = found if self.iteration == 0 else curvature.lerp(found, 0.3)
            yield None
        z = self._infer(z, revised, curvature)
        yield None
        with self.machine.autocast():
            made = self.generator(z)
        misfit = misfit_of(revised - made, self.sigma).mean()
        norm = norm + self._optimiser.gradient_norm(misfit)
        sound = norm.isfinite()
        yield None
        self.field.learn(sound)
        self._optimiser.step(sound)
        self.machine.refresh(self._twin, self.generator)
        self._shown = (made.detach().float(), revised, data)
        self.z, self.chains, self.curvature = z, revised, curvature
        self.iteration += 1
        moved = float((revised - made).detach().square().mean().sqrt())
        yield Told(self.iteration, moved, 0.0, diverged=not bool(sound))

    def _fresh(self):
        n = self._batches.n
        if self.iteration == 0:
            return torch.ones(n, dtype=torch.bool)
        each = max(1, round(n / self.spec.lasting))
        first = (self.iteration * each) % n
        return torch.tensor([(row - first) % n < each for row in range(n)])

    def _infer(self, z: Tensor, revised: Tensor, curvature: Tensor) -> Tensor:
        posterior = self._posterior(revised, self._twin)
        noise = chain_noise(
            seed=self.seed,
            sweep=self.iteration + 1 + SAMPLE_SWEEP,
            index=LATENT_INDEX + torch.arange(len(z)),
            steps=self.spec.walk.steps,
            shape=tuple(z.shape[1:]),
        )
        return infer(posterior.energy, z, noise, self.spec.walk, Preconditioner.of(curvature))

    def _posterior(self, x: Tensor, generator: nn.Module) -> Posterior:
        return Posterior(generator, Full(), x, torch.arange(len(x)), self.sigma, lot=0)

    @staticmethod
    def _latents(n: int, shape: tuple[int, ...], seed: int, sweep: int) -> Tensor:
        (z,) = chain_noise(
            seed=seed, sweep=sweep, index=LATENT_INDEX + torch.arange(n), steps=1, shape=shape
        )
        return z
