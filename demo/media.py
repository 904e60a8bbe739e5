"""Arrays to what a browser shows and plays. It knows numpy and no torch."""

import base64
import io

import numpy as np
import soundfile
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Samples = NDArray[np.float32]

INK: Pixels = np.array((24, 24, 27), np.uint8)
WAVE: Pixels = np.array((251, 191, 120), np.uint8)


def jpeg_url(pixels: Pixels, quality: int = 85) -> str:
    """(h, w, 3) bytes as a data URL; above a quality of 90 colour is as sharp as light."""
    buffer = io.BytesIO()
    subsampling = 0 if quality > 90 else 2
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def wav_url(samples: Samples, rate: int) -> str:
    """Mono samples (frames,) as a data URL of a 16-bit WAV, at their own level."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(samples, -1, 1), rate, format="WAV", subtype="PCM_16")
    return "data:audio/wav;base64," + base64.b64encode(buffer.getvalue()).decode()


def thumbnail(pixels: Pixels, side: int) -> Pixels:
    """The middle square of (h, w, 3), made `side` wide."""
    h, w = pixels.shape[:2]
    short = min(h, w)
    top, left = (h - short) // 2, (w - short) // 2
    square = Image.fromarray(pixels[top : top + short, left : left + short])
    return np.asarray(square.resize((side, side), Image.Resampling.LANCZOS))


def sound_picture(samples: Samples, rate: int, width: int = 320, height: int = 320) -> Pixels:
    """Waveform above spectrogram, (height, width, 3).

    The spectrogram spans 0 Hz to half the rate and 80 dB below a full-scale tone's level, so
    that two pictures at one rate can be compared.
    """
    wave = height // 4
    return np.concatenate(
        [_waveform(samples, width, wave), spectrogram(samples, width, height - wave)]
    )


def _waveform(samples: Samples, width: int, height: int) -> Pixels:
    columns = np.array_split(samples, width)
    low = np.array([column.min(initial=0) for column in columns])
    high = np.array([column.max(initial=0) for column in columns])
    peak = max(float(np.abs(samples).max(initial=0)), 1e-6)
    rows = np.linspace(1, -1, height)[:, None] * peak
    half = 1.01 * peak / max(height - 1, 1)  # of a row, so that even silence is a line
    inside = (rows >= low - half) & (rows <= high + half)
    return np.where(inside[..., None], WAVE, INK)


def spectrogram(samples: Samples, width: int, height: int, window: int = 512) -> Pixels:
    if len(samples) < window:
        samples = np.pad(samples, (0, window - len(samples)))
    starts = np.linspace(0, len(samples) - window, min(width, 600)).astype(int)
    frames = samples[starts[:, None] + np.arange(window)] * np.hanning(window)
    magnitude = np.abs(np.fft.rfft(frames, axis=1)).T[::-1] / (window / 4)
    level = np.clip(20 * np.log10(magnitude + 1e-6) / 80 + 1, 0, 1)
    colours = colormaps["magma"](level, bytes=True)[..., :3]
    return np.asarray(Image.fromarray(colours).resize((width, height), Image.Resampling.BILINEAR))
