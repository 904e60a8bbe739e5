"""How soon a slider answers, and a model is live, measured in a real browser.

    python -m benchmarks.explore

Moves the first slider of a model in Chromium and waits until the new picture is decoded, one move
after another. Chromium runs on the same machine, so its share is in every figure. A set of
pictures of 128 x 128 is not shipped; an untrained network of that size takes its place.
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from playwright.sync_api import Page, sync_playwright

from abp_core.data import datasets
from abp_core.data.film.read import read_film
from abp_core.presets import PRESETS
from abp_core.trainer import Trainer
from benchmarks.report import EXAMPLES, keep
from benchmarks.studio import chromium, opened, studio

MOVE = """async ([value]) => {
    const tab = document.querySelector('#abp-explore');
    const input = tab.querySelector('.slider input'), picture = tab.querySelector('.picture');
    const before = picture.src, mark = performance.now();
    input.value = value;
    input.dispatchEvent(new Event('input'));
    while (picture.src === before) await new Promise((done) => setTimeout(done, 2));
    await picture.decode();
    return performance.now() - mark;
}"""
LIVE = """name => document.querySelector('#abp-explore .picture').alt.startsWith(name)"""
CASES = (
    ("picture, 64 x 64", "animal faces", 0.1),
    ("texture, 224 x 224", "pebbles", 0.15),
    ("sound, 5 s", "stream", 0.4),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Waits of the Explore tab in a browser.")
    parser.add_argument("--moves", type=int, default=60, help="of the slider, for each model")
    args = parser.parse_args()
    figures: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        studio() as (url, _, _),
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        page = opened(browser, url)
        page.get_by_role("tab", name="Explore").click()
        for what, name, _ in CASES:
            figures[f"{what}: live after, s"] = seconds_until_live(page, name)
            figures |= waits(page, what, args.moves)
        model = of_128(Path(folder))
        page.locator("#abp-open input[type=file]").or_(
            page.locator("input[type=file]").first
        ).first.set_input_files(model)
        page.wait_for_function(LIVE, arg="toon faces", timeout=30_000)
        figures |= waits(page, "picture, 128 x 128", args.moves)
    for what, figure in figures.items():
        print(f"{what:48} {figure:8.3f}")
    keep("explore", figures)


def seconds_until_live(page: Page, name: str) -> float:
    """From the click in the gallery to the picture."""
    card = page.locator("#abp-gallery").get_by_role("radio", name=name, exact=True)
    card.scroll_into_view_if_needed()
    mark = perf_counter()
    card.click()
    page.wait_for_function(LIVE, arg=name, polling=10, timeout=30_000)
    return perf_counter() - mark


def waits(page: Page, what: str, moves: int) -> dict[str, float]:
    """Median and 95th percentile of a slider's answer, in seconds."""
    page.wait_for_timeout(3000)  # its thumbnails come
    values = np.linspace(-2.5, 2.5, moves + 5).round(2)
    taken = [page.evaluate(MOVE, [float(value)]) / 1000 for value in values][5:]
    return {
        f"{what}: slider to picture, median, s": float(np.median(taken)),
        f"{what}: slider to picture, p95, s": float(np.quantile(taken, 0.95)),
    }


def of_128(folder: Path) -> Path:
    """A checkpoint of a network for pictures of 128 x 128, hardly trained."""
    preset = PRESETS["objects"].training
    network = dataclasses.replace(preset.generator, channels=(128, 128, 64, 32))
    spec = dataclasses.replace(preset, generator=network, examples=40)
    film = read_film(EXAMPLES / "videos" / "waving_tree.mp4", pixels=128 * 128, most=40)
    dataset, spec = datasets.from_pictures(list(film.frames), spec, name="toon_faces")
    trainer = Trainer(spec, dataset)
    trainer.step()
    trainer.checkpoint().save(folder / "large.safetensors")
    return folder / "large.safetensors"


if __name__ == "__main__":
    main()
