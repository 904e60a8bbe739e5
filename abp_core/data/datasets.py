"""Training data: from arrays and files to signals in [-1, 1]."""

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import soxr
import torch
from PIL import Image
from torch import Tensor

from abp_core.data import decode, formats, mapped, remarks, rumble, sets, sounds
from abp_core.data.colours import Pixels
from abp_core.data.film.pictures import holds_frames
from abp_core.data.film.read import read_film
from abp_core.data.formats import FileRejected
from abp_core.data.sounds import Samples
from abp_core.spec import Kind, SpecRejected, TrainingSpec

LARGEST_PICTURE = 512  # pixels along a side; a larger texture is made smaller
SMALLEST_PICTURE = 32
DIGESTED_AT_ONCE = 1024  # examples
SHORTEST_SOUND = 0.5  # seconds
LOWEST_RATE, HIGHEST_RATE = 1_000, 192_000  # of a sound's signal, in hertz
LOWEST_FRAME_RATE, HIGHEST_FRAME_RATE = 0.1, 240.0  # frames a second of a film
SOUND_DEVIATION = 0.25  # of a sound's signal, unless its peak would leave [-1, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where signals come from, and how to turn a signal back into what it was.

    scale: signal pixels for each pixel of the file as it was read. sample_rate: of the signal, in
    hertz. gain: a sound's signal is its samples times this. frame_rate: of a film, frames a second.
    """

    kind: Kind
    name: str
    scale: float = 1.0
    sample_rate: int = 0
    gain: float = 1.0
    frame_rate: float = 0.0

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`. Raises ValueError for anything else."""
        try:
            source = cls(**json.loads(text))
            factors = (source.scale, source.gain)
            sound = source.kind == "sound"
            rate = source.frame_rate
            if (
                source.kind in ("texture", "sound", "objects", "film")
                and isinstance(source.name, str)
                and all(isinstance(x, int | float) and 0 < x < 1e300 for x in factors)
                and isinstance(rate, int | float)
                and (
                    LOWEST_FRAME_RATE <= rate <= HIGHEST_FRAME_RATE
                    if source.kind == "film"
                    else not rate
                )
                and isinstance(source.sample_rate, int)
                and (
                    LOWEST_RATE <= source.sample_rate <= HIGHEST_RATE
                    if sound
                    else not source.sample_rate
                )
            ):
                return source
        except (TypeError, ValueError, RecursionError):
            pass
        raise ValueError("This is no description of training data.")


@dataclass(frozen=True, slots=True)
class Dataset:
    """signals (n, c, h, w) or (n, 1, length), float32 in [-1, 1], one row an example; of a film its
    frames in their order. extent: size
    of the one picture or sound that they were cut out of, or that is the one example; empty for a
    set. notes: what was done to the files that they come from, each the rest of a sentence. names:
    of the examples of a set, as its files have them; empty where they have none."""

    signals: Tensor
    source: Source
    extent: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def remarks(self) -> str:
        """The notes as sentences."""
        return " ".join(f"{note[0].upper()}{note[1:]}." for note in self.notes)

    @property
    def deviation(self) -> float:
        """The signals' standard deviation about the mean of their channel."""
        channels = self.signals.transpose(0, 1).flatten(1)
        return float(channels.var(1, correction=0).mean().sqrt())

    @property
    def digest(self) -> str:
        """SHA-256 of the signals and their shape."""
        digest = hashlib.sha256(repr(tuple(self.signals.shape)).encode())
        for some in torch.split(self.signals, DIGESTED_AT_ONCE):
            digest.update(some.numpy().tobytes())
        return digest.hexdigest()


def kind_of(path: Path) -> Kind:
    """What a file or folder would be used as, by its content. Raises FileRejected."""
    if path.is_dir() or path.name.endswith(mapped.ENDING):
        return "objects"
    head = formats.read_head(path)
    formats.require_read(head, path.name)
    found, ending = formats.format_of(head), path.suffix.lower()
    if formats.is_animated_webp(head) or (found == "zip" and holds_frames(path)):
        return "film"
    kinds: tuple[tuple[Kind, tuple[str, ...], tuple[str, ...]], ...] = (
        ("texture", formats.PICTURES, formats.PICTURE_ENDINGS),
        ("sound", formats.SOUNDS, formats.SOUND_ENDINGS),
        ("objects", formats.SETS, formats.SET_ENDINGS),
        ("film", formats.FILMS, formats.FILM_ENDINGS),
    )
    for kind, names, endings in kinds:
        if found in names or (not found and ending in endings):  # whose reader knows what to say
            return kind
    raise FileRejected(
        f"{path.name} is of no known kind; please choose a picture (PNG, JPEG, WebP), a sound "
        "(WAV, FLAC, OGG, MP3), a film (MP4, WebM, AVI, GIF), or a zip or .npz of pictures."
    )


