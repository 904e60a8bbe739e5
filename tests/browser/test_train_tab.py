"""The Train tab as a visitor meets it."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from playwright.sync_api import Page, expect

from abp_core.checkpoint import Checkpoint
from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings, tab_to

HEADLINE = "#abp-stage .headline"
PICTURES = "#abp-stage figure:not([hidden]) img"


def train(page: Page, kind: str, name: str) -> None:
    picker = page.locator("#abp-picker")
    picker.get_by_role("tab", name=kind).click()
    picker.get_by_role("radio", name=name, exact=True).click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(HEADLINE)).to_have_text(f"Learning {name}", timeout=20_000)


def stop(page: Page, name: str) -> None:
    """A page that is left too soon after the click would leave its run to the watchdog, and two
    such runs leave no room for the next test's."""
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(HEADLINE)).to_have_text(f"Stopped: {name}")


def iteration(page: Page) -> int:
    found = re.search(r"iteration (\d+)", page.locator("#abp-stage .detail").inner_text())
    return int(found[1]) if found else 0


def await_iteration(page: Page, at_least: int) -> None:
    page.wait_for_function(
        "n => +(document.querySelector('#abp-stage .detail').textContent.match(/iteration (\\d+)/)"
        "|| [0, 0])[1] >= n",
        arg=at_least,
        timeout=60_000,
    )


def pictures(page: Page) -> list[str]:
    return [picture.get_attribute("src") or "" for picture in page.locator(PICTURES).all()]


def curve(page: Page, index: int) -> str:
    return page.locator("#abp-curves canvas").nth(index).get_attribute("aria-label") or ""


