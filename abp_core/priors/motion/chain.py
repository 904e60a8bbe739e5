"""A chain of latents in time: any frames of a film can be asked for, and are always the same."""

from typing import Protocol

import torch
from torch import Tensor

from abp_core.priors.fields import LatentMap, Place
from abp_core.priors.known import Known
from abp_core.priors.normal import ONE_SIZE


class Chain(Protocol):
    """Latents of frame after frame, without end."""

    def part(self, start: int, stop: int) -> Tensor:
        """Those of the frames [start, stop), start at least 0, (n, *latent_shape)."""
        ...


class Motion(Protocol):
    """A prior of the latents of a film in their order, which needs nothing beside these and
    the weights of its generator."""

    def draw(self, n: int, seed: int) -> Tensor:
        """The first n frames of a new film, (n, *latent_shape); of one seed the first k are the
        same whatever n is."""
        return self.chain(seed).part(0, n)

    def map(
        self, seed: int, *, periods: Place | None = None, known: Known | None = None
    ) -> LatentMap:
        """There is none that does not move. Raises ValueError."""
        raise ValueError(ONE_SIZE)

    def tensors(self) -> dict[str, Tensor]:
        """None: see above."""
        return {}

    def chain(self, seed: int, *, onwards: bool = False, period: int = 0) -> Chain:
        """A new film, a function of the seed. onwards: it goes on after the last frame that was
        learnt, instead of beginning anywhere. period: after how many frames it begins anew; 0
        where it never does."""
        ...


def at_speed(chain: Chain, start: int, stop: int, speed: float, period: int = 0) -> Tensor:
    """Latents (n, *latent_shape) of the frames [start, stop) of the same film at another speed, of
    which one lies where frame `speed` times as far lies; between two frames on the line from one
    to the other. period: of the chain, in its own frames; 0 where it has none."""
    places = torch.arange(start, stop, dtype=torch.float64) * speed
    first = places.floor().long()
    share = (places - first).float()
    low, high = int(first[0]), int(first[-1]) + 2
    if period:
        z = chain.part(0, period)
        before, after = z[first % period], z[(first + 1) % period]
    else:
        z = chain.part(low, high)
        before, after = z[first - low], z[first - low + 1]
    return torch.lerp(before, after, share.view(-1, *[1] * (z.ndim - 1)))
