"""The Inference tab as a visitor meets it."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from abp_core.analysis import traces
from abp_core.data import datasets
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.priors.normal import Normal
from abp_core.spec import LangevinSpec
from abp_core.zoo import catalogue
from tests.browser.conftest import ROOT, Scheme, Visitor, every_view, no_serious_findings, tab_to

FACES, TEXTURE, SOUND = "animal faces", "pebbles", "stream"
STEP = "#abp-infer .step"


def open_with(page: Page, name: str) -> None:
    """Chooses a model and opens the tab; a first walk begins by itself."""
    page.locator("#abp-gallery").get_by_role("radio", name=name, exact=True).click()
    expect(page.locator("#abp-model")).to_contain_text(f"Current model: {name}")
    page.get_by_role("tab", name="Inference").click()
    expect(page.locator(STEP)).to_contain_text("of", timeout=20_000)


def infer(page: Page, **wish: str) -> None:
    """Begins a walk, and waits until it is done."""
    for name, value in wish.items():
        field = page.locator(f"#abp-infer .wish[name={name}]")
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.evaluate("(field, value) => { field.value = value; }", value)
    page.locator("#abp-infer .speed").select_option("30")
    page.get_by_role("button", name="Infer", exact=True).click()
    steps = wish["steps"]
    expect(page.locator(STEP)).to_have_text(f"step {steps} of {steps}", timeout=30_000)


def numbers(page: Page) -> dict[str, float]:
    """What stands beside the energy, by name."""
    names = page.locator("#abp-infer .numbers dt").all_inner_texts()
    texts = page.locator("#abp-infer .numbers dd").all_inner_texts()
    return {
        name: float(found[0])
        for name, text in zip(names, texts, strict=True)
        if (found := re.match(r"[\d.]+(e[-+]\d+)?", text))
    }


def show_walk(page: Page, number: int) -> None:
    page.locator("#abp-infer .chain").select_option(label=f"walk {number}")
    expect(page.locator(f"#abp-infer [data-walk='{number}']")).to_have_count(1)


def scrub(page: Page, step: int) -> None:
    page.locator("#abp-infer .scrub").evaluate(
        "(input, step) => { input.value = step; input.dispatchEvent(new Event('input')); }", step
    )


def pixels(page: Page, name: str) -> np.ndarray:
    """One of the pictures (h, w, 3), 0 to 255."""
    source = page.locator(f"#abp-infer .{name}").get_attribute("src") or ""
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def picture(page: Page) -> str:
    return page.locator("#abp-infer .made").get_attribute("src") or ""


def engines(steps: int, seed: int) -> list[Any]:
    """The same walk, by the engine alone."""
    shipped = {each.name: each for each in catalogue.read_shipped(ROOT / "checkpoints")}
    model = shipped["noto_animal_faces_128"]
    saved = model.open(ROOT / "checkpoints")
    dataset, _ = datasets.load(ROOT / model.data, saved.spec)
    posterior = traces.posterior_about(
        saved.generator(), dataset.signals[:1], Full(), saved.sigma, 4
    )
    index = torch.arange(4)
    noise = chain_noise(seed=seed, sweep=1, index=index, steps=steps, shape=(2,))
    how = LangevinSpec(steps=steps, step_size=0.3)
    walk = traces.Walk(posterior, Normal((2,)).draw(4, seed), noise, how, saved.preconditioner())
    while not walk.ended:
        walk.advance()
    return walk.steps


def test_a_walk_is_played_paused_stepped_and_scrubbed(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    open_with(page, FACES)
    infer(page, steps="20", step_size="0.3", seed="7", chains="4")
    expected = engines(20, 7)
    show_walk(page, 1)
    end = picture(page)
    for step in (20, 11, 0):
        scrub(page, step)
        expect(page.locator(STEP)).to_have_text(f"step {step} of 20")
        shown = numbers(page)
        assert shown["Misfit"] == pytest.approx(float(expected[step].misfit[0]), rel=6e-3)
        assert shown["Prior |z|²/2"] == pytest.approx(float(expected[step].prior[0]), rel=6e-3)
        assert shown["Gradient |∂U/∂z|"] == pytest.approx(float(expected[step].slope[0]), rel=6e-3)
    assert picture(page) != end

    page.locator("#abp-infer .speed").select_option("5")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("+document.querySelector('#abp-infer .scrub').value >= 3")
    page.get_by_role("button", name="Pause", exact=True).click()
    held = page.locator(STEP).inner_text()
    page.wait_for_timeout(700)
    assert page.locator(STEP).inner_text() == held
    at = int(held.split()[1])
    page.get_by_role("button", name="One step back").click()
    expect(page.locator(STEP)).to_have_text(f"step {at - 1} of 20")
    page.get_by_role("button", name="One step forward").click()
    expect(page.locator(STEP)).to_have_text(f"step {at} of 20")

    scrub(page, 20)
    first = picture(page)
    show_walk(page, 3)
    expect(page.locator("#abp-infer .made")).not_to_have_attribute("src", first)
    assert numbers(page)["Misfit"] == pytest.approx(float(expected[20].misfit[2]), rel=6e-3)


def test_the_walk_that_a_page_begins_with_arrives_and_says_so(visitor: Visitor) -> None:
    page = visitor.visit("Inference")
    verdict = page.locator("#abp-infer .verdict")
    for example in (0, 1):
        page.locator("#abp-infer .examples button").nth(example).click()
        expect(page.locator(STEP)).to_have_text("step 100 of 100", timeout=60_000)
        expect(verdict).to_contain_text(re.compile(r"\d of 8 walks found it|All 8 walks found"))
        # The picture that is shown is the face, not one of another valley.
        shown, seen = (pixels(page, name) for name in ("made", "observed"))
        assert np.abs(shown - seen).mean() < 12


def test_nothing_of_a_walk_stays_beside_another_target_or_model(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.visit("Explore")
    open_with(page, FACES)
    infer(page, steps="5")
    broken = "() => [...document.querySelectorAll('#abp-infer img')].filter((img) => "
    broken += "img.checkVisibility({ visibilityProperty: true }) && !img.naturalWidth).length"
    before = page.locator("#abp-infer .observed").get_attribute("src")
    # In the very moment of the choice, before anything is answered.
    gone = """() => {
        document.querySelectorAll("#abp-infer .examples button")[2].click();
        return [document.querySelector("#abp-infer .step").textContent,
            document.querySelector("#abp-infer .observed").hasAttribute("src")];
    }"""
    assert page.evaluate(gone) == ["no walk yet", False]
    assert page.evaluate(broken) == 0
    expect(page.locator(STEP)).to_have_text("step 5 of 5")
    assert page.locator("#abp-infer .observed").get_attribute("src") != before
    picture_of_its_own = Image.linear_gradient("L").resize((64, 64))
    Image.merge("RGB", [picture_of_its_own, *[Image.new("L", (64, 64))] * 2]).save(
        tmp_path / "red.png"
    )
    page.locator("#abp-infer-own").locator("xpath=..").locator("input[type=file]").or_(
        page.locator("input[type=file]").nth(1)
    ).first.set_input_files(tmp_path / "red.png")
    expect(page.locator("#abp-infer .item option:checked")).to_have_text("red.png")
    expect(page.locator(STEP)).to_have_text("step 5 of 5")
    seen = pixels(page, "observed")
    assert seen[..., 0].mean() > 100 > 20 > seen[..., 1].mean()


def test_who_wants_nothing_to_move_sees_the_start_of_the_walk(visitor: Visitor) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = visitor.visit("Inference")
    expect(page.locator(STEP)).to_have_text("step 0 of 100")
    assert page.locator("#abp-infer .made").evaluate("image => image.naturalWidth") > 0
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_enabled()


def test_training_is_replayed_and_walked_through_slowly(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    open_with(page, FACES)
    page.get_by_role("button", name="As in training").click()
    expect(page.locator(STEP)).to_have_text("step 3 of 3", timeout=20_000)
    scrub(page, 0)
    page.get_by_role("button", name="Slow motion").click()
    expect(page.locator("#abp-infer .words h3")).to_have_text("Noise")
    titles = []
    for _ in range(5):
        titles.append(page.locator("#abp-infer .words h3").inner_text())
        page.get_by_role("button", name="Next", exact=True).or_(
            page.get_by_role("button", name="Next step")
        ).click()
        page.wait_for_timeout(150)
    assert titles == ["Noise", "f(z)", "Misfit", "Gradient", "Learning"]
    expect(page.locator("#abp-infer .count")).to_have_text("Part 1 of 5, step 1")


def test_what_runs_away_is_marked(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    open_with(page, FACES)
    infer(page, steps="30", step_size="10", sigma="0.01")
    expect(page.locator("#abp-infer .spoken")).to_contain_text("ran away")
    infer(page, steps="10", step_size="", sigma="")
    expect(page.locator("#abp-infer .spoken")).not_to_contain_text("ran away")


def test_a_walk_is_taken_home(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("Explore")
    open_with(page, FACES)
    infer(page, steps="12")
    files = {}
    for name in ("Picture", "Film", "Record (.npz)"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        files[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[name])
    with Image.open(files["Picture"]) as still:
        assert still.width > 1000
    assert files["Film"].suffix == ".mp4"
    with av.open(files["Film"]) as film:
        video = film.streams.video[0]
        assert (video.codec_context.name, video.average_rate) == ("h264", 12)
        assert (video.width, video.height, video.frames) == (3 * 256, 256, 13)
    with np.load(files["Record (.npz)"]) as record:
        assert record["z"].shape == (13, 8, 2)


def test_bad_numbers_and_files_get_a_sentence_and_the_walk_stays(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.visit("Explore")
    open_with(page, FACES)
    infer(page, steps="5")
    before = picture(page)
    for name, value in (("steps", "0"), ("steps", "many"), ("sigma", "-1"), ("seed", "1.5e99")):
        field = page.locator(f"#abp-infer .wish[name={name}]")
        old = field.input_value()
        field.evaluate("(field, value) => { field.value = value; }", value)
        page.get_by_role("button", name="Infer", exact=True).click()
        expect(page.locator("#abp-infer .refusal")).to_be_visible()
        field.evaluate("(field, value) => { field.value = value; }", old)
        assert picture(page) == before
    page.get_by_role("button", name="Play", exact=True).click()
    (tmp_path / "empty.png").touch()
    page.locator("#abp-infer-own").locator("xpath=..").locator("input[type=file]").or_(
        page.locator("input[type=file]").nth(1)
    ).first.set_input_files(tmp_path / "empty.png")
    expect(page.locator("#abp-infer .refusal")).to_contain_text("is empty")
    expect(page.locator(STEP)).to_have_text("step 5 of 5")  # the film has come to its end
    assert picture(page) == before


@pytest.mark.parametrize(
    ("model", "example", "said"),
    [
        (FACES, "mouse", "The walk of “animal faces, mouse”."),
        (SOUND, re.compile(r"^\d+\.\d to \d+\.\d s$"), re.compile(r"“stream, \d+\.\d to \d")),
        (TEXTURE, re.compile("^crop at the upper left"), re.compile("“pebbles, crop at the upper")),
        ("toon faces", "Training example 3", "The walk of “toon faces, training example 3”."),
    ],
)
def test_an_example_is_called_by_what_is_known_of_it(
    visitor: Visitor, model: str, example: str | re.Pattern[str], said: str | re.Pattern[str]
) -> None:
    page = visitor.visit("Explore")
    open_with(page, model)
    examples = page.locator("#abp-infer .examples")
    examples.get_by_role("radio", name=example, exact=True).last.click()
    expect(page.locator("#abp-infer .last .spoken")).to_have_text(said)
    page.get_by_role("tab", name="Explore", exact=True).click()
    examples = page.locator("#abp-explore .examples")
    expect(examples.get_by_role("button", name=example, exact=True).first).to_be_visible()


@every_view
def test_everyone_can_use_it(visitor: Visitor, scheme: Scheme, width: int) -> None:
    page = visitor.seen(scheme, width)
    visitor.visit("Explore")
    for name in (FACES, SOUND, TEXTURE):
        open_with(page, name)
        page.wait_for_timeout(500)
        no_serious_findings(page)
    page.locator("#abp-infer summary").click()
    page.get_by_role("button", name="Slow motion").click()
    expect(page.locator("#abp-infer .slowly")).to_be_visible()
    page.wait_for_timeout(500)
    no_serious_findings(page)


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    open_with(page, FACES)
    page.get_by_role("tab", name="Inference").focus()
    tab_to(page, "#abp-infer .examples [role=radio]")
    page.keyboard.press("ArrowRight")
    tab_to(page, "#abp-infer .begin")
    page.keyboard.press("Enter")
    expect(page.locator(STEP)).to_have_text("step 100 of 100", timeout=30_000)
    tab_to(page, "#abp-infer .back")
    page.keyboard.press("Enter")
    expect(page.locator(STEP)).to_have_text("step 99 of 100")
    tab_to(page, "#abp-infer .scrub")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(STEP)).to_have_text("step 98 of 100")
