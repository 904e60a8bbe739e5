"""A short film of a pattern that moves, as a file."""

from pathlib import Path

import numpy as np

from abp_core.synthesis.film import encode_film

RATE = 10.0


def moving_film(folder: Path, frames: int = 16, side: int = 64, step: int = 1) -> Path:
    """An MP4 of a pattern that goes `step` pixels to the right in every frame."""
    down, across = np.mgrid[:side, : side + step * frames]
    waves = [np.sin(across * 0.4 + k) * np.cos(down * 0.3 + k) for k in range(3)]
    picture = np.uint8(127 + 100 * np.stack(waves, -1))
    pictures = [picture[:, step * k : step * k + side] for k in range(frames, 0, -1)]
    path = folder / "moving.mp4"
    path.write_bytes(encode_film(pictures, RATE))
    return path
