"""A film without end, and one that is wider than what was learnt, as a visitor meets them."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings, tab_to
from tests.tiny import film_run

REEL = "#abp-reel [data-state], #abp-reel[data-state]"
WORK = "#abp-work [data-made], #abp-work[data-made]"
RATE = 15
AHEAD = 3  # seconds, and the stretch that may be under way
PICTURE = """() => {
    const canvas = document.querySelector("#abp-reel canvas");
    const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return bytes.reduce((sum, byte, k) => (31 * sum + byte + k) % 1000003, 0);
}"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "waves.safetensors"
    film_run().save(path)
    return path


def opened(visitor: Visitor, model: Path) -> Page:
    """The tab with a film, the first of which is made by itself."""
    page = visitor.visit("Synthesise")
    expect(page.locator(WORK)).to_have_attribute("data-made", "1", timeout=20_000)
    page.locator("input[type=file]").first.set_input_files(model)
    expect(page.locator("#abp-model")).to_contain_text("Current model: made, film")
    expect(page.locator(WORK)).to_have_attribute("data-made", "2", timeout=60_000)
    return page


def told(page: Page, name: str) -> int:
    return int(page.locator(REEL).get_attribute(f"data-{name}") or 0)


def await_shown(page: Page, frames: int) -> None:
    page.wait_for_function(
        "([reel, frames]) => Number(document.querySelector(reel)?.dataset.shown) >= frames",
        arg=[REEL, frames],
        timeout=20_000,
    )


def play(page: Page) -> None:
    page.get_by_role("button", name="Play without end").click()
    expect(page.locator(REEL)).to_have_attribute("data-state", "playing")


def canvas_size(page: Page) -> Any:
    return page.locator("#abp-reel canvas").evaluate("c => [c.width, c.height]")


def test_it_goes_on_until_it_is_paused_and_then_from_there(visitor: Visitor, model: Path) -> None:
    page = opened(visitor, model)
    expect(page.locator(REEL)).to_have_attribute("data-state", "still")  # not by itself
    expect(page.locator("#abp-reel canvas")).to_be_hidden()
    play(page)
    await_shown(page, 1)
    assert canvas_size(page) == [64, 48]
    first = page.evaluate(PICTURE)
    await_shown(page, 4 * RATE)
    assert page.evaluate(PICTURE) != first
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(REEL)).to_have_attribute("data-state", "paused")
    page.wait_for_timeout(500)  # what was under way has come
    shown, stretches = told(page, "shown"), told(page, "stretches")
    assert stretches * 8 - shown <= (AHEAD + 1) * RATE  # no more is held than that
    still = page.evaluate(PICTURE)
    page.wait_for_timeout(1000)
    assert (told(page, "shown"), told(page, "stretches")) == (shown, stretches)
    assert page.evaluate(PICTURE) == still
    play(page)
    await_shown(page, shown + RATE)
    assert told(page, "stretches") > stretches


def test_by_keyboard_and_where_nothing_should_move(visitor: Visitor, model: Path) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = opened(visitor, model)
    expect(page.locator(REEL)).to_have_attribute("data-state", "still")
    tab_to(page, "#abp-reel button")
    page.keyboard.press("Enter")
    await_shown(page, 3)
    page.keyboard.press("Space")
    expect(page.locator(REEL)).to_have_attribute("data-state", "paused")
    expect(page.locator("#abp-reel [role=status]")).to_have_text("Paused.")


def test_another_film_begins_anew(visitor: Visitor, model: Path) -> None:
    page = opened(visitor, model)
    play(page)
    await_shown(page, 2 * RATE)
    page.get_by_label("Width in pixels").fill("128")
    page.get_by_label("Width in pixels").press("Tab")
    page.wait_for_function("document.querySelector('#abp-reel canvas').width === 128")
    assert told(page, "shown") < 2 * RATE
    page.get_by_label("Width in pixels").fill("130")
    page.get_by_label("Width in pixels").press("Tab")
    expect(page.locator("#abp-reel [role=alert]")).to_contain_text("a multiple of 4 pixels")
    expect(page.locator(REEL)).to_have_attribute("data-state", "still")
    page.get_by_label("Width in pixels").fill("64")
    page.get_by_label("Width in pixels").press("Tab")
    play(page)
    await_shown(page, 1)
    expect(page.locator("#abp-reel [role=alert]")).to_be_hidden()
    page.get_by_role("tab", name="Train", exact=True).click()
    page.wait_for_timeout(500)
    stretches = told(page, "stretches")
    page.wait_for_timeout(1000)
    assert told(page, "stretches") == stretches  # nobody sees it
    page.get_by_role("tab", name="Synthesise", exact=True).click()
    await_shown(page, told(page, "shown") + 5)
    page.locator("#abp-gallery").get_by_role("radio", name="pebbles", exact=True).click()
    expect(page.locator("#abp-reel canvas")).to_have_count(0)


def test_a_wider_film_is_made(visitor: Visitor, model: Path) -> None:
    page = opened(visitor, model)
    page.get_by_label("Width in pixels").fill("192")
    page.get_by_label("Width in pixels").press("Tab")
    page.wait_for_timeout(400)
    page.get_by_role("button", name="Make", exact=True).click()
    expect(page.locator(WORK)).to_have_attribute("data-made", "3", timeout=60_000)
    size = page.locator("#abp-work dt:text-is('Size') + dd")
    expect(size).to_have_text("192 x 48 pixels")
    video = page.locator("#abp-work video").first
    page.wait_for_function("document.querySelector('#abp-work video').videoWidth > 0")
    assert video.evaluate("v => v.videoWidth / v.videoHeight") == 4
    command = page.get_by_label("The command that makes it again").input_value()
    assert "--size 192x48" in command


@every_view
def test_nothing_serious_while_it_plays(
    visitor: Visitor, model: Path, scheme: Scheme, width: int
) -> None:
    visitor.seen(scheme, width)
    page = opened(visitor, model)
    play(page)
    await_shown(page, 3)
    no_serious_findings(page)
