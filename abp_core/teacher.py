"""What samples of a set still lack, and a lesson that mends it.

Squared error leaves what it cannot foresee blurred, and inference shows the generator only latents
of the data. A lesson looks at what it makes of others by itself: the patches of its pictures, at
every scale, are to be those of the data.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from abp_core.device import Machine
from abp_core.generator import Generator
from abp_core.metrics import objects
from abp_core.spec import GeneratorSpec

PICTURES = 16  # of a lesson
PUPIL = 2**62  # the "example" whose noise makes draws for a lesson; no example gets there
DIRECTIONS = 32  # along which patches are compared, at each scale
SPACING = 3  # pixels between patches that are compared
SOME = 256  # pictures of the set whose contrast at each scale is taken
WEIGHT = 8.0  # of what is lacking
MOMENTS = ("exp_avg", "exp_avg_sq")  # as Adam calls them


class Teacher:
    """Gives `generator` lessons about pictures (n, c, h, w) of a set, beside whatever else teaches
    it. What a lesson does is a function of its number and of the latents it looks at."""

    def __init__(self, generator: Generator, pictures: Tensor, *, machine: Machine) -> None:
        self._generator, self._machine = generator, machine
        self._statistics = PatchStatistics(pictures.to(machine.device))
        self._optimiser = torch.optim.Adam(generator.parameters(), betas=(0.5, 0.99), fused=True)

    def lesson(self, number: int, z: Tensor, rate: float) -> bool:
        """One step of the generator at this learning rate, on what it makes of z (k, d); whether it
        was finite. If not, the generator is left as it was."""
        with self._machine.autocast():
            made = self._generator(z)
        lack = WEIGHT * self._statistics.distance(made, number)
        self._optimiser.zero_grad(set_to_none=True)
        lack.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self._generator.parameters() if p.grad is not None]
        finite = bool(torch.nn.utils.get_total_norm(gradients).isfinite())
        if finite:
            self._optimiser.param_groups[0]["lr"] = rate
            self._optimiser.step()
        return finite

    def tensors(self) -> dict[str, Tensor]:
        """What a resumed run needs of the teacher, in memory of its own on the CPU."""
        held: dict[str, Tensor] = {}
        for key, p in self._generator.named_parameters():
            state = self._optimiser.state.get(p, {})
            held[f"pupil.step.{key}"] = state.get("step", torch.zeros(()))
            for moment in MOMENTS:
                held[f"pupil.{moment}.{key}"] = state.get(moment, torch.zeros_like(p))
        return {name: t.detach().cpu().clone().contiguous() for name, t in held.items()}

    def resume(self, held: Mapping[str, Tensor]) -> None:
        """Goes on from `tensors()` of the same run."""
        for key, p in self._generator.named_parameters():
            step = held[f"pupil.step.{key}"]
            if step > 0:
                moments = {m: held[f"pupil.{m}.{key}"] for m in MOMENTS}
                placed = {m: torch.empty_like(p).copy_(t) for m, t in moments.items()}
                self._optimiser.state[p] = {"step": step.to(p.device, copy=True), **placed}


def shapes(spec: GeneratorSpec) -> dict[str, tuple[int, ...]]:
    """Of the tensors that a teacher of this network keeps, by name; allocates none of them."""
    with torch.device("meta"):
        parameters = dict(Generator(spec).named_parameters())
    expected: dict[str, tuple[int, ...]] = {}
    for key, parameter in parameters.items():
        expected[f"pupil.step.{key}"] = ()
        for moment in MOMENTS:
            expected[f"pupil.{moment}.{key}"] = tuple(parameter.shape)
    return expected


class PatchStatistics:
    """Patches of 7 x 7 pixels at every scale of a Laplacian pyramid, wherever they lie: the sliced
    Wasserstein distance of Karras et al. (2018) as a loss. Pictures (n, 1 or 3, h, w) of a set."""

    def __init__(self, pictures: Tensor) -> None:
        self._pictures = pictures
        some = pictures[:: max(1, len(pictures) // SOME)]
        self._scales = [
            (
                level.mean((0, 2, 3), keepdim=True),
                level.std((0, 2, 3), keepdim=True).clamp(min=1e-6),
            )
            for level in objects.laplacian_pyramid(some)
        ]

    def distance(self, signals: Tensor, number: int = 0) -> Tensor:
        """From as many of the pictures, along directions that are others for every number: those
        of a fixed choice would soon be all that is right."""
        draw = torch.Generator().manual_seed(number)
        chosen = torch.randint(len(self._pictures), (len(signals),), generator=draw)
        data = self._pictures[chosen.to(signals.device)]
        shape = (DIRECTIONS, signals.shape[1], objects.PATCH, objects.PATCH)
        apart = []
        levels = zip(
            objects.laplacian_pyramid(signals), objects.laplacian_pyramid(data), strict=True
        )
        for both, (mean, unit) in zip(levels, self._scales, strict=True):
            filters = F.normalize(torch.randn(shape, generator=draw).flatten(1)).view(shape)
            made, real = (_along(filters.to(mean), (level - mean) / unit) for level in both)
            apart.append((made - real).abs().mean())
        return torch.stack(apart).mean()


def _along(filters: Tensor, level: Tensor) -> Tensor:
    """Patches of (n, c, h, w) along directions (k, c, p, p), sorted: (k, patches)."""
    return F.conv2d(level, filters, stride=SPACING).transpose(0, 1).flatten(1).sort(1).values
