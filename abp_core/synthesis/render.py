"""What is made of a request: a picture or a sound, piece by piece, ready to be written.

The command line and the studio make things here, so that the same request gives the same file.
"""

import dataclasses
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Self

import numpy as np
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data.datasets import Source
from abp_core.generator import Generator
from abp_core.priors.exemplar import Exemplar
from abp_core.priors.fields import LatentMap, Place
from abp_core.priors.kinds import Prior, motion_of
from abp_core.priors.motion.chain import Chain, at_speed
from abp_core.priors.motion.widening import Span
from abp_core.priors.motion.windows import Composed, Windows
from abp_core.priors.normal import Normal
from abp_core.spec import GeneratorSpec
from abp_core.synthesis import encode, neighbours, outpainting, raster, sampling, sounding
from abp_core.synthesis import film as writing
from abp_core.synthesis.encode import Bytes, Facts, Floats
from abp_core.synthesis.neighbours import Nearest
from abp_core.synthesis.outpainting import Outpainting
from abp_core.synthesis.request import Request, frames_of

SOFTWARE = "ABP Studio"
GAP = 8  # white pixels between the textures of a sheet, and after each pair of objects
FRAMES_AT_ONCE = 16  # of a film, whose latents are drawn together
SOFT = 24  # pixels over which a picture's own edge gives way to what grows around it


@dataclass(frozen=True, slots=True)
class Picture:
    """strips: (rows, width, 3 or 1), from top to bottom; they can be gone through once."""

    width: int
    height: int
    strips: Iterator[Bytes]

    @classmethod
    def of(cls, pixels: Bytes) -> Self:
        return cls(pixels.shape[1], pixels.shape[0], iter([pixels]))

    def pixels(self) -> Bytes:
        """The whole of it, (height, width, 3 or 1)."""
        return np.concatenate(list(self.strips))

    def write(self, file: IO[bytes], facts: Facts) -> None:
        encode.write_png(file, (self.width, self.height), self.strips, facts)


@dataclass(frozen=True, slots=True)
class Film:
    """frames: (height, width, 3), `count` of them, `rate` a second, to be gone through once."""

    rate: float
    count: int
    frames: Iterator[Bytes]

    def write(self, ending: str, file: IO[bytes], facts: Facts) -> None:
        """As .mp4 or .webp, the latter with all frames in memory."""
        if ending == ".mp4":  # whose index comes first and is known last
            with tempfile.TemporaryFile() as whole:
                writing.write_film(whole, self.frames, self.rate, facts)
                whole.seek(0)
                shutil.copyfileobj(whole, file)
        else:
            file.write(writing.encode_webp(list(self.frames), self.rate, facts))


@dataclass(frozen=True, slots=True)
class Sound:
    """pieces: mono samples (n,) in [-1, 1], as loud as what was learnt; they can be gone through
    once."""

    rate: int
    pieces: Iterator[Floats]

    @classmethod
    def of(cls, samples: Floats, rate: int) -> Self:
        return cls(rate, iter([samples]))

    def samples(self) -> Floats:
        """The whole of it, (frames,)."""
        return np.concatenate(list(self.pieces))

    def write(self, ending: str, file: IO[bytes], facts: Facts) -> None:
        """As .wav or .flac."""
        encode.write_sound(file, ending.removeprefix(".").upper(), self.rate, self.pieces, facts)


def facts(saved: Checkpoint, request: Request, checkpoint: str, out: str) -> Facts:
    """What a file says about itself, so that it can be made again."""
    model = f"{saved.source.name}, iteration {saved.iteration}"
    return {
        "Title": f"{model}, seed {request.seed}",
        "Software": SOFTWARE,
        "Model": model,
        "Seed": str(request.seed),
        "Command": request.command(checkpoint, out),
    }


