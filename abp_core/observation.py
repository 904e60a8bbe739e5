"""What part of a signal was seen: y = A(x). Autograd supplies the adjoint of each A."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

MOST_MASKED = 2**28  # entries of a mask in a file; each takes a bit there and four bytes here


@dataclass(frozen=True, slots=True)
class Moments:
    """What was seen of all examples tells of the signals: deviation, of y about the mean of its
    channel; mean (channels,), of the signals' own channels, where y tells it; gain, by how much
    larger the deviation of y is than that of a white signal."""

    deviation: float
    mean: Tensor | None = None
    gain: float = 1.0


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

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        """A(x), (n, ...)."""
        ...

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

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return x * self.visible[index].to(x)

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

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return x.flatten(1) @ self.projection.to(x).T

    def moments(self, y: Tensor, channels: int) -> Moments:
        """Each projection is a channel of y, so that K of them weigh as much as K entries of a
        signal; the mean is the one that explains y best."""
        sums = self.projection.to(y).view(len(self.projection), channels, -1).sum(2)
        mean: Tensor = torch.linalg.lstsq(sums, y.mean(0)[:, None]).solution
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


@dataclass(frozen=True, slots=True)
class Downsampled(Observation):
    """Only the means of `factor`-wide blocks (squares, or stretches of sound) were seen."""

    factor: int
    name = "downsampled"

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        pool = F.avg_pool2d if x.ndim == 4 else F.avg_pool1d
        return pool(x, self.factor)

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

    def measure(self, x: Tensor, index: Tensor) -> Tensor:
        return self.of.measure(x, index) * self.visible

    def moments(self, y: Tensor, channels: int) -> Moments:
        return Occluded(self.visible).moments(y, channels)

    def record(self) -> Record:
        raise TypeError("Windows are cut anew by every run; a file keeps what they are cut of.")


def to_record(observation: Observation) -> tuple[str, dict[str, Tensor]]:
    """What a file keeps of how a run sees its data: JSON, and tensors by name."""
    fields, tensors = observation.record()
    return json.dumps({"kind": observation.name, **fields}), tensors


def from_record(text: str, tensors: Mapping[str, Tensor]) -> Observation:
    """The inverse of `to_record`. Raises ValueError, TypeError or KeyError for anything else."""
    fields = json.loads(text)
    kind, left = fields.pop("kind"), dict(tensors)
    found: Observation
    if kind == "occluded":
        shape, bits = tuple(fields.pop("shape")), left.pop("visible")
        counts = all(type(n) is int and n > 0 for n in shape) and len(shape) in (3, 4)
        if not counts or math.prod(shape) > MOST_MASKED or bits.dtype != torch.uint8:
            raise ValueError("a mask that is none")
        n = math.prod(shape)
        if tuple(bits.shape) != (-(-n // 8),):
            raise ValueError("a mask of another size")
        found = Occluded(torch.from_numpy(np.unpackbits(bits.numpy())[:n]).float().view(shape))
    elif kind == "compressed" and "seed" in fields:
        k, entries, seed = (fields.pop(name) for name in ("k", "entries", "seed"))
        if not all(type(n) is int for n in (k, entries, seed)) or min(k, entries) < 1:
            raise ValueError("projections that are none")
        if k * entries > MOST_MASKED or not 0 <= seed < 2**63:
            raise ValueError("projections out of range")
        found = Compressed.random(k, (entries,), seed=seed)
    elif kind == "compressed":
        found = Compressed(left.pop("projection"))
        if found.projection.ndim != 2 or not found.projection.isfinite().all():
            raise ValueError("projections that are none")
    elif kind == "downsampled":
        found = Downsampled(fields.pop("factor"))
        if type(found.factor) is not int or not 0 < found.factor < 2**20:
            raise ValueError("a factor that is none")
    else:
        plain: dict[str, Observation] = {"full": Full(), "grey": Grey()}
        found = plain[kind]
    if fields or left:
        raise ValueError("more than an observation has")
    return found


def same(a: Observation, b: Observation) -> bool:
    """Whether two runs see their data alike."""
    (text, tensors), (other, others) = to_record(a), to_record(b)
    alike = text == other and tensors.keys() == others.keys()
    return alike and all(torch.equal(tensor, others[name]) for name, tensor in tensors.items())


def _deviation(y: Tensor) -> float:
    """The standard deviation of y (n, c, ...) about the mean of its channel."""
    channels = y.transpose(0, 1).flatten(1)
    return float((channels - channels.mean(1, keepdim=True)).square().mean().sqrt())
