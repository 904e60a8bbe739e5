"""A real studio in a process of its own, and a real Chromium that visits it."""

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from demo import disk

# What is waited for comes when it comes: a busy machine takes its time, and no test is about that.
expect.set_options(timeout=20_000)

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
# Gradio serves a file that another request is still copying to the same place of its cache; what
# is sent is then longer than was announced. It happens when two visitors make the same at once.
CUT_SHORT = (
    r"ERROR: +Exception in ASGI application\n((?!ERROR: ).)*?"
    r"LocalProtocolError: Too much data for declared Content-Length\n"
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the studio answers; it must end by itself when it is told to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    folder = tmp_path_factory.mktemp("studio")
    log = folder / "log"
    env = {**os.environ, "GRADIO_SERVER_PORT": str(port), disk.VARIABLE: str(folder / "files")}
    with log.open("w") as output:
        studio = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=env, stdout=output, stderr=output
        )
    try:
        until = monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(url, timeout=1).close()
                break
            except OSError:
                assert studio.poll() is None, log.read_text(encoding="utf-8")
                assert monotonic() < until, log.read_text(encoding="utf-8")
                sleep(0.1)
        yield url
    finally:
        studio.terminate()
        studio.wait(timeout=20)
    own = re.sub(CUT_SHORT, "", log.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert "Traceback" not in own, own


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        sentence = "No Chromium was found; install it, or name it in the variable CHROMIUM."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor: a browser profile of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    yield context
    context.close()


Scheme = Literal["light", "dark"]
SETTLED = """() => Promise.allSettled(document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime < Infinity)
    .map((each) => each.finished))"""


def every_view(test: Callable[..., None]) -> Callable[..., None]:
    """Runs a test in a wide window, in light, and in a telephone's, in dark; what is looked for in
    `no_serious_findings` is looked for in both colours of each."""
    return pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])(test)


class Visitor:
    """A page that remembers everything it should not have said or asked for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._watch)

    def visit(self, tab: str = "Train", query: str = "") -> Page:
        self.page.goto(self.address + query)
        self.page.locator("#abp-gallery .card").first.wait_for()
        self.page.get_by_role("tab", name=tab, exact=True).click()
        return self.page

    def seen(self, scheme: Scheme, width: int) -> Page:
        """The page in such colours and such a window, not yet visited."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": 844})
        return self.page

    def _hear(self, message: ConsoleMessage) -> None:
        # A page that is left aborts its open stream, and Gradio's client reports that.
        leaving = "AbortError" in message.text or "Connection errored out" in message.text
        if message.type == "error" and not leaving:
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.strangers.append(request.url)


def no_serious_findings(page: Page) -> None:
    """Nothing that keeps somebody from using the page, in light and in dark, and nothing wider than
    the window."""
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    own: Scheme = "dark" if dark else "light"
    other: Scheme = "light" if dark else "dark"
    for scheme in (own, other):
        _colour(page, scheme)
        _no_serious_findings(page)
    _colour(page, own)


def _colour(page: Page, scheme: Scheme) -> None:
    """Waits for what is on its way to another colour, too."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(
        "dark => document.body.classList.contains('dark') === dark", arg=scheme == "dark"
    )
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")
    page.evaluate(SETTLED)


def _no_serious_findings(page: Page) -> None:
    serious = [
        (finding["id"], [node["target"] for node in finding["nodes"]])
        for finding in Axe().run(page).response["violations"]
        if finding["impact"] in ("serious", "critical")
    ]
    assert not serious
    assert page.viewport_size is not None
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def tab_to(page: Page, selector: str, presses: int = 120) -> None:
    """Presses Tab until what the selector matches has the focus."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{selector} was not reached")


@pytest.fixture
def visitor(context: BrowserContext, address: str) -> Iterator[Visitor]:
    visitor = Visitor(context.new_page(), address)
    yield visitor
    assert not visitor.complaints
    assert not visitor.strangers
