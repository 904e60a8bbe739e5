"""What the tabs ask for: settings in, pictures and sentences out. The only door to the engine."""

import logging
import math
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import pairwise
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
from abp_core.spec import GeneratorSpec, SpecRejected, TrainingSpec
from abp_core.trainer import DataMismatch, Diverging, Trainer
from demo import limits, media
from demo.jobs import Job, NeverBegan, Progress, Report
from demo.sessions import Busy, LostPlace, Sessions, Visit

EXAMPLES = Path(__file__).parent / "examples"
REFUSALS = (
    FileRejected,
    CheckpointRejected,
    SpecRejected,
    DataMismatch,
    Busy,
    LostPlace,
    NeverBegan,
)
PANEL = 256  # pixels along a live picture
SEED_OF_SAMPLES = 1  # the same latents all the time, so that one sees the model change

# What is taken home: one picture so wide, so many seconds of sound, so many pictures of a set.
SAMPLE_PIXELS, SAMPLE_SECONDS, SAMPLE_PICTURES = 512, 10, 64


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


AMBIGUOUS = re.compile(
    r"[-+]?[1-9]\d{0,2},\d{3}"
)  # 2,000: two thousand in one country, two in another

STYLES = ("Quick", "Standard", "As in the paper")


def preset_for(kind: str, style: str) -> Preset:
    """The preset of a kind of data in one of the STYLES. Raises Rejected."""
    names = {
        "texture": ("quick-texture", "texture", "paper-texture"),
        "sound": ("quick-sound", "sound", "paper-sound"),
        "objects": ("quick-objects", "objects", "paper-faces"),
    }
    if not isinstance(kind, str) or kind not in names or style not in STYLES:
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
        self._hands = threading.BoundedSemaphore(limits.ASIDE)

    def close(self) -> None:
        self.sessions.close()
        self._outbox.cleanup()

    def cards(self) -> list[Card]:
        """Everything in the pack, with a thumbnail; colourful things first."""
        return sorted((_card(item) for item in self._pack.values()), key=lambda card: card.grey)

    def inspect(self, path: str) -> tuple[str, str]:
        """The kind of an uploaded file and a sentence about it. Raises Rejected."""
        file = Path(path)
        with self._aside(), _refusing():
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
        self._visit(token)
        _require_minutes(minutes)
        path, name = self._chosen(item, upload)
        with _refusing():
            kind = data.kind_of(path) if upload else self._pack[item].kind
            preset = preset_for(kind, style)
            spec = _spec(preset.training, settings)
        with self._aside(), _refusing():  # here, so that a refusal leaves the earlier run alone
            dataset, fitted = data.load(path, spec, sample_rate=preset.sample_rate, name=name)
            run = _Run(Trainer(fitted, dataset))
        self._admit(token, lambda: run, minutes, name=name, kind=kind)

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
        self._visit(token)
        _require_minutes(minutes)
        saved = self._opened(checkpoint)
        source = saved.source
        if not upload and source.name not in self._pack:
            raise Rejected(
                f"Please choose the file that the model learnt from as well ({source.name})."
            )
        path, _ = self._chosen(source.name, upload)
        with self._aside(), _refusing():
            dataset, _ = data.load(
                path, saved.spec, sample_rate=source.sample_rate or 16_000, name=source.name
            )
            if dataset.digest == saved.digest and len(dataset.signals) != len(saved.latents):
                raise CheckpointRejected("This model is damaged; please choose another one.")
            run = _Run(Trainer.resume(saved, dataset))
        self._admit(token, lambda: run, minutes, name=source.name, kind=dataset.source.kind)

    def go_on(self, token: str, minutes: float, *, step_factor: float = 1.0) -> None:
        """Another stretch of a run that has ended, with a shorter Langevin step if asked.
        Raises Rejected."""
        visit = self._visit(token)
        _require_minutes(minutes)
        earlier = visit.job
        if earlier is None or visit.at_work or earlier.report.phase == "failed":
            raise Rejected("There is no ended run to go on with; press Train to begin one.")

        def prepare() -> _Run:
            trainer: Trainer = earlier.take_over().trainer
            if step_factor != 1.0:
                saved = trainer.checkpoint()
                saved = saved.at(saved.step_size * step_factor)
                trainer = Trainer.resume(saved, trainer.data)
            return _Run(trainer)

        self._admit(
            token,
            prepare,
            minutes,
            name=visit.name,
            kind=visit.kind,
            curve=earlier.report.curve,
            after=earlier,
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
        with _writing():
            path = self._place(visit, f"{_slug(visit.name)}-{saved.iteration}.safetensors")
            saved.save(path)
        return str(path)

    def take_samples(self, token: str) -> str:
        """Path of a PNG or WAV of new samples of the visitor's run. Raises Rejected."""
        visit, saved = self._checkpoint(token)
        name = f"{_slug(visit.name)}-{saved.iteration}-samples"
        with self._aside(), _writing():
            if saved.source.kind == "sound":
                path = self._place(visit, name + ".wav")
                soundfile.write(path, _sound(saved), saved.source.sample_rate, "PCM_16")
                return str(path)
            facts = PngInfo()
            facts.add_itxt("Model", f"{visit.name}, iteration {saved.iteration}")
            facts.add_text("Seed", str(SEED_OF_SAMPLES))
            path = self._place(visit, name + ".png")
            Image.fromarray(_picture(saved)).save(path, pnginfo=facts)
            return str(path)

    def _visit(self, token: str) -> Visit:
        with _refusing():
            return self.sessions.visit(token)

    def _chosen(self, item: str, upload: str) -> tuple[Path, str]:
        if upload:
            return Path(upload), Path(upload).stem
        if isinstance(item, str) and item in self._pack:
            return self._pack[item].path, item
        raise Rejected("Please choose something to learn from, or bring a file of your own.")

    def _opened(self, checkpoint: str) -> Checkpoint:
        with self._aside(), _refusing():
            saved = Checkpoint.load(Path(checkpoint))
            _require_known_bounds(saved)
        return saved

    def _admit(self, token: str, prepare: Any, minutes: float, **about: Any) -> None:
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
        job = visit.job
        if job is None:
            raise Rejected("There is no model yet; press Train to begin.")
        try:
            saved: Checkpoint = job.ask(lambda run: run.trainer.checkpoint())
        except (NeverBegan, TimeoutError) as error:
            raise Rejected("The model is not ready yet; please try again in a moment.") from error
        return visit, saved

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Heavy work beside the runs, for a few visitors at a time. Raises Rejected."""
        if not self._hands.acquire(timeout=limits.SECONDS_WAITING):
            raise Rejected("Many visitors bring or take files just now; please try again soon.")
        try:
            yield
        finally:
            self._hands.release()

    def _place(self, visit: Visit, name: str) -> Path:
        """Where a file to take home is written; the visitor's oldest ones make room."""
        if visit.folder is None:
            visit.folder = Path(tempfile.mkdtemp(dir=self._outbox.name))
        newest_last = sorted(visit.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for old in newest_last[: 1 - limits.FILES_KEPT]:
            old.unlink(missing_ok=True)
        return visit.folder / name


def live_of(visit: Visit) -> Live | None:
    job = visit.job  # another thread may let go of it
    if job is None:
        return None
    report = job.report
    return Live(job.number, label_of(visit.name), visit.kind, report, report.view or ())


class _Run:
    """A trainer as a job drives it."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self._diverging = Diverging(trainer.chains)

    def iterate(self) -> Iterator[Progress | None]:
        for event in self.trainer.alternation():
            if event is None:
                yield None
                continue
            yield Progress(
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
    for name, (words, (lowest, highest)) in BOUNDS.items():
        value = changes.get(name, lowest)
        if not lowest <= value <= highest or value != int(value):
            raise Rejected(f"Please set the {words} to a whole number from {lowest} to {highest}.")
        if name in changes:
            changes[name] = int(value)
    walk = {name: changes.pop(name) for name in WALK if name in changes}
    if "step_size" in walk or walk.get("temperature") == 0 or walk.get("steps") == 1:
        walk["acceptance"] = 0.0  # a step of the visitor's own, or none that could be tested
    spec = replace(own, langevin=replace(own.langevin, **walk), **changes)
    if excess := _excess(spec):
        raise Rejected(f"This is too much for a page that is shared; please take {excess}.")
    return spec


WALK = ("steps", "step_size", "temperature")
BOUNDS = {
    "steps": ("number of Langevin steps", limits.STEPS),
    "batch_size": ("batch size", limits.BATCH_SIZE),
    "examples": ("number of examples", limits.EXAMPLES),
    "seed": ("seed", limits.SEED),
}


def _require_minutes(minutes: float) -> None:
    shortest, longest = limits.MINUTES
    if not (isinstance(minutes, int | float) and shortest <= minutes <= longest):
        raise Rejected(f"Please set the time between {shortest} and {longest:.0f} minutes.")


def _require_known_bounds(saved: Checkpoint) -> None:
    """Raises Rejected where a saved run would ask too much of a page that is shared."""
    spec, name = saved.spec, saved.source.name
    asked = (spec.langevin.steps, spec.batch_size, spec.examples)
    allowed = (limits.STEPS, limits.BATCH_SIZE, limits.EXAMPLES)
    too_much = any(value > highest for value, (_, highest) in zip(asked, allowed, strict=True))
    if too_much or _excess(spec) or saved.source.sample_rate > HIGHEST_PRESET_RATE:
        raise Rejected(
            "This model asks for more than a page that is shared can give; please go on training "
            "it with the command line."
        )
    if len(name) > limits.NAME or not name.isprintable():
        raise Rejected("The name of this model's data is damaged; please choose another file.")


def _excess(spec: TrainingSpec) -> str:
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
    widths = (network.first_map[0], *network.channels, network.out_channels)
    for before, after in pairwise(widths):
        multiplications += before * after * network.kernel_size**axes * positions
        positions *= network.upsampling**axes
        maps += after * positions
    return multiplications, maps


def _samples(network: GeneratorSpec) -> int:
    """How many signals of its own size the largest thing that is taken home comes to."""
    if not network.spatial:
        return SAMPLE_PICTURES
    wanted = SAMPLE_SECONDS * HIGHEST_PRESET_RATE if len(network.first_map) == 2 else SAMPLE_PIXELS
    return math.prod(math.ceil(wanted / size) for size in network.signal_shape[1:])


HIGHEST_PRESET_RATE = max(preset.sample_rate for preset in PRESETS.values())


def _sound(saved: Checkpoint) -> media.Samples:
    """New sound (frames,) of a saved model."""
    size = (SAMPLE_SECONDS * saved.source.sample_rate,)
    signal = synthesis.expand_to(saved.generator(), size, SEED_OF_SAMPLES)
    return synthesis.samples(signal[0], saved.source.gain)


def _picture(saved: Checkpoint) -> media.Pixels:
    """A new texture, or a sheet of new pictures, of a saved model."""
    if saved.source.kind == "texture":
        size = (SAMPLE_PIXELS, SAMPLE_PIXELS)
        signal = synthesis.expand_to(saved.generator(), size, SEED_OF_SAMPLES)
        sheet = synthesis.pixels(signal)
        return synthesis.contact_sheet(sheet, 1)
    signals = synthesis.sample(saved.generator(), SAMPLE_PICTURES, SEED_OF_SAMPLES)
    return synthesis.contact_sheet(synthesis.pixels(signals), math.isqrt(SAMPLE_PICTURES))


@contextmanager
def _refusing() -> Iterator[None]:
    """The engine's refusals as the studio's."""
    try:
        yield
    except REFUSALS as error:
        raise Rejected(str(error)) from error
    except (MemoryError, RuntimeError) as error:
        if not _is_lack_of_memory(error):
            raise
        raise Rejected(NO_MEMORY) from error


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        logging.getLogger(__name__).error("A file could not be written", exc_info=error)
        raise Rejected("The file could not be written; please try again later.") from error


def _explain(error: Exception) -> str:
    """The sentence for a run that could not be built or broke."""
    if isinstance(error, REFUSALS):
        return str(error)
    if _is_lack_of_memory(error):
        return NO_MEMORY
    logging.getLogger(__name__).error("A run broke", exc_info=error)
    return "Something broke inside the studio; please press Train to begin again."


def _is_lack_of_memory(error: Exception) -> bool:
    """torch reports it as a RuntimeError: out of memory, or not enough memory."""
    return isinstance(error, MemoryError) or " memory" in str(error).lower()


NO_MEMORY = "There is not enough memory for this run; please take a smaller batch."


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
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:40] or "model"
