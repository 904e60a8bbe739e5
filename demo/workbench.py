"""What the tabs ask for: settings in, pictures and sentences out. The only door to the engine."""

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from abp_core import data, files, synthesis
from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.data import Dataset, PackItem
from abp_core.files import FileRejected
from abp_core.presets import PRESETS, Preset
from abp_core.spec import SpecRejected, TrainingSpec
from abp_core.trainer import DataMismatch, Diverging, Trainer
from demo import limits, media
from demo.jobs import Job, Progress, Report
from demo.sessions import Busy, Sessions, Visit, is_token

EXAMPLES = Path(__file__).parent / "examples"
REFUSALS = (FileRejected, CheckpointRejected, SpecRejected, DataMismatch, Busy)
PANEL = 256  # pixels along a live picture
SEED_OF_SAMPLES = 1  # the same latents all the time, so that one sees the model change


class Rejected(ValueError):
    """What was asked for cannot be done. The message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Card:
    """One thing of the pack to choose. picture: data URL. sound: path of a file, or empty."""

    kind: str
    name: str
    label: str
    picture: str
    sound: str
    credit: str
    grey: bool


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


@dataclass(frozen=True, slots=True)
class Panel:
    """One live picture or sound; data URLs."""

    caption: str
    picture: str
    sound: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """A visitor's run as it stands, ready to be shown. number: tells runs apart."""

    number: int
    name: str
    kind: str
    report: Report
    panels: tuple[Panel, ...]


def label_of(name: str) -> str:
    """A data set's name in words, without the size of its pictures."""
    return " ".join(word for word in name.split("_") if not word.isdigit()) or name


def settings_from(texts: dict[str, str]) -> Settings:
    """What was typed, by the names of `Settings`; an empty text leaves the preset's value.
    Raises Rejected."""
    values: dict[str, float] = {}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            continue
        try:
            values[name] = float(text.strip().replace(",", ".")[:40])
        except ValueError:
            raise Rejected(
                f"The {name.replace('_', ' ')} “{text.strip()[:20]}” is no number; please correct "
                "it, or empty the field to leave the choice to the preset."
            ) from None
        if not math.isfinite(values[name]):
            raise Rejected(f"The {name.replace('_', ' ')} must be finite; please correct it.")
    return Settings(**values)


STYLES = ("Quick", "Standard", "As in the paper")


def preset_for(kind: str, style: str) -> Preset:
    """The preset of a kind of data in one of the STYLES. Raises Rejected."""
    names = {
        "texture": ("quick-texture", "texture", "paper-texture"),
        "sound": ("quick-sound", "sound", "paper-sound"),
        "objects": ("quick-objects", "objects", "paper-faces"),
    }
    if kind not in names or style not in STYLES:
        raise Rejected("Please choose one of the settings Quick, Standard or As in the paper.")
    return PRESETS[names[kind][STYLES.index(style)]]


def about(kind: str, style: str) -> tuple[str, Settings]:
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


