"""What part of a signal was seen: y = A(x). Autograd supplies the adjoint of each A."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Moments:
    """What was seen of all examples tells of the signals: deviation, of y about the mean of its
    channel; mean (channels,), of the signals' own channels, where y tells it; gain, by how much
    larger the deviation of y is than that of a white signal."""

    deviation: float
    mean: Tensor | None = None
    gain: float = 1.0


AT_ONCE = 2**14  # examples of which copies are made

Record = tuple[dict[str, object], dict[str, Tensor]]  # numbers, and tensors by name


class Observation(Protocol):
    """A differentiable view y = A(x) of signals x (n, *signal), which are the examples `index`.

    What stands here is said of one that sees every place of every example alike.
    """

    @property
    def name(self) -> str:
        """What it is called in a file."""
        ...

    @property
    def visible(self) -> Tensor | None:
        """Where y is known, 0 or 1, of all examples; None where all of it is."""
        return None

    @property
    def local(self) -> "Observation":
        """The same of any window of a signal, without its mask."""
        return self

    def alone(self, example: int) -> "Observation":
        """The same of one example, as the only one."""
        return self

    def on(self, device: torch.device) -> "Observation":
        """The same with all that it holds on a device, where signals there are to be seen."""
        return self

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        """A(x), (n, ...)."""
        ...

    def lift(self, y: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The least signals (n, *shape) that are observed as y (n, ...): A's pseudo-inverse."""
        return y

    def moments(self, y: Tensor, channels: int) -> Moments:
        """Of what was seen of all examples, y (examples, ...), of signals of so many channels."""
        return Moments(_deviation(y))

    def record(self) -> Record:
        """What a file keeps of it beside its name."""
        return {}, {}


@dataclass(frozen=True, slots=True)
class Full(Observation):
    """Everything was seen: y = x."""

    name = "full"

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return x

    def moments(self, y: Tensor, channels: int) -> Moments:
        if len(y) > AT_ONCE:
            return _moments_in_parts(y)
        return Moments(_deviation(y), y.transpose(0, 1).flatten(1).mean(1))


@dataclass(frozen=True, slots=True)
class Occluded:
    """Only entries where the example's mask is 1 were seen (paper, experiment 5).

    visible: (examples, 1 or c, *signal size), 0 or 1.
    """

    visible: Tensor
    name = "occluded"

    @property
    def local(self) -> Observation:
        return Full()

    def alone(self, example: int) -> Observation:
        return Occluded(self.visible[example : example + 1])

    def on(self, device: torch.device) -> Observation:
        return Occluded(self.visible.to(device))

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return x * self.visible[index].to(x)

    def lift(self, y: Tensor, shape: tuple[int, ...]) -> Tensor:
        return y

    def moments(self, y: Tensor, channels: int) -> Moments:
        """Of what is hidden nothing is known: it counts nowhere."""
        seen = self.visible.to(y).expand_as(y)
        times = seen.transpose(0, 1).flatten(1).sum(1)
        mean = y.transpose(0, 1).flatten(1).sum(1) / times.clamp(min=1)
        left = (y - mean.view(-1, *[1] * (y.ndim - 2))) * self.visible.to(y)
        return Moments(float((left.square().sum() / seen.sum().clamp(min=1)).sqrt()), mean)

    def record(self) -> Record:
        mask = self.visible.cpu().bool().numpy()
        bits = torch.from_numpy(np.packbits(mask.ravel()))
        return {"shape": list(mask.shape)}, {"visible": bits}


