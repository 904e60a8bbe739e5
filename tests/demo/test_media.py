"""What the browser is given can be seen and heard as it was."""

import base64
import io
import math

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from demo import media
from demo.models.medium import Sound

RATE = 16_000


def decoded(url: str, kind: str) -> io.BytesIO:
    head, _, body = url.partition(";base64,")
    assert head == f"data:{kind}"
    return io.BytesIO(base64.b64decode(body, validate=True))


def sine(hertz: float, seconds: float = 1.0, level: float = 1.0) -> media.Samples:
    t = np.arange(int(RATE * seconds)) / RATE
    return (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def drawn_sound(
    samples: media.Samples, rate: int, width: int = 320, height: int = 320
) -> media.Pixels:
    return Sound(rate).draw(torch.from_numpy(samples)[None], (width, height))


def brightness(picture: media.Pixels) -> np.ndarray:
    return np.asarray(picture.astype(float).mean(axis=2))


def spectrogram(picture: media.Pixels) -> np.ndarray:
    """Brightness of each row of the lower three quarters."""
    return np.asarray(brightness(picture)[picture.shape[0] // 4 :].mean(axis=1))


def test_a_picture_comes_back_about_as_it_was() -> None:
    y, x = np.mgrid[0:48, 0:64]
    picture = np.stack([4 * x, 5 * y, 255 - 2 * x - 2 * y], axis=-1).astype(np.uint8)
    with Image.open(decoded(media.jpeg_url(picture), "image/jpeg")) as shown:
        assert shown.format == "JPEG"
        error = np.abs(np.asarray(shown).astype(int) - picture)
    assert error.mean() < 3
    assert error.max() < 40


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=50))
def test_a_sound_keeps_its_level_to_sixteen_bits(values: list[float]) -> None:
    samples = np.array(values, np.float32)
    heard, rate = soundfile.read(decoded(media.wav_url(samples, 11_025), "audio/wav"))
    assert rate == 11_025
    assert np.abs(heard - samples).max() <= 1.5 / 32768


def test_a_wav_is_mono_and_sixteen_bit_and_loud_samples_are_cut_off() -> None:
    url = media.wav_url(np.array([3, -3, 0.5, 0], np.float32), RATE)
    with soundfile.SoundFile(decoded(url, "audio/wav")) as sound:
        assert (sound.channels, sound.subtype, sound.samplerate) == (1, "PCM_16", RATE)
        assert sound.read(dtype="int16").tolist() == [32767, -32768, 16384, 0]


@pytest.mark.parametrize(("h", "w"), [(40, 40), (90, 40), (40, 91), (7, 300)])
def test_a_thumbnail_is_the_middle_square(h: int, w: int) -> None:
    picture = np.zeros((h, w, 3), np.uint8)
    short = min(h, w)
    top, left = (h - short) // 2, (w - short) // 2
    picture[top : top + short, left : left + short] = (200, 100, 50)
    small = media.thumbnail(picture, 24)
    assert small.shape == (24, 24, 3)
    assert np.abs(small.astype(int) - (200, 100, 50)).max() <= 1


@pytest.mark.parametrize("hertz", [500.0, 2000.0, 4000.0, 7000.0])
def test_a_tone_is_a_line_at_its_pitch(hertz: float) -> None:
    height = 320
    rows = spectrogram(drawn_sound(sine(hertz), RATE, 320, height))
    # 0 Hz at the bottom, half the rate on top, evenly in mel.
    expected = (1 - math.log(1 + hertz / 700) / math.log(1 + RATE / 2 / 700)) * len(rows)
    assert abs(int(rows.argmax()) - expected) <= 3
    far = np.abs(np.arange(len(rows)) - expected) > 20
    assert rows[far].max() < 0.2 * rows.max()


def test_a_tone_of_eighty_decibels_less_is_as_dark_as_silence() -> None:
    silent = spectrogram(drawn_sound(np.zeros(RATE, np.float32), RATE))
    loud, soft, softer, softest = (
        spectrogram(drawn_sound(sine(2000, level=level), RATE)).max()
        for level in (1.0, 0.1, 0.01, 1e-4)
    )
    assert loud > soft > softer > silent.max()
    assert softest <= silent.max() + 1
    assert np.ptp(silent) == 0


def test_a_louder_part_is_taller_in_the_waveform() -> None:
    samples = np.concatenate([sine(300, 0.5, 0.1), sine(300, 0.5, 0.8)])
    wave = drawn_sound(samples, RATE, 320, 320)[:80]
    ink = (wave == media.WAVE).all(axis=2).sum(axis=0)
    assert ink[170:].mean() > 5 * ink[:150].mean()
    assert ink.min() >= 1


def test_silence_is_a_flat_line() -> None:
    wave = drawn_sound(np.zeros(RATE, np.float32), RATE, 320, 320)[:80]
    drawn = (wave == media.WAVE).all(axis=2)
    rows = np.flatnonzero(drawn.any(axis=1))
    assert len(rows) in (1, 2)
    assert abs(rows.mean() - 39.5) < 1.5


@pytest.mark.parametrize("length", [0, 1, 2, 100, 511, 512, 513, 10_000])
@pytest.mark.parametrize(("width", "height"), [(320, 320), (96, 96), (700, 50)])
def test_a_sound_of_any_length_has_a_picture(length: int, width: int, height: int) -> None:
    samples = np.linspace(-1, 1, length, dtype=np.float32)
    picture = drawn_sound(samples, RATE, width, height)
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8
    heard, _ = soundfile.read(decoded(media.wav_url(samples, RATE), "audio/wav"))
    assert len(heard) == length


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("repeats", "size"), [((1, 1), (60, 40)), ((2, 1), (120, 40))])
def test_a_preview_shows_a_tile_as_often_as_asked(
    channels: int, repeats: tuple[int, int], size: tuple[int, int]
) -> None:
    pixels = np.full((40, 60, channels), 90, np.uint8)
    with Image.open(decoded(media.preview(pixels, repeats), "image/jpeg")) as picture:
        assert (picture.size, picture.mode) == (size, "RGB")
        assert abs(np.asarray(picture).astype(int) - 90).max() <= 2


@pytest.mark.parametrize(
    ("shape", "repeats", "size"),
    [
        ((2048, 1024, 3), (1, 1), (512, 1024)),
        ((2048, 2048, 3), (2, 2), (1024, 1024)),
        ((64, 2048, 3), (1, 2), (1024, 64)),
    ],
)
def test_a_large_preview_is_made_small(
    shape: tuple[int, ...], repeats: tuple[int, int], size: tuple[int, int]
) -> None:
    preview = media.preview(np.zeros(shape, np.uint8), repeats)
    with Image.open(decoded(preview, "image/jpeg")) as picture:
        assert picture.size == size
