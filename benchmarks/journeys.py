"""Three visitors on their way: how many actions and seconds until they have what they came for.

    python -m benchmarks.journeys

A student follows the steps to inference, an artist turns a photo into a tile on a telephone, a
teacher goes through the five minutes of docs/teacher.md. The browser tests go the same ways.
"""

import io
import re
from collections.abc import Callable
from time import perf_counter

import numpy as np
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect, sync_playwright

from benchmarks.report import ROOT, keep
from benchmarks.studio import chromium, opened, studio
from demo.lesson.steps import STEPS

PATIENCE = 60_000  # milliseconds
VERDICT = re.compile("found")


class Way:
    """A visitor's way over a page; `actions` counts what they pressed, chose or dragged."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0

    def press(self, selector: str) -> None:
        self.page.locator(selector).first.click(timeout=PATIENCE)
        self.actions += 1

    def choose(self, selector: str, file: FilePayload) -> None:
        self.page.locator(selector).set_input_files(file)
        self.actions += 1

    def sees(self, selector: str, words: "str | re.Pattern[str]") -> None:
        expect(self.page.locator(selector).first).to_contain_text(words, timeout=PATIENCE)


def student(way: Way) -> None:
    """Opens the steps, compares a random code with what was seen, and takes the walk apart."""
    way.press("#abp-lesson .open")
    for number in (2, 3):
        way.press(f"#abp-lesson .numbers button:nth-child({number})")
        way.press("#abp-lesson article:not([hidden]) .go")
        example = STEPS[number - 1]["place"].partition("example=")[2]
        chosen = f"#abp-infer .examples button:nth-child({example})"
        expect(way.page.locator(chosen)).to_have_attribute("aria-checked", "true", timeout=PATIENCE)
        way.sees("#abp-infer .verdict", VERDICT)
    way.press("#abp-infer .slow")
    for title in ("Noise", "f(z)", "Misfit", "Gradient"):
        way.sees("#abp-infer .words h3", title)
        if title != "Gradient":
            way.press("#abp-infer .later")


def artist(way: Way) -> None:
    """Brings a photo, lets it be learnt for a little, and has a tile of it."""
    way.press('#abp-tabs [data-tab-id="train"]')
    way.choose("#abp-upload input[type=file]", photo())
    way.sees("#abp-notice", "a picture")
    way.press("#abp-train")
    way.page.wait_for_function(
        "+(document.querySelector('#abp-stage .detail').textContent.match(/iteration (\\d+)/)"
        " || [0, 0])[1] >= 60",
        timeout=2 * PATIENCE,
    )
    way.press("#abp-onward button:nth-child(2)")
    expect(way.page.locator("#abp-work .views")).to_be_visible(timeout=PATIENCE)


def teacher(way: Way) -> None:
    """The five minutes: the plane, a walk, a training that has begun to show something."""
    root = way.page.url.partition("?")[0]
    for place in five_minutes():
        way.page.goto(root + place)
        way.actions += 1
        if "explore" in place:
            expect(way.page.locator("#abp-explore .picture")).to_have_attribute(
                "src", re.compile("^data"), timeout=PATIENCE
            )
            pad = way.page.locator("#abp-explore .pad")
            pad.click(position={"x": 40, "y": 60})
            way.actions += 1
        elif "inference" in place:
            way.sees("#abp-infer .verdict", VERDICT)
            way.press("#abp-infer .first")
            way.press("#abp-infer .play")
            way.sees("#abp-infer .verdict", VERDICT)
        else:
            way.press("#abp-train")
            way.sees("#abp-stage .headline", "Learning pebbles")
            way.sees("#abp-stage .detail", "iteration")
            way.press("#abp-stop")


JOURNEYS: dict[str, tuple[Callable[[Way], None], tuple[int, int]]] = {
    "student: understands inference": (student, (1366, 650)),
    "artist on a telephone: from a photo to a tile": (artist, (390, 844)),
    "teacher: the five-minute plan": (teacher, (1400, 900)),
}


def five_minutes() -> list[str]:
    """The addresses of the plan, in their order."""
    text = (ROOT / "docs" / "teacher.md").read_text(encoding="utf-8")
    plan = text.partition("## Five minutes")[2].partition("\n## ")[0]
    return re.findall(r"`(\?tab=[^`]+)`", plan)


def photo() -> FilePayload:
    """Blots of many colours, as a JPEG."""
    draw = np.random.default_rng(1)
    small = Image.fromarray(draw.integers(40, 220, (24, 24, 3), dtype=np.uint8))
    file = io.BytesIO()
    small.resize((320, 320), Image.Resampling.BICUBIC).save(file, "JPEG")
    return {"name": "wall.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def main() -> None:
    figures: dict[str, dict[str, float]] = {}
    with (
        studio() as (url, _, _),
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        opened(browser, url).context.close()  # the studio has started
        for name, (journey, (width, height)) in JOURNEYS.items():
            page = browser.new_context(viewport={"width": width, "height": height}).new_page()
            begun = perf_counter()
            page.goto(url)
            way = Way(page)
            journey(way)
            figures[name] = {"actions": way.actions, "seconds": round(perf_counter() - begun, 1)}
            page.context.close()
            print(f"{name:48} {figures[name]}")
    keep("journeys", figures)


if __name__ == "__main__":
    main()
