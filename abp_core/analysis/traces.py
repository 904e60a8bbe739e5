"""Walks for eyes: some chains of one example, every step kept with all that is to be known of it.

The moves are those of langevin.py; a walk that is left alone stands, bit for bit, where `infer`
would have ended.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner, fisher_information
from abp_core.analysis.stretch import Stretch
from abp_core.checkpoint import Checkpoint
from abp_core.device import Machine, this_machine
from abp_core.generator import Generator
from abp_core.langevin import Langevin, LangevinInfo, norms
from abp_core.noise import chain_noise, walk_noise
from abp_core.observation import Observation
from abp_core.posterior import LOT, Posterior, as_it_is, observe
from abp_core.spec import LangevinSpec

GRADIENTS = 160  # that tell a metric, a multiple of LOT
POINTS = 64  # of a landscape that are evaluated at once


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """n chains after `number` moves.

    z (n, *latent_shape). misfit, prior (n,): |y - A f(z)|^2 / (2 sigma^2) and |z|^2 / 2 (of what
    drives a film, see Posterior), which add up to U(z). slope (n,): |dU/dz|. length (n,): of the
    move that led here. noise (n,): the noise's share of it, of the sum of both squares. accepted
    (n,): the probability with which a Metropolis test would have taken that move; nan where there
    is none. put_back (n,): whether the chain ran away with that move, and stands at its start
    again.
    """

    number: int
    z: Tensor
    misfit: Tensor
    prior: Tensor
    slope: Tensor
    length: Tensor
    noise: Tensor
    accepted: Tensor
    put_back: Tensor

    @property
    def lowest(self) -> int:
        """The chain at which U(z) is least; the first where none is finite."""
        return int((self.misfit + self.prior).nan_to_num(math.inf).argmin())


class Walk:
    """n chains from `start` (n, *latent_shape), one move for each row of noise (steps, n, ...).

    posterior: of n examples, or of one that all chains are about. Start and noise are taken to
    where it computes.
    """

    def __init__(
        self,
        posterior: Posterior,
        start: Tensor,
        noise: Tensor,
        spec: LangevinSpec,
        preconditioner: Preconditioner | None = None,
    ) -> None:
        self.posterior, self.spec, self.preconditioner = posterior, spec, preconditioner
        self.noise = noise.to(posterior.y.device)
        self._walk = Langevin(posterior.energy, spec, preconditioner)
        self._state = self._walk.init(start.to(posterior.y.device))
        self.steps = [self._trace()]

    @property
    def ended(self) -> bool:
        return len(self.steps) > len(self.noise)

    def advance(self) -> Trace:
        """Takes the next move. Raises StopIteration after the last."""
        if self.ended:
            raise StopIteration
        self._state, info = self._walk.step(self._state, self.noise[len(self.steps) - 1])
        self.steps.append(self._trace(info))
        return self.steps[-1]

    def _trace(self, info: LangevinInfo | None = None) -> Trace:
        state = self._state
        prior = self.posterior.prior(state.z)
        unknown = torch.full_like(prior, torch.nan)
        tested = info is not None and info.walk.spec.temperature > 0
        found = (
            state.z,
            state.energy - prior,
            prior,
            norms(state.grad),
            info.length if info else torch.zeros_like(prior),
            info.noise_share if info else unknown,
            info.acceptance if info and tested else unknown,
            info.diverged if info else torch.zeros_like(prior).bool(),
        )
        return Trace(state.step, *(each.cpu() for each in found))  # where they are looked at


def as_in_training(
    saved: Checkpoint, signal: Tensor, example: int, machine: Machine | None = None
) -> Walk:
    """The walk that training would take at its next iteration, if it drew this example: from where
    the example's chain stands, or begins anew, with that iteration's noise, in the trainer's own
    arithmetic.

    Of a chain over a whole picture or sound all windows move at once, each with that iteration's
    noise at its place.

    signal (1, *signal_shape): the example, whole; the walk sees of it what the run does.
    """
    machine = machine or this_machine()
    index = torch.tensor([example])
    langevin, sweep = saved.spec.langevin, saved.iteration + 1
    steps = langevin.steps + (not saved.spec.persistent)
    if saved.spec.window:
        channels, *extent = saved.latents.shape[1:]
        noise = walk_noise(
            seed=saved.spec.seed,
            sweep=sweep,
            steps=steps,
            channels=channels,
            start=tuple(0 for _ in extent),
            stop=tuple(extent),
        )[:, None]
    else:
        noise = chain_noise(
            seed=saved.spec.seed,
            sweep=sweep,
            index=index,
            steps=steps,
            shape=saved.spec.generator.latent_shape,
        )
    twin = machine.chain_copy(saved.generator().to(machine.device))
    here = index.to(machine.device)
    lot = LOT if machine.fills_lots and not saved.spec.window else 0
    y = observe(saved.observation, signal, index).to(machine.device)
    sight = saved.observation.on(machine.device)
    posterior = Posterior(twin, sight, y, here, saved.sigma, lot, machine.splits_lots)
    walk = LangevinSpec(
        steps=langevin.steps, step_size=saved.step_size, temperature=langevin.temperature
    )
    metric = saved.preconditioner(machine.device)
    start = saved.latents[example][None] if saved.spec.persistent else noise[-1]
    return Walk(posterior, start, noise[: langevin.steps], walk, metric)


def posterior_about(
    generator: Generator | Stretch, y: Tensor, observation: Observation, sigma: float, chains: int
) -> Posterior:
    """The posterior of `chains` chains that are all about one y (1, ...), where the generator
    lies."""
    device = generator.device
    index = torch.zeros(chains, dtype=torch.int64, device=device)
    y = y.to(device).expand(chains, *y.shape[1:])
    drives = generator.drives if isinstance(generator, Stretch) else as_it_is
    return Posterior(generator, observation.on(device), y, index, sigma, drives=drives)


def metric_about(
    generator: Generator | Stretch, latents: Tensor, sigma: float, gradients: int = GRADIENTS
) -> Preconditioner:
    """A metric for walks that begin anywhere: of what f itself tells of the curvature of U about
    latents (n, *latent_shape) that were inferred. A run's own tells how far its chains still were
    from rest, which is less far than a new walk is. gradients: that tell it, a multiple of LOT."""
    z = latents[torch.arange(gradients) % len(latents)].to(generator.device)
    shape, index = tuple(generator.make(latents[:1]).shape[1:]), torch.arange(gradients)
    noise = chain_noise(seed=0, sweep=0, index=index, steps=1, shape=shape)[0].to(z)
    parts = zip(torch.split(z, LOT), torch.split(noise, LOT), strict=True)
    found = [fisher_information(generator, some, drawn, sigma) for some, drawn in parts]
    return Preconditioner.of(torch.stack(found).mean(0))


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A plane through a space of latents: origin + a axes[0] + b axes[1], both unit vectors
    (*latent_shape)."""

    origin: Tensor
    axes: Tensor

    def coordinates(self, z: Tensor) -> Tensor:
        """(n, 2) of latents (n, *latent_shape), cast down onto the plane."""
        return (z - self.origin).flatten(1) @ self.axes.flatten(1).T

    def points(self, coordinates: Tensor) -> Tensor:
        """Latents (n, *latent_shape) of coordinates (n, 2)."""
        flat = coordinates @ self.axes.flatten(1)
        return self.origin + flat.view(-1, *self.origin.shape)


