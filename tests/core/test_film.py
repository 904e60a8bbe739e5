"""Films as a player finds them."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from abp_core.synthesis.encode import Bytes
from abp_core.synthesis.film import SMALLEST, encode_film, encode_webp, exact, write_film


def moving(height: int, width: int, number: int = 12) -> list[Bytes]:
    """A light that moves over four colours."""
    y, x = np.mgrid[:height, :width]
    colours = np.array([(200, 40, 90), (30, 160, 60), (20, 60, 220), (240, 220, 40)], np.uint8)
    ground = colours[2 * (2 * y >= height) + (2 * x >= width)]
    frames = np.stack([ground] * number)
    for k in range(number):
        frames[k, height // 4 : height // 2, k * width // 24 : (k + 6) * width // 24] = 250
    return list(frames)


def decoded(content: bytes) -> list[Bytes]:
    with av.open(io.BytesIO(content)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def test_every_browser_plays_it() -> None:
    content = encode_film(moving(256, 384), 15)
    with av.open(io.BytesIO(content)) as film:
        (stream,) = film.streams
        context = film.streams.video[0].codec_context
        assert stream.type == "video"
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.average_rate, stream.frames) == (15, 12)
        assert float(stream.duration * stream.time_base) == pytest.approx(12 / 15, abs=2e-3)
    assert content[4:8] == b"ftyp"
    assert 0 < content.find(b"moov") < content.find(b"mdat")


def test_its_frames_are_those_that_were_given() -> None:
    frames = moving(256, 384)
    shown = decoded(encode_film(frames, 15))
    error = np.abs(np.stack(shown).astype(int) - np.stack(frames))
    assert error.mean() < 2
    middle = np.stack(shown)[:, 32:48, 300:340].mean((0, 1, 2))  # colours are not another's
    np.testing.assert_allclose(middle, (30, 160, 60), atol=2)


@pytest.mark.parametrize("size", [(257, 301), (256, 301), (301, 256)])
def test_odd_sides_are_made_even_by_their_last_line(size: tuple[int, int]) -> None:
    frames = moving(*size)
    shown = decoded(encode_film(frames, 12))[0]
    assert shown.shape[:2] == tuple(n + n % 2 for n in size)
    for axis in (0, 1):
        last, before = (shown.take(k, axis).astype(int) for k in (-1, -2))
        assert np.abs(last - before).mean() < 3


def test_what_is_small_is_enlarged_by_a_whole_number() -> None:
    frames = moving(24, 60)
    shown = np.stack(decoded(encode_film(frames, 12)))
    times = -(-SMALLEST // 24)
    assert shown.shape == (12, 24 * times, 60 * times, 3)
    squares = shown.reshape(12, 24, times, 60, times, 3).mean((2, 4))
    assert np.abs(squares - np.stack(frames)).mean() < 4


def test_the_same_frames_make_the_same_file() -> None:
    assert encode_film(moving(256, 256), 12) == encode_film(moving(256, 256), 12)


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        (30, 30),
        (29.97, Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        (12.5, Fraction(25, 2)),
        (7.5, Fraction(15, 2)),
    ],
)
def test_rates_may_be_fractions(rate: float, told: Fraction) -> None:
    assert exact(rate) == told
    file = io.BytesIO()
    assert write_film(file, iter(moving(64, 64)), rate) == 12
    with av.open(io.BytesIO(file.getvalue())) as film:
        assert film.streams.video[0].average_rate == told


def test_a_film_goes_to_a_file_and_behind_what_is_there(tmp_path: Path) -> None:
    expected = encode_film(moving(64, 96), 12)
    with (tmp_path / "a.mp4").open("w+b") as file:
        write_film(file, iter(moving(64, 96)), 12)
        file.seek(0)
        assert file.read() == expected


def test_a_long_film_takes_no_memory(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")

    def frames(number: int) -> Iterator[Bytes]:
        frame = np.zeros((256, 256, 3), np.uint8)
        for k in range(number):
            frame[:, k % 256] = k % 251
            yield frame

    with (tmp_path / "a.mp4").open("w+b") as file:
        write_film(file, frames(60), 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (tmp_path / "b.mp4").open("w+b") as file:
        assert write_film(file, frames(600), 30) == 600  # 118 MB of frames
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KB
    with av.open(tmp_path / "b.mp4") as film:
        assert film.streams.video[0].frames == 600


def test_a_film_of_nothing_is_none() -> None:
    for write in (lambda: write_film(io.BytesIO(), [], 12), lambda: encode_webp([], 12)):
        with pytest.raises(ValueError, match="A film needs frames"):
            write()
    with pytest.raises(ValueError, match="more than none a second"):
        write_film(io.BytesIO(), moving(64, 64), 0)


@pytest.mark.parametrize("rate", [10, 12, 30])
def test_a_webp_that_moves(rate: int) -> None:
    frames = moving(64, 96)
    content = encode_webp(frames, rate)
    shown, lasts = [], []
    with Image.open(io.BytesIO(content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (96, 64))
        assert (picture.n_frames, picture.info["loop"]) == (12, 0)
        for k in range(12):
            picture.seek(k)
            shown.append(np.asarray(picture.convert("RGB")).astype(int))
            lasts.append(picture.info["duration"])
    assert np.abs(np.stack(shown) - np.stack(frames)).mean() < 3
    assert sum(lasts) == pytest.approx(12_000 / rate, abs=1)
