"""What samples of a set still lack, as a second loss with an optimiser of its own.

Squared error leaves what it cannot foresee blurred, and inference shows the generator only latents
of the data. This loss looks at what it makes of draws from the prior: the patches of such pictures,
at every scale, are to be those of the data.
"""

from collections.abc import Mapping
from math import isfinite

import torch
from torch import Tensor, nn

from abp_core.data.mapped import is_mapped
from abp_core.device import Machine
from abp_core.generator import Generator
from abp_core.learning.learner import Optimiser
from abp_core.learning.patches import PatchLoss
from abp_core.noise import chain_noise

BATCH_SIZE = 16  # drawn for a step
SAMPLE_INDEX = 2**62  # the first "example" whose noise makes those draws; no example gets there
WEIGHT = 8.0  # of what is lacking
BETAS = (0.5, 0.99)


class SampleLoss:
    """Steps of `generator` on the patches of pictures (n, c, h, w) of a set, beside those of
    learning. What a step does is a function of its number and of the latents it looks at."""

    def __init__(
        self,
        generator: Generator,
        pictures: Tensor,
        *,
        machine: Machine,
        network: nn.Module | None = None,
    ) -> None:
        """network: through which the generator is asked, where that is to share its gradients."""
        self._generator, self._machine = generator, machine
        self._network = network or generator
        held = pictures if is_mapped(pictures) else pictures.to(machine.device)
        self._statistics = PatchLoss(held, machine.device)
        self._optimiser = Optimiser(generator, BETAS)

    def step(self, number: int, seed: int, rate: float) -> bool:
        """One step of the generator at this learning rate, on what it makes of draws of the paper's
        prior, a function of (seed, number); whether it was finite. If not, the generator is left
        as it was."""
        z = chain_noise(
            seed=seed,
            sweep=number,
            index=torch.arange(BATCH_SIZE) + SAMPLE_INDEX,
            steps=1,
            shape=self._generator.spec.latent_shape,
        )[0].to(self._machine.device)
        with self._machine.autocast():
            made = self._network(z)
        lack = WEIGHT * self._statistics.distance(made, number)
        finite = isfinite(self._optimiser.gradient_norm(lack))
        if finite:
            self._optimiser.step(rate)
        return finite

    def tensors(self) -> dict[str, Tensor]:
        """What a resumed run needs of it, in memory of its own on the CPU."""
        return self._optimiser.tensors()

    def resume(self, held: Mapping[str, Tensor]) -> None:
        """Goes on from `tensors()` of the same run."""
        self._optimiser.resume(held)