def choose_prior(own: Prior, spec: GeneratorSpec, request: Request) -> Prior:
    """Where the latents of a request come from: a model's own prior, or the paper's."""
    if request.paper or isinstance(own, Normal):
        return Normal(spec.latent_shape, request.temperature)
    if isinstance(own, Exemplar):
        return dataclasses.replace(own, novelty=request.novelty)
    return own


def texture(
    generator: Generator, prior: Prior, request: Request, known: Outpainting | None = None
) -> Picture:
    """A texture, or a sheet of as many as were asked for. request: a fitted one. known: the picture
    that is to grow, if one is."""
    if known is not None:
        return _render_outpainting(generator, request, known)
    assert request.size is not None
    width, height = request.size
    count = request.count or 1
    if count == 1:
        return Picture(width, height, _strips(generator, prior, request, raster.HELD))
    columns, rows = _grid(count)
    singles = [
        _strips(generator, prior, one, raster.HELD // columns) for one in split_by_seed(request)
    ]
    lines = (
        raster.join_columns(singles[start : start + columns], GAP, columns)
        for start in range(0, count, columns)
    )
    wide, high = (n * (side + GAP) - GAP for n, side in ((columns, width), (rows, height)))
    return Picture(wide, high, raster.join_rows(lines, GAP))


def infer_picture(
    saved: Checkpoint, generator: Generator, prior: Prior, request: Request
) -> Iterator[Outpainting]:
    """The picture of a request as its latents are inferred, step by step. Raises FileRejected."""
    assert request.grow is not None
    pixels = outpainting.read(request.grow, generator.spec)
    prior = choose_prior(prior, generator.spec, request)
    return outpainting.walk(saved, generator, pixels, prior, request.seed, request.margin or 0)


def split_by_seed(request: Request) -> Iterator[Request]:
    """The textures of a request one by one: as many seeds."""
    for k in range(request.count or 1):
        yield dataclasses.replace(request, seed=request.seed + k, count=None)


def write_each(
    file: IO[bytes],
    saved: Checkpoint,
    generator: Generator,
    prior: Prior,
    request: Request,
    checkpoint: str,
) -> None:
    """The textures of a request one by one, in a zip; each says how to make it alone."""

    def members() -> Iterator[tuple[str, Callable[[IO[bytes]], None]]]:
        for one in split_by_seed(request):
            name = f"seed-{one.seed}.png"
            about = facts(saved, one, checkpoint, name)
            yield name, partial(texture(generator, prior, one).write, facts=about)

    encode.write_zip(file, members())


def objects(
    generator: Generator, prior: Prior, request: Request, found: Nearest | None = None
) -> Picture:
    """A sheet of pictures. found: the training examples to put beside them, if any."""
    count, (_, height, width) = request.count or 1, generator.spec.signal_shape
    columns, rows = _grid(count) if found is None else _grid(count, wide=2)
    signals = _samples(generator, prior, request)

    def lines() -> Iterator[Bytes]:
        for start in range(0, count, columns):
            stop = min(start + columns, count)
            ours = raster.pixels(signals[start:stop])
            pairs = [iter([picture]) for picture in ours]
            if found is not None:
                theirs = raster.pixels(found.pictures[start:stop])
                pairs = [iter([np.hstack(pair)]) for pair in zip(ours, theirs, strict=True)]
            yield from raster.join_columns(pairs, gap, columns)

    gap, across = (0, width) if found is None else (GAP, 2 * width)
    return Picture(columns * (across + gap) - gap, rows * height, lines())


def find_nearest(generator: Generator, prior: Prior, request: Request, examples: Tensor) -> Nearest:
    """The training examples nearest to the objects of a request."""
    return neighbours.nearest(_samples(generator, prior, request), examples)


def sound(generator: Generator, prior: Prior, source: Source, request: Request) -> Sound:
    """A sound. request: a fitted one."""
    rate = source.sample_rate
    if generator.spec.spatial:
        frames = frames_of(request.seconds or 0, rate)
        latents = _latents(generator, prior, request, (frames,))
        signals = sounding.pieces(generator, latents, frames, rate)
    else:
        signals = iter([sounding.audible(_samples(generator, prior, request)[0], rate)])
    return Sound(rate, (sampling.samples(x, source.gain) for x in signals))


@dataclass(frozen=True, slots=True)
class Going:
    """A film that goes on, of which any frames can be asked for. period: frames of its chain after
    which it begins anew; 0 where it never does. spans: across, if some are as in a mirror."""

    generator: Generator
    chain: Chain
    speed: float
    period: int
    spans: list[Span]

    def frames(self, start: int, stop: int) -> Iterator[Bytes]:
        """The frames [start, stop), (height, width, 3) each."""
        for low in range(start, stop, FRAMES_AT_ONCE):
            high = min(low + FRAMES_AT_ONCE, stop)
            z = at_speed(self.chain, low, high, self.speed, self.period)
            if len(self.spans) > 1:
                signals = sampling.generate_turned(self.generator, z, self.spans)
            else:
                signals = sampling.generate(self.generator, z)
            yield from sampling.pixels(signals)


def film(generator: Generator, prior: Prior, source: Source, request: Request) -> Film:
    """A film. request: a fitted one."""
    count = frames_of(request.seconds or 0, source.frame_rate)
    going = go_on(generator, prior, request, count)
    return Film(source.frame_rate, count, going.frames(0, count))


def go_on(generator: Generator, prior: Prior, request: Request, count: int) -> Going:
    """A film of `count` frames or, where it is no loop, of any number. request: a fitted one."""
    motion, unit = motion_of(prior), generator.spec.enlargement
    if isinstance(motion, Windows):
        extent = request.size and (request.size[1] // unit, request.size[0] // unit)
        motion = dataclasses.replace(motion, windows=request.windows or 1, extent=extent)
    speed, period = request.speed or 1.0, 0
    if request.tile:  # so many frames of what was learnt, at a speed at which they fill the time
        period = max(2, round(count * speed))
        speed = period / count
    chain = motion.chain(request.seed, onwards=not (request.anew or period), period=period)
    turned = chain.spans if isinstance(chain, Composed) else []
    return Going(generator, chain, speed, period, turned)


def _strips(generator: Generator, prior: Prior, request: Request, held: int) -> Iterator[Bytes]:
    """Of one texture."""
    assert request.size is not None
    latents = _latents(generator, prior, request, request.size[::-1])
    return raster.rasterise(generator, latents, request.size, held)


def _render_outpainting(generator: Generator, request: Request, known: Outpainting) -> Picture:
    margin = request.margin or 0
    height, width = (n + 2 * margin for n in known.pixels.shape[:2])
    whole = raster.rasterise(generator, known.latents, (width, height))
    if not request.rebuilt:
        whole = raster.overlay(whole, known.pixels, margin, SOFT)
    return Picture(width, height, whole)


def _latents(generator: Generator, prior: Prior, request: Request, size: Place) -> LatentMap:
    """The endless map of the seed, or one that repeats itself. size: of the signal, (height, width)
    or (frames,)."""
    axes = "yx"[-len(size) :]
    periods = tuple(
        extent // generator.spec.enlargement if axis in (request.tile or "") else 0
        for axis, extent in zip(axes, size, strict=True)
    )
    prior = choose_prior(prior, generator.spec, request)
    return prior.map(request.seed, periods=periods if any(periods) else None)


def _samples(generator: Generator, prior: Prior, request: Request) -> Tensor:
    """As many signals of a vector latent as were asked for."""
    prior = choose_prior(prior, generator.spec, request)
    return sampling.sample(generator, prior, request.count or 1, request.seed)


def _grid(count: int, wide: int = 1) -> tuple[int, int]:
    """Columns and rows of a sheet that is about square, of cells `wide` times as wide as high."""
    columns = math.ceil(math.sqrt(count / wide))
    return columns, math.ceil(count / columns)
