"""The generator of CoopNets: it proposes signals, infers the latents of others, and learns them."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from abp_core.adaptation.preconditioner import Preconditioner, fisher_information
from abp_core.device import Machine
from abp_core.generator import Generator
from abp_core.langevin import infer
from abp_core.learning.learner import BETAS, Optimiser, copies
from abp_core.noise import CURVATURE_INDEX, chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior, misfit_of
from abp_core.spec import GeneratorSpec, LangevinSpec

LATENT_INDEX = 2**60  # the first "example" whose noise is one of latents; no signal gets there
TOLD = 4  # gradients for each channel, of which a curvature is made


class Proposer:
    """x = f(z) + e, z ~ N(0, I), e ~ N(0, sigma^2 I), and Adam for its weights.

    extent: of the signals that it proposes. sigma: in signal units. curvature (c, c): of U about
    the latents that it infers, of which the metric of its walks is made.
    """

    def __init__(
        self,
        spec: GeneratorSpec,
        extent: tuple[int, ...],
        sigma: float,
        machine: Machine,
        seed: int,
    ) -> None:
        self.machine, self.sigma, self.seed = machine, sigma, seed
        self.generator = Generator(spec, seed=seed).to(machine.device)
        self.extent = extent
        self.curvature = torch.eye(spec.latent_shape[0], device=machine.device)
        self._twin = machine.chain_copy(self.generator)
        self._optimiser = Optimiser(self.generator, BETAS)

    def start_at(self, mean: Tensor, deviation: float) -> None:
        """Lets f begin with signals of about this mean (channels,) and deviation."""
        self.generator.start_at(mean, deviation)
        self.machine.refresh(self._twin, self.generator)

    def draw(self, n: int, extent: tuple[int, ...], sweep: int, seed: int | None = None) -> Tensor:
        """n latents z ~ N(0, I) of signals of this size, a function of (seed, row, sweep)."""
        (z,) = chain_noise(
            seed=self.seed if seed is None else seed,
            sweep=sweep,
            index=LATENT_INDEX + torch.arange(n),
            steps=1,
            shape=self.generator.spec.latent_shape_of(extent),
        )
        placed: Tensor = z.to(self.curvature.device)
        return placed

    @torch.no_grad()
    def propose(self, z: Tensor) -> Tensor:
        """f(z) in fast precision."""
        x: Tensor = self._twin(z)
        return x

    def probe_curvature(self, z: Tensor, x: Tensor, sweep: int, probe: int = 0) -> Tensor:
        """An unbiased estimate of the mean curvature of U (c, c) over examples and positions of
        z (n, c, ...), as if f were linear there (the Fisher information; Girolami and Calderhead
        2011). It has the rank of as many: the mean of several probes tells more."""
        (noise,) = chain_noise(
            seed=self.seed,
            sweep=sweep,
            index=CURVATURE_INDEX + probe * len(z) + torch.arange(len(z)),
            steps=1,
            shape=tuple(x.shape[1:]),
        )
        posterior = self._posterior(x, self._twin)
        return fisher_information(posterior.residual, z, noise.to(z.device), self.sigma)

    def find_curvature(self, z: Tensor, x: Tensor, sweep: int) -> Tensor:
        """The mean of as many probes as tell of every channel, (c, c)."""
        probes = range(self.probes(z))
        return torch.stack([self.probe_curvature(z, x, sweep, k) for k in probes]).mean(0)

    def probes(self, z: Tensor) -> int:
        """How many tell of every channel of z (n, c, ...)."""
        return -(-TOLD * z.shape[1] // (len(z) * z[0, 0].numel()))

    def infer(
        self, z: Tensor, x: Tensor, curvature: Tensor, walk: LangevinSpec, sweep: int
    ) -> Tensor:
        """Where a walk from z leads in the posterior of signals x (n, c, ...)."""
        noise = chain_noise(
            seed=self.seed,
            sweep=sweep,
            index=LATENT_INDEX + torch.arange(len(z)),
            steps=walk.steps,
            shape=tuple(z.shape[1:]),
        ).to(z.device)
        energy = self._posterior(x, self._twin).energy
        return infer(energy, z, noise, walk, Preconditioner.of(curvature))

    def rebuild(self, x: Tensor, walk: LangevinSpec, rounds: int, sweep: int) -> Tensor:
        """Latents of signals x (n, c, ...) of any size, inferred from draws of the prior by so many
        walks, each in the metric of where it begins."""
        z = self.draw(len(x), tuple(x.shape[2:]), sweep)
        for number in range(rounds):
            curvature = self.find_curvature(z, x, sweep + number)
            z = self.infer(z, x, curvature, walk, sweep + number)
        return z

    def compare(self, z: Tensor, x: Tensor) -> Tensor:
        """|x - f(z)|^2 / (2 sigma^2), (), the mean over signals x (n, c, ...)."""
        with self.machine.autocast():
            residual = self._posterior(x, self.generator).residual(z)
        return misfit_of(residual, self.sigma).mean()

    def gradient_norm(self, loss: Tensor) -> Tensor:
        """(), of the gradient of a loss (), which the weights then hold."""
        return self._optimiser.gradient_norm(loss)

    def learn(self, wanted: Tensor, rate: float) -> None:
        """One step along the gradient that the weights hold, where `wanted` () bool."""
        self._optimiser.rate.fill_(rate)
        self._optimiser.step(wanted)
        self.machine.refresh(self._twin, self.generator)

    def tensors(self) -> dict[str, Tensor]:
        """What a resumed run needs, in memory of its own on the CPU."""
        weights = {f"weight.{name}": p for name, p in self.generator.named_parameters()}
        return copies(weights | {"curvature": self.curvature}) | self._optimiser.tensors()

    @torch.no_grad()
    def resume(self, held: Mapping[str, Tensor]) -> None:
        """Goes on from `tensors()` of the same generator. Raises KeyError or RuntimeError."""
        for name, p in self.generator.named_parameters():
            p.copy_(held[f"weight.{name}"])
        self.curvature.copy_(held["curvature"])
        self._optimiser.resume(held)
        self.machine.refresh(self._twin, self.generator)

    def _posterior(self, x: Tensor, f: nn.Module) -> Posterior:
        everyone = torch.arange(len(x), device=x.device)
        return Posterior(f, Full(), x, everyone, self.sigma, lot=0)