class Workbench:
    """The studio's engine room, one for all visitors."""

    def __init__(self) -> None:
        self.sessions = Sessions()
        self._pack = {item.name: item for item in data.pack(EXAMPLES)}
        self._outbox = tempfile.TemporaryDirectory(prefix="abp-studio-")

    def close(self) -> None:
        self.sessions.close()
        self._outbox.cleanup()

    def cards(self) -> list[Card]:
        """Everything in the pack, with a thumbnail; colourful things first."""
        return sorted((_card(item) for item in self._pack.values()), key=lambda card: card.grey)

    def inspect(self, path: str) -> tuple[str, str]:
        """The kind of an uploaded file and a sentence about it. Raises Rejected."""
        file = Path(path)
        with _refusing():
            kind = data.kind_of(file)
            preset = preset_for(kind, STYLES[0])
            dataset, _ = data.load(file, preset.training, sample_rate=preset.sample_rate)
        n, *_, last = dataset.signals.shape
        sentence = {
            "texture": f"a picture, learnt from crops {last} pixels wide",
            "sound": f"a sound at {dataset.source.sample_rate} Hz, learnt in segments of "
            f"{last / max(dataset.source.sample_rate, 1):.1f} s",
            "objects": f"{n} pictures, learnt at {last} x {last} pixels",
        }[kind]
        return kind, f"{file.name}: {sentence}."

    def start(
        self, token: str, *, item: str, upload: str, style: str, settings: Settings, minutes: float
    ) -> None:
        """Begins a run on an item of the pack, or on an upload if one is named.
        Raises Rejected."""
        path, name = self._chosen(item, upload)
        with _refusing():
            kind = data.kind_of(path) if upload else self._pack[item].kind
            preset = preset_for(kind, style)
            spec = _spec(preset.training, settings)

        def prepare() -> _Run:
            dataset, fitted = data.load(path, spec, sample_rate=preset.sample_rate, name=name)
            return _Run(Trainer(fitted, dataset))

        self._admit(token, prepare, minutes, name=name, kind=kind)

    def inspect_checkpoint(self, checkpoint: str) -> str:
        """A sentence about an uploaded checkpoint. Raises Rejected."""
        saved = self._opened(checkpoint)
        name = saved.source.name
        data_too = "" if name in self._pack else f", after choosing the file {name} above as well"
        return (
            f"A model of {label_of(name)} after {saved.iteration} iterations: press Train "
            f"to go on training it{data_too}."
        )

    def continue_from(self, token: str, checkpoint: str, *, upload: str, minutes: float) -> None:
        """Goes on training a saved model on its own data. Raises Rejected."""
        saved = self._opened(checkpoint)
        source = saved.source
        if not upload and source.name not in self._pack:
            raise Rejected(
                f"Please choose the file that the model learnt from as well ({source.name})."
            )
        path, _ = self._chosen(source.name, upload)

        def prepare() -> _Run:
            dataset, _ = data.load(
                path, saved.spec, sample_rate=source.sample_rate or 16_000, name=source.name
            )
            return _Run(Trainer.resume(saved, dataset))

        self._admit(token, prepare, minutes, name=source.name, kind=source.kind)

    def go_on(self, token: str, minutes: float, *, step_factor: float = 1.0) -> None:
        """Another stretch of a run that has ended, with a shorter Langevin step if asked.
        Raises Rejected."""
        visit = self._visit(token)
        earlier = visit.job
        if earlier is None or visit.at_work:
            raise Rejected("There is no ended run to go on with; press Train to begin one.")

        def prepare() -> _Run:
            run: _Run = earlier.ask(lambda run: run)
            if step_factor != 1.0:
                saved = run.trainer.checkpoint()
                langevin = replace(
                    saved.spec.langevin, step_size=saved.spec.langevin.step_size * step_factor
                )
                saved = replace(saved, spec=replace(saved.spec, langevin=langevin))
                run = _Run(Trainer.resume(saved, run.trainer.data))
            return run

        self._admit(
            token, prepare, minutes, name=visit.name, kind=visit.kind, curve=earlier.report.curve
        )

    def pause(self, token: str) -> None:
        self._with_job(token, Job.pause)

    def resume(self, token: str) -> None:
        self._with_job(token, Job.resume)

    def stop(self, token: str) -> None:
        self._with_job(token, Job.stop)

    def live(self, token: str) -> Live | None:
        """The visitor's run, or None before the first."""
        return live_of(self._visit(token))

    def take_home(self, token: str) -> str:
        """Path of a checkpoint of the visitor's run as it stands. Raises Rejected."""
        visit, saved = self._checkpoint(token)
        path = self._place(f"{_slug(visit.name)}-{saved.iteration}.safetensors")
        saved.save(path)
        return str(path)

    def take_samples(self, token: str) -> str:
        """Path of a PNG or WAV of new samples of the visitor's run. Raises Rejected."""
        visit, saved = self._checkpoint(token)
        generator, source = saved.generator(), saved.source
        name = f"{_slug(visit.name)}-{saved.iteration}-samples"
        if source.kind == "sound":
            signal = synthesis.expand_to(generator, (10 * source.sample_rate,), SEED_OF_SAMPLES)
            path = self._place(name + ".wav")
            sound = synthesis.samples(signal[0], source.gain)
            soundfile.write(path, sound, source.sample_rate, "PCM_16")
            return str(path)
        if source.kind == "texture":
            signal = synthesis.expand_to(generator, (512, 512), SEED_OF_SAMPLES)
            picture = synthesis.pixels(signal)[0]
        else:
            pictures = synthesis.pixels(synthesis.sample(generator, 64, SEED_OF_SAMPLES))
            picture = synthesis.contact_sheet(pictures, 8)
        facts = PngInfo()
        facts.add_itxt("Model", f"{visit.name}, iteration {saved.iteration}")
        facts.add_text("Seed", str(SEED_OF_SAMPLES))
        path = self._place(name + ".png")
        Image.fromarray(picture).save(path, pnginfo=facts)
        return str(path)

    def _visit(self, token: str) -> Visit:
        if not is_token(token):
            raise Rejected("This page has lost its place; please reload it.")
        return self.sessions.visit(token)

    def _chosen(self, item: str, upload: str) -> tuple[Path, str]:
        if upload:
            return Path(upload), Path(upload).stem
        if item in self._pack:
            return self._pack[item].path, item
        raise Rejected("Please choose something to learn from, or bring a file of your own.")

    def _opened(self, checkpoint: str) -> Checkpoint:
        with _refusing():
            return Checkpoint.load(Path(checkpoint))

    def _admit(self, token: str, prepare: Any, minutes: float, **about: Any) -> None:
        shortest, longest = limits.MINUTES
        if not (isinstance(minutes, int | float) and shortest <= minutes <= longest):
            raise Rejected(f"Please set the time between {shortest} and {longest:.0f} minutes.")
        visit = self._visit(token)
        curve = about.pop("curve", ())
        job = Job(
            prepare,
            budget=minutes * 60,
            watched=lambda: visit.viewers > 0,
            explain=_explain,
            curve=curve,
        )
        with _refusing():
            self.sessions.admit(token, job, **about)

    def _with_job(self, token: str, order: Any) -> None:
        job = self._visit(token).job
        if job is not None:
            order(job)

    def _checkpoint(self, token: str) -> tuple[Visit, Checkpoint]:
        visit = self._visit(token)
        if visit.job is None:
            raise Rejected("There is no model yet; press Train to begin.")
        try:
            saved = visit.job.ask(lambda run: run.trainer.checkpoint())
        except (LookupError, TimeoutError) as error:
            raise Rejected("The model is not ready yet; please try again in a moment.") from error
        return visit, saved

    def _place(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(dir=self._outbox.name)) / name


