"""Moves that are asked for one by one: their seconds, and what they come to."""

import dataclasses
from collections.abc import Generator, Iterator
from time import perf_counter
from typing import TypeVar

from abp_core.family.member import Told

Result = TypeVar("Result")


def timed(moves: Iterator[Told | None]) -> Iterator[Told | None]:
    """The same moves; what the iteration did is told with the seconds spent in them, without those
    in which nobody asked for the next."""
    spent, begun = 0.0, perf_counter()
    for told in moves:
        spent += perf_counter() - begun
        yield told and dataclasses.replace(told, seconds=spent)
        begun = perf_counter()


def finish(moves: Generator[None, None, Result]) -> Result:
    """What moves return, after all of them."""
    while True:
        try:
            next(moves)
        except StopIteration as ended:
            result: Result = ended.value
            return result
