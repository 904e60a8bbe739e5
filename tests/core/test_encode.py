"""Files that are written piece by piece: what is in them, and what a full disk leaves."""

import io
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import soundfile
from PIL import Image

from abp_core.data.atomic import open_atomically
from abp_core.synthesis.encode import Bytes, Floats, to_int16, write_png, write_sound, write_zip
from tests.tiny import peak_memory

FACTS = {
    "Title": "pébbles, seed 3",
    "Software": "ABP Studio",
    "Model": "pébbles, iteration 1",
    "Seed": "3",
    "Command": "python -m abp_core.synthesise --seed 3",
}


class Full(io.BytesIO):
    """A disk with so much room."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def write(self, content: bytes) -> int:  # type: ignore[override]
        if self.tell() + len(content) > self._room:
            raise OSError(28, "No space left on device")
        return super().write(content)


@pytest.mark.parametrize(("channels", "mode"), [(3, "RGB"), (1, "L")])
def test_strips_make_one_picture_that_tells_about_itself(channels: int, mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (70, 51, channels), dtype=np.uint8)
    file = io.BytesIO()
    assert write_png(file, (51, 70), [pixels[:30], pixels[30:31], pixels[31:]], FACTS) == 70
    with Image.open(file) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", mode, (51, 70))
        assert picture.info == FACTS
        assert np.array_equal(np.asarray(picture).reshape(pixels.shape), pixels)


def test_a_tall_picture_takes_no_more_memory_than_a_low_one(tmp_path: Path) -> None:
    def strips(n: int) -> Iterator[Bytes]:
        draw = np.random.default_rng(0)
        for _ in range(n):
            yield draw.integers(0, 256, (16, 1000, 3), dtype=np.uint8)

    def growth(n: int) -> int:
        with peak_memory() as memory, (tmp_path / "x.png").open("wb") as file:
            write_png(file, (1000, 16 * n), strips(n), {})
        return memory.growth

    growth(20)
    assert growth(600) < 20_000_000  # the picture has 29 million bytes


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_a_sound_is_written_at_its_level_with_its_facts(kind: str) -> None:
    samples = (1.2 * np.sin(np.arange(5000) / 9)).astype(np.float32)
    file = io.BytesIO()
    write_sound(file, kind, 11_025, [samples[:10], samples[10:]], FACTS)
    file.seek(0)
    with soundfile.SoundFile(file) as sound:
        about = sound.copy_metadata()
        assert (sound.format, sound.subtype, sound.samplerate) == (kind, "PCM_16", 11_025)
        assert about["title"] == FACTS["Title"]
        assert about["comment"] == FACTS["Command"]
        assert about["software"].startswith("ABP Studio")
        np.testing.assert_allclose(sound.read(), np.clip(samples, -1, 1), atol=3.1e-5)


def test_samples_are_rounded_and_what_is_too_loud_is_cut_off() -> None:
    samples = np.array([-2, -1, -0.6 / 32768, 0, 0.6 / 32768, 0.5, 1, 2], np.float32)
    expected = [-32768, -32768, -1, 0, 1, 16384, 32767, 32767]
    assert to_int16(samples).tolist() == expected


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
@pytest.mark.parametrize("room", [0, 50, 5000])
def test_a_full_disk_is_an_os_error(kind: str, room: int) -> None:
    noise: list[Floats] = [np.random.default_rng(0).random(4000, np.float32)] * 9
    with pytest.raises(OSError, match="No space left on device"):
        write_sound(Full(room), kind, 16_000, noise, FACTS)  # type: ignore[arg-type]


def test_a_zip_holds_what_its_functions_write() -> None:
    file = io.BytesIO()

    def write(name: str, member: IO[bytes]) -> None:
        member.write(name.encode())

    write_zip(file, [(name, partial(write, name)) for name in ("a.png", "b.png")])
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a.png": b"a.png",
            "b.png": b"b.png",
        }


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), open_atomically(path) as file:  # noqa: PT012
        file.write(b"half")
        raise RuntimeError
    assert [each.name for each in tmp_path.iterdir()] == ["x.png"]
    assert path.read_bytes() == b"old"
    with open_atomically(path) as file:
        file.write(b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["x.png"]
    assert path.read_bytes() == b"new"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    with open_atomically(tmp_path / "link.png") as file:
        file.write(b"new")
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes() == b"new"
