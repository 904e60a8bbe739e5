"""The variational auto-encoder, or deep latent Gaussian model: learning through a recognition
network.

Kingma and Welling, Auto-Encoding Variational Bayes, 2014; Rezende, Mohamed and Wierstra, Stochastic
Backpropagation and Approximate Inference in Deep Generative Models, 2014. A walk infers the latents
of one signal; an encoder learns to tell at once a Gaussian q(z | x) for any. Encoder and decoder,
which is ABP's generator, climb one bound of the likelihood,

    log p(x) >= E log (1/K) sum_k p(x, z_k) / q(z_k | x),    z_k = m(x) + s(x) * noise_k

for K = 1 the evidence bound, for more the importance-weighted one (Burda, Grosse and Salakhutdinov,
Importance Weighted Autoencoders, 2016). The noise level of x = f(z) + e is the best there is: the
root mean square of what is left (Rybkin, Daniilidis and Levine, Simple and Effective VAE Training
with Calibrated Decoders, 2021), as a running mean.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter

import torch
from torch import Tensor, nn

from abp_core.checkpoint import Checkpoint
from abp_core.device import this_machine
from abp_core.family.encoder import LOG_2PI, Encoder, Gaussian, Upper, log_standard
from abp_core.family.member import Shown, Told
from abp_core.family.model import as_model
from abp_core.family.trial import Trial
from abp_core.family.visits import LOT, Minibatches, Visits, Windows
from abp_core.generator import Generator
from abp_core.learning.learner import BETAS, Optimiser, copies
from abp_core.noise import PRIOR_DRAW, chain_noise

DRAWS = 8  # by which the bound of signals is measured, at least
FOLLOWS = 0.05  # of the way from the variance of e to that of a minibatch, every iteration
HALVED_AFTER = 2000  # iterations until the learning rate stands at half
ABOVE = 2**58  # the first "example" whose noise is that of the layer above
MEASURED = 2**57  # the first whose noise measures the bound of signals


def importance_bound(log_weights: Tensor) -> Tensor:
    """log (1/K) sum_k w_k, (n,), of log w (K, n): a bound of log p(x) on average, the tighter the
    more draws there are (Burda, Grosse and Salakhutdinov 2016, equation 8)."""
    return log_weights.logsumexp(0) - math.log(len(log_weights))


class DeepLatentGaussian(nn.Module):
    """z ~ N(0, I), or z ~ p(z | above) with above ~ N(0, I); x = f(z) + e, e ~ N(0, variance I);
    and the Gaussians q by which the latents of x are inferred."""

    def __init__(
        self,
        decoder: Callable[[Tensor], Tensor],
        encoder: Callable[[Tensor], Gaussian],
        upper: Upper | None = None,
    ) -> None:
        super().__init__()
        self.decoder, self.encoder, self.upper = decoder, encoder, upper

    def log_weights(
        self, x: Tensor, variance: Tensor, noise: Tensor, above: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """log p(x, z) / q(z | x), (k, n), in nats, of k draws for signals x (n, ...); and the
        squares |x - f(z)|^2 (k, n). noise (k, n, *latents), and of the layer above, where there
        is one: standard Gaussian."""
        q = self.encoder(x)
        z = q.at(noise)
        made = self.decoder(z.flatten(0, 1)).float().view(*noise.shape[:2], *x.shape[1:])
        squares = (x - made).square().flatten(2).sum(2)
        entries = x[0].numel()
        likelihood = -(squares / variance + entries * (variance.log() + LOG_2PI)) / 2
        return likelihood + self._log_ratio(z, above) - q.log_density(z), squares

    def _log_ratio(self, z: Tensor, noise: Tensor | None) -> Tensor:
        """log p(z), (k, n); with a layer above log p(z, above) / q(above | z) of a draw of it."""
        if self.upper is None or noise is None:
            return log_standard(z)
        q = self.upper.infer(z.flatten(0, 1))
        above = q.at(noise.view_as(q.mean)[None])
        p = self.upper.prior(above[0], z.shape[3:])
        ratio = p.log_density(z.view_as(p.mean)[None]) + log_standard(above)
        return (ratio - q.log_density(above)).view(*z.shape[:2])


class VAE:
    """A member (see member.py). layers: of Gaussian latents, one or two. draws: K of the bound
    that it climbs.

    A set is seen in minibatches; of one picture or sound an iteration sees windows of the size that
    the generator makes, each for itself: what lies around one is as unknown as what lies beyond a
    picture.
    """

    def __init__(self, trial: Trial, seed: int, *, layers: int = 1, draws: int = 1) -> None:
        self.trial, self.seed, self.draws = trial, seed, draws
        self.iteration, self.seconds = 0, 0.0
        self.machine = machine = this_machine()
        network, x = trial.spec.generator, trial.data.signals
        self.decoder = decoder = Generator(network, seed=seed)
        decoder.start_at(x.transpose(0, 1).flatten(1).mean(1), trial.data.deviation)
        upper = Upper(network.latent_shape, seed=seed + 2) if layers == 2 else None
        self.model = DeepLatentGaussian(decoder, Encoder(network, seed=seed + 1), upper)
        self.model.to(machine.device)
        self.variance = torch.tensor(trial.data.deviation**2, device=machine.device)
        self._optimiser = Optimiser(self.model, BETAS)
        self._visits: Visits = Windows(trial, seed) if network.spatial else Minibatches(trial, seed)

    @property
    def parameters(self) -> int:
        """How many numbers it learns."""
        return sum(p.numel() for p in self.model.parameters())

    @property
    def sigma(self) -> float:
        """Noise level of x = f(z) + e, in signal units."""
        return float(self.variance.sqrt())

    def alternation(self) -> Iterator[Told | None]:
        """One step on the bound; a move takes a lot of the minibatch."""
        began, seconds = perf_counter(), 0.0
        x, index = self._visits.draw(self.iteration)
        gradients = [torch.zeros_like(p) for p in self.model.parameters()]
        bound = left = torch.zeros((), device=self.machine.device)
        for some in torch.split(torch.arange(len(x)), max(1, self._visits.lot // self.draws)):
            climbed, squares = self._climb(x[some], index[some], gradients)
            bound, left = bound + climbed, left + squares
            seconds += perf_counter() - began
            yield None
            began = perf_counter()
        for gradient in gradients:
            gradient.div_(len(x))
        sound = self._learn(gradients, left / x.numel())
        loss = -float(bound) / x.numel()
        seconds += perf_counter() - began
        self.iteration += 1
        self.seconds += seconds
        yield Told(self.iteration, loss, seconds, diverged=not sound)

    def _climb(
        self, x: Tensor, index: Tensor, gradients: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Adds to the gradients those of minus the bound of signals x; returns the bound and the
        squares of what is left, both () and summed over signals."""
        x = x.to(self.machine.device)
        noises = self._noise(index, self.iteration + 1, x, self.draws)
        with self.machine.autocast():
            log_w, squares = self.model.log_weights(x, self.variance, *noises)
        bound = importance_bound(log_w).sum()
        found = torch.autograd.grad(-bound, list(self.model.parameters()))
        for total, part in zip(gradients, found, strict=True):
            total.add_(part)
        return bound.detach(), squares.detach().mean(0).sum()

    def _learn(self, gradients: Sequence[Tensor], left: Tensor) -> bool:
        """One step on all weights, and of the noise level; whether it was taken."""
        sound = self._optimiser.hold(gradients).isfinite() & left.isfinite()
        rate = self.trial.spec.learning_rate / (1 + self.iteration / HALVED_AFTER)
        self._optimiser.rate.fill_(rate)
        self._optimiser.step(sound)
        if bool(sound):
            self.variance.lerp_(left.clamp(min=1e-6), FOLLOWS)
        return bool(sound)

    def _noise(self, index: Tensor, sweep: int, x: Tensor, draws: int) -> list[Tensor]:
        """(draws, n, ...) for every layer of latents of signals x (n, c, ...)."""
        shapes = self._shapes(tuple(x.shape[2:]))
        return [
            chain_noise(
                seed=self.seed, sweep=sweep, index=index + k * ABOVE, steps=draws, shape=shape
            ).to(self.machine.device)
            for k, shape in enumerate(shapes)
        ]

    def _shapes(self, extent: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Of the latents of a signal of this extent, layer by layer from below."""
        network, upper = self.trial.spec.generator, self.model.upper
        shape = network.map_shape_of(extent) if network.spatial else network.latent_shape
        return [shape, upper.shape_above(shape)] if upper is not None else [shape]

    @torch.inference_mode()
    def bound(self, x: Tensor, draws: int, seed: int = 0) -> Tensor:
        """(n,), in nats: an estimate of the bound of log p(x) for signals x (n, c, ...) of any
        size, with so many draws an estimate, in single precision; the density is that of x in
        [-1, 1]."""
        found = []
        for k, one in enumerate(torch.split(x, 1)):
            here, index = one.to(self.machine.device), torch.tensor([MEASURED + k])
            noises = self._noise(index, seed, here, draws)
            parts = zip(*(torch.split(noise, LOT) for noise in noises), strict=True)
            log_w = [self.model.log_weights(here, self.variance, *part)[0] for part in parts]
            found.append(importance_bound(torch.cat(log_w)))
        return torch.cat(found).cpu()

    @torch.inference_mode()
    def sample(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        """f of draws from the prior, from the highest layer down."""
        unit = self.trial.spec.generator.enlargement
        shapes = self._shapes(tuple(-(-side // unit) * unit for side in size))
        index, made = torch.arange(n), []
        noises = [
            chain_noise(seed=seed, sweep=PRIOR_DRAW, index=index + k * ABOVE, steps=1, shape=shape)[
                0
            ].to(self.machine.device)
            for k, shape in enumerate(shapes)
        ]
        for z, *above in zip(*(torch.split(noise, 1) for noise in noises), strict=True):
            if self.model.upper is not None:
                z = self.model.upper.prior(above[0], z.shape[2:]).at(z)
            made.append(self.decoder(z).float().cpu())
        x = torch.cat(made)
        for axis, side in enumerate(size, start=2):
            x = x.narrow(axis, 0, side)
        return x

    @torch.inference_mode()
    def rebuild(self, x: Tensor) -> Tensor:
        """f of the encoder's mean."""
        return torch.cat([self.decoder(z).float().cpu() for z in torch.split(self._means(x), 1)])

    def energy(self, x: Tensor) -> Tensor:
        """Minus its bound: an upper bound of -log p(x)."""
        return -self.bound(x, max(self.draws, DRAWS))

    def show(self) -> tuple[Shown, ...]:
        """Nothing beside."""
        return ()

    def tensors(self) -> dict[str, Tensor]:
        held = {f"weights/{name}": p for name, p in self.model.named_parameters()}
        optimiser = {f"optimiser/{name}": t for name, t in self._optimiser.tensors().items()}
        return copies({**held, **optimiser, "variance": self.variance})

    @torch.no_grad()
    def resume(self, tensors: Mapping[str, Tensor], iteration: int, seconds: float) -> None:
        for name, p in self.model.named_parameters():
            p.copy_(_shaped(tensors[f"weights/{name}"], p))
        of = "optimiser/"
        self._optimiser.resume(
            {name.removeprefix(of): t for name, t in tensors.items() if name.startswith(of)}
        )
        self.variance.copy_(_shaped(tensors["variance"], self.variance))
        self.iteration, self.seconds = iteration, seconds

    def checkpoint(self) -> Checkpoint:
        """Its decoder, with the encoder's means of the data for latents."""
        latents = self._means(self.trial.data.signals)
        return as_model(self.trial, self.decoder, latents, self.sigma, self.iteration, self.seconds)

    @torch.inference_mode()
    def _means(self, x: Tensor) -> Tensor:
        """Of q(z | x), (n, *latents), of signals x (n, c, ...)."""
        parts = (
            self.model.encoder(some.to(self.machine.device)).mean for some in torch.split(x, LOT)
        )
        return torch.cat(list(parts))


def _shaped(given: Tensor, as_one: Tensor) -> Tensor:
    """Raises ValueError for a tensor of another shape."""
    if given.shape != as_one.shape:
        raise ValueError("a tensor of another model")
    return given
