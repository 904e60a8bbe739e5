"""FRAME: filters, random fields and maximum entropy."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from abp_core.checkpoint import Checkpoint
from abp_core.device import Machine, this_machine
from abp_core.family.filters import Gabor, Photographic, Tones, levels_of
from abp_core.family.loglinear import LogLinear
from abp_core.family.member import Shown, Told
from abp_core.family.pace import timed
from abp_core.family.reference import Reference
from abp_core.family.trial import Trial
from abp_core.langevin import Langevin
from abp_core.noise import chain_noise
from abp_core.spec import Kind, LangevinSpec

Filters = Literal["gabor", "convnet"]

ENTRIES = 2**16  # of all chains, channels left out
MOST_CHAINS = 32
WIDEST: dict[Kind, int] = {"texture": 256, "sound": 2**15, "objects": 512}  # a chain, along an axis
LEVELS: dict[Kind, int] = {"texture": 3, "sound": 6, "objects": 2}
BLOCK: dict[Kind, int] = {"texture": 24, "sound": 512, "objects": 24}
RATE: dict[Kind, float] = {"texture": 0.05, "sound": 0.05, "objects": 0.002}
BORDER: dict[Kind, int] = {"texture": 16, "sound": 0, "objects": 0}  # of a chain, not shown
SETTLING: dict[Kind, int] = {"texture": 100, "sound": 100, "objects": 400}  # iterations
MOST_PICTURES = 512  # of a set, whose statistics are learnt
STEPS = 4  # of the walk in an iteration
STEP_SIZE = 0.3  # where the energy's mean curvature is 1
LONGEST: dict[Kind, int] = {"texture": 160, "sound": 60, "objects": 40}  # moves of one that samples
RENEWED = 0.5  # the share of noise in where more samples of a set begin than there are chains
BOARD = 288  # pixels in which the weights of filters are shown, along a row
SAMPLE_SWEEP = 2**48  # the first sweep of those; learning never gets there


class Frame:
    """p(x; w) ~ exp(sum_k w_k . h_k(F_k * x)) q(x) (Zhu, Wu and Mumford 1998; with the filters of a
    ConvNet Lu, Zhu and Wu 2016): of all densities whose filters respond as they do to the data, the
    one nearest to q. The filters are fixed; weights learn until chains that persist have the data's
    marginal histograms of responses: one of a filter for a texture or sound, one of a filter and
    place for a set.

    filters: those of pictures; a sound has its own. entries: of all chains together. u (n, c, h,
    w): where the chains stand, in coordinates in which q is white.
    """

    def __init__(
        self,
        trial: Trial,
        seed: int,
        filters: Filters = "gabor",
        machine: Machine | None = None,
        *,
        entries: int = ENTRIES,
    ) -> None:
        self.trial, self.seed, self.filters = trial, seed, filters
        self.machine = machine = machine or this_machine()
        self.iteration = 0
        begun, signals = perf_counter(), _flat(trial.data.signals)[:MOST_PICTURES]
        by_place = trial.kind == "objects"
        bank = self._bank(signals.shape[1], levels_of(signals.shape[2:], LEVELS[trial.kind]))
        signals = _cut(signals, bank.multiple)
        self._border = BORDER[trial.kind]  # where few filters reach, and little is learnt
        height, width = (
            min(side, WIDEST[trial.kind]) + 2 * self._border for side in signals.shape[2:]
        )
        self._signals, self._multiple = signals, bank.multiple
        reference = Reference.of(signals, (height, width))
        self.field = LogLinear(
            bank, reference, signals, machine, by_place=by_place, block=BLOCK[trial.kind]
        )
        chains = max(1, min(MOST_CHAINS, entries // (height * width)))
        self.u = self._noise((chains, signals.shape[1], height, width), seed, 0)
        self.seconds = perf_counter() - begun

    @property
    def parameters(self) -> int:
        return self.field.parameters

    @property
    def rate(self) -> float:
        """Of the next step on the weights; it falls, so that they settle (Robbins and Monro
        1951)."""
        kind = self.trial.kind
        return RATE[kind] / (1 + self.iteration / SETTLING[kind])

    def alternation(self) -> Iterator[Told | None]:
        for told in timed(self._moves()):
            self.seconds += told.seconds if told else 0.0
            yield told

    def _moves(self) -> Iterator[Told | None]:
        u = self.u
        for moved in self.walk(self.field, u, self.seed, 1 + STEPS * self.iteration, STEPS):
            u = moved
            yield None
        differences = self.field.compare(u)
        squares = torch.cat([d.flatten().square() for d in differences])
        loss = float(squares.mean().sqrt())
        sound = math.isfinite(loss)
        if sound:
            self.u = u
            self.field.learn(differences, self.rate)
        self.iteration += 1
        yield Told(self.iteration, loss, 0.0, diverged=not sound)

    def sample(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        """Parts of the persistent chains that do not overlap, where there are as many; else where
        as many walks lead, from q, or for a set from the chains, in part renewed: its weights, as
        they stand, follow the chains, and walks from q all end in what they favour just now."""
        wanted = size if len(size) == 2 else (1, *size)
        parts = _tiles(self._inside(self.field.reference.signal(self.u)), wanted)
        if len(parts) < n:
            parts = self._draw(n, seed, wanted)
        x = parts[:n].detach().clamp(-1, 1).float().cpu()
        return x if len(size) == 2 else x.squeeze(2)

    def rebuild(self, x: Tensor) -> Tensor | None:
        return None

    @torch.no_grad()
    def energy(self, x: Tensor) -> Tensor | None:
        x = _cut(_flat(x), self._multiple)
        field = self._field_of((x.shape[2], x.shape[3]))
        lots = [field.reference.white(some.to(self.u.device)) for some in torch.split(x, 16)]
        return torch.cat([field.energy(u).cpu() for u in lots])

    def show(self) -> tuple[Shown, ...]:
        strengths = self.field.strengths()
        if not self.field.by_place:
            rows = [F.interpolate(s.view(1, 1, -1), BOARD, mode="nearest") for s in strengths]
            board = torch.stack(rows, 2).repeat_interleave(BOARD // 2 // len(rows), 2)
            return (Shown(f"Its weights, {self._rows()}", board, heat=True),)
        squares = [s.square().sum(0)[None, None] for s in strengths]
        size = self.u.shape[2:]
        maps = [F.interpolate(s, size, mode="bilinear", align_corners=False) for s in squares]
        caption = "Where its weights are large"
        return (Shown(caption, torch.stack(maps).sum(0).sqrt(), heat=True),)

    def _rows(self) -> str:
        if self.trial.kind == "sound":
            return "one a cell; by rows waves, loudness, slow loudness, from high pitches to low"
        rows = "waves and spots, strengths of waves"
        if self.filters == "convnet":
            rows = "differences, stride 2 as it is and rectified, stride 4 as it is and rectified"
        return f"one a cell; by rows {rows}, from fine to coarse"

    def tensors(self) -> dict[str, Tensor]:
        return self.field.tensors() | {"chains": self.u.cpu().clone()}

    def resume(self, tensors: Mapping[str, Tensor], iteration: int, seconds: float) -> None:
        if tensors["chains"].shape != self.u.shape:
            raise ValueError("chains of other data")
        self.field.resume(tensors)
        self.u = tensors["chains"].to(self.u.device, copy=True)
        self.iteration, self.seconds = iteration, seconds

    def checkpoint(self) -> Checkpoint | None:
        return None

    def _bank(self, channels: int, levels: int) -> Gabor | Tones | Photographic:
        if self.trial.kind == "sound":
            return Tones(levels)
        return (Gabor if self.filters == "gabor" else Photographic)(channels, levels)

    def walk(
        self, field: LogLinear, u: Tensor, seed: int, sweep: int, steps: int
    ) -> Iterator[Tensor]:
        """From u (n, c, h, w), where so many moves lead, STEPS of them with one step size: that of
        the gradient where they begin, whose mean square at rest is the mean curvature of the
        energy, which learning raises."""
        langevin = Langevin(field.energy, LangevinSpec(steps=STEPS, step_size=STEP_SIZE))
        shape = tuple(u.shape)
        for first in range(sweep, sweep + steps, STEPS):
            state = langevin.init(u)
            curvature = state.grad.square().mean().clamp(min=1)
            walk = dataclasses.replace(langevin, adapted=STEP_SIZE / curvature.sqrt())
            for move in range(first, first + STEPS - 1):
                state, _ = walk.step(state, self._noise(shape, seed, move))
                yield state.z
            u = walk.propose(state, self._noise(shape, seed, first + STEPS - 1))
            yield u

    def _draw(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        height, width = (_up(side + 2 * self._border, self._multiple) for side in size)
        field = self._field_of((height, width))
        u = self._noise((n, self.u.shape[1], height, width), seed, SAMPLE_SWEEP)
        if field.by_place:
            known = self.u[torch.arange(n, device=u.device) % len(self.u)]
            u = (1 - RENEWED**2) ** 0.5 * known + RENEWED * u
        *_, u = self.walk(field, u, seed, SAMPLE_SWEEP + 1, LONGEST[self.trial.kind])
        return self._inside(field.reference.signal(u))[:, :, : size[0], : size[1]]

    def _inside(self, x: Tensor) -> Tensor:
        """Signals without the border of a chain."""
        height, width = (side - 2 * self._border for side in x.shape[2:])
        return x.narrow(2, self._border, height).narrow(3, self._border, width)

    def _field_of(self, size: tuple[int, int]) -> LogLinear:
        """The field over signals of a size; that of a set has one."""
        here = self.field.reference
        if size == here.size or self.field.by_place:
            return self.field
        return self.field.at(Reference.of(self._signals, size))

    def _noise(self, shape: tuple[int, ...], seed: int, sweep: int) -> Tensor:
        index = torch.arange(shape[0])
        noise = chain_noise(seed=seed, sweep=sweep, index=index, steps=1, shape=shape[1:])
        return noise[0].to(self.machine.device)


def _flat(x: Tensor) -> Tensor:
    """A sound as a picture of height one."""
    return x.unsqueeze(2) if x.ndim == 3 else x


def _tiles(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """Parts (m, c, *size) of signals (n, c, h, w) that do not overlap, as many as there are."""
    for axis, side in enumerate(size, 2):
        if side > x.shape[axis]:
            return x[:0]
        x = x.unfold(axis, side, side).movedim(axis, 0).flatten(0, 1).movedim(-1, axis)
    return x


def _up(side: int, multiple: int) -> int:
    """The next multiple; the height of a sound is 1."""
    return -(-side // multiple) * multiple if side > 1 else 1


def _cut(x: Tensor, multiple: int) -> Tensor:
    """Without what its sides have over multiples."""
    height, width = (side // multiple * multiple if side > 1 else 1 for side in x.shape[2:])
    part: Tensor = x[:, :, :height, :width]
    return part
