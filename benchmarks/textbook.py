"""The method as it is usually written, for ours to be measured against: plain PyTorch, eager and
in float32, without a metric, a captured graph or a format of its own."""

import itertools
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core.generator import Generator
from abp_core.spec import GeneratorSpec, TrainingSpec

BETAS = (0.5, 0.999)


class TextbookGenerator(nn.Module):
    """The network of a spec: contiguous, a stack of nn.ConvTranspose1d or 2d. Of a latent map with
    margins the signal shows all, margins included."""

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.projection = spec.projection
        if spec.projection is not None:
            units = torch.Size(spec.projection).numel()
            self.opening = nn.Linear(spec.latent_shape[0], units)
        flat = len(spec.first_map) == 2
        transposed = nn.ConvTranspose1d if flat else nn.ConvTranspose2d
        widths = [spec.first_map[0], *spec.mixing, *spec.channels, spec.out_channels]
        strides = [1] * len(spec.mixing) + [spec.upsampling] * (len(spec.channels) + 1)
        layers: list[nn.Module] = []
        for (before, after), stride in zip(pairwise(widths), strides, strict=True):
            excess = spec.kernel_size - stride
            layers += [
                transposed(
                    before,
                    after,
                    spec.kernel_size,
                    stride,
                    padding=(excess + 1) // 2,
                    output_padding=excess % 2,
                ),
                nn.LeakyReLU(spec.leak) if spec.leak else nn.ReLU(),
            ]
        self.rectify = layers[-1]
        self.layers = nn.Sequential(*layers[:-1], nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        if self.projection is not None:
            z = self.rectify(self.opening(z)).view(len(z), *self.projection)
        x: Tensor = self.layers(z)
        return x

    @torch.no_grad()
    def take(self, ours: Generator) -> None:
        """Takes the weights of our own network of the same spec."""
        if self.projection is not None:
            self.opening.weight.copy_(ours.opening.T)
            self.opening.bias.copy_(ours.opening_bias)
        theirs = [layer for layer in self.layers if isinstance(layer, nn.modules.conv._ConvNd)]
        for layer, kernel, bias in zip(theirs, ours.kernels, ours.biases, strict=True):
            layer.weight.copy_(kernel.reshape(layer.weight.shape))
            assert layer.bias is not None
            layer.bias.copy_(bias)


class _Loop:
    """Chains z (n, *latent_shape) over signals (n, ...), or one over a whole picture or sound of
    which windows are visited; sigma in units of the signals.

    Of a window the latents move, and those around it are held: as in abp_core/chains/windows.py.
    """

    def __init__(
        self, spec: TrainingSpec, signals: Tensor, sigma: float, device: torch.device | None = None
    ) -> None:
        torch.manual_seed(spec.seed)
        self.spec, self.sigma, self.iteration = spec, sigma, 0
        self.signals = signals.to(device)
        self.generator = TextbookGenerator(spec.generator).to(device)
        self.optimiser = torch.optim.Adam(
            self.generator.parameters(), lr=spec.learning_rate, betas=BETAS
        )
        network = spec.generator
        shape = network.latent_shape
        if spec.window:
            shape = network.map_shape_of(tuple(signals.shape[2:]))
        self.z = torch.randn(len(signals), *shape, device=self.signals.device)
        self._around = 2 * network.reach if spec.window else 0
        self._unseen = network.margin * network.enlargement

    def draw(self, visited: Tensor | None = None) -> None:
        """Goes to a minibatch of examples, or to those visited (k,)."""
        if self.spec.window:
            self._draw_windows()
            return
        if visited is None:
            order = torch.randperm(len(self.signals), device=self.signals.device)
            visited = order[: self.spec.batch_size]
        self.batch = visited
        self.y, self.here = self.signals[visited], self.z[visited]
        self._held = torch.zeros_like(self.here)
        self._visible = torch.ones((), device=self.y.device)

    def keep(self) -> None:
        """Lets those visited stand where they are now."""
        if not self.spec.window:
            self.z[self.batch] = self.here
            return
        for place, moved in zip(self._places, self.here, strict=True):
            self.z[_box(place, self._size)] = moved

    def misfit(self, z: Tensor) -> Tensor:
        """|y - f(z)|^2 / (2 sigma^2), summed over those visited."""
        x = self.generator(_pad(z, self._around) + self._held)
        inner = [n - 2 * self._unseen for n in x.shape[2:]]
        shown = x[_box([self._unseen] * len(inner), inner)]
        return ((self.y - shown) * self._visible).square().sum() / (2 * self.sigma**2)

    def noisy(self, length: float, like: Tensor, noise: Tensor | None) -> Tensor:
        """Noise of that length, drawn where none is given."""
        drawn = torch.randn_like(like) if noise is None else noise
        return length * self.spec.langevin.temperature**0.5 * drawn

    def fade(self) -> None:
        """Sets the learning rate of this iteration."""
        self.optimiser.param_groups[0]["lr"] = self.spec.learning_rate * self.spec.fade(
            self.iteration
        )

    def _draw_windows(self) -> None:
        """As many windows as an iteration of ours visits, anywhere on the map."""
        network, extent = self.spec.generator, self.z.shape[2:]
        reach, unit = network.reach, network.enlargement
        self._size = [min(self.spec.window, n) for n in extent]
        windows = torch.Size(-(-n // k) for n, k in zip(extent, self._size, strict=True)).numel()
        self._places = [
            [int(torch.randint(n - k + 1, ())) for n, k in zip(extent, self._size, strict=True)]
            for _ in range(min(self.spec.batch_size, windows))
        ]

        def cut(whole: Tensor, unit: int, wider: int) -> Tensor:
            size = [unit * (k + 2 * wider) for k in self._size]
            return torch.cat(
                [whole[_box([unit * at for at in place], size)] for place in self._places]
            )

        beyond = _pad(torch.ones_like(self.signals[:, :1]), self._around * unit)
        self.y = cut(_pad(self.signals, self._around * unit), unit, reach)
        self._visible = cut(beyond, unit, reach)
        self._held = cut(_pad(self.z, self._around), 1, 2 * reach)
        inner = self._held[_box([2 * reach] * len(extent), self._size)]
        self.here = inner.clone()
        inner.zero_()


class TextbookTrainer(_Loop):
    """Alternating back-propagation with .backward(), which makes every gradient every time."""

    def iterate(self) -> None:
        """One iteration: a walk and a step of learning."""
        self.draw()
        for _ in range(self.spec.langevin.steps):
            self.langevin_step()
        self.learning_step()

    def langevin_step(self, noise: Tensor | None = None) -> None:
        """One move of those visited. noise: standard Gaussian; drawn where there is none."""
        s = self.spec.langevin.step_size
        z = self.here.clone().requires_grad_(True)
        energy = self.misfit(z) + z.square().sum() / 2
        energy.backward()
        assert z.grad is not None
        self.here = z.detach() - s**2 / 2 * z.grad + self.noisy(s, z, noise)

    def learning_step(self) -> Tensor:
        """One step of Adam on the weights; returns the mean misfit, ()."""
        self.optimiser.zero_grad()
        misfit = self.misfit(self.here) / len(self.here)
        misfit.backward()
        self.fade()
        self.optimiser.step()
        self.keep()
        self.iteration += 1
        return misfit.detach()


class ParticleDescent(_Loop):
    """Particle gradient descent (Kuntz, Lim and Johansen, 2023), as in their experiment on
    pictures: one gradient of the joint energy an iteration moves the particles of a minibatch and
    the weights at once. A particle an example; Adam for the weights, as ours has it."""

    def iterate(self, noise: Tensor | None = None) -> None:
        """One iteration. noise: standard Gaussian; drawn where there is none."""
        self.draw()
        s = self.spec.langevin.step_size
        self.optimiser.zero_grad()
        z = self.here.clone().requires_grad_(True)
        energy = (self.misfit(z) + z.square().sum() / 2) / len(z)
        energy.backward()
        assert z.grad is not None
        self.fade()
        self.optimiser.step()
        self.here = z.detach() - s**2 / 2 * len(z) * z.grad + self.noisy(s, z, noise)
        self.keep()
        self.iteration += 1


def _box(start: list[int], size: list[int]) -> tuple[object, ...]:
    """A part of a map in a tensor whose last axes are the map's."""
    return (..., *itertools.starmap(slice, ((a, a + n) for a, n in zip(start, size, strict=True))))


def _pad(map_: Tensor, positions: int) -> Tensor:
    """A map with so many zeros on every side."""
    return F.pad(map_, [positions] * 2 * (map_.ndim - 2)) if positions else map_
