"""Films as a player finds them."""

import io

import av
import numpy as np
import pytest

from abp_core.synthesis.encode import Bytes
from abp_core.synthesis.film import SMALLEST, encode_film


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
