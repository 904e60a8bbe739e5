"""What samples from the prior still lack, and a lesson that mends it.

Alternating back-propagation shows the generator only latents that were inferred from examples.
Their marginals come to fit the prior, their dependence between neighbours does not, and so samples
from the prior lack whatever needs neighbours to agree: the joints of a wall, the outline of a
stone. A lesson looks at such samples themselves. Two judges say how they differ from the data:

- a descriptor network, which learns along (cooperative training, Xie, Lu, Gao and Wu 2018; here
  one gradient step takes the place of its Langevin revision, with the hinge loss of Lim and Ye 2017
  and the spectral normalisation of Miyato et al. 2018);
- the joint statistics of wavelet coefficients of Portilla and Simoncelli (2000), and the marginals
  of colour, each in units of its own deviation over the examples.

The first sees what the second has no statistic for; the second keeps the first honest.
"""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from abp_core.device import Machine
from abp_core.generator import Generator
from abp_core.metrics import texture
from abp_core.noise import chain_noise, shuffled
from abp_core.spec import GeneratorSpec

PUPIL = 2**62  # the "example" whose noise makes the samples of a lesson; no example gets there
WIDTH = 32  # features of the descriptor's first layer
LAYERS = 4  # each halves the picture
SCALES = 2  # the descriptor looks at the picture and at one of half its size
STATISTICS = 8.0  # weight of the statistics beside the descriptor
DESCRIPTOR_RATE = 0.1  # learning rate of the descriptor, over the generator's: it must not win
OUTLIER = 2.0  # deviations beyond which a statistic pulls no harder
MOMENTS = ("exp_avg", "exp_avg_sq")  # as Adam calls them


