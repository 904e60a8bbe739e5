"""What can be asked of a model, checked in one place, and the command that asks it again."""

import dataclasses
import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from abp_core.errors import Refusal
from abp_core.spec import GeneratorSpec, Kind
from abp_core.synthesis.encode import LONGEST_SIDE, MOST_FRAMES

DEFAULT_SIZE = (512, 512)  # width, height of a texture
DEFAULT_MARGIN = 128
DEFAULT_SECONDS = 10.0
DEFAULT_COUNT = 64  # of objects
MOST_WINDOWS = 4  # along a side of a film's picture
FASTEST = 8.0  # times as fast as a film was
MOST_FILM_FRAMES = 36_000  # twenty minutes of thirty a second
WIDEST_FILM = 4  # times as wide and as high as what was learnt
MOST_PICTURES = 1024
WIDEST_MARGIN = 8192
HOTTEST = 4.0
LAST_SEED = 2**63 - 1

# What belongs to which kind of model; the seed and the temperature are for all.
FOR: dict[str, tuple[Kind, ...]] = {
    "size": ("texture", "film"),
    "tile": ("texture", "sound", "film"),
    "count": ("texture", "objects"),
    "seconds": ("sound", "film"),
    "speed": ("film",),
    "anew": ("film",),
    "windows": ("film",),
    "grow": ("texture",),
    "margin": ("texture",),
    "rebuilt": ("texture",),
    "nearest": ("objects",),
}
NOUNS: dict[Kind, str] = {
    "texture": "textures",
    "sound": "sounds",
    "objects": "objects",
    "film": "films",
}


