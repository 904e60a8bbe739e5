"""Arrays to what a browser shows and plays. It knows numpy and no torch."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import soundfile
import soxr
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from abp_core.data.sounds import PLAYED_RATE
from abp_core.synthesis.film import encode_film

CANVAS = 256  # pixels along a picture that is painted on

Pixels = NDArray[np.uint8]
Samples = NDArray[np.float32]

INK: Pixels = np.array((24, 24, 27), np.uint8)
WAVE: Pixels = np.array((251, 191, 120), np.uint8)


def jpeg(pixels: Pixels, quality: int = 85) -> bytes:
    """(h, w, 3) bytes as a file; above a quality of 90 colour is as sharp as light."""
    buffer = io.BytesIO()
    subsampling = 0 if quality > 90 else 2
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def jpeg_url(pixels: Pixels, quality: int = 85) -> str:
    """The same as a data URL."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(pixels, quality)).decode()


def png_url(pixels: Pixels) -> str:
    """(h, w, 3) bytes, exactly, as a data URL."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def film_url(frames: Sequence[Pixels], rate: float) -> str:
    """Frames (h, w, 3), so many a second, as a data URL of a film."""
    return file_url(encode_film(frames, rate), "video/mp4")


def file_url(content: bytes, kind: str) -> str:
    """A file of some MIME type as a data URL."""
    return f"data:{kind};base64," + base64.b64encode(content).decode()


def wav_url(samples: Samples, rate: int) -> str:
    """Mono samples (frames,) as a data URL of a 16-bit WAV, at their own level and at a rate that
    every browser plays."""
    if rate < PLAYED_RATE and len(samples):
        samples, rate = soxr.resample(samples, rate, PLAYED_RATE), PLAYED_RATE
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(samples, -1, 1), rate, format="WAV", subtype="PCM_16")
    return "data:audio/wav;base64," + base64.b64encode(buffer.getvalue()).decode()


def preview(pixels: Pixels, repeats: tuple[int, int] = (1, 1), side: int = 1024) -> str:
    """(h, w, 3 or 1), laid beside itself so often across and down, as a data URL of a picture that
    is at most about `side` wide and high."""
    across, down = repeats
    picture = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0]).convert("RGB")
    if repeats == (1, 1):
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    else:  # by a power of two, which divides the sides of a tile, so that it stays seamless
        while max(picture.width * across, picture.height * down) > 1.5 * side:
            picture = picture.reduce(2)
    return jpeg_url(np.tile(np.asarray(picture), (down, across, 1)), 92)


def thumbnail(pixels: Pixels, side: int) -> Pixels:
    """The middle square of (h, w, 3), made `side` wide."""
    h, w = pixels.shape[:2]
    short = min(h, w)
    top, left = (h - short) // 2, (w - short) // 2
    square = Image.fromarray(pixels[top : top + short, left : left + short])
    return np.asarray(square.resize((side, side), Image.Resampling.LANCZOS))


def on_canvas(picture: Pixels) -> dict[str, object]:
    """A picture (h, w, 3) as an image editor takes it, with nothing painted."""
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    return {"background": opaque, "layers": [], "composite": opaque}


def painted_on(drawn: object) -> tuple[Pixels | None, Pixels | None]:
    """The picture (h, w, 3) of an image editor, and where it was painted over, (h, w) above 0."""
    value = drawn if isinstance(drawn, dict) else {}
    background, layers = value.get("background"), value.get("layers") or []
    picture = background[..., :3] if isinstance(background, np.ndarray) else None
    painted = layers[0][..., 3] if layers and isinstance(layers[0], np.ndarray) else None
    return picture, painted


def box(side: int, edges: tuple[int, int, int, int]) -> Pixels:
    """A square canvas painted over between top, bottom, left and right, (side, side)."""
    top, bottom, left, right = edges
    painted = np.zeros((side, side), np.uint8)
    painted[top:bottom, left:right] = 255
    return painted


def signed(values: NDArray[np.float32], farthest: float) -> Pixels:
    """A map (h, w) about 0 in colours: blue below, red above, full at `farthest`."""
    colours: Pixels = colormaps["RdBu_r"](values / (2 * farthest) + 0.5, bytes=True)[..., :3]
    return colours


def heat(values: NDArray[np.float32], farthest: float) -> Pixels:
    """A map (h, w) from 0 in colours, brightest at `farthest`."""
    colours: Pixels = colormaps["magma"](values / farthest, bytes=True)[..., :3]
    return colours


def contours(heights: NDArray[np.float32], side: int = 480) -> str:
    """A landscape (rows, columns) by its contours, the first row at the top, to the very edge of
    the picture. Levels are even in the square root of the height above the lowest place: a
    posterior is a narrow valley in high mountains."""
    above = np.sqrt(heights - heights.min())
    figure = Figure(figsize=(4.8, 4.8), dpi=side / 4.8)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.contourf(above[::-1], levels=18, cmap="YlGnBu_r")
    axes.contour(above[::-1], levels=18, colors="#ffffff40", linewidths=0.6)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def waveform(samples: Samples, width: int, height: int) -> Pixels:
    """Mono samples (frames,) as (height, width, 3), as tall as they are loud."""
    columns = np.array_split(samples, width)
    low = np.array([column.min(initial=0) for column in columns])
    high = np.array([column.max(initial=0) for column in columns])
    peak = max(float(np.abs(samples).max(initial=0)), 1e-6)
    rows = np.linspace(1, -1, height)[:, None] * peak
    half = 1.01 * peak / max(height - 1, 1)  # of a row, so that even silence is a line
    inside = (rows >= low - half) & (rows <= high + half)
    return np.where(inside[..., None], WAVE, INK)
