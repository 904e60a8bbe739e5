"""What the tabs ask for: settings in, pictures and sentences out. The only door to the engine."""

import dataclasses
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from abp_core import data, files, synthesis
from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.data import Dataset, PackItem
from abp_core.files import FileRejected
from abp_core.presets import PRESETS
from abp_core.spec import SpecRejected, TrainingSpec
from abp_core.trainer import DataMismatch, Trainer
from demo import limits, media
from demo.jobs import Job, Progress, Report
from demo.sessions import Busy, Sessions, Visit

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


@dataclass(frozen=True, slots=True)
class Settings:
    """What the Train tab may set; the rest follows from the preset."""

    preset: str
    minutes: float
    steps: int
    step_size: float
    temperature: float
    sigma: float
    learning_rate: float
    batch_size: int
    examples: int
    seed: int


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


def presets_for(kind: str) -> list[tuple[str, str, str]]:
    """(name, label, sentence) of the presets for a kind of data, the quick one first."""
    labels = {"quick": "Quick", "paper": "As in the paper", "": "Standard"}
    found = []
    for name, preset in PRESETS.items():
        if data.kind_for(preset.training.generator) == kind:
            first = name.split("-")[0] if "-" in name else ""
            label = "Paper, faces" if name == "paper-faces" else labels[first]
            found.append((name, label, preset.sentence))
    return found