class RequestRejected(Refusal):
    """A request that cannot be met. The message is one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing to make. None is whatever is usual for the model.

    size: (width, height) of a texture or film, in pixels; a film that is larger than what was
    learnt is made of parts of it, each of which begins anywhere. tile: the axes (x, y, xy) along
    which it can be laid beside itself without a seam; x is time for a sound or a film, which is
    then a loop. seconds: of a sound or a film. speed: of a film, over that of what was learnt.
    anew: let a film begin anywhere instead of going on after the last frame that was learnt.
    windows: along a side of a film's picture, each of which goes its own way through time. count:
    objects on a sheet, or textures of as many seeds. paper: draw latents from N(0, I) as the paper
    does, instead of from what was inferred. temperature: variance of those; the prior's is 1.
    novelty: how far what is made of a picture or sound may depart from it, from 0 to 1. grow: a
    picture to continue by `margin` pixels on every side; rebuilt: show it as its latents make it,
    instead of itself. nearest: the data that the model learnt from, whose nearest example is shown
    beside each object.

    Raises RequestRejected for what no model can be asked.
    """

    size: tuple[int, int] | None = None
    tile: str | None = None
    seconds: float | None = None
    speed: float | None = None
    anew: bool = False
    windows: int | None = None
    count: int | None = None
    seed: int = 0
    paper: bool = False
    temperature: float = 1.0
    novelty: float = 1.0
    grow: Path | None = None
    margin: int | None = None
    rebuilt: bool = False
    nearest: Path | None = None

    def __post_init__(self) -> None:
        if self.size is not None:
            _require(
                all(_is_count(side, 1, LONGEST_SIDE) for side in self.size),
                f"Each side of the size must have 1 to {LONGEST_SIDE:,} pixels.",
            )
        _require(self.tile in (None, "x", "y", "xy"), "The tile must be x, y or xy.")
        _require(
            self.seconds is None or (_is_real(self.seconds) and 0 < self.seconds <= MOST_FRAMES),
            "The seconds must be a number above 0.",
        )
        _require(
            self.count is None or _is_count(self.count, 1, MOST_PICTURES),
            f"The count must be a whole number from 1 to {MOST_PICTURES:,}.",
        )
        last = LAST_SEED - (self.count or 1) + 1
        _require(
            _is_count(self.seed, 0, last), f"The seed must be a whole number from 0 to {last:,}."
        )
        _require(
            _is_real(self.temperature) and 0 <= self.temperature <= HOTTEST,
            f"The temperature must be a number from 0 to {HOTTEST:g}.",
        )
        _require(
            _is_real(self.novelty) and 0 <= self.novelty <= 1,
            "The novelty must be a number from 0 to 1.",
        )
        _require(
            self.speed is None or (_is_real(self.speed) and 1 / FASTEST <= self.speed <= FASTEST),
            f"The speed must be a number from {1 / FASTEST:g} to {FASTEST:g}.",
        )
        _require(
            self.windows is None or _is_count(self.windows, 1, MOST_WINDOWS),
            f"The windows must be a whole number from 1 to {MOST_WINDOWS}.",
        )
        _require(isinstance(self.anew, bool), "A film either begins anew or goes on.")
        _require(isinstance(self.paper, bool), "The paper's prior is either asked for or not.")
        _require(
            self.margin is None or _is_count(self.margin, 0, WIDEST_MARGIN),
            f"The margin must be a whole number of pixels from 0 to {WIDEST_MARGIN:,}.",
        )
        for name, sentence in (
            ("size", "A picture that grows has the size of the picture and its margins"),
            ("tile", "A picture that grows cannot be a tile as well"),
            ("count", "A picture grows once for each seed"),
        ):
            together = self.grow is not None and getattr(self, name) is not None
            _require(not together, f"{sentence}; please leave out --{name}.")
        for name in ("margin", "rebuilt"):
            alone = self.grow is None and getattr(self, name) not in (None, False)
            _require(not alone, f"--{name} is for a picture that grows; please name it: --grow.")

    def fit(self, spec: GeneratorSpec, rate: float = 0) -> Self:
        """This request to a model of that network, the usual filled in. rate: of its sounds, or of
        the frames of its films.
        Raises RequestRejected where the model cannot meet it."""
        for name, kinds in FOR.items():
            _require(
                getattr(self, name) in (None, False) or spec.kind in kinds,
                f"--{name} is for {_listed([NOUNS[kind] for kind in kinds])}, but this model "
                f"makes {NOUNS[spec.kind]}.",
            )
        if spec.kind == "film":
            return self._fitted_film(spec, rate)
        if spec.kind == "sound":
            return self._fitted_sound(spec, int(rate))
        if spec.kind == "objects":
            return dataclasses.replace(self, count=self.count or DEFAULT_COUNT)
        return self._fitted_texture(spec.enlargement)

    def words(self) -> Iterator[str]:
        """What the command line is given for this request."""
        if self.size is not None:
            yield from ("--size", "x".join(map(str, self.size)))
        for name in ("tile", "seconds", "speed", "windows", "count", "grow", "margin", "nearest"):
            if getattr(self, name) is not None:
                value = getattr(self, name)
                exact = name in ("seconds", "speed")
                yield from (f"--{name}", _plain(value) if exact else str(value))
        if self.anew:
            yield "--anew"
        if self.rebuilt:
            yield "--rebuilt"
        yield from ("--seed", str(self.seed))
        if self.paper:
            yield "--paper"
        if self.temperature != 1:
            yield from ("--temperature", repr(self.temperature))
        if self.novelty != 1:
            yield from ("--novelty", repr(self.novelty))

    def command(self, checkpoint: str, out: str) -> str:
        """The line that makes the same again from the model at `checkpoint`."""
        words = ("--checkpoint", checkpoint, "--out", out, *self.words())
        return shlex.join(("python", "-m", "abp_core.synthesise", *words))

    def _fitted_sound(self, spec: GeneratorSpec, rate: int) -> Self:
        if not spec.spatial:
            for name in ("seconds", "tile"):
                _require(
                    getattr(self, name) is None,
                    f"This model makes sounds of one length only; please leave out --{name}.",
                )
            return self
        _require(self.tile in (None, "x"), "A sound has one axis only; please write --tile x.")
        if self.seconds is None:
            seconds = loop_of(DEFAULT_SECONDS, spec, rate) if self.tile else DEFAULT_SECONDS
            return dataclasses.replace(self, seconds=seconds)
        longest = MOST_FRAMES // rate
        _require(
            self.seconds <= longest,
            f"The seconds must be a number above 0 and at most {longest:,}, which fill a file.",
        )
        frames = frames_of(self.seconds, rate)
        if self.tile and frames % spec.enlargement:
            nearest = [_plain(n / rate) for n in _around(frames, spec.enlargement) if n]
            raise RequestRejected(
                f"A loop of this model must last a multiple of {_plain(spec.enlargement / rate)} "
                f"s; {_nearest(nearest)}."
            )
        return self

    def _fitted_film(self, spec: GeneratorSpec, rate: float) -> Self:
        _require(
            self.tile in (None, "x"), "A film comes round in time only; please write --tile x."
        )
        _require(not (self.tile and self.anew), "A loop begins nowhere; please leave out --anew.")
        _require(not self.paper, "A film has a prior of motion only; please leave out --paper.")
        seconds = DEFAULT_SECONDS if self.seconds is None else self.seconds
        longest = MOST_FILM_FRAMES / rate
        _require(
            seconds <= longest, f"The seconds must be a number above 0 and at most {longest:,.0f}."
        )
        wider = self.size is not None and self._is_wider(self.size, spec)
        anew = self.anew or (wider and not self.tile)
        return dataclasses.replace(self, seconds=seconds, speed=self.speed or 1.0, anew=anew)

    def _is_wider(self, size: tuple[int, int], spec: GeneratorSpec) -> bool:
        """Whether a film of that size is larger than what was learnt. Raises RequestRejected where
        it cannot be made."""
        own, unit = spec.signal_shape[:0:-1], spec.enlargement
        _require(
            spec.spatial or size == own,
            "This model makes films of one size only; please leave out --size.",
        )
        most = tuple(WIDEST_FILM * side for side in own)
        _require(
            all(low <= side <= high for low, side, high in zip(own, size, most, strict=True)),
            f"The size of this model's films must be from {_by(own)} to {_by(most)} pixels.",
        )
        for name, side in zip(("width", "height"), size, strict=True):
            _require_whole(f"The {name} of this model's films", side, unit)
        return size != own

    def _fitted_texture(self, unit: int) -> Self:
        if self.grow is not None:
            margin = DEFAULT_MARGIN // unit * unit if self.margin is None else self.margin
            _require_whole("The margin", margin, unit)
            return dataclasses.replace(self, margin=margin)
        tile = self.tile or ""
        width, height = self.size or DEFAULT_SIZE
        if tile and self.size is None:
            width, height = (max(1, round(n / unit)) * unit for n in DEFAULT_SIZE)
        for side, name, axis in ((width, "width", "x"), (height, "height", "y")):
            if axis in tile:
                _require_whole(f"The {name} of a tile", side, unit)
        return dataclasses.replace(self, size=(width, height))


