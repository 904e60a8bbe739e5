"""What of the data an iteration sees: a minibatch of a set, or windows of one picture or sound."""

from typing import Protocol

import torch
from torch import Tensor

from abp_core.chains.examples import choose_visited
from abp_core.family.trial import Trial
from abp_core.noise import shift

AT_ONCE = 200_000  # entries of the pictures of a set that are computed at once
WINDOWS = 2  # of one picture or sound, that an iteration sees


class Visits(Protocol):
    """lot: how many signals a move takes, of a method whose iterations have many."""

    lot: int

    def draw(self, iteration: int) -> tuple[Tensor, Tensor]:
        """Signals (k, c, ...) on the CPU, and by which number each takes its noise, (k,)."""
        ...


class Minibatches:
    """Of a set: an epoch sees every picture at most once, in an order of its own."""

    def __init__(self, trial: Trial, seed: int) -> None:
        self._x, self._seed = trial.data.signals, seed
        self._size = min(trial.spec.batch_size, len(self._x))
        self.lot = max(1, AT_ONCE // self._x[0].numel())

    def draw(self, iteration: int) -> tuple[Tensor, Tensor]:
        index = choose_visited(self._seed, iteration, len(self._x), self._size)
        return self._x[index], index


class Windows:
    """Of one picture or sound: as large as what the generator makes, at random places.

    Places are drawn from half a window beyond the border on, and from there back to it, so that
    what lies at the very border is seen half as often as the middle, and not hardly ever.
    """

    lot = 1

    def __init__(self, trial: Trial, seed: int) -> None:
        self._x, self._seed = trial.data.signals, seed
        shape = trial.spec.generator.signal_shape[1:]
        self._size = tuple(min(a, b) for a, b in zip(shape, self._x.shape[2:], strict=True))

    def draw(self, iteration: int) -> tuple[Tensor, Tensor]:
        numbers = range(WINDOWS * iteration, WINDOWS * (iteration + 1))
        return torch.cat([self._window(k) for k in numbers]), torch.arange(WINDOWS)

    def _window(self, number: int) -> Tensor:
        found = self._x
        for axis, size in enumerate(self._size):
            room, beyond = self._x.shape[axis + 2] - size, size // 2
            drawn = shift(seed=self._seed, epoch=number, axis=axis, n=room + 2 * beyond + 1)
            found = found.narrow(axis + 2, min(max(drawn - beyond, 0), room), size)
        return found
