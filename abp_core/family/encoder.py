"""Recognition networks: from signals, and from latents, to Gaussians over what made them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core.spec import GeneratorSpec

NARROWER = 2  # times fewer features than the generator has: it is as much work as that, and more
LEAK = 0.2  # slope of the rectifiers below zero
NARROWEST, WIDEST = -10.0, 4.0  # log variance
HIDDEN = {1: 128, 2: 96, 3: 96}  # features between two latents, by the latents' axes
COARSER = 4  # positions of a lower map along an axis for one of the upper, in two halvings
LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """N(mean, diag exp(log_variance)), one for every row of mean and log_variance (n, ...)."""

    mean: Tensor
    log_variance: Tensor

    def at(self, noise: Tensor) -> Tensor:
        """Draws (k, n, ...) of standard Gaussian noise (k, n, ...); their gradient leads to both
        parameters (Kingma and Welling 2014, section 2.4)."""
        return self.mean + (self.log_variance / 2).exp() * noise

    def log_density(self, z: Tensor) -> Tensor:
        """(k, n), in nats, of z (k, n, ...)."""
        squares = (z - self.mean).square() * (-self.log_variance).exp()
        return -(squares + self.log_variance + LOG_2PI).flatten(2).sum(2) / 2


def log_standard(z: Tensor) -> Tensor:
    """log N(z; 0, I), (k, n), in nats, of z (k, n, ...)."""
    return -(z.square() + LOG_2PI).flatten(2).sum(2) / 2


class Layer(nn.Module):
    """A convolution to a map of 1 / stride the size, or with `enlarging` a transposed one to a map
    `stride` times the size, of (n, before, h, w). gain: of the variance of what comes in."""

    def __init__(
        self,
        before: int,
        after: int,
        kernel: Sequence[int],
        stride: Sequence[int],
        draw: torch.Generator,
        *,
        gain: float = 2 / (1 + LEAK**2),
        enlarging: bool = False,
    ) -> None:
        super().__init__()
        self._stride, self._enlarging = tuple(stride), enlarging
        odd = [(k - s) % 2 for k, s in zip(kernel, stride, strict=True)]
        self._padding = [(k - s + o) // 2 for k, s, o in zip(kernel, stride, odd, strict=True)]
        self._beyond = odd if enlarging else None
        taps = math.prod(kernel) / (math.prod(stride) if enlarging else 1)
        shape = (before, after, *kernel) if enlarging else (after, before, *kernel)
        values = torch.empty(shape).normal_(generator=draw).mul_(math.sqrt(gain / before / taps))
        self.kernel = nn.Parameter(values.contiguous(memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.zeros(after))

    def forward(self, h: Tensor) -> Tensor:
        """The bias is added on its own: see `Generator`."""
        h = h.contiguous(memory_format=torch.channels_last)
        if self._beyond is not None:
            h = F.conv_transpose2d(h, self.kernel, None, self._stride, self._padding, self._beyond)
        else:
            h = F.conv2d(h, self.kernel, None, self._stride, self._padding)
        return h.add_(self.bias.to(h.dtype).view(-1, 1, 1))


class Encoder(nn.Module):
    """q(z | x) for the latents of one generator, whose layers it has the other way round.

    Signals (n, c, ...) of any size in whole positions; of a latent map with margins it tells the
    margins, too: what lies beyond a signal was not seen, and is zero to it.
    """

    def __init__(self, spec: GeneratorSpec, *, seed: int) -> None:
        super().__init__()
        self._spec = spec
        flat = len(spec.first_map) == 2
        k, s = spec.kernel_size, spec.upsampling
        self._flat, kernel = flat, (1, k) if flat else (k, k)
        strides = [(1, s) if flat else (s, s)] * (len(spec.channels) + 1)
        strides += [(1, 1)] * len(spec.mixing)
        inner = [-(-c // NARROWER) for c in reversed([*spec.mixing, *spec.channels])]
        last = spec.first_map[0] * (2 if spec.spatial else 1)
        widths = [spec.out_channels, *inner, last]
        draw = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList(
            Layer(before, after, kernel, stride, draw)
            for (before, after), stride in zip(pairwise(widths), strides, strict=True)
        )
        if spec.projection is not None:  # a fully connected layer, as a convolution of all
            whole = (1, *spec.projection[1:])[-2:]
            self.layers.append(Layer(last, 2 * spec.latent_shape[0], whole, whole, draw, gain=1.0))

    def forward(self, x: Tensor) -> Gaussian:
        around = self._spec.margin * self._spec.enlargement
        h = F.pad(x, [around] * 2 * (x.ndim - 2)) if around else x
        h = h.unsqueeze(2) if self._flat else h
        for layer in self.layers[:-1]:
            h = F.leaky_relu_(layer(h), LEAK)
        h = self.layers[-1](h)
        if not self._spec.spatial:
            h = h.flatten(1)
        return _gaussian(h.squeeze(2) if self._spec.spatial and self._flat else h)


class Upper(nn.Module):
    """A Gaussian layer above that of z: p(z | above), and q(above | z), to infer it by.

    Above a vector stands a vector as long; above a map a map as deep, with a position for every
    COARSER of it along an axis, so that it says what neighbours have in common.
    """

    def __init__(self, latent_shape: tuple[int, ...], *, seed: int) -> None:
        super().__init__()
        axes = len(latent_shape)
        self._axes, c, hidden = axes, latent_shape[0], HIDDEN[axes]
        k, s = {1: ((1, 1), (1, 1)), 2: ((1, 5), (1, 2)), 3: ((5, 5), (2, 2))}[axes]
        draw = torch.Generator().manual_seed(seed)
        self.up = nn.ModuleList(
            [
                Layer(c, hidden, k, s, draw),
                Layer(hidden, hidden, k, s, draw),
                Layer(hidden, 2 * c, [1, 1], [1, 1], draw, gain=0.5),
            ]
        )
        self.down = nn.ModuleList(
            [
                Layer(c, hidden, [1, 1], [1, 1], draw, gain=1.0),
                Layer(hidden, hidden, k, s, draw, enlarging=True),
                Layer(hidden, 2 * c, k, s, draw, gain=0.1, enlarging=True),
            ]
        )

    def shape_above(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Of the latents above latents of this shape (c, ...)."""
        return (shape[0], *(-(-n // COARSER) for n in shape[1:]))

    def infer(self, z: Tensor) -> Gaussian:
        """q(above | z) of z (n, c, ...)."""
        short = [-n % COARSER for n in reversed(z.shape[2:])]
        padded = F.pad(z, [p for n in short for p in (0, n)]) if short else z
        return _gaussian(self._through(self.up, padded))

    def prior(self, above: Tensor, extent: Sequence[int]) -> Gaussian:
        """p(z | above) for a map of z of this extent; of a vector it is empty."""
        h = self._through(self.down, above)
        for axis, n in enumerate(extent, start=2):
            h = h.narrow(axis, 0, n)
        return _gaussian(h)

    def _through(self, layers: nn.ModuleList, z: Tensor) -> Tensor:
        lone = 3 - self._axes  # axes of a map that these latents lack
        h = z.view(*z.shape[:2], *[1] * lone, *z.shape[2:])
        for layer in layers[:-1]:
            h = F.leaky_relu_(layer(h), LEAK)
        h = layers[-1](h)
        shaped: Tensor = h.view(*h.shape[:2], *h.shape[2 + lone :])
        return shaped


def _gaussian(h: Tensor) -> Gaussian:
    mean, log_variance = h.float().chunk(2, 1)
    return Gaussian(mean, log_variance.clamp(NARROWEST, WIDEST))
