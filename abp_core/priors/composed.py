"""A new map made of an exemplar's patches, from coarse to fine, any part of it at a time.

A pass at one scale looks one patch far, so that a part of the finest scale needs little more than
itself of every coarser one.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import torch
from torch import Tensor

from abp_core.noise import field_noise
from abp_core.priors.fields import Place
from abp_core.priors.known import Known
from abp_core.priors.patches import Patches
from abp_core.priors.scales import RATIO, Range, coarse_range, enlarge, overlaps

TILE = 3  # positions along a side of what the coarsest scale begins with
WHOSE = 2**62  # the seed of what tells which of several seeds a tile falls to
PASSES = (4, 2)  # at the coarsest scale, and at each finer one


class Composed:
    """A `LatentMap` made of an exemplar's patches at every scale, the coarsest first (see
    `Exemplar.between`). What stands at a position is a function of the seeds, its place and what is
    known, to the last bit, whatever part is asked for."""

    def __init__(
        self,
        scales: tuple[Patches, ...],
        seeds: Mapping[int, float],
        novelty: float,
        periods: Place,
        known: Known | None,
    ) -> None:
        self.scales, self.seeds, self.novelty, self.axes = scales, seeds, novelty, len(periods)
        whole = (0,) * (2 - self.axes) + tuple(periods)
        self._periods = [_periods(period, len(scales)) for period in whole]
        self._known = [self._at_scale(known, level) for level in range(len(scales))]

    def part(self, start: Place, stop: Place) -> Tensor:
        """The latents of the positions [start, stop), (c, *extent)."""
        if self.axes == 1:
            return self._part((0, *start), (1, *stop))[:, 0]
        return self._part(start, stop)

    def _part(self, start: Place, stop: Place) -> Tensor:
        finest = len(self.scales) - 1
        wanted, taken = [], []
        for low, high, periods in zip(start, stop, self._periods, strict=True):
            period = periods[finest]
            wanted.append((0, period) if period else (low, high))
            taken.append(torch.arange(low, high) % period if period else None)
        z = self._scale(finest, wanted)
        for axis, index in enumerate(taken, start=1):
            z = z if index is None else z.index_select(axis, index)
        return z

    def _scale(self, level: int, wanted: list[Range]) -> Tensor:
        """The positions wanted of one scale, (c, h, w), after all its passes."""
        patches, finest = self.scales[level], len(self.scales) - 1
        passes = PASSES[level > 0]
        margin = [passes * (n - 1) + (n // 2 if level == finest else 0) for n in patches.size]
        around = [
            span if periods[level] else (span[0] - m, span[1] + m)
            for span, periods, m in zip(wanted, self._periods, margin, strict=True)
        ]
        z = self._start_coarsest(around) if level == 0 else self._from_coarser(level, around)
        z = self._plant(level, z, around)
        stride = 1 if level == 0 else 2
        for turn in range(passes):
            z, around = self._frame(level, z, around, [n - 1 for n in patches.size])
            z = patches.mend(
                z, (around[0][0], around[1][0]), stride, blurred=level > 0 and turn == 0
            )
            around = [
                (a + n - 1, b - n + 1) for (a, b), n in zip(around, patches.size, strict=True)
            ]
            z = self._plant(level, z, around)
        if level == finest:
            z, around = self._frame(level, z, around, [n // 2 for n in patches.size])
            z = patches.choose(z, (around[0][0], around[1][0]))
            z = self._plant(level, z, wanted)
        return z

    def _frame(
        self, level: int, z: Tensor, around: list[Range], margin: Sequence[int]
    ) -> tuple[Tensor, list[Range]]:
        """Along axes that repeat themselves, with what lies beyond their ends."""
        framed = list(around)
        for axis, ((low, high), m) in enumerate(zip(around, margin, strict=True)):
            if period := self._periods[axis][level]:
                z = z.index_select(axis + 1, torch.arange(-m, period + m) % period)
                framed[axis] = (low - m, high + m)
        return z, framed

    def _from_coarser(self, level: int, around: list[Range]) -> Tensor:
        ratios, wanted = [], []
        for axis, (span, periods) in enumerate(zip(around, self._periods, strict=True)):
            ratio = RATIO if self.scales[-1].size[axis] > 1 else Fraction(1)
            period = periods[level - 1]
            ratios.append(Fraction(periods[level], period) if period else ratio)
            wanted.append((0, period) if period else coarse_range(span, ratio))
        z = self._scale(level - 1, wanted)
        for axis, (span, ratio) in enumerate(zip(around, ratios, strict=True)):
            at = wanted[axis][0]
            if period := self._periods[axis][level - 1]:  # with one more position at both ends
                z = z.index_select(axis + 1, torch.arange(-1, period + 1) % period)
                at = -1
            z = enlarge(z, axis + 1, at, span, ratio)
        return z

    def _start_coarsest(self, around: list[Range]) -> Tensor:
        """Tiles of the coarsest scale of the exemplar, each from a place of its own."""
        z = self.scales[0].z
        places = [torch.arange(*span) for span in around]
        places = [
            at % periods[0] if periods[0] else at
            for at, periods in zip(places, self._periods, strict=True)
        ]
        tiles = [torch.div(at, TILE, rounding_mode="floor") for at in places]
        low = [int(at.min()) for at in tiles]
        high = [int(at.max()) + 1 for at in tiles]
        chance = self._chance(tuple(low), tuple(high))
        # The lower bits of a Gaussian number are even: whole numbers in [-1024, 1024).
        jitter = (chance.double() * 2**16).floor().long() % 2048 - 1024
        found = []
        for axis, n in enumerate(z.shape[1:]):
            moved = jitter[axis][tiles[0] - low[0]][:, tiles[1] - low[1]].double()
            place = places[axis].view([-1, 1] if axis == 0 else [1, -1])
            place = (place + (moved * (self.novelty**2 * n / 1024)).round().long()) % (2 * n)
            found.append(torch.where(place < n, place, 2 * n - 1 - place))  # mirrored at its border
        return z[:, found[0], found[1]]

    def _chance(self, start: Place, stop: Place) -> Tensor:
        """Two Gaussian numbers for every tile, (2, ...), of the seed whose share it falls to."""
        fields = [field_noise(seed=seed, channels=2, start=start, stop=stop) for seed in self.seeds]
        if len(fields) == 1:
            return fields[0]
        draw = field_noise(seed=WHOSE, channels=1, start=start, stop=stop)[0]
        place, reached, found = torch.special.ndtr(draw), 0.0, fields[-1]
        for share, field in zip(self.seeds.values(), fields[:-1], strict=False):
            found = torch.where((place >= reached) & (place < reached + share), field, found)
            reached += share
        return found

    def _at_scale(self, known: Known | None, level: int) -> Known | None:
        """What is known, as the scale shows it: means over the areas that are known at least by
        half."""
        if known is None:
            return None
        flat = known.z.ndim == 2
        z = known.z[:, None] if flat else known.z
        mask = known.mask[None] if flat else known.mask
        weight = mask[None].double()
        total = z.double() * weight
        at = []
        ends = len(self.scales) - 1
        for axis, first in enumerate((0, *known.at) if flat else known.at):
            span = (first, first + z.shape[axis + 1])
            periods = self._periods[axis]
            ratio = RATIO ** (ends - level) if self.scales[-1].size[axis] > 1 else Fraction(1)
            if periods[level]:
                ratio = Fraction(periods[ends], periods[level])
            here = ((span[0] / ratio).__floor__(), -(-span[1] / ratio).__floor__())
            share = overlaps(here, ratio, span) / float(ratio)
            total = torch.tensordot(total, share, ([axis + 1], [1])).movedim(-1, axis + 1)
            weight = torch.tensordot(weight, share, ([axis + 1], [1])).movedim(-1, axis + 1)
            at.append(here[0])
        mean = (total / weight.clamp(min=1e-9)).float()
        return Known(mean if level < ends else z.float(), weight[0] >= 0.5, tuple(at))

    def _plant(self, level: int, z: Tensor, around: list[Range]) -> Tensor:
        known = self._known[level]
        return z if known is None else known.plant(z, tuple(low for low, _ in around))


def _periods(period: int, scales: int) -> list[int]:
    """Of every scale, the coarsest first: even, so that every second patch comes round."""
    if not period:
        return [0] * scales
    coarser = [2 * max(1, round(period / RATIO**level / 2)) for level in range(1, scales)]
    return [*reversed(coarser), period]
