"""How many operations an iteration needs, and how many the device does in a matrix product."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from abp_core.spec import TrainingSpec
from benchmarks.textbook import TextbookGenerator


def of_langevin_step(spec: TrainingSpec, n: int) -> int:
    """Multiplications and additions of f(z) and its gradient with respect to z, of n examples or
    windows. Of a window what the misfit sees counts, and nothing around it: fewer cannot do."""
    return _count(spec, n, of_weights=False)


def of_learning_step(spec: TrainingSpec, n: int) -> int:
    """The same of f(z) and its gradient with respect to the weights."""
    return _count(spec, n, of_weights=True)


def of_iteration(spec: TrainingSpec, n: int) -> int:
    """Of the paper's two moves alone: metrics, second losses and the optimiser do not count."""
    return spec.langevin.steps * of_langevin_step(spec, n) + of_learning_step(spec, n)


def _count(spec: TrainingSpec, n: int, *, of_weights: bool) -> int:
    """Counted on shapes alone; nothing is computed."""
    with torch.device("meta"):
        generator = TextbookGenerator(spec.generator).requires_grad_(of_weights)
        channels, *extent = spec.generator.latent_shape
        seen = spec.generator.reach if spec.window else 0
        extent = [min(spec.window or size, size) + 2 * seen for size in extent]
        z = torch.empty(n, channels, *extent).requires_grad_(not of_weights)
        with FlopCounterMode(display=False) as counter:
            generator(z).sum().backward()
    return counter.get_total_flops()


def product_rate(a: Tensor, times: int = 1) -> float:
    """Operations a second of a @ a."""
    finish(a.device)
    start = perf_counter()
    for _ in range(times):
        a @ a
    finish(a.device)
    return times * 2 * len(a) ** 3 / (perf_counter() - start)


@contextmanager
def tf32() -> Iterator[None]:
    """Matrix products of float32 in TensorFloat-32, on a card that has it."""
    products = torch.backends.cuda.matmul
    before = products.fp32_precision
    products.fp32_precision = "tf32"
    try:
        yield
    finally:
        products.fp32_precision = before


@contextmanager
def as_shipped() -> Iterator[None]:
    """PyTorch as a plain script has it, convolutions at their fastest, whatever ours has asked of
    this process."""
    exact = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=True):
            yield
    finally:
        torch.use_deterministic_algorithms(exact)


def finish(device: torch.device) -> None:
    """Waits until the device has done what it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
