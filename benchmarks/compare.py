"""The Compare tab with as many methods as it takes: waits, and memory, measured in a real browser.

    python -m benchmarks.compare

Starts the app as a user does, opens it in Chromium, and lets six methods (or all that can take the
data, where they are fewer) learn pebbles, the stream and toon faces for a while each.
"""

import argparse
from typing import Any

from playwright.sync_api import Page, sync_playwright

from abp_core.family.methods import METHODS, why_not
from abp_core.spec import Kind
from benchmarks.report import keep
from benchmarks.studio import chromium, megabytes, opened, seconds_until, studio
from demo import limits

DATA: list[tuple[Kind, str, str]] = [
    ("texture", "Textures", "pebbles"),
    ("sound", "Sounds", "stream"),
    ("objects", "Picture sets", "toon faces"),
]
HEADLINE = "document.querySelector('#abp-compare-stage .headline').textContent"
DRAWN = "document.querySelectorAll('#abp-columns .method:not(.data) .new:not(.empty)').length"
OPEN = "document.querySelectorAll('#abp-columns [aria-label=\"not measured yet\"]').length"


def main() -> None:
    parser = argparse.ArgumentParser(description="Waits and memory of the Compare tab.")
    parser.add_argument("--seconds", type=float, default=60.0, help="of learning before Stop")
    args = parser.parse_args()
    results: dict[str, Any] = {}
    with (
        studio() as (url, pid, _),
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        page = opened(browser, url)
        page.get_by_role("tab", name="Compare", exact=True).click()
        for kind, tab, name in DATA:
            for what, figure in clicks(page, kind, tab, name, args.seconds).items():
                results[f"{name}, {what}"] = figure
            results[f"resident at most after {name}, MB"] = megabytes(pid, "VmHWM")
    for what, figure in results.items():
        print(f"{what:48} {figure:8.3f}")
    keep("compare", results)


def clicks(page: Page, kind: Kind, tab: str, name: str, seconds: float) -> dict[str, float]:
    """From the first click to the table of one comparison, in seconds."""
    picker = page.locator("#abp-compare-picker")
    picker.get_by_role("tab", name=tab).click()
    picker.get_by_role("radio", name=name, exact=True).click()
    methods = choose(page, kind)
    page.wait_for_timeout(500)
    running = f"{HEADLINE} === 'Learning {name} by {methods} methods'"
    figures: dict[str, float] = {"methods": methods}
    figures["first view, s"] = seconds_until(page, "#abp-compare-begin", running)
    page.wait_for_function(f"{DRAWN} === {methods}", timeout=180_000)
    page.wait_for_timeout(1000 * seconds)
    figures["pause, s"] = seconds_until(
        page, "#abp-compare-pause", f"{HEADLINE}.startsWith('Paused')"
    )
    figures["resume, s"] = seconds_until(page, "#abp-compare-pause", running)
    page.wait_for_timeout(3000)
    figures["stop, s"] = seconds_until(
        page, "#abp-compare-stop", f"{HEADLINE}.startsWith('Stopped')"
    )
    page.wait_for_function(f"{OPEN} === 0", timeout=300_000)
    return figures


def choose(page: Page, kind: Kind) -> int:
    """As many methods as can be chosen; how many these are."""
    checked = page.locator("#abp-methods input:checked")
    while checked.count():
        checked.first.uncheck()
    names = [name for name in METHODS if not why_not(name, kind)][: limits.COMPARED[1]]
    for name in names:
        page.locator(f"#abp-methods input[value={name}]").check()
    return len(names)


if __name__ == "__main__":
    main()
