"""What part of a signal was seen: y = A(x). Autograd supplies the adjoint of each A."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F


class Observation(Protocol):
    """A differentiable view y = A(x) of signals x (n, *signal), which are the examples `index`."""

    def measure(self, x: Tensor, index: Tensor) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Full:
    """Everything was seen: y = x."""

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return x


@dataclass(frozen=True, slots=True)
class Occluded:
    """Only entries where the example's mask is 1 were seen (paper, experiment 5).

    visible: (examples, 1 or c, *signal size), 0 or 1.
    """

    visible: Tensor

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return x * self.visible[index].to(x)

    def mean(self, y: Tensor) -> Tensor:
        """Of what was seen of all examples y (n, c, ...), by channel: (c,)."""
        rows = self.visible.to(y).expand_as(y).transpose(0, 1).flatten(1)
        return y.transpose(0, 1).flatten(1).sum(1) / rows.sum(1).clamp(min=1)

    def centred(self, y: Tensor) -> Tensor:
        """y (n, c, ...) less the mean of its channel, and 0 where it was not seen."""
        mean = self.mean(y).view(-1, *[1] * (y.ndim - 2))
        return (y - mean) * self.visible.to(y)


@dataclass(frozen=True, slots=True)
class Compressed:
    """K random projections of the whole signal were seen (paper, experiment 6).

    projection: (K, entries of a signal), shared by all examples.
    """

    projection: Tensor

    @classmethod
    def random(cls, k: int, signal_shape: tuple[int, ...], *, seed: int) -> "Compressed":
        """K projections with entries N(0, .5^2), as in the paper."""
        draw = torch.Generator().manual_seed(seed)
        return cls(torch.randn(k, math.prod(signal_shape), generator=draw) * 0.5)

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return x.flatten(1) @ self.projection.to(x).T

    def mean(self, y: Tensor, channels: int) -> Tensor:
        """The means of the signals' channels (channels,) that explain all examples y (n, K)
        best."""
        sums = self.projection.to(y).view(len(self.projection), channels, -1).sum(2)
        fit: Tensor = torch.linalg.lstsq(sums, y.mean(0)[:, None]).solution
        return fit[:, 0]

    @property
    def gain(self) -> float:
        """By how much larger a projection's deviation is than that of a white signal's entry."""
        return float(self.projection.square().sum(1).mean().sqrt())


@dataclass(frozen=True, slots=True)
class Grey:
    """Colour is gone: only the mean of the channels was seen."""

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return x.mean(1, keepdim=True)


@dataclass(frozen=True, slots=True)
class Downsampled:
    """Only the means of `factor`-wide blocks (squares, or stretches of sound) were seen."""

    factor: int

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        pool = F.avg_pool2d if x.ndim == 4 else F.avg_pool1d
        return pool(x, self.factor)


@dataclass(frozen=True, slots=True)
class Windowed:
    """Windows of one signal, of which `of` was seen, but only where `visible` is 1.

    visible: (windows, 1 or c, *size of what `of` makes of a window), 0 or 1.
    """

    of: Observation
    visible: Tensor

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return self.of.measure(x, index) * self.visible


def seen_deviation(observation: Observation, y: Tensor) -> float:
    """The standard deviation of what was seen of all examples, y = A(x), about the mean of its
    channel: of what Occluded hides nothing is known, and of Compressed each projection is a
    channel, so that K of them weigh as much as K entries of a signal."""
    if isinstance(observation, Occluded):
        left = observation.centred(y)
        seen = observation.visible.to(y).expand_as(y)
        return float((left.square().sum() / seen.sum().clamp(min=1)).sqrt())
    channels = y.transpose(0, 1).flatten(1)
    return float((channels - channels.mean(1, keepdim=True)).square().mean().sqrt())
