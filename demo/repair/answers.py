"""Several answers of a model to what was hidden of a signal."""

import dataclasses
from collections.abc import Iterator

import torch
from torch import Tensor

from abp_core.analysis.traces import posterior_about
from abp_core.langevin import infer
from abp_core.noise import chain_noise
from abp_core.observation import Observation
from abp_core.priors.exemplar import Exemplar
from abp_core.priors.known import Known
from demo.models.collection import Model


def sample_answers(
    model: Model, y: Tensor, observation: Observation, chains: int, steps: int, seed: int
) -> Iterator[tuple[int, Tensor]]:
    """Several answers to what was hidden of one signal (1, c, ...): the number of steps so far and
    f(z) (chains, c, ...), every few steps of chains from the prior. They walk downhill first, then
    with noise, that of training where latents carry a whole picture; there at last all that shows
    nothing of what was seen is drawn from the exemplar, each time anew."""
    saved = model.saved
    shape = saved.spec.generator.latent_shape
    device = model.generator.device
    seen = observation.measure(y, torch.zeros(1, dtype=torch.int64))
    posterior = posterior_about(model.generator, seen, observation, saved.sigma, chains)
    metric = saved.preconditioner(device)
    z = model.prior.draw(chains, seed)
    each, walk = 10, saved.spec.langevin.at(saved.step_size)
    for begun in range(0, steps, each):
        warm = walk.temperature if model.saved.spec.window else 1.0
        cold = dataclasses.replace(walk, temperature=0.0 if begun < steps // 2 else warm)
        noise = chain_noise(
            seed=seed, sweep=begun + 1, index=torch.arange(chains), steps=each, shape=shape
        )
        moved = infer(posterior.energy, z.to(device), noise.to(device), cold, metric).cpu()
        fine = moved.flatten(1).isfinite().all(1)
        z = torch.where(fine.view(-1, *(1 for _ in shape)), moved, z)
        ended = begun + each >= steps
        with torch.inference_mode():
            made = model.generator.make(_complete(model, z, observation, seed) if ended else z)
        yield begun + each, made  # outside: the next step may come in another thread


def _complete(model: Model, z: Tensor, observation: Observation, seed: int) -> Tensor:
    """Latents z (n, ...) whose positions that show what was seen stay, while the others are drawn
    to fit from an exemplar; of other priors as they are."""
    prior, spec = model.prior, model.generator.spec
    if not isinstance(prior, Exemplar) or observation.visible is None:
        return z
    shown = torch.nn.functional.avg_pool2d(observation.visible[:1, :1], spec.enlargement)
    around = torch.nn.functional.pad(shown, [spec.margin] * 4, mode="replicate")
    seen, stop = around[0, 0] > 0.5, tuple(z.shape[2:])
    maps = (prior.map(seed + k, known=Known(each, seen, (0, 0))) for k, each in enumerate(z))
    return torch.stack([each.part((0, 0), stop) for each in maps])
