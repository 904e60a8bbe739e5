"""Inferential back-propagation: Langevin dynamics on the latents of single examples."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from abp_core.device import Energy, value_and_grad
from abp_core.preconditioner import Preconditioner, apply_to_channels
from abp_core.spec import LangevinSpec


@dataclass(frozen=True, slots=True)
class LangevinState:
    """Where n chains stand after `step` moves.

    z (n, *latent_shape); energy (n,) and grad (like z) are U and dU/dz at this very z.
    ceiling (n,): the energy above which a chain counts as diverged.
    """

    step: int
    z: Tensor
    energy: Tensor
    grad: Tensor
    ceiling: Tensor

    @property
    def diverged(self) -> Tensor:
        """(n,) bool: chains that are no longer finite or stand far above their start."""
        finite = self.grad.flatten(1).isfinite().all(1) & self.energy.isfinite()
        return ~finite | (self.energy > self.ceiling)


def energy_ceiling(energy: Tensor, z: Tensor) -> Tensor:
    """The highest energy (n,) at which chains that start with `energy` still count as sound.

    At rest U exceeds its minimum by about d / 2 for d latents, so a fifth of the start and ten
    times d above it is far outside any walk that samples, and soon crossed by one that explodes.
    """
    return 1.2 * energy + 10 * z[0].numel()


def evaluate(energy: Energy, z: Tensor, step: int = 0) -> LangevinState:
    """The state at z, as the start of a walk. energy(z) -> (n,)."""
    value, grad = value_and_grad(energy, z)
    return LangevinState(step, z.detach(), value, grad, energy_ceiling(value, z))


def move(
    state: LangevinState,
    noise: Tensor,
    spec: LangevinSpec,
    preconditioner: Preconditioner | None = None,
) -> Tensor:
    """z - (s^2 / 2) dU/dz + s sqrt(temperature) noise (paper, equation 9); with a metric M of the
    channels, M dU/dz and M^(1/2) noise (see preconditioner.py)."""
    s, grad = spec.step_size, state.grad
    if preconditioner is not None:
        grad, noise = (
            apply_to_channels(preconditioner.whole, grad),
            apply_to_channels(preconditioner.root, noise),
        )
    moved: Tensor = state.z - s**2 / 2 * grad + s * spec.temperature**0.5 * noise
    return moved


def acceptance(
    before: LangevinState,
    after: LangevinState,
    spec: LangevinSpec,
    preconditioner: Preconditioner | None = None,
) -> Tensor:
    """The probability (n,) with which a Metropolis test would accept the move between two states
    (MALA; Roberts and Tweedie 1996). It falls from 1 to 0 as the step grows too long; a chain
    that is no longer finite has 0. Needs a temperature above 0."""
    s, t = spec.step_size, spec.temperature

    def surprise(here: LangevinState, there: LangevinState) -> Tensor:
        drift = there.z - move(here, torch.zeros_like(here.z), spec, preconditioner)
        whitened = (
            drift if preconditioner is None else apply_to_channels(preconditioner.inverse, drift)
        )
        return (drift * whitened).flatten(1).sum(1) / (2 * s**2 * t)

    ratio = (before.energy - after.energy) / t + surprise(before, after) - surprise(after, before)
    return ratio.clamp(max=0).exp().nan_to_num(0.0)


def langevin_steps(
    energy: Energy,
    z: Tensor,
    noise: Tensor,
    spec: LangevinSpec,
    preconditioner: Preconditioner | None = None,
) -> Iterator[LangevinState]:
    """The walk for eyes: the state at z and after each of the moves, len(noise) + 1 in all.

    z (n, *latent_shape), noise (steps, n, *latent_shape). Stopping is not asking for the next.
    """
    state = evaluate(energy, z)
    ceiling = state.ceiling
    yield state
    for step, drawn in enumerate(noise, start=1):
        here = evaluate(energy, move(state, drawn, spec, preconditioner), step)
        state = LangevinState(step, here.z, here.energy, here.grad, ceiling)
        yield state


def metropolis_steps(
    energy: Energy,
    z: Tensor,
    noise: Tensor,
    dice: Tensor,
    spec: LangevinSpec,
    preconditioner: Preconditioner | None = None,
) -> Iterator[LangevinState]:
    """The walk with a Metropolis test after every move (MALA; Roberts and Tweedie 1996): a chain
    whose move is refused stays where it was. It rests at the posterior itself, whatever the step;
    `langevin_steps` rests near it, the nearer the shorter the step.

    dice (steps, n): uniform in [0, 1); a move is accepted where they fall below its `acceptance`.
    """
    state = evaluate(energy, z)
    yield state
    for step, (drawn, thrown) in enumerate(zip(noise, dice, strict=True), start=1):
        there = evaluate(energy, move(state, drawn, spec, preconditioner), step)
        taken = thrown < acceptance(state, there, spec, preconditioner)
        wide = taken.view(-1, *[1] * (z.ndim - 1))
        state = LangevinState(
            step,
            torch.where(wide, there.z, state.z),
            torch.where(taken, there.energy, state.energy),
            torch.where(wide, there.grad, state.grad),
            state.ceiling,
        )
        yield state


def infer(
    energy: Energy,
    z: Tensor,
    noise: Tensor,
    spec: LangevinSpec,
    preconditioner: Preconditioner | None = None,
) -> Tensor:
    """The walk for learning: the last z of `langevin_steps`, bit for bit, without the evaluation
    that would only tell how good it is."""
    for state in islice(langevin_steps(energy, z, noise, spec, preconditioner), len(noise)):
        z = move(state, noise[state.step], spec, preconditioner)
    return z
