"""A visitor's training and their repair, side by side: each tab shows and acts on its own."""

from pathlib import Path

from playwright.sync_api import Page, expect

from abp_core.checkpoint import Checkpoint
from tests.browser.conftest import Visitor
from tests.browser.test_train_tab import await_iteration, train

TRAINED, REPAIRED = "#abp-stage", "#abp-repair-stage"


def go_to(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()


def test_a_repair_leaves_the_training_where_it_was(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.visit("Train")
    train(page, "texture", "pebbles")
    await_iteration(page, 3)
    go_to(page, "Repair")
    page.locator("#abp-repair-picker").get_by_role("radio", name="toon faces", exact=True).click()
    page.locator("#abp-repair-begin").click()
    expect(page.locator(f"{REPAIRED} .headline")).to_contain_text("Learning toon faces")

    go_to(page, "Train")
    expect(page.locator(f"{TRAINED} .headline")).to_contain_text("Stopped: pebbles")
    expect(page.locator(f"{TRAINED} .detail")).to_contain_text("the Repair tab began")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download model").click()
    taken.value.save_as(tmp_path / "mine.safetensors")
    saved = Checkpoint.load(tmp_path / "mine.safetensors")
    assert saved.source.name == "pebbles"

    page.get_by_role("button", name="Train 3 more minutes").click()
    expect(page.locator(f"{TRAINED} .headline")).to_contain_text("Learning pebbles")
    await_iteration(page, saved.iteration + 1)
    go_to(page, "Repair")
    expect(page.locator(f"{REPAIRED} .headline")).to_contain_text("Stopped: toon faces")
    page.get_by_role("button", name="Learn 3 more minutes").click()
    expect(page.locator(f"{REPAIRED} .headline")).to_contain_text("Learning toon faces")
    page.reload()
    go_to(page, "Train")
    expect(page.locator(f"{TRAINED} .headline")).to_contain_text("Stopped: pebbles")
    go_to(page, "Repair")
    page.locator("#abp-repair-stop").click()
    expect(page.locator(f"{REPAIRED} .headline")).to_contain_text("Stopped: toon faces")
