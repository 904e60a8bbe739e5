"""What samples of a set still lack, as a second loss with an optimiser of its own.

Squared error leaves what it cannot foresee blurred, and inference shows the generator only latents
of the data. This loss looks at what it makes of draws from the prior: the patches of such pictures,
at every scale, are to be those of the data.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from abp_core.device import Machine
from abp_core.generator import Generator
from abp_core.learning.learner import Optimiser
from abp_core.learning.patches import PatchLoss
from abp_core.noise import chain_noise
from abp_core.spec import TrainingSpec

BATCH_SIZE = 16  # drawn for a step
SAMPLE_INDEX = 2**62  # the first "example" whose noise makes those draws; no example gets there
WEIGHT = 8.0  # of what is lacking
BETAS = (0.5, 0.99)


class SampleLoss:
    """Steps of `generator` on the patches of pictures (n, c, h, w) of a set, beside those of
    learning.

    given: the learning rate, the draws from the paper's prior that a step looks at, and what they
    are compared with (see feed.py).
    """

    def __init__(
        self,
        spec: TrainingSpec,
        generator: Generator,
        pictures: Tensor,
        *,
        machine: Machine,
        network: nn.Module | None = None,
    ) -> None:
        """network: through which the generator is asked, where that is to share its gradients."""
        self._spec, self._network, self._machine = spec, network or generator, machine
        self._statistics = PatchLoss(pictures, machine.device)
        self._optimiser = Optimiser(generator, BETAS)
        self.given = {name: t.to(machine.device) for name, t in self.draw(0).items()}
        self.given["rate"] = self._optimiser.rate

    def draw(self, iteration: int) -> dict[str, Tensor]:
        """What the step of an iteration is given: a function of (seed, iteration)."""
        z = chain_noise(
            seed=self._spec.seed,
            sweep=iteration,
            index=torch.arange(BATCH_SIZE) + SAMPLE_INDEX,
            steps=1,
            shape=self._spec.generator.latent_shape,
        )[0]
        rate = torch.tensor(self._spec.sample_loss_rate * self._spec.fade(iteration))
        return {"rate": rate, "z": z, **self._statistics.draw(BATCH_SIZE, iteration)}

    def step(self, wanted: Tensor) -> Tensor:
        """One step of the generator, where `wanted` () bool; whether it was taken, () bool. One
        that would not be finite leaves the generator as it was."""
        given = self.given
        with self._machine.autocast():
            made = self._network(given["z"])
        lack = WEIGHT * self._statistics.distance(made, given["data"], given["directions"])
        taken = wanted & self._optimiser.gradient_norm(lack).isfinite()
        self._optimiser.step(taken)
        return taken

    def tensors(self) -> dict[str, Tensor]:
        """What a resumed run needs of it, in memory of its own on the CPU."""
        return self._optimiser.tensors()

    def resume(self, held: Mapping[str, Tensor]) -> None:
        """Goes on from `tensors()` of the same run."""
        self._optimiser.resume(held)
