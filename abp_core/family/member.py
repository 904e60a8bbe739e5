"""What every method can be asked, whatever it learns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.family.trial import Trial


@dataclass(frozen=True, slots=True)
class Told:
    """What one iteration did. loss: the figure of the method's own curve (see `Method.curve`).
    seconds: spent computing. diverged: whether it can go on no more; its state is its last good
    one. learnt: whether there is nothing more to learn, as with a method that is solved exactly."""

    iteration: int
    loss: float
    seconds: float
    diverged: bool = False
    learnt: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Something of a member to be looked at, beside its samples. signals (n, c, ...): as the data.
    heat: a map (n, 1, h, w) of values from 0 on, to be drawn in colours of heat."""

    caption: str
    signals: Tensor
    heat: bool = False


class Member(Protocol):
    """A method at work on the data of a trial.

    Everything random is a function of the seed and the iteration, so a member that is saved and
    resumed takes the steps of one that was not interrupted. It never draws from the process's own
    generator. iteration, seconds: that were done and spent. parameters: how many numbers it learns,
    latents left out.
    """

    trial: Trial
    seed: int

    @property
    def parameters(self) -> int: ...
    @property
    def iteration(self) -> int: ...
    @property
    def seconds(self) -> float: ...

    def alternation(self) -> Iterator[Told | None]:
        """One iteration in small moves of at most some tens of milliseconds: None after every move
        but the last, and at last what it did. Whoever stops asking leaves the member as it was
        before the iteration."""
        ...

    def sample(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        """n new signals (n, c, *size), float32 on the CPU. size: of a picture or sound at most as
        large as the one learnt from; of a set that of its pictures."""
        ...

    def rebuild(self, x: Tensor) -> Tensor | None:
        """Signals (n, c, ...) that it never saw, as it rebuilds them from what it infers of them;
        None of a method that infers nothing."""
        ...

    def energy(self, x: Tensor) -> Tensor | None:
        """(n,), -log of the density of signals (n, c, ...), or what is known to be above it, up to
        a constant that is the same for all signals of one size; None of a method that does not
        know it."""
        ...

    def show(self) -> tuple[Shown, ...]:
        """What is to be seen of it beside samples and rebuilt signals."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """What it goes on from, by name, on the CPU and in memory of its own."""
        ...

    def resume(self, tensors: Mapping[str, Tensor], iteration: int, seconds: float) -> None:
        """Goes on from `tensors()` of the same method and trial. Raises KeyError, RuntimeError or
        ValueError for what is none."""
        ...

    def checkpoint(self) -> Checkpoint | None:
        """Its generator as a model of the studio, for those that have one."""
        ...
