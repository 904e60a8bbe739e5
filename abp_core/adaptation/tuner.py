"""How the walk fits itself to the posterior while a run goes on: its step size and its metric."""

from enum import Enum

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
from abp_core.device import value_and_grad
from abp_core.noise import CURVATURE_INDEX, chain_noise
from abp_core.posterior import Posterior
from abp_core.ranks import ALONE, Ranks
from abp_core.spec import TrainingSpec

STEP_RATE = 0.5  # a run that is about to explode does so within a few iterations
SHORTEST = 1e-6  # step
# Curvature that the walk through a film begins with, which is forgotten within a hundred
# iterations: noise moves all frames, and would explain what they share before f has learnt that.
STIFF = 1e6


class Look(Enum):
    """How an iteration comes to know the curvature for its walks."""

    FIRST = "of where they start, for there is none as yet"
    ANEW = "nearer to that of where they start"
    KEPT = "as it stands"


class Adaptation:
    """The walk's step size by now, (), and the curvature (c, c) that its metric is made of; both
    stay where they are in memory.

    posterior: of those that an iteration visits, of the minibatch those of this process. given:
    noise to look at a curvature with (see feed.py).
    """

    def __init__(
        self, spec: TrainingSpec, posterior: Posterior, minibatch: int, ranks: Ranks = ALONE
    ) -> None:
        self._spec, self._posterior, self._minibatch = spec, posterior, minibatch
        self._ranks = ranks
        device = posterior.y.device
        longest = torch.tensor(spec.langevin.step_size, dtype=torch.float64)
        self.step_size = longest.to(device)
        self.curvature = torch.eye(spec.generator.latent_shape[0], device=device)
        self.given = {name: value.to(device) for name, value in self.draw(0).items()}

    def look(self, iteration: int) -> Look:
        """Of chains at rest the curvature follows what their walks end with; of others it takes a
        look at f every now and then."""
        if not self._spec.langevin.preconditioned:
            return Look.KEPT
        if iteration == 0:
            return Look.FIRST
        return Look.KEPT if iteration % ESTIMATE_EVERY or self._at_rest else Look.ANEW

    def draw(self, iteration: int) -> dict[str, Tensor]:
        """What an iteration is given."""
        if self._at_rest or self.look(iteration) is Look.KEPT:
            return {}
        part = torch.arange(self._minibatch)[self._ranks.part(self._minibatch)]
        noise = chain_noise(
            seed=self._spec.seed,
            sweep=iteration,
            index=CURVATURE_INDEX + part,
            steps=1,
            shape=tuple(self._posterior.y.shape[1:]),
        )
        return {"noise": noise[0]}

    def preconditioner(self, curvature: Tensor) -> Preconditioner | None:
        """The walk's metric; None where it has none of its own."""
        return Preconditioner.of(curvature) if self._spec.langevin.preconditioned else None

    def estimate(self, look: Look, start: Tensor) -> Tensor:
        """The curvature for walks from `start`."""
        if look is Look.KEPT:
            return self.curvature
        posterior = self._posterior
        if self._at_rest:
            gradient = value_and_grad(posterior.energy, start)[1]
            (total,) = self._ranks.sum(squares(gradient))
            found = self._moment(total, gradient)
            if look is Look.FIRST and self._spec.stretch:
                found = found + STIFF * torch.eye(len(found), device=found.device)
            return found
        gradient = fisher_gradient(posterior.residual, start, self.given["noise"], posterior.sigma)
        (total,) = self._ranks.sum(squares(gradient))
        found = torch.eye(len(total), device=total.device) + self._moment(total, gradient)
        found = _rounded(found, self._minibatch * gradient.shape[2:].numel())
        return found if look is Look.FIRST else self.curvature.lerp(found, ESTIMATE_RATE)

    @property
    def follows(self) -> bool:
        """Whether it is told the gradients with which walks end."""
        return self._spec.langevin.preconditioned and self._at_rest

    @property
    def _at_rest(self) -> bool:
        """Whether walks end where gradients tell the curvature: neither those over a whole map,
        nor those that begin anew every time, come to rest."""
        return self._spec.persistent and not self._spec.window

    def follow(self, curvature: Tensor, total: Tensor, gradient: Tensor) -> None:
        """Keeps the curvature of a walk; of examples, nearer to that of where it ended. total: of
        the squares of all processes' gradients there, of which `gradient` are this one's."""
        if self.follows:
            moment = self._moment(total, gradient)
            nearer = curvature.lerp(moment, FOLLOW_RATE)
            curvature = torch.where(moment.isfinite().all(), nearer, curvature)
        self.curvature.copy_(curvature)

    def _moment(self, total: Tensor, gradient: Tensor) -> Tensor:
        """The second moment (c, c) of the minibatch's gradients, whose squares have this sum, and
        of which `gradient` (n, c, ...) are this process's."""
        return total / (self._minibatch * gradient.shape[2:].numel())

    def resume(self, step_size: float, curvature: Tensor) -> None:
        """Goes on from what a run had come to."""
        self.step_size.fill_(step_size)
        self.curvature.copy_(curvature)

    def adapt(self, accepted: Tensor, lost: Tensor) -> None:
        """Shortens the step where fewer moves would be accepted than aimed at, and lengthens it
        again up to where it began: a generator that is still flat accepts everything. Halves it
        where every chain was lost. accepted, lost (): shares of all."""
        langevin = self._spec.langevin
        step = self.step_size * torch.exp(STEP_RATE * (accepted.double() - langevin.acceptance))
        step = step * (1 - lost.double() / 2)
        self.step_size.copy_(step.clamp(SHORTEST, langevin.step_size))


def _rounded(curvature: Tensor, n: int) -> Tensor:
    """A curvature (c, c) that n gradients told of. Where these are fewer than twice its directions
    it is led towards its mean, since walks would go much too far along those that none of them
    told of (shrinkage; Ledoit and Wolf 2004)."""
    c = len(curvature)
    round_one = curvature.diagonal().mean() * torch.eye(c, device=curvature.device)
    return curvature.lerp(round_one, 1 - n / (2 * c)) if n < 2 * c else curvature
