"""What a visitor may set: a preset in one of a few styles, and numbers in its place."""

import math
import re
from dataclasses import asdict, dataclass, replace

from abp_core.presets import PRESETS, Preset
from abp_core.spec import TrainingSpec
from demo import limits
from demo.errors import Rejected
from demo.models.costs import find_excess
from demo.models.method import render_method

STYLES = ("Quick", "Standard", "As in the paper")
FILM_STYLES = ("Quick", "Standard", "Linear motion", "Learnt motion", "As in the paper")

# 2,000: two thousand in one country, two in another.
AMBIGUOUS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")

WALK_FIELDS = ("steps", "step_size", "temperature")
COUNT_FIELDS = {  # what is counted: its words, and from where to where
    "steps": ("number of Langevin steps", limits.STEPS),
    "batch_size": ("batch size", limits.BATCH_SIZE),
    "examples": ("number of examples", limits.EXAMPLES),
    "seed": ("seed", limits.SEED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the Train tab may set beside a preset; None leaves the preset's own value."""

    steps: float | None = None
    step_size: float | None = None
    temperature: float | None = None
    sigma: float | None = None
    learning_rate: float | None = None
    batch_size: float | None = None
    examples: float | None = None
    seed: float | None = None


def settings_from(texts: dict[str, str]) -> Settings:
    """What was typed, by the names of `Settings`; an empty text leaves the preset's value.
    Raises Rejected."""
    values: dict[str, float] = {}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            continue
        try:
            if AMBIGUOUS.fullmatch(text.strip()):
                raise ValueError("thousands, or a decimal comma?")
            values[name] = float(text.strip().replace(",", ".")[:40])
        except ValueError:
            raise Rejected(
                f"The {name.replace('_', ' ')} “{text.strip()[:20]}” is no number; please correct "
                "it, or empty the field to leave the choice to the preset."
            ) from None
        if not math.isfinite(values[name]):
            raise Rejected(f"The {name.replace('_', ' ')} must be finite; please correct it.")
    return Settings(**values)


def preset_for(kind: str, style: str) -> Preset:
    """The preset of a kind of data in one of the STYLES, or of a film in one of the FILM_STYLES.
    Raises Rejected."""
    names: dict[str, tuple[str, ...]] = {
        "texture": ("quick-texture", "texture", "paper-texture"),
        "sound": ("quick-sound", "sound", "paper-sound"),
        "objects": ("quick-objects", "objects", "paper-faces"),
        "film": ("quick-film", "film", "linear-film", "transition-film", "paper-film"),
    }
    styles = FILM_STYLES if kind == "film" else STYLES
    if not isinstance(kind, str) or kind not in names or style not in styles:
        *others, last = styles
        raise Rejected(f"Please choose one of the settings {', '.join(others)} or {last}.")
    return PRESETS[names[kind][styles.index(style)]]


def describe_preset(kind: str, style: str) -> tuple[str, Settings]:
    """A sentence about a preset, and its values for everything that may be set."""
    preset = preset_for(kind, style)
    spec = preset.training
    return preset.sentence, Settings(
        steps=spec.langevin.steps,
        step_size=spec.langevin.step_size,
        temperature=spec.langevin.temperature,
        sigma=spec.sigma,
        learning_rate=spec.learning_rate,
        batch_size=spec.batch_size,
        examples=spec.examples,
        seed=spec.seed,
    )


def describe_method(kind: str, style: str) -> str:
    """Markup of what a preset does in an iteration. Raises Rejected."""
    return render_method(preset_for(kind, style).training, style)


def spec_with(own: TrainingSpec, settings: Settings) -> TrainingSpec:
    """A preset with what the visitor set instead. Raises SpecRejected, or Rejected where it asks
    too much of a page that is shared."""
    changes = {name: value for name, value in asdict(settings).items() if value is not None}
    for name, (words, (lowest, highest)) in COUNT_FIELDS.items():
        value = changes.get(name, lowest)
        if not lowest <= value <= highest or value != int(value):
            raise Rejected(f"Please set the {words} to a whole number from {lowest} to {highest}.")
        if name in changes:
            changes[name] = int(value)
    walk = {name: changes.pop(name) for name in WALK_FIELDS if name in changes}
    if "step_size" in walk or walk.get("temperature") == 0 or walk.get("steps") == 1:
        walk["acceptance"] = 0.0  # a step of the visitor's own, or none that could be tested
    spec = replace(own, langevin=replace(own.langevin, **walk), **changes)
    if too_much := find_excess(spec):
        raise Rejected(f"This is too much for a page that is shared; please take {too_much}.")
    return spec
