"""A critic that is trained on the spot to tell two kinds of pictures apart, and then asked about
pictures that it has not seen: .5 says that it cannot.

The idea is the classifier two-sample test (Lopez-Paz and Oquab, Revisiting Classifier Two-Sample
Tests, 2017), here within one picture: it learns from crops of some places and is asked about
others.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean

import torch
from torch import Tensor
from torch.nn import functional as F

STEPS = 100
BATCH = 32  # crops of each kind in a step
ASKED = 512  # crops of each kind
WIDTHS = (16, 32, 64)
LEARNING_RATE = 4e-3
DECAY = 1e-2

Pictures = Sequence[Tensor]  # (c, h, w) each, of any sizes


def accuracy(
    real: Pictures, made: Pictures, unseen: Pictures, unseen_made: Pictures, *, crop: int, seed: int
) -> float:
    """The share of crops, of crop x crop entries of `unseen` and `unseen_made` and as many of each,
    that a critic names rightly after STEPS steps on `real` against `made`. It is told that half of
    them are real, and takes the half that look it most: otherwise a critic that knows the real
    places by heart would call every other place made. A function of its arguments: weights and
    crops are drawn from the seed."""
    draw = torch.Generator().manual_seed(seed)
    mean, deviation = _scale([*real, *made])
    weights = list(_weights(len(real[0]), draw))
    optimiser = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=DECAY)
    truth = torch.cat([torch.ones(BATCH), torch.zeros(BATCH)])
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * (1 - step / STEPS)
        batch = torch.cat([crops(some, BATCH, crop, draw) for some in (real, made)])
        loss = F.binary_cross_entropy_with_logits(
            _logits(weights, (batch - mean) / deviation), truth
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        told = torch.cat(
            [
                _logits(weights, (crops(some, ASKED, crop, draw) - mean) / deviation)
                for some in (unseen, unseen_made)
            ]
        )
    return float((told.topk(ASKED).indices < ASKED).float().mean())


def against(original: Tensor, samples: Pictures, *, crop: int) -> float:
    """The accuracy of critics that learnt half of an original (c, h, w), and all samples but one,
    about the other half and that one; the mean over both halves. One sample alone is cut in two."""
    pieces = list(samples) if len(samples) > 1 else list(_cut(samples[0]))
    one, other = _cut(original)
    return fmean(
        accuracy([real], pieces[1:], [unseen], pieces[:1], crop=crop, seed=seed)
        for seed, (real, unseen) in enumerate([(one, other), (other, one)])
    )


def between_halves(original: Tensor, *, crop: int) -> float:
    """The same of one half of an original against its other half: what a perfect sample would be
    told by."""
    one, other = (_cut(half) for half in _cut(original))
    return fmean(
        accuracy([one[k]], [other[k]], [one[1 - k]], [other[1 - k]], crop=crop, seed=k)
        for k in (0, 1)
    )


def widest(original: Tensor, wanted: int) -> int:
    """The largest crop up to `wanted` that the quarters of an original hold."""
    quarter = _cut(_cut(original)[0])[0]
    return min(wanted, *quarter.shape[1:])


def crops(pictures: Pictures, n: int, size: int, draw: torch.Generator) -> Tensor:
    """n random crops (n, c, size, size), every place of every picture as likely."""
    rooms = torch.tensor([(p.shape[1] - size + 1) * (p.shape[2] - size + 1) for p in pictures])
    which = torch.multinomial(rooms.double(), n, replacement=True, generator=draw).tolist()
    shares = torch.rand(n, 2, generator=draw, dtype=torch.float64).tolist()
    cut = []
    for k, (down, across) in zip(which, shares, strict=True):
        picture = pictures[k]
        top = int(down * (picture.shape[1] - size + 1))
        left = int(across * (picture.shape[2] - size + 1))
        cut.append(picture[:, top : top + size, left : left + size])
    return torch.stack(cut)


def _cut(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Its halves along the longer axis."""
    axis = 1 if picture.shape[1] > picture.shape[2] else 2
    half = picture.shape[axis] // 2
    return picture.narrow(axis, 0, half), picture.narrow(axis, picture.shape[axis] - half, half)


def _scale(pictures: Pictures) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, (c, 1, 1), of what is learnt from."""
    values = torch.cat([picture.flatten(1) for picture in pictures], 1)
    mean, deviation = values.mean(1), values.std(1).clamp(min=1e-3)
    return mean[:, None, None], deviation[:, None, None]


def _weights(channels: int, draw: torch.Generator) -> Iterator[Tensor]:
    """Three 3 x 3 convolutions and a line, as He et al. (2015) begin."""
    for a, b in pairwise((channels, *WIDTHS)):
        kernel = torch.randn(b, a, 3, 3, generator=draw) * (2 / (9 * a)) ** 0.5
        yield kernel.requires_grad_()
        yield torch.zeros(b, requires_grad=True)
    yield torch.zeros(1, WIDTHS[-1], requires_grad=True)
    yield torch.zeros(1, requires_grad=True)


def _logits(weights: list[Tensor], x: Tensor) -> Tensor:
    """Of crops (n, c, h, w), (n,): above 0 where they look real."""
    *convolutions, line, bias = weights
    for place, (kernel, offset) in enumerate(
        zip(convolutions[::2], convolutions[1::2], strict=True)
    ):
        x = F.leaky_relu(F.conv2d(x, kernel, offset, stride=1 if place == 0 else 2), 0.1)
    return F.linear(x.mean((2, 3)), line, bias)[:, 0]