def _listed(nouns: list[str]) -> str:
    *others, last = nouns
    return f"{', '.join(others)} and {last}" if others else last


def size_of(text: str) -> tuple[int, int]:
    """WIDTHxHEIGHT as two numbers. Raises RequestRejected."""
    match = re.fullmatch(r"([0-9]{1,10})[xX]([0-9]{1,10})", text)
    _require(
        match is not None and int(match[1]) > 0 and int(match[2]) > 0,
        "The size must be WIDTHxHEIGHT in pixels, for example 512x512.",
    )
    assert match is not None
    return int(match[1]), int(match[2])


def _by(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))


def frames_of(seconds: float, rate: float) -> int:
    return max(1, round(seconds * rate))


def loop_of(seconds: float, spec: GeneratorSpec, rate: int) -> float:
    """How long the loop lasts that comes nearest to so many seconds."""
    positions = max(1, round(seconds * rate / spec.enlargement))
    return float(_plain(positions * spec.enlargement / rate))


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise RequestRejected(sentence)


def _require_whole(what: str, pixels: int, unit: int) -> None:
    if pixels % unit:
        nearest = [str(n) for n in _around(pixels, unit) if n]
        raise RequestRejected(f"{what} must be a multiple of {unit} pixels; {_nearest(nearest)}.")


def _around(n: int, unit: int) -> tuple[int, int]:
    return n // unit * unit, (n // unit + 1) * unit


def _nearest(possible: list[str]) -> str:
    return f"the nearest {'are' if len(possible) > 1 else 'is'} {' and '.join(possible)}"


def _is_count(value: object, lowest: int, highest: int) -> bool:
    return type(value) is int and lowest <= value <= highest


def _is_real(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -math.inf < value < math.inf  # math.isfinite overflows on a huge int


def _plain(seconds: float) -> str:
    """To the microsecond, which tells any two samples apart."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")
