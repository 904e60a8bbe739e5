"""A generator that another method learnt, as a model of the studio."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from abp_core.adaptation.preconditioner import fisher_information
from abp_core.checkpoint import Checkpoint
from abp_core.family.trial import Trial
from abp_core.generator import Generator
from abp_core.learning.learner import copies
from abp_core.noise import CURVATURE_INDEX, chain_noise

LOOKED_AT = 16  # examples at which the curvature for its walks is taken
LONGEST_STEP = 1.0  # of a walk that cannot find out its own, in the units of its metric


def as_model(
    trial: Trial,
    decoder: Generator,
    latents: Tensor,
    curvature: Tensor,
    *,
    sigma: float,
    iteration: int,
    seconds: float,
    **changes: Any,
) -> Checkpoint:
    """The light checkpoint of a decoder with latents (n, ...) of the data of its trial, whose prior
    is N(0, I). curvature (c, c): of U about them. sigma: noise level in signal units. changes: of
    the trial's settings, beside those that only ABP learns by."""
    langevin = trial.spec.langevin
    own: dict[str, Any] = {
        "langevin": langevin.at(min(langevin.step_size, LONGEST_STEP)),
        "prior": "normal",
        "sample_loss_rate": 0.0,
        "standardised": False,
        "components": False,
    }
    spec = dataclasses.replace(trial.spec, **(own | changes))
    return Checkpoint(
        spec=spec,
        source=trial.data.source,
        digest=trial.data.digest,
        sigma=sigma,
        step_size=spec.langevin.step_size,
        iteration=iteration,
        updates=0,
        seconds=seconds,
        weights=copies(dict(decoder.named_parameters())),
        first_moments={},
        second_moments={},
        latents=latents.cpu().clone(),
        curvature=curvature.cpu(),
    )


def curvature_of(decoder: Generator, latents: Tensor, sigma: float) -> Tensor:
    """(c, c): the mean curvature of U at such latents (n, ...), of a map at its beginning; see
    adaptation/preconditioner.py."""
    z = latents[:LOOKED_AT].to(decoder.device)
    for axis, size in enumerate(decoder.spec.latent_shape[1:], start=2):
        z = z.narrow(axis, 0, min(size, z.shape[axis]))
    with torch.no_grad():
        shape = tuple(decoder(z).shape[1:])
    noise = chain_noise(
        seed=0, sweep=0, index=CURVATURE_INDEX + torch.arange(len(z)), steps=1, shape=shape
    )[0]
    return fisher_information(decoder, z, noise.to(z.device), sigma)
