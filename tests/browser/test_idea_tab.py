"""The tab of the idea as a visitor meets it: it learns by itself, in the browser alone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings, tab_to

IDEA, NAME = "#abp-idea", "The idea"
WORDS = f"{IDEA} .words"


def iteration(page: Page) -> int:
    found = re.search(r"iteration (\d+)", page.locator(WORDS).inner_text())
    return int(found[1]) if found else 0


def misfit(page: Page) -> float:
    return float(page.locator(f"{IDEA} .misfit").inner_text())


def until_iteration(page: Page, least: int) -> None:
    page.wait_for_function(
        "([words, least]) => +(/iteration (\\d+)/.exec(document.querySelector(words).innerText)"
        "?.[1] ?? 0) >= least",
        arg=[WORDS, least],
    )


def press(page: Page, name: str) -> None:
    page.locator(IDEA).get_by_role("button", name=name, exact=True).click()


def test_it_learns_by_itself_and_stops_when_it_is_not_looked_at(visitor: Visitor) -> None:
    page = visitor.visit(NAME)
    until_iteration(page, 1)
    before = misfit(page)
    until_iteration(page, 60)
    assert misfit(page) < before
    page.get_by_role("tab", name="Train", exact=True).click()
    expect(page.locator(IDEA)).to_be_hidden()
    words = page.locator(WORDS)
    page.evaluate("new Promise((done) => setTimeout(done, 300))")  # what was under way is over
    stood = words.text_content()
    page.evaluate("new Promise((done) => setTimeout(done, 500))")
    assert words.text_content() == stood


def test_it_needs_no_studio_while_it_runs(visitor: Visitor) -> None:
    page = visitor.visit(NAME)
    until_iteration(page, 1)
    page.context.set_offline(True)
    for name in ("Ring", "Two moons", "Letter"):
        page.locator(IDEA).get_by_role("radio", name=name).click()
        until_iteration(page, 2)
    press(page, "Start again")
    page.locator(f"{IDEA} .latent").select_option("2")
    until_iteration(page, 3)
    page.context.set_offline(False)
    disconnected = [each for each in visitor.complaints if "ERR_INTERNET_DISCONNECTED" in each]
    assert visitor.complaints == disconnected
    visitor.complaints.clear()  # the page asks now and then what the visitor's run does


@pytest.mark.parametrize("latent", ["1", "2"])
def test_one_move_at_a_time_says_which(visitor: Visitor, latent: str) -> None:
    page = visitor.visit(NAME)
    page.locator(f"{IDEA} .latent").select_option(latent)
    press(page, "Pause")
    press(page, "Start again")
    expect(page.locator(WORDS)).to_have_text("Press Play, or take one move.")
    for step in range(1, 7):
        press(page, "One move")
        expect(page.locator(WORDS)).to_contain_text(f"Inference, step {step} of 6")
    before = misfit(page)
    press(page, "One move")
    expect(page.locator(WORDS)).to_contain_text("Learning")
    expect(page.locator(f"{IDEA} .spoken")).to_contain_text("Learning")
    assert misfit(page) != before


def test_points_that_are_drawn_are_learnt(visitor: Visitor) -> None:
    page = visitor.visit(NAME)
    page.locator(IDEA).get_by_role("radio", name="Draw your own").click()
    expect(page.locator(f"{IDEA} .hint")).to_be_visible()
    expect(page.locator(f"{IDEA} .misfit")).to_have_text("-")
    plane = page.locator(f"{IDEA} .plane")
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 200, steps=12)
    page.mouse.up()
    expect(page.locator(f"{IDEA} .hint")).to_be_hidden()
    points = int(page.locator(f"{IDEA} .chosen").get_attribute("max") or 0)
    assert 8 <= points <= 14
    until_iteration(page, 40)
    press(page, "Clear")
    expect(page.locator(f"{IDEA} .hint")).to_be_visible()


def test_who_wants_no_motion_sees_it_learnt_and_waiting(visitor: Visitor) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = visitor.visit(NAME)
    play = page.locator(IDEA).get_by_role("button", name="Play", exact=True)
    expect(play).to_be_visible()
    expect(page.locator(f"{IDEA} .misfit")).to_have_text(re.compile(r"^[0-3]\."))
    play.click()
    until_iteration(page, 251)


def test_the_keyboard_reaches_everything(visitor: Visitor) -> None:
    page = visitor.visit(NAME)
    page.get_by_role("tab", name=NAME, exact=True).focus()
    tab_to(page, f"{IDEA} .shapes button")
    page.keyboard.press("ArrowRight")
    expect(page.locator(IDEA).get_by_role("radio", name="Ring")).to_be_checked()
    for selector in (".clear", ".play", ".one", ".again", ".speed", ".latent", ".chosen"):
        tab_to(page, f"{IDEA} {selector}")
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"{IDEA} .chosen")).to_have_value("2")


@every_view
def test_it_is_usable_in_every_view(visitor: Visitor, scheme: Scheme, width: int) -> None:
    visitor.seen(scheme, width)
    page = visitor.visit(NAME)
    expect(page.locator("#abp-open")).to_be_enabled()
    until_iteration(page, 20)  # by then its colours have changed, too
    no_serious_findings(page)
