"""How fast a walk is shown, and how soon scrubbing answers, measured in a real browser.

    python -m benchmarks.infer

Walks 200 steps with four chains for a picture of 64 x 64 at the page's highest speed, then drags
through what was recorded. Chromium runs on the same machine, so its share is in every figure.
"""

import argparse
from time import perf_counter

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.report import keep
from benchmarks.studio import chromium, opened, studio

STEPS = 200
SCRUB = """async (step) => {
    const tab = document.querySelector('#abp-infer'), made = tab.querySelector('.made');
    const input = tab.querySelector('.scrub'), mark = performance.now();
    input.value = step;
    input.dispatchEvent(new Event('input'));
    await made.decode();
    await new Promise((done) => requestAnimationFrame(done));
    return performance.now() - mark;
}"""
SHOWN = "+document.querySelector('#abp-infer .scrub').value >= {}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of the Inference tab in a browser.")
    parser.add_argument("--drags", type=int, default=60, help="to single steps")
    args = parser.parse_args()
    figures: dict[str, float] = {}
    with studio() as (url, _, _), sync_playwright() as playwright, chromium(playwright) as browser:
        page = opened(browser, url)
        page.locator("#abp-gallery").get_by_role("radio", name="toon faces", exact=True).click()
        page.get_by_role("tab", name="Inference").click()
        page.wait_for_function(SHOWN.format(5), timeout=30_000)
        figures["steps shown a second"] = shown_a_second(page)
        waits = [
            page.evaluate(SCRUB, int(step)) / 1000
            for step in np.random.default_rng(0).integers(0, STEPS, args.drags)
        ]
        figures["scrub to picture, median, s"] = float(np.median(waits))
        figures["scrub to picture, p95, s"] = float(np.quantile(waits, 0.95))
    for what, figure in figures.items():
        print(f"{what:40} {figure:8.3f}")
    keep("infer", figures)


def shown_a_second(page: Page) -> float:
    page.locator("#abp-infer .wish[name=steps]").fill(str(STEPS))
    page.locator("#abp-infer .speed").select_option("30")
    page.get_by_role("button", name="Infer", exact=True).click()
    page.wait_for_function(SHOWN.format(1) + " && " + f"!({SHOWN.format(STEPS - 1)})", polling=10)
    mark = perf_counter()
    page.wait_for_function(SHOWN.format(STEPS), timeout=120_000)
    return (STEPS - 1) / (perf_counter() - mark)


if __name__ == "__main__":
    main()