def load(
    path: Path, spec: TrainingSpec, *, sample_rate: int = 16_000, name: str = ""
) -> tuple[Dataset, TrainingSpec]:
    """The data at `path` and `spec` fitted to its size and channels. Raises FileRejected.

    The network of `spec` decides how the file is read: a sound network reads a sound, one with
    a spatial latent crops a texture, one with a vector latent takes a set of pictures, and one of
    frames a film or pictures in the order of their names.
    """
    name = name or path.stem
    names: tuple[str, ...] = ()
    kind, wanted = kind_of(path), spec.generator.kind
    if kind == "objects" and wanted == "film" and not path.name.endswith(mapped.ENDING):
        kind = "film"
    if kind != wanted:
        raise FileRejected(f"{path.name} is for {kind}, but these settings are for {wanted}.")
    if kind == "sound":
        sound = sounds.decode(path)
        dataset, fitted = from_sound(
            sound.samples, sound.rate, spec, sample_rate=sample_rate, name=name
        )
        notes = (*sound.notes, *remarks.of_sound(sound, dataset.source.sample_rate))
    elif kind == "texture":
        picture = decode.decode(path)
        dataset, fitted = from_picture(picture.pixels, spec, name=name)
        read = (picture.pixels.shape[1], picture.pixels.shape[0])
        smaller = remarks.of_picture(picture.size, read, dataset.source.scale)
        notes = (*picture.notes, *smaller)
    elif kind == "film":
        frames = spec.generator.signal_shape[1:]
        film = read_film(
            path, pixels=math.prod(frames), unit=spec.generator.enlargement, most=spec.examples
        )
        dataset, fitted = from_film(film.frames, film.rate, spec, name=name)
        notes = film.notes
    elif path.name.endswith(mapped.ENDING):
        signals = mapped.open_signals(path)
        spec = dataclasses.replace(spec, examples=len(signals))
        fitted = _fit(spec, tuple(signals.shape[2:]), signals.shape[1])
        return Dataset(signals, Source(kind="objects", name=name)), fitted
    else:
        side = min(spec.generator.signal_shape[1:])
        found = sets.read_set(path, most=max(2, spec.examples), side=side)
        dataset, fitted = from_pictures(found.pictures, spec, name=name)
        notes = (*_notes_of(found), *remarks.of_set(found.sizes, dataset.signals.shape[-1]))
        names = found.names[: len(dataset.signals)]
    return dataclasses.replace(dataset, notes=notes, names=names), fitted


def _notes_of(found: sets.PictureSet) -> tuple[str, ...]:
    """How many of a set were taken, and which could not be."""
    taken, missing = len(found.pictures), found.left_out
    notes = []
    if taken + len(missing) < found.total:
        notes.append(f"{taken} of its {found.total} pictures were taken, evenly chosen")
    elif missing:
        notes.append(f"{taken} of its {found.total} pictures were taken")
    if missing:
        names = ", ".join(name for name, _ in missing[: sets.MOST_NAMED])
        more = len(missing) - sets.MOST_NAMED
        rest = f" and {more} more" if more > 0 else ""
        reason = missing[0][1].rstrip(".")
        notes.append(f"left out: {names}{rest}, since the first {reason}")
    return (*notes, *found.notes)


def from_picture(pixels: Pixels, spec: TrainingSpec, *, name: str) -> tuple[Dataset, TrainingSpec]:
    """One picture (h, w, 3), at its own scale unless it is larger than 512: random crops of it, or
    the whole of it where it is visited window by window."""
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST_PICTURE:
        raise FileRejected(
            f"{name} has {width} x {height} pixels; please choose a picture of at least "
            f"{SMALLEST_PICTURE} x {SMALLEST_PICTURE}."
        )
    scale = min(1.0, LARGEST_PICTURE / max(height, width))
    if scale < 1:
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
        pixels = np.array(picture)
        if min(height, width) < SMALLEST_PICTURE:
            raise FileRejected(f"{name} is too long and thin; please crop it nearer to a square.")
    signal = _signal(pixels[None])[0]
    extent = tuple(min(size, crop) for size, crop in zip(
        (height, width), spec.generator.signal_shape[1:], strict=True))  # fmt: skip
    spec = _fit(spec, extent, len(signal))
    cut = whole_example(signal, spec) if spec.window else draw_crops(signal, spec)
    source = Source(kind="texture", name=name, scale=scale)
    extent = tuple(cut.shape[2:]) if spec.window else (height, width)
    return _dataset(cut, source, extent), spec


def whole_example(signal: Tensor, spec: TrainingSpec) -> Tensor:
    """A picture (c, height, width) or sound (1, samples) as one example (1, c, ...), without what
    is no whole position of its latent map, at its end."""
    _, *size = spec.generator.signal_shape_of(spec.generator.map_shape_of(tuple(signal.shape[1:])))
    return signal[(None, slice(None), *(slice(n) for n in size))].contiguous()


def draw_starts(extent: tuple[int, ...], spec: TrainingSpec) -> list[list[int]]:
    """Where the random crops or segments begin that settings fitted to a picture or sound of this
    size take of it."""
    sizes = spec.generator.signal_shape[1:]
    space = [whole - size + 1 for whole, size in zip(extent, sizes, strict=True)]
    draw = np.random.default_rng(spec.seed)
    starts: list[list[int]] = draw.integers(space, size=(spec.examples, len(space))).tolist()
    return starts


