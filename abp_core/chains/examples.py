"""Persistent chains: where the latents of the data stand, and which of them an iteration moves."""

from typing import Protocol

import torch
from torch import Tensor, nn

from abp_core.data import mapped
from abp_core.errors import Refusal
from abp_core.noise import chain_noise, permutation
from abp_core.observation import Observation
from abp_core.posterior import LOT
from abp_core.priors.motion.between import Expected
from abp_core.ranks import Ranks
from abp_core.spec import TrainingSpec

SHARDS_ORDER = 2**62  # the first "epoch" whose order is one of shards


class DataMismatch(Refusal):
    """Data that a run cannot use. The message is one sentence for the user."""


class Chains(Protocol):
    """All latents z (n, ...), and the places from which a visit to some of them is computed.

    Those places stay where they are from visit to visit, so that an energy which reads them can be
    recorded: index (k,) of those that are visited, y (k, ...) what was seen of them, and
    observation how. expected: of a film that was not seen whole. lot: in lots of how many they are
    evaluated (see posterior.py). minibatch: how many an iteration visits; where several processes
    share a run, k are this one's of them. given: whose turn it is, and noise (steps, k, ...) for
    their walks (see feed.py). walked: what it is of all of them that walks move: z itself, but of a
    film that is driven by noise that noise. beside: what else a run needs to go on from there, by
    name.
    """

    minibatch: int
    z: Tensor
    y: Tensor
    index: Tensor
    observation: Observation
    lot: int
    given: dict[str, Tensor]
    expected: Expected | None = None

    @property
    def walked(self) -> Tensor:
        return self.z

    @property
    def beside(self) -> dict[str, Tensor]:
        return {}

    def draw(self, iteration: int) -> dict[str, Tensor]:
        """What an iteration is given."""
        ...

    def visit(self) -> Tensor:
        """Goes to those whose turn it is; where their walks start, (k, ...)."""
        ...

    def drives(self, z: Tensor) -> Tensor:
        """What is N(0, I) by the prior where those visited stand at z (k, ...), like z."""
        return z

    def signals(self, generator: nn.Module, z: Tensor) -> Tensor:
        """f of those visited where they stand at z (k, ...)."""
        ...

    def keep(self, z: Tensor) -> None:
        """Lets those visited stand at z (k, ...) from now on, and those of other processes where
        these say."""
        ...


class PerExample(Chains):
    """A chain an example, or several particles: z (particles * n, *latent_shape), the first of all
    examples, then the second, for what was seen of them, y (n, ...). Row k is of example k mod n,
    and takes the noise of an example k: the first n are the chains of a run that has no others."""

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
        chains = self._n * spec.particles
        shape = (chains, *spec.generator.latent_shape)
        self.z = (
            mapped.scratch(shape)
            if self._on_disk and device.type == "cpu"
            else torch.empty(shape, device=device)
        )
        for shard in mapped.shards(chains):
            self.z[shard.start : shard.stop] = chain_noise(
                seed=spec.seed,
                sweep=0,
                index=torch.arange(shard.start, shard.stop),
                steps=1,
                shape=spec.generator.latent_shape,
            )[0].to(device)
        self.minibatch = min(spec.batch_size, self._n) * spec.particles
        self.given = {name: t.to(device) for name, t in self.draw(0).items()}
        self._visited = self.given["visited"]
        several = spec.particles > 1
        self.index = self.given["index"] if several else self._visited[ranks.part(self.minibatch)]
        self.y = self.given["y"] if self._on_disk else self._y[self.index]

    def draw(self, iteration: int) -> dict[str, Tensor]:
        spec = self._spec
        visited = self.choose_visited(iteration)
        mine = visited[self._ranks.part(self.minibatch)]
        steps = spec.langevin.steps
        noise = chain_noise(
            seed=spec.seed,
            sweep=iteration + 1,
            index=mine,
            steps=steps if spec.persistent else steps + 1,
            shape=spec.generator.latent_shape,
        )
        given = {"visited": visited, "noise": noise[:steps]}
        if not spec.persistent:
            given["start"] = noise[-1]
        if spec.particles > 1:
            given["index"] = mine % self._n
        if self._on_disk:
            given["y"] = self._y[mine % self._n]
        return given

    def visit(self) -> Tensor:
        if not self._on_disk:
            self.y.copy_(self._y[self.index])
        if not self._spec.persistent:
            return self.given["start"].clone()
        return self.z[self._visited[self._ranks.part(self.minibatch)]]

    def signals(self, generator: nn.Module, z: Tensor) -> Tensor:
        x: Tensor = generator(z)
        return x

    def keep(self, z: Tensor) -> None:
        self.z[self._visited] = self._ranks.gather(z, self.minibatch)

    def choose_visited(self, iteration: int) -> Tensor:
        """The chains (minibatch,): an epoch visits each example, with all its particles, at most
        once, in shuffled order."""
        particles = self._spec.particles
        examples = choose_visited(self._spec.seed, iteration, self._n, self.minibatch // particles)
        return torch.cat([examples + particle * self._n for particle in range(particles)])


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
