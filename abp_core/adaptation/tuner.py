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
    fisher_information,
    second_moment,
)
from abp_core.device import Energy, value_and_grad
from abp_core.noise import CURVATURE_INDEX, chain_noise
from abp_core.posterior import Posterior
from abp_core.spec import LangevinSpec, TrainingSpec

STEP_RATE = 0.5  # a run that is about to explode does so within a few iterations
SHORTEST = 1e-6  # step


class Adaptation:
    """The walk's step size by now, and the curvature (c, c) that its metric is made of."""

    def __init__(self, spec: TrainingSpec, device: torch.device) -> None:
        self._spec = spec
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
            return second_moment(value_and_grad(energy, start)[1]) if first else self.curvature
        if iteration % ESTIMATE_EVERY:
            return self.curvature
        noise = chain_noise(
            seed=self._spec.seed,
            sweep=iteration,
            index=CURVATURE_INDEX + posterior.index.cpu(),
            steps=1,
            shape=posterior.y.shape[1:],
        )[0].to(start.device)
        found = fisher_information(posterior.residual, start, noise, posterior.sigma)
        return found if first else self.curvature.lerp(found, ESTIMATE_RATE)

    def follow(self, curvature: Tensor, gradient: Tensor) -> None:
        """Keeps the curvature of a walk; of examples, nearer to that of where it ended."""
        self.curvature = curvature
        if self._spec.window or not self._spec.langevin.preconditioned:
            return
        moment = second_moment(gradient)
        if moment.isfinite().all():
            self.curvature = curvature.lerp(moment, FOLLOW_RATE)

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
