"""A random field p(x) ~ exp(F(x)) q(x): its energy, the walk in it, and how F learns."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from abp_core.device import Machine
from abp_core.family.pace import finish
from abp_core.langevin import Langevin
from abp_core.learning.learner import Optimiser, copies
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.spec import LangevinSpec

BETAS = (0.5, 0.999)
LOT = 16  # signals whose energy is worked out at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """reference: q's deviation, in units of the data's. steps, step_size: of the walk of an
    iteration, in units of q's deviation. rate: of learning. halved_after: iterations until that
    stands at half (a stochastic approximation, Robbins and Monro 1951); with a rate that stays,
    F and the chains would swing about one another for ever."""

    reference: float = 0.1
    steps: int = 5
    step_size: float = 1.0
    rate: float = 1e-3
    halved_after: int = 200


class RandomField:
    """p(x; theta) ~ exp(F(x; theta)) q(x) of signals x (n, c, ...), as Xie, Lu, Zhu and Wu (2016)
    have it. q is white Gaussian about the data's mean in each channel. As in their paper it is
    narrow: there one grey level, here `reference` of the data's deviation. Where F is piecewise
    linear, so is its pull, and p is of that deviation about what F makes of x; a wide q would leave
    it to F to hold every pixel still.

    network: F, x (n, c, ...) -> (n,), a sum over all places; some of its parameters may be fixed
    (not asking for a gradient). It stays here, and learns. signals: of the data, for q.
    """

    def __init__(
        self,
        network: nn.Module,
        signals: Tensor,
        machine: Machine,
        spec: FieldSpec,
    ) -> None:
        self.machine, self._spec = machine, spec
        self.network = network.to(machine.device)
        seen = Full().moments(signals, signals.shape[1])
        assert seen.mean is not None
        self.deviation = spec.reference * seen.deviation
        self.walk = LangevinSpec(steps=spec.steps, step_size=spec.step_size * self.deviation)
        self.mean = seen.mean.view(1, -1, *[1] * (signals.ndim - 2)).to(machine.device)
        self._twin = machine.chain_copy(self.network)
        self._dtype = machine.fast
        self._optimiser = Optimiser(self.network, BETAS)

    @property
    def parameters(self) -> int:
        """How many numbers learn."""
        return sum(p.numel() for p in self.network.parameters() if p.requires_grad)

    def draw_reference(self, shape: tuple[int, ...], seed: int, sweep: int) -> Tensor:
        """Draws of q of a shape (n, c, ...), a function of (seed, row, sweep)."""
        (noise,) = chain_noise(
            seed=seed, sweep=sweep, index=torch.arange(shape[0]), steps=1, shape=shape[1:]
        )
        x: Tensor = self.mean + self.deviation * noise.to(self.mean.device)
        return x

    def reference_energy(self, x: Tensor) -> Tensor:
        """-log q(x), (n,), up to a constant."""
        return (x - self.mean).flatten(1).square().sum(1) / (2 * self.deviation**2)

    def energy(self, x: Tensor) -> Tensor:
        """U(x) = -F(x) - log q(x), (n,), in full precision."""
        f: Tensor = self.network(x)
        return self.reference_energy(x) - f

    def fast_energy(self, x: Tensor) -> Tensor:
        """U(x) as the walk has it, F in fast precision."""
        f: Tensor = self._twin(x.to(self._dtype))
        return self.reference_energy(x) - f.float()

    @torch.no_grad()
    def measure(self, x: Tensor) -> Tensor:
        """U (n,) of signals (n, c, ...) on the CPU, where it is given back."""
        lots = [self.energy(some.to(self.mean.device)).cpu() for some in torch.split(x, LOT)]
        return torch.cat(lots)

    def revise(
        self, x: Tensor, seed: int, sweep: int, steps: int, first: int = 0
    ) -> Generator[None, None, Tensor]:
        """A walk from signals x (n, c, ...) that pauses after every move and returns where it ends.
        Its noise is a function of (seed, row, sweep, move), rows
        counted from `first`. One that diverges is put back to x."""
        langevin = Langevin(self.fast_energy, self.walk)
        state, index = langevin.init(x), first + torch.arange(len(x))
        for step in range(steps):
            (noise,) = chain_noise(
                seed=seed, sweep=sweep + step, index=index, steps=1, shape=tuple(x.shape[1:])
            )
            state, _ = langevin.step(state, noise.to(x.device))
            yield
        return state.z

    def walk_on(self, x: Tensor, seed: int, sweep: int, steps: int) -> Tensor:
        """Where such a walk ends, lot by lot."""
        firsts = range(0, len(x), LOT)
        walks = [self.revise(x[k : k + LOT], seed, sweep, steps, k) for k in firsts]
        return torch.cat([finish(walk) for walk in walks])

    def compare(self, data: Tensor, made: Tensor) -> Tensor:
        """mean F(made) - mean F(data), (), whose gradient is that of the negative log-likelihood
        where `made` are samples of p (Xie et al. 2016, equation 9)."""
        with self.machine.autocast():
            f: Tensor = self.network(torch.cat([data, made]))
        return f[len(data) :].float().mean() - f[: len(data)].float().mean()

    def gradient_norm(self, loss: Tensor) -> Tensor:
        """(), of the gradient of a loss (), which the weights then hold."""
        return self._optimiser.gradient_norm(loss)

    def learn(self, wanted: Tensor, iteration: int) -> None:
        """One step along the gradient that the weights hold, where `wanted` () bool."""
        fade = 1 / (1 + iteration / self._spec.halved_after)
        self._optimiser.rate.fill_(self._spec.rate * fade)
        self._optimiser.step(wanted)
        self.machine.refresh(self._twin, self.network)

    def tensors(self) -> dict[str, Tensor]:
        """What a resumed run needs, in memory of its own on the CPU."""
        weights = {f"weight.{name}": p for name, p in self.network.named_parameters()}
        return copies(weights) | self._optimiser.tensors()

    @torch.no_grad()
    def resume(self, held: Mapping[str, Tensor]) -> None:
        """Goes on from `tensors()` of the same field. Raises KeyError or RuntimeError."""
        for name, p in self.network.named_parameters():
            p.copy_(held[f"weight.{name}"])
        self._optimiser.resume(held)
        self.machine.refresh(self._twin, self.network)
