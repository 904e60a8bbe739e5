"""From what was learnt to what one wants of it: a tile, a texture without end, a sound."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from benchmarks.journeys import photo
from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings, tab_to
from tests.browser.test_train_tab import await_iteration, stop, train

WORK = "#abp-work [data-made], #abp-work[data-made]"
CANVAS = "#abp-pan [data-pieces], #abp-pan[data-pieces]"


def await_pieces(page: Page, at_least: int) -> None:
    page.wait_for_function(
        "([s, n]) => +document.querySelector(s)?.dataset.pieces >= n", arg=[CANVAS, at_least]
    )


def at(page: Page) -> list[int]:
    place = page.locator(CANVAS).get_attribute("data-at") or "0 0"
    return [int(number) for number in place.split()]


def test_a_photo_becomes_a_tile_in_four_actions(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    page.set_viewport_size({"width": 390, "height": 844})
    visitor.visit("Train")  # the first
    page.locator("#abp-upload input[type=file]").set_input_files(photo())
    expect(page.locator(".abp-notice")).to_contain_text("wall.jpg: a picture")
    page.locator("#abp-train").click()
    await_iteration(page, 20)
    page.get_by_role("button", name="Make a tile").click()
    expect(page.locator("#abp-work .headline")).to_contain_text("Wall", timeout=60_000)
    expect(page.locator("#abp-work .views")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("radio", name="both")).to_be_checked()
    with page.expect_download() as taken:
        page.locator("#abp-make-orders a, #abp-make-orders button").filter(has_text="PNG").click()
    taken.value.save_as(tmp_path / "tile.png")
    tile = np.asarray(Image.open(tmp_path / "tile.png").convert("RGB")).astype(float)
    seam = np.abs(tile[:, 0] - tile[:, -1]).mean() + np.abs(tile[0] - tile[-1]).mean()
    inside = np.abs(np.diff(tile, axis=1)).mean() + np.abs(np.diff(tile, axis=0)).mean()
    assert seam < 1.5 * inside + 1
    page.get_by_role("tab", name="Train", exact=True).click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#abp-model")).to_contain_text("your run")


def test_who_watched_a_run_end_has_it_as_the_current_model(visitor: Visitor) -> None:
    page = visitor.visit("Train")
    train(page, "sound", "campfire")
    await_iteration(page, 3)
    expect(page.locator("#abp-model")).not_to_contain_text("your run")
    stop(page, "campfire")
    expect(page.locator("#abp-model")).to_contain_text("campfire, sound, your run")
    page.get_by_role("button", name="Listen endlessly").click()
    expect(page.locator("#abp-endless [data-state], #abp-endless[data-state]")).to_have_attribute(
        "data-state", "playing", timeout=30_000
    )
    page.locator("#abp-endless button").click()
    page.get_by_role("tab", name="Train", exact=True).click()
    page.get_by_role("button", name="Explore it").click()
    expect(page.get_by_role("tab", name="Explore", exact=True)).to_have_attribute(
        "aria-selected", "true"
    )


def test_a_run_is_used_while_it_grows(visitor: Visitor) -> None:
    page = visitor.visit("Train")
    train(page, "texture", "pebbles")
    await_iteration(page, 3)
    page.get_by_role("button", name="Use the model I am training").click()
    of = page.locator("#abp-model .as-of")
    expect(page.locator("#abp-model")).to_contain_text("pebbles, texture, your run as of iteration")
    page.get_by_role("tab", name="Synthesise", exact=True).click()
    made = page.locator("#abp-work dl")
    expect(made).to_contain_text("pebbles, iteration", ignore_case=True, timeout=60_000)
    shown = made.inner_text()
    first = int(re.findall(r"iteration (\d+)", shown, re.IGNORECASE)[0])
    expect(of).to_have_text(str(first))  # the page may hear of it a little later
    picture = page.locator("#abp-work figure img").first.get_attribute("src")
    await_iteration(page, first + 30)
    page.wait_for_timeout(5000)  # a snapshot stands so long
    assert int(of.inner_text()) == first, "nothing was made anew"
    assert made.inner_text() == shown
    make = page.locator("#abp-make")
    make.focus()
    page.keyboard.press("Enter")
    expect(of).not_to_have_text(str(first), timeout=60_000)
    expect(made).to_contain_text(f"iteration {of.inner_text()}", timeout=60_000)
    assert page.locator("#abp-work figure img").first.get_attribute("src") != picture
    expect(make).to_be_focused()
    page.get_by_role("tab", name="Train", exact=True).click()
    stop(page, "pebbles")


def opened(visitor: Visitor) -> Page:
    page = visitor.visit("Synthesise")
    page.locator("#abp-gallery").get_by_role("radio", name="pebbles", exact=True).click()
    expect(page.locator("#abp-work .headline")).to_contain_text("Pebbles", timeout=60_000)
    page.get_by_role("button", name="Endless canvas").click()
    return page


@pytest.fixture
def canvas(visitor: Visitor) -> Page:
    return opened(visitor)


def test_a_texture_without_end_is_moved_over(canvas: Page) -> None:
    page = canvas
    await_pieces(page, 4)
    before = at(page)
    page.wait_for_function(
        "([s, x]) => +document.querySelector(s).dataset.at.split(' ')[0] > x",
        arg=[CANVAS, before[0]],
    )  # by itself
    page.mouse.move(600, 300)
    page.mouse.down()
    page.mouse.move(300, 200, steps=6)
    page.mouse.up()
    moved = at(page)
    page.wait_for_timeout(500)
    assert at(page) == moved, "it was touched"
    assert moved[0] - before[0] >= 300
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert at(page)[1] == moved[1] - 160
    view = page.locator("#abp-pan .view").bounding_box()
    assert view is not None
    shown = page.locator("#abp-pan .view img.there")
    await_pieces(page, 12)
    assert shown.count() >= 10
    page.keyboard.press("Escape")
    expect(page.locator("#abp-pan dialog")).to_be_hidden()
    assert page.evaluate("() => document.activeElement.className") == "open"


def await_stroke(page: Page) -> None:
    """Until the pieces that a stroke changed have come."""
    expect(page.locator(CANVAS)).to_have_attribute("data-awaited", "0", timeout=60_000)


def at_the_middle(page: Page) -> str:
    """The piece in which the brush stands that is moved by the keys, as it was sent."""
    found = page.evaluate(
        """() => {
            const view = document.querySelector("#abp-pan .view").getBoundingClientRect();
            const [x, y] = [view.width / 2, view.height / 2];
            return [...document.querySelectorAll("#abp-pan img.there")].find((image) => {
                const box = image.getBoundingClientRect();
                return box.left <= x && x < box.right && box.top <= y && y < box.bottom;
            })?.src;
        }"""
    )
    return str(found)


def test_a_stroke_draws_its_place_anew_and_is_undone(canvas: Page) -> None:
    page = canvas
    await_pieces(page, 6)
    page.get_by_role("button", name="Brush: new detail").click()
    still, before = at(page), at_the_middle(page)
    box = page.locator("#abp-pan .view").bounding_box()
    assert box is not None
    x, y = box["width"] / 2, box["height"] / 2
    page.mouse.move(x - 60, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 20, steps=4)
    expect(page.locator("#abp-pan .marks")).to_be_visible()
    page.mouse.up()
    assert at(page) == still, "it draws, it does not move"
    expect(page.locator(CANVAS)).to_have_attribute("data-strokes", "1")
    await_stroke(page)
    expect(page.locator("#abp-pan .spoken")).to_contain_text("Drawn anew, so that it fits")
    after = at_the_middle(page)
    assert after != before

    page.get_by_role("button", name="Brush: new detail").click()  # to drag is to move again
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 100, y, steps=2)
    page.mouse.move(x, y, steps=2)
    page.mouse.up()
    assert at(page) == still
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Endless canvas").click()
    expect(page.locator(CANVAS)).to_have_attribute("data-strokes", "1")
    undo = page.get_by_role("button", name="Undo", exact=True).locator("visible=true")
    undo.click()
    expect(page.locator(CANVAS)).to_have_attribute("data-strokes", "0")
    expect(undo).to_be_disabled()
    assert page.evaluate("() => document.activeElement.className") == "brush"


def test_what_is_brushed_by_the_keys_is_there_again(visitor: Visitor) -> None:
    """Of what was seen before nothing is held but the strokes."""
    visitor.page.emulate_media(reduced_motion="reduce")
    page = opened(visitor)
    await_pieces(page, 4)
    before = at_the_middle(page)
    tab_to(page, "#abp-pan .brush", 10)
    page.keyboard.press("Enter")
    page.locator("#abp-pan .view").focus()
    page.keyboard.press("Enter")
    expect(page.locator(CANVAS)).to_have_attribute("data-strokes", "1")
    await_stroke(page)
    after = at_the_middle(page)
    assert after != before
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Endless canvas").click()
    page.wait_for_function(
        "src => [...document.querySelectorAll('#abp-pan img.there')].some((i) => i.src === src)",
        arg=after,
    )


def test_a_tile_is_taken_of_what_is_shown(canvas: Page, tmp_path: Path) -> None:
    page = canvas
    page.set_viewport_size({"width": 390, "height": 844})
    await_pieces(page, 2)
    with page.expect_download(timeout=60_000) as taken:
        page.get_by_role("button", name="Take a tile").click()
    expect(page.locator("#abp-pan .spoken")).to_contain_text("it continues itself at every edge")
    assert taken.value.suggested_filename.startswith("pebbles-tile-384x")
    taken.value.save_as(tmp_path / "tile.png")
    tile = np.asarray(Image.open(tmp_path / "tile.png").convert("RGB")).astype(float)
    assert tile.shape[1] == 384, "as many whole latents as the window is wide"
    seam = np.abs(tile[:, 0] - tile[:, -1]).mean() + np.abs(tile[0] - tile[-1]).mean()
    inside = np.abs(np.diff(tile, axis=1)).mean() + np.abs(np.diff(tile, axis=0)).mean()
    assert seam < 1.5 * inside + 1


def test_who_wants_nothing_to_move_moves_it_alone(visitor: Visitor) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = visitor.visit("Synthesise")
    page.locator("#abp-gallery").get_by_role("radio", name="pebbles", exact=True).click()
    page.get_by_role("button", name="Endless canvas").focus()
    page.keyboard.press("Enter")
    await_pieces(page, 1)
    still = at(page)
    page.wait_for_timeout(600)
    assert at(page) == still
    tab_to(page, "#abp-pan .close", 10)
    page.keyboard.press("Enter")
    expect(page.locator("#abp-pan dialog")).to_be_hidden()


@every_view
def test_everyone_can_use_it(visitor: Visitor, scheme: Scheme, width: int) -> None:
    page = visitor.seen(scheme, width)
    visitor.visit("Synthesise")
    page.locator("#abp-gallery").get_by_role("radio", name="pebbles", exact=True).click()
    page.get_by_role("button", name="Endless canvas").click()
    await_pieces(page, 2)
    page.get_by_role("button", name="Brush: new detail").click()
    page.locator("#abp-pan .view").focus()
    page.keyboard.press("Enter")
    no_serious_findings(page)
