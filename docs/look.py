"""Screenshots of the tabs that act on a trained model: wide, dark, and as narrow as a telephone.

    python -m docs.look

Writes docs/screenshots/, and to demo/assets/ what greets a visitor of the Repair tab. The Train
tab's are made by docs/record.py, which trains.
"""

import argparse
import base64
import io
import os

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.report import ROOT
from benchmarks.studio import chromium, opened, studio

DOCS = ROOT / "docs"
ASSETS = ROOT / "demo" / "assets"
MODELS = ("pebbles", "stream", "animal faces")


def main() -> None:
    parser = argparse.ArgumentParser(description="Screenshots of the tabs.")
    parser.add_argument("--repair", action="store_true", help="of the Repair tab alone")
    args = parser.parse_args()
    with studio() as (url, _, _), sync_playwright() as playwright, chromium(playwright) as browser:
        page = opened(browser, url)
        page.get_by_role("tab", name="Explore").click()
        for name in () if args.repair else MODELS:
            page.locator("#abp-gallery").get_by_role("radio", name=name, exact=True).click()
            explore(page, name)
            synthesise(page, name)
            infer(page, name)
        repair(page)


def explore(page: Page, name: str) -> None:
    page.get_by_role("tab", name="Explore").click()
    page.wait_for_function(
        "name => document.querySelector('#abp-explore .picture').alt.startsWith(name)", arg=name
    )
    page.wait_for_timeout(3000)  # the thumbnails come
    if name == "pebbles":  # a stroke
        page.locator("#abp-explore .cells").click(position={"x": 240, "y": 200})
    elif name == "animal faces":  # the way between two places
        box = page.locator("#abp-explore .pad").bounding_box()
        assert box is not None
        for place in (0.3, 0.6):
            middle = {"x": place * box["width"], "y": place * box["height"]}
            page.locator("#abp-explore .pad").click(position=middle)
            page.wait_for_timeout(400)
            page.get_by_role("button", name="Keep this point").click()
        page.get_by_role("button", name="Strip").click()
    page.wait_for_timeout(1000)
    shots(page, f"explore-{name.replace(' ', '-')}")


def synthesise(page: Page, name: str) -> None:
    page.get_by_role("tab", name="Synthesise").click()
    page.wait_for_timeout(1500)
    if name == "pebbles":
        page.get_by_label("both").check()
    page.get_by_role("button", name="Make", exact=True).click()
    page.wait_for_timeout(4000)
    shots(page, f"synthesise-{name.replace(' ', '-')}")


def infer(page: Page, name: str) -> None:
    page.get_by_role("tab", name="Inference").click()
    page.wait_for_timeout(1500)
    page.locator("#abp-infer .speed").select_option("30")
    page.get_by_role("button", name="Infer", exact=True).click()
    page.wait_for_function(
        "() => { const at = document.querySelector('#abp-infer .scrub');"
        " return +at.max > 0 && at.value === at.max; }",
        timeout=120_000,
    )
    if name == "animal faces":
        page.get_by_role("button", name="Slow motion").click()
    page.wait_for_timeout(1500)
    shots(page, f"inference-{name.replace(' ', '-')}")


def repair(page: Page) -> None:
    page.locator("#abp-gallery").get_by_role("radio", name="toon faces", exact=True).click()
    page.get_by_role("tab", name="Repair").click()
    page.locator("#abp-repair-begin").click()
    page.locator("#abp-example").click()
    page.wait_for_timeout(2500)
    page.get_by_role("radio", name="the middle").check()
    page.locator("#abp-mend").click()
    page.wait_for_timeout(110_000)
    page.locator("#abp-repair-stop").click()
    page.wait_for_timeout(1500)
    urls = page.eval_on_selector_all("#abp-repair-stage figure img", "all => all.map(i => i.src)")
    for k, shown in enumerate(urls):  # what greets the next visitor
        (ASSETS / f"repair-{k}.jpg").write_bytes(base64.b64decode(shown.partition(",")[2]))
    shots(page, "repair")


def shots(page: Page, state: str) -> None:
    """The whole page in light and dark, and at the width of a telephone; those that a page of the
    documentation shows are kept."""
    told = "".join(text.read_text() for text in (ROOT / "README.md", *DOCS.glob("*.md")))
    for look, width in (("light", 1280), ("dark", 1280), ("390", 390)):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if look == "dark" else "light")
        page.wait_for_timeout(400)
        png, name = page.screenshot(full_page=True), f"{state}-{look}.webp"
        if name in told:
            picture = Image.open(io.BytesIO(png)).convert("RGB")
            picture.save(DOCS / "screenshots" / name, quality=60, method=6)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(300)


if __name__ == "__main__":
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    main()