def draw_crops(picture: Tensor, spec: TrainingSpec) -> Tensor:
    """The random crops (examples, c, h, w) that settings fitted to a picture take of it, or of
    anything as large, (c, height, width)."""
    height, width = spec.generator.signal_shape[1:]
    corners = draw_starts(tuple(picture.shape[1:]), spec)
    return torch.stack([picture[:, i : i + height, j : j + width] for i, j in corners])


def draw_segments(sound: Tensor, spec: TrainingSpec) -> Tensor:
    """The random segments (examples, 1, length) that settings fitted to a sound take of it, or of
    anything as long, (1, samples)."""
    (length,) = spec.generator.signal_shape[1:]
    starts = draw_starts(tuple(sound.shape[1:]), spec)
    return torch.stack([sound[:, start : start + length] for (start,) in starts])


def from_sound(
    samples: Samples, rate: int, spec: TrainingSpec, *, sample_rate: int, name: str
) -> tuple[Dataset, TrainingSpec]:
    """Random segments of one mono sound (frames,), resampled to at most `sample_rate` and at least
    what every player takes, without what lies below hearing."""
    if len(samples) < SHORTEST_SOUND * rate:
        raise FileRejected(
            f"{name} lasts {len(samples) / rate:.1f} s; please choose a sound of at least "
            f"{SHORTEST_SOUND} s."
        )
    if rate < LOWEST_RATE:
        raise FileRejected(
            f"{name} has {rate} samples a second; please choose a sound of at least {LOWEST_RATE}."
        )
    wanted = min(max(rate, sounds.PLAYED_RATE), sample_rate)
    if rate != wanted:
        samples = soxr.resample(samples, rate, wanted).astype(np.float32)
        rate = wanted
    samples = rumble.remove(samples, rate)
    if np.ptp(samples) < 1e-4:
        raise FileRejected(f"{name} is silent; please choose a sound that can be heard.")
    gain = float(min(SOUND_DEVIATION / samples.std(), 0.99 / np.abs(samples).max()))
    signal = torch.from_numpy(samples * np.float32(gain))
    spec = _fit(spec, (min(len(signal), spec.generator.signal_shape[1]),), 1)
    cut = whole_example(signal[None], spec) if spec.window else draw_segments(signal[None], spec)
    source = Source(kind="sound", name=name, sample_rate=rate, gain=gain)
    extent = tuple(cut.shape[2:]) if spec.window else (len(signal),)
    return _dataset(cut, source, extent), spec


def from_pictures(
    pictures: list[Pixels], spec: TrainingSpec, *, name: str
) -> tuple[Dataset, TrainingSpec]:
    """A set of aligned pictures (h, w, 3), each cut to a square and brought to one size: that of
    the settings' network, or the usual one of the pictures if that is smaller."""
    if len(pictures) < 2:
        raise FileRejected(f"{name} holds one picture; a set needs at least two.")
    pictures = pictures[: spec.examples]
    usual = float(np.median([min(pixels.shape[:2]) for pixels in pictures]))
    unit = spec.generator.enlargement
    side = min(max(unit * round(usual / unit), SMALLEST_PICTURE), *spec.generator.signal_shape[1:])
    signals = _signal(np.stack([decode.square(pixels, side) for pixels in pictures]))
    spec = _fit(spec, (side, side), signals.shape[1])
    return _dataset(signals, Source(kind="objects", name=name)), spec


def from_film(
    frames: Pixels, rate: float, spec: TrainingSpec, *, name: str
) -> tuple[Dataset, TrainingSpec]:
    """The frames (n, h, w, 3) of a film, so many a second, as many as the settings take."""
    signals = _signal(frames[: spec.examples])
    spec = _fit(spec, tuple(signals.shape[2:]), signals.shape[1])
    rate = min(max(rate, LOWEST_FRAME_RATE), HIGHEST_FRAME_RATE)
    return _dataset(signals, Source(kind="film", name=name, frame_rate=rate)), spec


def _signal(pixels: Pixels) -> Tensor:
    """(n, h, w, 3) bytes to (n, 3, h, w) in [-1, 1], or (n, 1, h, w) where all is grey."""
    grey = bool((pixels == pixels[..., :1]).all())
    signals = torch.from_numpy(pixels[..., :1] if grey else pixels).permute(0, 3, 1, 2)
    return signals.contiguous().float().div_(127.5).sub_(1)  # in place: it may be a large set


def _fit(spec: TrainingSpec, extent: tuple[int, ...], out_channels: int) -> TrainingSpec:
    try:
        return dataclasses.replace(spec, generator=spec.generator.fitted_to(extent, out_channels))
    except SpecRejected as error:
        raise FileRejected(str(error)) from error


def _dataset(signals: Tensor, source: Source, extent: tuple[int, ...] = ()) -> Dataset:
    data = Dataset(signals, source, extent)
    if data.deviation < 1e-3:
        raise FileRejected(f"{source.name} is the same everywhere; there is nothing to learn.")
    return data