class Descriptor(nn.Module):
    """Scores patches of pictures at one scale: (n, c, h, w) -> (n, 1, h / 16, w / 16)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [channels, *(WIDTH * min(2**layer, 4) for layer in range(LAYERS))]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1))
            for before, after in pairwise(widths)
        )
        self.score = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        h = x.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            h = F.leaky_relu(layer(h), 0.2)
        scores: Tensor = self.score(h)
        return scores


class Statistics:
    """Pooled statistics of pictures (n, c, h, w) in [-1, 1], and how far other pictures are from
    them. Sides of at least SMALLEST_TAUGHT."""

    def __init__(self, pictures: Tensor) -> None:
        import plenoptic  # here: only learning from a texture needs all that it brings along

        size = (pictures.shape[2], pictures.shape[3])
        scales = min(4, int(math.log2(min(size) / 16)) + 1)
        model = plenoptic.models.PortillaSimoncelli(size, n_scales=scales)
        self._pooled: Callable[[Tensor], Tensor] = model.to(pictures.device)
        every = self._of(pictures)
        self._mean = every.mean(0)
        # Crops that show nearly the same vary in hardly anything; a hundredth is near enough.
        self._unit = torch.maximum(every.std(0), self._mean.abs() / 100).clamp(min=1e-6)
        whole = pictures.transpose(0, 1).flatten(2)
        self._marginals = texture.marginals(whole)
        self._spread = self._marginals.std(1).clamp(min=1 / texture.GREY_LEVELS)[:, None]

    def distance(self, pictures: Tensor) -> Tensor:
        """Of as many pictures as there may be, together: 0 where they have the same statistics."""
        apart = (self._of(pictures).mean(0) - self._mean) / self._unit
        pooled = F.smooth_l1_loss(apart, torch.zeros_like(apart), beta=OUTLIER)
        whole = pictures.transpose(0, 1).flatten(2)
        colour = (texture.marginals(whole) - self._marginals) / self._spread
        return pooled + colour.square().mean()

    def _of(self, pictures: Tensor) -> Tensor:
        grey = torch.stack([texture.luminance(picture) for picture in pictures])[:, None]
        return self._pooled(grey)[:, 0]


class Teacher:
    """Gives `generator` lessons about its samples from the prior, beside whatever else teaches it.

    signals: the examples (n, c, h, w). rate: the learning rate of the generator's lessons. Like the
    rest of a run, a lesson is a function of (seed, lesson): one resumed goes on exactly.
    """

    def __init__(
        self, generator: Generator, signals: Tensor, *, rate: float, seed: int, machine: Machine
    ) -> None:
        self._generator, self._machine, self._seed = generator, machine, seed
        self._signals = signals.to(machine.device)
        self._statistics = Statistics(self._signals)
        self._descriptors = descriptors(generator.spec.out_channels, seed).to(machine.device)
        self._pupil = torch.optim.Adam(
            generator.parameters(), lr=rate, betas=(0.5, 0.99), fused=True
        )
        self._judge = torch.optim.Adam(
            self._descriptors.parameters(), lr=DESCRIPTOR_RATE * rate, betas=(0.0, 0.99), fused=True
        )

    def lesson(self, number: int) -> bool:
        """One step of the descriptor and one of the generator; whether it was finite. If not, the
        generator is left as it was."""
        made = self._samples(number)
        order = shuffled(seed=self._seed, epoch=PUPIL + number, n=len(self._signals))
        real = self._signals[order[: len(made)].to(self._signals.device)]
        self._descriptors.requires_grad_(True)
        self._judge.zero_grad(set_to_none=True)
        loss = torch.stack(
            [F.relu(1 - score).mean() for score in self._scores(real)]
            + [F.relu(1 + score).mean() for score in self._scores(made.detach())]
        ).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        self._descriptors.requires_grad_(False)
        self._pupil.zero_grad(set_to_none=True)
        belief = torch.stack([score.mean() for score in self._scores(made)]).mean()
        lack = STATISTICS * self._statistics.distance(made) - belief
        lack.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self._generator.parameters() if p.grad is not None]
        finite = bool(torch.nn.utils.get_total_norm(gradients).isfinite() & loss.isfinite())
        if finite:
            self._judge.step()
            self._pupil.step()
        return finite

    def _samples(self, number: int) -> Tensor:
        """Four signals, cut from one that is twice as large each way: most of their borders are
        not those of the network."""
        channels, h, w = self._generator.spec.latent_shape
        index = torch.tensor([PUPIL])
        shape = (channels, 2 * h, 2 * w)
        z = chain_noise(seed=self._seed, sweep=number, index=index, steps=1, shape=shape)[0]
        with self._machine.autocast():
            x = self._generator(z.to(self._machine.device))
        return torch.cat([half for row in x.chunk(2, 2) for half in row.chunk(2, 3)])

    def _scores(self, pictures: Tensor) -> list[Tensor]:
        with self._machine.autocast():
            scales = (F.avg_pool2d(pictures, 2**k) for k in range(SCALES))
            pairs = zip(self._descriptors, scales, strict=True)
            return [descriptor(seen).float() for descriptor, seen in pairs]

    def tensors(self) -> dict[str, Tensor]:
        """What a resumed run needs of the teacher, in memory of its own on the CPU."""
        held = {f"descriptor.{name}": t for name, t in self._descriptors.state_dict().items()}
        for name, (optimiser, network) in self._optimisers().items():
            for key, p in network.named_parameters():
                state = optimiser.state.get(p, {})
                held[f"{name}.step.{key}"] = state.get("step", torch.zeros(()))
                for moment in MOMENTS:
                    held[f"{name}.{moment}.{key}"] = state.get(moment, torch.zeros_like(p))
        return {name: t.detach().cpu().clone().contiguous() for name, t in held.items()}

    def resume(self, held: Mapping[str, Tensor]) -> None:
        """Goes on from `tensors()` of the same run."""
        ours = self._descriptors.state_dict()
        self._descriptors.load_state_dict({name: held[f"descriptor.{name}"] for name in ours})
        for name, (optimiser, network) in self._optimisers().items():
            for key, p in network.named_parameters():
                step = held[f"{name}.step.{key}"]
                if step > 0:
                    moments = {m: held[f"{name}.{m}.{key}"] for m in MOMENTS}
                    placed = {m: torch.empty_like(p).copy_(t) for m, t in moments.items()}
                    optimiser.state[p] = {"step": step.to(p.device, copy=True), **placed}

    def _optimisers(self) -> dict[str, tuple[torch.optim.Adam, nn.Module]]:
        return {
            "pupil": (self._pupil, self._generator),
            "judge": (self._judge, self._descriptors),
        }


def descriptors(channels: int, seed: int) -> nn.ModuleList:
    """One for each scale; their weights are a function of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.ModuleList(Descriptor(channels) for _ in range(SCALES))


def shapes(spec: GeneratorSpec) -> dict[str, tuple[int, ...]]:
    """Of the tensors that a teacher of this network keeps, by name; allocates none of them."""
    with torch.device("meta"):
        networks = {"pupil": Generator(spec), "judge": descriptors(spec.out_channels, 0)}
    judge = networks["judge"].state_dict()
    expected = {f"descriptor.{name}": tuple(t.shape) for name, t in judge.items()}
    for name, network in networks.items():
        for key, parameter in network.named_parameters():
            expected[f"{name}.step.{key}"] = ()
            for moment in MOMENTS:
                expected[f"{name}.{moment}.{key}"] = tuple(parameter.shape)
    return expected
