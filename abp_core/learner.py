"""Learning back-propagation: the generator's weights, and the optimiser that moves them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from abp_core.generator import Generator
from abp_core.spec import TrainingSpec

BETAS = (0.5, 0.999)
MOMENTS = ("exp_avg", "exp_avg_sq")  # as Adam calls them


class Learner:
    """W, on `device`, and Adam's moments of it. updates: steps that were taken."""

    def __init__(
        self, spec: TrainingSpec, device: torch.device, weights: Mapping[str, Tensor] | None = None
    ) -> None:
        """weights: in place of those of the seed."""
        generator = (
            Generator(spec.generator, seed=spec.seed)
            if weights is None
            else Generator.of(spec.generator, weights)
        )
        self.generator = generator.to(device)
        self.updates = 0
        self._optimiser = torch.optim.Adam(
            self.generator.parameters(), lr=spec.learning_rate, betas=BETAS, fused=True
        )

    def gradient_norm(self, loss: Tensor) -> float:
        """Of the gradient of a loss (), which the weights then hold."""
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self.generator.parameters() if p.grad is not None]
        return float(torch.nn.utils.get_total_norm(gradients))

    def step(self, rate: float) -> None:
        """One step along the gradient that the weights hold (paper, equation 10)."""
        self._optimiser.param_groups[0]["lr"] = rate
        self._optimiser.step()
        self.updates += 1

    def weights(self) -> dict[str, Tensor]:
        """W by name, in memory of its own on the CPU."""
        return _copies(dict(self.generator.named_parameters()))

    def moments(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Adam's first and second moments by the weights' names, in memory of their own."""
        parameters = dict(self.generator.named_parameters())
        states = {name: self._optimiser.state.get(p, {}) for name, p in parameters.items()}
        first, second = (
            _copies(
                {name: states[name].get(key, torch.zeros_like(p)) for name, p in parameters.items()}
            )
            for key in MOMENTS
        )
        return first, second

    def resume(
        self, updates: int, first: Mapping[str, Tensor], second: Mapping[str, Tensor]
    ) -> None:
        """Goes on with such moments after so many steps."""
        self.updates = updates
        if not updates:
            return
        for name, parameter in self.generator.named_parameters():
            self._optimiser.state[parameter] = {
                "step": torch.tensor(float(updates), device=parameter.device),
                "exp_avg": torch.empty_like(parameter).copy_(first[name]),
                "exp_avg_sq": torch.empty_like(parameter).copy_(second[name]),
            }


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.detach().cpu().clone() for name, t in tensors.items()}
