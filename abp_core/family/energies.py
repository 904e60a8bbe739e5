"""Bottom-up networks F(x; theta) of the descriptor."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core.family.trial import Trial
from abp_core.spec import Kind

LEAK = 0.2
# By kind: entries along an axis that become channels, taps, and the layers' (features, stride).
NETWORKS: dict[Kind, tuple[int, int, tuple[tuple[int, int], ...]]] = {
    "texture": (2, 3, ((32, 1), (64, 2), (64, 2), (64, 2))),
    "sound": (16, 9, ((64, 1), (96, 2), (96, 4), (96, 4))),
    "objects": (2, 3, ((32, 1), (64, 2), (64, 2), (128, 2), (128, 2))),
}


class BottomUp(nn.Module):
    """F(x), (n,), of signals x (n, c, h, w) or (n, c, length), which are pictures of height one.

    First the entries of every block of `fold` along an axis become channels of one place, which
    with the convolution that follows is one of a larger kernel and a stride, and several times
    faster. Then come convolutions of (features, stride) with three taps an axis and a rectifier,
    and F is `scale` times a weighted sum of their features over all places.
    """

    def __init__(
        self,
        channels: int,
        axes: int,
        fold: int,
        layers: Sequence[tuple[int, int]],
        *,
        seed: int,
        scale: float,
        taps: int = 3,
    ) -> None:
        super().__init__()
        self._fold = (1, fold) if axes == 1 else (fold, fold)
        self._scale, self._flat = scale, axes == 1
        kernel = (1, taps) if axes == 1 else (taps, taps)
        self._strides = [(1, s) if axes == 1 else (s, s) for _, s in layers]
        draw, before = torch.Generator().manual_seed(seed), channels * math.prod(self._fold)
        self.kernels, self.biases = nn.ParameterList(), nn.ParameterList()
        for features, _ in layers:
            values = torch.empty(features, before, *kernel).normal_(generator=draw)
            values *= math.sqrt(2 / (1 + LEAK**2) / (before * math.prod(kernel)))
            self.kernels.append(nn.Parameter(values.contiguous(memory_format=torch.channels_last)))
            self.biases.append(nn.Parameter(torch.zeros(features)))
            before = features
        self.weights = nn.Parameter(torch.zeros(before))

    def forward(self, x: Tensor) -> Tensor:
        h = x.unsqueeze(2) if self._flat else x
        h = _fold(h, self._fold).contiguous(memory_format=torch.channels_last)
        for kernel, bias, stride in zip(self.kernels, self.biases, self._strides, strict=True):
            h = F.conv2d(h, kernel, bias, stride, (kernel.shape[2] // 2, kernel.shape[3] // 2))
            h = F.leaky_relu(h, LEAK)
        summed = h.sum((2, 3), dtype=torch.float32)
        return self._scale * (summed * self.weights.float()).sum(1)


def _fold(h: Tensor, block: tuple[int, int]) -> Tensor:
    """Maps (n, c, h, w) with the entries of every block as channels of one place; zeros fill the
    last ones."""
    a, b = block
    h = F.pad(h, (0, -h.shape[3] % b, 0, -h.shape[2] % a))
    n, c, height, width = h.shape
    h = h.view(n, c, height // a, a, width // b, b).permute(0, 1, 3, 5, 2, 4)
    return h.reshape(n, c * a * b, height // a, width // b)


def bottom_up(trial: Trial, reference: float, seed: int) -> BottomUp:
    """F for the data of a trial under a white reference of this deviation. It is in units of the
    reference's variance, so that its gradient pulls as strongly as the reference does."""
    fold, taps, layers = NETWORKS[trial.kind]
    channels, axes = trial.data.signals.shape[1], len(trial.size)
    scale = reference**-2
    return BottomUp(channels, axes, fold, layers, seed=seed, scale=scale, taps=taps)
