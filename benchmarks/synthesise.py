"""How fast new things are made, and in how much memory.

    python -m benchmarks.synthesise

A texture of 1024 x 1024 pixels and a minute of sound in this process, on two threads; a texture of
8192 x 8192 by the command line, with the most memory that it was ever resident in.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from abp_core.checkpoint import Checkpoint
from abp_core.data.atomic import open_atomically
from abp_core.synthesis import render, sampling
from abp_core.synthesis.request import Request
from benchmarks.report import EXAMPLES, ROOT, THREADS, keep

MODELS = ROOT / "checkpoints"
SECONDS_OF_SOUND = 60
FIRST = 2  # seconds of an endless sound that are ready before it starts


def median(work: Callable[[], object], turns: int) -> float:
    """Seconds that it takes, once it was done before."""
    work()
    took = []
    for _ in range(turns):
        mark = perf_counter()
        work()
        took.append(perf_counter() - mark)
    return statistics.median(took)


def of_texture(saved: Checkpoint, folder: Path, turns: int) -> dict[str, float]:
    generator, prior = saved.generator(), saved.prior()
    request = Request(size=(1024, 1024), seed=1).fit(generator.spec)

    def saved_as_file() -> None:
        with open_atomically(folder / "texture.png") as file:
            render.texture(generator, prior, request).write(file, {})

    made = median(lambda: render.texture(generator, prior, request).pixels(), turns)
    return {
        "1024 x 1024 texture, s": made,
        "1024 x 1024 texture as a PNG file, s": median(saved_as_file, turns),
    }


def of_growing(saved: Checkpoint, picture: Path, turns: int) -> dict[str, float]:
    generator, prior = saved.generator(), saved.prior()
    request = Request(grow=picture).fit(generator.spec)

    def grown() -> None:
        *_, known = render.infer_picture(saved, generator, prior, request)
        render.texture(generator, prior, request, known).pixels()

    return {"a picture of 256 x 256 grown by 128 pixels, s": median(grown, turns)}


def of_sound(saved: Checkpoint, turns: int) -> dict[str, float]:
    generator, prior, source = saved.generator(), saved.prior(), saved.source
    request = Request(seconds=SECONDS_OF_SOUND, seed=1).fit(generator.spec, source.sample_rate)
    latents = prior.map(1)
    positions = round(FIRST * source.sample_rate / generator.spec.enlargement)
    whole = median(lambda: render.sound(generator, prior, source, request).samples(), turns)
    return {
        "sound, times real time": SECONDS_OF_SOUND / whole,
        "first stretch of an endless sound, s": median(
            lambda: sampling.piece(generator, latents, (0,), (positions,)), turns
        ),
    }


def of_command(model: Path, folder: Path, side: int) -> dict[str, float]:
    out = folder / "large.png"
    words = ["--checkpoint", str(model), "--out", str(out), "--size", f"{side}x{side}"]
    mark = perf_counter()
    command = subprocess.Popen([sys.executable, "-m", "abp_core.synthesise", *words], cwd=ROOT)
    _, status, usage = os.wait4(command.pid, 0)
    seconds = perf_counter() - mark
    if status:
        raise RuntimeError(f"The command ended with {os.waitstatus_to_exitcode(status)}.")
    return {
        f"{side} x {side} by the command line, s": seconds,
        f"{side} x {side}, resident at most, MB": usage.ru_maxrss / 1024,
        f"{side} x {side}, file, MB": out.stat().st_size / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and memory of synthesis.")
    parser.add_argument("--texture", default="pebbles", help="name of a shipped model")
    parser.add_argument("--sound", default="rain", help="name of a shipped model")
    parser.add_argument("--side", type=int, default=8192, help="of the large texture, in pixels")
    parser.add_argument("--turns", type=int, default=5, help="repetitions of each figure")
    args = parser.parse_args()
    torch.set_num_threads(THREADS)
    model = MODELS / f"{args.texture}.safetensors"
    texture = Checkpoint.load(model)
    sound = Checkpoint.load(MODELS / f"{args.sound}.safetensors")
    picture = EXAMPLES / "textures" / f"{args.texture}.jpg"
    results: dict[str, Any] = {"models": [args.texture, args.sound]}
    with tempfile.TemporaryDirectory() as folder:
        figures = {
            **of_texture(texture, Path(folder), args.turns),
            **of_growing(texture, picture, args.turns),
            **of_sound(sound, args.turns),
            **of_command(model, Path(folder), args.side),
        }
    for what, figure in figures.items():
        print(f"{what:48} {figure:9.3f}")
    keep("synthesise", results | figures)


if __name__ == "__main__":
    main()
