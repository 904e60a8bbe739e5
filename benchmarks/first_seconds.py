"""The first ten seconds: what the page weighs, when it first moves, and what the motion costs.

    python -m benchmarks.first_seconds

Opens the studio in Chromium with an empty cache, again and again, and touches nothing. Chromium
runs on the same machine, so its share is in every figure.
"""

import argparse
import statistics

from playwright.sync_api import Browser, sync_playwright

from benchmarks.report import keep
from benchmarks.studio import chromium, opened, studio

SPELL = 6  # seconds of motion during which requests are counted
# Notes when the tabs appear and when the picture has moved, in milliseconds.
WATCH = """
    window.abpSeen = {};
    const look = () => {
        const seen = window.abpSeen;
        if (document.querySelector('#abp-tabs [role=tab]')) seen.tabs ??= performance.now();
        if (document.querySelector('#abp-explore [data-drifted]')) seen.moved ??= performance.now();
        if (!seen.moved) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Page weight, and time to the first move.")
    parser.add_argument("--turns", type=int, default=5, help="visitors after the first")
    args = parser.parse_args()
    figures: dict[str, float] = {}
    with (
        studio() as (url, _, _),
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        opened(browser, url).context.close()  # the studio has started
        visits = [visit(browser, url) for _ in range(args.turns)]
        for what in visits[0]:
            figures[f"{what}, median"] = statistics.median(each[what] for each in visits)
            figures[f"{what}, most"] = max(each[what] for each in visits)
    for what, figure in figures.items():
        print(f"{what:48} {figure:8.3f}")
    keep("first_seconds", figures)


def visit(browser: Browser, url: str) -> dict[str, float]:
    """The figures of one visitor with an empty cache."""
    context = browser.new_context(viewport={"width": 1366, "height": 650})
    page = context.new_page()
    page.add_init_script(WATCH)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    received: list[float] = []
    asked: list[str] = []
    network.on("Network.loadingFinished", lambda each: received.append(each["encodedDataLength"]))
    page.on("request", lambda each: each.url.startswith("http") and asked.append(each.url))
    page.goto(url)
    page.wait_for_function("window.abpSeen.moved", timeout=60_000)
    seen = page.evaluate("window.abpSeen")
    page.wait_for_timeout(4000)  # thumbnails of sliders and examples come after it
    weight, requests = sum(received), len(asked)
    page.wait_for_timeout(1000 * SPELL)
    figures = {
        "bytes transferred, MB": weight / 1e6,
        "requests": float(requests),
        "tabs appear after, s": seen["tabs"] / 1000,
        "first move after the tabs, s": (seen["moved"] - seen["tabs"]) / 1000,
        f"requests in {SPELL} s of motion": float(len(asked) - requests),
    }
    context.close()
    return figures


if __name__ == "__main__":
    main()