def plane_of(steps: list[Trace]) -> Plane:
    """The plane in which a walk is widest; that of the latents themselves where there are two."""
    z = torch.stack([step.z for step in steps]).flatten(0, 1)
    shape = z.shape[1:]
    if shape == (2,):
        return Plane(torch.zeros(2), torch.eye(2))
    origin = z.mean(0)
    _, _, axes = torch.linalg.svd((z - origin).flatten(1), full_matrices=False)
    axes = axes[:2]
    if len(axes) < 2:
        axes = torch.cat([axes, torch.zeros_like(axes)])
    return Plane(origin, axes.view(2, *shape))


def landscape(posterior: Posterior, plane: Plane, across: Tensor, down: Tensor) -> Tensor:
    """U (len(down), len(across)) at the places of a plane, about the first of the posterior's
    examples."""
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1).reshape(-1, 2)
    energies = []
    for some in torch.split(grid, POINTS):
        z = plane.points(some).to(posterior.y.device)
        n = len(z)
        one = Posterior(
            posterior.generator,
            posterior.observation,
            posterior.y[:1].expand(n, *posterior.y.shape[1:]),
            posterior.index[:1].expand(n),
            posterior.sigma,
            drives=posterior.drives,
        )
        with torch.inference_mode():
            energies.append(one.energy(z).cpu())
    return torch.cat(energies).view(len(down), len(across))
