"""Persistent chains: where the latents of the data stand, and which of them an iteration moves."""

from typing import Protocol

import torch
from torch import Tensor

from abp_core.errors import Refusal
from abp_core.generator import Generator
from abp_core.noise import chain_noise, permutation
from abp_core.observation import Observation
from abp_core.posterior import LOT
from abp_core.spec import TrainingSpec


class DataMismatch(Refusal):
    """Data that a run cannot use. The message is one sentence for the user."""


class Chains(Protocol):
    """All latents z (n, ...), and the places from which a visit to some of them is computed.

    Those places stay where they are from visit to visit, so that an energy which reads them can be
    recorded: index (k,) of those that are visited, y (k, ...) what was seen of them, and
    observation how. lot: in lots of how many they are evaluated (see posterior.py). given: whose
    turn it is, and noise (steps, k, ...) for their walks (see feed.py).
    """

    z: Tensor
    y: Tensor
    index: Tensor
    observation: Observation
    lot: int
    given: dict[str, Tensor]

    def draw(self, iteration: int) -> dict[str, Tensor]:
        """What an iteration is given."""
        ...

    def visit(self) -> Tensor:
        """Goes to those whose turn it is; where their walks start, (k, ...)."""
        ...

    def signals(self, generator: Generator, z: Tensor) -> Tensor:
        """f of those visited where they stand at z (k, ...)."""
        ...

    def keep(self, z: Tensor) -> None:
        """Lets those visited stand at z (k, ...) from now on."""
        ...


class PerExample:
    """A chain an example: z (n, *latent_shape), for what was seen of them, y (n, ...)."""

    lot = LOT

    def __init__(
        self, spec: TrainingSpec, y: Tensor, observation: Observation, device: torch.device
    ) -> None:
        self._spec, self._n = spec, len(y)
        self._y, self.observation = y.to(device), observation.on(device)
        self.z = chain_noise(
            seed=spec.seed,
            sweep=0,
            index=torch.arange(self._n),
            steps=1,
            shape=spec.generator.latent_shape,
        )[0].to(device)
        self._size = min(spec.batch_size, self._n)
        self.given = {name: t.to(device) for name, t in self.draw(0).items()}
        self.index = self.given["index"]
        self.y = self._y[self.index]

    def draw(self, iteration: int) -> dict[str, Tensor]:
        index = self.choose_visited(iteration)
        noise = chain_noise(
            seed=self._spec.seed,
            sweep=iteration + 1,
            index=index,
            steps=self._spec.langevin.steps,
            shape=self._spec.generator.latent_shape,
        )
        return {"index": index, "noise": noise}

    def visit(self) -> Tensor:
        self.y.copy_(self._y[self.index])
        return self.z[self.index]

    def signals(self, generator: Generator, z: Tensor) -> Tensor:
        x: Tensor = generator(z)
        return x

    def keep(self, z: Tensor) -> None:
        self.z[self.index] = z

    def choose_visited(self, iteration: int) -> Tensor:
        """An epoch visits each at most once, in shuffled order."""
        return choose_visited(self._spec.seed, iteration, self._n, self._size)


def choose_visited(seed: int, iteration: int, n: int, size: int) -> Tensor:
    """Which `size` of n an iteration visits: an epoch visits each at most once, in an order that
    is a function of (seed, epoch)."""
    epoch, place = divmod(iteration, n // size)
    order = permutation(seed=seed, epoch=epoch, n=n)
    return order[place * size : (place + 1) * size].sort().values
