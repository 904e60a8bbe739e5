"""The engine's walks, with all that they visit kept."""

from dataclasses import dataclass

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.device import Energy
from abp_core.langevin import Langevin
from abp_core.noise import chain_noise
from abp_core.spec import LangevinSpec


def gaussian(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def uniform(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@dataclass(frozen=True, slots=True)
class Trail:
    """z (steps, n, *latent_shape): where chains stood after every move. accepted: the share of
    moves that a Metropolis test accepts, or would."""

    z: Tensor
    accepted: float


def walk(
    energy: Energy,
    z: Tensor,
    step_size: float,
    *,
    steps: int,
    preconditioner: Preconditioner | None = None,
    adjusted: bool = False,
    seed: int = 0,
) -> Trail:
    """A walk from z; adjusted, with a Metropolis test after every move."""
    spec = LangevinSpec(steps=steps, step_size=step_size)
    index, shape = torch.arange(len(z)), tuple(z.shape[1:])
    noise = chain_noise(seed=seed, sweep=2, index=index, steps=steps, shape=shape)
    dice = uniform(steps, len(z), seed=seed)
    kernel = Langevin(energy, spec, preconditioner)
    state, stood, accepted = kernel.init(z), [], []
    for drawn, thrown in zip(noise, dice, strict=True):
        before = state
        state, info = kernel.step(before, drawn, thrown if adjusted else None)
        moved = (state.z != before.z).flatten(1).any(1).float()
        stood.append(state.z)
        accepted.append(moved if adjusted else info.acceptance)
    return Trail(torch.stack(stood), float(torch.stack(accepted).mean()))


def fitting_step(
    energy: Energy, z: Tensor, preconditioner: Preconditioner, accepted: float
) -> float:
    """The longest step of which a Metropolis test would accept that share."""
    step = 1.6
    while walk(energy, z, step, steps=4, preconditioner=preconditioner, seed=9).accepted < accepted:
        step *= 0.9
    return step


def variance_of(walked: Trail, mean: Tensor, whitening: Tensor) -> tuple[float, float]:
    """The variance of chains about `mean` along the rows of `whitening` (k, d), which would make
    it 1, averaged over these; and its standard error, from the scatter between chains."""
    away = (walked.z.double() - mean) @ whitening.T
    of_chains = away.square().mean((0, 2))
    return float(of_chains.mean()), float(of_chains.std() / len(of_chains) ** 0.5)
