"""How many pictures a second the tab of the idea draws while it learns, in a real browser.

    python -m benchmarks.idea

Counts the pictures of headless Chromium, which draws without a card, on every shape and with codes
of one and of two numbers; and the iterations in the same time.
"""

import argparse

from playwright.sync_api import Page, sync_playwright

from benchmarks.report import keep
from benchmarks.studio import chromium, opened, studio

COUNT = """(seconds) => new Promise((done) => {
    const words = document.querySelector('#abp-idea .words');
    const iteration = () => Number(/iteration (\\d+)/.exec(words.innerText)?.[1] ?? 0);
    const [mark, first] = [performance.now(), iteration()];
    let pictures = 0;
    const next = () => {
        const passed = (performance.now() - mark) / 1000;
        pictures += 1;
        if (passed < seconds) requestAnimationFrame(next);
        else done([pictures / passed, (iteration() - first) / passed]);
    };
    requestAnimationFrame(next);
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures a second of the tab of the idea.")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each case")
    args = parser.parse_args()
    figures: dict[str, float] = {}
    with studio() as (url, _, _), sync_playwright() as playwright, chromium(playwright) as browser:
        page = opened(browser, url)
        page.get_by_role("tab", name="The idea", exact=True).click()
        for shape in ("Spiral", "Ring", "Two moons", "Letter"):
            for latent in ("1", "2"):
                figures |= rates(page, shape, latent, args.seconds)
    for what, figure in figures.items():
        print(f"{what:48} {figure:8.1f}")
    keep("idea", figures)


def rates(page: Page, shape: str, latent: str, seconds: float) -> dict[str, float]:
    """Pictures and iterations a second."""
    page.locator("#abp-idea .latent").select_option(latent)
    page.locator("#abp-idea").get_by_role("radio", name=shape).click()
    page.wait_for_timeout(1000)
    pictures, iterations = page.evaluate(COUNT, seconds)
    what = f"{shape.lower()}, codes of {latent}"
    return {f"{what}: pictures a second": pictures, f"{what}: iterations a second": iterations}


if __name__ == "__main__":
    main()
