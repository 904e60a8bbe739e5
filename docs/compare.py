"""What the Compare tab shows before the first click: all methods on a set, a texture and a sound.

    python -m docs.compare                 # two minutes of each method, about an hour
    python -m docs.compare --seconds 10 --kinds texture

Writes demo/assets/compare/: for each kind KIND.json, the columns as the page draws them
(demo/runs/columns.py), with the names of small pictures and sounds beside it.
"""

import argparse
import base64
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import soundfile
import soxr
import torch
from PIL import Image
from tqdm import tqdm

from abp_core.family.comparison import Comparison
from abp_core.family.methods import METHODS, why_not
from abp_core.family.trial import Trial, load_trial
from abp_core.spec import Kind
from benchmarks.report import EXAMPLES, THREADS
from demo.compare.run import ComparisonRun
from demo.runs.columns import Column
from docs.look import ASSETS

FOLDER = ASSETS / "compare"
DATA: dict[Kind, str] = {
    "objects": "objects/toon_faces_64.npz",
    "texture": "textures/pebbles.jpg",
    "sound": "sounds/stream.flac",
}
SIDE, QUALITY = 160, 74  # of a picture: pixels along its longer side
RATE, COMPRESSION = 16_000, 0.8  # of a sound


def main() -> None:
    parser = argparse.ArgumentParser(description="What greets a visitor of the Compare tab.")
    parser.add_argument("--seconds", type=float, default=120.0, help="of each method")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--kinds", nargs="+", default=list(DATA), choices=list(DATA))
    parser.add_argument("--threads", type=int, default=THREADS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    FOLDER.mkdir(exist_ok=True)
    for kind in args.kinds:
        trial = load_trial(EXAMPLES / DATA[kind])
        names = [name for name in args.methods if not why_not(name, kind)]
        columns = learn(trial, names, args.seconds)
        for old in FOLDER.glob(f"{kind}*"):
            old.unlink()
        told = {"seconds": args.seconds, "columns": [kept(kind, each) for each in columns]}
        (FOLDER / f"{kind}.json").write_text(json.dumps(told) + "\n", encoding="utf-8")
    print(f"{sum(file.stat().st_size for file in FOLDER.iterdir()) / 1000:.0f} KB")


def learn(trial: Trial, names: list[str], seconds: float) -> tuple[Column, ...]:
    """The columns as they are at the end, measured."""
    run = ComparisonRun(Comparison(trial, names), seconds)
    with tqdm(total=round(seconds)) as bar:
        while moves := list(run.iterate()):
            assert moves[-1] is not None
            bar.update(moves[-1].seconds)
    *_, columns = run.conclude()
    return columns


def kept(kind: Kind, column: Column) -> dict[str, Any]:
    """A column whose pictures and sounds are written as files, their names in their places."""
    told = asdict(column)
    names = numbered(f"{kind}-{column.name}")
    pictures = told["pictures"]
    for panel in (pictures["new"], pictures["rebuilt"], *pictures["shown"]):
        if panel is not None:
            write(panel, next(names))
    return told


def numbered(stem: str) -> Iterator[str]:
    yield from (f"{stem}-{k}" for k in range(100))


def write(panel: dict[str, str], stem: str) -> None:
    """The picture as JPEG, the sound as MP3."""
    with Image.open(io.BytesIO(content(panel["picture"]))) as picture:
        picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        picture.save(FOLDER / f"{stem}.jpg", quality=QUALITY, optimize=True)
    panel["picture"] = f"{stem}.jpg"
    if panel["sound"]:
        samples, rate = soundfile.read(io.BytesIO(content(panel["sound"])), dtype="float32")
        small = soxr.resample(samples, rate, RATE)
        path = FOLDER / f"{stem}.mp3"
        soundfile.write(path, small, RATE, compression_level=COMPRESSION)
        panel["sound"] = path.name


def content(address: str) -> bytes:
    """Of a data URL."""
    return base64.b64decode(address.partition(",")[2])


if __name__ == "__main__":
    main()
