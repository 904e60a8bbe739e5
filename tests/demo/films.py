"""A small model of a film of the pack, and a short film of a pattern that moves, as a file."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.presets import PRESETS
from abp_core.synthesis.film import encode_film
from abp_core.trainer import Trainer
from demo.studio import PACK
from tests.tiny import FP32

FRAMES = 30  # of the film that are learnt
RATE = 10.0  # frames a second of the film that is made


@cache
def film_run(preset: str = "quick-film", iterations: int = 12) -> Checkpoint:
    """A run on the first frames of the waving tree as it stands after a few iterations."""
    spec = replace(PRESETS[preset].training, examples=FRAMES)
    data, fitted = datasets.load(PACK / "videos" / "waving_tree.mp4", spec)
    trainer = Trainer(fitted, data, machine=FP32)
    for _ in trainer.steps(iterations):
        pass
    return trainer.checkpoint()


def moving_film(folder: Path, frames: int = 16, side: int = 64, step: int = 1) -> Path:
    """An MP4 of a pattern that goes `step` pixels to the right in every frame."""
    down, across = np.mgrid[:side, : side + step * frames]
    waves = [np.sin(across * 0.4 + k) * np.cos(down * 0.3 + k) for k in range(3)]
    picture = np.uint8(127 + 100 * np.stack(waves, -1))
    pictures = [picture[:, step * k : step * k + side] for k in range(frames, 0, -1)]
    path = folder / "moving.mp4"
    path.write_bytes(encode_film(pictures, RATE))
    return path
