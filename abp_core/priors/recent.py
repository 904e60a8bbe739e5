"""A map whose recent blocks are kept, so that parts asked for one after another cost little."""

from collections import OrderedDict
from itertools import product
from threading import Lock

from torch import Tensor

from abp_core.priors.fields import LatentMap, Place

MOST_NUMBERS = 2**24  # numbers that are kept, 64 MB: two rows of blocks of a very large picture


class Recent:
    """Another map, drawn in blocks of which the last ones are kept; a `LatentMap` like it.

    side: positions along a side of a block. What lies around a part is drawn with it, so that
    large blocks cost less for each position.
    """

    def __init__(self, of: LatentMap, side: int) -> None:
        self.of, self.side = of, side
        self._kept: OrderedDict[Place, Tensor] = OrderedDict()
        self._lock = Lock()

    def part(self, start: Place, stop: Place) -> Tensor:
        """The latents of the positions [start, stop), (channels, *extent)."""
        spans = [
            range(a // self.side, -(-b // self.side)) for a, b in zip(start, stop, strict=True)
        ]
        whole = None
        for place in product(*spans):
            block = self._block(place)
            if whole is None:
                extent = (b - a for a, b in zip(start, stop, strict=True))
                whole = block.new_empty((len(block), *extent))
            ours, theirs = [slice(None)], [slice(None)]
            for k, low, high in zip(place, start, stop, strict=True):
                first, last = max(low, k * self.side), min(high, (k + 1) * self.side)
                ours.append(slice(first - low, last - low))
                theirs.append(slice(first - k * self.side, last - k * self.side))
            whole[tuple(ours)] = block[tuple(theirs)]
        return self.of.part(start, stop) if whole is None else whole

    def _block(self, place: Place) -> Tensor:
        with self._lock:  # one draws, the others wait for it
            if place not in self._kept:
                low = tuple(self.side * k for k in place)
                self._kept[place] = self.of.part(low, tuple(n + self.side for n in low))
            self._kept.move_to_end(place)
            block = self._kept[place]
            while len(self._kept) > max(1, MOST_NUMBERS // block.numel()):
                self._kept.popitem(last=False)
        return block
