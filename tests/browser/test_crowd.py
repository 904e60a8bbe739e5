"""Many pages of one browser, and a studio that goes and comes back while a page is open."""

import json
from pathlib import Path
from time import monotonic

from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import Visitor
from tests.demo.served import Server


def test_six_pages_of_one_browser_all_answer(context: BrowserContext, address: str) -> None:
    """A browser opens six connections to a host; no page may keep one for itself."""
    visitors = [Visitor(context.new_page(), address) for _ in range(6)]
    for visitor in visitors:
        visitor.visit("Explore")
    for visitor in visitors:
        expect(visitor.page.locator("#abp-model b")).to_be_visible(timeout=30_000)
    page = visitors[-1].page
    took = []
    for name in ("pebbles", "toon faces", "pebbles", "toon faces"):
        card = page.locator("#abp-gallery .card", has_text=name).first
        begun = monotonic()
        card.click()
        expect(page.locator("#abp-model b")).to_have_text(name, timeout=30_000)
        took.append(monotonic() - begun)
    assert sorted(took)[1] < 1, took
    for visitor in visitors:
        assert not visitor.complaints


def test_a_page_tells_that_its_run_ended_with_the_studio(browser: Browser, tmp_path: Path) -> None:
    """A crash while it trains: the page says so by itself, and the run can go on."""
    server = Server(tmp_path / "studio", tmp_path / "log", SECONDS_BETWEEN_SAVES=0.5)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = Visitor(context.new_page(), f"http://127.0.0.1:{server.port}/").visit("Train")
        expect(page.locator("#abp-train")).to_be_enabled(timeout=30_000)
        page.get_by_text("Quick", exact=True).first.click()
        page.locator("#abp-train").click()
        headline = page.locator("#abp-stage .headline")
        expect(headline).to_have_text("Learning pebbles", timeout=60_000)
        records = tmp_path / "studio" / "runs"
        while not any(json.loads(r.read_bytes())["model"] for r in records.glob("*/run.json")):
            page.wait_for_timeout(200)
        server.kill()
        expect(page.locator("#abp-live")).to_contain_text("does not answer", timeout=30_000)
        server = Server(tmp_path / "studio", tmp_path / "log", port=server.port)
        expect(headline).to_have_text("Stopped: pebbles", timeout=60_000)
        expect(page.locator("#abp-stage .detail")).to_contain_text("restarted")
        expect(page.locator("#abp-live .live")).to_be_hidden()
        go_on = page.locator("#abp-pause")
        expect(go_on).to_have_text("Train 3 more minutes")
        go_on.click()
        expect(headline).to_have_text("Learning pebbles", timeout=60_000)
        page.locator("#abp-stop").click()
        expect(headline).to_have_text("Stopped: pebbles", timeout=30_000)
    finally:
        context.close()
        assert server.stop() == 0
    assert not server.own_faults()
