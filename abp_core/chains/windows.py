"""One persistent chain over the latent map of a whole picture or sound, visited window by window.

What a latent says reaches `reach` positions far. So the latents of a window, given those around it,
have a posterior of their own that is exactly that of the whole map: the misfit of all that they
reach, computed from all that this depends on.

    map     . . . . . . . . . . . . . . . . . . . .
    frame         [ - - - - - - - - - - - ]             2 reach around the window: held
    seen              [ = = = = = = = ]                 1 reach around it: the misfit counts
    window                [ # # # ]                     moved

The map has margins (see GeneratorSpec), so that the border of a picture is like any other place:
what lies beyond it was not seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from types import EllipsisType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core.chains.examples import Chains, DataMismatch, choose_visited
from abp_core.noise import shift, walk_noise
from abp_core.observation import Observation, Windowed
from abp_core.ranks import ALONE, Ranks
from abp_core.spec import TrainingSpec

Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which windows of a map an epoch visits: a grid that covers it, borders and corners included,
    shifted from epoch to epoch as far as it is larger than the map. extent, size: of the map and
    of a window, in positions."""

    extent: Place
    size: Place
    seed: int

    @property
    def windows(self) -> int:
        """Of an epoch."""
        return math.prod(map(self._along, range(len(self.extent))))

    def places(self, epoch: int) -> list[Place]:
        """Where they begin."""
        return list(product(*(self._starts(axis, epoch) for axis in range(len(self.extent)))))

    def _along(self, axis: int) -> int:
        """As few along an axis as cover it."""
        return math.ceil(self.extent[axis] / self.size[axis])

    def _starts(self, axis: int, epoch: int) -> list[int]:
        extent, size, n = self.extent[axis], self.size[axis], self._along(axis)
        back = shift(seed=self.seed, epoch=epoch, axis=axis, n=n * size - extent + 1)
        return [min(max(k * size - back, 0), extent - size) for k in range(n)]


