"""One run of alternating back-propagation."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal, Self

from abp_core.spec.checks import SpecRejected, is_count, is_real, require
from abp_core.spec.generator import GeneratorSpec
from abp_core.spec.langevin import LangevinSpec

PriorName = Literal["normal", "exemplar", "flow", "linear", "windows", "transition"]
# Priors of the frames of a film.
MOTIONS: tuple[PriorName, ...] = ("linear", "windows", "transition")

SMALLEST_SAMPLE_LOSS = 32  # pixels along a side, so that there are patches at more than one scale


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """One run of alternating back-propagation.

    sigma: noise level of x = f(z) + e, in units of the data's standard deviation.
    examples: how many crops or segments are drawn from one picture or sound, and the most that
        are taken of a set; each has its own persistent chain.
    sample_loss_rate: learning rate of a second loss, of samples from the prior, which takes a step
        of its own an iteration (see learning/samples.py); 0, as in the paper, leaves it out.
    components: let chains begin at the scores of the examples on their principal components
        instead of at the prior; where a frame of a film has a latent map, at those of its blocks.
    halved_after: iterations until all learning rates stand at half; see `fade`. 0, as in the
        paper, keeps them where they begin.
    window: where it is above 0, the data is one whole picture or sound with one chain over its
        whole latent map, and an iteration visits `batch_size` windows of it, in each of which it
        moves so many positions along a side (see chains/windows.py); examples is then 1.
    standardised: keep the latents of all chains at mean 0 and covariance I, as the prior has
        them, by letting the first layer take up the change (see whitening.py).
    prior: where new latents come from (see priors): "normal" is the paper's N(0, I), "exemplar"
        the one latent map that was inferred, "flow" is learnt from the latents of a set, and three
        are of the latents of a film in their order: "linear" takes each from the one before,
        "windows" is made of pieces of them in space and time, "transition" is the generator's own
        F, learnt with it.
    persistent: chains go on from where their last visit left them. Without, as in short-run
        inference (Nijkamp, Pang, Han, Zhou, Zhu and Wu 2020), every visit begins at a new draw
        from N(0, I), and `langevin.steps` steps are all that is inferred.
    particles: chains of every example of a set, over which learning takes the mean (particle
        gradient descent; Kuntz, Lim and Johansen 2023).
    stretch: frames in a row of a film with a transition that are inferred together, and through
        which learning goes back in time (see chains/through_time.py).
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
    persistent: bool = True
    particles: int = 1
    stretch: int = 0

    def __post_init__(self) -> None:
        require(
            is_real(self.sigma) and 0 < self.sigma <= 100,
            "Sigma must be a number above 0 and at most 100.",
        )
        require(
            is_real(self.learning_rate) and 0 < self.learning_rate <= 1,
            "The learning rate must be a number above 0 and at most 1.",
        )
        require(
            is_count(self.batch_size) and self.batch_size <= 4096,
            "The batch size must be a whole number from 1 to 4096.",
        )
        require(
            is_count(self.examples) and self.examples <= 1_000_000,
            "The number of examples must be a whole number from 1 to 1,000,000.",
        )
        require(
            is_count(self.seed, 0) and self.seed < 2**63,
            "The seed must be a whole number from 0 to 2^63 - 1.",
        )
        require(isinstance(self.standardised, bool), "Standardised is either true or false.")
        require(
            is_real(self.sample_loss_rate) and 0 <= self.sample_loss_rate <= 1,
            "The rate of the loss of samples must be a number from 0 to 1.",
        )
        require(isinstance(self.components, bool), "Components is either true or false.")
        require(
            not self.components or not self.generator.spatial or self.generator.moving,
            "Only a vector latent, or those of a film, can begin at principal components.",
        )
        require(
            is_count(self.halved_after, 0) and self.halved_after <= 10**9,
            "The iterations until the learning rates are halved must be a whole number from 0 to "
            "1,000,000,000.",
        )
        self._require_agreement()

    def _require_agreement(self) -> None:
        """Of what the network, the second loss, the window and the prior ask of each other.
        Raises SpecRejected."""
        require(
            self.sample_loss_rate == 0
            or (
                not self.generator.spatial
                and len(self.generator.first_map) == 3
                and min(self.generator.signal_shape[1:]) >= SMALLEST_SAMPLE_LOSS
            ),
            "The loss of samples is for sets of pictures of at least "
            f"{SMALLEST_SAMPLE_LOSS} x {SMALLEST_SAMPLE_LOSS} pixels.",
        )
        require(
            self.sample_loss_rate == 0 or self.examples > 1,
            "The loss of samples needs at least two examples.",
        )
        require(
            is_count(self.window, 0) and self.window <= 4096,
            "The window must be a whole number from 0 to 4096.",
        )
        require(
            not self.window or self.generator.margins,
            "Only a latent map with margins is visited window by window.",
        )
        require(
            not self.window or self.examples == 1,
            "What is visited window by window is one example.",
        )
        self._require_chains()
        require(
            self.prior in ("normal", "exemplar", "flow", *MOTIONS),
            "The prior is normal, exemplar, flow, linear, windows or transition.",
        )
        require(
            self.prior != "exemplar" or (self.generator.spatial and self.examples == 1),
            "An exemplar prior is made of one latent map.",
        )
        require(
            self.prior != "flow" or not self.generator.spatial,
            "A flow is a prior of vector latents.",
        )
        require(
            (self.prior in MOTIONS) <= self.generator.moving,
            "Only a film has a prior of motion.",
        )
        require(
            self.prior != "linear" or not self.generator.spatial,
            "A linear motion is one of vector latents.",
        )
        require(
            self.prior != "windows" or self.generator.spatial,
            "Windows are cut out of latent maps.",
        )
        require(
            (self.prior == "transition") == (self.generator.transition > 0) == (self.stretch > 0),
            "A prior that is a transition needs its features and stretches of frames, and they it.",
        )

    def _require_chains(self) -> None:
        """Of how many there are, and where they begin. Raises SpecRejected."""
        require(isinstance(self.persistent, bool), "Persistent is either true or false.")
        require(
            self.persistent or not self.components,
            "Chains that begin anew at every visit cannot begin at principal components.",
        )
        require(
            is_count(self.particles) and self.particles <= 64,
            "The particles must be a whole number from 1 to 64.",
        )
        require(
            self.particles == 1 or not self.window,
            "Several particles are for examples that are visited whole, not window by window.",
        )
        require(
            is_count(self.stretch, 0) and self.stretch <= 4096,
            "The frames of a stretch must be a whole number from 0 to 4096.",
        )
        require(
            not self.stretch
            or (self.persistent and self.particles == 1 and not self.sample_loss_rate),
            "Stretches of a film have one chain that goes on, and no loss of samples.",
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
