"""Stand-in until the pretrained filters are here."""

import torch
from torch import Tensor
from torch.nn import functional as F


def features(x: Tensor, stride: int) -> Tensor:
    """(n, k, h / stride, w / stride)."""
    draw = torch.Generator().manual_seed(0)
    kernel = torch.randn(24, 3, 9, 9, generator=draw) / 9
    return F.relu(F.conv2d(x.expand(-1, 3, -1, -1), kernel, stride=stride, padding=4))
