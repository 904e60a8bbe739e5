"""What a page sends, checked at the door: a frozen record for each handler.

Anybody can post anything to a handler, so nothing reaches one that is not of the type that its
record names.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_origin, get_type_hints

from demo.errors import Rejected

LONGEST = 10_000  # letters of a text; a link to a point of a large latent map has some thousands
DISAGREE = "This page and the studio do not agree any more; please reload it."

Record = TypeVar("Record")


class Garbled(Rejected):
    """What was sent is not what a page of ours sends. The message is one sentence for the user."""


def read(record: type[Record], sent: Sequence[object] | Mapping[str, object]) -> Record:
    """A frozen record of what was sent, its fields in order or by name.

    A field is a str, int, float, bool, dict, or an object that the handler checks itself; what was
    left out or is None keeps the record's own value. Raises Garbled.
    """
    fields = dataclasses.fields(record)  # type: ignore[arg-type]
    if not isinstance(sent, Mapping):
        if len(sent) > len(fields):
            raise Garbled(DISAGREE)
        sent = dict(zip((field.name for field in fields), sent, strict=False))
    types = get_type_hints(record)
    values: dict[str, Any] = {}
    for field in fields:
        value = sent.get(field.name)
        if value is None:
            if field.default is dataclasses.MISSING and (
                field.default_factory is dataclasses.MISSING
            ):
                raise Garbled(DISAGREE)
            continue
        values[field.name] = _checked(types[field.name], value)
    return record(**values)


def _checked(wanted: Any, value: object) -> object:
    if wanted is object:
        return value
    if wanted in (float, int):
        real = isinstance(value, int | float) and not isinstance(value, bool)
        if real and abs(value) < 1e300 and (wanted is float or value == int(value)):  # type: ignore
            return wanted(value)
    elif wanted is str:
        if isinstance(value, str) and len(value) <= LONGEST and "\x00" not in value:
            return value
    elif isinstance(value, get_origin(wanted) or wanted):  # bool, or dict[str, Any]
        return value
    raise Garbled(DISAGREE)
