"""What a run is made of: frozen, validated settings that travel in every checkpoint."""

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any, Literal, Self

from abp_core.errors import Refusal

Kind = Literal["texture", "sound", "objects"]
PriorName = Literal["normal", "exemplar", "flow"]

MOST_ENTRIES = 2**24  # of one training signal; a picture of 2,300 x 2,300 in colour
SMALLEST_SAMPLE_LOSS = 32  # pixels along a side, so that there are patches at more than one scale


class SpecRejected(Refusal):
    """Settings that describe no possible run. The message is one sentence for the user."""


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise SpecRejected(sentence)


def _is_count(value: object, lowest: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= lowest


def _is_real(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -math.inf < value < math.inf  # math.isfinite overflows on a huge int


def _counts(values: object) -> bool:
    return isinstance(values, tuple) and all(_is_count(value) for value in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSpec:
    """The shape of x = f(z; W): a latent, layers that mix its positions where there are any, then
    layers that each enlarge by `upsampling`.

    latent_shape: (c, h, w) for a picture or (c, n) for a sound with a spatial latent, fully
        convolutional, so that a larger z gives a larger signal; (d,) for a vector latent.
    channels: features after every layer that enlarges but the last; there are len(channels) + 1.
    kernel_size, upsampling: of every transposed convolution, along each axis.
    out_channels: 3 colour, 1 grey or sound.
    projection: (c, h, w) or (c, n), what a fully connected layer makes of a vector latent;
        None for a spatial latent.
    leak: slope of the rectifier below zero (0 is ReLU; the paper uses .2 for objects).
    mixing: features after every layer that comes before those and keeps the latent map's size.
        They let latents that lie far apart agree on what they make: the courses of a roof.
    margins: the latent map has `reach` more positions on every side than the signal shows, and f
        cuts off what those would become. No border is ever felt: a part of a map makes the same
        part of its signal.
    """

    latent_shape: tuple[int, ...]
    channels: tuple[int, ...]
    kernel_size: int
    upsampling: int
    out_channels: int
    projection: tuple[int, ...] | None = None
    leak: float = 0.0
    mixing: tuple[int, ...] = ()
    margins: bool = False

    def __post_init__(self) -> None:
        _require(
            _counts(self.latent_shape) and len(self.latent_shape) in (1, 2, 3),
            "The latent shape must be (d,), (channels, length) or (channels, height, width).",
        )
        _require(
            _counts(self.channels) and len(self.channels) <= 8,
            "The channels must be at most eight positive whole numbers.",
        )
        _require(_is_count(self.upsampling), "The upsampling must be a positive whole number.")
        _require(
            _is_count(self.kernel_size) and self.kernel_size >= self.upsampling,
            "The kernel size must be a whole number, at least as large as the upsampling.",
        )
        _require(
            self.upsampling > 1 or self.kernel_size % 2 == 1,
            "Without upsampling the kernel size must be odd.",
        )
        _require(
            _is_count(self.out_channels) and self.out_channels in (1, 3),
            "A signal has one channel or three.",
        )
        _require(
            _counts(self.mixing) and len(self.mixing) <= 8,
            "The mixing layers' channels must be at most eight positive whole numbers.",
        )
        _require(
            not self.mixing or (self.projection is None and self.kernel_size % 2 == 1),
            "Mixing layers need a latent map and an odd kernel size.",
        )
        _require(_is_real(self.leak) and 0 <= self.leak < 1, "The leak must lie in [0, 1).")
        _require(isinstance(self.margins, bool), "Margins are either there or not: true or false.")
        _require(
            not self.margins or (self.projection is None and len(self.latent_shape) > 1),
            "Only a latent map has margins.",
        )
        if len(self.latent_shape) == 1:
            _require(
                self.projection is not None
                and _counts(self.projection)
                and len(self.projection) in (2, 3),
                "A vector latent needs a projection (channels, length) or (channels, h, w).",
            )
        else:
            _require(self.projection is None, "A spatial latent takes no projection.")
        _require(min(self.signal_shape) > 0, "A latent map must be larger than its margins.")
        _require(
            math.prod(self.signal_shape) <= MOST_ENTRIES,
            f"A signal may have at most {MOST_ENTRIES:,} entries.",
        )

    @property
    def kind(self) -> Kind:
        """What the network is for: a map of latents for textures, a vector for sets of objects."""
        if len(self.first_map) == 2:
            return "sound"
        return "texture" if self.spatial else "objects"

    @property
    def spatial(self) -> bool:
        """Whether the latent is a map, so that a larger one gives a larger signal."""
        return self.projection is None

    @property
    def enlargement(self) -> int:
        """Signal entries along an axis for each position of the first map."""
        return int(self.upsampling ** (len(self.channels) + 1))

    @property
    def reach(self) -> int:
        """How many positions of the latent map, to each side, an entry of a signal depends on at
        most; the map's border is felt as far inside."""
        reach, half = 0, self.kernel_size // 2
        for _ in range(len(self.channels) + 1):
            reach = math.ceil((reach + half) / self.upsampling)
        return reach + half * len(self.mixing)

    @property
    def margin(self) -> int:
        """Positions on every side of the latent map that the signal does not show."""
        return self.reach if self.margins else 0

    @property
    def first_map(self) -> tuple[int, ...]:
        """Shape of what the first transposed convolution receives."""
        return self.latent_shape if self.projection is None else self.projection

    @property
    def signal_shape(self) -> tuple[int, ...]:
        """Shape of one x, for example (3, 128, 128) or (1, 60000)."""
        return self.signal_shape_of(self.first_map)

    def signal_shape_of(self, first_map: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of what a first map of this shape becomes; for a spatial latent, of f(z)."""
        shown = (size - 2 * self.margin for size in first_map[1:])
        return (self.out_channels, *(size * self.enlargement for size in shown))

    def map_shape_of(self, extent: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the latent map of a signal of this size; what is no whole position is left
        out."""
        sizes = (size // self.enlargement + 2 * self.margin for size in extent)
        return (self.first_map[0], *sizes)

    def fitted_to(self, extent: tuple[int, ...], out_channels: int) -> Self:
        """This network for signals of another size: at most `extent`, rounded down to whole
        positions of the first map. Raises SpecRejected where not even one position fits."""
        _require(
            len(extent) == len(self.first_map) - 1 and min(extent) >= self.enlargement,
            f"The data is too small: each side must be at least {self.enlargement} long.",
        )
        first_map = self.map_shape_of(extent)
        return dataclasses.replace(
            self,
            latent_shape=first_map if self.spatial else self.latent_shape,
            projection=None if self.spatial else first_map,
            out_channels=out_channels,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LangevinSpec:
    """The inference walk: how many steps, how long, and how much noise.

    step_size: s of z <- z - (s^2 / 2) dU/dz + s * noise.
    temperature: the noise is scaled by its square root; 0 walks downhill only.
    acceptance: 0 keeps the step size; above 0, training shortens it until a Metropolis test
        would accept that share of the moves; `step_size` is then its longest.
    preconditioned: training learns a metric in which the posterior is about as wide in every
        direction (see preconditioner.py); step sizes are then in its units, and about 1.
    """

    steps: int
    step_size: float
    temperature: float = 1.0
    acceptance: float = 0.0
    preconditioned: bool = False

    def __post_init__(self) -> None:
        _require(
            _is_count(self.steps) and self.steps <= 10_000,
            "The number of Langevin steps must be a whole number from 1 to 10,000.",
        )
        _require(
            _is_real(self.step_size) and 0 < self.step_size <= 10,
            "The step size must be a number above 0 and at most 10.",
        )
        _require(
            _is_real(self.temperature) and 0 <= self.temperature <= 100,
            "The temperature must be a number from 0 to 100.",
        )
        _require(
            _is_real(self.acceptance) and 0 <= self.acceptance < 1,
            "The acceptance to aim at must be a number from 0 to below 1.",
        )
        _require(
            self.acceptance == 0 or (self.steps > 1 and self.temperature > 0),
            "A step size that follows the acceptance needs at least two steps and some noise.",
        )
        _require(isinstance(self.preconditioned, bool), "Preconditioned is either true or false.")

    def at(self, step_size: float) -> Self:
        """The same walk with a step size of one's own choice, which then stays."""
        return dataclasses.replace(self, step_size=step_size, acceptance=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """One run of alternating back-propagation.

    sigma: noise level of x = f(z) + e, in units of the data's standard deviation.
    examples: how many crops or segments are drawn from one picture or sound, and the most that
        are taken of a set; each has its own persistent chain.
    sample_loss_rate: learning rate of a second loss, of samples from the prior, which takes a step
        of its own an iteration (see losses/samples.py); 0, as in the paper, leaves it out.
    components: let chains begin at the scores of the examples on their principal components
        instead of at the prior; only for a vector latent.
    halved_after: iterations until all learning rates stand at half; see `fade`. 0, as in the
        paper, keeps them where they begin.
    window: where it is above 0, the data is one whole picture or sound with one chain over its
        whole latent map, and an iteration visits `batch_size` windows of it, in each of which it
        moves so many positions along a side (see chains/windows.py); examples is then 1.
    standardised: keep the latents of all chains at mean 0 and covariance I, as the prior has
        them, by letting the first layer take up the change (see whitening.py).
    prior: where new latents come from (see priors): "normal" is the paper's N(0, I), "exemplar"
        the one latent map that was inferred, "flow" is learnt from the latents of a set.
    """

    generator: GeneratorSpec
    langevin: LangevinSpec
    sigma: float
    learning_rate: float
    batch_size: int
    examples: int
    seed: int = 0
    standardised: bool = False
    sample_loss_rate: float = 0.0
    halved_after: int = 0
    components: bool = False
    window: int = 0
    prior: PriorName = "normal"

    def __post_init__(self) -> None:
        _require(
            _is_real(self.sigma) and 0 < self.sigma <= 100,
            "Sigma must be a number above 0 and at most 100.",
        )
        _require(
            _is_real(self.learning_rate) and 0 < self.learning_rate <= 1,
            "The learning rate must be a number above 0 and at most 1.",
        )
        _require(
            _is_count(self.batch_size) and self.batch_size <= 4096,
            "The batch size must be a whole number from 1 to 4096.",
        )
        _require(
            _is_count(self.examples) and self.examples <= 100_000,
            "The number of examples must be a whole number from 1 to 100,000.",
        )
        _require(
            _is_count(self.seed, 0) and self.seed < 2**63,
            "The seed must be a whole number from 0 to 2^63 - 1.",
        )
        _require(isinstance(self.standardised, bool), "Standardised is either true or false.")
        _require(
            _is_real(self.sample_loss_rate) and 0 <= self.sample_loss_rate <= 1,
            "The rate of the loss of samples must be a number from 0 to 1.",
        )
        _require(
            self.sample_loss_rate == 0
            or (
                not self.generator.spatial
                and len(self.generator.first_map) == 3
                and min(self.generator.signal_shape[1:]) >= SMALLEST_SAMPLE_LOSS
            ),
            "The loss of samples is for sets of pictures of at least "
            f"{SMALLEST_SAMPLE_LOSS} x {SMALLEST_SAMPLE_LOSS} pixels.",
        )
        _require(
            self.sample_loss_rate == 0 or self.examples > 1,
            "The loss of samples needs at least two examples.",
        )
        _require(isinstance(self.components, bool), "Components is either true or false.")
        _require(
            not self.components or not self.generator.spatial,
            "Only a vector latent can begin at principal components.",
        )
        _require(
            _is_count(self.halved_after, 0) and self.halved_after <= 10**9,
            "The iterations until the learning rates are halved must be a whole number from 0 to "
            "1,000,000,000.",
        )

        _require(
            _is_count(self.window, 0) and self.window <= 4096,
            "The window must be a whole number from 0 to 4096.",
        )
        _require(
            not self.window or self.generator.margins,
            "Only a latent map with margins is visited window by window.",
        )
        _require(
            not self.window or self.examples == 1,
            "What is visited window by window is one example.",
        )
        _require(
            self.prior in ("normal", "exemplar", "flow"),
            "The prior is normal, exemplar or flow.",
        )
        _require(
            self.prior != "exemplar" or (self.generator.spatial and self.examples == 1),
            "An exemplar prior is made of one latent map.",
        )
        _require(
            self.prior != "flow" or not self.generator.spatial,
            "A flow is a prior of vector latents.",
        )

    def fade(self, iteration: int) -> float:
        """What the learning rates are multiplied with by then: 1 / (1 + iteration / halved_after).

        All of them alike (a stochastic approximation, Robbins and Monro 1951): what the two
        losses pull the weights between stays where it is, and the swings about it die down.
        """
        return 1 / (1 + iteration / self.halved_after) if self.halved_after else 1.0

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`. Raises SpecRejected for anything else."""
        try:
            fields: dict[str, Any] = json.loads(text)
            generator: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in fields.pop("generator").items()
            }
            langevin = LangevinSpec(**fields.pop("langevin"))
            if "lesson_rate" in fields:  # as files called it before, when maps had such a loss too
                rate, whole = fields.pop("lesson_rate"), len(generator["latent_shape"]) > 1
                fields["sample_loss_rate"] = 0.0 if whole else rate
            return cls(generator=GeneratorSpec(**generator), langevin=langevin, **fields)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            if isinstance(error, SpecRejected):
                raise
            raise SpecRejected("These settings are not those of a training run.") from error
