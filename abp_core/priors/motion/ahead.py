"""What is expected of a film's frames some time ahead: what a model of motion expects, and what is
known of the frames themselves, which it has rebuilt only roughly.

Mixed are the model's guess, what it left of the last frame, the last two frames, and the last one
carried on along its motion. Coarse detail can be foretold from other things than fine detail, so
that every scale has its own shares. They are learnt as the film goes, from what has come.
"""

from collections import deque

import torch
from torch import Tensor
from torch.nn import functional as F

from abp_core.priors.motion.carrying import carry

SCALES = (1, 2, 4)  # pixels to every side over which finer detail is averaged away
MEMORY = 0.9  # of what a frame has taught that is kept from one frame to the next
REACH = 4  # pixels that anything moves at most from one frame to the next
RIDGE = 1e-6  # of the guesses' mean power


def expect_ahead(x: Tensor, rebuilt: Tensor, told: Tensor, frames: int, first: int) -> Tensor:
    """What is expected so many `frames` after each frame of a film x (n, c, h, w) from `first` on,
    (n - frames - first, c, h, w), from that frame and those before. rebuilt (n, c, h, w): the film
    as the model has it. told (k, c, h, w): what the model alone expects after each of the k frames
    before the last `frames`, of which some more than `frames` are before `first`."""
    begin, mean = len(x) - frames - len(told), x[:first].mean(0)
    if begin < 1 or begin + frames >= first:
        raise ValueError("Shares are learnt from guesses at frames before the first that is asked.")
    gram, aims = torch.zeros(len(SCALES) + 1, 5, 5), torch.zeros(len(SCALES) + 1, 5, 1)
    lessons: deque[tuple[Tensor, Tensor]] = deque()
    expected = []
    for t in range(begin, len(x) - frames):
        if len(lessons) == frames:  # what the first of them told of has come
            more, better = lessons.popleft()
            gram, aims = MEMORY * gram + more, MEMORY * aims + better
        moved = carry(x[t - 1 : t], x[t : t + 1], 1.0 + frames, REACH)[0]
        known = [told[t - begin] - mean, x[t] - rebuilt[t]]
        known += [x[t] - mean, x[t - 1] - mean, moved - mean]
        guesses = _scales(torch.stack(known)).flatten(2)  # (scales, guesses, values)
        if t >= first:
            shares = torch.linalg.solve(gram + _ridge(gram), aims)
            expected.append(mean + (shares * guesses).sum((0, 1)).view_as(mean))
        came = _scales(x[t + frames : t + frames + 1] - mean).flatten(2)
        lessons.append((guesses @ guesses.mT, guesses @ came.mT))
    return torch.stack(expected)


def _ridge(gram: Tensor) -> Tensor:
    power = gram.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
    return (RIDGE * power + 1e-9) * torch.eye(gram.shape[1])


def _scales(x: Tensor) -> Tensor:
    """Pictures x (n, c, h, w) as sums over scales, from fine to coarse, (scales, n, c, h, w)."""
    parts = []
    for reach in SCALES:
        coarse = _average(_average(x, reach), reach)
        parts.append(x - coarse)
        x = coarse
    return torch.stack([*parts, x])


def _average(x: Tensor, reach: int) -> Tensor:
    return F.avg_pool2d(F.pad(x, [reach] * 4, mode="replicate"), 2 * reach + 1, 1)
