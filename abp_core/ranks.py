"""The processes that train one run together: who does what, and what they tell each other.

Every one of them holds all latents and the same weights. Of each minibatch each walks its own
part; the gradient of W is averaged, what moved is told to all. Alone, nothing of this does
anything.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from abp_core.errors import Refusal

LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what a launcher tells a process


class RankLost(Refusal):
    """Another process of the run is gone. The message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process, `rank` from 0, among `size` of them."""

    rank: int = 0
    size: int = 1

    @property
    def alone(self) -> bool:
        return self.size == 1

    @property
    def first(self) -> bool:
        """The one that speaks and writes files."""
        return self.rank == 0

    def part(self, n: int) -> slice:
        """Which of n are this process's: as many as the others' give or take one, maybe none."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    def sum(self, *parts: Tensor) -> tuple[Tensor, ...]:
        """Each of the float32 tensors, summed over all processes by one all-reduce."""
        if self.alone:
            return parts
        flat = torch.cat([part.detach().float().flatten() for part in parts])
        _reduce(flat)
        split = torch.split(flat, [part.numel() for part in parts])
        return tuple(s.view(part.shape) for s, part in zip(split, parts, strict=True))

    def gather(self, part: Tensor, n: int) -> Tensor:
        """All n rows of which each process has its `part` (n_r, ...): a sum with zeros elsewhere,
        which is exact, and asks for no equal numbers."""
        if self.alone:
            return part
        whole = part.new_zeros(n, *part.shape[1:])
        whole[self.part(n)] = part
        _reduce(whole)
        return whole

    def highest(self, number: float) -> float:
        """The highest of what the processes say; it never waits for a card."""
        if self.alone:
            return number
        told = torch.tensor(number, dtype=torch.float64)
        _reduce(told, distributed.ReduceOp.MAX)
        return float(told)

    @contextmanager
    def refusing_together(self) -> Iterator[None]:
        """What one of the processes refuses inside, all refuse: the first that has a reason raises
        it, the others end without a word."""
        refusal: Refusal | None = None
        try:
            yield
        except Refusal as raised:
            refusal = raised
        speaker = -self.highest(-self.size if refusal is None else -self.rank)
        if refusal is not None and speaker == self.rank:
            raise refusal
        if speaker < self.size:
            raise SystemExit(2)

    def average(self, network: nn.Module) -> nn.Module:
        """`network` as one whose gradients are averaged over all processes as they are taken; its
        weights become the first one's."""
        return network if self.alone else DistributedDataParallel(network)


ALONE = Ranks()


@contextmanager
def joined() -> Iterator[Ranks]:
    """The processes that torchrun, or another launcher that speaks as it does, started this one
    among; each on the card of its own number where there are cards. Raises RankLost, also inside,
    where one of them is gone."""
    if not all(name in os.environ for name in LAUNCHED) or os.environ["WORLD_SIZE"] == "1":
        yield ALONE
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    try:
        distributed.init_process_group()  # gloo for what is on the CPU, NCCL for what is on a card
        yield Ranks(distributed.get_rank(), distributed.get_world_size())
    except RuntimeError as error:  # gloo has no class of its own
        if isinstance(error, distributed.DistError) or "gloo" in str(error):
            raise RankLost(
                "Another process of this run is gone; please start all of them again and go on "
                "from the last checkpoint, with --resume."
            ) from error
        raise
    # What shared gradients holds the processes' threads, in circles; these must end before Python.
    gc.collect()
    distributed.destroy_process_group()


def _reduce(
    tensor: Tensor, how: "distributed.ReduceOp.RedOpType" = distributed.ReduceOp.SUM
) -> None:
    distributed.all_reduce(tensor, how)
