"""How a visitor of the Inference tab wants to walk."""

from collections.abc import Mapping
from dataclasses import dataclass

from abp_core.data.film.protocol import LEAST_FRAMES
from demo import limits
from demo.errors import Rejected
from demo.models.library import DEGRADATIONS

STARTS = ("prior", "zero", "training")
MOST_FRAMES = LEAST_FRAMES  # of a film that are inferred together


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSettings:
    """How to walk. step_size, sigma: 0 for the model's own; sigma in deviations of the data.
    frames: of a film that are inferred together."""

    steps: int = 100
    step_size: float = 0.0
    temperature: float = 1.0
    sigma: float = 0.0
    chains: int = 4
    start: str = "prior"
    hiding: str = "nothing"
    seed: int = 0
    frames: int = 1


def chain_settings_from(sent: object) -> ChainSettings:
    """What a browser sent. Raises Rejected."""
    fields = sent if isinstance(sent, Mapping) else {}

    def number(name: str, low: float, high: float, words: str) -> float:
        value = fields.get(name, getattr(ChainSettings(), name))
        real = isinstance(value, int | float) and not isinstance(value, bool)
        if not real or not low <= value <= high:
            raise Rejected(f"Please set the {words} between {low:g} and {high:g}.")
        return float(value)

    def one_of(name: str, choices: tuple[str, ...]) -> str:
        value = fields.get(name, getattr(ChainSettings(), name))
        if value not in choices:
            raise Rejected(f"Please choose one of {', '.join(choices)}.")
        return str(value)

    return ChainSettings(
        steps=int(number("steps", 1, limits.WALK_STEPS, "steps")),
        step_size=number("step_size", 0, 10, "step size"),
        temperature=number("temperature", 0, 100, "temperature"),
        sigma=number("sigma", 0, 100, "sigma"),
        chains=int(number("chains", 1, limits.CHAINS, "number of chains")),
        start=one_of("start", STARTS),
        hiding=one_of("hiding", DEGRADATIONS),
        seed=int(number("seed", 0, limits.SEED[1], "seed")),
        frames=int(number("frames", 1, MOST_FRAMES, "number of frames")),
    )
