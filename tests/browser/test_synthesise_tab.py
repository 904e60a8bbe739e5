"""The Synthesise tab as a visitor meets it."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings, tab_to

WORK = "#abp-work [data-made], #abp-work[data-made]"
ENDLESS = "#abp-endless [data-state], #abp-endless[data-state]"
TEXTURE, SOUND, OBJECTS = "pebbles", "stream", "toon faces"


def choose(page: Page, name: str) -> None:
    """Another model, of which something is made by itself."""
    before = int(page.locator(WORK).get_attribute("data-made") or 0)
    page.locator("#abp-gallery").get_by_role("radio", name=name, exact=True).click()
    expect(page.locator("#abp-model")).to_contain_text(f"Current model: {name}")
    field = {SOUND: "Seconds", OBJECTS: "Pictures on the sheet"}.get(name, "Width in pixels")
    expect(page.get_by_label(field).first).to_be_visible()
    expect(page.locator(WORK)).to_have_attribute("data-made", str(before + 1), timeout=60_000)


def opened(visitor: Visitor, name: str) -> Page:
    """The tab with a model; the first thing is made by itself."""
    page = visitor.visit("Synthesise")
    expect(page.locator(WORK)).to_have_attribute("data-made", "1", timeout=20_000)
    choose(page, name)
    return page


def press(page: Page, button: str = "Make") -> None:
    """A click that comes before the last answer is quite over is not taken."""
    page.wait_for_timeout(400)
    page.get_by_role("button", name=button, exact=True).click()


def make(page: Page, button: str = "Make") -> None:
    before = int(page.locator(WORK).get_attribute("data-made") or 0)
    press(page, button)
    expect(page.locator(WORK)).to_have_attribute("data-made", str(before + 1), timeout=60_000)


def download(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).or_(
            page.get_by_role("link", name=button, exact=True)
        ).first.click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def fact(page: Page, name: str) -> Locator:
    return page.locator(f"#abp-work dt:text-is('{name}') + dd")


def seed(page: Page, text: str) -> None:
    page.locator("#abp-seed textarea, #abp-seed input").fill(text)


def test_a_texture_becomes_a_tile_that_is_taken_home(visitor: Visitor, tmp_path: Path) -> None:
    page = opened(visitor, TEXTURE)
    page.get_by_label("Width in pixels").fill("256")
    page.get_by_label("Height in pixels").fill("192")
    page.get_by_role("radio", name="both").check()
    seed(page, "11")
    make(page)
    expect(fact(page, "Size")).to_have_text("256 x 192 pixels")
    expect(fact(page, "Seed")).to_have_text("11")
    command = page.get_by_label("The command that makes it again").input_value()
    assert "--checkpoint checkpoints/pebbles.safetensors" in command
    assert "--size 256x192 --tile xy --seed 11" in command

    picture = page.locator("#abp-work .frame img").first
    size = "img => [img.naturalWidth, img.naturalHeight]"
    assert picture.evaluate(size) == [512, 384], "two by two"
    page.get_by_role("button", name="One tile").click()
    frame = page.locator("#abp-work .frame").first.bounding_box()
    assert frame is not None
    assert frame["width"] == pytest.approx(256, abs=2)
    assert frame["height"] == pytest.approx(192, abs=2)
    page.get_by_role("button", name="Shifted by half").click()
    moved = picture.bounding_box()
    assert moved is not None
    assert moved["x"] == pytest.approx(frame["x"] - 128, abs=2)
    assert moved["y"] == pytest.approx(frame["y"] - 96, abs=2)
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Actual size").click()
    whole = picture.bounding_box()
    assert whole is not None
    assert (whole["width"], whole["height"]) == (512, 384)
    page.locator("#abp-work .frame").first.evaluate("frame => frame.scrollTo(60, 0)")
    assert page.locator("#abp-work .frame").first.evaluate("frame => frame.scrollLeft") == 60
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="One tile").click()

    with Image.open(download(page, "Download PNG", tmp_path)) as saved:
        assert (saved.format, saved.size) == ("PNG", (256, 192))
        assert saved.info["Command"] == command
        pixels = np.asarray(saved).astype(float)
    for axis in (0, 1):  # opposite edges go on as neighbours inside do
        steps = np.abs(np.diff(pixels, axis=axis, append=pixels.take([0], axis))).mean(
            (1 - axis, 2)
        )
        assert steps[-1] < 1.5 * steps[:-1].mean()


def test_a_texture_stands_beside_the_original_at_its_scale(visitor: Visitor) -> None:
    page = opened(visitor, TEXTURE)
    made, original = (page.locator("#abp-work figure").nth(k) for k in (0, 1))
    compare = page.get_by_role("button", name="Beside the original")
    expect(compare).to_have_attribute("aria-pressed", "true")
    expect(made.locator("figcaption")).to_have_text("Made")
    expect(original.locator("figcaption")).to_have_text("The original")
    scale = "img => img.getBoundingClientRect().width / img.naturalWidth"

    def same_scale() -> None:
        scales = [figure.locator("img").evaluate(scale) for figure in (made, original)]
        assert scales[0] == pytest.approx(scales[1], rel=0.02)

    same_scale()
    boxes = [figure.bounding_box() for figure in (made, original)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[1]["x"] >= boxes[0]["x"] + boxes[0]["width"], "side by side"
    assert boxes[0]["width"] >= 440, "what was made is not much smaller for it"
    page.set_viewport_size({"width": 390, "height": 844})
    same_scale()
    boxes = [figure.bounding_box() for figure in (made, original)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"], "one below the other"
    compare.focus()
    page.keyboard.press("Enter")
    expect(original).to_be_hidden()
    expect(compare).to_be_focused()
    make(page, "Another seed")
    expect(original).to_be_hidden()
    compare.click()
    expect(original).to_be_visible()


def test_of_a_large_texture_the_original_stands_aside(visitor: Visitor) -> None:
    page = opened(visitor, TEXTURE)
    page.get_by_label("Width in pixels").fill("640")
    make(page)
    compare = page.get_by_role("button", name="Beside the original")
    expect(compare).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#abp-work figure").nth(1)).to_be_hidden()
    page.get_by_role("radio", name="both").check()
    make(page)
    expect(compare).to_be_hidden()


def test_a_batch_is_a_sheet_and_a_zip(visitor: Visitor, tmp_path: Path) -> None:
    page = opened(visitor, TEXTURE)
    page.get_by_label("Width in pixels").fill("128")
    page.get_by_label("Height in pixels").fill("128")
    page.get_by_label("number input for Pictures", exact=True).fill("4")
    make(page)
    with Image.open(download(page, "Download the sheet (PNG)", tmp_path)) as sheet:
        assert sheet.size == (264, 264)
    with zipfile.ZipFile(download(page, "Download each (ZIP)", tmp_path)) as archive:
        assert len(archive.namelist()) == 4


def test_a_picture_grows(visitor: Visitor, tmp_path: Path) -> None:
    own = np.random.default_rng(0).integers(90, 160, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(own).save(tmp_path / "own.png")
    page = opened(visitor, TEXTURE)
    page.get_by_text("Or grow a picture of yours").click()
    page.set_input_files("#abp-grown input[type=file]", tmp_path / "own.png")
    expect(page.get_by_text("own.png")).to_be_visible()
    make(page)
    expect(fact(page, "Inside")).to_contain_text("steps of inference")
    with Image.open(download(page, "Download PNG", tmp_path)) as saved:
        assert saved.size == (64 + 256, 64 + 256)
        assert np.array_equal(np.asarray(saved)[152:168, 152:168], own[24:40, 24:40])


def test_a_sound_is_made_taken_home_and_goes_on_for_ever(visitor: Visitor, tmp_path: Path) -> None:
    page = opened(visitor, SOUND)
    page.get_by_label("Loop without a seam").check()
    make(page)
    expect(fact(page, "Length")).to_have_text(re.compile(r"^10 s"))
    assert page.locator("#abp-work figure:not([hidden]) img").count() == 2
    assert page.locator("#abp-work audio").first.evaluate("audio => audio.loop")
    for kind in ("WAV", "FLAC"):
        samples, rate = soundfile.read(download(page, f"Download {kind}", tmp_path))
        assert (len(samples), rate) == (160_000, 16_000)
        assert samples.std() > 0.01

    page.get_by_role("button", name="Endless").click()
    endless = page.locator(ENDLESS)
    expect(endless).to_have_attribute("data-state", "playing")
    page.wait_for_function(
        "where => +document.querySelector(where).dataset.heard > 5", arg=ENDLESS, timeout=20_000
    )
    said = endless.evaluate("element => ({...element.dataset})")
    assert float(said["level"]) > 0.005, "it is heard"
    assert said["gaps"] == "0"
    page.get_by_role("button", name="Stop").locator("visible=true").click()
    expect(endless).to_have_attribute("data-state", "silent")
    seed(page, "no number")
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Endless").click()
    expect(page.locator("#abp-endless .refusal")).to_contain_text("The seed must be a whole number")
    expect(endless).to_have_attribute("data-state", "silent")


def test_an_endless_sound_ends_with_its_model(visitor: Visitor) -> None:
    page = opened(visitor, SOUND)
    page.get_by_role("button", name="Endless").click()
    expect(page.locator(ENDLESS)).to_have_attribute("data-state", "playing")
    page.locator("#abp-gallery").get_by_role("radio", name="rain", exact=True).click()
    expect(page.locator(ENDLESS)).to_have_attribute("data-state", "silent", timeout=10_000)


def test_objects_stand_beside_what_they_may_be_copied_from(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = opened(visitor, OBJECTS)
    page.get_by_label("Is it copying?").check()
    page.get_by_label("number input for Pictures on the sheet").fill("6")
    make(page)
    expect(fact(page, "Copying?")).to_contain_text("from their nearest training example")
    with Image.open(download(page, "Download PNG", tmp_path)) as saved:
        assert saved.size == (2 * (2 * 64 + 8) - 8, 3 * 64)


def test_bad_requests_get_a_sentence_and_nothing_is_lost(visitor: Visitor) -> None:
    page = opened(visitor, TEXTURE)
    make(page)
    before = page.locator("#abp-work .frame img").first.get_attribute("src")
    notice = page.locator("#abp-make-notice .refusal")

    def refused(sentence: str) -> None:
        press(page)
        expect(notice).to_contain_text(sentence)
        assert page.locator("#abp-work .frame img").first.get_attribute("src") == before
        expect(page.locator("#abp-work .headline")).to_have_text("Pebbles")

    page.get_by_label("Width in pixels").fill("5000")
    refused("Please keep width and height within 2,048 pixels here")
    page.get_by_role("radio", name="left-right").check()
    page.get_by_label("Width in pixels").fill("300")
    refused("must be a multiple of 8 pixels; the nearest are 296 and 304.")
    page.get_by_role("radio", name="off", exact=True).check()
    seed(page, "one")
    refused("The seed must be a whole number")
    seed(page, "2")
    make(page)
    expect(notice).to_have_count(0)
    make(page, "Another seed")
    expect(fact(page, "Seed")).not_to_have_text("2")


def test_nothing_of_the_model_before_stays(visitor: Visitor) -> None:
    page = opened(visitor, TEXTURE)
    take = page.locator("#abp-make-orders a, #abp-make-orders button").filter(has_text="PNG")
    expect(take).to_be_visible()
    texture = page.locator("#abp-work img").first.get_attribute("src")
    # In the very moment in which the page learns of another model, before anything is made of it.
    page.evaluate(
        """() => {
            window.seen = new Set();
            const work = document.querySelector("#abp-work");
            new MutationObserver(() => {
                const title = work.querySelector(".headline").textContent;
                const src = work.querySelector("figure:not([hidden]) img")?.getAttribute("src");
                window.seen.add(`${title.split(",")[0]}|${src ? src.length : ""}`);
            }).observe(work, { childList: true, subtree: true, attributes: true });
        }"""
    )
    choose(page, SOUND)
    seen = page.evaluate("() => [...window.seen]")
    named = [state.casefold().split("|") for state in seen]
    assert ["stream", str(len(texture or ""))] not in named
    assert ["stream", ""] in named
    expect(take).to_be_hidden()
    page.get_by_role("tab", name="Inference", exact=True).click()
    page.locator("#abp-gallery").get_by_role("radio", name=OBJECTS, exact=True).click()
    expect(page.locator("#abp-model")).to_contain_text(OBJECTS)
    assert page.locator(WORK).get_attribute("data-made") == "3", "nobody sees it"
    page.get_by_role("tab", name="Synthesise", exact=True).click()
    expect(page.locator(WORK)).to_have_attribute("data-made", "4", timeout=20_000)
    expect(page.locator("#abp-work .headline")).to_contain_text("toon faces", ignore_case=True)


@every_view
def test_everyone_can_use_it(visitor: Visitor, scheme: Scheme, width: int) -> None:
    page = visitor.seen(scheme, width)
    opened(visitor, TEXTURE)
    page.get_by_text("Or grow a picture of yours").click()
    page.get_by_role("radio", name="both").check()
    make(page)
    page.wait_for_timeout(400)
    no_serious_findings(page)
    choose(page, SOUND)
    make(page)
    page.wait_for_timeout(400)
    no_serious_findings(page)


def test_without_motion_nothing_scrolls(visitor: Visitor) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = opened(visitor, SOUND)
    page.get_by_role("button", name="Endless").click()
    page.wait_for_function(
        "where => +document.querySelector(where).dataset.heard > 0.5", arg=ENDLESS, timeout=20_000
    )
    expect(page.locator("#abp-endless canvas")).to_be_hidden()


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    page = opened(visitor, TEXTURE)
    page.get_by_role("tab", name="Synthesise", exact=True).focus()
    tab_to(page, "#abp-make")
    page.keyboard.press("Enter")
    expect(page.locator(WORK)).to_have_attribute("data-made", "3", timeout=20_000)
    tab_to(page, "#abp-work .again button")
    page.keyboard.press("Enter")
    expect(page.locator("#abp-work .again button")).to_have_text("Copied")
