"""What is known of a descriptor and of CoopNets where all laws are Gaussian, and what they find.

Signals are pictures of 2 x 2, so that a law is a mean and a covariance (4, 4).
"""

import torch
from torch import Tensor, nn

from abp_core.data.datasets import Dataset, Source
from abp_core.device import Machine, value_and_grad
from abp_core.family.cooperative import Cooperative, CooperativeSpec
from abp_core.family.descriptor import Descriptor, DescriptorSpec
from abp_core.family.field import FieldSpec, RandomField
from abp_core.family.trial import Trial
from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec
from benchmarks.evidence.walks import gaussian

FP32 = Machine(torch.device("cpu"), torch.float32)
SIDE, ENTRIES, FACTORS = 2, 4, 2
SIGMA = 0.05  # of the linear generator
LOADINGS = torch.tensor([[0.12, 0.06, -0.03, 0.0], [0.0, 0.05, 0.09, 0.09]])  # of it, (z, x)


class Quadratic(nn.Module):
    """F(x) = -x^T B x / 2, for which p is Gaussian of the precision B + I / s^2 about 0."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix.clone())

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(1)
        value: Tensor = -((rows @ self.matrix) * rows).sum(1) / 2
        return value


def known_covariance() -> Tensor:
    """(4, 4), of x = W z + e."""
    return LOADINGS.T @ LOADINGS + SIGMA**2 * torch.eye(ENTRIES)


def gaussian_trial(n: int, seed: int = 0) -> Trial:
    """n pictures whose covariance is the known one exactly, and mean 0."""
    x = gaussian(n, ENTRIES, seed=seed)
    x = x - x.mean(0)
    x = x @ torch.linalg.inv(torch.linalg.cholesky(x.T @ x / n)).T
    x = (x @ torch.linalg.cholesky(known_covariance()).T).view(n, 1, SIDE, SIDE)
    network = GeneratorSpec(
        latent_shape=(FACTORS, 1, 1), channels=(), kernel_size=2, upsampling=2, out_channels=1
    )
    spec = TrainingSpec(
        generator=network,
        langevin=LangevinSpec(steps=2, step_size=0.5),
        sigma=0.3,
        learning_rate=1e-3,
        batch_size=n,
        examples=n,
    )
    return Trial(Dataset(x, Source(kind="texture", name="Gaussian")), x[:8], spec)


def covariance(x: Tensor) -> Tensor:
    """(4, 4), about 0."""
    rows = x.flatten(1).double()
    return rows.T @ rows / len(rows)


def apart(found: Tensor, wanted: Tensor) -> float:
    """|found - wanted| / |wanted|."""
    return float((found.double() - wanted.double()).norm() / wanted.double().norm())


def whitened(moments: Tensor) -> Tensor:
    """A covariance (4, 4) in units in which the known one is I, so that every axis counts alike."""
    inverse = torch.linalg.inv(torch.linalg.cholesky(known_covariance().double()))
    return inverse @ moments.double() @ inverse.T


def biased_covariance(precision: Tensor, step_size: float) -> Tensor:
    """Of a walk's law, stationary at this step: 1 / (h (1 - s^2 h / 4)) along every axis h."""
    h = precision.double()
    return torch.linalg.inv(h - step_size**2 / 4 * h @ h)


def biased_precision(covariance: Tensor, step_size: float) -> Tensor:
    """At which a walk of this step has that covariance, the inverse of `biased_covariance`."""
    values, axes = torch.linalg.eigh(covariance.double())
    h = 2 / step_size**2 * (1 - (1 - step_size**2 / values).sqrt())
    return axes @ h.diag() @ axes.T


def precision_learnt(*, chains: int, iterations: int, step_size: float = 0.25) -> dict[str, float]:
    """How far the precision that a descriptor learns is from the one at which a walk of its step
    has the data's covariance, and the covariance of its chains from that, relatively; and how far
    the precision was that it began with."""
    trial = gaussian_trial(chains)
    reference = trial.data.deviation
    field = FieldSpec(
        reference=1.0, steps=4, step_size=step_size, rate=20.0, halved_after=iterations // 10
    )
    network = Quadratic(torch.zeros(ENTRIES, ENTRIES))
    member = Descriptor(
        trial, 0, network, DescriptorSpec(chains=chains, extent=SIDE, field=field), FP32
    )
    seen, moments = 0, torch.zeros(ENTRIES, ENTRIES, dtype=torch.float64)
    for _ in range(iterations):
        for _ in member.alternation():
            pass
        if member.iteration > iterations // 2:
            seen, moments = seen + 1, moments + covariance(member.chains)
    learnt = network.matrix.detach() + torch.eye(ENTRIES) / reference**2
    wanted = biased_precision(known_covariance(), step_size * reference)
    identity = torch.eye(ENTRIES)
    return {
        "precision": apart((learnt + learnt.T) / 2, wanted),
        "chains": apart(whitened(moments / seen), identity),
        "precision of the reference": apart(identity / reference**2, wanted),
    }


