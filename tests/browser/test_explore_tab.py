"""The gallery and the Explore tab as a visitor meets them."""

import base64
import io
import json
import re
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings, tab_to

FACES, TEXTURE, SOUND = "animal faces", "pebbles", "stream"


def choose(page: Page, name: str) -> None:
    """Takes a model from the gallery and waits until it is live."""
    page.locator("#abp-gallery").get_by_role("radio", name=name, exact=True).click()
    expect(page.locator("#abp-model")).to_contain_text(f"Current model: {name}")
    expect(page.locator("#abp-explore .picture")).to_have_attribute(
        "alt", re.compile(f"^{name}"), timeout=20_000
    )
    page.locator("body").dispatch_event("wheel")  # what moves by itself stops now, if not before
    expect(page.locator("#abp-explore .between")).to_be_hidden()


def picture(page: Page) -> str:
    return page.locator("#abp-explore .picture").get_attribute("src") or ""


def changed(page: Page, before: str) -> str:
    """The picture that comes after `before`."""
    expect(page.locator("#abp-explore .picture")).not_to_have_attribute("src", before)
    return picture(page)


def pixels(source: str) -> np.ndarray:
    content = base64.b64decode(source.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def slide(page: Page, index: int, value: float) -> None:
    page.locator("#abp-explore .slider input").nth(index).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input'));"
        " input.dispatchEvent(new Event('change')); }",
        value,
    )


def test_a_slider_moves_the_picture_and_undo_takes_it_back(visitor: Visitor) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")  # it begins at home and stays there
    page = visitor.visit("Explore")
    choose(page, FACES)
    first = picture(page)
    slide(page, 0, 2)
    second = changed(page, first)
    assert np.abs(pixels(second) - pixels(first)).mean() > 5
    page.get_by_role("button", name="Undo").click()
    assert changed(page, second) == first
    page.get_by_role("button", name="Redo").click()
    assert changed(page, first) == second
    page.get_by_role("button", name="Reset").click()
    assert changed(page, second) == first


def test_a_slider_of_a_texture_shows_the_difference_that_it_makes(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, TEXTURE)
    slider = page.locator("#abp-explore .slider").first
    words = slider.locator("small")
    expect(words).to_have_text(re.compile(r"^1: changes \d+ % of the picture$"))
    expect(words).to_have_attribute("title", re.compile("differ from end to end by over a tenth"))
    assert slider.get_by_role("slider").get_attribute("aria-label") == (
        (words.text_content() or "").replace("1:", "Slider 1,")
    )
    ends = slider.locator(".end")
    expect(ends).to_have_count(3)
    expect(ends.last).to_have_attribute("title", re.compile("What differs between both ends"))
    page.wait_for_function(
        "() => document.querySelector('#abp-explore .end').style.backgroundImage"
    )
    shown = ends.evaluate_all("all => all.map((end) => end.style.backgroundPositionX)")
    assert len(set(shown)) == 3, "each its own part of the sheet"
    choose(page, SOUND)
    expect(words).to_have_text(re.compile(r"^1: changes the sound by \d+\.\d dB$"))


def test_the_whole_plane_of_two_latents_can_be_clicked(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, FACES)
    plane = page.locator("#abp-explore .pad img")
    expect(plane).to_have_js_property("complete", True)
    answer = page.request.get(visitor.address + (plane.get_attribute("src") or ""))
    sheet = np.asarray(Image.open(io.BytesIO(answer.body())).convert("RGB"))
    side = sheet.shape[0] // 15
    first = picture(page)
    box = page.locator("#abp-explore .pad").bounding_box()
    assert box is not None
    row, column = 4, 11
    page.locator("#abp-explore .pad").click(
        position={"x": (column + 0.5) / 15 * box["width"], "y": (row + 0.5) / 15 * box["height"]}
    )
    made = pixels(changed(page, first))
    cell = sheet[row * side : (row + 1) * side, column * side : (column + 1) * side]
    assert made.shape == cell.shape
    assert np.abs(made - cell).mean() < 8, "what is seen is what a click gives"


