"""Makes every picture of the documentation by using the studio as a visitor would.

    python -m docs.record            # everything, about twelve minutes
    python -m docs.record --minutes 0.5

Writes docs/: screenshots of the Train tab in all its states, a recording, and for a texture, a
sound and a set of pictures what was learnt beside the original; and demo/assets/: the replay that
greets a visitor before the first click.
"""

import argparse
import base64
import io
import os
from pathlib import Path
from time import perf_counter

import soundfile
from matplotlib.figure import Figure
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.report import EXAMPLES
from benchmarks.studio import HEADLINE, chromium, opened, studio
from docs.look import ASSETS, DOCS, shots

RUNS = (
    ("texture", "Textures", "pebbles"),
    ("sound", "Sounds", "stream"),
    ("objects", "Picture sets", "toon faces"),
)
FRAMES = 24  # of the replay and of the recording


def main() -> None:
    parser = argparse.ArgumentParser(description="Pictures for the documentation.")
    parser.add_argument("--minutes", type=float, default=3.0, help="of training for each run")
    args = parser.parse_args()
    (DOCS / "screenshots").mkdir(exist_ok=True)
    (DOCS / "results").mkdir(exist_ok=True)
    ASSETS.mkdir(exist_ok=True)
    with studio() as (url, _, _), sync_playwright() as playwright, chromium(playwright) as browser:
        for kind, tab, name in RUNS:
            run(browser, url, kind, tab, name, args.minutes * 60)
        page = opened(browser, url)
        page.wait_for_timeout(1000)
        shots(page, "idle")


def run(browser: Browser, url: str, kind: str, tab: str, name: str, seconds: float) -> None:
    """One run from the first click to the samples taken home."""
    page = opened(browser, url)
    picker = page.locator("#abp-picker")
    picker.get_by_role("tab", name=tab).click()
    picker.get_by_role("radio", name=name, exact=True).click()
    page.wait_for_timeout(1000)
    mark = perf_counter()
    page.click("#abp-train")
    page.wait_for_function(f"{HEADLINE} === 'Learning {name}'", timeout=60_000)
    panels: list[list[bytes]] = []
    frames: list[Image.Image] = []
    for k in range(FRAMES):
        # Early changes are the large ones: the moments are dense at first.
        page.wait_for_timeout(
            max(0, 1000 * (seconds * ((k + 1) / FRAMES) ** 2 - (perf_counter() - mark)))
        )
        panels.append(pictures(page))
        frames.append(Image.open(io.BytesIO(page.screenshot(full_page=False))).convert("RGB"))
        if k == FRAMES // 2:
            shots(page, f"running-{kind}")
        if k == FRAMES // 2 and kind == "texture":
            page.click("#abp-pause")
            page.wait_for_function(f"{HEADLINE}.startsWith('Paused')")
            page.wait_for_timeout(1000)
            shots(page, "paused")
            page.click("#abp-pause")
    page.click("#abp-stop")
    page.wait_for_function(f"{HEADLINE}.match(/^(Stopped|Learnt)/)")
    page.wait_for_timeout(1500)
    shots(page, f"stopped-{kind}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download samples").click()
    samples = kept(Path(download.value.path()), name.replace(" ", "_"))
    if kind == "texture":
        replay(panels)
        recording(frames)
    compare(kind, name, samples, pictures(page))
    print(name, page.locator("#abp-stage .detail").inner_text())
    page.context.close()


def kept(download: Path, stem: str) -> Path:
    """The samples taken home in docs/results/, in formats that are a third as large."""
    if download.read_bytes()[:4] == b"RIFF":
        path = DOCS / "results" / f"{stem}-samples.flac"
        sound, rate = soundfile.read(download)
        soundfile.write(path, sound, rate)
        return path
    path = DOCS / "results" / f"{stem}-samples.webp"
    Image.open(download).convert("RGB").save(path, quality=88, method=6)
    return path


def pictures(page: Page) -> list[bytes]:
    """The JPEG bytes of the three live pictures."""
    urls = page.eval_on_selector_all("#abp-stage figure img", "all => all.map(i => i.src)")
    return [base64.b64decode(url.split(",", 1)[1]) for url in urls]


def replay(panels: list[list[bytes]]) -> None:
    """The greeting: the same three pictures, growing from nothing, as films."""
    data, rebuilt, new = zip(*panels, strict=True)
    Path(ASSETS / "welcome-data.jpg").write_bytes(data[0])
    for name, film in (("rebuilt", rebuilt), ("new", new)):
        frames = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in film]
        frames = [frames[-1], *frames]  # what was learnt comes first, then how
        animate(ASSETS / f"welcome-{name}.webp", frames, 240, quality=60)
        frames[-1].save(ASSETS / f"welcome-{name}.jpg", quality=85)


def recording(frames: list[Image.Image]) -> None:
    width = 900
    small = [frame.resize((width, frame.height * width // frame.width)) for frame in frames]
    animate(DOCS / "recording.webp", small, 300, quality=70)


def animate(path: Path, frames: list[Image.Image], milliseconds: int, *, quality: int) -> None:
    times = [1500, *[milliseconds] * (len(frames) - 2), 2500]
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=times, loop=0, quality=quality
    )


def compare(kind: str, name: str, samples: Path, panels: list[bytes]) -> None:
    """docs/results/NAME.webp: the original, what was rebuilt of it, and new samples."""
    stem = name.replace(" ", "_")
    if kind == "sound":
        spectrograms(EXAMPLES / "sounds" / f"{stem}.flac", samples, stem)
        return
    side = 512
    shown = [Image.open(io.BytesIO(panel)).convert("RGB").resize((side, side)) for panel in panels]
    new = Image.open(samples).convert("RGB")
    if kind == "texture":  # as large a part as the crops beside it show
        new = new.crop((0, 0, side // 2, side // 2))
    shown[2] = new.resize((side, side), Image.Resampling.LANCZOS)
    sheet = Image.new("RGB", (3 * side + 32, side), "white")
    for k, picture in enumerate(shown):
        sheet.paste(picture, (k * (side + 16), 0))
    sheet.save(DOCS / "results" / f"{stem}.webp", quality=88)


def spectrograms(original: Path, samples: Path, stem: str) -> None:
    figure = Figure(figsize=(12, 4), layout="constrained")
    for k, (title, path) in enumerate((("original", original), ("new", samples))):
        sound, rate = soundfile.read(path, always_2d=True)
        axes = figure.add_subplot(1, 2, k + 1, title=title, xlabel="seconds", ylabel="Hz")
        mono = sound.mean(1)[: 5 * rate]
        axes.specgram(mono, NFFT=512, Fs=rate, noverlap=384, vmin=-130, vmax=-40)
        axes.set_ylim(0, 8000)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=90)
    picture = Image.open(buffer).convert("RGB")
    picture.save(DOCS / "results" / f"{stem}.webp", quality=80, method=6)


if __name__ == "__main__":
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    main()
