"""Sets larger than memory: signals in a file of which is read what an iteration looks at.

The file is an .npy of float32 (n, channels, side, side) in [-1, 1], by a name that ends in
ENDING. Latents of such a set lie in a file too. The system keeps in memory what there is room
for, and writes back or drops the rest.
"""

import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from abp_core.data import decode
from abp_core.data.formats import PICTURE_ENDINGS, FileRejected

ENDING = ".signals.npy"
SHARD = 2**14  # examples, at most, that an epoch of a larger set visits before it goes on


def is_mapped(tensor: Tensor) -> bool:
    """Whether it lies in a file."""
    return tensor.untyped_storage().filename is not None


def shards(n: int) -> list[range]:
    """n examples in as few shards, as equal as can be, as hold them."""
    count = -(-n // SHARD)
    return [range(n * k // count, n * (k + 1) // count) for k in range(count)]


def scratch(shape: Sequence[int]) -> Tensor:
    """Zeros of this shape in a file without a name in the system's folder for such (TMPDIR), which
    goes when the tensor does."""
    with tempfile.NamedTemporaryFile() as file:
        os.truncate(file.fileno(), 4 * math.prod(shape))
        return _map(Path(file.name), 0, shape)


def open_signals(path: Path) -> Tensor:
    """The signals of such a file. Raises FileRejected."""
    try:
        header = np.load(path, mmap_mode="r", allow_pickle=False)
        shape, whole = header.shape, header.dtype == np.float32 and header.flags.c_contiguous
        if not whole or len(shape) != 4 or shape[0] < 2 or shape[1] not in (1, 3):
            raise ValueError("no signals")
        return _map(path, header.offset // 4, shape)
    except (OSError, ValueError, AttributeError, RuntimeError) as error:
        raise FileRejected(
            f"{path.name} holds no signals, or cannot be written to; please make it by python -m "
            "abp_core.cli.signals."
        ) from error


def write_signals(folder: Path, out: Path, side: int) -> int:
    """Writes all pictures of a folder, and of those in it, as squares of `side` pixels, one after
    another; how many. Raises FileRejected, also where one of them is no picture."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in PICTURE_ENDINGS)
    if len(files) < 2:
        raise FileRejected(f"{folder.name} holds fewer than two pictures.")
    beside = out.with_name(f".{out.name}.part")
    try:
        signals = np.lib.format.open_memmap(
            beside, mode="w+", dtype=np.float32, shape=(len(files), 3, side, side)
        )
        for row, file in zip(signals, files, strict=True):
            pixels = decode.square(decode.decode(file).pixels, side)
            row[:] = pixels.transpose(2, 0, 1) / np.float32(127.5) - 1
        signals.flush()
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
    return len(files)


def _map(path: Path, start: int, shape: Sequence[int]) -> Tensor:
    """Float32 from a file, behind so many of them."""
    n = math.prod(shape)
    flat = torch.from_file(str(path), shared=True, size=start + n, dtype=torch.float32)
    return flat[start:].view(*shape)
