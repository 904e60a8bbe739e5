"""Learning back-propagation: a network's weights, and the optimisers that move them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from abp_core.generator import Generator
from abp_core.spec import GeneratorSpec, TrainingSpec

BETAS = (0.5, 0.999)
MOMENTS = ("exp_avg", "exp_avg_sq")  # as Adam calls them
# F begins as a motion that suits its film; it would explain by motion what all frames share, before
# f has learnt that. So its weights stay for so many iterations, and in twice as many come to this
# share of the others' rate.
LATE, SETTLING, SHARE = "transition.", 60, 0.2


class Optimiser:
    """Adam over the weights of `network`, and what it keeps of them by their names.

    rate (): the learning rate of the next step, to be written to; late_rate (): that of the weights
    whose names begin with `late`.
    """

    def __init__(self, network: nn.Module, betas: tuple[float, float], late: str = "-") -> None:
        self._network = network
        device = next(network.parameters()).device
        self.rate, self.late_rate = torch.zeros((), device=device), torch.zeros((), device=device)
        groups: list[list[Tensor]] = [[], []]
        for name, p in network.named_parameters():
            groups[name.startswith(late)].append(p)
        rates = (self.rate, self.late_rate)
        self._adam = torch.optim.Adam(
            [{"params": g, "lr": r} for g, r in zip(groups, rates, strict=True) if g],
            betas=betas,
            fused=True,
            capturable=device.type != "cpu",
        )

    def gradient_norm(self, loss: Tensor) -> Tensor:
        """(), of the gradient of a loss (), which the weights then hold."""
        self._adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self._network.parameters() if p.grad is not None]
        return torch.nn.utils.get_total_norm(gradients)

    def hold(self, gradients: Sequence[Tensor]) -> Tensor:
        """Lets the weights hold these gradients, in their order; the norm of them all, ()."""
        for p, gradient in zip(self._network.parameters(), gradients, strict=True):
            p.grad = gradient
        return torch.nn.utils.get_total_norm(gradients)

    def step(self, wanted: Tensor) -> None:
        """One step along the gradient that the weights hold, where `wanted` () bool; else nothing
        changes, the number of steps included."""
        # As a gradient scaler tells it; nobody has to wait for the answer.
        self._adam.found_inf = (~wanted).float()  # type: ignore[attr-defined]
        self._adam.step()

    @property
    def steps(self) -> int:
        """That were taken."""
        state = self._adam.state.get(next(iter(self._network.parameters())), {})
        return int(state.get("step", 0))

    def tensors(self) -> dict[str, Tensor]:
        """What a resumed run needs of it, in memory of its own on the CPU: step.NAME and
        MOMENT.NAME of every weight."""
        held: dict[str, Tensor] = {}
        for name, p in self._network.named_parameters():
            state = self._adam.state.get(p, {})
            held[f"step.{name}"] = state.get("step", torch.zeros(()))
            for moment in MOMENTS:
                held[f"{moment}.{name}"] = state.get(moment, torch.zeros_like(p))
        return copies(held)

    def resume(self, held: Mapping[str, Tensor]) -> None:
        """Goes on from `tensors()` of the same run."""
        for name, p in self._network.named_parameters():
            step = held[f"step.{name}"]
            if step > 0:
                placed = {m: torch.empty_like(p).copy_(held[f"{m}.{name}"]) for m in MOMENTS}
                self._adam.state[p] = {"step": step.to(p.device, copy=True), **placed}


def shapes(spec: GeneratorSpec) -> dict[str, tuple[int, ...]]:
    """Of the tensors that an optimiser of this network keeps, by name; allocates none of them."""
    with torch.device("meta"):
        parameters = dict(Generator(spec).named_parameters())
    expected: dict[str, tuple[int, ...]] = {f"step.{name}": () for name in parameters}
    for moment in MOMENTS:
        expected |= {f"{moment}.{name}": tuple(p.shape) for name, p in parameters.items()}
    return expected


class Learner:
    """W, on `device`, and the optimiser that learning moves it with.

    given: the learning rate (see feed.py).
    """

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
        self._spec = spec
        self._optimiser = Optimiser(self.generator, BETAS, LATE)
        self.given = {"rate": self._optimiser.rate}
        if spec.generator.transition:
            self.given["late_rate"] = self._optimiser.late_rate

    @property
    def updates(self) -> int:
        """Steps that were taken."""
        return self._optimiser.steps

    def draw(self, iteration: int) -> dict[str, Tensor]:
        """What an iteration is given."""
        rate = self._spec.learning_rate * self._spec.fade(iteration)
        late = SHARE * rate * min(max(iteration / SETTLING - 1, 0), 1)
        rates = {"rate": rate, "late_rate": late}
        return {name: torch.tensor(rates[name]) for name in self.given}

    def gradient_norm(self, loss: Tensor) -> Tensor:
        """(), of the gradient of a loss (), which the weights then hold."""
        return self._optimiser.gradient_norm(loss)

    def step(self, wanted: Tensor) -> None:
        """One step along the gradient that the weights hold (paper, equation 10), where `wanted`
        () bool."""
        self._optimiser.step(wanted)

    def weights(self) -> dict[str, Tensor]:
        """W by name, in memory of its own on the CPU."""
        return copies(dict(self.generator.named_parameters()))

    def moments(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Adam's first and second moments by the weights' names, in memory of their own."""
        held, names = self._optimiser.tensors(), dict(self.generator.named_parameters())
        first, second = ({name: held[f"{m}.{name}"] for name in names} for m in MOMENTS)
        return first, second

    def resume(
        self, updates: int, first: Mapping[str, Tensor], second: Mapping[str, Tensor]
    ) -> None:
        """Goes on with such moments after so many steps."""
        if not updates:
            return
        held = {f"step.{name}": torch.tensor(float(updates)) for name in first}
        for moment, values in zip(MOMENTS, (first, second), strict=True):
            held |= {f"{moment}.{name}": value for name, value in values.items()}
        self._optimiser.resume(held)


def copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """In memory of their own on the CPU."""
    return {name: t.detach().cpu().clone() for name, t in tensors.items()}