def test_a_link_shows_the_same_to_somebody_else(visitor: Visitor, address: str) -> None:
    page = visitor.visit("Explore")
    choose(page, TEXTURE)
    first = picture(page)
    slide(page, 0, 1.5)
    second = changed(page, first)
    page.locator("#abp-explore .cells").click(position={"x": 200, "y": 200})
    mine = changed(page, second)
    page.get_by_role("button", name="Copy a link").click()
    link = page.locator("#abp-explore .address").input_value()
    assert f"model={TEXTURE}" in link
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context()
    other = Visitor(context.new_page(), address)
    other.visit("Explore", link.removeprefix(address))
    expect(other.page.locator("#abp-model")).to_contain_text(TEXTURE)
    expect(other.page.locator("#abp-explore .picture")).to_have_attribute("src", mine)
    assert not other.complaints
    context.close()


WHOLE = {"seed": 5, "x": 0.5, "y": -1, "example": -1, "moves": [1.5], "edits": []}
EDIT = {"what": "resample", "cells": "f", "number": 3}
FILES = {FACES: "noto_animal_faces_128", "toon faces": "toon_faces_64"}  # what links name


def link(model: str, point: object) -> str:
    model = FILES.get(model, model)
    text = point if isinstance(point, str) else json.dumps(point)
    return f"?model={model}&point={base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"


def arrived(page: Page, model: str) -> str:
    """The picture with which a model is shown first."""
    expect(page.locator("#abp-explore .picture")).to_have_attribute(
        "alt", re.compile(f"^{model}"), timeout=20_000
    )
    return picture(page)


def without(*names: str) -> dict[str, object]:
    """The whole point but for some of its fields."""
    return {name: value for name, value in WHOLE.items() if name not in names}


@pytest.mark.parametrize(
    ("model", "point"),
    [
        (TEXTURE, {}),
        (TEXTURE, without("moves")),
        (SOUND, without("seed")),
        (TEXTURE, WHOLE | {"seed": "5"}),
        (TEXTURE, WHOLE | {"x": None}),
        (TEXTURE, WHOLE | {"example": 999}),
        (TEXTURE, WHOLE | {"moves": [[1]]}),
        (TEXTURE, WHOLE | {"edits": [None]}),
        (TEXTURE, WHOLE | {"edits": [EDIT | {"cells": "f" * 120}]}),
        (TEXTURE, WHOLE | {"edits": [EDIT | {"what": "paint", "number": 99, "amount": 1}]}),
        (FACES, {}),
        (FACES, {"z": [1]}),
        (FACES, {"z": ["1", "2"]}),
        (FACES, {"z": [0, 0], "moves": "x"}),
        (FACES, "null"),
        (FACES, "{" * 99),
    ],
)
def test_a_damaged_link_gets_a_sentence_and_the_model_as_it_is(
    visitor: Visitor, model: str, point: object
) -> None:
    page = visitor.visit("Explore", link(model, point))
    shown = arrived(page, model)
    expect(page.locator("#abp-explore .refusal")).to_have_text(
        "The link is damaged; here is the model from the beginning."
    )
    page.get_by_role("button", name="Randomise").click()
    other = changed(page, shown)
    expect(page.locator("#abp-explore .refusal")).to_be_hidden()
    page.get_by_role("button", name="Reset").click()
    assert changed(page, other) == shown


@pytest.mark.parametrize(
    ("model", "point"),
    [
        (TEXTURE, WHOLE | {"edits": [EDIT, EDIT | {"what": "copy"}]}),
        (TEXTURE, WHOLE | {"edits": [EDIT | {"what": "paint", "amount": -1.5}]}),
        (FACES, {"z": [0.5, -0.25], "moves": []}),
        ("toon faces", without("edits") | {"moves": [None, 1.25]}),
    ],
)
def test_a_whole_link_is_shown(visitor: Visitor, model: str, point: object) -> None:
    page = visitor.visit("Explore", link(model, point))
    shown = arrived(page, model)
    expect(page.locator("#abp-explore .refusal")).to_be_hidden()
    page.get_by_role("button", name="Reset").click()
    changed(page, shown)


def test_a_stroke_changes_only_its_surroundings(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, TEXTURE)
    first = picture(page)
    page.locator("#abp-explore .width").fill("1")
    box = page.locator("#abp-explore .cells").bounding_box()
    assert box is not None
    at = {"x": 1.5 / 14 * box["width"], "y": 1.5 / 14 * box["height"]}
    page.locator("#abp-explore .cells").click(position=at)
    difference = np.abs(pixels(changed(page, first)) - pixels(first)).max(-1)
    assert difference[16:32, 16:32].max() > 20, "the cell itself is another"
    reach = 6  # positions, see GeneratorSpec.reach; a JPEG spreads by a block at most
    far = 16 * (2 + reach) + 8
    assert difference[far:].max() == 0
    assert difference[:, far:].max() == 0


