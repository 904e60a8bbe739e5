"""The priors by their names in a run's settings."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from abp_core.priors.exemplar import Exemplar
from abp_core.priors.fields import LatentMap, Place
from abp_core.priors.flow import Flow
from abp_core.priors.known import Known
from abp_core.priors.motion.chain import Motion
from abp_core.priors.motion.linear import Linear
from abp_core.priors.motion.transition import Transition
from abp_core.priors.motion.windows import Windows
from abp_core.priors.normal import Normal
from abp_core.spec import PriorName, TrainingSpec


class Prior(Protocol):
    """Where new latents come from."""

    def draw(self, n: int, seed: int) -> Tensor:
        """n latents (n, *latent_shape), of a film the first n of a new one in their order; the
        first k of one seed are the same whatever n is."""
        ...

    def map(
        self, seed: int, *, periods: Place | None = None, known: Known | None = None
    ) -> LatentMap:
        """A map without end, a function of the seed; see `Exemplar.map`. Raises ValueError for a
        vector latent."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """What it needs beside the latents that it was learnt from, by name."""
        ...


def prior_of(
    spec: TrainingSpec,
    latents: Tensor,
    tensors: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
) -> Prior:
    """The prior of a run whose latents (n, ...) stand where they stand, and of what was kept of
    it; a flow that is not learnt yet begins as the paper's prior. weights: of the generator, by
    name. Draws are (n, *latent_shape)."""
    shape = spec.generator.latent_shape
    if spec.prior == "exemplar":
        return Exemplar.of(latents[0].cpu(), shape[1:])
    if spec.prior == "linear":
        return Linear.of(latents)
    if spec.prior == "transition":
        return Transition.of(latents, weights)
    if spec.prior == "windows":
        return Windows.of(latents)
    if spec.prior == "flow" and tensors:
        return Flow.from_tensors(tensors)
    return Normal(shape)


def motion_of(prior: Prior) -> Motion:
    """The same prior as one of motion. Raises ValueError where it is none."""
    if isinstance(prior, Linear | Windows | Transition):
        return prior
    raise ValueError("This model learnt no film.")


def shapes(name: PriorName, latent_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Of what is kept of a prior, by name."""
    return Flow.shapes(latent_shape[0]) if name == "flow" else {}
