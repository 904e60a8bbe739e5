"""What a visitor takes home: new samples of a model, as a file."""

import io
import math
from pathlib import Path

import soundfile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from abp_core import synthesis
from abp_core.checkpoint import Checkpoint
from demo import media

SEED_OF_SAMPLES = 1  # the same latents all the time, so that one sees the model change

# One picture so wide, so many seconds of sound, so many pictures of a set.
SAMPLE_PIXELS, SAMPLE_SECONDS, SAMPLE_PICTURES = 512, 10, 64


def slug(name: str) -> str:
    """A name as the beginning of a file's name."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:40] or "model"


def write_sound(saved: Checkpoint, path: Path) -> None:
    """New sound of a saved model, as a WAV file of 16 bits. Raises OSError."""
    whole = io.BytesIO()  # soundfile would report a full disk in a way of its own
    soundfile.write(whole, _sound(saved), saved.source.sample_rate, "PCM_16", format="WAV")
    path.write_bytes(whole.getvalue())


def write_picture(saved: Checkpoint, path: Path, name: str) -> None:
    """New pictures of a saved model, as a PNG that says whose and with which seed.
    Raises OSError."""
    facts = PngInfo()
    facts.add_itxt("Model", f"{name}, iteration {saved.iteration}")
    facts.add_text("Seed", str(SEED_OF_SAMPLES))
    Image.fromarray(_picture(saved)).save(path, pnginfo=facts)


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
