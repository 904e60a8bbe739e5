"""Relatives that infer latents, on linear models, whose likelihood is known exactly."""

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from abp_core.family import linear
from abp_core.family.deep import DeepLatentGaussian
from abp_core.family.encoder import Gaussian as Recognised
from abp_core.family.pace import finish
from abp_core.spec import LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from benchmarks.evidence.answers import Linear, probabilistic_pca
from benchmarks.evidence.learning import FLAT, NOISE, factor_data
from benchmarks.evidence.models import FP32
from benchmarks.evidence.walks import gaussian

SIGNAL, LATENTS, SIGMA = (1, 4, 4), 3, 0.5
AWAY = 0.6  # deviations of the posterior by which a poor encoder is off
WIDER = 0.8  # log of how much wider it is


def log_likelihood(weights: Tensor, sigma: float, x: Tensor) -> Tensor:
    """(n,), in nats, of centred rows x (n, D): log N(x; 0, W W^T + sigma^2 I), in float64."""
    w = weights.double()
    covariance = w @ w.T + sigma**2 * torch.eye(len(w), dtype=torch.float64)
    zero = torch.zeros(len(w), dtype=torch.float64)
    found: Tensor = MultivariateNormal(zero, covariance).log_prob(x.double())
    return found


def bound_of_linear(*, examples: int, draws: tuple[int, ...], repeats: int) -> dict[str, Any]:
    """The bound with a linear decoder against the exact likelihood, in nats a signal.

    The columns of the decoder are orthogonal, so that the posterior has a diagonal covariance and
    an encoder can tell it exactly. exact: the greatest gap of any signal and draw with such an
    encoder. gaps: by the number of draws, the mean gap with one that is off; errors: of those
    means.
    """
    directions = torch.linalg.qr(gaussian(math.prod(SIGNAL), LATENTS, seed=31))[0]
    weights = directions * torch.tensor([2.0, 1.0, 0.5])
    x = gaussian(examples, LATENTS, seed=32) @ weights.T
    x = (x + SIGMA * gaussian(*x.shape, seed=33)).view(examples, *SIGNAL)
    known = log_likelihood(weights, SIGMA, x.flatten(1))
    precision = 1 + weights.square().sum(0) / SIGMA**2

    def encode(x: Tensor, away: float, wider: float) -> Recognised:
        mean = x.flatten(1) @ weights / SIGMA**2 / precision
        spread = precision.rsqrt().expand_as(mean)
        return Recognised(mean + away * spread, 2 * spread.log() + wider)

    def gap(k: int, away: float, wider: float) -> Tensor:
        """(repeats, n)."""
        model = DeepLatentGaussian(Linear(weights, SIGNAL), lambda x: encode(x, away, wider))
        noise = gaussian(repeats, k, examples, LATENTS, seed=34)
        variance = torch.tensor(SIGMA**2)
        return torch.stack([known - model.weigh(x, variance, some).bound() for some in noise])

    gaps = {k: gap(k, AWAY, WIDER) for k in draws}
    return {
        "exact": float(gap(1, 0.0, 0.0).abs().max()),
        "gaps": {k: float(found.mean()) for k, found in gaps.items()},
        "errors": {k: float(found.mean(1).std() / repeats**0.5) for k, found in gaps.items()},
        "expected": LATENTS * (AWAY**2 + math.exp(WIDER) - WIDER - 1) / 2,
    }


def principal_components(rows: int, entries: int, d: int) -> dict[str, float]:
    """The member's fit against the closed form by a whole decomposition, and its likelihood against
    that of the Gaussian written out: greatest differences of W W^T relative to its greatest entry,
    of the noise level, and of the log-likelihoods, in nats."""
    weights = gaussian(entries, d, seed=41) * torch.linspace(1, 0.3, d)
    x = gaussian(rows, d, seed=42) @ weights.T + 0.3 * gaussian(rows, entries, seed=43) + 1.0
    found = finish(linear.fit(x, d))
    expected, level = probabilistic_pca(x - x.mean(0), d)
    squares = expected @ expected.T
    ours = found.weights.double() @ found.weights.double().T
    exact = log_likelihood(expected, level, x - x.mean(0))
    return {
        "weights": float((ours - squares).abs().max() / squares.abs().max()),
        "noise_level": abs(float(found.variance.sqrt()) / level - 1),
        "likelihood": float((found.log_density(x) - exact).abs().max()),
    }


def particle_gradients(*, examples: int, particles: int, iterations: int) -> dict[str, float]:
    """The learning gradient of chains at rest, by the trainer, against the exact gradient of the
    marginal likelihood, in a model whose weights stay: the norm of the difference, as a share of
    that of the gradient. one: of the first particle of every example. all: of the mean over
    particles. expected: what of the former that mean should leave."""
    data = factor_data(examples, 0)
    spec = TrainingSpec(
        generator=FLAT,
        langevin=LangevinSpec(steps=20, step_size=0.06),
        sigma=NOISE / data.deviation,
        learning_rate=1e-12,
        batch_size=examples,
        examples=examples,
        particles=particles,
    )
    trainer = Trainer(spec, data, machine=FP32)
    for _ in trainer.steps(iterations):
        pass
    saved = trainer.checkpoint()
    z = torch.cat([saved.latents, saved.particles["others"]])
    kernel = trainer.generator.kernels[0].detach().double()
    rows, y = kernel.flatten(1).T, data.signals.flatten(1)
    exact = _gradient(rows, lambda w: -log_likelihood(w, NOISE, y).mean())

    def learnt(z: Tensor) -> Tensor:
        """Of W, of the mean misfit of latents (k, 4) over all examples and particles."""
        x = y.double().repeat(len(z) // examples, 1)
        codes = z.flatten(1).double()
        return _gradient(rows, lambda w: (x - codes @ w.T).square().sum(1).mean() / (2 * NOISE**2))

    return {
        "one": float((learnt(z[:examples]) - exact).norm() / exact.norm()),
        "all": float((learnt(z) - exact).norm() / exact.norm()),
        "expected": particles**-0.5,
    }


def _gradient(at: Tensor, loss: Any) -> Tensor:
    w = at.clone().requires_grad_(True)
    (found,) = torch.autograd.grad(loss(w), w)
    return found


def short_runs(*, visits: int, **changes: Any) -> dict[str, float]:
    """Short-run inference of the same examples, visit after visit with weights that stay: the means
    of |z|^2 / d where the first and the second half of the visits end, and the error of their
    difference; and the correlation of an example's latents at two visits that follow each other,
    beside what the posterior itself makes them have in common."""
    data = factor_data(100, 0)
    spec = TrainingSpec(
        generator=FLAT,
        langevin=LangevinSpec(steps=5, step_size=0.06),
        sigma=NOISE / data.deviation,
        learning_rate=1e-12,
        batch_size=100,
        examples=100,
        persistent=False,
    )
    trainer = Trainer(dataclasses.replace(spec, **changes), data, machine=FP32)
    z = torch.stack([trainer.z.clone() for _ in trainer.steps(visits)]).flatten(2)
    sizes = z.square().mean((1, 2))
    first, second = sizes[: visits // 2], sizes[visits // 2 :]
    own = z - z.mean(0)  # what the posterior of the example tells is its mean over visits
    follows = (own[1:] * own[:-1]).mean() / own.square().mean()
    return {
        "first": float(first.mean()),
        "second": float(second.mean()),
        "error": float((first.var() / len(first) + second.var() / len(second)).sqrt()),
        "follows": float(follows),
        "followed_by_chance": -1 / visits,
    }
