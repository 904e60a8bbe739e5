"""What a file must hold to be a run: groups of tensors of the shapes that their owners state."""

import json
import math

import torch
from torch import Tensor

from abp_core.generator import Generator
from abp_core.learning import learner
from abp_core.observation import Observation
from abp_core.priors import kinds
from abp_core.spec import MOST_ENTRIES, TrainingSpec

MOST_POSITIONS = 2**17  # of a whole map, twenty times what the largest picture or sound has
PART = 1_000_000  # values that are looked at in one go
# Groups that only training needs.
MEMORY = ("first_moments", "second_moments", "sample_loss", "particles")


def read_numbers(text: str) -> tuple[float, float, int, int, float]:
    """sigma, step size, iteration, updates and seconds of a header. Raises ValueError."""
    sigma, step_size, iteration, updates, seconds = json.loads(text)
    counts = all(type(count) is int and 0 <= count < 2**53 for count in (iteration, updates))
    reals = all(isinstance(x, int | float) and 0 <= x < 1e300 for x in (sigma, step_size, seconds))
    if not counts or not reals or sigma == 0:
        raise ValueError("numbers out of range")
    return float(sigma), float(step_size), iteration, updates, float(seconds)


def take(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin so, taken out, by the rest of their names."""
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


def take_groups(spec: TrainingSpec, tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The named groups of a file, taken out of its tensors; each owner states its shapes. What only
    training needs is there as a whole, or nothing of it is. Raises ValueError or KeyError."""
    with torch.device("meta"):  # the shapes alone: a hostile spec allocates nothing
        weights = {
            name: tuple(parameter.shape)
            for name, parameter in Generator(spec.generator).named_parameters()
        }
    shapes = {"weights": weights}
    if any(name.partition("/")[0] in MEMORY for name in tensors):
        shapes |= {"first_moments": weights, "second_moments": weights}
        shapes["sample_loss"] = learner.shapes(spec.generator) if spec.sample_loss_rate else {}
        n, *latent = tensors["latents"].shape
        others = ((spec.particles - 1) * n, *latent)
        shapes["particles"] = {"others": others} if spec.particles > 1 else {}
    if spec.stretch:
        n, *latent = tensors["latents"].shape
        shapes["driven"] = {"noise": (n, *latent), "before": tuple(latent)}
    if any(name.startswith("prior/") for name in tensors):
        shapes["prior"] = kinds.shapes(spec.prior, spec.generator.latent_shape)
    groups: dict[str, dict[str, Tensor]] = {group: {} for group in (*MEMORY, "driven", "prior")}
    for group, members in shapes.items():
        groups[group] = {name: tensors.pop(f"{group}/{name}") for name in members}
        for name, tensor in groups[group].items():
            if tuple(tensor.shape) != members[name]:
                raise ValueError(f"{name} has another shape than its spec")
    for group in ("weights", "driven", "prior"):
        groups[group] = {name: to_single(t) for name, t in groups[group].items()}
    return groups


def require_healthy_values(others: list[Tensor], groups: dict[str, dict[str, Tensor]]) -> None:
    """Raises ValueError for numbers that are not finite, and for squares below zero, whose roots
    would become weights."""
    everything = [*others, *(t for group in groups.values() for t in group.values())]
    if any(t.dtype != torch.float32 or not _finite(t) for t in everything):
        raise ValueError("values that are no finite numbers")
    squares = [t for name, t in groups["sample_loss"].items() if name.startswith("exp_avg_sq.")]
    if any((t < 0).any() for t in [*groups["second_moments"].values(), *squares]):
        raise ValueError("squares below zero")


def fits(spec: TrainingSpec, latents: Tensor) -> bool:
    """Whether such latents can be those of a run."""
    shape, expected = tuple(latents.shape[1:]), spec.generator.latent_shape
    if not spec.window:
        return shape == expected
    made = spec.generator.signal_shape_of(shape) if len(shape) == len(expected) else (0,)
    known = len(latents) == 1 and shape[0] == expected[0]
    bearable = math.prod(made) <= MOST_ENTRIES and math.prod(shape[1:]) <= MOST_POSITIONS
    return known and min(made) > 0 and bearable


def shows(spec: TrainingSpec, latents: Tensor, observation: Observation) -> bool:
    """Whether signals of such latents can have been seen so."""
    made = spec.generator.signal_shape
    if spec.window:
        made = spec.generator.signal_shape_of(tuple(latents.shape[1:]))
    x = torch.empty(len(latents), *made, device="meta")
    if observation.visible is not None:
        n, channels, *size = observation.visible.shape
        return n == len(x) and channels in (1, made[0]) and tuple(size) == made[1:]
    try:
        observation.measure(x, torch.empty(len(x), dtype=torch.long, device="meta"))
    except RuntimeError:  # projections of other signals, blocks larger than they are
        return False
    return True


def _finite(tensor: Tensor) -> bool:
    """Whether all values are, looked at a part at a time: one look at all takes their memory again
    and more."""
    return all(bool(part.isfinite().all()) for part in torch.split(tensor.flatten(), PART))


def to_single(tensor: Tensor) -> Tensor:
    """Half precision as single; anything else as it is."""
    return tensor.float() if tensor.dtype == torch.float16 else tensor
