"""The Repair tab as a visitor meets it."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings, tab_to

HEADLINE = "#abp-repair-stage .headline"
DETAIL = "#abp-repair-stage .detail"


def take_away(page: Page, words: str) -> None:
    box = page.locator("#abp-taken input")
    box.click()
    page.get_by_role("option", name=words).click()


def panel(page: Page, number: int) -> str:
    return page.locator("#abp-repair-stage figure img").nth(number).get_attribute("src") or ""


def pixels(source: str) -> np.ndarray:
    content = base64.b64decode(source.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def paint(page: Page, editor: str) -> None:
    """One thick stroke across the middle of a canvas."""
    canvas = page.locator(f"{editor} canvas").first
    canvas.wait_for()
    page.wait_for_timeout(1500)  # the editor settles: until then it may put up another canvas
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.4, middle)
    page.mouse.down()
    for share in (0.45, 0.5, 0.55, 0.6):
        page.mouse.move(box["x"] + box["width"] * share, middle, steps=4)
    page.mouse.up()
    page.wait_for_timeout(500)


def learn(page: Page, seconds: float) -> None:
    page.locator("#abp-repair-begin").click()
    expect(page.locator(HEADLINE)).to_contain_text("from what is left", timeout=40_000)
    expect(page.locator(DETAIL)).to_contain_text("iteration", timeout=40_000)
    page.wait_for_timeout(1000 * seconds)


def stop(page: Page) -> None:
    page.locator("#abp-repair-stop").click()
    expect(page.locator(HEADLINE)).to_contain_text("Stopped")


def test_what_was_painted_over_comes_back(visitor: Visitor) -> None:
    page = visitor.visit("Repair")
    page.locator("#abp-repair-picker").get_by_role("radio", name="toon faces", exact=True).click()
    page.get_by_label("Quick").check()
    take_away(page, "what you paint")
    paint(page, "#abp-repair-editor")
    learn(page, 0)
    seen, first, truth = (pixels(panel(page, k)) for k in (0, 1, 3))
    hidden = np.abs(seen - truth).max(-1) > 60
    assert 0.005 < hidden.mean() < 0.5, "a part is hidden"
    page.wait_for_function(
        "old => document.querySelectorAll('#abp-repair-stage figure img')[1].src !== old",
        arg=panel(page, 1),
    )
    page.wait_for_timeout(8000)
    later = pixels(panel(page, 1))
    assert np.abs(later - first)[hidden].mean() > 5, "the recovered part changes"
    label = page.locator("#abp-repair-curves canvas").first.get_attribute("aria-label") or ""
    assert label.startswith("Recovery error")
    errors = [
        float(found) for found in re.findall(r": ([\d.]+) at|, ([\d.]+) at", label)[0] if found
    ]
    assert all(0 < error < 1 for error in errors)
    stop(page)


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("Picture sets", "ankle boot", "a quarter of the resolution"),
        ("Picture sets", "toon faces", "colour"),
        ("Textures", "pebbles", "half of the lines"),
        ("Sounds", "stream", "a stretch of a fifth"),
    ],
)
def test_every_kind_is_learnt_from_what_is_left(
    visitor: Visitor, kind: str, name: str, words: str
) -> None:
    page = visitor.visit("Repair")
    picker = page.locator("#abp-repair-picker")
    picker.get_by_role("tab", name=kind).click()
    picker.get_by_role("radio", name=name, exact=True).click()
    page.get_by_label("Quick").check()
    page.wait_for_timeout(500)
    take_away(page, words)
    learn(page, 1)
    assert len({panel(page, k) for k in range(5)}) == 5
    stop(page)


def test_bad_wishes_get_a_sentence_and_the_run_stays(visitor: Visitor) -> None:
    page = visitor.visit("Repair")
    page.get_by_label("Quick").check()
    learn(page, 0)
    stop(page)
    before = ""
    while panel(page, 1) != before:  # until its last view has come
        before = panel(page, 1)
        page.wait_for_timeout(2000)
    take_away(page, "what you paint")
    page.locator("#abp-repair-begin").click()
    expect(page.locator("#abp-repair-notice [role=alert]")).to_contain_text("Nothing is painted")
    take_away(page, "K random projections")
    page.get_by_label("K, the number of projections").fill("99999999")
    page.locator("#abp-repair-begin").click()
    expect(page.locator("#abp-repair-notice [role=alert]")).to_contain_text("projections")
    assert panel(page, 1) == before


def test_a_picture_is_repaired_by_the_current_model(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("Repair")
    expect(page.locator("#abp-example[data-opened]")).to_have_count(1)  # a picture, by itself
    page.wait_for_timeout(2500)
    page.locator("#abp-mend").click()
    expect(page.locator("#abp-mend-notice [role=alert]")).to_contain_text("Nothing is painted")
    page.locator("#abp-example").click()
    page.wait_for_timeout(2500)
    page.locator("#abp-mend").click()
    expect(page.locator("#abp-mend-notice [role=alert]")).to_contain_text("Nothing is painted")
    page.get_by_label("the middle").check()
    page.locator("#abp-mend").click()
    expect(page.locator("#abp-repaired .sentence")).to_contain_text("120 of 120", timeout=60_000)
    answers = page.locator("#abp-repaired .answers img")
    expect(answers).to_have_count(6)
    before = pixels(page.locator("#abp-repaired .before").get_attribute("src") or "")
    after = pixels(page.locator("#abp-repaired .after").get_attribute("src") or "")
    differs = np.abs(before - after).max(-1) > 1
    rows, columns = differs.any(1).nonzero()[0], differs.any(0).nonzero()[0]
    assert 18 <= rows.min() <= rows.max() <= 46, "only what was hidden is another"
    assert 18 <= columns.min() <= columns.max() <= 46
    with page.expect_download() as download:
        page.get_by_role("button", name="Take the answers home").click()
    download.value.save_as(tmp_path / "answers.png")
    with Image.open(tmp_path / "answers.png") as sheet:
        assert sheet.size == (7 * 64, 64)


@pytest.mark.parametrize("width", [1280, 390])
def test_how_it_came_back_is_looked_at_again(visitor: Visitor, width: int) -> None:
    page = visitor.seen("light", width)
    visitor.visit("Repair")
    slider, said = page.locator(".replay input"), page.locator(".replay output")
    expect(slider).to_be_disabled()
    page.get_by_label("Quick").check()
    learn(page, 0)
    expect(slider).to_have_attribute("max", re.compile("[3-9]"), timeout=60_000)
    expect(said).to_have_text("now")
    place = slider.evaluate("slider => slider.getBoundingClientRect().left")
    slider.focus()
    page.keyboard.press("Home")
    expect(said).to_have_text("iteration 0")
    then = page.locator("#abp-repair-stage figure.past")
    expect(then.locator("figcaption")).to_have_text("At iteration 0")
    first = panel(page, 1)
    await_change = "([k, old]) => document.querySelectorAll('#abp-repair-stage img')[k].src !== old"
    page.wait_for_function(await_change, arg=[4, panel(page, 4)], timeout=60_000)
    assert panel(page, 1) == first, "the past stays while the run goes on"
    expect(slider).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(await_change, arg=[1, first])
    expect(said).not_to_have_text("iteration 0")
    page.keyboard.press("End")
    expect(said).to_have_text("now")
    expect(then).to_have_count(0)
    assert slider.evaluate("slider => slider.getBoundingClientRect().left") == place
    no_serious_findings(page)
    stop(page)
    slider.focus()
    page.keyboard.press("Home")
    expect(then.locator("img")).to_have_attribute("src", first)


@every_view
def test_everyone_can_use_it(visitor: Visitor, scheme: Scheme, width: int) -> None:
    page = visitor.seen(scheme, width)
    visitor.visit("Repair")
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="What happens here?").click()
    page.wait_for_timeout(500)
    no_serious_findings(page)


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    page = visitor.visit("Repair")
    tab_to(page, "#abp-repair-picker [role=radio]")
    tab_to(page, "#abp-taken input")
    tab_to(page, "#abp-repair-begin")
    page.keyboard.press("Enter")
    expect(page.locator(HEADLINE)).to_contain_text("from what is left", timeout=40_000)
    tab_to(page, "#abp-repair-stop")
    page.keyboard.press("Enter")
    expect(page.locator(HEADLINE)).to_contain_text("Stopped")
    tab_to(page, "#abp-example")
    page.keyboard.press("Enter")
    tab_to(page, "#abp-mend")
