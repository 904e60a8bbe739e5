"""Learning a linear model."""

import dataclasses
import math
from typing import Any

import torch

from abp_core.data.datasets import Dataset, Source
from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from benchmarks.evidence.answers import largest_angle, probabilistic_pca
from benchmarks.evidence.models import FP32
from benchmarks.evidence.walks import gaussian

# One layer whose kernel is as wide as its signal: x = tanh(W z + b), W (64, 4) without structure.
# On signals of a few hundredths tanh is the identity to about a thousandth.
FLAT = GeneratorSpec(
    latent_shape=(4, 1, 1), channels=(), kernel_size=8, upsampling=8, out_channels=1
)
NOISE = 0.02
VARIANCES = (24.0, 18.0, 12.0, 8.0)


def factor_data(examples: int, seed: int) -> Dataset:
    """Centred signals of a model with four factors, each of so many times the noise's variance."""
    shape = FLAT.signal_shape
    directions = torch.linalg.qr(gaussian(math.prod(shape), 4, seed=seed))[0]
    weights = directions * torch.tensor(VARIANCES).sqrt()
    x = gaussian(examples, 4, seed=seed + 1) @ weights.T
    x = NOISE * (x + gaussian(examples, math.prod(shape), seed=seed + 2))
    x -= x.mean(0)
    return Dataset(x.view(examples, *shape), Source(kind="texture", name="factors"))


def factor_analysis(
    *, examples: int, iterations: int, rounds: int, seed: int = 0
) -> dict[str, Any]:
    """ABP, by the Trainer, with a noise level that begins at twice the true one and is set anew
    after every round of iterations: the M-step sigma^2 = E |y - f(z)|^2 / D over the posterior.

    Against the probabilistic PCA of the same data: the largest principal angle between the two
    spaces, and the noise level and W W' relative to PCA's. Were every round learnt to its end, the
    error of sigma^2 would shrink to q / D, a sixteenth. expected_noise_level: where that ends with
    a walk of this step size.
    """
    dataset = factor_data(examples, seed)
    y = dataset.signals.flatten(1)
    known, noise = probabilistic_pca(y, 4)
    spec = TrainingSpec(
        generator=FLAT,
        langevin=LangevinSpec(steps=4, step_size=0.15),
        sigma=2 * noise / dataset.deviation,
        learning_rate=3e-4,
        halved_after=50,
        standardised=True,  # else the scale of z settles at the slow pace of the EM algorithm
        batch_size=examples,
        examples=examples,
        seed=seed,
    )
    trainer, levels = Trainer(spec, dataset, machine=FP32), [2.0]
    for _ in range(rounds):
        events = list(trainer.steps(iterations))[-iterations // 4 :]
        misfit = sum(event.misfit for event in events) / len(events)
        sigma = trainer.sigma * (2 * misfit / y.shape[1]) ** 0.5
        levels.append(sigma / noise)
        saved = trainer.checkpoint()
        spec = dataclasses.replace(saved.spec, sigma=sigma / dataset.deviation)
        saved = dataclasses.replace(saved, spec=spec)
        trainer = Trainer.resume(saved, dataset, machine=FP32)
    weights = trainer.generator.kernels[0].detach().reshape(4, -1).T
    model, likeliest = weights @ weights.T, (known @ known.T).float()
    # Where step s leaves the posterior's variance too high, this much of it is taken for noise.
    ratios = known.square().sum(0) / noise**2 + 1  # eigenvalues, in units of the noise's
    damping = spec.langevin.step_size**2 / 4 * ratios
    excess = float(((1 - 1 / ratios) * damping / (1 - damping)).sum()) / y.shape[1]
    return {
        "examples": examples,
        "iterations": rounds * iterations,
        "expected_noise_level": (1 + excess) ** 0.5,
        "angle": largest_angle(weights, known),
        "noise_level": levels[-1],
        "rounds": levels,
        "covariance": float((model - likeliest).norm() / likeliest.norm()),
    }
