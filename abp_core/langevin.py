"""Inferential back-propagation: Langevin dynamics on the latents of single examples.

There is one walk. `Langevin.init` stands at latents, `Langevin.step` makes one move, and whoever
asks for no more moves has stopped it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import (
    Preconditioner,
    apply_to_channels,
)
from abp_core.device import Energy, value_and_grad
from abp_core.spec import LangevinSpec


@dataclass(frozen=True, slots=True)
class LangevinState:
    """Where n chains stand after `step` moves.

    z (n, *latent_shape); energy (n,) and grad (like z) are U and dU/dz at this very z.
    start: the state in which the walk began; None of that itself.
    """

    step: int
    z: Tensor
    energy: Tensor
    grad: Tensor
    start: "LangevinState | None" = None

    @property
    def ceiling(self) -> Tensor:
        """The energy (n,) above which a chain of this walk counts as diverged."""
        first = self.start or self
        return energy_ceiling(first.energy, first.z)

    @property
    def diverged(self) -> Tensor:
        """(n,) bool: chains that are no longer finite or stand far above their start."""
        finite = self.grad.flatten(1).isfinite().all(1) & self.energy.isfinite()
        return ~finite | (self.energy > self.ceiling)


def energy_ceiling(energy: Tensor, z: Tensor) -> Tensor:
    """The highest energy (n,) at which chains that start with `energy` still count as healthy.

    At rest U exceeds its minimum by about d / 2 for d latents, so a fifth of the start and ten
    times d above it is far outside any walk that samples, and soon crossed by one that explodes.
    Energies of a density that is not normalised may lie below 0; the fifth is of their size.
    """
    return torch.maximum(1.2 * energy, 0.8 * energy) + 10 * z.shape[1:].numel()


@dataclass(frozen=True, slots=True)
class Langevin:
    """z <- z - (s^2 / 2) dU/dz + s sqrt(temperature) noise (paper, equation 9); with a metric M of
    the channels, M dU/dz and M^(1/2) noise (see preconditioner.py). energy: U(z) -> (n,).
    adapted: s, (), of a run that finds it itself, in place of that of `spec`."""

    energy: Energy
    spec: LangevinSpec
    preconditioner: Preconditioner | None = None
    adapted: Tensor | None = None

    @property
    def step_size(self) -> float | Tensor:
        """s."""
        return self.spec.step_size if self.adapted is None else self.adapted

    def init(self, z: Tensor) -> LangevinState:
        """The state at z (n, *latent_shape)."""
        value, grad = value_and_grad(self.energy, z)
        return LangevinState(0, z.detach(), value, grad)

    def drift(self, state: LangevinState) -> Tensor:
        """Where a move without noise leads."""
        grad = state.grad
        if self.preconditioner is not None:
            grad = apply_to_channels(self.preconditioner.whole, grad)
        still: Tensor = state.z - self.step_size**2 / 2 * grad
        return still

    def propose(self, state: LangevinState, noise: Tensor) -> Tensor:
        """Where a move with this noise, standard Gaussian like z, leads. Whoever needs no energy
        there is done with this."""
        if self.preconditioner is not None:
            noise = apply_to_channels(self.preconditioner.root, noise)
        moved: Tensor = self.drift(state) + self.step_size * self.spec.temperature**0.5 * noise
        return moved

    def step(
        self, state: LangevinState, noise: Tensor, dice: Tensor | None = None
    ) -> tuple[LangevinState, "LangevinInfo"]:
        """One move, and what is to be known of it.

        dice (n,): uniform in [0, 1). Where they are given, each move takes a Metropolis test (MALA;
        Roberts and Tweedie 1996): a chain whose move is refused stays where it was, and the walk
        rests at the posterior itself, whatever the step; without, near it, the nearer the shorter
        the step. A chain that diverged is put back to its start.
        """
        start = state.start or state
        z = self.propose(state, noise)
        there = LangevinState(state.step + 1, z, *value_and_grad(self.energy, z), start)
        info = LangevinInfo(self, state, there)
        if dice is not None:
            there = _choose(dice < info.acceptance, there, state)
        return _choose(there.diverged, start, there), info


@dataclass(frozen=True, slots=True)
class LangevinInfo:
    """One move of n chains, from `before` to `proposed`, whatever became of it; figures (n,) are
    worked out when they are asked for."""

    walk: Langevin
    before: LangevinState
    proposed: LangevinState

    @property
    def acceptance(self) -> Tensor:
        """The probability with which a Metropolis test would accept the move. It falls from 1 to 0
        as the step grows too long; a chain that is no longer finite has 0. Needs a temperature
        above 0."""
        t = self.walk.spec.temperature
        lost = self.before.energy - self.proposed.energy
        forth = self._surprise(self.before, self.proposed)
        back = self._surprise(self.proposed, self.before)
        return (lost / t + forth - back).clamp(max=0).exp().nan_to_num(0.0)

    @property
    def length(self) -> Tensor:
        """|proposed - before|."""
        return norms(self.proposed.z - self.before.z)

    @property
    def drift(self) -> Tensor:
        """The length of the move that the gradient alone would have made."""
        return norms(self.walk.drift(self.before) - self.before.z)

    @property
    def noise_share(self) -> Tensor:
        """The noise's share of the move, of the sum of both squares."""
        noise = norms(self.proposed.z - self.walk.drift(self.before)).square()
        return noise / (self.drift.square() + noise).clamp(min=1e-30)

    @property
    def diverged(self) -> Tensor:
        """bool: whether the move led where no chain that samples would go."""
        return self.proposed.diverged

    def _surprise(self, here: LangevinState, there: LangevinState) -> Tensor:
        """Minus the log of the density with which a move from here leads there."""
        spec, metric = self.walk.spec, self.walk.preconditioner
        away = there.z - self.walk.drift(here)
        whitened = away if metric is None else apply_to_channels(metric.inverse, away)
        variance = self.walk.step_size**2 * spec.temperature
        return (away * whitened).flatten(1).sum(1) / (2 * variance)


def infer(
    energy: Energy,
    z: Tensor,
    noise: Tensor,
    spec: LangevinSpec,
    preconditioner: Preconditioner | None = None,
) -> Tensor:
    """Where a walk from z (n, *latent_shape) ends after a move for each row of noise (steps, n,
    ...), bit for bit as by `step`, without the last evaluation, which would only tell how good it
    is."""
    if not len(noise):
        return z
    walk = Langevin(energy, spec, preconditioner)
    state = walk.init(z)
    for drawn in noise[:-1]:
        state, _ = walk.step(state, drawn)
    return walk.propose(state, noise[-1])


def norms(z: Tensor) -> Tensor:
    """|z|, (n,), of z (n, ...)."""
    length: Tensor = torch.linalg.vector_norm(z.flatten(1), dim=1)
    return length


def choose_rows(which: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Of n rows those of `yes` (n, ...) where `which` (n,) bool says so, else those of `no`."""
    return torch.where(which.view(-1, *[1] * (yes.ndim - 1)), yes, no)


def _choose(which: Tensor, yes: LangevinState, no: LangevinState) -> LangevinState:
    """By chain, which (n,); the step and the start of those that moved."""
    moved = yes if yes.start is not None else no
    return LangevinState(
        max(yes.step, no.step),
        choose_rows(which, yes.z, no.z),
        torch.where(which, yes.energy, no.energy),
        choose_rows(which, yes.grad, no.grad),
        moved.start,
    )
