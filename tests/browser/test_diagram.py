"""The alternation as a diagram that a training run lights up, and a walk in slow motion."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Scheme, Visitor, every_view, no_serious_findings, tab_to
from tests.browser.test_train_tab import await_iteration, stop, train

PARTS = ["z", "f", "made", "left", "infer", "learn", "prior"]


def lit(page: Page, widget: str = "#abp-diagram") -> list[str]:
    on = page.locator(f"{widget} li[data-on]")
    return [each.get_attribute("data-part") or "" for each in on.all()]


def picture(page: Page, part: str, widget: str = "#abp-diagram") -> str:
    return page.locator(f"{widget} [data-part={part}] img").get_attribute("src") or ""


def number(page: Page, part: str) -> float:
    """What stands below a part of the slow motion."""
    text = page.locator(f"#abp-infer [data-part={part}] .number").inner_text()
    return float(re.findall(r"[\d.e-]+", text)[-1])


def slow_motion(page: Page, model: str) -> None:
    """Goes into slow motion at the first step of the walk that the tab begins with."""
    page.get_by_role("tab", name="Inference", exact=True).click()
    page.locator("#abp-gallery").get_by_role("radio", name=model, exact=True).click()
    expect(page.locator("#abp-model")).to_contain_text(f"Current model: {model}")
    expect(page.locator("#abp-infer .last .spoken")).to_contain_text(model, timeout=60_000)
    page.get_by_role("button", name="Slow motion").click()
    expect(page.locator("#abp-infer .count")).to_have_text("Part 1 of 5, step 0", timeout=60_000)


def test_its_parts_light_up_in_turn_and_carry_what_there_is(visitor: Visitor) -> None:
    page = visitor.visit("Train")
    assert lit(page) == []
    train(page, "texture", "pebbles")
    await_iteration(page, 3)
    seen: list[str] = []
    for _ in range(120):
        seen += [part for part in lit(page) if seen[-1:] != [part]]
        if set(seen) == set(PARTS):
            break
        page.wait_for_timeout(100)
    assert set(seen) == set(PARTS)
    follows = dict(zip(PARTS, [*PARTS[1:], PARTS[0]], strict=True))
    assert all(follows[a] == b for a, b in pairwise(seen))
    stop(page, "pebbles")
    expect(page.locator("#abp-diagram li[data-on]")).to_have_count(0)
    shown = page.locator("#abp-stage figure img")
    for k, part in ((0, "left"), (1, "made"), (2, "prior")):
        assert picture(page, part) == shown.nth(k).get_attribute("src")
    expect(page.locator("#abp-diagram [data-part=left] .number")).to_contain_text("%")
    expect(page.locator("#abp-diagram [data-part=z] .number")).to_contain_text("size")


def test_nothing_moves_in_it_for_who_does_not_want_that(visitor: Visitor) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = visitor.visit("Train")
    train(page, "texture", "pebbles")
    await_iteration(page, 3)
    page.wait_for_timeout(1500)
    assert lit(page) == []
    assert picture(page, "made").startswith("data:image/")
    stop(page, "pebbles")


STAGES = {
    "Noise": ["infer"],
    "f(z)": ["z", "f", "made"],
    "Misfit": ["left"],
    "Gradient": ["infer", "prior"],
    "Learning": ["learn"],
}


def test_slow_motion_lights_it_stage_by_stage_with_what_is_there(visitor: Visitor) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    page = visitor.visit("Explore")
    slow_motion(page, "toon faces")
    infer = page.locator("#abp-infer")
    noise, next_one = picture(page, "infer", "#abp-infer"), infer.locator(".later")
    for title, parts in STAGES.items():
        expect(infer.locator(".words h3")).to_have_text(title)
        assert lit(page, "#abp-infer") == parts
        if title != "Learning":
            next_one.click()
    assert picture(page, "made", "#abp-infer") == infer.locator(".made").get_attribute("src")
    assert picture(page, "left", "#abp-infer") == infer.locator(".residual").get_attribute("src")
    assert noise != picture(page, "infer", "#abp-infer") != picture(page, "z", "#abp-infer")
    shown = infer.locator(".numbers dd").all_inner_texts()
    misfit, prior, slope = map(float, shown[:3])
    assert number(page, "left") == pytest.approx(misfit, rel=6e-3)
    assert number(page, "prior") == pytest.approx(prior, rel=6e-3)
    assert number(page, "z") == pytest.approx((2 * prior) ** 0.5, rel=2e-2)
    assert number(page, "infer") == pytest.approx(slope, rel=6e-3)
    before = picture(page, "z", "#abp-infer")
    next_one.click()
    expect(infer.locator(".count")).to_have_text("Part 1 of 5, step 1")
    assert picture(page, "z", "#abp-infer") != before


@pytest.mark.parametrize(("width", "height"), [(1366, 650), (390, 844)])
def test_slow_motion_is_seen_whole_and_stays_where_it_is(
    visitor: Visitor, width: int, height: int
) -> None:
    visitor.page.emulate_media(reduced_motion="reduce")
    visitor.page.set_viewport_size({"width": width, "height": height})
    page = visitor.visit("Explore")
    slow_motion(page, "toon faces")
    slowly = page.locator("#abp-infer .slowly")
    expect(slowly).to_be_in_viewport(ratio=1)
    box = slowly.bounding_box()
    for _ in STAGES:
        expect(slowly).to_be_in_viewport(ratio=1)
        assert slowly.bounding_box() == box
        page.locator("#abp-infer .later").click()


@every_view
def test_everyone_can_follow_it_in_slow_motion(
    visitor: Visitor, scheme: Scheme, width: int
) -> None:
    page = visitor.seen(scheme, width)
    page.emulate_media(reduced_motion="reduce", color_scheme=scheme)
    visitor.visit("Explore")
    slow_motion(page, "pebbles")
    tab_to(page, "#abp-infer .later", presses=200)
    page.keyboard.press("Enter")
    expect(page.locator("#abp-infer .words h3")).to_have_text("f(z)")
    no_serious_findings(page)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#abp-infer .words h3")).to_have_text("Noise")
    expect(page.locator("#abp-infer .later")).to_be_focused()
