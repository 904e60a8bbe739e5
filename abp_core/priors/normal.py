"""The paper's prior: N(0, I), every latent on its own."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from abp_core.noise import PRIOR_DRAW, chain_noise
from abp_core.priors.fields import Endless, LatentMap, Place, Repeated
from abp_core.priors.known import Known

ONE_SIZE = "This model makes signals of one size only."


@dataclass(frozen=True, slots=True)
class Normal:
    """N(0, temperature * I) over latents of one shape."""

    latent_shape: tuple[int, ...]
    temperature: float = 1.0

    def draw(self, n: int, seed: int) -> Tensor:
        """n latents (n, *latent_shape); the first k are the same whatever n is."""
        noise = chain_noise(
            seed=seed, sweep=PRIOR_DRAW, index=torch.arange(n), steps=1, shape=self.latent_shape
        )
        return noise[0] * math.sqrt(self.temperature)

    def map(
        self, seed: int, *, periods: Place | None = None, known: Known | None = None
    ) -> LatentMap:
        """A map without end, a function of the seed; see `Exemplar.map`. Raises ValueError for a
        vector latent."""
        if len(self.latent_shape) == 1:
            raise ValueError(ONE_SIZE)
        endless: LatentMap = Endless(self.latent_shape[0], seed, self.temperature)
        around = Repeated(endless, periods) if periods else endless
        return Kept(known, around) if known else around

    def tensors(self) -> dict[str, Tensor]:
        """It needs none."""
        return {}


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Latents that are known, with another map where they are not."""

    known: Known
    around: LatentMap

    def part(self, start: Place, stop: Place) -> Tensor:
        """The latents of the positions [start, stop), (channels, *extent)."""
        return self.known.plant(self.around.part(start, stop), start)