def test_copies_and_paint_have_effect_and_say_what_they_need(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, TEXTURE)
    before = picture(page)
    page.get_by_role("radio", name="stamp an example").click()
    page.locator("#abp-explore .cells").click(position={"x": 120, "y": 120})
    expect(page.locator("#abp-explore .refusal")).to_contain_text("choose a training example")
    assert picture(page) == before
    page.locator("#abp-explore .examples button").nth(2).click()
    page.locator("#abp-explore .cells").click(position={"x": 120, "y": 120})
    copied = changed(page, before)
    page.get_by_role("radio", name="push a slider").click()
    page.locator("#abp-explore .cells").click(position={"x": 220, "y": 120})
    changed(page, copied)


def test_randomise_keeps_what_is_locked_and_a_seed_comes_again(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, "toon faces")
    first = picture(page)
    slide(page, 1, 1.25)
    second = changed(page, first)
    page.get_by_role("button", name="Lock slider 2").click()
    page.get_by_role("button", name="Randomise").click()
    changed(page, second)
    expect(page.locator("#abp-explore .slider .value").nth(1)).to_have_text(re.compile("1.2[0-9]"))
    page.get_by_role("button", name="Lock slider 2").click()
    seed = page.get_by_label("Seed", exact=True)
    seeds = []
    for typed in ("41", "42", "41"):
        before = picture(page)
        seed.fill(typed)
        seed.press("Enter")
        seeds.append(changed(page, before))
    assert seeds[0] == seeds[2] != seeds[1]


def test_bad_input_gets_a_sentence_and_the_picture_stays(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("Explore", "?model=pebbles&point=nonsense")
    expect(page.locator("#abp-explore .refusal")).to_contain_text("The link is damaged")
    choose(page, FACES)
    before = picture(page)
    seed = page.get_by_label("Seed", exact=True)
    for typed in ("-1", "no seed", "1e400", "99999999999999999999"):
        seed.fill(typed)
        seed.press("Enter")
        expect(page.locator("#abp-explore .refusal")).to_contain_text("whole number")
        assert picture(page) == before
    page.get_by_role("button", name="Use the model I am training").click()
    expect(page.locator("#abp-model [role=alert]")).to_contain_text("press Train to begin")
    assert picture(page) == before
    (tmp_path / "no.safetensors").write_bytes(b"no model at all")
    page.locator("input[type=file]").first.set_input_files(tmp_path / "no.safetensors")
    expect(page.locator("#abp-model [role=alert]")).to_contain_text("no safetensors file")
    assert picture(page) == before


def test_a_link_to_a_model_that_is_not_here(visitor: Visitor) -> None:
    page = visitor.visit("Explore", "?model=nobody")
    expect(page.locator("#abp-model [role=status]")).to_contain_text("a model that is not here")
    choose(page, FACES)


def keep_two(page: Page) -> None:
    """Keeps the point that is shown, and another one."""
    before = picture(page)
    page.get_by_role("button", name="Keep this point").click()
    page.get_by_role("button", name="Randomise").click()
    changed(page, before)
    page.get_by_role("button", name="Keep this point").click()
    expect(page.locator("#abp-explore .kept img")).to_have_count(2)


def test_the_way_between_points_can_be_taken_home(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("Explore")
    choose(page, FACES)
    pad = page.locator("#abp-explore .pad")
    for k, (x, y) in enumerate(((0.1, 0.1), (0.8, 0.15), (0.15, 0.8), (0.85, 0.85))):
        before = picture(page)
        box = pad.bounding_box()
        assert box is not None
        pad.click(position={"x": x * box["width"], "y": y * box["height"]})
        changed(page, before)
        page.get_by_role("button", name="Keep this point").click()
        expect(page.locator("#abp-explore .kept img")).to_have_count(k + 1)
    sizes = {}
    for what in ("Strip", "Panel of 4 corners", "Film"):
        page.get_by_role("button", name=what).click()
        way = page.locator("#abp-explore .way")
        key = what.split()[0].lower()
        expect(way).to_have_attribute("data-what", key)
        expect(way.locator("a")).to_have_attribute("download", re.compile(key))
        with page.expect_download() as download:
            way.locator("a").click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        if what != "Film":
            with Image.open(file) as made:
                sizes[key] = made.size
    assert sizes == {"strip": (64 * 16, 64), "panel": (64 * 5, 64 * 5)}
    with av.open(file) as film:
        video = film.streams.video[0]
        assert (video.codec_context.name, video.average_rate) == ("h264", 16)
        assert (video.width, video.height) == (256, 256)
        assert video.frames == 2 * 3 * 20  # there and back


def test_a_film_plays_in_the_page(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, FACES)
    keep_two(page)
    page.get_by_role("button", name="Film").click()
    video = page.locator("#abp-explore .way video")
    expect(video).to_be_visible()
    video.scroll_into_view_if_needed()  # what is out of sight stands still
    page.wait_for_function("document.querySelector('#abp-explore .way video').currentTime > 0.5")
    assert video.evaluate("film => [film.videoWidth, film.videoHeight]") == [256, 256]
    tab_to(page, "#abp-explore .way video")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('#abp-explore .way video').paused")
    page.set_viewport_size({"width": 390, "height": 844})
    no_serious_findings(page)
    page.get_by_role("button", name="Strip", exact=True).click()
    expect(page.locator("#abp-explore .way img")).to_be_visible()
    expect(video).to_be_hidden()


def test_a_film_waits_for_who_wants_nothing_to_move(visitor: Visitor) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = visitor.visit("Explore")
    choose(page, FACES)
    keep_two(page)
    page.get_by_role("button", name="Film").click()
    video = page.locator("#abp-explore .way video")
    video.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#abp-explore .way video').readyState > 2")
    assert video.evaluate("film => [film.paused, film.currentTime]") == [True, 0]


def test_a_sound_is_explored_and_heard(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("Explore")
    choose(page, SOUND)
    audio = page.locator("#abp-explore .look audio")
    sound = audio.get_attribute("src") or ""
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound.partition(",")[2])))
    assert len(samples) / rate == pytest.approx(5, abs=0.1)
    before = picture(page)
    slide(page, 0, 2.5)
    after = changed(page, before)
    assert audio.get_attribute("src") != sound
    page.get_by_role("button", name="Keep this point").click()
    page.get_by_role("button", name="Randomise").click()
    changed(page, after)
    page.get_by_role("button", name="Keep this point").click()
    page.get_by_role("button", name="Sound from one to the next").click()
    way = page.locator("#abp-explore .way")
    expect(way.locator("a")).to_have_attribute("download", re.compile(r"\.wav$"), timeout=10_000)
    with page.expect_download() as download:
        way.locator("a").click()
    download.value.save_as(tmp_path / "way.wav")
    assert soundfile.info(tmp_path / "way.wav").duration == pytest.approx(5, abs=0.7)


