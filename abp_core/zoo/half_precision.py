"""Half precision for a model that is kept: half the bytes, and to the eye and ear the same signals.

Training needs single precision, since its steps are far smaller than what they are added to. What
is made of the weights afterwards does not.
"""

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.generator import Generator
from abp_core.noise import PRIOR_DRAW, chain_noise
from abp_core.spec import GeneratorSpec

MOST_MOVED = 1 / 255  # of any entry of a signal in [-1, 1]: half a grey level
PROBES = 32  # samples from the prior that must stay where they are, beside the model's own
SIGNALS_AT_ONCE = 16  # signals that are made at once

Named = dict[str, Tensor]


def lighten(saved: Checkpoint) -> Checkpoint:
    """The model alone, a tenth of the bytes; training can go on from it, but not exactly.

    Weights and latents are rounded to half precision as far as no signal moves by more than 1/255,
    and so is what the prior needs. The seconds are 0, so that the same training always gives the
    same file.
    """
    weights, latents = round_to_half(saved.spec.generator, saved.weights, saved.latents)
    return dataclasses.replace(
        saved,
        updates=0,
        seconds=0.0,
        weights=weights,
        first_moments={},
        second_moments={},
        latents=latents,
        sample_loss={},
        particles={},
        learnt={name: tensor.half().float() for name, tensor in saved.learnt.items()},
    )


def round_to_half(
    spec: GeneratorSpec, weights: Mapping[str, Tensor], latents: Tensor
) -> tuple[Named, Tensor]:
    """Weights by name and latents (n, c, ...), float32, at values that half precision holds
    exactly; but where that would move any entry of a signal by more than MOST_MOVED, only as many
    of them as do not, the largest tensors first."""
    exact: Named = {**weights, "latents": latents}
    halves = {name: _nearest_half(tensor) for name, tensor in exact.items()}
    before = _signals(spec, exact)

    def moves_little(tensors: Named) -> bool:
        return bool((_signals(spec, tensors) - before).abs().max() <= MOST_MOVED)

    chosen = exact
    if moves_little(halves):
        chosen = halves
    else:
        for name in sorted(exact, key=lambda name: -exact[name].numel()):
            if moves_little(tried := chosen | {name: halves[name]}):
                chosen = tried
    return {name: chosen[name] for name in weights}, chosen["latents"]


def _nearest_half(tensor: Tensor) -> Tensor:
    """Unchanged where half precision has no room for it."""
    half = tensor.half().float()
    return half if half.isfinite().all() else tensor


@torch.inference_mode()
def _signals(spec: GeneratorSpec, tensors: Named) -> Tensor:
    """What the model makes of its own latents and of some from the prior."""
    generator = Generator.of(spec, tensors)
    drawn = chain_noise(
        seed=0, sweep=PRIOR_DRAW, index=torch.arange(PROBES), steps=1, shape=spec.latent_shape
    )[0]
    lots = [*torch.split(tensors["latents"], SIGNALS_AT_ONCE), *torch.split(drawn, SIGNALS_AT_ONCE)]
    return torch.cat([generator(z).flatten() for z in lots])
