"""How long a visitor waits, and what the live view costs, measured in a real browser.

    python -m benchmarks.studio

Starts the app as a user does, opens it in Chromium, trains the default texture and the sound,
and clicks. Chromium runs on the same machine, so its share is in every figure.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from benchmarks.report import ROOT, keep

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HEADLINE = "(document.querySelector('#abp-stage .headline')?.textContent ?? '')"
DETAIL = "(document.querySelector('#abp-stage .detail')?.textContent ?? '')"
ITERATION = f"+({DETAIL}.match(/iteration (\\d+)/) || [0, 0])[1]"


@contextmanager
def studio() -> Iterator[tuple[str, int, float]]:
    """Address, process id and the moment of the start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = perf_counter()
    app = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "GRADIO_SERVER_PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}/", app.pid, started
    finally:
        app.terminate()
        app.wait(timeout=20)


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)))
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    try:
        yield browser
    finally:
        browser.close()


def opened(browser: Browser, url: str) -> Page:
    """A new visitor's page, once its Train button can be pressed."""
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            break
        except OSError:
            sleep(0.02)
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(url)
    to_train(page)
    return page


def to_train(page: Page) -> None:
    """Opens the Train tab, and waits until its button can be pressed."""
    page.get_by_role("tab", name="Train", exact=True).click()
    page.wait_for_selector("#abp-train:not([disabled])")


def seconds_until(page: Page, selector: str, condition: str) -> float:
    """From a click to a condition of the page."""
    mark = perf_counter()
    page.click(selector)
    page.wait_for_function(condition, timeout=60_000)
    return perf_counter() - mark


def clicks(page: Page, kind: str, name: str) -> dict[str, float]:
    """First view, pause, resume and stop of one run, in seconds."""
    picker = page.locator("#abp-picker")
    picker.get_by_role("tab", name=kind).click()
    picker.get_by_role("radio", name=name, exact=True).click()
    page.wait_for_timeout(500)
    shown = "document.querySelector('#abp-stage img').src.startsWith('data:')"
    trained = f"{HEADLINE} === 'Learning {name}'"
    figures = {"first view": seconds_until(page, "#abp-train", f"{trained} && {shown}")}
    page.wait_for_function(f"{ITERATION} >= 5", timeout=60_000)
    figures["pause"] = seconds_until(page, "#abp-pause", f"{HEADLINE}.startsWith('Paused')")
    figures["resume"] = seconds_until(page, "#abp-pause", trained)
    page.wait_for_timeout(2000)
    figures["stop"] = seconds_until(page, "#abp-stop", f"{HEADLINE}.startsWith('Stopped')")
    page.wait_for_timeout(500)
    return figures


def cost_of_the_view(browser: Browser, url: str, page: Page, turns: int, spell: float) -> float:
    """Share of training speed that an open page costs: spells with a page and without, in turns."""
    address = page.context
    page.click("#abp-train")
    page.wait_for_function(f"{ITERATION} >= 5", timeout=60_000)
    shares = []
    for _ in range(turns):
        before = page.evaluate(ITERATION)
        mark = perf_counter()
        sleep(spell)
        at_close, took = page.evaluate(ITERATION), perf_counter() - mark
        watched = (at_close - before) / took
        mark = perf_counter()
        page.close()
        sleep(spell)
        page = address.new_page()
        page.goto(url)
        to_train(page)
        page.wait_for_function(f"{ITERATION} > {at_close}", timeout=60_000)
        alone = (page.evaluate(ITERATION) - at_close) / (perf_counter() - mark)
        shares.append(1 - watched / alone)
    page.click("#abp-stop")
    return statistics.median(shares)


def megabytes(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def main() -> None:
    parser = argparse.ArgumentParser(description="Waits and costs of the studio in a browser.")
    parser.add_argument("--turns", type=int, default=3, help="repetitions of each figure")
    parser.add_argument("--spell", type=float, default=12.0, help="seconds with and without a page")
    args = parser.parse_args()
    results: dict[str, Any] = {}
    with sync_playwright() as playwright, chromium(playwright) as browser:
        starts = []
        for _ in range(args.turns + 1):  # the first fills the disk cache
            with studio() as (url, _, started):
                opened(browser, url)
                starts.append(perf_counter() - started)
        results["start to usable page, s"] = statistics.median(starts[1:])
        with studio() as (url, pid, _):
            page = opened(browser, url)
            for kind, name in (
                ("Textures", "pebbles"),
                ("Sounds", "stream"),
                ("Picture sets", "toon faces"),
            ):
                turns = [clicks(page, kind, name) for _ in range(args.turns)]
                for what in turns[0]:
                    results[f"{name}, {what}, s"] = statistics.median(t[what] for t in turns)
        with studio() as (url, pid, _):
            page = opened(browser, url)
            results["live view's share of training speed"] = cost_of_the_view(
                browser, url, page, args.turns, args.spell
            )
            results["resident at most while training pebbles, MB"] = megabytes(pid, "VmHWM")
    for what, figure in results.items():
        print(f"{what:48} {figure:8.3f}")
    keep("studio", results)


if __name__ == "__main__":
    main()
