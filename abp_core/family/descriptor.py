"""The descriptor: a density of pictures or sounds, learnt by walks among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor, nn

from abp_core.checkpoint import Checkpoint
from abp_core.device import Machine, this_machine
from abp_core.family.batches import Batches
from abp_core.family.field import FieldSpec, RandomField
from abp_core.family.member import Shown, Told
from abp_core.family.trial import Trial
from abp_core.spec import Kind

SAMPLE_SWEEP = 2**48  # the first sweep of walks that only sample; learning never gets there


@dataclass(frozen=True, slots=True, kw_only=True)
class DescriptorSpec:
    """chains: how many persist, each of at most `extent` along an axis; an iteration compares them
    with as many signals of the data. longest: moves of a walk that only samples."""

    chains: int
    extent: int
    field: FieldSpec = FieldSpec()
    longest: int = 200


SPECS: dict[Kind, DescriptorSpec] = {
    "texture": DescriptorSpec(chains=4, extent=96, field=FieldSpec(rate=2e-3)),
    "sound": DescriptorSpec(chains=8, extent=8192),
    "objects": DescriptorSpec(chains=16, extent=64),
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
        begun, field, steps = perf_counter(), self.field, self.spec.field.steps
        spent, x = 0.0, self.chains
        for x in field.revise(x, self.seed, 1 + self.iteration * steps, steps):  # noqa: B020
            spent += perf_counter() - begun
            yield None
            begun = perf_counter()
        data = self._batches.draw(self.iteration).to(x.device)
        loss = field.compare(data, x)
        norm = field.gradient_norm(loss)
        sound = norm.isfinite() & loss.isfinite()
        spent += perf_counter() - begun
        yield None
        begun = perf_counter()
        field.learn(sound)
        if sound:
            self.chains = x
        seconds = spent + perf_counter() - begun
        self.iteration += 1
        self.seconds += seconds
        yield Told(self.iteration, float(loss.detach()), seconds, diverged=not bool(sound))

    @torch.no_grad()
    def sample(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        """The persistent chains where they suffice; else where a walk from noise leads."""
        here = self.chains
        if n <= len(here) and tuple(size) == tuple(here.shape[2:]):
            return here[:n].float().cpu().clone()
        x = self.field.draw_reference((n, here.shape[1], *size), seed, SAMPLE_SWEEP)
        *_, x = self.field.revise(x, seed, SAMPLE_SWEEP + 1, self.spec.longest)
        return x.float().cpu()

    def rebuild(self, x: Tensor) -> Tensor | None:
        return None

    def energy(self, x: Tensor) -> Tensor | None:
        return self.field.measure(x)

    def show(self) -> tuple[Shown, ...]:
        return ()

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
