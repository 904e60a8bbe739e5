"""The walk that infers latents."""

import dataclasses
from dataclasses import dataclass
from typing import Self

from abp_core.spec.checks import is_count, is_real, require


@dataclass(frozen=True, slots=True, kw_only=True)
class LangevinSpec:
    """The inference walk: how many steps, how long, and how much noise.

    step_size: s of z <- z - (s^2 / 2) dU/dz + s * noise.
    temperature: the noise is scaled by its square root; 0 walks downhill only.
    acceptance: 0 keeps the step size; above 0, training shortens it until a Metropolis test
        would accept that share of the moves; `step_size` is then its longest.
    preconditioned: training learns a metric in which the posterior is about as wide in every
        direction (see preconditioner.py); step sizes are then in its units, and about 1.
    """

    steps: int
    step_size: float
    temperature: float = 1.0
    acceptance: float = 0.0
    preconditioned: bool = False

    def __post_init__(self) -> None:
        require(
            is_count(self.steps) and self.steps <= 10_000,
            "The number of Langevin steps must be a whole number from 1 to 10,000.",
        )
        require(
            is_real(self.step_size) and 0 < self.step_size <= 10,
            "The step size must be a number above 0 and at most 10.",
        )
        require(
            is_real(self.temperature) and 0 <= self.temperature <= 100,
            "The temperature must be a number from 0 to 100.",
        )
        require(
            is_real(self.acceptance) and 0 <= self.acceptance < 1,
            "The acceptance to aim at must be a number from 0 to below 1.",
        )
        require(
            self.acceptance == 0 or (self.steps > 1 and self.temperature > 0),
            "A step size that follows the acceptance needs at least two steps and some noise.",
        )
        require(isinstance(self.preconditioned, bool), "Preconditioned is either true or false.")

    def at(self, step_size: float) -> Self:
        """The same walk with a step size of one's own choice, which then stays."""
        return dataclasses.replace(self, step_size=step_size, acceptance=0.0)
