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

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.device import this_machine
from abp_core.family.deep import DeepLatentGaussian, together
from abp_core.family.encoder import Encoder, Upper
from abp_core.family.member import Shown, Told
from abp_core.family.model import as_model, curvature_of
from abp_core.family.pace import timed
from abp_core.family.trial import Trial
from abp_core.family.visits import Minibatches, Visits, Windows
from abp_core.generator import Generator
from abp_core.learning.learner import Optimiser, copies
from abp_core.noise import PRIOR_DRAW, chain_noise

LOT = 8  # signals, or draws of one, that are computed at once where nobody waits
DRAWS = 8  # by which the bound of signals is measured, at least
RATE = 1e-3  # of learning, at first
BETAS = (0.9, 0.999)  # of Adam
PATIENCE = 8  # iterations in a row without a finite gradient, after which it gives up
FOLLOWS = 0.05  # of the way from the variance of e to that of a minibatch, every iteration
COLD, WARM_AFTER = 0.05, 300  # what latents cost at first, and iterations until they cost all
HALVED_AFTER = 2000  # iterations until the learning rate stands at half
ABOVE = 2**58  # the first "example" whose noise is that of the layer above
MEASURED = 2**57  # the first whose noise measures the bound of signals


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
        self._optimiser, self._lost = Optimiser(self.model, BETAS), 0
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
        for told in timed(self._moves()):
            self.seconds += told.seconds if told else 0.0
            yield told

    def _moves(self) -> Iterator[Told | None]:
        """One step on the bound; a move takes a lot of the minibatch."""
        x, index = self._visits.draw(self.iteration)
        gradients = [torch.zeros_like(p) for p in self.model.parameters()]
        told = torch.zeros(2, device=self.machine.device)
        for some in torch.split(torch.arange(len(x)), max(1, self._visits.lot // self.draws)):
            yield from self._climb(x[some], index[some], gradients, told)
        for gradient in gradients:
            gradient.div_(len(x))
        loss, left = (told / x.numel()).unbind()
        self._lost = 0 if self._learn(gradients, left) else self._lost + 1
        self.iteration += 1
        yield Told(self.iteration, float(loss), 0.0, diverged=self._lost >= PATIENCE)

    def _climb(
        self, x: Tensor, index: Tensor, gradients: Sequence[Tensor], told: Tensor
    ) -> Iterator[None]:
        """There and back, two moves: adds to the gradients those of minus the bound of signals x,
        and to told (2,) that itself and the squares of what is left."""
        x = x.to(self.machine.device)
        noises = self._noise(index, self.iteration + 1, x, self.draws)
        with self.machine.autocast():
            weights = self.model.weigh(x, self.variance, *noises)
        loss = -weights.bound(min(1.0, COLD + self.iteration / WARM_AFTER)).sum()
        with torch.no_grad():
            told += torch.stack([-weights.bound().sum(), weights.squares.mean(0).sum()])
        yield
        found = torch.autograd.grad(loss, list(self.model.parameters()))
        for total, part in zip(gradients, found, strict=True):
            total.add_(part)
        yield

    def _learn(self, gradients: Sequence[Tensor], left: Tensor) -> bool:
        """One step on all weights, and of the noise level; whether it was taken."""
        sound = self._optimiser.hold(gradients).isfinite() & left.isfinite()
        rate = RATE / (1 + self.iteration / HALVED_AFTER)
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
        shape = network.latent_shape_of(extent)
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
            weights = [self.model.weigh(here, self.variance, *part) for part in parts]
            found.append(together(weights).bound())
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
        return torch.cat([self.decoder(z).float().cpu() for z in torch.split(self.means(x), 1)])

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
        latents = self.means(self.trial.data.signals).cpu().clone()  # its walks need gradients
        return as_model(
            self.trial,
            self.decoder,
            latents,
            curvature_of(self.decoder, latents, self.sigma),
            sigma=self.sigma,
            iteration=self.iteration,
            seconds=self.seconds,
        )

    @torch.inference_mode()
    def means(self, x: Tensor) -> Tensor:
        """Of q(z | x), (n, *latents), of signals x (n, c, ...)."""
        parts = (
            self.model.encoder(some.to(self.machine.device)).mean for some in torch.split(x, LOT)
        )
        return torch.cat(list(parts))


def _shaped(given: Tensor, as_one: Tensor) -> Tensor:
    """Raises ValueError for a tensor of another shape, or without finite values."""
    if given.shape != as_one.shape or not given.isfinite().all():
        raise ValueError("a tensor of another model")
    return given
