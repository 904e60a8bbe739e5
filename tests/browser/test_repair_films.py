"""Films in the Repair tab as a visitor meets them."""

from pathlib import Path

import av
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor, no_serious_findings
from tests.browser.test_repair_tab import DETAIL, stop
from tests.demo.films import RATE, moving_film

FRAMES = 16
CAPTIONS = "#abp-repair-stage figure:not([hidden]) figcaption"
VIDEOS = "#abp-repair-stage figure:not([hidden]) video"


def bring(page: Page, path: Path) -> None:
    """An upload, and the choices of a film that it brings."""
    page.locator("#abp-repair-upload input[type=file]").set_input_files(path)
    expect(page.locator("#abp-repair-picker [aria-checked=true]")).to_have_count(0)
    expect(page.locator("#abp-taken input:visible")).to_have_value("every second frame")


def learn(page: Page) -> None:
    page.locator("#abp-repair-begin").click()
    expect(page.locator(DETAIL)).to_contain_text("iteration", timeout=60_000)


def download(page: Page, path: Path) -> tuple[int, float]:
    """How many frames the film that is taken home has, and how many a second."""
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download the film").click()
    taken.value.save_as(path)
    with av.open(str(path)) as film:
        rate = film.streams.video[0].average_rate
        assert rate is not None
        return sum(1 for _ in film.decode(video=0)), float(rate)


@pytest.mark.parametrize("width", [1280, 390])
def test_missing_frames_of_a_film_come_back(visitor: Visitor, width: int, tmp_path: Path) -> None:
    page = visitor.seen("light", width)
    visitor.visit("Repair")
    bring(page, moving_film(tmp_path, FRAMES))
    page.get_by_label("Quick").check()
    learn(page)
    expect(page.locator(CAPTIONS)).to_have_count(4)
    recovered, blended = (page.locator(CAPTIONS).nth(k).inner_text() for k in (1, 2))
    errors = [float(words.split("off by ")[1].rstrip(" %")) for words in (recovered, blended)]
    assert 0 < errors[0] < errors[1], "what moves is recovered better than blended"
    played = f"k => [...document.querySelectorAll({VIDEOS!r})][k].currentTime > 0.2"
    for k in range(4):
        page.locator(VIDEOS).nth(k).scroll_into_view_if_needed()  # what nobody sees does not play
        page.wait_for_function(played, arg=k)
    no_serious_findings(page)
    stop(page)
    assert download(page, tmp_path / "a.mp4") == (FRAMES, RATE)


def test_the_frame_rate_of_a_film_is_doubled(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("Repair")
    picker = page.locator("#abp-repair-picker")
    picker.get_by_role("tab", name="Films").click()
    expect(page.locator("#abp-taken input:visible")).to_have_value("every second frame")
    bring(page, moving_film(tmp_path, FRAMES))
    page.get_by_label("Quick").check()
    take_away_of_film(page, "double the frame rate")
    learn(page)
    expect(page.locator(CAPTIONS)).to_have_count(3)
    expect(page.locator(CAPTIONS).nth(1)).to_have_text("At twice the rate")
    stop(page)
    assert download(page, tmp_path / "a.mp4") == (2 * FRAMES - 1, 2 * RATE)


def test_a_place_is_painted_over_in_a_frame(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("Repair")
    bring(page, moving_film(tmp_path, FRAMES))
    take_away_of_film(page, "what you paint")
    page.locator("#abp-repair-editor canvas").first.wait_for()
    page.locator("#abp-repair-begin").click()
    expect(page.locator("#abp-repair-notice [role=alert]")).to_contain_text("Nothing is painted")


def take_away_of_film(page: Page, words: str) -> None:
    page.locator("#abp-taken input:visible").click()
    page.get_by_role("option", name=words).click()
