"""The first ten seconds: one screen, what moves before the first touch, and who can follow it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor, no_serious_findings
from tests.browser.test_explore_tab import FACES, TEXTURE, choose, picture

MOVED = "number => +document.querySelector('#abp-explore [data-drifted]')?.dataset.drifted > number"
HERE = (
    "[...document.querySelectorAll('#abp-explore .slider input')].map(input => input.value).join()"
)


def moving(page: Page, more: int = 0) -> None:
    """Waits until the point has moved by itself that often."""
    page.wait_for_function(MOVED, arg=more, timeout=20_000)


def moves(page: Page) -> int:
    return int(page.locator("#abp-explore [data-drifted]").get_attribute("data-drifted") or 0)


def open_explore(visitor: Visitor) -> Page:
    """The page as it opens, untouched."""
    visitor.page.goto(visitor.address)
    return visitor.page


@pytest.mark.parametrize("size", [(1366, 650), (1400, 900), (390, 844), (683, 325)])
def test_picture_and_sliders_share_a_screen(visitor: Visitor, size: tuple[int, int]) -> None:
    width, height = size
    page = visitor.page
    page.set_viewport_size({"width": width, "height": height})
    visitor.visit("Explore")
    choose(page, FACES)
    page.locator("#abp-explore .slider input").nth(1).scroll_into_view_if_needed()
    frame = page.locator("#abp-explore .frame").bounding_box()
    slider = page.locator("#abp-explore .slider input").first.bounding_box()
    assert frame is not None
    assert slider is not None
    assert frame["height"] <= 0.61 * height
    assert frame["y"] >= -1, "the picture stays in sight"
    assert frame["y"] + frame["height"] <= height
    assert slider["y"] + slider["height"] <= height
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_moves_until_it_is_touched_and_asks_for_nothing_meanwhile(visitor: Visitor) -> None:
    page = open_explore(visitor)
    moving(page)
    expect(page.locator("#abp-explore .lead")).to_contain_text("20 pictures were learnt")
    expect(page.locator("#abp-explore .spoken")).to_contain_text("changes by itself")
    expect(page.locator("#abp-explore .end").last).to_have_attribute("style", re.compile("url"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    before = page.evaluate(HERE)
    moving(page, moves(page) + 20)
    assert page.evaluate(HERE) != before
    pulse = visitor.address + "studio/live"  # of every page, now and then
    assert not [url for url in asked if url != pulse and not url.startswith("data:")]
    first = picture(page)
    page.locator("#abp-explore .lead span").click()
    expect(page.locator("#abp-explore .between")).to_be_hidden()
    expect(page.locator("#abp-explore .picture")).not_to_have_attribute("src", first)
    after, stood = moves(page), page.evaluate(HERE)
    page.wait_for_timeout(500)
    assert (moves(page), page.evaluate(HERE)) == (after, stood)


def test_the_motion_pauses_and_rests_while_another_tab_is_open(visitor: Visitor) -> None:
    page = open_explore(visitor)
    moving(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    stood = moves(page)
    page.wait_for_timeout(400)
    assert moves(page) == stood
    page.get_by_role("button", name="Go on").click()
    moving(page, stood + 2)
    page.get_by_role("tab", name="Train", exact=True).click()
    page.wait_for_timeout(300)
    stood = moves(page)
    page.wait_for_timeout(400)
    assert moves(page) == stood


def test_nothing_moves_for_who_wants_it_calm(visitor: Visitor) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = open_explore(visitor)
    expect(page.locator("#abp-explore .end").last).to_have_attribute("style", re.compile("url"))
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_hidden()
    assert page.locator("#abp-explore [data-drifted]").count() == 0


def test_presenting_shows_the_tab_alone_and_escape_leaves_it(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, FACES)
    small = page.locator("#abp-explore .frame").bounding_box()
    page.get_by_role("button", name="Present").click()
    expect(page.locator("#abp-title")).to_be_hidden()
    expect(page.locator("#abp-gallery")).to_be_hidden()
    large = page.locator("#abp-explore .frame").bounding_box()
    assert small is not None
    assert large is not None
    assert large["height"] > small["height"]
    no_serious_findings(page)
    page.keyboard.press("Escape")
    expect(page.locator("#abp-title")).to_be_visible()
    expect(page.get_by_role("button", name="Present")).to_have_attribute("aria-pressed", "false")


def test_all_models_unfold_fold_when_chosen_and_are_gone_where_they_mean_nothing(
    visitor: Visitor,
) -> None:
    page = visitor.visit("Explore")
    gallery = page.locator("#abp-gallery")
    gallery.get_by_role("button", name="All models").click()
    for card in gallery.get_by_role("radio").all():
        card.scroll_into_view_if_needed()
        assert card.locator("span").evaluate("span => span.scrollWidth <= span.clientWidth")
    gallery.get_by_role("radio", name=TEXTURE, exact=True).click()
    expect(gallery.get_by_role("button", name="All models")).to_have_attribute(
        "aria-expanded", "false"
    )
    for tab in ("Train", "The idea"):
        page.get_by_role("tab", name=tab, exact=True).click()
        expect(gallery).to_be_hidden()
    page.get_by_role("tab", name="Explore", exact=True).click()
    expect(gallery).to_be_visible()


def test_a_finger_scrolls_over_the_picture_until_it_takes_a_brush(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, TEXTURE)
    cells = page.locator("#abp-explore .cells")
    page.get_by_role("radio", name="off", exact=True).click()
    expect(cells).to_have_css("touch-action", "auto")
    before = picture(page)
    cells.click(position={"x": 80, "y": 80})
    page.wait_for_timeout(300)
    assert picture(page) == before
    page.get_by_role("radio", name="new detail").click()
    expect(cells).to_have_css("touch-action", "none")


def test_the_focus_stays_where_something_goes(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, FACES)
    for _ in range(2):
        page.get_by_role("button", name="Keep this point").click()
    page.get_by_role("button", name="Let point 2 go").focus()
    for _ in range(2):
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.tagName") == "BUTTON"
    expect(page.get_by_role("button", name="Keep this point")).to_be_focused()


def test_one_can_skip_to_the_tabs(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    page.evaluate("document.activeElement.blur()")
    page.get_by_role("link", name="Skip to the tabs").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Explore", exact=True)).to_be_focused()


PAINTED = "canvas => canvas.toDataURL()"


def test_the_plane_names_the_nearest_example_and_draws_the_way(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, FACES)
    pad = page.locator("#abp-explore .pad")
    words = page.locator("#abp-explore .pad-figure figcaption")
    expect(words).to_have_text(
        "Dots: the codes of the 20 examples. Circles: 1 and 2 deviations of the prior."
    )
    page.get_by_role("button", name="panda", exact=True).click()
    page.get_by_role("button", name="Keep this point").click()
    alone = pad.locator("canvas").evaluate(PAINTED)
    page.get_by_role("button", name="mouse", exact=True).click()
    page.get_by_role("button", name="Keep this point").click()
    assert pad.locator("canvas").evaluate(PAINTED) != alone
    pad.scroll_into_view_if_needed()
    pad.hover(position={"x": 30, "y": 30})
    page.mouse.down()
    page.mouse.move(400, 400)
    expect(words).to_have_text(re.compile(r"^Nearest: [a-z ]+, \d\.\d\d away$"))
    animals = page.locator("#abp-explore .examples button")
    nearest = words.inner_text().removeprefix("Nearest: ").partition(",")[0]
    assert nearest in {each.get_attribute("aria-label") for each in animals.all()}
    page.mouse.up()
    expect(words).to_contain_text("Dots")


def test_the_tabs_stand_in_one_row_on_a_telephone(visitor: Visitor) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    page = visitor.visit("Explore")
    tabs = page.locator("#abp-tabs [role=tablist]").first.get_by_role("tab")
    assert len({tab.evaluate("tab => tab.offsetTop") for tab in tabs.all()}) == 1
