"""Explore and Inference with a model of a film, as a visitor meets them."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings
from tests.browser.test_explore_tab import changed, picture, pixels
from tests.demo.films import film_run

TIME = "#abp-explore .time output"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("film") / "tree.safetensors"
    film_run(iterations=60).save(file)
    return file


def opened(visitor: Visitor, model: Path, tab: str = "Explore") -> Page:
    page = visitor.visit(tab)
    expect(page.locator("#abp-model")).to_contain_text("iteration")  # the first model has arrived
    page.locator("#abp-current input[type=file]").set_input_files(model)
    expect(page.locator("#abp-model")).to_contain_text("waving tree, film, from your file")
    expect(page.locator("#abp-explore .picture")).to_have_attribute("alt", re.compile("^waving"))
    return page


def test_time_moves_by_keyboard_and_the_picture_with_it(visitor: Visitor, model: Path) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = opened(visitor, model)
    first = picture(page)
    slider = page.get_by_role("slider", name="Moment of the film")
    slider.focus()
    page.keyboard.press("ArrowRight")
    second = changed(page, first)
    expect(page.locator(TIME)).to_have_text("0.07 s of 1.93 s")
    page.keyboard.press("Shift+ArrowRight")  # between two frames
    third = changed(page, second)
    expect(page.locator(TIME)).to_have_text("0.08 s of 1.93 s")
    page.keyboard.press("End")
    changed(page, third)
    expect(slider).to_have_attribute("aria-valuetext", "1.93 s of 1.93 s")
    page.keyboard.press("Home")
    expect(page.locator("#abp-explore .picture")).to_have_attribute("src", first)
    page.get_by_role("button", name="frame 30 (1.93 s)").first.click()
    expect(page.locator(TIME)).to_have_text("1.93 s of 1.93 s")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#abp-explore .picture")).to_have_attribute("src", first)


def test_a_film_plays_once_by_itself_unless_nothing_is_to_move(
    visitor: Visitor, model: Path
) -> None:
    page = opened(visitor, model)
    expect(page.locator(TIME)).to_have_text("1.93 s of 1.93 s")
    play = page.locator("#abp-explore .run")
    expect(play).to_have_accessible_name("Play")
    play.click()
    expect(play).to_have_accessible_name("Pause")
    expect(page.locator(TIME)).not_to_have_text("1.93 s of 1.93 s")
    play.click()
    expect(play).to_have_accessible_name("Play")
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page = opened(visitor, model)
    expect(play).to_have_accessible_name("Play")
    expect(page.locator(TIME)).to_have_text("0.00 s of 1.93 s")


def test_a_stroke_stops_one_place_while_the_rest_goes_on(visitor: Visitor, model: Path) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = opened(visitor, model)
    first = picture(page)
    start = pixels(first)
    slider = page.get_by_role("slider", name="Moment of the film")
    slider.focus()
    page.keyboard.press("End")
    free = changed(page, first)
    page.keyboard.press("Home")
    changed(page, free)
    page.get_by_role("radio", name="stop it").click()
    page.locator("#abp-explore .width").fill("5")
    cells = page.locator("#abp-explore .cells")
    cells.scroll_into_view_if_needed()
    box = cells.bounding_box()
    assert box is not None
    cells.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    expect(page.locator("#abp-explore .spoken")).to_contain_text("stays as it is at 0.00 s")
    before = picture(page)
    slider.focus()
    page.keyboard.press("End")
    ends = pixels(changed(page, before))
    middle, edge = (slice(42, 54), slice(42, 54)), (slice(0, 18), slice(0, 96))
    assert np.abs(ends[middle] - start[middle]).mean() < 3, "it stands still"
    assert np.abs(ends[edge] - pixels(free)[edge]).mean() < 1, "the rest goes on as before"
    assert np.abs(pixels(free)[middle] - start[middle]).mean() > 5, "where it would have moved"


def test_a_walk_over_frames_in_a_row_comes_to_its_end(visitor: Visitor, model: Path) -> None:
    page = opened(visitor, model, "Inference")
    examples = page.locator("#abp-infer .examples")
    expect(examples.get_by_role("radio")).to_have_count(24)
    page.locator("#abp-infer .wish[name=steps]").fill("12")
    examples.get_by_role("radio", name="frame 30 (1.93 s)").click()
    expect(page.locator("#abp-infer .last .spoken")).to_have_text(re.compile("frames 27 to 30"))
    expect(page.locator("#abp-infer .step")).to_have_text("step 12 of 12")
    expect(page.locator("#abp-infer .verdict")).not_to_be_empty()
    observed = pixels(str(page.locator("#abp-infer .observed").get_attribute("src")))
    assert observed.shape[:2] == (96, 4 * 96)
    expect(page.locator("#abp-infer .land img")).to_have_attribute("src", re.compile("^data:"))
    with page.expect_download() as waited:
        page.get_by_role("button", name="Record (.npz)").click()
    with np.load(waited.value.path()) as record:
        assert record["z"].shape == (13, 2, 10, 4, 24, 24)
    page.get_by_label("Frames in a row").select_option("1")
    page.get_by_role("button", name="Infer", exact=True).click()
    expect(page.locator("#abp-infer .last .spoken")).to_have_text(re.compile("frame 30"))
    expect(page.locator("#abp-infer .observed")).to_have_js_property("naturalWidth", 96)


@every_view
@pytest.mark.parametrize("tab", ["Explore", "Inference"])
def test_everyone_can_use_a_film(
    visitor: Visitor, model: Path, tab: str, scheme: Scheme, width: int
) -> None:
    page = visitor.seen(scheme, width)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    opened(visitor, model, tab)
    if tab == "Inference":
        expect(page.locator("#abp-infer .step")).to_have_text("step 0 of 60")
    else:
        expect(page.locator(TIME)).to_have_text("0.00 s of 1.93 s")
    no_serious_findings(page)
