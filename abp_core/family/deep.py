"""Deep latent Gaussian models, and the bound of their likelihood."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from abp_core.family.encoder import LOG_2PI, Gaussian, Upper, log_standard


@dataclass(frozen=True, slots=True)
class Weights:
    """Of draws of the latents of n signals, (k, n), in nats: likelihood, log p(x | z), and ratio,
    log p(z) / q(z | x). squares: |x - f(z)|^2."""

    likelihood: Tensor
    ratio: Tensor
    squares: Tensor

    def bound(self, warmth: float = 1.0) -> Tensor:
        """log (1/k) sum p(x, z) / q(z | x), (n,): a bound of log p(x) on average, the tighter the
        more draws there are (Burda, Grosse and Salakhutdinov 2016, equation 8). warmth: of the
        ratio; below 1 it is that of a model whose latents cost less."""
        log_weights = self.likelihood + warmth * self.ratio
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

    def weigh(
        self, x: Tensor, variance: Tensor, noise: Tensor, above: Tensor | None = None
    ) -> "Weights":
        """Of k draws for signals x (n, ...). noise (k, n, *latents), and of the layer above, where
        there is one: standard Gaussian."""
        q = self.encoder(x)
        z = q.at(noise)
        made = self.decoder(z.flatten(0, 1)).float().view(*noise.shape[:2], *x.shape[1:])
        squares = (x - made).square().flatten(2).sum(2)
        entries = x[0].numel()
        likelihood = -(squares / variance + entries * (variance.log() + LOG_2PI)) / 2
        return Weights(likelihood, self._log_ratio(z, above) - q.log_density(z), squares)

    def _log_ratio(self, z: Tensor, noise: Tensor | None) -> Tensor:
        """log p(z), (k, n); with a layer above log p(z, above) / q(above | z) of a draw of it."""
        if self.upper is None or noise is None:
            return log_standard(z)
        q = self.upper.infer(z.flatten(0, 1))
        above = q.at(noise.reshape(q.mean.shape)[None])
        p = self.upper.prior(above[0], z.shape[3:])
        ratio = p.log_density(z.reshape(p.mean.shape)[None]) + log_standard(above)
        return (ratio - q.log_density(above)).view(*z.shape[:2])


def together(weights: Sequence[Weights]) -> Weights:
    """As if all draws had been one lot."""
    return Weights(*(torch.cat([getattr(w, part) for w in weights]) for part in Weights.__slots__))
