"""The first layers of a network that was taught to name photographs, as fixed filters.

EfficientNet-Lite0 (Tan and Le, EfficientNet: Rethinking Model Scaling, 2019; Lite: Google, 2020;
weights of ImageNet, Apache-2.0): its stem and its first five blocks, batch norms folded into the
convolutions, as first_layers.py takes them out of a package. FRAME learns with strides 2 and 4
alone: stride 8 is what the studio measures with, and a figure that is also the loss is no measure.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

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


class Responses(NamedTuple):
    """At one stride. features (n, channels, h, w): what the last block of the stride puts out.
    rectified (n, 6 channels, h, w): these as the next block begins with them, weighed and cut off
    below 0 and above 6; none at stride 8, where the file ends."""

    features: Tensor
    rectified: Tensor | None


class ConvNet(nn.Module):
    """x (n, 1 or 3, h, w) in [-1, 1] -> its responses at strides 2, 4 and 8, up to a largest
    stride, of which the sides must be multiples.

    Borders are zeros, as when it was taught; no layer mixes examples. Its weights never learn.
    """

    def __init__(self, largest: int = 8) -> None:
        super().__init__()
        held = load_file(PATH)
        self._blocks = 1 + next(place for place, stride in LAST.items() if stride == largest)
        names = ["stem"]
        for place, (_, _, before, between, _) in enumerate(BLOCKS[: self._blocks + 1]):
            whole = place < self._blocks
            names += [f"{place}.expand"] * (between > before)
            names += [f"{place}.depth", f"{place}.project"] * whole
        self._layers = nn.ModuleDict()
        for name in names:
            layer = [held[f"{name}.{part}"].float() for part in ("kernel", "bias")]
            layer[0] = layer[0].contiguous(memory_format=torch.channels_last)
            self._layers[name.replace(".", "_")] = nn.ParameterList(
                [nn.Parameter(part, requires_grad=False) for part in layer]
            )

    def forward(self, x: Tensor) -> dict[int, Responses]:
        h = x.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        h = F.relu6(self._convolve("stem", h, 2))
        features: dict[int, Tensor] = {}
        rectified: dict[int, Tensor] = {}
        for place, (_, stride, before, between, after) in enumerate(BLOCKS):
            start = h
            if f"{place}_expand" in self._layers:
                h = F.relu6(self._convolve(f"{place}_expand", h))
                if place - 1 in LAST:
                    rectified[LAST[place - 1]] = h
            if place == self._blocks:
                break
            h = F.relu6(self._convolve(f"{place}_depth", h, stride, groups=between))
            h = self._convolve(f"{place}_project", h)
            h = h + start if before == after else h
            if place in LAST:
                features[LAST[place]] = h
        return {at: Responses(found, rectified.get(at)) for at, found in features.items()}

    def _convolve(self, layer: str, h: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
        """With zeros around such that every stride's position has an output; where they are odd in
        number the end has one more."""
        kernel, bias = self._layers[layer].parameters()
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
    responses: dict[int, Responses] = _network(stride)(x[:, :, :height, :width])
    return responses[stride].features