def settings_of(preset: str) -> Settings:
    """The preset's own values for everything that may be set."""
    spec = PRESETS[preset].training
    return Settings(
        preset=preset,
        minutes=limits.DEFAULT_MINUTES,
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
        try:
            kind = data.kind_of(file)
            dataset, _ = _load(
                file, settings_of({"texture": "texture", "sound": "sound"}.get(kind, "objects"))
            )
        except REFUSALS as error:
            raise Rejected(str(error)) from error
        shape = dataset.signals.shape
        sentence = {
            "texture": f"a picture, learnt from crops of {shape[-1]} x {shape[-2]} pixels",
            "sound": f"a sound at {dataset.source.sample_rate} Hz, learnt from segments of "
            f"{shape[-1] / max(dataset.source.sample_rate, 1):.1f} s",
            "objects": f"{shape[0]} pictures of {shape[-1]} x {shape[-2]} pixels",
        }[kind]
        return kind, f"{file.name}: {sentence}."

    def start(self, token: str, *, item: str, upload: str, settings: Settings) -> None:
        """Begins a run on an item of the pack, or on an upload if one is named.
        Raises Rejected."""
        path, name = self._chosen(item, upload)
        _check(settings)
        kind = data.kind_for(PRESETS[settings.preset].training.generator)

        def prepare() -> _Run:
            dataset, spec = _load(path, settings, name=name)
            return _Run(Trainer(spec, dataset))

        self._admit(token, prepare, settings.minutes, name=name, kind=kind)

    def continue_from(
        self, token: str, checkpoint: str, *, item: str, upload: str, minutes: float
    ) -> None:
        """Goes on training a saved model on its own data. Raises Rejected."""
        saved = self._opened(checkpoint)
        source = saved.source
        path, _ = self._chosen(source.name if source.name in self._pack else item, upload)

        def prepare() -> _Run:
            dataset, _ = data.load(
                path, saved.spec, sample_rate=source.sample_rate, name=source.name
            )
            return _Run(Trainer.resume(saved, dataset))

        self._admit(token, prepare, minutes, name=source.name, kind=source.kind)

    def go_on(self, token: str, minutes: float, *, step_factor: float = 1.0) -> None:
        """Another stretch of a run that has ended, with a shorter Langevin step if asked.
        Raises Rejected."""
        visit = self.sessions.visit(token)
        earlier = visit.job
        if earlier is None or visit.at_work:
            raise Rejected("There is no ended run to go on with; press Train to begin one.")

        def prepare() -> _Run:
            run: _Run = earlier.ask(lambda run: run)
            if step_factor != 1.0:
                saved = run.trainer.checkpoint()
                langevin = dataclasses.replace(
                    saved.spec.langevin, step_size=saved.spec.langevin.step_size * step_factor
                )
                saved = dataclasses.replace(
                    saved, spec=dataclasses.replace(saved.spec, langevin=langevin)
                )
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
        return live_of(self.sessions.visit(token))

    def take_home(self, token: str) -> str:
        """Path of a checkpoint of the visitor's run as it stands. Raises Rejected."""
        visit, saved = self._checkpoint(token)
        path = self._place(f"{_slug(visit.name)}-{saved.iteration}.safetensors")
        saved.save(path)
        return str(path)

    def take_samples(self, token: str) -> str:
        """Path of a PNG or WAV of new samples of the visitor's run. Raises Rejected."""
        visit, saved = self._checkpoint(token)
        generator = saved.generator()
        name = f"{_slug(visit.name)}-{saved.iteration}-samples"
        if saved.source.kind == "sound":
            rate = saved.source.sample_rate
            positions = math.ceil(10 * rate / saved.spec.generator.enlargement)
            sound = synthesis.expand(generator, (positions,), SEED_OF_SAMPLES)[0, 0].numpy()
            path = self._place(name + ".wav")
            soundfile.write(path, np.clip(sound / saved.source.gain, -1, 1), rate, "PCM_16")
            return str(path)
        if saved.source.kind == "texture":
            positions = math.ceil(512 / saved.spec.generator.enlargement)
            picture = _pixels(synthesis.expand(generator, (positions, positions), SEED_OF_SAMPLES))[
                0
            ]
        else:
            picture = _sheet(_pixels(synthesis.sample(generator, 64, SEED_OF_SAMPLES)), 8)
        facts = PngInfo()
        facts.add_text("Model", f"{visit.name}, iteration {saved.iteration}")
        facts.add_text("Seed", str(SEED_OF_SAMPLES))
        path = self._place(name + ".png")
        Image.fromarray(picture).save(path, pnginfo=facts)
        return str(path)

    def _chosen(self, item: str, upload: str) -> tuple[Path, str]:
        if upload:
            return Path(upload), Path(upload).stem
        if item in self._pack:
            return self._pack[item].path, item
        raise Rejected("Please choose something to learn from, or bring a file of your own.")

    def _opened(self, checkpoint: str) -> Checkpoint:
        try:
            return Checkpoint.load(Path(checkpoint))
        except CheckpointRejected as error:
            raise Rejected(str(error)) from error

    def _admit(self, token: str, prepare: Any, minutes: float, **about: Any) -> None:
        shortest, longest = limits.MINUTES
        if not (isinstance(minutes, int | float) and shortest <= minutes <= longest):
            raise Rejected(f"Please set the time between {shortest} and {longest:.0f} minutes.")
        visit = self.sessions.visit(token)
        curve = about.pop("curve", ())
        job = Job(
            prepare,
            budget=minutes * 60,
            watched=lambda: visit.viewers > 0,
            explain=_explain,
            curve=curve,
        )
        try:
            self.sessions.admit(token, job, **about)
        except Busy as error:
            raise Rejected(str(error)) from error

    def _with_job(self, token: str, order: Any) -> None:
        job = self.sessions.visit(token).job
        if job is not None:
            order(job)

    def _checkpoint(self, token: str) -> tuple[Visit, Checkpoint]:
        visit = self.sessions.visit(token)
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
    return Live(visit.job.number, visit.name, visit.kind, report, report.view or ())


class _Run:
    """A trainer as a job drives it."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self._unsound = 0

    def iterate(self) -> Iterator[Progress | None]:
        for event in self.trainer.alternation():
            if event is None:
                yield None
                continue
            everyone = event.diverged == min(self.trainer.spec.batch_size, len(self.trainer.z))
            self._unsound = self._unsound + 1 if everyone else 0
            yield Progress(
                iteration=event.iteration,
                error=event.reconstruction_error,
                latent=event.latent_norm,
                diverged=self._unsound >= 3,
                seconds=event.seconds,
            )

    def view(self) -> tuple[Panel, ...]:
        trainer = self.trainer
        signals, source = trainer.data.signals, trainer.data.source
        generator = trainer.generator
        if source.kind == "sound":
            with torch.inference_mode():
                rebuilt = generator(trainer.z[:1]).float().cpu()
            length = 3 * source.sample_rate // trainer.spec.generator.enlargement
            new = synthesis.expand(generator, (length,), SEED_OF_SAMPLES)
            return tuple(
                _sound_panel(caption, x[0, 0].numpy(), trainer.data)
                for caption, x in zip(SOUND_CAPTIONS, (signals[:1], rebuilt, new), strict=True)
            )
        shown = 4 if source.kind == "texture" else 16
        with torch.inference_mode():
            rebuilt = generator(trainer.z[:shown]).float().cpu()
        if source.kind == "texture":
            positions = math.ceil(PANEL / trainer.spec.generator.enlargement)
            new = synthesis.expand(generator, (positions, positions), SEED_OF_SAMPLES)
        else:
            new = synthesis.sample(generator, shown, SEED_OF_SAMPLES)
        columns = math.isqrt(shown)
        return (
            Panel(CAPTIONS[0], media.jpeg_url(_sheet(_pixels(signals[:shown]), columns))),
            Panel(CAPTIONS[1], media.jpeg_url(_sheet(_pixels(rebuilt), columns))),
            Panel(CAPTIONS[2], media.jpeg_url(_sheet(_pixels(new), max(1, math.isqrt(len(new)))))),
        )


CAPTIONS = ("From the data", "As the model rebuilds them", "New, from noise")
SOUND_CAPTIONS = ("From the data", "As the model rebuilds it", "New, from noise")


def _sound_panel(caption: str, signal: NDArray[np.float32], dataset: Dataset) -> Panel:
    rate = dataset.source.sample_rate
    samples = signal / np.float32(dataset.source.gain)
    return Panel(
        caption,
        media.jpeg_url(media.sound_picture(signal, rate)),
        media.wav_url(samples, rate),
    )


def _pixels(signals: torch.Tensor) -> NDArray[np.uint8]:
    """(n, 1 or 3, h, w) in [-1, 1] to (n, h, w, 3) bytes."""
    pixels = ((signals.clamp(-1, 1) + 1) * 127.5).round().byte()
    return pixels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).numpy()


def _sheet(pictures: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """(n, h, w, 3) side by side in rows of `columns`."""
    n, h, w, _ = pictures.shape
    rows = n // columns
    grid = pictures[: rows * columns].reshape(rows, columns, h, w, 3)
    return grid.transpose(0, 2, 1, 3, 4).reshape(rows * h, columns * w, 3)


def _load(path: Path, settings: Settings, *, name: str = "") -> tuple[Dataset, TrainingSpec]:
    preset = PRESETS[settings.preset]
    return data.load(path, _spec(settings), sample_rate=preset.sample_rate, name=name)


def _spec(settings: Settings) -> TrainingSpec:
    spec = PRESETS[settings.preset].training
    langevin = dataclasses.replace(
        spec.langevin,
        steps=settings.steps,
        step_size=settings.step_size,
        temperature=settings.temperature,
    )
    return dataclasses.replace(
        spec,
        langevin=langevin,
        sigma=settings.sigma,
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        examples=settings.examples,
        seed=settings.seed,
    )


def _check(settings: Settings) -> None:
    """Raises Rejected where the settings describe no run, or one too large for a shared page."""
    if settings.preset not in PRESETS:
        raise Rejected("Please choose one of the presets.")
    try:
        _spec(settings)
    except SpecRejected as error:
        raise Rejected(str(error)) from error
    bounds = {
        "Langevin steps": (settings.steps, limits.STEPS),
        "batch size": (settings.batch_size, limits.BATCH_SIZE),
        "number of examples": (settings.examples, limits.EXAMPLES),
    }
    own = settings_of(settings.preset)
    for what, (value, (lowest, highest)) in bounds.items():
        allowed = (own.steps, own.batch_size, own.examples)  # a preset may always be used as it is
        if not lowest <= value <= highest and value not in allowed:
            raise Rejected(f"Please set the {what} between {lowest} and {highest}.")


def _explain(error: Exception) -> str:
    """The sentence for a run that could not be built or broke."""
    if isinstance(error, REFUSALS):
        return str(error)
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "There is not enough memory for this run; please take a smaller batch."
    raise error


@cache
def _card(item: PackItem) -> Card:
    label = item.name.replace("_", " ").removesuffix(" 32").removesuffix(" 64").removesuffix(" 128")
    sound = ""
    if item.kind == "sound":
        samples, rate = files.read_sound(item.path)
        picture = media.sound_picture(
            samples[: 4 * rate] / max(abs(samples).max(), 1e-6), rate, 128, 96
        )
        sound = str(item.path)
    elif item.kind == "texture":
        picture = media.thumbnail(files.read_picture(item.path), 96)
    else:
        pictures = files.read_pictures(item.path)
        chosen = pictures[:: max(1, len(pictures) // 4)][:4]
        tiles = np.stack([media.thumbnail(picture, 48) for picture in chosen])
        picture = _sheet(tiles, 2)
    return Card(
        kind=item.kind,
        name=item.name,
        label=label,
        picture=media.jpeg_url(picture, 80),
        sound=sound,
        credit=f"{item.author}, {item.licence}",
        grey=bool((picture == picture[..., :1]).all()),
    )


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:60] or "model"
