"""What is hidden of every example: masks (n, 1, *size), 1 where it was seen and 0 where not.

Each is a function of its seed, and example k's mask does not depend on how many others there are.
"""

import math
from itertools import product

import numpy as np
import torch
from torch import Tensor

MASK_BLOCK = 3  # pixels along a side of the small masks (paper, experiment 5)


def random_blocks(n: int, size: tuple[int, int], share: float, *, seed: int) -> Tensor:
    """Random 3 x 3 masks, as many as hide about that share of the pixels (paper: P.5, P.7, P.9)."""
    height, width = size
    wanted = math.ceil(share * height * width)
    # Four times as many as are needed on average: n of them leave about exp(-n area / pixels).
    blocks = 50 + math.ceil(4 * -math.log(1 - share) * height * width / MASK_BLOCK**2)
    visible = torch.ones(n, 1, height, width)
    for k in range(n):
        draw = np.random.default_rng((seed, k))
        corners = draw.integers((1 - MASK_BLOCK, 1 - MASK_BLOCK), size, size=(blocks, 2))
        # Which block hides a pixel first; they are laid down until enough is hidden.
        first = np.full((height + 2 * MASK_BLOCK, width + 2 * MASK_BLOCK), blocks)
        for down, right in product(range(MASK_BLOCK), repeat=2):
            rows, columns = corners[:, 0] + MASK_BLOCK + down, corners[:, 1] + MASK_BLOCK + right
            np.minimum.at(first, (rows, columns), np.arange(blocks))
        inside = first[MASK_BLOCK:-MASK_BLOCK, MASK_BLOCK:-MASK_BLOCK]
        last = np.partition(inside.ravel(), wanted - 1)[wanted - 1]
        visible[k, 0][torch.from_numpy(inside <= last)] = 0
    return visible


def square(n: int, size: tuple[int, int], side: int, *, seed: int) -> Tensor:
    """One square somewhere in every picture (paper: M20, M30)."""
    height, width = size
    visible = torch.ones(n, 1, height, width)
    for k in range(n):
        draw = np.random.default_rng((seed, k))
        row, column = (int(draw.integers(0, max(whole - side, 0) + 1)) for whole in size)
        visible[k, :, row : row + side, column : column + side] = 0
    return visible


def lines(n: int, size: tuple[int, int], share: float, *, seed: int) -> Tensor:
    """Whole rows are missing, as many as that share."""
    visible = torch.ones(n, 1, *size)
    for k in range(n):
        draw = np.random.default_rng((seed, k))
        missing = draw.permutation(size[0])[: round(share * size[0])]
        visible[k, :, torch.from_numpy(missing)] = 0
    return visible


def stretch(n: int, length: int, share: float, *, seed: int) -> Tensor:
    """One stretch of every sound is lost, of that share of it."""
    visible = torch.ones(n, 1, length)
    lost = round(share * length)
    for k in range(n):
        start = int(np.random.default_rng((seed, k)).integers(0, length - lost + 1))
        visible[k, :, start : start + lost] = 0
    return visible
