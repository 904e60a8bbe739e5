"""What samples from the prior still lack, and a lesson that mends it.

Alternating back-propagation shows the generator only latents that were inferred from examples.
Their marginals come to fit the prior, their dependence between neighbours does not, and so samples
from the prior lack whatever needs neighbours to agree: the joints of a wall, the outline of a
stone; and of a sound whose phases nobody can infer, squared error leaves a murmur. A lesson looks
at such samples themselves, with the judges of judges.py:

- for textures and sounds statistics, each in units of its own deviation over the examples;
- for a set of pictures, which squared error leaves blurred, their patches;
- for textures also a descriptor network, which learns along (cooperative training, Xie, Lu, Gao
  and Wu 2018; here one gradient step takes the place of its Langevin revision, with the hinge loss
  of Lim and Ye 2017 and the spectral normalisation of Miyato et al. 2018).

The descriptor sees what a texture's statistics have no word for; they keep it honest. For sounds
it was measured to do harm; they are also told off for a hum in step with their latent map, which
reached half of a waterfall's variance, and which no statistic of the envelopes hears as one.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core import judges
from abp_core.device import Machine
from abp_core.generator import Generator
from abp_core.noise import chain_noise, shuffled
from abp_core.spec import GeneratorSpec

PUPIL = 2**62  # the "example" whose noise makes the samples of a lesson; no example gets there
SAMPLES = 4  # of a lesson, textures or sounds
PICTURES = 16  # of a lesson for a set
SCALES = 2  # the descriptor looks at the picture and at one of half its size
STATISTICS = 8.0  # weight of the statistics beside the descriptor
HUM = 8.0  # weight of what repeats itself in step with the latent map of a sound
DESCRIPTOR_RATE = 0.1  # learning rate of the descriptor, over the generator's: it must not win
MOMENTS = ("exp_avg", "exp_avg_sq")  # as Adam calls them


class Teacher:
    """Gives `generator` lessons about its samples from the prior, beside whatever else teaches it.

    signals: the examples (n, c, h, w) or (n, 1, length). sample_rate: a sound's, in hertz. Like
    the rest of a run, a lesson is a function of (seed, lesson): one resumed goes on exactly.
    """

    def __init__(
        self,
        generator: Generator,
        signals: Tensor,
        sample_rate: int,
        *,
        seed: int,
        machine: Machine,
    ) -> None:
        self._generator, self._machine = generator, machine
        self._seed = seed
        self._signals = signals.to(machine.device)
        kind = generator.spec.kind
        self._statistics = judges.statistics(kind, self._signals, sample_rate)
        self._descriptors = descriptors(generator.spec, seed).to(machine.device)
        self._optimisers = {
            "pupil": torch.optim.Adam(generator.parameters(), betas=(0.5, 0.99), fused=True)
        }
        if self._descriptors:
            self._optimisers["judge"] = torch.optim.Adam(
                self._descriptors.parameters(), betas=(0.0, 0.99), fused=True
            )

    def lesson(self, number: int, rate: float) -> bool:
        """One step of the descriptor and one of the generator, at this learning rate of the
        generator's; whether it was finite. If not, the generator is left as it was."""
        made = self._samples(number)
        spec = self._generator.spec
        lack = STATISTICS * self._statistics.distance(made, number)
        if spec.kind == "sound":
            lack = lack + HUM * judges.repeated(made, spec.enlargement)
        mistaken = torch.zeros_like(lack)
        if self._descriptors:
            mistaken = self._mistakes(made.detach(), number)
            lack = lack - torch.stack([score.mean() for score in self._scores(made)]).mean()
        self._optimisers["pupil"].zero_grad(set_to_none=True)
        lack.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self._generator.parameters() if p.grad is not None]
        finite = bool(torch.nn.utils.get_total_norm(gradients).isfinite() & mistaken.isfinite())
        if finite:
            for name, optimiser in self._optimisers.items():
                optimiser.param_groups[0]["lr"] = rate * (DESCRIPTOR_RATE if name == "judge" else 1)
                optimiser.step()
        return finite

    def _mistakes(self, made: Tensor, number: int) -> Tensor:
        """The descriptors' hinge loss on as many examples as samples; their gradients stay."""
        order = shuffled(seed=self._seed, epoch=PUPIL + number, n=len(self._signals))
        real = self._signals[order[: len(made)].to(self._signals.device)]
        self._descriptors.requires_grad_(True)
        self._optimisers["judge"].zero_grad(set_to_none=True)
        loss = torch.stack(
            [F.relu(1 - score).mean() for score in self._scores(real)]
            + [F.relu(1 + score).mean() for score in self._scores(made)]
        ).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        self._descriptors.requires_grad_(False)
        return loss.detach()

    def _samples(self, number: int) -> Tensor:
        """Signals of the examples' size. Those with a spatial latent are cut from one that is
        larger, where the border of its latent map is not felt."""
        spec = self._generator.spec
        channels, *extent = spec.latent_shape
        parts = {0: (), 1: (SAMPLES,), 2: (2, SAMPLES // 2)}[len(extent)]
        whole = [size * n for size, n in zip(extent, parts, strict=True)]
        shape = (channels, *(size + 2 * spec.reach for size in whole))
        index = torch.arange(1 if extent else PICTURES) + PUPIL
        z = chain_noise(seed=self._seed, sweep=number, index=index, steps=1, shape=shape)[0]
        with self._machine.autocast():
            x: Tensor = self._generator(z.to(self._machine.device))
        unit = spec.enlargement
        for axis, (size, n) in enumerate(zip(whole, parts, strict=True), start=2):
            inside = x.narrow(axis, spec.reach * unit, size * unit)
            x = torch.cat(inside.chunk(n, axis))
        return x

    def _scores(self, pictures: Tensor) -> list[Tensor]:
        with self._machine.autocast():
            scales = (F.avg_pool2d(pictures, 2**k) for k in range(SCALES))
            pairs = zip(self._descriptors, scales, strict=True)
            return [descriptor(seen).float() for descriptor, seen in pairs]

    def tensors(self) -> dict[str, Tensor]:
        """What a resumed run needs of the teacher, in memory of its own on the CPU."""
        held = {f"descriptor.{name}": t for name, t in self._descriptors.state_dict().items()}
        for name, network in self._networks().items():
            for key, p in network.named_parameters():
                state = self._optimisers[name].state.get(p, {})
                held[f"{name}.step.{key}"] = state.get("step", torch.zeros(()))
                for moment in MOMENTS:
                    held[f"{name}.{moment}.{key}"] = state.get(moment, torch.zeros_like(p))
        return {name: t.detach().cpu().clone().contiguous() for name, t in held.items()}

    def resume(self, held: Mapping[str, Tensor]) -> None:
        """Goes on from `tensors()` of the same run."""
        ours = self._descriptors.state_dict()
        self._descriptors.load_state_dict({name: held[f"descriptor.{name}"] for name in ours})
        for name, network in self._networks().items():
            for key, p in network.named_parameters():
                step = held[f"{name}.step.{key}"]
                if step > 0:
                    moments = {m: held[f"{name}.{m}.{key}"] for m in MOMENTS}
                    placed = {m: torch.empty_like(p).copy_(t) for m, t in moments.items()}
                    step = step.to(p.device, copy=True)
                    self._optimisers[name].state[p] = {"step": step, **placed}

    def _networks(self) -> dict[str, nn.Module]:
        """What each optimiser teaches."""
        both = {"pupil": self._generator, "judge": self._descriptors}
        return {name: both[name] for name in self._optimisers}


def descriptors(spec: GeneratorSpec, seed: int) -> nn.ModuleList:
    """One for each scale of a texture, none for a sound or a set. Their weights are a function of
    the seed."""
    scales = SCALES if spec.kind == "texture" else 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.ModuleList(judges.Descriptor(spec.out_channels) for _ in range(scales))


def shapes(spec: GeneratorSpec) -> dict[str, tuple[int, ...]]:
    """Of the tensors that a teacher of this network keeps, by name; allocates none of them."""
    with torch.device("meta"):
        networks = {"pupil": Generator(spec), "judge": descriptors(spec, 0)}
    judge = networks["judge"].state_dict()
    expected = {f"descriptor.{name}": tuple(t.shape) for name, t in judge.items()}
    for name, network in networks.items():
        for key, parameter in network.named_parameters():
            expected[f"{name}.step.{key}"] = ()
            for moment in MOMENTS:
                expected[f"{name}.{moment}.{key}"] = tuple(parameter.shape)
    return expected
