"""Chains in bf16 against chains in fp32."""

from typing import Any

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.device import Energy, Machine, value_and_grad
from abp_core.generator import Generator
from abp_core.observation import Full
from abp_core.posterior import Posterior
from benchmarks.evidence.models import BF16, FP32, Model
from benchmarks.evidence.walks import walk


def deviations(generator: Generator, z: Tensor, sigma: float) -> Tensor:
    """Of the posterior about z (1, *latent_shape), as if f were linear there: the roots of the
    diagonal of (J'J / sigma^2 + I)^-1 (Gauss-Newton), (d,)."""
    d, h = z.numel(), 1e-2
    steps = h * torch.eye(d).view(d, *z.shape[1:])
    with torch.no_grad():
        here = generator(z)
        columns = [(generator(z + some) - here).flatten(1) / h for some in steps.split(16)]
    jacobian = torch.cat(columns)
    precision = jacobian @ jacobian.T / sigma**2 + torch.eye(d)
    return torch.linalg.inv(precision.double()).diagonal().sqrt()


def precision(
    saved: Checkpoint, model: Model, *, examples: int, steps: int, burn_in: int
) -> dict[str, Any]:
    """Chains in bf16 against chains in fp32 with the same noise, from where training left them.

    gradient: the relative error of dU/dz there. error_fp32, error_bf16: mean |y - f(z)| / 2 over
    the walk, f in fp32. mean: the root mean square difference of the two walks' mean latents, in
    units of that of the posterior's deviations (at the first example); other_noise: the same
    between two bf16 walks with different noise, which says how well a mean is known at all.
    """
    everyone = torch.arange(examples)
    y, start, preconditioner = (
        model.signals[everyone],
        model.latents[everyone],
        saved.preconditioner(),
    )

    def energy(machine: Machine) -> Energy:
        twin = machine.chain_copy(model.generator)
        return Posterior(twin, Full(), y, everyone, model.sigma).energy

    def walked(machine: Machine, seed: int) -> Tensor:
        there = walk(
            energy(machine),
            start,
            saved.step_size,
            steps=steps,
            preconditioner=preconditioner,
            seed=seed,
        )
        return there.z[burn_in:]

    @torch.no_grad()
    def error(walk: Tensor) -> float:
        some = walk[:: max(1, len(walk) // 10)]
        return float(torch.stack([(model.generator(z) - y).abs().mean() / 2 for z in some]).mean())

    unit = float(deviations(model.generator, start[:1], model.sigma).square().mean().sqrt())

    def apart(one: Tensor, other: Tensor) -> float:
        return float((one.mean(0) - other.mean(0)).square().mean().sqrt()) / unit

    exact, fast, again = walked(FP32, 0), walked(BF16, 0), walked(BF16, 1)
    slope, rounded = (value_and_grad(energy(machine), start)[1] for machine in (FP32, BF16))
    return {
        "examples": examples,
        "moves": steps,
        "latents": start[0].numel(),
        "gradient": float((rounded - slope).norm() / slope.norm()),
        "error_fp32": error(exact),
        "error_bf16": error(fast),
        "deviation": unit,
        "mean": apart(fast, exact),
        "other_noise": apart(again, fast),
    }
