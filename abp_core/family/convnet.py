"""The first layers of a network that was taught to name photographs, as fixed filters.

EfficientNet-Lite0 (Tan and Le, EfficientNet: Rethinking Model Scaling, 2019; Lite: Google, 2020;
weights of ImageNet, Apache-2.0): its stem and its first five blocks, batch norms folded into the
convolutions, as `abp_core.zoo.filters` takes them out of a package. FRAME learns with strides 2 and
4 alone: stride 8 is what the studio measures with, and a figure that is also the loss is no
measure.
"""

from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

PATH = Path(__file__).with_name("efficientnet_lite0.safetensors")
STRIDES = (2, 4, 8)
CHANNELS = {2: 16, 4: 24, 8: 40}  # of the features at each of STRIDES
REACH = {2: 4, 4: 12, 8: 40}  # pixels from a feature's own to the farthest that it sees

# Kernel size, stride, channels before, between and after of each block: a convolution of single
# pixels to more channels, one of each channel alone, and one of single pixels to fewer.
BLOCKS = ((3, 1, 32, 32, 16), (3, 2, 16, 96, 24), (3, 1, 24, 144, 24), (5, 2, 24, 144, 40),
          (5, 1, 40, 240, 40))  # fmt: skip
LAST = {0: 2, 2: 4, 4: 8}  # the last block of each stride


class ConvNet(nn.Module):
    """x (n, 1 or 3, h, w) in [-1, 1] -> the features at strides 2, 4 and 8, each (n, channels, h /
    stride, w / stride), up to a largest stride. Sides must be multiples of that stride.

    Borders are zeros, as when it was taught; no layer mixes examples.
    """

    def __init__(self, largest: int = 8) -> None:
        super().__init__()
        self.largest = largest
        held = load_file(PATH)
        self.kernels, self.biases = nn.ParameterDict(), nn.ParameterDict()
        wanted = ["stem", *(f"{place}." for place in range(self._blocks))]
        for name in sorted(held):
            if name.endswith(".kernel") and any(name.startswith(part) for part in wanted):
                layer = name.removesuffix(".kernel").replace(".", "_")
                kernel = held[name].float().contiguous(memory_format=torch.channels_last)
                bias = held[name.replace("kernel", "bias")].float()
                self.kernels[layer] = nn.Parameter(kernel, requires_grad=False)
                self.biases[layer] = nn.Parameter(bias, requires_grad=False)

    @property
    def _blocks(self) -> int:
        return 1 + next(place for place, stride in LAST.items() if stride == self.largest)

    def forward(self, x: Tensor) -> dict[int, Tensor]:
        h = x.expand(-1, 3, -1, -1).to(self.biases["stem"].dtype)
        h = F.relu6(self._convolve("stem", h.contiguous(memory_format=torch.channels_last), 2))
        found = {}
        for place, (_, stride, before, between, after) in enumerate(BLOCKS[: self._blocks]):
            start = h
            if between > before:
                h = F.relu6(self._convolve(f"{place}_expand", h))
            h = F.relu6(self._convolve(f"{place}_depth", h, stride, groups=between))
            h = self._convolve(f"{place}_project", h)
            h = h + start if before == after else h
            if place in LAST:
                found[LAST[place]] = h
        return found

    def _convolve(self, layer: str, h: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
        """With zeros around such that every stride's position has an output; where they are odd in
        number the end has one more."""
        kernel, bias = self.kernels[layer], self.biases[layer]
        around = kernel.shape[-1] - stride
        if around % 2:
            h = F.pad(h, (around // 2, around - around // 2) * 2)
        padding = 0 if around % 2 else around // 2
        return F.conv2d(h, kernel, bias, stride, padding, 1, groups)


@cache
def _network(stride: int) -> ConvNet:
    return ConvNet(stride)


@torch.inference_mode()
def features(x: Tensor, stride: int) -> Tensor:
    """Of pictures (n, 1 or 3, h, w) in [-1, 1], the features (n, channels, h / stride, w / stride)
    at one of STRIDES. What is over of a side beyond a multiple of the stride is left out."""
    height, width = (side // stride * stride for side in x.shape[2:])
    return _network(stride)(x[:, :, :height, :width])[stride]