@dataclass(frozen=True, slots=True)
class Compressed(Observation):
    """K random projections of the whole signal were seen (paper, experiment 6).

    projection: (K, entries of a signal), shared by all examples. seed: that it was drawn with,
    where it was drawn, so that a file need not hold it.
    """

    projection: Tensor
    seed: int | None = None
    name = "compressed"

    @classmethod
    def random(cls, k: int, signal_shape: tuple[int, ...], *, seed: int) -> "Compressed":
        """K projections with entries N(0, .5^2), as in the paper."""
        draw = torch.Generator().manual_seed(seed)
        return cls(torch.randn(k, math.prod(signal_shape), generator=draw) * 0.5, seed)

    def on(self, device: torch.device) -> Observation:
        return Compressed(self.projection.to(device), self.seed)

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return x.flatten(1) @ self.projection.to(x).T

    def lift(self, y: Tensor, shape: tuple[int, ...]) -> Tensor:
        p = self.projection.to(y).double()  # see moments
        least: Tensor = torch.linalg.solve(p @ p.T, y.double().T).T @ p
        return least.to(y).view(-1, *shape)

    def moments(self, y: Tensor, channels: int) -> Moments:
        """Each projection is a channel of y, so that K of them weigh as much as K entries of a
        signal; the mean is the one that explains y best.

        It is solved for in double precision: in single, the last bits of what LAPACK answers
        depend on where in memory its arguments lie, and two equal runs would part."""
        sums = self.projection.to(y).view(len(self.projection), channels, -1).sum(2)
        wanted = y.mean(0)[:, None]
        mean = torch.linalg.lstsq(sums.double(), wanted.double()).solution.to(y)
        gain = float(self.projection.square().sum(1).mean().sqrt())
        return Moments(_deviation(y), mean[:, 0], gain)

    def record(self) -> Record:
        if self.seed is None:
            return {}, {"projection": self.projection.float()}
        k, entries = self.projection.shape
        return {"k": k, "entries": entries, "seed": self.seed}, {}


@dataclass(frozen=True, slots=True)
class Grey(Observation):
    """Colour is gone: only the mean of the channels was seen."""

    name = "grey"

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return x.mean(1, keepdim=True)

    def lift(self, y: Tensor, shape: tuple[int, ...]) -> Tensor:
        return y.expand(-1, *shape)


@dataclass(frozen=True, slots=True)
class Downsampled(Observation):
    """Only the means of `factor`-wide blocks (squares, or stretches of sound) were seen."""

    factor: int
    name = "downsampled"

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        pool = F.avg_pool2d if x.ndim == 4 else F.avg_pool1d
        return pool(x, self.factor)

    def lift(self, y: Tensor, shape: tuple[int, ...]) -> Tensor:
        for axis in range(2, y.ndim):
            y = y.repeat_interleave(self.factor, axis)
        spare = [size - n for size, n in zip(shape[1:], y.shape[2:], strict=True)]
        return F.pad(y, [n for rest in reversed(spare) for n in (0, rest)])

    def record(self) -> Record:
        return {"factor": self.factor}, {}


@dataclass(frozen=True, slots=True)
class Windowed:
    """Windows of one signal, of which `of` was seen, but only where `visible` is 1.

    visible: (windows, 1 or c, *size of what `of` makes of a window), 0 or 1.
    """

    of: Observation
    visible: Tensor
    name = "windowed"

    @property
    def local(self) -> Observation:
        return self.of

    def alone(self, example: int) -> Observation:
        return Windowed(self.of, self.visible[example : example + 1])

    def on(self, device: torch.device) -> Observation:
        return Windowed(self.of.on(device), self.visible.to(device))

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return self.of.measure(x, index) * self.visible

    def lift(self, y: Tensor, shape: tuple[int, ...]) -> Tensor:
        return self.of.lift(y, shape)

    def moments(self, y: Tensor, channels: int) -> Moments:
        return Occluded(self.visible).moments(y, channels)

    def record(self) -> Record:
        raise TypeError("Windows are cut anew by every run; a file keeps what they are cut of.")


@dataclass(frozen=True, slots=True)
class Stretched(Observation):
    """Stretches of a film's frames, x (n, frames, *signal), each of which was seen as by `of`;
    index (n, frames): which they are."""

    of: Observation
    name = "stretched"

    def on(self, device: torch.device) -> Observation:
        return Stretched(self.of.on(device))

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        seen = self.of.measure(x.flatten(0, 1), index.flatten())
        return seen.view(*index.shape, *seen.shape[1:])

    def record(self) -> Record:
        raise TypeError("Stretches are taken anew by every run; a file keeps how a film was seen.")


def _moments_in_parts(y: Tensor) -> Moments:
    """The same of so many examples that copies of all may not fit into memory."""
    first, second = y.new_zeros(2, y.shape[1], dtype=torch.float64)
    for some in torch.split(y, AT_ONCE):
        channels = some.transpose(0, 1).flatten(1)
        first += channels.sum(1)
        second += channels.square().sum(1)
    n = y[:, 0].numel()
    mean = first / n
    return Moments(float((second / n - mean.square()).mean().sqrt()), mean.to(y))


def _deviation(y: Tensor) -> float:
    """The standard deviation of y (n, c, ...) about the mean of its channel."""
    channels = y.transpose(0, 1).flatten(1)
    return float((channels - channels.mean(1, keepdim=True)).square().mean().sqrt())
