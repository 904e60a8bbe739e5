"""Browsers that deny what a page would like to use, several pages of one visitor, a lost server."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic, monotonic_ns, sleep

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo import disk
from tests.browser.conftest import ROOT, Visitor

# As browsers deny them: in an incognito window within another site, by a policy, without a card.
DENIALS = {
    "storage": """for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name,
            { get() { throw new DOMException("no", "SecurityError"); } });""",
    "clipboard": 'Object.defineProperty(navigator, "clipboard", { value: undefined });',
    "clipboard rejects": """Object.defineProperty(navigator, "clipboard", { value:
        { writeText: () => Promise.reject(new DOMException("no", "NotAllowedError")) } });""",
    "audio": "window.AudioContext = class { constructor() { throw new Error('no'); } };",
    "no audio": "delete window.AudioContext; delete window.webkitAudioContext;",
    "beacon": "navigator.sendBeacon = undefined;",
}

FORGETS = "() => { try { return !localStorage; } catch { return true; } }"


def card(page: Page, name: str) -> None:
    page.locator("#abp-gallery").get_by_role("radio", name=name, exact=True).click()
    expect(page.locator("#abp-model")).to_contain_text(name, ignore_case=True)


@pytest.mark.parametrize("denied", DENIALS)
def test_a_page_that_may_use_little_still_works(
    context: BrowserContext, address: str, denied: str
) -> None:
    context.add_init_script(DENIALS[denied])
    visitor = Visitor(context.new_page(), address)
    for _ in range(3 if denied == "storage" else 1):  # it did not fail every time
        page = visitor.visit("Explore")
        expect(page.locator("#abp-model")).to_contain_text("Current model:")
    expect(page.locator("#abp-forgetful")).to_be_visible(visible=denied == "storage")
    if denied == "storage":
        expect(page.locator("#abp-forgetful")).to_contain_text("as long as the page stays open")
    card(page, "stream")
    page.get_by_role("tab", name="Synthesise", exact=True).click()
    expect(page.locator("#abp-work")).to_contain_text("made in", timeout=60_000)
    page.locator("#abp-endless button").click()
    if "audio" in denied:
        expect(page.locator("#abp-endless")).to_contain_text("cannot play")
    page.get_by_role("tab", name="Inference", exact=True).click()
    page.get_by_role("tab", name="Train", exact=True).click()
    expect(page.locator("#abp-train")).to_be_enabled()
    assert not visitor.complaints


@pytest.fixture
def host(tmp_path: Path, address: str) -> Iterator[str]:
    """Another site, which shows the studio in a frame."""
    frame = f'<iframe src="{address}" style="width: 1200px; height: 800px"></iframe>'
    (tmp_path / "index.html").write_text(frame, encoding="utf-8")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://localhost:{server.server_address[1]}/"
        server.shutdown()


@pytest.mark.parametrize("denied", ["", "storage"])
def test_a_studio_within_another_site(context: BrowserContext, host: str, denied: str) -> None:
    context.add_init_script(DENIALS.get(denied, ""))
    page = context.new_page()
    page.goto(host)
    studio = page.frame_locator("iframe")
    expect(studio.locator("#abp-gallery .card").first).to_be_visible()
    expect(studio.locator("#abp-model")).to_contain_text("Current model:")
    # Some browsers deny it by themselves, since the frame is another site's.
    forgets = page.frames[1].evaluate(FORGETS)
    assert forgets or not denied
    expect(studio.locator("#abp-forgetful")).to_be_visible(visible=forgets)


def test_each_page_of_a_visitor_keeps_its_own_model(context: BrowserContext, address: str) -> None:
    one, other = Visitor(context.new_page(), address), Visitor(context.new_page(), address)
    first = one.visit("Synthesise")
    expect(first.locator("#abp-work")).to_contain_text("made in")
    card(first, "pebbles")
    second = other.visit("Synthesise")
    expect(second.locator("#abp-work")).to_contain_text("Pebbles")  # what was chosen last
    card(second, "bark")
    for page, name in ((first, "Pebbles"), (second, "Bark"), (first, "Pebbles")):
        page.locator("#abp-seed textarea, #abp-seed input").first.fill(str(monotonic_ns() % 10**6))
        page.locator("#abp-make").click()
        expect(page.locator("#abp-make-notice")).to_be_empty()
        expect(page.locator("#abp-work")).to_contain_text(name)
    # A new page begins with what was chosen last, and has the visitor's run.
    third = Visitor(context.new_page(), address).visit("Train")
    expect(third.locator("#abp-model")).to_contain_text("bark", ignore_case=True)
    assert not one.complaints
    assert not other.complaints


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(port: int, folder: Path) -> "subprocess.Popen[bytes]":
    env = {**os.environ, "GRADIO_SERVER_PORT": str(port), disk.VARIABLE: str(folder)}
    studio = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = monotonic() + 60
    while monotonic() < until:
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
            return studio
        sleep(0.1)
    studio.kill()
    raise AssertionError("it did not start")


def test_a_lost_server_is_said_and_the_page_comes_back_by_itself(
    browser: Browser, tmp_path: Path
) -> None:
    port = free_port()
    studio = serve(port, tmp_path)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = Visitor(context.new_page(), f"http://127.0.0.1:{port}/").visit("Explore")
        card(page, "toon faces")
        studio.send_signal(signal.SIGTERM)
        studio.wait(timeout=30)
        banner = page.locator("#abp-live .live")
        expect(banner).to_contain_text("does not answer just now", timeout=30_000)
        studio = serve(port, tmp_path)
        expect(banner).to_be_hidden(timeout=30_000)
        expect(page.locator("#abp-model")).to_contain_text(re.compile("toon faces", re.I))
    finally:
        context.close()
        studio.terminate()
        studio.wait(timeout=30)
