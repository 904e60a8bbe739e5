"""The six steps that teach: each leads to the state that it names."""

import re
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from demo.lesson.steps import STEPS
from tests.browser.conftest import ROOT, Scheme, Visitor, every_view, no_serious_findings, tab_to

MODELS = {
    "noto_animal_faces_128": "animal faces",
    "toon_faces_64": "toon faces",
    "noto_people_64": "people",
    "pebbles": "pebbles",
}
LESSON = "#abp-lesson"


def open_steps(page: Page) -> None:
    page.locator(f"{LESSON} .open").click()
    expect(page.locator(f"{LESSON} article:visible")).to_have_count(1)


def turn_to(page: Page, number: int) -> None:
    page.locator(f"{LESSON} .numbers button").nth(number - 1).click()
    expect(page.locator(f"{LESSON} article:visible h2")).to_contain_text(f"{number}. ")


def is_there(page: Page, place: str) -> None:
    """The page shows the state that an address names."""
    asked = {name: values[0] for name, values in parse_qs(place.removeprefix("?")).items()}
    selected = page.locator("#abp-tabs [data-tab-id][aria-selected=true]")
    expect(selected).to_have_attribute("data-tab-id", asked["tab"])
    expect(page.locator("#abp-model")).to_contain_text(f"Current model: {MODELS[asked['model']]},")
    if "example" in asked:
        chosen = page.locator(f"#abp-infer .examples button:nth-child({asked['example']})")
        expect(chosen).to_have_attribute("aria-checked", "true")
        expect(page.locator("#abp-infer .step")).to_contain_text("of 100")
    if "point" in asked:
        expect(page.locator("#abp-explore .refusal")).to_be_hidden()
        expect(page.locator("#abp-explore .picture")).to_have_attribute("src", re.compile("^data"))


def test_there_are_six_whole_steps() -> None:
    assert len(STEPS) == 6
    for step in STEPS:
        assert step.keys() == {"title", "words", "task", "formula", "place"}
        assert all(step.values())
        assert len(re.findall(r"[.?!](?= |$)", step["words"])) == 2


def test_the_teachers_page_has_every_link() -> None:
    page = (ROOT / "docs" / "teacher.md").read_text(encoding="utf-8")
    links = set(re.findall(r"`(\?tab=[^`]+)`", page))
    assert {step["place"] for step in STEPS} <= links


def test_one_step_after_the_other_without_a_reload(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    expect(page.locator("#abp-model")).to_contain_text("iteration")
    page.evaluate("window.same = true")
    open_steps(page)
    for number, step in enumerate(STEPS, 1):
        turn_to(page, number)
        page.locator(f"{LESSON} article:visible .go").click()
        is_there(page, step["place"])
    assert page.evaluate("window.same")
    page.go_back()
    is_there(page, STEPS[4]["place"])


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step["title"])
def test_each_step_is_a_link(visitor: Visitor, step: dict[str, str]) -> None:
    visitor.page.goto(visitor.address + step["place"])
    is_there(visitor.page, step["place"])


def test_the_misfit_of_a_random_code_is_far_larger(visitor: Visitor) -> None:
    """What the second step asks for can be seen."""
    page = visitor.page
    page.goto(visitor.address + STEPS[1]["place"])
    expect(page.locator("#abp-infer .verdict")).to_contain_text("found")
    page.locator("#abp-infer .first").click()
    expect(page.locator("#abp-infer .step")).to_contain_text("step 0 of")
    misfit = page.locator("#abp-infer .numbers dd").first
    before = float(misfit.inner_text())
    page.locator("#abp-infer .scrub").fill("100")
    expect(page.locator("#abp-infer .step")).to_contain_text("step 100 of")
    assert float(misfit.inner_text()) < before / 10


def test_the_step_and_that_they_were_put_away_are_remembered(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    open_steps(page)
    turn_to(page, 3)
    page.reload()
    expect(page.locator(f"{LESSON} .open")).to_contain_text("Step 3 of 6")
    page.locator(f"{LESSON} .dismiss").click()
    expect(page.locator(f"{LESSON} .dismiss")).to_be_hidden()
    page.reload()
    expect(page.locator(f"{LESSON} .open")).to_have_text("Six steps")
    expect(page.locator(f"{LESSON} .dismiss")).to_be_hidden()
    open_steps(page)
    expect(page.locator(f"{LESSON} article:visible h2")).to_contain_text("3. ")


def test_what_was_kept_may_be_anything(visitor: Visitor) -> None:
    page = visitor.visit("Explore")
    for kept in ("{", "null", '{"at": 99}', '{"at": "x", "away": 1}', "[]"):
        page.evaluate("kept => localStorage.setItem('abp-lesson', kept)", kept)
        page.reload()
        expect(page.locator(f"{LESSON} .open")).to_have_text("How does it work? Six steps")


def test_printing_gives_six_cards_on_a_page(visitor: Visitor) -> None:
    page = visitor.visit("Train")
    page.emulate_media(media="print")
    expect(page.locator(f"{LESSON} article:visible")).to_have_count(6)
    expect(page.locator(f"{LESSON} .formula:visible")).to_have_count(6)
    expect(page.locator(f"{LESSON} .place:visible")).to_have_count(6)
    expect(page.locator("#abp-gallery")).to_be_hidden()
    expect(page.locator("#abp-tabs")).to_be_hidden()
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf())) == 1


def test_the_picture_stays_on_a_small_screen(visitor: Visitor) -> None:
    visitor.page.set_viewport_size({"width": 1366, "height": 650})
    page = visitor.visit("Explore")
    expect(page.locator(f"{LESSON} .open")).to_be_visible()
    expect(page.locator("#abp-explore .picture")).to_be_in_viewport(ratio=0.3)


@every_view
def test_everyone_can_use_it(visitor: Visitor, scheme: Scheme, width: int) -> None:
    page = visitor.seen(scheme, width)
    visitor.visit("Explore")
    picture = page.locator("#abp-explore .picture")
    expect(picture).to_have_attribute("src", re.compile("^data"))
    no_serious_findings(page)
    tab_to(page, f"{LESSON} .open")
    page.keyboard.press("Enter")
    tab_to(page, f"{LESSON} .numbers button")
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"{LESSON} article:visible h2")).to_contain_text("2. ")
    page.get_by_role("button", name="The formula", exact=True).click()
    expect(page.locator(f"{LESSON} .formula:visible")).to_contain_text("misfit")
    expect(page.locator(f"{LESSON} .steps")).to_be_in_viewport(ratio=1)
    no_serious_findings(page)
    page.keyboard.press("Escape")
    expect(page.locator(f"{LESSON} .steps")).to_be_hidden()
    expect(page.locator(f"{LESSON} .open")).to_be_focused()
