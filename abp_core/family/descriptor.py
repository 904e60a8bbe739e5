"""The descriptor: a density of pictures or sounds, learnt by walks among them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from abp_core.checkpoint import Checkpoint
from abp_core.device import Machine, this_machine, value_and_grad
from abp_core.family.batches import Batches
from abp_core.family.energies import bottom_up
from abp_core.family.field import FieldSpec, RandomField
from abp_core.family.member import Shown, Told
from abp_core.family.pace import timed
from abp_core.family.trial import Trial
from abp_core.noise import permutation
from abp_core.spec import Kind

SEAMS = 30  # moves until chains side by side have grown together
SHOWN = 4  # signals of each sort
SAMPLE_SWEEP = 2**48  # the first sweep of walks that only sample; learning never gets there


@dataclass(frozen=True, slots=True, kw_only=True)
class DescriptorSpec:
    """chains: how many persist, each of at most `extent` along an axis; an iteration compares them
    with as many signals of the data. longest: moves of a walk from chains under noise."""

    chains: int
    extent: int
    field: FieldSpec
    longest: int = 100


SPECS: dict[Kind, DescriptorSpec] = {
    "texture": DescriptorSpec(chains=4, extent=96, field=FieldSpec(rate=2e-3)),
    "sound": DescriptorSpec(chains=6, extent=8192, field=FieldSpec(rate=2e-3)),
    "objects": DescriptorSpec(chains=16, extent=64, field=FieldSpec()),
}


class Descriptor:
    """p(x; theta) ~ exp(F(x; theta)) q(x), learnt by persistent chains in the space of signals
    (Xie, Lu, Zhu and Wu 2016).

    network: F, any map of signals (n, c, ...) to (n,); it is kept, and learns where its parameters
    ask for a gradient.
    """

    def __init__(
        self,
        trial: Trial,
        seed: int,
        network: nn.Module,
        spec: DescriptorSpec | None = None,
        machine: Machine | None = None,
    ) -> None:
        self.trial, self.seed = trial, seed
        self.spec = spec = spec or SPECS[trial.kind]
        self.iteration, self.seconds = 0, 0.0
        machine = machine or this_machine()
        signals = trial.data.signals
        extent = tuple(min(spec.extent, side) for side in trial.size)
        self._batches = Batches(signals, extent, spec.chains, seed)
        self.field = RandomField(network, signals, machine, spec.field)
        self.chains = self.field.draw_reference(
            (self._batches.n, signals.shape[1], *extent), seed, 0
        )

    @property
    def parameters(self) -> int:
        return self.field.parameters

    def alternation(self) -> Iterator[Told | None]:
        for told in timed(self._moves()):
            self.seconds += told.seconds if told else 0.0
            yield told

    def _moves(self) -> Iterator[Told | None]:
        """An iteration; whatever lasts is changed after the last pause."""
        field, steps = self.field, self.spec.field.steps
        x = yield from field.revise(self.chains, self.seed, 1 + self.iteration * steps, steps)
        data = self._batches.draw(self.iteration).to(x.device)
        loss = field.compare(data, x)
        norm = field.gradient_norm(loss)
        yield None
        sound = norm.isfinite()
        field.learn(sound, self.iteration)
        if sound:
            self.chains = x.contiguous()
        self.iteration += 1
        apart = float(loss.detach()) / x[0].numel()
        yield Told(self.iteration, apart, 0.0, diverged=not bool(sound))

    def sample(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        """The persistent chains as they stand where they suffice. Where more are wanted, walks from
        chains under as much white noise as the data deviates; larger ones, walks from chains laid
        side by side."""
        here, x = self.chains, self._lay(n, seed, size)
        if tuple(size) != tuple(here.shape[2:]):
            return self.field.walk_on(x, seed, SAMPLE_SWEEP + 1, SEAMS).float().cpu()
        x, rest = x[: len(here)], x[len(here) :]
        if len(rest):
            noise = self.field.draw_reference(tuple(rest.shape), seed, SAMPLE_SWEEP)
            rest = rest + (noise - self.field.mean) / self.spec.field.reference
            rest = self.field.walk_on(rest, seed, SAMPLE_SWEEP + 1, self.spec.longest)
        return torch.cat([x, rest]).float().cpu()

    def _lay(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        """Signals (n, c, *size) of chains side by side, in an order that the seed decides."""
        here = self.chains
        tiles = [-(-side // own) for side, own in zip(size, here.shape[2:], strict=True)]
        count = n * math.prod(tiles)
        rounds = range(-(-count // len(here)))
        drawn = [permutation(seed=seed, epoch=epoch, n=len(here)) for epoch in rounds]
        x = here[torch.cat(drawn)[:count]]
        for axis, k in reversed(list(enumerate(tiles, 2))):  # rows of them, then columns
            x = torch.cat(list(x.view(-1, k, *x.shape[1:]).unbind(1)), axis)
        for axis, side in enumerate(size, 2):
            x = x.narrow(axis, 0, side)
        return x.contiguous()

    def rebuild(self, x: Tensor) -> Tensor | None:
        return None

    def energy(self, x: Tensor) -> Tensor | None:
        return self.field.measure(x)

    def show(self) -> tuple[Shown, ...]:
        """The chains; and of pictures that were held back, where their energy pulls at pixels."""
        shown = Shown("Chains", self.chains[:SHOWN].cpu().clone())
        if self.trial.kind == "sound":
            return (shown,)
        x = self.trial.held[:SHOWN]
        _, grad = value_and_grad(self.field.energy, x.to(self.chains.device))
        pull = (grad * self.field.deviation**2).square().mean(1, keepdim=True).sqrt().cpu()
        return shown, Shown("Its pull at held-back data", pull, heat=True)

    def tensors(self) -> dict[str, Tensor]:
        return self.field.tensors() | {"chains": self.chains.cpu().clone()}

    def resume(self, tensors: Mapping[str, Tensor], iteration: int, seconds: float) -> None:
        if tensors["chains"].shape != self.chains.shape:
            raise ValueError("chains of other data")
        self.field.resume(tensors)
        self.chains = tensors["chains"].to(self.chains.device, copy=True)
        self.iteration, self.seconds = iteration, seconds

    def checkpoint(self) -> Checkpoint | None:
        return None


def descriptor(trial: Trial, seed: int) -> Descriptor:
    """The descriptor with the network of a trial's kind."""
    spec = SPECS[trial.kind]
    network = bottom_up(trial, spec.field.reference * trial.data.deviation, seed)
    return Descriptor(trial, seed, network, spec)
