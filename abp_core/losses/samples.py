"""What samples of a set still lack, as a second loss with an optimiser of its own.

Squared error leaves what it cannot foresee blurred, and inference shows the generator only latents
of the data. This loss looks at what it makes of draws from the prior: the patches of such pictures,
at every scale, are to be those of the data.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from abp_core.device import Machine
from abp_core.generator import Generator
from abp_core.losses.patches import PatchLoss
from abp_core.noise import chain_noise
from abp_core.spec import GeneratorSpec

BATCH_SIZE = 16  # drawn for a step
SAMPLE_INDEX = 2**62  # the first "example" whose noise makes those draws; no example gets there
WEIGHT = 8.0  # of what is lacking
MOMENTS = ("exp_avg", "exp_avg_sq")  # as Adam calls them


class SampleLoss:
    """Steps of `generator` on the patches of pictures (n, c, h, w) of a set, beside those of
    learning. What a step does is a function of its number and of the latents it looks at."""

    def __init__(self, generator: Generator, pictures: Tensor, *, machine: Machine) -> None:
        self._generator, self._machine = generator, machine
        self._statistics = PatchLoss(pictures.to(machine.device))
        self._optimiser = torch.optim.Adam(generator.parameters(), betas=(0.5, 0.99), fused=True)

    def step(self, number: int, seed: int, rate: float) -> bool:
        """One step of the generator at this learning rate, on what it makes of draws of the paper's
        prior, a function of (seed, number); whether it was finite. If not, the generator is left
        as it was."""
        z = chain_noise(
            seed=seed,
            sweep=number,
            index=torch.arange(BATCH_SIZE) + SAMPLE_INDEX,
            steps=1,
            shape=self._generator.spec.latent_shape,
        )[0].to(self._machine.device)
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
        """What a resumed run needs of it, in memory of its own on the CPU."""
        held: dict[str, Tensor] = {}
        for key, p in self._generator.named_parameters():
            state = self._optimiser.state.get(p, {})
            held[f"step.{key}"] = state.get("step", torch.zeros(()))
            for moment in MOMENTS:
                held[f"{moment}.{key}"] = state.get(moment, torch.zeros_like(p))
        return {name: t.detach().cpu().clone().contiguous() for name, t in held.items()}

    def resume(self, held: Mapping[str, Tensor]) -> None:
        """Goes on from `tensors()` of the same run."""
        for key, p in self._generator.named_parameters():
            step = held[f"step.{key}"]
            if step > 0:
                moments = {m: held[f"{m}.{key}"] for m in MOMENTS}
                placed = {m: torch.empty_like(p).copy_(t) for m, t in moments.items()}
                self._optimiser.state[p] = {"step": step.to(p.device, copy=True), **placed}


def shapes(spec: GeneratorSpec) -> dict[str, tuple[int, ...]]:
    """Of the tensors that it keeps for this network, by name; allocates none of them."""
    with torch.device("meta"):
        parameters = dict(Generator(spec).named_parameters())
    expected: dict[str, tuple[int, ...]] = {}
    for key, parameter in parameters.items():
        expected[f"step.{key}"] = ()
        for moment in MOMENTS:
            expected[f"{moment}.{key}"] = tuple(parameter.shape)
    return expected