def live_of(visit: Visit) -> Live | None:
    if visit.job is None:
        return None
    report = visit.job.report
    return Live(visit.job.number, label_of(visit.name), visit.kind, report, report.view or ())


class _Run:
    """A trainer as a job drives it."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self._diverging = Diverging(min(trainer.spec.batch_size, len(trainer.z)))

    def iterate(self) -> Iterator[Progress | None]:
        for event in self.trainer.alternation():
            yield event and Progress(
                iteration=event.iteration,
                error=event.reconstruction_error,
                latent=event.latent_norm,
                diverged=self._diverging.seen(event),
                seconds=event.seconds,
            )

    def view(self) -> tuple[Panel, ...]:
        """Training examples, their reconstructions, and new samples."""
        trainer, source = self.trainer, self.trainer.data.source
        generator = trainer.generator
        shown = {"texture": 4, "sound": 1, "objects": 16}[source.kind]
        with torch.inference_mode():
            rebuilt = generator(trainer.z[:shown]).float().cpu()
        if source.kind == "texture":
            new = synthesis.expand_to(generator, (PANEL, PANEL), SEED_OF_SAMPLES)
        elif source.kind == "sound":
            new = synthesis.expand_to(generator, (3 * source.sample_rate,), SEED_OF_SAMPLES)
        else:
            new = synthesis.sample(generator, shown, SEED_OF_SAMPLES)
        panel = _sound_panel if source.kind == "sound" else _picture_panel
        return tuple(
            panel(caption, signals, trainer.data)
            for caption, signals in zip(
                CAPTIONS, (trainer.data.signals[:shown], rebuilt, new), strict=True
            )
        )


CAPTIONS = ("From the data", "Rebuilt by the model", "New, from noise")


def _picture_panel(caption: str, signals: torch.Tensor, _: Dataset) -> Panel:
    pictures = synthesis.pixels(signals)
    sheet = synthesis.contact_sheet(pictures, math.isqrt(len(pictures)))
    return Panel(caption, media.jpeg_url(sheet))


def _sound_panel(caption: str, signals: torch.Tensor, dataset: Dataset) -> Panel:
    rate = dataset.source.sample_rate
    segment = dataset.signals.shape[-1]  # the same stretch of time in every picture
    return Panel(
        caption,
        media.jpeg_url(media.sound_picture(signals[0, 0, :segment].numpy(), rate)),
        media.wav_url(synthesis.samples(signals[0], dataset.source.gain), rate),
    )


def _spec(own: TrainingSpec, settings: Settings) -> TrainingSpec:
    """A preset with what the visitor set instead. Raises SpecRejected, or Rejected where it asks
    too much of a page that is shared."""
    changes = {name: value for name, value in asdict(settings).items() if value is not None}
    bounds = {
        "steps": ("number of Langevin steps", limits.STEPS),
        "batch_size": ("batch size", limits.BATCH_SIZE),
        "examples": ("number of examples", limits.EXAMPLES),
        "seed": ("seed", limits.SEED),
    }
    for name, (words, (lowest, highest)) in bounds.items():
        value = changes.get(name, lowest)
        if not lowest <= value <= highest or value != int(value):
            raise Rejected(f"Please set the {words} to a whole number from {lowest} to {highest}.")
        if name in changes:
            changes[name] = int(value)
    walk = {name: changes.pop(name) for name in WALK if name in changes}
    return replace(own, langevin=replace(own.langevin, **walk), **changes)


WALK = ("steps", "step_size", "temperature")


@contextmanager
def _refusing() -> Iterator[None]:
    """The engine's refusals as the studio's."""
    try:
        yield
    except REFUSALS as error:
        raise Rejected(str(error)) from error


def _explain(error: Exception) -> str:
    """The sentence for a run that could not be built or broke."""
    if isinstance(error, REFUSALS):
        return str(error)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "There is not enough memory for this run; please take a smaller batch."
    raise error


@cache
def _card(item: PackItem) -> Card:
    sound = ""
    if item.kind == "sound":
        samples, rate = files.read_sound(item.path)
        picture = media.sound_picture(
            samples[: 4 * rate] / max(abs(samples).max(), 1e-6), rate, 96, 96
        )
        sound = str(item.path)
    elif item.kind == "texture":
        picture = media.thumbnail(files.read_picture(item.path), 96)
    else:
        pictures = files.read_pictures(item.path)
        chosen = pictures[:: max(1, len(pictures) // 4)][:4]
        tiles = np.stack([media.thumbnail(picture, 48) for picture in chosen])
        picture = synthesis.contact_sheet(tiles, 2)
    return Card(
        kind=item.kind,
        name=item.name,
        label=label_of(item.name),
        picture=media.jpeg_url(picture, 80),
        sound=sound,
        credit=f"{item.author}, {item.licence}",
        grey=bool((picture == picture[..., :1]).all()),
    )


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:60] or "model"