class Windows(Chains):
    """The chain z (1, channels, *extent) over one signal of this size, of which y (1, ...) was
    seen; see Chains in examples.py, where those visited are windows of it.

    Raises DataMismatch for an observation that is not made of places.
    """

    lot = 0  # visits are all alike: a window has no company that changes

    def __init__(
        self,
        spec: TrainingSpec,
        size: Place,
        y: Tensor,
        observation: Observation,
        device: torch.device,
        ranks: Ranks = ALONE,
    ) -> None:
        self._ranks = ranks
        self._seed, self._channels = spec.seed, spec.generator.first_map[0]
        self._steps, self._persistent = spec.langevin.steps, spec.persistent
        self._reach = reach = spec.generator.reach
        _, *extent = spec.generator.map_shape_of(size)
        self._unit = _entries_a_position(y, [n - 2 * reach for n in extent])
        self._window = tuple(min(spec.window, n) for n in extent)
        self._schedule = Schedule(tuple(extent), self._window, spec.seed)
        mask = observation.visible
        visible = torch.ones_like(y[:, :1]) if mask is None else mask.to(y)

        # All that windows are cut out of, with as much around it as a frame takes beyond the map.
        around = 2 * reach
        start = self._noise(sweep=0, steps=1, at=(0,) * len(extent), size=tuple(extent))
        self._framed = _pad(start, around).to(device)
        self.z = self._framed[_box([around] * len(extent), extent)]
        self._y = _pad(y, around * self._unit).to(device)
        self._visible = _pad(visible, around * self._unit).to(device)

        k = self.minibatch = min(spec.batch_size, self._schedule.windows)
        self.index = torch.arange(k, device=device)[ranks.part(k)]
        self._cut_frame = _Cut(self._framed, self._window, unit=1, wider=around)
        self._cut_y = _Cut(self._y, self._window, unit=self._unit, wider=reach)
        self._cut_seen = _Cut(self._visible, self._window, unit=self._unit, wider=reach)
        # Places are those of a map with as much around it as it is padded with.
        self._cut_moved = _Cut(self._framed, self._window, unit=1, wider=0, offset=around)
        self.given = {name: t.to(device) for name, t in self.draw(0).items()}
        self._frame, self.y, self._seen = self._crop()
        self.observation: Observation = Windowed(observation.local, self._seen)

    def choose_visited(self, iteration: int) -> list[Place]:
        """Where the windows of an iteration begin."""
        windows, k = self._schedule.windows, self.minibatch
        places = self._schedule.places(iteration // (windows // k))
        return [places[n] for n in choose_visited(self._seed, iteration, windows, k).tolist()]

    def draw(self, iteration: int) -> dict[str, Tensor]:
        places, steps = self.choose_visited(iteration), self._steps + (not self._persistent)
        own = places[self._ranks.part(self.minibatch)]  # maybe none at all
        noise = torch.empty(steps, len(own), self._channels, *self._window)
        for drawn, at in zip(noise.unbind(1), own, strict=True):
            drawn.copy_(self._noise(sweep=iteration + 1, steps=steps, at=at, size=self._window))
        anew = {} if self._persistent else {"start": noise[-1]}
        return {"places": torch.tensor(places), "noise": noise[: self._steps], **anew}

    def visit(self) -> Tensor:
        held = (self._frame, self.y, self._seen)
        for buffer, found in zip(held, self._crop(), strict=True):
            buffer.copy_(found)
        inner = self._frame[_box([2 * self._reach] * len(self._window), self._window)]
        start = (inner if self._persistent else self.given["start"]).clone()
        inner.zero_()
        return start

    def signals(self, generator: nn.Module, z: Tensor) -> Tensor:
        """What the windows reach becomes, with all around them as it stands."""
        x: Tensor = generator(_pad(z, 2 * self._reach) + self._frame)
        return x

    def keep(self, z: Tensor) -> None:
        """Later ones of an iteration's windows have the last word where they overlap."""
        self._cut_moved.write(self._ranks.gather(z, self.minibatch), self.given["places"])

    def _noise(self, *, sweep: int, steps: int, at: Place, size: Place) -> Tensor:
        """(steps, channels, *size) of the positions from `at`."""
        return walk_noise(
            seed=self._seed,
            sweep=sweep,
            steps=steps,
            channels=self._channels,
            start=at,
            stop=tuple(low + n for low, n in zip(at, size, strict=True)),
        )

    def _crop(self) -> tuple[Tensor, Tensor, Tensor]:
        """Of the windows visited: the latents of their frames, what was seen of all that they
        reach, and where it was seen."""
        places = self.given["places"][self._ranks.part(self.minibatch)]
        cuts = (self._cut_frame, self._cut_y, self._cut_seen)
        return cuts[0].read(places), cuts[1].read(places), cuts[2].read(places)


class _Cut:
    """Boxes of one tensor (1, c, *extent), all as large, whose places are numbers on its device.

    size: of a window in positions, each of so many entries (unit); with so many positions more on
    every side (wider). offset: of the first place, in entries.
    """

    def __init__(
        self, whole: Tensor, size: Place, *, unit: int, wider: int, offset: int = 0
    ) -> None:
        self._rows = whole[0].flatten(1)
        self._shape = [unit * (n + 2 * wider) for n in size]
        extent = whole.shape[2:]
        strides = torch.tensor([math.prod(extent[axis + 1 :]) for axis in range(len(extent))])
        within = torch.tensor(list(product(*map(range, self._shape)))) + offset
        self._within = (within * strides).sum(1).to(whole.device)
        self._strides = (unit * strides).to(whole.device)

    def read(self, places: Tensor) -> Tensor:
        """(k, c, *shape), of places (k, axes)."""
        found = self._rows[:, self._entries(places)].transpose(0, 1)
        return found.reshape(*found.shape[:2], *self._shape).contiguous()

    def write(self, values: Tensor, places: Tensor) -> None:
        """Lets the boxes hold values (k, c, *shape), one after another."""
        for entries, value in zip(self._entries(places), values, strict=True):
            self._rows.index_copy_(1, entries, value.flatten(1))

    def _entries(self, places: Tensor) -> Tensor:
        """(k, entries of a box)."""
        return (places * self._strides).sum(1)[:, None] + self._within


def _entries_a_position(y: Tensor, positions: Sequence[int]) -> int:
    """How many entries of y (1, c, ...) along an axis were seen of each position that is shown."""
    unit = y.shape[-1] // positions[-1]
    if list(y.shape[2:]) != [unit * n for n in positions] or unit == 0:
        raise DataMismatch(
            "A picture or sound that is visited window by window must be seen place by place: "
            "please choose crops instead, or hide single places of it."
        )
    return unit


def _box(start: Sequence[int], size: Sequence[int]) -> tuple[slice | EllipsisType, ...]:
    """Where a part of a map stands in a tensor whose last axes are the map's."""
    return (..., *(slice(low, low + n) for low, n in zip(start, size, strict=True)))


def _pad(map_: Tensor, positions: int) -> Tensor:
    """A map (n, c, *extent) with so many zeros on every side."""
    return F.pad(map_, [positions] * 2 * (map_.ndim - 2))
