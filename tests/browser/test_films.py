"""A film from the visitor's own file to a new one in their hands."""

import math
import zipfile
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from abp_core.synthesis.film import write_film
from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings, tab_to
from tests.browser.test_train_tab import await_iteration, stop, train

RATE = 12
LEARNT = 24  # frames of the visitor's film
WORK = "#abp-work [data-made], #abp-work[data-made]"


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of ripples."""
    path = tmp_path_factory.mktemp("films") / "pond.mp4"
    down, across = np.mgrid[:64, :64] / 64
    frames = []
    for k in range(LEARNT):
        wave = np.sin(2 * math.pi * (2 * across + down - k / LEARNT))
        shades = np.stack([90 + 60 * wave, 120 + 50 * wave, 160 + 40 * wave], -1)
        frames.append(shades.round().astype(np.uint8))
    with path.open("w+b") as file:
        write_film(file, frames, RATE)
    return path


def learn(page: Page, film: Path) -> None:
    page.locator("#abp-upload input[type=file]").set_input_files(film)
    expect(page.locator(".abp-notice")).to_contain_text("a film")
    page.get_by_role("button", name="Train", exact=True).click()
    await_iteration(page, 30)


def films(page: Page, place: str) -> list[dict[str, float]]:
    """Of those that are shown: their length in seconds, and where each stands."""
    found: list[dict[str, float]] = page.evaluate(
        """place => [...document.querySelectorAll(place + ' video')]
            .filter((each) => each.currentSrc && each.offsetParent)
            .map((each) => ({ length: each.duration, at: each.currentTime }))""",
        place,
    )
    return found


def await_motion(page: Page, place: str, number: int) -> None:
    """So many films play there."""
    page.wait_for_function(
        """([place, number]) => [...document.querySelectorAll(place + ' video')]
            .filter((each) => each.offsetParent && each.currentTime > 0 && !each.paused)
            .length === number""",
        arg=[place, number],
        timeout=60_000,
    )


def test_a_film_is_learnt_goes_on_and_is_taken_home(
    visitor: Visitor, pond: Path, tmp_path: Path
) -> None:
    page = visitor.visit()
    learn(page, pond)
    await_motion(page, "#abp-stage", 3)
    expect(page.locator("#abp-stage figcaption:visible")).to_have_text(
        ["The film", "Rebuilt by the model", "How it goes on"]
    )
    stop(page, "pond")
    expect(page.locator("#abp-model")).to_contain_text("pond, film, your run")
    page.get_by_role("tab", name="Synthesise", exact=True).click()
    page.locator(WORK).wait_for(timeout=60_000)  # one is made before the first click
    page.get_by_role("spinbutton", name="Seconds").fill("3")
    page.get_by_role("spinbutton", name="Seconds").press("Tab")
    page.locator("#abp-make").click()
    expect(page.locator("#abp-work dl")).to_contain_text("3 s, 36 frames at 12 a second")
    await_motion(page, "#abp-work", 1)
    (shown,) = films(page, "#abp-work")
    assert shown["length"] == pytest.approx(3, abs=0.05)
    with page.expect_download() as taken:
        page.locator("#abp-make-orders a, #abp-make-orders button").filter(has_text="MP4").click()
    taken.value.save_as(tmp_path / "made.mp4")
    with av.open(str(tmp_path / "made.mp4")) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name == "h264"
        frames = [frame.to_ndarray(format="gray") for frame in film.decode(stream)]
    assert len(frames) == 3 * RATE
    moved = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(frames)]
    assert min(moved) > 0.5, "no frame stands still"
    played = page.evaluate(
        """async (bytes) => {
            const video = document.createElement("video");
            video.muted = true;
            video.src = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
            await video.play();
            while (!video.ended) await new Promise((done) => setTimeout(done, 50));
            return video.duration;
        }""",
        list((tmp_path / "made.mp4").read_bytes()),
    )
    assert played == pytest.approx(3, abs=0.05)


def test_numbered_pictures_are_a_film_if_the_visitor_says_so(
    visitor: Visitor, tmp_path: Path
) -> None:
    path = tmp_path / "walk.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(12):
            name = f"frame_{k:03}.png"
            Image.new("RGB", (48, 48), (20 * k, 90, 255 - 20 * k)).save(tmp_path / name)
            archive.write(tmp_path / name, name)
    page = visitor.visit()
    page.locator("#abp-upload input[type=file]").set_input_files(path)
    ways = page.locator("#abp-learn-as")
    expect(ways).to_be_visible()
    expect(page.locator(".abp-notice")).to_contain_text("a film")
    expect(ways.get_by_role("radio").nth(0)).to_be_visible()
    ways.get_by_role("radio").and_(page.locator(":not(:checked)")).click()
    expect(page.locator(".abp-notice")).to_contain_text("12 pictures")


@every_view
def test_a_film_that_is_learnt_and_made_can_be_used_by_everybody(
    visitor: Visitor, pond: Path, width: int, scheme: Scheme
) -> None:
    page = visitor.seen(scheme, width)
    visitor.visit()
    learn(page, pond)
    await_motion(page, "#abp-stage", 3)
    no_serious_findings(page)
    stop(page, "pond")
    expect(page.locator("#abp-model")).to_contain_text("pond, film")
    page.get_by_role("tab", name="Synthesise", exact=True).click()
    page.locator(WORK).wait_for(timeout=60_000)
    no_serious_findings(page)
    tab_to(page, "#abp-make")
    before = page.locator("#abp-work dl").inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # another seed
    expect(page.locator("#abp-work dl")).not_to_have_text(before, timeout=60_000)


def test_films_of_the_pack_move_under_the_hand_unless_nothing_may_move(visitor: Visitor) -> None:
    page = visitor.visit()
    picker = page.locator("#abp-picker")
    picker.get_by_role("tab", name="Films").click()
    card = picker.get_by_role("radio", name="waving tree", exact=True)
    expect(picker.locator("video")).to_have_count(0)
    card.hover()
    expect(card.locator("video")).to_have_count(1)
    page.mouse.move(0, 0)
    expect(card.locator("video")).to_have_count(0)
    page.emulate_media(reduced_motion="reduce")
    card.hover()
    page.wait_for_timeout(300)
    expect(card.locator("video")).to_have_count(0)


def test_a_film_of_the_pack_is_learnt(visitor: Visitor) -> None:
    page = visitor.visit()
    train(page, "Films", "rotating earth")
    await_iteration(page, 5)
    await_motion(page, "#abp-stage", 3)
    stop(page, "rotating earth")


def test_films_of_the_gallery_move_where_they_are_seen_until_they_are_held(
    visitor: Visitor,
) -> None:
    page = visitor.visit("Explore")
    gallery = page.locator("#abp-gallery")
    expect(gallery.locator("video")).to_have_count(0)  # they stand beyond the strip's end
    gallery.get_by_role("button", name="All models").click()
    gallery.get_by_role("radio", name="palms", exact=True).scroll_into_view_if_needed()
    await_motion(page, "#abp-gallery", 4)
    gallery.get_by_role("button", name="Hold the gallery still").click()
    expect(gallery.locator("video")).to_have_count(0)
    gallery.get_by_role("button", name="Let the gallery move").click()
    await_motion(page, "#abp-gallery", 4)
    page.emulate_media(reduced_motion="reduce")
    expect(gallery.locator("video")).to_have_count(0)