def covariance_of_chains(*, chains: int, rounds: int, step_size: float) -> dict[str, float]:
    """How far the covariance of chains in a known field is from that of the field, and from the
    one that a walk of this step has in theory, relatively."""
    trial = gaussian_trial(chains)
    signals, deviation = trial.data.signals, trial.data.deviation
    precision = torch.linalg.inv(known_covariance())
    network = Quadratic(precision - torch.eye(ENTRIES) / deviation**2)
    spec = FieldSpec(reference=1.0, steps=1, step_size=step_size, rate=0.0)
    field, x = RandomField(network, signals, FP32, spec), signals
    moments = torch.zeros(ENTRIES, ENTRIES, dtype=torch.float64)
    moves, steps = round(1 / step_size**2) + 1, 0
    for number in range(2 * rounds):
        x = field.walk_on(x, 1, 1 + steps, moves)
        steps += moves
        moments += covariance(x) if number >= rounds else 0
    theory = whitened(biased_covariance(precision, step_size * deviation))
    found, identity = whitened(moments / rounds), torch.eye(ENTRIES)
    return {
        "theory": apart(found, theory),
        "field": apart(found, identity),
        "bias": apart(theory, identity),
    }


def energy_along_line(field: RandomField, start: Tensor, end: Tensor, points: int) -> float:
    """How far the energies' difference between signals (n, ...) is from the integral of the walk's
    own gradient along the line between them, relatively to it."""
    work = torch.zeros(len(start), dtype=torch.float64)
    for k in range(points):
        at = torch.lerp(start, end, (k + 0.5) / points)
        _, grad = value_and_grad(field.fast_energy, at)
        work += (grad * (end - start)).flatten(1).sum(1).double() / points
    difference = (field.measure(end) - field.measure(start)).double()
    return apart(work, difference)


def linear_cooperative(chains: int, loadings: Tensor, rate: float) -> Cooperative:
    """CoopNets whose descriptor is the known Gaussian and stays so, and whose generator begins at
    x = W z with these loadings; tanh is linear to a hundredth there."""
    trial = gaussian_trial(chains)
    deviation = trial.data.deviation
    network = Quadratic(torch.linalg.inv(known_covariance()) - torch.eye(ENTRIES) / deviation**2)
    field = FieldSpec(reference=1.0, steps=4, step_size=0.4, rate=0.0)
    member = Cooperative(
        trial,
        0,
        network,
        CooperativeSpec(proposals=chains, extent=SIDE, field=field, lasting=chains, rate=rate),
        FP32,
    )
    member.proposer.sigma = SIGMA
    with torch.no_grad():
        kernel = member.proposer.generator.kernels[0]
        kernel.copy_(loadings.view(FACTORS, 1, SIDE, SIDE))
        member.proposer.generator.biases[0].zero_()
    member.proposer.learn(torch.tensor(False), 0.0)  # its twin follows
    return member


def generator_learnt(*, chains: int, iterations: int) -> dict[str, float]:
    """How far the covariance W W^T + sigma^2 I of a generator that CoopNets taught is from the
    descriptor's, relatively, and that of the one that it began with, half of which was right."""
    member = linear_cooperative(chains, LOADINGS / 2, rate=1e-3)
    for _ in range(iterations):
        for _ in member.alternation():
            pass
    loadings = member.proposer.generator.kernels[0].detach().view(FACTORS, ENTRIES)
    noise = SIGMA**2 * torch.eye(ENTRIES)
    return {
        "learnt": apart(loadings.T @ loadings + noise, known_covariance()),
        "begun": apart(LOADINGS.T @ LOADINGS / 4 + noise, known_covariance()),
    }


def gradient_at_fixed_point(*, chains: int, iterations: int) -> dict[str, float]:
    """The generator's mean gradient along its loadings, where it has the descriptor's law, and
    where they are half and one and a half times those: below 0 they grow, above they shrink."""
    return {
        name: _mean_gradient(chains, iterations, factor)
        for name, factor in (("half", 0.5), ("fixed point", 1.0), ("one and a half", 1.5))
    }


def _mean_gradient(chains: int, iterations: int, factor: float) -> float:
    member = linear_cooperative(chains, factor * LOADINGS, rate=0.0)
    member.chains = member.trial.data.signals
    total, seen = torch.zeros(FACTORS, 1, SIDE, SIDE), 0
    kernel = member.proposer.generator.kernels[0]
    for _ in range(iterations):
        for _ in member.alternation():
            pass
        if member.iteration > iterations // 4:  # latents are at rest
            assert kernel.grad is not None
            total, seen = total + kernel.grad, seen + 1
    along = LOADINGS.view_as(total) / LOADINGS.norm()
    return float((total / seen * along).sum())
