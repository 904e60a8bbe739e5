"""What a page that is shared can bear: the cost of a run, reckoned before it begins."""

import math
from itertools import pairwise

from abp_core.checkpoint import Checkpoint
from abp_core.presets import PRESETS
from abp_core.spec import GeneratorSpec, TrainingSpec
from abp_core.synthesis.render import FRAMES_AT_ONCE
from abp_core.synthesis.request import DEFAULT_COUNT, DEFAULT_SECONDS, DEFAULT_SIZE
from demo import limits
from demo.errors import Rejected

HIGHEST_PRESET_RATE = max(preset.sample_rate for preset in PRESETS.values())


def require_minutes(minutes: float) -> None:
    """Raises Rejected for a time that no run is given."""
    shortest, longest = limits.MINUTES
    if not (isinstance(minutes, int | float) and shortest <= minutes <= longest):
        raise Rejected(f"Please set the time between {shortest} and {longest:.0f} minutes.")


def require_affordable(saved: Checkpoint) -> None:
    """Raises Rejected where a saved run would ask too much of a page that is shared."""
    spec, name = saved.spec, saved.source.name
    asked = (spec.langevin.steps, spec.batch_size, spec.examples)
    allowed = (limits.STEPS, limits.BATCH_SIZE, limits.EXAMPLES)
    too_much = any(value > highest for value, (_, highest) in zip(asked, allowed, strict=True))
    if too_much or find_excess(spec) or saved.source.sample_rate > HIGHEST_PRESET_RATE:
        raise Rejected(
            "This model asks for more than a page that is shared can give; please go on training "
            "it with the command line."
        )
    if len(name) > limits.NAME or not name.isprintable():
        raise Rejected("The name of this model's data is damaged; please choose another file.")


def find_excess(spec: TrainingSpec) -> str:
    """What to take less of, or nothing where the machine can bear this run."""
    network = spec.generator
    multiplications, maps = _cost(network)
    batch = max(spec.batch_size, _samples(network))
    if batch * multiplications > limits.MULTIPLICATIONS or batch * maps > limits.VALUES:
        return "a smaller batch"
    if spec.langevin.steps * spec.batch_size * math.prod(network.latent_shape) > limits.VALUES:
        return "fewer steps or a smaller batch"
    if spec.examples * math.prod(network.signal_shape) > limits.VALUES:
        return "fewer examples"
    return ""


def _cost(network: GeneratorSpec) -> tuple[int, int]:
    """Multiplications that make one signal, and values in all maps on the way."""
    axes = len(network.first_map) - 1
    positions = math.prod(network.first_map[1:])
    opening = math.prod(network.first_map) if network.projection else 0
    multiplications, maps = opening * math.prod(network.latent_shape), opening
    widths = (network.first_map[0], *network.mixing, *network.channels, network.out_channels)
    for layer, (before, after) in enumerate(pairwise(widths)):
        multiplications += before * after * network.kernel_size**axes * positions
        if layer >= len(network.mixing):
            positions *= network.upsampling**axes
        maps += after * positions
    return multiplications, maps


def _samples(network: GeneratorSpec) -> int:
    """How many signals of its own size the largest thing that is taken home comes to."""
    if network.moving:
        return FRAMES_AT_ONCE
    if not network.spatial:
        return DEFAULT_COUNT
    wanted = (
        DEFAULT_SECONDS * HIGHEST_PRESET_RATE if len(network.first_map) == 2 else max(DEFAULT_SIZE)
    )
    wanted += 2 * network.reach * network.enlargement  # it is cut out of a larger one
    return math.prod(math.ceil(wanted / size) for size in network.signal_shape[1:])
