"""What a model looks and sounds like at a glance, made by the model itself."""

import io
from collections.abc import Iterator

import numpy as np
import soundfile
import torch
from PIL import Image
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data.colours import Pixels
from abp_core.evaluation.spectrogram import spectrogram
from abp_core.generator import Generator
from abp_core.synthesis import render, sampling, sounding
from abp_core.synthesis.film import encode_film
from abp_core.synthesis.request import Request

SEED = 1
SIDE = 192  # pixels
SECONDS = 4.0  # of a sound
LOOP = 2.0  # seconds of a film that is one
SMALL = 96  # pixels along the shorter side of such a film
COLUMNS = 3  # of a sheet of samples
PLANE_COLUMNS = 4  # of a sheet of the plane of two latent numbers
PLANE = 2.0  # it shows latents from -PLANE to PLANE


def thumbnail(saved: Checkpoint) -> Pixels:
    """(SIDE, SIDE, 3): a piece of texture, a sheet of pictures, a spectrogram of `recording`, the
    middle of a film's first frame."""
    generator, kind = saved.generator(), saved.spec.generator.kind
    if kind == "texture":
        latents = saved.prior().map(SEED)
        pixels: Pixels = sampling.pixels(sampling.generate_field(generator, latents, (SIDE, SIDE)))[
            0
        ]
        return pixels
    if kind == "sound":
        return spectrogram(recording(saved), saved.source.sample_rate, (SIDE, SIDE))
    if kind == "film":
        return _square(next(iter(loop(saved).frames)))
    if saved.spec.generator.latent_shape == (2,):
        return _sheet(_plane(generator), PLANE_COLUMNS)
    return _sheet(sampling.sample(generator, saved.prior(), COLUMNS**2, SEED), COLUMNS)


def recording(saved: Checkpoint) -> Tensor:
    """SECONDS of a model's sound (1, length), or as much as it makes of a vector latent."""
    generator, rate = saved.generator(), saved.source.sample_rate
    if not generator.spec.spatial:
        return sounding.audible(sampling.sample(generator, saved.prior(), 1, SEED)[0], rate)
    return sounding.draw(generator, saved.prior().map(SEED), round(SECONDS * rate), rate)


def jpeg(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=85, subsampling=0, optimize=True)
    return file.getvalue()


def mp3(signal: Tensor, saved: Checkpoint) -> bytes:
    """A sound (1, length) of this model, as loud as its source; every browser plays it."""
    file = io.BytesIO()
    samples = sampling.samples(signal, saved.source.gain)
    rate = saved.source.sample_rate
    soundfile.write(
        file, samples, rate, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.0
    )
    return file.getvalue()


def mp4(saved: Checkpoint) -> bytes:
    """`loop` of a model of films, small, as every browser plays it."""
    made = loop(saved)

    def small() -> Iterator[Pixels]:
        for pixels in made.frames:
            picture = Image.fromarray(pixels)
            share = SMALL / min(picture.size)
            width, height = (2 * round(share * n / 2) for n in picture.size)
            yield np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))

    return encode_film(small(), made.rate, SMALL)


def loop(saved: Checkpoint) -> render.Film:
    """LOOP seconds of a film of this model, whose end goes on as its beginning."""
    request = Request(seconds=LOOP, tile="x", seed=SEED)
    request = request.fit(saved.spec.generator, saved.source.frame_rate)
    return render.film(saved.generator(), saved.prior(), saved.source, request)


def _square(pixels: Pixels) -> Pixels:
    """The middle of a picture, SIDE pixels along a side."""
    picture = Image.fromarray(pixels)
    edge = min(picture.size)
    left, top = ((n - edge) // 2 for n in picture.size)
    cut = picture.crop((left, top, left + edge, top + edge))
    return np.asarray(cut.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _sheet(signals: Tensor, columns: int) -> Pixels:
    """Pictures (columns^2, c, h, w) in a square of SIDE pixels."""
    size = (SIDE // columns,) * 2
    cells = [
        np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))
        for pixels in sampling.pixels(signals)
    ]
    return sampling.contact_sheet(np.stack(cells), columns)


@torch.inference_mode()
def _plane(generator: Generator) -> Tensor:
    """Pictures at a square grid of latents, the first number growing to the right, the second
    upwards."""
    places = torch.linspace(-PLANE, PLANE, PLANE_COLUMNS)
    up, right = torch.meshgrid(places.flip(0), places, indexing="ij")
    signals: Tensor = generator(torch.stack([right.flatten(), up.flatten()], 1))
    return signals
