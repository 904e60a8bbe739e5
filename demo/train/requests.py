"""What the Train tab is asked with."""

from dataclasses import dataclass, field
from typing import Any

from demo.runs.settings import Settings, settings_from

KNOBS = {
    "steps": ("Langevin steps", "How often the hidden codes move before the weights do."),
    "step_size": ("Langevin step size s", "Longer explores faster; too long runs away."),
    "temperature": ("Temperature", "1 samples; 0 only walks downhill."),
    "sigma": ("Sigma", "Mismatch that counts as noise, in standard deviations of the data."),
    "learning_rate": ("Learning rate", "How far the weights move at a time."),
    "batch_size": ("Batch size", "Examples that learn together."),
    "examples": ("Examples", "Pictures taken of a set; one picture or sound is one."),
    "seed": ("Seed", "The same seed gives the same run."),
}


@dataclass(frozen=True, slots=True)
class PresetPick:
    """Something of the pack that was picked."""

    token: str
    choice: dict[str, Any] = field(default_factory=dict)
    style: str = ""
    film_style: str = ""


@dataclass(frozen=True, slots=True)
class PresetQuery:
    """A kind of data and a style of settings, which films have their own of."""

    token: str
    kind: str = ""
    style: str = ""
    film_style: str = ""


@dataclass(frozen=True, slots=True)
class DataUpload:
    """A file of the visitor's. learn_as: what numbered pictures are taken for."""

    token: str
    path: str = ""
    style: str = ""
    film_style: str = ""
    learn_as: str = ""


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """Everything that Train is pressed with; the last are what was typed into KNOBS."""

    token: str
    choice: dict[str, Any] = field(default_factory=dict)
    upload: str = ""
    checkpoint: str = ""
    learn_as: str = ""
    style: str = ""
    film_style: str = ""
    minutes: float = 0.0
    steps: str = ""
    step_size: str = ""
    temperature: str = ""
    sigma: str = ""
    learning_rate: str = ""
    batch_size: str = ""
    examples: str = ""
    seed: str = ""

    @property
    def settings(self) -> Settings:
        """Raises Rejected."""
        return settings_from({name: getattr(self, name) for name in KNOBS})
