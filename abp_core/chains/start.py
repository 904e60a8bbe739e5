"""Where a run's chains begin: at the prior, or at what is known of their examples."""

import torch
from torch import Tensor

from abp_core.chains.examples import Chains, DataMismatch, PerExample
from abp_core.chains.through_time import ThroughTime
from abp_core.chains.windows import Place, Windows
from abp_core.data.mapped import is_mapped
from abp_core.data.pca import impute, start_at_blocks, start_at_components
from abp_core.generator import Generator
from abp_core.observation import Observation
from abp_core.priors.motion import between
from abp_core.ranks import ALONE, Ranks
from abp_core.spec import TrainingSpec


def start_chains(
    spec: TrainingSpec,
    size: Place,
    y: Tensor,
    observation: Observation,
    generator: Generator,
    ranks: Ranks = ALONE,
    *,
    anew: bool = True,
) -> Chains:
    """The chains of a run over signals of this size, of which y was seen; what was not seen of a
    film is filled in by what is expected, which they explain as well as they can. generator: f,
    which learning moves, where it lies; anew: which has learnt nothing yet."""
    device = generator.device
    if spec.window:
        return Windows(spec, tuple(size), y, observation, device, ranks)
    whole, visible, expected = None, observation.visible, None
    if spec.generator.moving and visible is not None:
        expected = between.expect(y, visible)
        y, observation = expected.seen_as(visible)
        whole = expected.film.to(device) if spec.components else None
    elif spec.components:
        d = spec.generator.latent_shape[0]
        whole = y if visible is None else impute(y, visible, d)
        whole = whole if is_mapped(whole) else whole.to(device)
    if spec.stretch:
        whole = whole if anew else None
        driven = ThroughTime(spec, y, whole, observation, device, generator.transition, ranks)
        driven.expected = expected
        return driven
    chains = PerExample(spec, y, observation, device, ranks)
    if whole is not None:
        for particles in torch.split(chains.z, len(y)):
            if spec.generator.spatial:
                start_at_blocks(particles, whole)
            else:
                start_at_components(particles, whole)
    chains.expected = expected
    return chains


def require_shape(spec: TrainingSpec, signals: Tensor) -> None:
    """Raises DataMismatch for signals that the network does not make."""
    shape, made = tuple(signals.shape[1:]), spec.generator.signal_shape
    if spec.window:
        made = spec.generator.signal_shape_of(spec.generator.map_shape_of(shape[1:]))
        if len(signals) != 1:
            raise DataMismatch("What is visited window by window is one picture or one sound.")
    if shape != made:
        raise DataMismatch(f"The data has shape {shape}, but this network makes {made}.")
