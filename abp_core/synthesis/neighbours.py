"""Is a model copying? The nearest training example of each sample, and how near examples are to
each other."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.data.formats import FileRejected

SIDE = 32  # pixels along a side at which pictures are compared: shapes and colours, not noise
COMPARED_AT_ONCE = 256


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """pictures (n, c, h, w): the training example nearest to each sample. distance: root mean
    square difference from it as a share of the range, the median over samples. usual: the same of
    training examples and the nearest other one."""

    pictures: Tensor
    distance: float
    usual: float

    def sentence(self) -> str:
        """What the two say."""
        return (
            f"Samples are {100 * self.distance:.1f} % of the range from their nearest training "
            f"example (median), and examples {100 * self.usual:.1f} % from each other's."
        )


def examples(saved: Checkpoint, path: Path) -> Tensor:
    """The training examples (m, c, h, w) of a model of a set. Raises FileRejected for other
    data."""
    dataset, _ = datasets.load(path, saved.spec, name=saved.source.name)
    if dataset.digest != saved.digest:
        raise FileRejected(
            f"{path.name} is not what this model learnt from; please choose {saved.source.name}."
        )
    return dataset.signals


def nearest(samples: Tensor, examples: Tensor) -> Nearest:
    """Of samples (n, c, h, w) among examples (m, c, h, w), m above 1."""
    small = _small(examples)
    distance, index = _least(_small(samples), small)
    usual, _ = _least(small, small, itself=True)
    return Nearest(examples[index], float(distance.median()), float(usual.median()))


def distances(samples: Tensor, examples: Tensor) -> Tensor:
    """Of each sample (n, c, h, w) from its nearest example of (m, c, h, w), (n,): root mean square
    difference as a share of the range."""
    return _least(_small(samples), _small(examples))[0]


def _least(a: Tensor, b: Tensor, itself: bool = False) -> tuple[Tensor, Tensor]:
    """Distance of each row of a (n, k) to the nearest of b (m, k), and its place. itself: a is b,
    and a row is not its own neighbour."""
    least, place = [], []
    for start in range(0, len(a), COMPARED_AT_ONCE):
        apart = torch.cdist(a[start : start + COMPARED_AT_ONCE], b)
        if itself:
            rows = torch.arange(len(apart))
            apart[rows, rows + start] = torch.inf
        values, indices = apart.min(1)
        least.append(values)
        place.append(indices)
    return torch.cat(least) / a.shape[1] ** 0.5 / 2, torch.cat(place)


def _small(pictures: Tensor) -> Tensor:
    side = min(SIDE, *pictures.shape[2:])
    return F.adaptive_avg_pool2d(pictures, side).flatten(1)
