"""The latents of signals that a generator never saw, by walks down its posterior."""

import dataclasses

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.device import cpu
from abp_core.langevin import infer
from abp_core.observation import Full
from abp_core.posterior import LOT, Posterior

STEPS = 100


def infer_latents(saved: Checkpoint, x: Tensor, steps: int = STEPS) -> Tensor:
    """The latents (n, *shape), on the CPU, of signals x (n, c, ...) that the network of `saved`
    could have made: where so many steps of the run's own walk lead from the middle of the prior
    without noise, which is near the highest posterior density."""
    spec, machine = saved.spec.generator, cpu()
    shape = spec.latent_shape_of(tuple(x.shape[2:]))
    start = torch.zeros(len(x), *shape)
    generator = machine.chain_copy(saved.generator())
    posterior = Posterior(
        generator,
        Full(),
        x,
        torch.arange(len(x)),
        saved.sigma,
        LOT if len(x) > 1 else 0,  # one alone has no company
        split=machine.splits_lots,
    )
    walk = dataclasses.replace(
        saved.spec.langevin.at(saved.step_size), temperature=0.0, steps=steps
    )
    still = torch.zeros(steps, 1, *(1 for _ in shape)).expand(steps, *start.shape)
    return infer(posterior.energy, start, still, walk, saved.preconditioner())
