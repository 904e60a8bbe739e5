"""How an order of a page becomes a handler: checked, in its turn, with an answer for whoever is
refused."""

import inspect
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, TypeVar

from demo.errors import Rejected, translate_errors
from demo.runs.sessions import word_of
from demo.server import sent
from demo.server.turns import Lane

Record = TypeVar("Record")


def handler(
    record: type[Record], lane: Lane, refused: Callable[[str], Any]
) -> Callable[[Callable[[Record], Any]], Callable[..., Any]]:
    """Makes a function of a frozen record an event's handler, or a function that a component's
    script may call.

    What was sent, in the order of the record's fields or as an object with their names, is checked
    first. The work is done in a thread of the lane, step by step where the function yields; a
    record has the visitor's `token` as its first field, by which turns are given. refused: what a
    sentence is answered with.
    """

    def decorate(order: Callable[[Record], Any]) -> Callable[..., Any]:
        def received(values: tuple[object, ...]) -> Any:
            named = len(values) == 1 and isinstance(values[0], dict)
            return sent.read(record, values[0] if named else values)  # type: ignore[arg-type]

        async def answer(*values: object) -> Any:
            try:
                with translate_errors():
                    asked = received(values)
                    return await lane.do(word_of(asked.token), partial(order, asked))
            except Rejected as refusal:
                return refused(str(refusal))

        async def steps(*values: object) -> AsyncIterator[Any]:
            try:
                with translate_errors():
                    asked = received(values)
                    async for step in lane.follow(word_of(asked.token), order(asked)):
                        yield step
            except Rejected as refusal:
                yield refused(str(refusal))

        made: Callable[..., Any] = steps if inspect.isgeneratorfunction(order) else answer
        made.__name__ = made.__qualname__ = order.__name__
        return made

    return decorate
