"""What a page sends is checked before a handler sees it."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.server.sent import (
    LONGEST,
    Garbled,
    read,
)


@dataclass(frozen=True, slots=True)
class Order:
    token: str
    count: int = 3
    part: float = 0.5
    wanted: bool = False
    fields: dict[str, Any] = field(default_factory=dict)
    anything: object = None


def test_fields_come_in_order_or_by_name() -> None:
    by_order = read(Order, ["x", 4.0, 1, True, {"a": 1}, [1]])
    assert by_order == Order("x", 4, 1.0, True, {"a": 1}, [1])
    assert type(by_order.count) is int
    assert type(by_order.part) is float
    by_name = read(Order, {"part": 0, "token": "x", "of another version": 7})
    assert by_name == Order("x", part=0.0)


def test_what_is_left_out_or_none_keeps_the_records_own_value() -> None:
    assert read(Order, ["x", None, None, None, None]) == Order("x")


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [None],
        [["x"]],
        [{}],
        ["x\x00"],
        ["x" * (LONGEST + 1)],
        ["x", "4"],
        ["x", 4.5],
        ["x", True],
        ["x", float("nan")],
        ["x", float("inf")],
        ["x", 10**400],
        ["x", 1, float("nan")],
        ["x", 1, "0.5"],
        ["x", 1, 0.5, 1],
        ["x", 1, 0.5, True, []],
        ["x", 1, 0.5, True, {}, None, "one too many"],
        {"token": 7},
        {},
    ],
)
def test_what_no_page_of_ours_sends_is_refused(sent: Any) -> None:
    with pytest.raises(Garbled, match="reload"):
        read(Order, sent)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(json, max_size=8) | st.dictionaries(st.text(), json, max_size=8))
def test_anything_is_read_or_refused(sent: Any) -> None:
    try:
        order = read(Order, sent)
    except Garbled:
        return
    assert type(order.token) is str
    assert type(order.count) is int
    assert type(order.part) is float
    assert type(order.wanted) is bool
    assert type(order.fields) is dict
