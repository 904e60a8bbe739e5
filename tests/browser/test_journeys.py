"""Three visitors on their way, with no more actions than is promised."""

import pytest

from benchmarks.journeys import JOURNEYS, Way
from tests.browser.conftest import Visitor

MOST = {"student": 10, "artist": 4, "teacher": 8}  # actions


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_visitor_gets_what_they_came_for(visitor: Visitor, name: str) -> None:
    journey, (width, height) = JOURNEYS[name]
    visitor.page.set_viewport_size({"width": width, "height": height})
    visitor.page.goto(visitor.address)
    way = Way(visitor.page)
    journey(way)
    assert way.actions <= MOST[name.partition(" ")[0].rstrip(":")]
    stop = visitor.page.locator("#abp-stop:not([disabled])")
    if stop.count():
        stop.evaluate("button => button.click()")
        visitor.page.wait_for_timeout(500)
