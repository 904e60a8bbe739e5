"""The Compare tab as a visitor meets it."""

import csv
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from abp_core.family.methods import METHODS
from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings, tab_to

HEADLINE = "#abp-compare-stage .headline"
DETAIL = "#abp-compare-stage .detail"
NOTICE = "#abp-compare-notice [role=alert]"
LIVE = re.compile("^data:image/jpeg")
CURVE = re.compile("^reconstruction error: ")
QUICK = ("ABP as in the paper", "ABP with a learnt prior")


def choose(page: Page, *titles: str) -> None:
    """These methods and no others."""
    checked = page.locator("#abp-methods input:checked")
    while checked.count():
        checked.first.uncheck()
    for title in titles:
        page.locator("#abp-methods label").filter(has_text=title).locator("input").check()


def data(page: Page, kind: str, name: str) -> None:
    picker = page.locator("#abp-compare-picker")
    picker.get_by_role("tab", name=kind).click()
    picker.get_by_role("radio", name=name, exact=True).click()


def column(page: Page, title: str) -> Locator:
    return page.locator("#abp-columns .method").filter(has_text=title)


def begin(page: Page) -> None:
    page.locator("#abp-compare-begin").click()
    expect(page.locator(HEADLINE)).to_contain_text("Learning", timeout=40_000)
    expect(column(page, QUICK[1]).locator(".facts")).to_contain_text("0:0", timeout=60_000)


def stop(page: Page) -> None:
    page.locator("#abp-compare-stop").click()
    expect(page.locator(HEADLINE)).to_contain_text("Stopped")
    measured = page.locator("#abp-columns tbody [aria-label='not measured yet']")
    expect(measured).to_have_count(0, timeout=120_000)


