"""Bottom-up networks F(x; theta) of the descriptor."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Convolutions(nn.Module):
    """A sum over all places of what layers of convolutions make of signals x (n, c, h, w) or
    (n, c, length), which are pictures of height one. layers: (features, kernel size, stride) of
    each. scale: of the sum."""

    def __init__(
        self,
        channels: int,
        axes: int,
        layers: Sequence[tuple[int, int, int]],
        *,
        seed: int,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        self._flat, self._scale = axes == 1, scale
        self.kernels, self.biases = nn.ParameterList(), nn.ParameterList()
        self._strides: list[tuple[int, int]] = []
        draw, before = torch.Generator().manual_seed(seed), channels
        for features, k, s in layers:
            kernel = (1, k) if self._flat else (k, k)
            self._strides.append((1, s) if self._flat else (s, s))
            values = torch.empty(features, before, *kernel).normal_(generator=draw)
            values *= math.sqrt(2 / (before * math.prod(kernel)))
            self.kernels.append(nn.Parameter(values.contiguous(memory_format=torch.channels_last)))
            self.biases.append(nn.Parameter(torch.zeros(features)))
            before = features

    def forward(self, x: Tensor) -> Tensor:
        h = x.unsqueeze(2) if self._flat else x
        h = h.contiguous(memory_format=torch.channels_last)
        last = len(self.kernels) - 1
        for layer, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            padding = (kernel.shape[2] // 2, kernel.shape[3] // 2)
            h = F.conv2d(h, kernel, bias, self._strides[layer], padding)
            if layer < last:
                h = F.leaky_relu(h, 0.2)
        return self._scale * h.flatten(1).sum(1, dtype=torch.float32)
