"""What a model looks and sounds like at a glance, made by the model itself."""

import io

import matplotlib as mpl
import numpy as np
import soundfile
import torch
from PIL import Image
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data.decode import Pixels
from abp_core.evaluation import sound
from abp_core.generator import Generator
from abp_core.synthesis import sampling

SEED = 1
SIDE = 192  # pixels
SECONDS = 4.0  # of a sound
COLUMNS = 3  # of a sheet of samples
PLANE_COLUMNS = 4  # of a sheet of the plane of two latent numbers
PLANE = 2.0  # it shows latents from -PLANE to PLANE
BANDS = 96  # of a spectrogram
LOUDNESS_RANGE = 70.0  # decibels of a spectrogram, below the loudest


def thumbnail(saved: Checkpoint) -> Pixels:
    """(SIDE, SIDE, 3): a piece of texture, a sheet of pictures, a spectrogram of `recording`."""
    generator, kind = saved.generator(), saved.spec.generator.kind
    if kind == "texture":
        latents = saved.prior().map(SEED)
        pixels: Pixels = sampling.pixels(sampling.generate_field(generator, latents, (SIDE, SIDE)))[
            0
        ]
        return pixels
    if kind == "sound":
        return resize(spectrogram(recording(saved), saved.source.sample_rate), SIDE, SIDE)
    if saved.spec.generator.latent_shape == (2,):
        return _sheet(_plane(generator), PLANE_COLUMNS)
    return _sheet(sampling.sample(generator, saved.prior(), COLUMNS**2, SEED), COLUMNS)


def recording(saved: Checkpoint) -> Tensor:
    """SECONDS of a model's sound (1, length), or as much as it makes of a vector latent."""
    generator = saved.generator()
    if not generator.spec.spatial:
        return sampling.sample(generator, saved.prior(), 1, SEED)[0]
    frames = round(SECONDS * saved.source.sample_rate)
    return sampling.generate_field(generator, saved.prior().map(SEED), (frames,))[0]


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


def spectrogram(signal: Tensor, rate: int, loudest: float | None = None) -> Pixels:
    """A log-mel spectrogram (BANDS, frames, 3) of a sound (1, length); time runs to the right.

    loudest: decibels of the brightest colour; its own loudest where it is not given.
    """
    mel = sound.log_mel(signal, rate, bands=BANDS)[0].flip(0)
    level = 1 + (mel - (mel.max() if loudest is None else loudest)) / LOUDNESS_RANGE
    colours = mpl.colormaps["magma"](level.clamp(0, 1).numpy(), bytes=True)
    return np.ascontiguousarray(colours[..., :3])


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def _sheet(signals: Tensor, columns: int) -> Pixels:
    """Pictures (columns^2, c, h, w) in a square of SIDE pixels."""
    side = SIDE // columns
    cells = [resize(pixels, side, side) for pixels in sampling.pixels(signals)]
    return sampling.contact_sheet(np.stack(cells), columns)


@torch.inference_mode()
def _plane(generator: Generator) -> Tensor:
    """Pictures at a square grid of latents, the first number growing to the right, the second
    upwards."""
    places = torch.linspace(-PLANE, PLANE, PLANE_COLUMNS)
    up, right = torch.meshgrid(places.flip(0), places, indexing="ij")
    signals: Tensor = generator(torch.stack([right.flatten(), up.flatten()], 1))
    return signals
