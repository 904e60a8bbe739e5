"""How many frames a second an endless film shows, in a real browser, and how fast larger films are
made.

    python -m benchmarks.endless_film

Learns a bundled film for half a minute, makes films of some sizes on one thread, then opens its
model in the studio, and plays it without end at these sizes. Chromium runs on the same machine, so
its share is in every figure.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from playwright.sync_api import Page, sync_playwright

from abp_core.checkpoint import Checkpoint
from abp_core.synthesis import render
from abp_core.synthesis.request import Request
from benchmarks.report import EXAMPLES, ROOT, keep
from benchmarks.studio import chromium, opened, studio

REEL = "#abp-reel [data-state], #abp-reel[data-state]"
TOLD = f"Object.assign({{}}, document.querySelector('{REEL}')?.dataset)"
SETTLED = 2000  # milliseconds after which it is counted
SIDES = ("Width", "Height")
TIMES = ((1, 1), (2, 1), (3, 1), (2, 2))  # as wide and as high as what was learnt


def learn(film: Path, minutes: float, out: Path) -> None:
    words = ["--data", str(film), "--preset", "quick-film", "--minutes", str(minutes)]
    command = [sys.executable, "-m", "abp_core.train", *words, "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def of_making(saved: Checkpoint) -> dict[str, float]:
    """Seconds that a second of a film takes until its frames are there, begun anew."""
    generator, prior, rate = saved.generator(), saved.prior(), saved.source.frame_rate
    height, width = generator.spec.signal_shape[-2:]
    took = {}
    for across, down in ((1, 1), *TIMES):  # the first of all to warm up
        size = (across * width, down * height)
        request = Request(size=size, seconds=10, seed=1, anew=True).fit(generator.spec, rate)
        mark = perf_counter()
        for _ in render.film(generator, prior, saved.source, request).frames:
            pass
        took["{} x {} made, s a second".format(*size)] = (perf_counter() - mark) / 10
    return took


def of_playing(page: Page, seconds: float) -> dict[str, float]:
    """As the page counts them: what was shown, and how often it had to wait."""
    size = " x ".join(page.get_by_label(f"{side} in pixels").input_value() for side in SIDES)
    page.get_by_role("button", name="Play without end").click()
    page.wait_for_function(f"Number({TOLD}.shown) > 0", timeout=60_000)
    page.wait_for_timeout(SETTLED)
    before, mark = page.evaluate(TOLD), perf_counter()
    page.wait_for_timeout(1000 * seconds)
    after, took = page.evaluate(TOLD), perf_counter() - mark
    page.get_by_role("button", name="Pause").click()
    return {
        f"{size} played, frames a second": (int(after["shown"]) - int(before["shown"])) / took,
        f"{size} played, times it waited": int(after["gaps"]),
        f"{size} played, ms to the first frame": int(after["wait"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of films without end.")
    parser.add_argument("--film", default="river_256", help="name of a bundled film")
    parser.add_argument("--minutes", type=float, default=0.5, help="that it is learnt for")
    parser.add_argument("--seconds", type=float, default=20, help="that it is played for")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / f"{args.film}.safetensors"
        learn(EXAMPLES / "videos" / f"{args.film}.mp4", args.minutes, model)
        saved = Checkpoint.load(model)
        figures: dict[str, float] = of_making(saved)
        height, width = saved.spec.generator.signal_shape[-2:]
        with studio() as (url, _, _), sync_playwright() as playwright, chromium(playwright) as one:
            page = opened(one, url)
            page.locator("input[type=file]").first.set_input_files(model)
            page.get_by_role("tab", name="Synthesise", exact=True).click()
            page.get_by_role("button", name="Play without end").wait_for()
            page.get_by_role("button", name="Download WebP").wait_for(timeout=60_000)
            for across, down in TIMES:
                for side, pixels in zip(SIDES, (across * width, down * height), strict=True):
                    page.get_by_label(f"{side} in pixels").fill(str(pixels))
                    page.get_by_label(f"{side} in pixels").press("Tab")
                page.wait_for_timeout(1000)
                figures |= of_playing(page, args.seconds)
    results: dict[str, Any] = {"film": args.film, "its own rate": saved.source.frame_rate}
    for what, figure in figures.items():
        print(f"{what:48} {figure:9.3f}")
    keep("endless_film", results | figures)


if __name__ == "__main__":
    main()
