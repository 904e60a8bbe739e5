"""What an iteration sees of the data: pictures of a set, or crops of the one picture or sound."""

import torch
from torch import Tensor

from abp_core.chains.examples import choose_visited
from abp_core.noise import shift


class Batches:
    """n signals of the data (n, c, *extent) an iteration, a function of (seed, iteration).

    signals (m, c, ...): of a set, m pictures of the extent, of which an epoch sees each at most
    once; or one picture or sound, of which crops are drawn wherever they lie.
    """

    def __init__(self, signals: Tensor, extent: tuple[int, ...], n: int, seed: int) -> None:
        self._signals, self._extent, self._seed = signals, extent, seed
        self.n = min(n, len(signals)) if len(signals) > 1 else n

    def draw(self, iteration: int) -> Tensor:
        """The signals of an iteration, where the data lies."""
        if len(self._signals) > 1:
            return self._signals[choose_visited(self._seed, iteration, len(self._signals), self.n)]
        return torch.stack([self._crop(iteration, row) for row in range(self.n)])

    def _crop(self, iteration: int, row: int) -> Tensor:
        crop = self._signals[0]
        for axis, side in enumerate(self._extent, 1):
            place = len(self._extent) * row + axis
            space = crop.shape[axis] - side + 1
            start = shift(seed=self._seed, epoch=iteration, axis=place, n=space)
            crop = crop.narrow(axis, start, side)
        return crop
