"""A prior that is the inferred latents of a film themselves, in space and time: new films are made
of windows of them, each at its own place.

Every window has its own way through time (`Path`). One keeps the picture together; for more novelty
the picture is parted into several, and a picture that is larger than the film's is made of windows
that come from elsewhere in it, too (`widening`).
"""

from dataclasses import dataclass
from itertools import product
from typing import Self

import torch
from torch import Tensor

from abp_core.priors.motion.chain import Motion
from abp_core.priors.motion.path import Path
from abp_core.priors.motion.widening import Stretch, lay, spans

DOWN, ACROSS = 2, 3  # axes of latents
FINEST = 256  # whole numbers to a unit of a latent, whose products add up without error


@dataclass(frozen=True, eq=False)
class Windows(Motion):
    """z (frames, c, h, w): the latents of a film. windows: along a side of its picture; one keeps
    every picture together. extent: (rows, columns) of the latents of new films, none fewer than
    there are in z; None where they are as many."""

    z: Tensor
    windows: int = 1
    extent: tuple[int, int] | None = None

    @classmethod
    def of(cls, z: Tensor) -> Self:
        """Of the latents (frames, c, h, w) of a film as they stand."""
        return cls(z.detach().float().cpu())

    def chain(self, seed: int, *, onwards: bool = False, period: int = 0) -> "Composed":
        """A new film, a function of the seed; see `Motion.chain`."""
        parts = [
            _Part(Path(distances(_of(self.z, *at)), (seed, k), onwards, period), *at)
            for k, at in enumerate(product(*self.stretches(seed)))
        ]
        return Composed(self.z, parts)

    def stretches(self, seed: int) -> tuple[list[Stretch], list[Stretch]]:
        """What of the film is where in the picture, down and across: windows are where one of the
        former and one of the latter cross."""
        z = self.z.double()
        usual = torch.stack([z.mean(0), z.std(0, correction=0)])  # (2, c, h, w)
        sizes = self.extent or self.z.shape[2:]
        down, across = (
            lay(
                usual.movedim(axis, 0).flatten(1),
                size,
                self.windows,
                [seed % 2**63, axis, 1],
                turns=axis == ACROSS,  # nothing stands on its head
            )
            for axis, size in zip((DOWN, ACROSS), sizes, strict=True)
        )
        return down, across


def distances(z: Tensor) -> Tensor:
    """How far apart any two of the maps (frames, c, h, w) are, squared, (frames, frames)."""
    flat = (z.double() * FINEST).round().flatten(1)
    products = flat @ flat.T
    squares = products.diagonal()
    return squares[:, None] + squares[None] - 2 * products


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A window: what of the film it shows, and where."""

    path: Path
    row: Stretch
    column: Stretch

    @property
    def weight(self) -> Tensor:
        return self.row.share[:, None] * self.column.share

    def here(self, z: Tensor) -> Tensor:
        """Its place in maps (..., rows, columns) of the new film."""
        return z[..., self.row.here, self.column.here]


class Composed:
    """The windows of a film, each where its path is. About the mean of the places that they come
    from, so that where two of them meet there is as much contrast as elsewhere. spans: where they
    are as in the film, and where as in a mirror."""

    def __init__(self, z: Tensor, parts: list[_Part]) -> None:
        self._z, self._parts, mean = z, parts, z.mean(0)
        rows, columns = parts[-1].row.high, parts[-1].column.high
        self._mean, power = z.new_zeros(len(mean), rows, columns), z.new_zeros(rows, columns)
        several = len(parts) > 1
        self._apart = [_of(z - mean, part.row, part.column) for part in parts] if several else [z]
        for part in parts:
            place = _of(mean[None], part.row, part.column)[0]
            part.here(self._mean).add_(place * part.weight)
            part.here(power).add_(part.weight.square())
        self._root = power.sqrt()
        # All rows of windows are alike across.
        self.spans = spans([part.column for part in parts if part.row is parts[0].row])

    def part(self, start: int, stop: int) -> Tensor:
        """Those of the frames [start, stop), (n, c, rows, columns)."""
        if len(self._parts) == 1:
            return _of_path(self._parts[0].path, self._z, start, stop)
        apart = self._z.new_zeros(stop - start, *self._mean.shape)
        for part, source in zip(self._parts, self._apart, strict=True):
            part.here(apart).add_(_of_path(part.path, source, start, stop) * part.weight)
        return self._mean + apart / self._root


def _of(z: Tensor, row: Stretch, column: Stretch) -> Tensor:
    """What a window shows of a film's maps z (frames, c, h, w)."""
    return column.of(row.of(z, DOWN), ACROSS)


def _of_path(path: Path, z: Tensor, start: int, stop: int) -> Tensor:
    """What of a film's maps z (frames, ...) is on a path in the frames [start, stop)."""
    now, before, share = path.part(start, stop)
    here = z[now]
    fading = share < 1
    if fading.any():
        here[fading] = torch.lerp(z[before[fading]], here[fading], share[fading].view(-1, 1, 1, 1))
    return here
