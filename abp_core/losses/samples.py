"""What samples of a set still lack, and a lesson that mends it.

Squared error leaves what it cannot foresee blurred, and inference shows the generator only latents
of the data. A lesson looks at what it makes of others by itself: the patches of its pictures, at
every scale, are to be those of the data.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from abp_core.device import Machine
from abp_core.generator import Generator
from abp_core.losses.patches import PatchStatistics
from abp_core.spec import GeneratorSpec

PICTURES = 16  # of a lesson
PUPIL = 2**62  # the "example" whose noise makes draws for a lesson; no example gets there
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
