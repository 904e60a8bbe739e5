"""Persistent chains: where the latents of the data stand, and which of them an iteration moves."""

from typing import Protocol

import torch
from torch import Tensor, nn

from abp_core.data import mapped
from abp_core.errors import Refusal
from abp_core.noise import chain_noise, permutation
from abp_core.observation import Observation
from abp_core.posterior import LOT
from abp_core.ranks import Ranks
from abp_core.spec import TrainingSpec

SHARDS_ORDER = 2**62  # the first "epoch" whose order is one of shards


class DataMismatch(Refusal):
    """Data that a run cannot use. The message is one sentence for the user."""


class Chains(Protocol):
    """All latents z (n, ...), and the places from which a visit to some of them is computed.

    Those places stay where they are from visit to visit, so that an energy which reads them can be
    recorded: index (k,) of those that are visited, y (k, ...) what was seen of them, and
    observation how. lot: in lots of how many they are evaluated (see posterior.py). minibatch: how
    many an iteration visits; where several processes share a run, k are this one's of them. given:
    whose turn it is, and noise (steps, k, ...) for their walks (see feed.py).
    """

    minibatch: int
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

    def signals(self, generator: nn.Module, z: Tensor) -> Tensor:
        """f of those visited where they stand at z (k, ...)."""
        ...

    def keep(self, z: Tensor) -> None:
        """Lets those visited stand at z (k, ...) from now on, and those of other processes where
        these say."""
        ...


class PerExample:
    """A chain an example: z (n, *latent_shape), for what was seen of them, y (n, ...)."""

    lot = LOT

    def __init__(
        self,
        spec: TrainingSpec,
        y: Tensor,
        observation: Observation,
        device: torch.device,
        ranks: Ranks,
    ) -> None:
        self._spec, self._n, self._ranks = spec, len(y), ranks
        self._on_disk = mapped.is_mapped(y)  # there it stays; latents too, unless a card has room
        self._y = y if self._on_disk else y.to(device)
        self.observation = observation.on(device)
        shape = (self._n, *spec.generator.latent_shape)
        self.z = (
            mapped.scratch(shape)
            if self._on_disk and device.type == "cpu"
            else torch.empty(shape, device=device)
        )
        for shard in mapped.shards(self._n):
            self.z[shard.start : shard.stop] = chain_noise(
                seed=spec.seed,
                sweep=0,
                index=torch.arange(shard.start, shard.stop),
                steps=1,
                shape=spec.generator.latent_shape,
            )[0].to(device)
        self.minibatch = min(spec.batch_size, self._n)
        self.given = {name: t.to(device) for name, t in self.draw(0).items()}
        self._visited = self.given["visited"]
        self.index = self._visited[ranks.part(self.minibatch)]
        self.y = self.given["y"] if self._on_disk else self._y[self.index]

    def draw(self, iteration: int) -> dict[str, Tensor]:
        visited = self.choose_visited(iteration)
        index = visited[self._ranks.part(self.minibatch)]
        noise = chain_noise(
            seed=self._spec.seed,
            sweep=iteration + 1,
            index=index,
            steps=self._spec.langevin.steps,
            shape=self._spec.generator.latent_shape,
        )
        read = {"y": self._y[index]} if self._on_disk else {}
        return {"visited": visited, "noise": noise, **read}

    def visit(self) -> Tensor:
        if not self._on_disk:
            self.y.copy_(self._y[self.index])
        return self.z[self.index]

    def signals(self, generator: nn.Module, z: Tensor) -> Tensor:
        x: Tensor = generator(z)
        return x

    def keep(self, z: Tensor) -> None:
        self.z[self._visited] = self._ranks.gather(z, self.minibatch)

    def choose_visited(self, iteration: int) -> Tensor:
        """An epoch visits each at most once, in shuffled order."""
        return choose_visited(self._spec.seed, iteration, self._n, self.minibatch)


def choose_visited(seed: int, iteration: int, n: int, size: int) -> Tensor:
    """Which `size` of n an iteration visits: an epoch visits each at most once, in an order that
    is a function of (seed, epoch); of a large set shard by shard."""
    epoch, place = divmod(iteration, n // size)
    shards, passed = mapped.shards(n), place * size
    if len(shards) == 1:
        order = permutation(seed=seed, epoch=epoch, n=n)
        return order[passed : passed + size].sort().values
    found = torch.empty(0, dtype=torch.int64)
    for k in permutation(seed=seed, epoch=SHARDS_ORDER + epoch, n=len(shards)).tolist():
        shard = shards[k]
        if passed < len(shard):
            order = permutation(seed=seed, epoch=epoch * len(shards) + k, n=len(shard))
            found = torch.cat([found, shard.start + order[passed:]])[:size]
        passed = max(passed - len(shard), 0)
        if len(found) == size:
            break
    return found.sort().values
