"""One iteration of alternating back-propagation, part by part, at a step of a walk."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import apply_to_channels
from abp_core.analysis.stretch import Stretch
from abp_core.generator import Generator
from demo.infer.session import Session
from demo.infer.view import (
    render_code,
    render_difference,
    render_step,
    to_json,
)

ENLARGED = 10  # what a learning step changes, to be seen


def dissect_iteration(walking: Session, number: int, chain: int) -> list[dict[str, Any]]:
    """One iteration in its parts, at the step `number` of a chain: the noise, f(z), the misfit, the
    gradient back to z, and what a learning step would do."""
    walk, z = walking.walk, walking.latent(number, chain)
    spec, f = walk.spec, _beside(walking, walking.model.saved.generator())
    with torch.enable_grad():
        leaf = z.detach().float().requires_grad_(True)
        x = f(leaf)
        y = walk.posterior.y[:1].float().cpu()
        residual = y - walking.observation.measure(x, torch.zeros(1, dtype=torch.int64))
        misfit = residual.square().sum() / (2 * walk.posterior.sigma**2)
        (pull,) = torch.autograd.grad(misfit + walk.posterior.prior(leaf).sum(), leaf)
    x, s = x.detach(), spec.step_size
    drawn = walk.noise[number, chain : chain + 1].cpu() if number < len(walk.noise) else z * 0
    if walk.preconditioner is not None:  # steps are then as long as the posterior is wide
        drawn, drift = (
            apply_to_channels(walk.preconditioner.root.cpu(), drawn),
            apply_to_channels(walk.preconditioner.whole.cpu(), pull),
        )
    else:
        drift = pull
    kick = s * spec.temperature**0.5 * drawn[0]
    learnt, moved, after = _learn_once(walking, z)
    shown = render_step(walking, x[0])
    return [
        {
            "title": "Noise",
            "bars": _draw_bars(walking, kick),
            "number": float(torch.linalg.vector_norm(kick)),
        },
        {"title": "f(z)", "picture": shown["picture"], "bars": _draw_bars(walking, z[0])},
        {
            "title": "Misfit",
            "picture": shown["residual"],
            "number": float(misfit.detach()),
        },
        {
            "title": "Gradient",
            "bars": _draw_bars(walking, -(s**2) / 2 * drift[0]),
            "number": float(torch.linalg.vector_norm(pull)),
        },
        {
            "title": "Learning",
            "picture": render_difference(walking, ENLARGED * moved),
            "number": learnt,
            "before": float(misfit.detach()),
            "after": after,
        },
    ]


def _beside(walking: Session, generator: Generator) -> Callable[[Tensor], Tensor]:
    """The walk's f with another network, which lies where what is drawn of it does."""
    f = walking.f
    return replace(f, generator=generator) if isinstance(f, Stretch) else generator


def _learn_once(walking: Session, z: Tensor) -> tuple[float, Tensor, float]:
    """One step down the gradient on W for this example alone, so long that its slope promises to
    take away a hundredth of the misfit: how far the weights move, as a share of their size, what
    that changes in f(z), and the misfit after it."""
    walk = walking.walk
    generator = walking.model.saved.generator().requires_grad_(True)
    f = _beside(walking, generator)
    index, weights = torch.zeros(1, dtype=torch.int64), list(generator.parameters())

    def misfit() -> tuple[Tensor, Tensor]:
        x = f(z.float())
        residual = walk.posterior.y[:1].float().cpu() - walking.observation.measure(x, index)
        return x, residual.square().sum() / (2 * walk.posterior.sigma**2)

    with torch.enable_grad():
        x, before = misfit()
        slopes = torch.autograd.grad(before, weights)
    with torch.no_grad():
        steepness = float(sum(slope.square().sum() for slope in slopes))
        pace = 0.01 * float(before.detach()) / max(steepness, 1e-30)
        size = float(sum(weight.square().sum() for weight in weights)) ** 0.5
        for weight, slope in zip(weights, slopes, strict=True):
            weight.sub_(pace * slope)
        changed, after = misfit()
    return pace * steepness**0.5 / size, (changed - x.detach())[0], float(after)


def _draw_bars(walking: Session, z: Tensor) -> dict[str, Any]:
    """Something of the latent's shape: its numbers, or a picture of a map."""
    if walking.model.generator.spec.spatial:
        return {"map": render_code(walking, z)}
    return {"values": to_json(z.flatten())}