def test_a_texture_is_learnt_paused_reloaded_and_taken_home(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.visit()
    train(page, "Textures", "pebbles")
    await_iteration(page, 3)
    before, drawn = pictures(page), curve(page, 0)
    assert len(before) == 3
    await_iteration(page, iteration(page) + 8)
    page.wait_for_function(
        "old => document.querySelectorAll('#abp-stage figure img')[2].src !== old", arg=before[2]
    )
    after = pictures(page)
    assert after[0] == before[0], "the training crops stay"
    assert after[1] != before[1], "the reconstructions change"
    assert curve(page, 0) != drawn

    page.get_by_role("button", name="Pause").click()
    expect(page.locator(HEADLINE)).to_have_text("Paused: pebbles")
    page.wait_for_timeout(3000)  # the step that was under way ends, and a picture of it is drawn
    still = iteration(page)
    page.wait_for_timeout(1000)
    assert iteration(page) == still, "nothing is learnt while paused"

    page.reload()
    page.get_by_role("tab", name="Train", exact=True).click()
    expect(page.locator(HEADLINE)).to_have_text("Paused: pebbles", timeout=10_000)
    assert iteration(page) == still, "the run is found again"
    page.get_by_role("button", name="Resume").click()
    await_iteration(page, still + 3)

    page.reload()
    page.get_by_role("tab", name="Train", exact=True).click()
    expect(page.locator(HEADLINE)).to_have_text("Learning pebbles", timeout=10_000)
    stop(page, "pebbles")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download model").click()
    model = tmp_path / "model.safetensors"
    download.value.save_as(model)
    saved = Checkpoint.load(model)
    stopped_at = saved.iteration  # a stopped run may still finish the move that it was in
    assert saved.source.name == "pebbles"
    expect(page.locator("#abp-stage .detail")).to_contain_text(f"iteration {stopped_at}")
    page.wait_for_timeout(500)
    assert iteration(page) == stopped_at

    with page.expect_download() as download:
        page.get_by_role("button", name="Download samples").click()
    picture = tmp_path / "samples.png"
    download.value.save_as(picture)
    with Image.open(picture) as samples:
        assert samples.size == (512, 512)

    page.get_by_text("Or go on with a model of yours").click()
    page.locator("#abp-checkpoint input[type=file]").set_input_files(model)
    expect(page.locator(".abp-notice")).to_contain_text(f"after {stopped_at} iterations")
    page.get_by_role("button", name="Train", exact=True).click()
    await_iteration(page, stopped_at + 2)
    stop(page, "pebbles")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_run_that_ended_goes_on_for_as_many_minutes_as_its_button_says(
    visitor: Visitor, width: int
) -> None:
    page = visitor.seen("light", width)
    visitor.visit()
    train(page, "Textures", "pebbles")
    await_iteration(page, 2)
    more, minutes = page.locator("#abp-pause"), page.get_by_role("spinbutton", name="Minutes")
    height = "document.querySelector('#abp-orders').offsetHeight"
    before = page.evaluate(height)
    stop(page, "pebbles")
    expect(more).to_have_text("Train 3 more minutes")
    assert page.evaluate(height) == before, "nothing moves"
    minutes.fill("1")
    minutes.press("Tab")
    expect(more).to_have_text("Train 1 more minute")
    done = iteration(page)
    more.focus()
    page.keyboard.press("Enter")
    await_iteration(page, done + 2)
    expect(page.locator("#abp-stage .detail")).to_contain_text(re.compile("0:[0-5][0-9] left"))
    expect(more).to_be_focused()
    stop(page, "pebbles")


def test_an_order_leaves_the_focus_in_its_row(visitor: Visitor) -> None:
    page = visitor.visit()
    orders = page.locator("#abp-orders button:focus")
    for name, then in (("Train", "Learning pebbles"), ("Stop", "Stopped: pebbles")):
        button = page.get_by_role("button", name=name, exact=True)
        expect(button).to_be_enabled(timeout=60_000)
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#abp-stage .headline")).to_have_text(then, timeout=60_000)
        expect(button).to_be_disabled()
        expect(orders).to_be_enabled()


def test_a_sound_is_learnt_and_can_be_heard(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit()
    train(page, "Sounds", "stream")
    await_iteration(page, 5)
    before = pictures(page)
    page.wait_for_function(
        "old => document.querySelectorAll('#abp-stage figure img')[2].src !== old", arg=before[2]
    )
    stop(page, "stream")
    seconds = (
        page.locator("#abp-stage audio")
        .nth(2)
        .evaluate(
            "audio => audio.readyState ? audio.duration : new Promise(done =>"
            " audio.addEventListener('loadedmetadata', () => done(audio.duration)))"
        )
    )
    assert seconds == pytest.approx(3, abs=0.1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download samples").click()
    sound = tmp_path / "samples.wav"
    download.value.save_as(sound)
    samples, rate = soundfile.read(sound)
    assert rate == 16_000
    assert len(samples) >= 10 * rate
    assert samples.std() > 0


def test_a_set_of_pictures_is_learnt(visitor: Visitor) -> None:
    page = visitor.visit()
    train(page, "Picture sets", "toon faces")
    await_iteration(page, 2)
    assert len(pictures(page)) == 3
    stop(page, "toon faces")


def test_a_picture_of_ones_own(visitor: Visitor, tmp_path: Path) -> None:
    stripes = np.zeros((80, 96, 3), np.uint8)
    stripes[:, ::4] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    page = visitor.visit()
    page.locator("#abp-upload input[type=file]").set_input_files(tmp_path / "stripes.png")
    expect(page.locator(".abp-notice")).to_contain_text("stripes.png: a picture")
    preview = page.locator(".abp-notice img")
    assert preview.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    expect(page.locator("#abp-picker .card[aria-checked=true]")).to_have_count(0)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(HEADLINE)).to_have_text("Learning stripes", timeout=20_000)
    stop(page, "stripes")


def test_bad_files_get_a_sentence_and_nothing_is_lost(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit()
    train(page, "Picture sets", "ankle boot")
    await_iteration(page, 1)
    stop(page, "ankle boot")
    (tmp_path / "empty.png").touch()
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    soundfile.write(tmp_path / "silence.wav", np.zeros(16_000), 16_000)
    (tmp_path / "model.safetensors").write_bytes(b"no model at all")
    page.get_by_text("Or go on with a model of yours").click()
    for field, name, sentence in (
        ("upload", "empty.png", "is empty"),
        ("upload", "dot.png", "1 x 1 pixels"),
        ("upload", "silence.wav", "is silent"),
        ("checkpoint", "model.safetensors", "no safetensors file"),
    ):
        page.locator(f"#abp-{field} input[type=file]").set_input_files(tmp_path / name)
        expect(page.locator(".abp-notice.refusal")).to_contain_text(sentence)
        expect(page.locator(HEADLINE)).to_have_text("Stopped: ankle boot")
        page.get_by_role("button", name="Remove").or_(page.get_by_label("Clear")).first.click()


def test_a_run_that_diverges_says_so_and_offers_a_smaller_step(visitor: Visitor) -> None:
    page = visitor.visit()
    page.get_by_role("button", name="Advanced").click()
    page.get_by_label("Langevin step size s").fill("9")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(HEADLINE)).to_have_text("pebbles ran away", timeout=30_000)
    before = curve(page, 0)
    page.get_by_role("button", name="Go on with half the step").click()
    drawn = page.locator(
        "#abp-curves canvas"
    ).first  # the headline may change too shortly to be seen
    expect(drawn).not_to_have_attribute("aria-label", before, timeout=30_000)
    expect(page.locator(HEADLINE)).to_have_text("pebbles ran away", timeout=30_000)


@every_view
def test_everyone_can_use_it(visitor: Visitor, scheme: Scheme, width: int) -> None:
    page = visitor.seen(scheme, width)
    visitor.visit()
    page.get_by_text("Or go on with a model of yours").click()
    page.get_by_role("button", name="Advanced").click()
    page.get_by_role("button", name="What happens here?").click()
    page.wait_for_timeout(600)
    no_serious_findings(page)
    page.get_by_role("button", name="Advanced").click()
    train(page, "Sounds", "rain")
    await_iteration(page, 1)
    no_serious_findings(page)
    stop(page, "rain")


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    page = visitor.visit()

    tab_to(page, "#abp-picker [role=tab]")
    for _ in range(3):  # over sounds and films
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Picture sets")).to_have_attribute("aria-selected", "true")
    tab_to(page, "#abp-picker [role=radio]")
    page.keyboard.press("ArrowRight")
    chosen = page.locator("#abp-picker [aria-checked=true]").inner_text()
    tab_to(page, "#abp-train")
    page.keyboard.press("Enter")
    expect(page.locator(HEADLINE)).to_have_text(f"Learning {chosen}", timeout=20_000)
    tab_to(page, "#abp-stop")
    page.keyboard.press("Enter")
    expect(page.locator(HEADLINE)).to_have_text(f"Stopped: {chosen}")


def test_visitors_do_not_see_each_other_and_a_third_run_waits(
    visitor: Visitor, address: str
) -> None:
    first = visitor.visit()
    train(first, "Textures", "ice")
    others = []
    browser = first.context.browser
    assert browser is not None
    for name in ("granite", "bark"):
        context = browser.new_context()
        page = Visitor(context.new_page(), address).visit()
        expect(page.locator(HEADLINE)).to_contain_text("press Train")
        page.locator("#abp-picker").get_by_role("radio", name=name, exact=True).click()
        page.get_by_role("button", name="Train", exact=True).click()
        others.append((context, page))
    (second_context, second), (third_context, third) = others
    expect(second.locator(HEADLINE)).to_have_text("Learning granite", timeout=20_000)
    expect(third.locator(".abp-notice.refusal")).to_contain_text("2 visitors are training")
    expect(first.locator(HEADLINE)).to_have_text("Learning ice")
    stop(first, "ice")
    stop(second, "granite")
    second_context.close()
    third_context.close()
