"""How the walk fits itself to the posterior while a run goes on: its step size and its metric."""

import dataclasses
import math

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import (
    ESTIMATE_EVERY,
    ESTIMATE_RATE,
    FOLLOW_RATE,
    Preconditioner,
    fisher_gradient,
    squares,
)
from abp_core.device import Energy, value_and_grad
from abp_core.noise import CURVATURE_INDEX, chain_noise
from abp_core.posterior import Posterior
from abp_core.ranks import ALONE, Ranks
from abp_core.spec import LangevinSpec, TrainingSpec

STEP_RATE = 0.5  # a run that is about to explode does so within a few iterations
SHORTEST = 1e-6  # step


class Adaptation:
    """The walk's step size by now, and the curvature (c, c) that its metric is made of."""

    def __init__(
        self, spec: TrainingSpec, device: torch.device, minibatch: int, ranks: Ranks = ALONE
    ) -> None:
        """minibatch: how many chains an iteration moves, those of all processes."""
        self._spec, self._minibatch, self._ranks = spec, minibatch, ranks
        self.step_size = spec.langevin.step_size
        self.curvature = torch.eye(spec.generator.latent_shape[0], device=device)

    def langevin(self) -> LangevinSpec:
        """The walk as it goes by now."""
        return dataclasses.replace(self._spec.langevin, step_size=self.step_size)

    def preconditioner(self, curvature: Tensor) -> Preconditioner | None:
        """The walk's metric; None where it has none of its own."""
        return Preconditioner.of(curvature) if self._spec.langevin.preconditioned else None

    def estimated(
        self, iteration: int, start: Tensor, posterior: Posterior, energy: Energy
    ) -> Tensor:
        """The curvature for a walk from `start`. At first that of where it starts; later, of
        examples, what their walks ended with, and of windows a look at f every now and then."""
        first = iteration == 0
        if not self._spec.langevin.preconditioned:
            return self.curvature
        if not self._spec.window:
            if not first:
                return self.curvature
            gradient = value_and_grad(energy, start)[1]
            (total,) = self._ranks.sum(squares(gradient))
            return self._moment(total, gradient)
        if iteration % ESTIMATE_EVERY:
            return self.curvature
        noise = chain_noise(
            seed=self._spec.seed,
            sweep=iteration,
            index=CURVATURE_INDEX + posterior.index.cpu(),
            steps=1,
            shape=posterior.y.shape[1:],
        )[0].to(start.device)
        gradient = fisher_gradient(posterior.residual, start, noise, posterior.sigma)
        (total,) = self._ranks.sum(squares(gradient))
        found = torch.eye(len(total), device=total.device) + self._moment(total, gradient)
        return found if first else self.curvature.lerp(found, ESTIMATE_RATE)

    @property
    def follows(self) -> bool:
        """Whether it is told the gradients with which walks end."""
        return self._spec.langevin.preconditioned and not self._spec.window

    def follow(self, curvature: Tensor, total: Tensor, gradient: Tensor) -> None:
        """Keeps the curvature of a walk; of examples, nearer to that of where it ended. total: of
        the squares of all processes' gradients there, of which `gradient` are this one's."""
        self.curvature = curvature
        if not self.follows:
            return
        moment = self._moment(total, gradient)
        if moment.isfinite().all():
            self.curvature = curvature.lerp(moment, FOLLOW_RATE)

    def _moment(self, total: Tensor, gradient: Tensor) -> Tensor:
        """The second moment (c, c) of the minibatch's gradients, whose squares have this sum, and
        of which `gradient` (n, c, ...) are this process's."""
        return total / (self._minibatch * gradient.shape[2:].numel())

    def resume(self, step_size: float, curvature: Tensor) -> None:
        """Goes on from what a run had come to."""
        self.step_size = step_size
        self.curvature = curvature.to(self.curvature.device, copy=True)

    def adapt(self, accepted: float, lost: float) -> None:
        """Shortens the step where fewer moves would be accepted than aimed at, and lengthens it
        again up to where it began: a generator that is still flat accepts everything. Halves it
        where every chain was lost."""
        langevin = self._spec.langevin
        self.step_size *= math.exp(STEP_RATE * (accepted - langevin.acceptance))
        self.step_size *= 1 - lost / 2
        self.step_size = min(max(self.step_size, SHORTEST), langevin.step_size)
