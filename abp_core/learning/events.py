"""What a run tells while it learns, and when it cannot go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


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

    @classmethod
    def of(cls, iteration: int, told: Sequence[float], seconds: float) -> Self:
        """told: all between, in this order."""
        misfit, error, norm, size, diverged = told
        return cls(iteration, misfit, error, norm, size, int(diverged), seconds)


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
