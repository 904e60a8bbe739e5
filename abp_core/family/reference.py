"""A Gaussian reference q of signals, with the mean and the spectrum of the data."""

from typing import Self

import torch
from torch import Tensor

WIDEST = {1: 4096, 2: 64}  # lags of the autocovariance of one signal, by its axes
FLOOR = 1e-4  # of a spectrum, where 1 is that of white noise as strong as the signals
PICTURES = 256  # of a set, from which its spectrum is taken


class Reference:
    """q(x), in which x = mean + deviation * (root * u), u standard white Gaussian and * a
    convolution on a torus: its autocovariance is the data's, so a draw has the data's power at
    every frequency and no structure (a random phase texture; Galerne, Gousseau and Morel 2011).

    Walks in u, not in x: there q is the same in every direction, and low frequencies move as fast
    as high ones. mean, deviation: (1, c, h, w) of a set, whose pictures are aligned; else (1, c, 1,
    1). root (h, w // 2 + 1, c, c): by frequency, real and symmetric.
    """

    def __init__(self, mean: Tensor, deviation: Tensor, root: Tensor, size: tuple[int, int]):
        self.mean, self.deviation, self.root, self.size = mean, deviation, root, size

    @classmethod
    def of(cls, signals: Tensor, size: tuple[int, int]) -> Self:
        """Of signals (n, c, h, w) of a set, all of that size; or of one (1, c, h, w), at least as
        large, for signals of any size."""
        aligned = len(signals) > 1
        axes = 0 if aligned else (0, 2, 3)
        mean = signals.mean(axes, keepdim=True)
        apart = (signals - mean).square()
        spread = apart.mean((0, 1) if aligned else axes, keepdim=True).sqrt()
        spread = spread + 0.02 * apart.mean().sqrt()  # where all pictures of a set agree
        spectrum = _spectrum((signals - mean) / spread, size)
        power, across = torch.linalg.eigh(spectrum)
        root = across * power.clamp(min=FLOOR).sqrt().unsqueeze(-2) @ across.mT
        return cls(mean, spread, root, size)

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        mean, deviation, root = (
            tensor.to(device) for tensor in (self.mean, self.deviation, self.root)
        )
        return type(self)(mean, deviation, root, self.size)

    def signal(self, u: Tensor) -> Tensor:
        """x (n, c, h, w) of u, which is like it."""
        return self.mean + self.deviation * self._filter(u, self.root)

    def white(self, x: Tensor) -> Tensor:
        """The u (n, c, h, w) that becomes x."""
        return self._filter((x - self.mean) / self.deviation, torch.linalg.inv(self.root))

    def _filter(self, x: Tensor, kernel: Tensor) -> Tensor:
        across = torch.fft.rfft2(x).permute(2, 3, 1, 0)
        mixed = (kernel.to(across.dtype) @ across).permute(3, 2, 0, 1)
        filtered: Tensor = torch.fft.irfft2(mixed, s=self.size)
        return filtered


def _spectrum(y: Tensor, size: tuple[int, int]) -> Tensor:
    """(h, w // 2 + 1, c, c), of signals (n, c, ...) of mean 0: of a set the mean of its pictures';
    of one signal that of its autocovariance up to some lags, estimated over overlapping blocks."""
    if len(y) > 1:
        return _power(y[:PICTURES])
    widest = WIDEST[1 if size[0] == 1 else 2]
    block = tuple(min(side, widest) for side in size)
    window = torch.hann_window(block[0], periodic=False)[:, None]
    window = window * torch.hann_window(block[1], periodic=False)
    patches = y[0]
    for axis, side in enumerate(block, 1):
        patches = patches.unfold(axis, side, max(1, side // 2))
    patches = patches.permute(1, 2, 0, 3, 4).flatten(0, 1)
    covariance = torch.fft.irfft2(
        _power(patches * window / window.square().mean().sqrt()).permute(2, 3, 0, 1), s=block
    )
    lags = torch.zeros(*covariance.shape[:2], *size)
    rows, columns = (_lags(side) for side in block)
    lags[:, :, rows[:, None] % size[0], columns % size[1]] = covariance[
        :, :, rows[:, None], columns
    ]
    spectrum: Tensor = torch.fft.rfft2(lags).real
    return spectrum.permute(2, 3, 0, 1)


def _lags(side: int) -> Tensor:
    """On a torus, from about -side / 2 to side / 2, each once."""
    return torch.arange(side) - side // 2


def _power(y: Tensor) -> Tensor:
    """(h, w // 2 + 1, c, c), the real part of the mean cross-spectra of y (n, c, h, w)."""
    found = torch.fft.rfft2(y).permute(2, 3, 1, 0)
    power: Tensor = (found @ found.mH).real
    return power / (len(y) * y.shape[2] * y.shape[3])
