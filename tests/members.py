"""What is asked of every member of a comparison, and small data to ask it on."""

from collections.abc import Callable

import torch
from torch import Tensor

from abp_core.data.datasets import Dataset
from abp_core.family.member import Member
from abp_core.family.trial import Trial
from tests.tiny import NETWORKS, dataset, training, whole_dataset, whole_training

KINDS = ("texture", "sound", "objects")


def small_trial(kind: str) -> Trial:
    """Of a set ten pictures and three that are held back; of one signal as much as the network
    makes is held back."""
    if kind == "objects":
        network, made = NETWORKS[kind], dataset(NETWORKS[kind], 13)
        return Trial(Dataset(made.signals[:10], made.source), made.signals[10:], training(network))
    data, spec = whole_dataset(kind), whole_training(kind)
    held = data.signals
    for axis, size in enumerate(spec.generator.signal_shape[1:], start=2):
        held = held.narrow(axis, 0, size)
    return Trial(data, held, spec)


def iterate(member: Member, n: int) -> None:
    for _ in range(n):
        for _ in member.alternation():
            pass


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def goes_on_exactly(build: Callable[[], Member], before: int = 2, after: int = 2) -> bool:
    """Whether a member that is saved and resumed in between ends as one that is not."""
    whole, first, second = build(), build(), build()
    iterate(whole, before + after)
    iterate(first, before)
    second.resume(first.tensors(), first.iteration, first.seconds)
    iterate(second, after)
    return second.iteration == whole.iteration and same(whole.tensors(), second.tensors())


def leaves_as_it_was(member: Member) -> bool:
    """Whether it is as before when nobody asks for the last move, wherever one stops, and its next
    iteration is as if that had not been."""
    before, iteration = member.tensors(), member.iteration
    told, stopped = list(member.alternation()), []
    after = member.tensors()
    for moves in range(1, len(told)):
        member.resume(before, iteration, 0.0)
        asked = member.alternation()
        for _ in range(moves):
            next(asked)
        asked.close()  # type: ignore[attr-defined]
        stopped.append(same(member.tensors(), before) and member.iteration == iteration)
    iterate(member, 1)
    return len(told) > 1 and all(stopped) and same(member.tensors(), after)
