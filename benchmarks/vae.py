"""A variational auto-encoder with the generator for a decoder: the yardstick for reconstruction.

Kingma and Welling, Auto-Encoding Variational Bayes, 2014: q(z | x) = N(m(x), diag v(x)) from an
encoder of strided convolutions, one draw an example, and a Gaussian likelihood whose variance is
the mean square of what is left (the best there is; Rybkin, Daniilidis and Levine, Simple and
Effective VAE Training with Calibrated Decoders, 2021).
"""

from itertools import pairwise
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core.data.datasets import Dataset
from abp_core.device import this_machine
from abp_core.generator import Generator
from abp_core.noise import permutation
from abp_core.spec import TrainingSpec


class Encoder(nn.Module):
    """Pictures (n, c, h, w) to mean and log variance of z, (n, d) each: the generator's layers
    the other way round, then a fully connected layer."""

    def __init__(self, spec: TrainingSpec) -> None:
        super().__init__()
        network = spec.generator
        assert network.projection is not None
        widths = [network.out_channels, *reversed(network.channels), network.projection[0]]
        kernel, stride = network.kernel_size, network.upsampling
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [
                nn.Conv2d(before, after, kernel, stride, padding=(kernel - 1) // 2),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        side = network.signal_shape[1] // stride ** (len(widths) - 1)
        self.last = nn.Linear(network.projection[0] * side**2, 2 * network.latent_shape[0])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.layers(x.contiguous(memory_format=torch.channels_last))
        mean, log_variance = self.last(h.flatten(1)).float().chunk(2, 1)
        return mean, log_variance.clamp(-12, 6)


class VAE:
    """Learns from whole pictures, with the learning rate, its fading and the batches of `spec`."""

    def __init__(self, spec: TrainingSpec, data: Dataset) -> None:
        torch.manual_seed(spec.seed)
        self.spec, self.signals = spec, data.signals
        self.machine = this_machine()
        self.encoder = Encoder(spec)
        self.decoder = Generator(spec.generator, seed=spec.seed)
        mean = data.signals.transpose(0, 1).flatten(1).mean(1)
        self.decoder.start_at(mean, data.deviation)
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimiser = torch.optim.Adam(parameters, lr=spec.learning_rate, fused=True)
        self.draw = torch.Generator().manual_seed(spec.seed)
        self.iteration, self.seconds = 0, 0.0

    def step(self) -> float:
        """One step on the evidence bound; returns the mean square of what is left."""
        began = perf_counter()
        x = self.signals[self._batch()]
        with self.machine.autocast():
            mean, log_variance = self.encoder(x)
            noise = torch.randn(mean.shape, generator=self.draw)
            made = self.decoder(mean + (log_variance / 2).exp() * noise)
        squares = (made.float() - x).square().flatten(1)
        left = squares.mean()
        # -log p(x | z) with the best variance, D / 2 log(mean square), for each picture of D.
        misfit = squares.shape[1] / 2 * left.log()
        surprise = (mean.square() + log_variance.exp() - log_variance - 1).sum(1) / 2
        self.optimiser.zero_grad(set_to_none=True)
        (misfit + surprise.mean()).backward()
        rate = self.spec.learning_rate * self.spec.fade(self.iteration)
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.step()
        self.iteration += 1
        self.seconds += perf_counter() - began
        return float(left.detach())

    @torch.inference_mode()
    def reconstruct(self, x: Tensor) -> Tensor:
        """f of the encoder's mean."""
        mean, _ = self.encoder(x)
        made: Tensor = self.decoder(mean)
        return made

    def _batch(self) -> Tensor:
        n = len(self.signals)
        size = min(self.spec.batch_size, n)
        epoch, place = divmod(self.iteration, n // size)
        order = permutation(seed=self.spec.seed, epoch=epoch, n=n)
        return order[place * size : (place + 1) * size]


def refined(vae: VAE, x: Tensor, steps: int, rate: float = 0.05) -> Tensor:
    """The decoder's nearest to x, downhill from the encoder's mean: what inference adds."""
    with torch.no_grad():
        z, _ = vae.encoder(x)
    z = z.requires_grad_(True)
    optimiser = torch.optim.Adam([z], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        F.mse_loss(vae.decoder(z), x, reduction="sum").backward(inputs=[z])
        optimiser.step()
    with torch.inference_mode():
        made: Tensor = vae.decoder(z)
    return made
