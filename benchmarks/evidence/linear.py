"""The posterior of a linear model."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.langevin import infer
from abp_core.noise import chain_noise
from abp_core.observation import Compressed, Downsampled, Full, Observation, Occluded
from abp_core.posterior import Posterior
from abp_core.spec import LangevinSpec
from benchmarks.evidence.answers import Gaussian, Linear, in_standard_errors, matrix_of
from benchmarks.evidence.walks import gaussian

SIGNAL, LATENTS, SIGMA = (1, 4, 4), 5, 0.5
EXAMPLES = 2  # seen differently where they are occluded
FACTORS = Linear(0.45 * gaussian(math.prod(SIGNAL), LATENTS, seed=11), SIGNAL)


def views(shape: tuple[int, ...] = SIGNAL) -> dict[str, Observation]:
    """One of every kind. About half of every example is hidden, of each another half."""
    visible = (gaussian(EXAMPLES, 1, *shape[1:], seed=12) > 0).float()
    return {
        "full": Full(),
        "occluded": Occluded(visible),
        "compressed": Compressed.random(7, shape, seed=13),
        "downsampled": Downsampled(2),
    }


def linear_posterior(
    observation: Observation,
    *,
    chains: int,
    preconditioner: Preconditioner | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Chains of every example, from the prior, against what the walk must rest at.

    The step is half of what is stable, so that the covariance stands a third too high in the
    stiffest direction, which must be seen; the walk is as long as it takes to forget its start.
    worst_mean, worst_covariance: of their entries over all examples, in standard errors.
    uncorrected: the worst entry of the covariance, had the step size not been allowed for.
    spread: root mean square of all entries, which should be about 1.
    """
    x = FACTORS(gaussian(EXAMPLES, LATENTS, seed=14)) + SIGMA * gaussian(EXAMPLES, *SIGNAL, seed=15)
    seen = observation.measure(x, torch.arange(EXAMPLES))
    known = [
        Gaussian.of(FACTORS.weights, matrix_of(observation, example, SIGNAL), y.flatten(), SIGMA)
        for example, y in enumerate(seen)
    ]
    curvatures = torch.cat([answer.curvatures(preconditioner) for answer in known])
    step_size = float(curvatures.max()) ** -0.5
    kept = 1 - step_size**2 / 2 * float(curvatures.min())  # of the distance to rest, each step
    steps = math.ceil(math.log(1e-3) / math.log(kept))

    index = torch.arange(EXAMPLES).repeat_interleave(chains)
    everyone, shape = torch.arange(len(index)), (LATENTS,)
    start = chain_noise(seed=seed, sweep=0, index=everyone, steps=1, shape=shape)[0]
    noise = chain_noise(seed=seed, sweep=1, index=everyone, steps=steps, shape=shape)
    # All chains at once: in lots of eight, 8,000 take a hundred times as long.
    posterior = Posterior(FACTORS, observation, seen[index], index, SIGMA, lot=0)
    spec = LangevinSpec(steps=steps, step_size=step_size)
    ends = infer(posterior.energy, start, noise, spec, preconditioner).split(chains)

    def errors(covariance: Callable[[Gaussian], Tensor]) -> tuple[Tensor, Tensor]:
        found = [
            in_standard_errors(z, answer.mean, covariance(answer), answer.axes)
            for z, answer in zip(ends, known, strict=True)
        ]
        means, covariances = zip(*found, strict=True)
        return torch.cat(means), torch.cat(covariances)

    means, covariances = errors(lambda answer: answer.at_rest(step_size, preconditioner))
    entries = torch.cat([means, covariances])
    return {
        "chains": chains,
        "steps": steps,
        "step_size": step_size,
        "entries": len(entries),
        "worst_mean": float(means.abs().max()),
        "worst_covariance": float(covariances.abs().max()),
        "uncorrected": float(errors(lambda answer: answer.covariance)[1].abs().max()),
        "spread": float(entries.square().mean().sqrt()),
    }


def rough_metric() -> Preconditioner:
    """One that fits the posterior of all that is seen only roughly, as a learnt one does."""
    hessian = Gaussian.of(FACTORS.weights, torch.eye(16), torch.zeros(16), SIGMA).hessian
    return Preconditioner.of((hessian + 2 * hessian.diagonal().diag()).float() / 3)