def test_ones_own_run_is_explored(visitor: Visitor) -> None:
    page = visitor.visit("Train")
    page.locator("#abp-picker").get_by_role("radio", name="bark", exact=True).click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#abp-stage .detail")).to_contain_text("iteration", timeout=30_000)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#abp-stage .headline")).to_have_text("Stopped: bark")
    page.get_by_role("button", name="Use the model I am training").click()
    expect(page.locator("#abp-model")).to_contain_text("bark, texture, your run")
    page.get_by_role("tab", name="Explore").click()
    expect(page.locator("#abp-explore .picture")).to_have_attribute(
        "alt", re.compile("^bark"), timeout=20_000
    )
    expect(page.get_by_role("button", name="Copy a link")).to_be_hidden()


@every_view
def test_everyone_can_use_it(visitor: Visitor, scheme: Scheme, width: int) -> None:
    page = visitor.seen(scheme, width)
    visitor.visit("Explore")
    for name in (FACES, SOUND, TEXTURE):
        choose(page, name)
        page.wait_for_timeout(300)
        no_serious_findings(page)
    page.get_by_text("Every number of the code").click()
    page.get_by_role("button", name="What happens here?").click()
    page.wait_for_timeout(500)
    no_serious_findings(page)


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    choose(page, FACES)
    page.locator("#abp-gallery [aria-checked=true]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#abp-explore .picture")).to_have_attribute("alt", re.compile("toon"))
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#abp-explore .picture")).to_have_attribute("alt", re.compile(FACES))
    before = picture(page)
    tab_to(page, "#abp-explore .pad")
    page.keyboard.press("Shift+ArrowRight")
    before = changed(page, before)
    tab_to(page, "#abp-explore .slider input")
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    before = changed(page, before)
    choose(page, TEXTURE)
    before = picture(page)
    page.locator("#abp-gallery [aria-checked=true]").focus()
    tab_to(page, "#abp-explore .cells")
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    changed(page, before)
