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


@dataclass(frozen=True, slots=True)
class Downsampled:
    """Only the means of `factor`-wide blocks (squares, or stretches of sound) were seen."""

    factor: int

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        pool = F.avg_pool2d if x.ndim == 4 else F.avg_pool1d
        return pool(x, self.factor)