def test_two_methods_grow_side_by_side_and_are_measured(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("Compare")
    data(page, "Picture sets", "ankle boot")
    choose(page, *QUICK)
    begin(page)
    for title in QUICK:
        picture = column(page, title).locator(".new img")
        expect(picture).to_have_attribute("src", LIVE, timeout=60_000)
        curve = column(page, title).locator("canvas")
        expect(curve).to_have_attribute("aria-label", CURVE)
    expect(page.locator(DETAIL)).to_contain_text("of 2:00 each")
    page.locator("#abp-compare-pause").click()
    expect(page.locator(HEADLINE)).to_contain_text("Paused")
    page.locator("#abp-compare-pause").click()
    expect(page.locator(HEADLINE)).to_contain_text("Learning")
    stop(page)
    row = page.locator("#abp-columns tbody tr").first
    expect(row).to_contain_text("%")
    expect(row.get_by_role("img", name="yes", exact=True).first).to_be_visible()
    for label, ending in (("Download the table", "csv"), ("Download the sheet", "png")):
        with page.expect_download() as download:
            page.get_by_role("button", name=label).click()
        download.value.save_as(tmp_path / f"home.{ending}")
    rows = list(csv.DictReader((tmp_path / "home.csv").read_text().splitlines()))
    assert [each["method"] for each in rows] == list(QUICK)
    with Image.open(tmp_path / "home.png") as sheet:
        assert sheet.width > 3 * 256
    page.locator("#abp-compare-pause").click()
    expect(page.locator(HEADLINE)).to_contain_text("Learning")
    page.reload()
    expect(page.locator(HEADLINE)).to_contain_text("Learning")
    expect(column(page, QUICK[0]).locator(".new img")).to_have_attribute("src", LIVE)
    stop(page)


def test_a_method_is_used_in_the_other_tabs_and_opened_again(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.visit("Compare")
    data(page, "Picture sets", "ankle boot")
    choose(page, *QUICK)
    begin(page)
    column(page, QUICK[1]).locator(".use").click()
    current = page.locator("#abp-model")
    expect(current).to_contain_text(f"ankle boot by {QUICK[1]}", timeout=40_000)
    with page.expect_download() as download:
        column(page, QUICK[0]).locator(".take").click()
    download.value.save_as(tmp_path / "mine.safetensors")
    page.locator("#abp-compare-stop").click()
    page.get_by_role("tab", name="Inference", exact=True).click()
    expect(page.locator("#abp-infer .examples button").first).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.locator("#abp-open").click()
    chooser.value.set_files(tmp_path / "mine.safetensors")
    expect(current).to_contain_text("from your file", timeout=40_000)


def test_what_cannot_be_learnt_says_so_in_a_sentence(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("Compare")
    choose(page)
    expect(page.locator("#abp-methods output")).to_have_text("choose at least 2")
    page.locator("#abp-compare-begin").click()
    expect(page.locator(NOTICE)).to_have_text("Please choose two to six methods.")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    page.locator("#abp-compare-upload input[type=file]").set_input_files(tmp_path / "broken.png")
    expect(page.locator(NOTICE)).to_contain_text("broken.png")
    upload = page.locator("#abp-compare-upload input[type=file]")
    data(page, "Textures", "brick gray")
    expect(page.locator(NOTICE)).to_have_count(0)
    Image.effect_noise((256, 256), 60).save(tmp_path / "noise.png")
    upload.set_input_files(tmp_path / "noise.png")
    expect(page.locator("#abp-compare-notice")).to_contain_text("noise.png: a picture.")
    expect(page.locator("#abp-compare-picker [aria-checked=true]")).to_have_count(0)


def test_a_method_that_cannot_take_the_data_is_grey_and_says_why(visitor: Visitor) -> None:
    refusing = {
        (title, kind): why
        for method in METHODS.values()
        for kind, why in method.not_for.items()
        for title in [method.title]
    }
    if not refusing:
        pytest.skip("every method can take everything")
    kinds = {"texture": "Textures", "sound": "Sounds", "objects": "Picture sets"}
    page = visitor.visit("Compare")
    for (title, kind), why in refusing.items():
        page.locator("#abp-compare-picker").get_by_role("tab", name=kinds[kind]).click()
        label = page.locator("#abp-methods label").filter(has=page.get_by_text(title, exact=True))
        expect(label).to_contain_text(why)
        expect(label.locator("input")).to_be_disabled()
        expect(label.locator("input")).not_to_be_checked()


def test_before_the_first_click_each_kind_is_there(visitor: Visitor) -> None:
    page = visitor.visit("Compare")
    kinds = page.locator("#abp-columns .kinds")
    seen = set()
    for name in ("Faces", "A texture", "A sound"):
        kinds.get_by_role("radio", name=name).click()
        pictures = page.locator("#abp-columns .method:not(.data) .new img")
        assert pictures.count() >= 2
        source = pictures.first.get_attribute("src") or ""
        assert source.startswith("studio/assets/compare/")
        page.wait_for_function(
            "([picture]) => picture.naturalWidth > 1", arg=[pictures.first.element_handle()]
        )
        seen.add(source)
    assert len(seen) == 3
    players = page.locator("#abp-columns .method .new audio")
    expect(players.first).to_be_visible()
    page.locator("#abp-columns summary").first.click()
    expect(page.locator("#abp-columns pre").first).to_contain_text("<-")


@every_view
def test_everyone_can_use_it(visitor: Visitor, scheme: Scheme, width: int) -> None:
    page = visitor.seen(scheme, width)
    visitor.visit("Compare")
    expect(page.locator("#abp-columns tbody tr").first).to_be_visible()
    page.get_by_role("button", name="What happens here?").click()
    page.locator("#abp-columns summary").first.click()
    page.wait_for_timeout(500)
    no_serious_findings(page)


def test_a_running_comparison_has_no_serious_findings_and_nothing_jumps(visitor: Visitor) -> None:
    page = visitor.visit("Compare")
    data(page, "Sounds", "clock")
    choose(page, *QUICK)
    begin(page)
    place = "() => document.querySelector('#abp-columns .table').getBoundingClientRect().top"
    first = page.evaluate(f"({place})() + scrollY")
    for title in QUICK:
        shown = column(page, title).locator(".new img")
        expect(shown).to_have_attribute("src", LIVE, timeout=60_000)
    assert page.evaluate(f"({place})() + scrollY") == pytest.approx(first, abs=1)
    no_serious_findings(page)
    page.locator("#abp-compare-stop").click()
    expect(page.locator(HEADLINE)).to_contain_text("Stopped")


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    page = visitor.visit("Compare")
    tab_to(page, "#abp-compare-picker [role=radio]")
    tab_to(page, "#abp-methods input")
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    tab_to(page, "#abp-compare-begin")
    page.keyboard.press("Enter")
    expect(page.locator(HEADLINE)).to_contain_text("Learning", timeout=40_000)
    expect(page.locator("#abp-columns .use").first).to_be_enabled(timeout=60_000)
    tab_to(page, "#abp-compare-stop")
    page.keyboard.press("Enter")
    expect(page.locator(HEADLINE)).to_contain_text("Stopped")
    expect(page.locator("#abp-columns .use").first).to_be_enabled(timeout=60_000)
    tab_to(page, "#abp-columns .columns")
    tab_to(page, "#abp-columns .use")
