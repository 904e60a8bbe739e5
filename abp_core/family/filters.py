"""Fixed filters: what FRAME listens to. Nothing here learns.

A bank maps signals x (n, c, h, w), a sound a picture of height one, to maps of responses (n,
filters, h', w'), one or more for every scale of a pyramid in which each level is half as large.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core.family.convnet import ConvNet

SIDE = 9  # pixels of a picture's filter
ORIENTATIONS = 6
WAVELENGTH = 4.0  # pixels, of the finest Gabor filters
TAPS = 33  # samples of a sound's filter
PITCHES = (3.0, 4.25)  # wavelengths in samples: two an octave
POOLED = 16  # responses of which a loudness is the mean
SMALLEST = 32  # entries along a side of the coarsest level
OPPONENT = ((1, 1, 1), (1, -1, 0), (1, 1, -2))  # lightness, red to green, yellow to blue


class Bank(Protocol):
    """knots: how finely the responses of each map are counted. margins: entries at a map's border
    that feel what is beyond the signal's. multiple: of which the signal's sides must be ones."""

    knots: Sequence[int]
    margins: Sequence[int]
    multiple: int

    def __call__(self, x: Tensor) -> list[Tensor]: ...


def levels_of(size: Sequence[int], most: int) -> int:
    """How many levels a pyramid of such signals has."""
    shortest = min(side for side in size if side > 1)
    return max(1, min(most, 1 + int(math.log2(shortest / SMALLEST))))


def gabor(orientation: float, phase: float, wavelength: float = WAVELENGTH) -> Tensor:
    """(SIDE, SIDE): a wave that runs in the direction `orientation`, in radians from the right
    downwards, under a round Gaussian window; phase 0 is a cosine, pi / 2 a sine. Its mean is 0 and
    its length 1."""
    rows, columns = torch.meshgrid(_places(SIDE), _places(SIDE), indexing="ij")
    along = columns * math.cos(orientation) + rows * math.sin(orientation)
    window = torch.exp(-(rows.square() + columns.square()) / (2 * (wavelength / 2) ** 2))
    return _without_mean(torch.cos(2 * math.pi * along / wavelength - phase), window)


def spot(deviation: float = 1.0) -> Tensor:
    """(SIDE, SIDE): the difference of two round Gaussians, of this deviation and of 1.6 times it
    (Marr and Hildreth 1980). Its mean is 0 and its length 1."""
    squares = _places(SIDE).square()[:, None] + _places(SIDE).square()
    inner, outer = (torch.exp(-squares / (2 * s**2)) for s in (deviation, 1.6 * deviation))
    return _of_length_1(inner / inner.sum() - outer / outer.sum())


def difference(axis: int) -> Tensor:
    """(SIDE, SIDE): an entry less the one before it along an axis."""
    found = torch.zeros(SIDE, SIDE)
    middle = SIDE // 2
    found[middle, middle] = 1
    found[(middle - 1, middle) if axis == 0 else (middle, middle - 1)] = -1
    return _of_length_1(found)


def tone(phase: float, wavelength: float) -> Tensor:
    """(1, TAPS): a windowed sinusoid. Its mean is 0 and its length 1."""
    places = _places(TAPS)
    window = torch.exp(-places.square() / (2 * (2 * wavelength) ** 2))
    return _without_mean(torch.cos(2 * math.pi * places / wavelength - phase), window)[None]


class Gabor(nn.Module):
    """Of pictures: values, differences of neighbours, spots and Gabor waves of sine and cosine of
    their lightness; values and spots of their colours; and how strong each wave is, whatever its
    phase."""

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.knots, self.margins = [5, 3] * levels, [SIDE // 2] * 2 * levels
        self.multiple = 2 ** (levels - 1)
        delta = torch.zeros(SIDE, SIDE)
        delta[SIDE // 2, SIDE // 2] = 1
        turns = [math.pi * k / ORIENTATIONS for k in range(ORIENTATIONS)]
        waves = [gabor(turn, phase) for phase in (0, math.pi / 2) for turn in turns]
        light = torch.stack([*waves, delta, spot(), difference(0), difference(1)])
        colour = torch.stack([delta, spot()])
        opponent = F.normalize(torch.tensor(OPPONENT, dtype=torch.float32))[:, :, None, None]
        kernels = light[:, None] if channels == 1 else torch.cat(
            [opponent[0] * light[:, None], *(axis * colour[:, None] for axis in opponent[1:])]
        )  # fmt: skip
        kernels = kernels.contiguous(memory_format=torch.channels_last)
        self.kernels = nn.Parameter(kernels, requires_grad=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for level in _pyramid(x, len(self.knots) // 2):
            r = F.conv2d(level, self.kernels, padding=SIDE // 2)
            found += [r, _strength(r[:, :ORIENTATIONS], r[:, ORIENTATIONS : 2 * ORIENTATIONS])]
        return found


class Tones(nn.Module):
    """Of sounds: samples, their differences, windowed sinusoids of sine and cosine; how loud each
    pitch is; and that again over longer times."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.knots, self.multiple = [5, 5, 5] * levels, POOLED * 2 ** (levels - 1)
        self.margins = [TAPS // 2, TAPS // 2, 1 + TAPS // 2 // POOLED] * levels
        waves = [tone(phase, pitch) for phase in (0, math.pi / 2) for pitch in PITCHES]
        delta = torch.zeros(1, TAPS)
        delta[0, TAPS // 2] = 1
        kernels = torch.stack([*waves, delta, (delta - delta.roll(1, 1)) / 2**0.5])[:, None]
        kernels = kernels.contiguous(memory_format=torch.channels_last)
        self.kernels = nn.Parameter(kernels, requires_grad=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for level in _pyramid(x, len(self.knots) // 3):
            r = F.conv2d(level, self.kernels, padding=(0, TAPS // 2))
            loudness = _strength(r[:, : len(PITCHES)], r[:, len(PITCHES) : 2 * len(PITCHES)])
            found += [r, loudness, F.avg_pool2d(loudness, (1, POOLED))]
        return found


class Photographic(nn.Module):
    """Of pictures: values and differences of neighbours, and what the first layers of a network
    that was taught to name photographs respond at strides 2 and 4; never at stride 8, with which
    the studio measures."""

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.knots, self.margins = [7, 5, 0, 5, 0] * levels, [4, 2, 2, 3, 3] * levels
        self.multiple = 4 * 2 ** (levels - 1)
        self.network = ConvNet(largest=4)
        delta = torch.zeros(3, 3)
        delta[1, 1] = 1
        across = delta - delta.roll(1, 1)
        beyond = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
        light = torch.stack([delta, across, across.T, beyond])[:, None]
        opponent = F.normalize(torch.tensor(OPPONENT, dtype=torch.float32))[:, :, None, None]
        kernels = light if channels == 1 else torch.cat([opponent[0] * light, opponent[1:] * delta])
        self.kernels = nn.Parameter(kernels, requires_grad=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for level in _pyramid(x, len(self.knots) // 5):
            found.append(F.conv2d(level, self.kernels, padding=1))
            for responses in self.network(level).values():
                assert responses.rectified is not None
                found += [responses.features, responses.rectified]
        return found


def _pyramid(x: Tensor, levels: int) -> Iterator[Tensor]:
    shrink = (1 if x.shape[2] == 1 else 2, 2)
    yield x
    for _ in range(levels - 1):
        x = F.avg_pool2d(x, shrink)
        yield x


def _strength(cosine: Tensor, sine: Tensor) -> Tensor:
    """Of a wave, whatever its phase; rounded at 0, where a root has no slope."""
    return (cosine.square() + sine.square() + 1e-4).sqrt()


def _places(side: int) -> Tensor:
    return torch.arange(side, dtype=torch.float32) - side // 2


def _without_mean(wave: Tensor, window: Tensor) -> Tensor:
    """wave * window, the wave moved so that the mean is 0, of length 1."""
    return _of_length_1(window * (wave - (wave * window).sum() / window.sum()))


def _of_length_1(kernel: Tensor) -> Tensor:
    scaled: Tensor = kernel / kernel.norm()
    return scaled
