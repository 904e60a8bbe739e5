"""The generator x = f(z; W): transposed convolutions from a latent to a picture or a sound."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core.spec import GeneratorSpec
from abp_core.transition import Transition

Span = tuple[int, int]  # from the first entry to before the last


class Generator(nn.Module):
    """f(z; W) of one `GeneratorSpec` (paper, section 2 and the networks of its experiments).

    z (n, *latent_shape) -> x (n, *signal_shape), in [-1, 1], float32 (of a network in double
    precision, float64). With a spatial latent any (n, c, h, w) or (n, c, length) is taken and x
    grows with it; where the network has margins, x shows what the positions within them become.
    No layer mixes examples: there is no batch normalisation, which the paper uses,
    because it would make one example's posterior depend on the others in its batch.

    A sound is a picture of height one, so that both take the same fast kernels.
    """

    def __init__(self, spec: GeneratorSpec, *, seed: int = 0) -> None:
        super().__init__()
        self.spec = spec
        flat = len(spec.first_map) == 2
        k, s = spec.kernel_size, spec.upsampling
        self.kernel = (1, k) if flat else (k, k)
        self.stride = (1, s) if flat else (s, s)
        self._enlarging = len(spec.channels) + 1
        self.strides = [(1, 1)] * len(spec.mixing) + [self.stride] * self._enlarging
        draw = torch.Generator().manual_seed(seed)

        def weights(shape: tuple[int, ...], fan_in: float, gain: float) -> nn.Parameter:
            values = torch.empty(shape)
            if not values.is_meta:  # drawn without memory, they load all of PyTorch's compiler
                values.normal_(generator=draw).mul_(math.sqrt(gain / fan_in))
            if values.ndim == 4:
                values = values.contiguous(memory_format=torch.channels_last)
            return nn.Parameter(values)

        rectified = 2 / (1 + spec.leak**2)  # keeps the variance through a rectifier (He 2015)
        if spec.projection is not None:
            d, units = spec.latent_shape[0], math.prod(spec.projection)
            self.opening = weights((d, units), d, 1.0)
            self.opening_bias = nn.Parameter(torch.zeros(units))
        widths = [spec.first_map[0], *spec.mixing, *spec.channels, spec.out_channels]
        self.kernels = nn.ParameterList()
        self.biases = nn.ParameterList()
        for layer, (before, after) in enumerate(pairwise(widths)):
            # Each output of a transposed convolution sums over kernel / stride taps an axis.
            taps = math.prod(self.kernel) / math.prod(self.strides[layer])
            first = layer == 0 and spec.projection is None
            last = layer == len(widths) - 2
            gain = (0.1 if last else 1.0) * (1.0 if first else rectified)
            self.kernels.append(weights((before, after, *self.kernel), before * taps, gain))
            self.biases.append(nn.Parameter(torch.zeros(after)))
        if spec.transition:
            self.transition = Transition(spec.latent_shape[0], spec.transition, draw)

    @classmethod
    def of(cls, spec: GeneratorSpec, weights: Mapping[str, Tensor]) -> Self:
        """The network with these weights, by name, in memory of its own; none are drawn."""
        with torch.device("meta"):
            generator = cls(spec)
        placed = {
            name: torch.empty_strided(p.shape, p.stride()).copy_(weights[name])
            for name, p in generator.named_parameters()
        }
        generator.load_state_dict(placed, assign=True)
        return generator

    def forward(self, z: Tensor, before: Tensor | None = None) -> Tensor:
        """before: states (n, d) from which z (n, d, frames) is the noise that drives films, x (n,
        frames, *signal_shape)."""
        if before is not None:
            states = self.transition.roll_out(before, z)
            x: Tensor = self(states.flatten(0, 1))
            return x.view(*states.shape[:2], *x.shape[1:])
        return self.interior(z) if self.spec.margins else self._signal(self._open(z), None)

    def interior(self, z: Tensor) -> Tensor:
        """The part of f(z) in which the border of the latent map is not felt: what its positions
        from `spec.reach` to `reach` before the end become. Computes just what that depends on."""
        h = self._open(z)
        margins = [0 if k == 1 else self.spec.reach for k in self.kernel]
        wanted = [(m, size - m) for m, size in zip(margins, h.shape[2:], strict=True)]
        return self._signal(h, self._spans(wanted))

    @property
    def entry(self) -> tuple[Tensor, Tensor | None]:
        """Where what chains walk in enters: weights (channels, ...) and, of vectors, a bias."""
        if self.spec.transition:
            return self.transition.drive, self.transition.bias
        return (self.kernels[0], None) if self.spec.spatial else (self.opening, self.opening_bias)

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        place: torch.device = self.biases[0].device
        return place

    @torch.inference_mode()
    def make(self, z: Tensor) -> Tensor:
        """f(z) to be looked at or written: on the CPU, float32, of latents on the CPU, wherever the
        weights lie. The latents are all that goes there, and the signals all that comes back."""
        signals: Tensor = self(z.to(self.device))
        return signals.float().cpu()

    @torch.inference_mode()
    def make_interior(self, z: Tensor) -> Tensor:
        """The `interior` of f(z) to be looked at or written; see `make`."""
        return self.interior(z.to(self.device)).float().cpu()

    def _open(self, z: Tensor) -> Tensor:
        """The first map (n, channels, h, w)."""
        spec = self.spec
        h = z.to(self.kernels[0].dtype)
        if spec.projection is not None:
            # As a convolution: the gradient of a matrix product depends on how many rows it has.
            h = F.conv_transpose2d(h[:, :, None, None], self.opening[:, :, None, None])
            h = self._rectify(h.flatten(1) + self.opening_bias).view(len(h), *spec.projection)
        return h.unsqueeze(2) if h.ndim == 3 else h

    def _signal(self, h: Tensor, spans: list[list[Span]] | None) -> Tensor:
        """What the first map becomes; with spans, cut down to them before every layer."""
        place = (0, 0)  # of the first entry of h
        for layer, stride in enumerate(self.strides):
            h = _crop(h, place, spans[layer]) if spans else h
            h = h.contiguous(memory_format=torch.channels_last)
            kernel, bias = self.kernels[layer], self.biases[layer]
            if layer < len(self.strides) - 1:
                h = self._rectify(self._enlarge(h, kernel, bias, stride))
            else:
                h = self._enlarge_by_phases(h, kernel, bias)
                h = torch.tanh(h.to(torch.promote_types(h.dtype, torch.float32)))
            if spans:
                (row, _), (column, _) = spans[layer]
                place = (row * stride[0], column * stride[1])
        x = _crop(h, place, spans[-1]) if spans else h
        return x.squeeze(2) if len(self.spec.first_map) == 2 else x

    def _spans(self, wanted: list[Span]) -> list[list[Span]]:
        """What of each layer's input the wanted positions of the first map depend on, axis by
        axis, and at last what they become."""
        spans = [[(low * s**self._enlarging, high * s**self._enlarging)
                  for s, (low, high) in zip(self.stride, wanted, strict=True)]]  # fmt: skip
        for stride in reversed(self.strides):
            before = []
            for k, s, (low, high) in zip(self.kernel, stride, spans[0], strict=True):
                p = _padding(k, s)  # output o sums over inputs i with -p <= o - s i < k - p
                before.append((-((k - 1 - p - low) // s), (high - 1 + p) // s + 1))
            spans.insert(0, before)
        return spans

    @torch.no_grad()
    def start_at(self, mean: Tensor, deviation: float) -> None:
        """Lets an untrained generator put out about `mean` (channels,) give or take somewhat less
        than `deviation`, so that the first latents need explain neither what all signals share
        nor contrasts that none has."""
        self.biases[-1].copy_(torch.atanh(mean.clamp(-0.95, 0.95)))
        self.kernels[-1].mul_(deviation / 0.4)

    def _rectify(self, h: Tensor) -> Tensor:
        """In place: its gradient needs only its result."""
        return F.leaky_relu_(h, self.spec.leak) if self.spec.leak else F.relu_(h)

    def _enlarge(self, h: Tensor, kernel: Tensor, bias: Tensor, stride: tuple[int, int]) -> Tensor:
        """A transposed convolution whose output is exactly `stride` times its input.

        The bias is added on its own: as part of a convolution its gradient is a slow sum that
        takes a sixth of the learning step.
        """
        padding = [_padding(k, s) for k, s in zip(self.kernel, stride, strict=True)]
        output_padding = [(k - s) % 2 for k, s in zip(self.kernel, stride, strict=True)]
        h = F.conv_transpose2d(h, kernel, None, stride, padding, output_padding)
        return h.add_(bias.to(h.dtype).view(-1, 1, 1))

    def _enlarge_by_phases(self, h: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        """The same as `_enlarge`, for the last layer, whose one or three output channels leave
        most of a vector unit idle: an ordinary convolution makes the stride^2 interleaved
        outputs as channels, which are then put side by side (two to three times faster)."""
        (sh, sw), (kh, kw) = self.stride, self.kernel
        kernel = _phases(_phases(kernel, 2, kh, sh), 4, kw, sw)  # (in, out, sh, th, sw, tw)
        before, after, _, th, _, tw = kernel.shape
        kernel = kernel.permute(1, 2, 4, 0, 3, 5).reshape(after * sh * sw, before, th, tw)
        bias = bias.repeat_interleave(sh * sw)
        h = F.conv2d(h, kernel, bias, padding=(th // 2, tw // 2))
        n, _, height, width = h.shape
        h = h.view(n, after, sh, sw, height, width).permute(0, 1, 4, 2, 5, 3)
        return h.reshape(n, after, height * sh, width * sw)


def _padding(k: int, s: int) -> int:
    """By how much a transposed convolution of k taps and stride s is cut at its beginning, so that
    its output is exactly s times its input."""
    return (k - s + (k - s) % 2) // 2


def _crop(h: Tensor, place: Span, span: list[Span]) -> Tensor:
    """The part `span` of a map (n, c, h, w) whose first entry stands at `place`."""
    (top, bottom), (left, right) = span
    row, column = place
    return h[:, :, top - row : bottom - row, left - column : right - column]


def _phases(kernel: Tensor, axis: int, k: int, s: int) -> Tensor:
    """Replaces a kernel's axis of k taps by (s, taps): the taps that output s * i + r reads.

    That output sums h[i + m] * kernel[r + p - s * m] over all m whose tap exists.
    """
    p = _padding(k, s)
    reach = max((k - 1 - p) // s, (s - 1 + p) // s)
    around = [s * reach - p, p + s * (reach + 1) - k]  # zeros where there is no tap
    padded = F.pad(kernel, [0, 0] * (kernel.ndim - 1 - axis) + around)
    found = padded.reshape(*kernel.shape[:axis], 2 * reach + 1, s, *kernel.shape[axis + 1 :])
    return found.flip(axis).transpose(axis, axis + 1)
