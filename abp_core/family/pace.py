"""The seconds of an iteration whose moves are asked for one by one."""

import dataclasses
from collections.abc import Iterator
from time import perf_counter

from abp_core.family.member import Told


def timed(moves: Iterator[Told | None]) -> Iterator[Told | None]:
    """The same moves; what the iteration did is told with the seconds spent in them, without those
    in which nobody asked for the next."""
    spent, begun = 0.0, perf_counter()
    for told in moves:
        spent += perf_counter() - begun
        yield told and dataclasses.replace(told, seconds=spent)
        begun = perf_counter()
