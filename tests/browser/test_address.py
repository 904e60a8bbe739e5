"""The page's address: it names what is shown, and brings it back."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, Visitor, every_view, no_serious_findings

FACES = "toon_faces_64"


def choose(page: Page, name: str) -> None:
    page.locator("#abp-gallery").get_by_role("radio", name=name, exact=True).click()
    expect(page.locator("#abp-model")).to_contain_text(f"Current model: {name}")


def open_tab(page: Page, name: str) -> None:
    page.locator(f"#abp-tabs [data-tab-id={name}]").click()


def shows(page: Page, tab: str, model: str) -> None:
    """The page itself and its address agree on it."""
    selected = page.locator("#abp-tabs [data-tab-id][aria-selected=true]")
    expect(selected).to_have_attribute("data-tab-id", tab)
    expect(page.locator("#abp-model")).to_contain_text(f"Current model: {model},")
    expect(page.locator("#abp-gallery [aria-checked=true]")).to_have_text(model)
    expect(page).to_have_url(re.compile(rf"\?.*tab={tab}"))


def example(page: Page, number: int) -> None:
    chosen = page.locator(f"#abp-infer .examples button:nth-child({number})")
    expect(chosen).to_have_attribute("aria-checked", "true")


def test_back_and_forward_bring_back_tab_model_example_and_point(visitor: Visitor) -> None:
    page = visitor.visit("Explore", f"?model={FACES}")
    page.evaluate("window.same = true")
    shows(page, "explore", "toon faces")
    picture = page.locator("#abp-explore .picture")
    expect(picture).to_have_attribute("alt", re.compile("^toon"))
    first = picture.get_attribute("src") or ""
    page.get_by_role("button", name="Randomise").click()
    expect(picture).not_to_have_attribute("src", first)
    expect(page).to_have_url(re.compile("point="))
    moved = picture.get_attribute("src") or ""
    open_tab(page, "inference")
    page.get_by_role("radio", name="Training example 3", exact=True).click()
    expect(page).to_have_url(re.compile("example=3"))
    choose(page, "animal faces")
    expect(page).not_to_have_url(re.compile("example=|point="))
    example(page, 1)
    open_tab(page, "train")
    shows(page, "train", "animal faces")
    page.go_back()
    shows(page, "inference", "animal faces")
    page.go_back()
    shows(page, "inference", "toon faces")
    example(page, 3)
    page.go_back()
    shows(page, "explore", "toon faces")
    expect(picture).to_have_attribute("src", moved)
    for tab, model in (("inference", "toon faces"), ("inference", "animal faces")):
        page.go_forward()
        shows(page, tab, model)
    page.go_forward()
    shows(page, "train", "animal faces")
    assert page.evaluate("window.same"), "no step has loaded the page anew"


TABS = ["explore", "synthesise", "inference", "repair", "train", "compare"]


@pytest.mark.parametrize("tab", TABS)
def test_a_reload_and_a_link_show_the_same(visitor: Visitor, address: str, tab: str) -> None:
    visitor.page.goto(f"{address}?tab={tab}&model={FACES}&example=4")
    page = visitor.page
    shows(page, tab, "toon faces")
    page.reload()
    shows(page, tab, "toon faces")
    page.get_by_role("button", name="Copy link", exact=True).click()
    expect(page.locator("#abp-share [role=status]")).to_contain_text(re.compile("[Tt]he link"))
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context()
    other = Visitor(context.new_page(), address)
    other.page.goto(page.url)
    shows(other.page, tab, "toon faces")
    if tab == "inference":
        example(other.page, 4)
        expect(other.page.locator("#abp-infer .step")).to_contain_text("of 100")
    assert not other.complaints
    context.close()


def test_a_reload_comes_back_to_the_run(visitor: Visitor) -> None:
    page = visitor.visit("Train")
    page.locator("#abp-picker").get_by_role("radio", name="bark", exact=True).click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#abp-stage .detail")).to_contain_text("iteration")
    page.reload()
    expect(page.locator("#abp-stage")).to_be_visible()
    expect(page.locator("#abp-stage .headline")).to_contain_text("bark")
    expect(page.locator("#abp-stage .detail")).to_contain_text("iteration")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#abp-stage .headline")).to_have_text("Stopped: bark")


@pytest.mark.parametrize(
    "text",
    ["nobody", "../../etc/passwd", "<script>alert(1)</script>", "\x00", "ä" * 900, "__proto__"],
)
def test_unknown_names_get_the_usual_and_a_sentence(visitor: Visitor, text: str) -> None:
    named = quote(text)
    page = visitor.visit("Explore")  # so that there is a model before
    expect(page.locator("#abp-gallery [aria-checked=true]")).to_have_count(1)
    visitor.page.goto(f"{visitor.address}?tab={named}&model={named}&example={named}&point={named}")
    shows(page, "explore", "animal faces")
    expect(page.locator("#abp-model")).to_contain_text("a model that is not here")
    expect(page.locator("#abp-share")).to_contain_text("a tab that is not here; this is Explore")
    expect(page).not_to_have_url(re.compile("example=|point="))
    expect(page.locator("#abp-explore .picture")).to_have_attribute("alt", re.compile("^animal"))


@pytest.mark.parametrize("number", ["0", "-1", "25", "99999999999", "1e1", "two"])
def test_an_example_that_is_not_there_gets_a_sentence(visitor: Visitor, number: str) -> None:
    page = visitor.page
    page.goto(f"{visitor.address}?tab=inference&model={FACES}&example={number}")
    expect(page.locator("#abp-infer .last .spoken")).to_contain_text("this is the first")
    example(page, 1)
    expect(page).not_to_have_url(re.compile("example="))


def test_a_model_of_ones_own_is_in_no_link(visitor: Visitor, address: str) -> None:
    page = visitor.visit("Synthesise")
    expect(page.locator("#abp-model")).to_contain_text("Current model: animal faces")
    file = ROOT / "checkpoints" / f"{FACES}.safetensors"
    page.locator("#abp-current input[type=file]").set_input_files(file)
    expect(page.locator("#abp-model")).to_contain_text("from your file")
    expect(page).to_have_url(re.compile("model=own"))
    page.get_by_role("button", name="Copy link", exact=True).click()
    expect(page.locator("#abp-share")).to_contain_text("share its file")
    page.reload()
    expect(page.locator("#abp-model")).to_contain_text("from your file")
    page.go_back()
    shows(page, "synthesise", "animal faces")
    page.go_forward()
    expect(page.locator("#abp-gallery .said")).to_contain_text("your own, which no address holds")
    shows(page, "synthesise", "animal faces")
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context()
    other = Visitor(context.new_page(), address)
    other.page.goto(f"{address}?tab=synthesise&model=own")
    shows(other.page, "synthesise", "animal faces")
    expect(other.page.locator("#abp-model")).to_contain_text("whoever has it can send you its file")
    assert not other.complaints
    context.close()


@every_view
def test_everyone_can_copy_a_link(visitor: Visitor, scheme: str, width: int) -> None:
    page = visitor.seen(scheme, width)  # type: ignore[arg-type]
    visitor.visit("Train", "?tab=nobody")
    expect(page.locator("#abp-open")).to_be_enabled()  # it takes its colour as it comes to that
    page.get_by_role("button", name="Copy link", exact=True).click()
    expect(page.locator("#abp-share .bubble")).to_be_in_viewport(ratio=1)
    no_serious_findings(page)
    page.keyboard.press("Escape")
    expect(page.locator("#abp-share .bubble")).to_be_hidden()
