"""Uploads and checkpoints made to do harm: one sentence each, little memory, nothing run."""

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save

from abp_core import checkpoint
from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.data import decode, formats, sets, sounds
from abp_core.data.datasets import Source, from_picture, load
from abp_core.data.formats import FileRejected
from abp_core.presets import PRESETS
from abp_core.spec import GeneratorSpec, TrainingSpec
from abp_core.trainer import Trainer
from abp_core.zoo.half_precision import lighten
from demo import limits
from tests.tiny import FP32, NETWORKS, dataset, peak_memory, training

MB = 1_000_000
SHIPPED = Path(__file__).parents[2] / "checkpoints" / "toon_faces_64.safetensors"
# What unpickling this would run: os.system("touch ran").
PICKLE = b"cposix\nsystem\n(S'touch ran'\ntR."
READERS = {
    ".png": decode.read_picture,
    ".jpg": decode.read_picture,
    ".webp": decode.read_picture,
    ".wav": sounds.read_sound,
    ".flac": sounds.read_sound,
    ".ogg": sounds.read_sound,
    ".mp3": sounds.read_sound,
    ".zip": sets.read_pictures,
    ".npz": sets.read_pictures,
}
ENDINGS = pytest.mark.parametrize("ending", READERS)


def one_sentence(error: Exception) -> bool:
    """Whether this can be shown as it is: one line that ends, and is not a program's."""
    text = str(error)
    return text.endswith(".") and "\n" not in text and "Error" not in text and len(text) < 300


def refused(read, path: Path) -> str:
    with pytest.raises(FileRejected) as caught:
        read(path)
    assert one_sentence(caught.value)
    return str(caught.value)


def valid(ending: str) -> bytes:
    """A small good file of each kind."""
    memory = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (2, 9, 11, 3), np.uint8)
    if ending == ".npz":
        np.savez(memory, noise)
    elif ending == ".zip":
        with zipfile.ZipFile(memory, "w") as archive:
            for name in ("a.png", "b.png"):
                archive.writestr(name, valid(".png"))
    elif READERS[ending] is decode.read_picture:
        formats = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP"}
        Image.fromarray(noise[0]).save(memory, formats[ending])
    else:
        wave = 0.3 * np.sin(np.arange(3000) / 9)
        soundfile.write(memory, wave, 8000, format=ending[1:].upper())
    return memory.getvalue()


class TestAnyFile:
    @ENDINGS
    def test_a_file_that_is_not_there(self, ending: str, tmp_path: Path) -> None:
        assert "not found" in refused(READERS[ending], tmp_path / f"a{ending}")

    @ENDINGS
    def test_an_empty_file(self, ending: str, tmp_path: Path) -> None:
        path = tmp_path / f"a{ending}"
        path.touch()
        assert "is empty" in refused(READERS[ending], path)

    @ENDINGS
    @pytest.mark.parametrize(
        "content", [b"\0" * 5000, b"hello\n" * 99, b"\x89PNG\r\n\x1a\n", b"RIFF", PICKLE, b"PK\3\4"]
    )
    def test_a_file_of_something_else(self, ending: str, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / f"a{ending}"
        path.write_bytes(content)
        assert "could not be read" in refused(READERS[ending], path)

    @ENDINGS
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_damage_is_refused_or_survived(
        self, ending: str, data: st.DataObject, tmp_path: Path
    ) -> None:
        content = bytearray(valid(ending))
        content = content[: data.draw(st.integers(1, len(content)), "kept")]
        flips = st.lists(
            st.tuples(st.integers(0, len(content) - 1), st.integers(1, 255)), max_size=6
        )
        for place, change in data.draw(flips, "flips"):
            content[place] ^= change
        path = tmp_path / f"a{ending}"
        path.write_bytes(content)
        try:
            result = READERS[ending](path)
        except FileRejected as error:
            if not one_sentence(error):
                pytest.fail(f"not for the user: {error}")
            return
        if ending in formats.SOUND_ENDINGS:
            samples, rate = result
            assert np.isfinite(samples).all()
            assert samples.dtype == np.float32
            assert samples.ndim == 1
            assert rate > 0
        else:
            for pixels in result if isinstance(result, list) else [result]:
                assert pixels.dtype == np.uint8
                assert pixels.shape[2] == 3


def chunk(kind: bytes, content: bytes) -> bytes:
    """One of a PNG."""
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def flat_png(
    path: Path,
    width: int,
    height: int,
    *,
    rows: int | None = None,
    bits: int = 8,
    colour: int = 2,
    more: bytes = b"",
) -> Path:
    """A PNG of one tone and of this size, compressed a thousandfold; `rows` of it present. bits,
    colour: how a pixel is stored, in PNG's numbers. more: chunks before the pixels."""
    packer, rows = zlib.compressobj(9), height if rows is None else rows
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    line = b"\0" + b"\x80" * ((channels * bits * width + 7) // 8) if rows else b""
    lines = [packer.compress(line) for _ in range(rows)]
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + more
        + (chunk(b"PLTE", bytes(768)) + chunk(b"tRNS", bytes(9)) if colour == 3 else b"")
        + chunk(b"IDAT", b"".join(lines) + packer.flush())
        + chunk(b"IEND", b"")
    )
    return path


class TestPictureBombs:
    def test_just_within_the_limit(self, tmp_path: Path) -> None:
        path = flat_png(tmp_path / "a.png", 5000, 5000)
        assert path.stat().st_size < 0.1 * MB
        with peak_memory() as memory:
            assert decode.read_picture(path).shape == (5000, 5000, 3)
        assert memory.growth < 250 * MB  # 100 that Pillow holds, 75 of pixels

    @pytest.mark.parametrize("size", [(5001, 5000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
    def test_above_the_limit_nothing_is_decoded(
        self, size: tuple[int, int], tmp_path: Path
    ) -> None:
        path = flat_png(tmp_path / "a.png", *size, rows=1 if size[0] < 10**6 else 0)
        with peak_memory() as memory:
            refused(decode.read_picture, path)
        assert memory.growth < 5 * MB

    def test_within_a_zip(self, tmp_path: Path) -> None:
        flat_png(tmp_path / "bomb.png", 60_000, 60_000, rows=1)
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.write(tmp_path / "bomb.png", "a.png")
            archive.write(tmp_path / "bomb.png", "b.png")
        with peak_memory() as memory:
            refused(sets.read_pictures, tmp_path / "a.zip")
        assert memory.growth < 5 * MB

    def test_many_large_pictures_in_a_small_zip(self, tmp_path: Path) -> None:
        flat_png(tmp_path / "large.png", 5000, 4000)
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for number in range(8):  # 480 MB once decoded
                archive.write(tmp_path / "large.png", f"{number}.png")
        with peak_memory() as memory:
            assert "too large" in refused(sets.read_pictures, tmp_path / "a.zip")
        assert memory.growth < 250 * MB


def exif(entries: int, length: int) -> bytes:
    """A block that says `entries` times that all of it is one value."""
    entry = struct.pack(">HHII", 0x9000, 7, length - 8, 8)
    listing = b"".join(struct.pack(">H", 0x9000 + k) + entry[2:] for k in range(entries))
    return (b"MM\0*\0\0\0\x08" + struct.pack(">H", entries) + listing).ljust(length, b"a")


def jpeg(picture: Image.Image, *segments: tuple[int, bytes], **options: object) -> bytes:
    """A JPEG with segments of these markers before all others."""
    memory = io.BytesIO()
    picture.save(memory, "JPEG", **options)
    content = memory.getvalue()
    added = b"".join(
        struct.pack(">BBH", 0xFF, marker, len(words) + 2) + words for marker, words in segments
    )
    # Without its JFIF part, which tells the resolution, Pillow looks for it in EXIF.
    return content[:2] + added + content[20 if content[2:4] == b"\xff\xe0" else 2 :]


def zeros(file: Path, name: str, length: int, before: bytes = b"") -> None:
    """A zip of one member that is nothing but zeros, after `before`."""
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w", force_zip64=True) as member,
    ):
        member.write(before)
        for _ in range(length // (10 * MB)):
            member.write(bytes(10 * MB))


def npy(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    memory = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(memory, header)
    return memory.getvalue()


# What comes of each file that `harm` makes: a shape, or words of a refusal.
LONG, LARGE, MANY = "too long and thin", "pixels; please make it smaller", "too large"
OUTCOMES = {
    "wide.png": LONG,
    "tall.png": LONG,
    "side.png": LONG,
    "one-bit.png": LARGE,
    "one-bit-within.png": "(5000, 5000, 3)",
    "sixteen-bits.png": "(5000, 5000, 3)",
    "sixteen-bits-clear.png": "(5000, 5000, 3)",
    "palette.png": "(5000, 5000, 3)",
    "twelve-megapixels.png": "(3000, 4000, 3)",
    "ztxt.png": "(64, 64, 3)",
    "itxt.png": "(64, 64, 3)",
    "profile.png": "(64, 64, 3)",
    "text.png": "(64, 64, 3)",
    "exif.png": "(64, 64, 3)",
    "text-and-pixels.png": "(5000, 5000, 3)",
    "photo.jpg": "(3000, 4000, 3)",
    "progressive-photo.jpg": "(3000, 4000, 3)",
    "sideways-photo.jpg": "(5000, 5000, 3)",
    "fine-progressive.jpg": LARGE,
    "huge.jpg": LARGE,
    "cmyk.jpg": "(2500, 2500, 3)",
    "exif.jpg": "(64, 64, 3)",
    "previews.jpg": "(64, 64, 3)",
    "scans.jpg": "could not be read",
    "large.webp": LARGE,
    "twelve-megapixels.webp": "(3024, 4032, 3)",
    "frames.webp": "(16, 16, 3)",
    "ten-thousand.zip": "holds 10000 pictures",
    "listing.zip": "holds too many files",
    "member.zip": "larger than 50 MB",
    "decoded.zip": MANY,
    "zeros.npz": "more than 400 MB",
    "within.npz": MANY,
    "header.npz": "no array of pictures",
    "fast.wav": "(29000000,)",
    "promise.wav": "(100,)",
    "hours.flac": "(2880000,)",
}


def harm(place: Path) -> None:
    """All files of OUTCOMES."""
    flat_png(place / "wide.png", 25_000_000, 1)
    flat_png(place / "tall.png", 1, 25_000_000)
    flat_png(place / "side.png", 20_001, 1000)
    flat_png(place / "one-bit.png", 10_000, 10_000, bits=1, colour=0)
    flat_png(place / "one-bit-within.png", 5000, 5000, bits=1, colour=0)
    flat_png(place / "sixteen-bits.png", 5000, 5000, bits=16, colour=0)
    flat_png(place / "sixteen-bits-clear.png", 5000, 5000, bits=16, colour=6)
    flat_png(place / "palette.png", 5000, 5000, colour=3)
    flat_png(place / "twelve-megapixels.png", 4000, 3000)
    bomb = zlib.compress(bytes(100 * MB), 1)
    flat_png(place / "ztxt.png", 64, 64, more=chunk(b"zTXt", b"a\0\0" + bomb))
    flat_png(place / "itxt.png", 64, 64, more=chunk(b"iTXt", b"a\0\1\0\0\0" + bomb))
    flat_png(place / "profile.png", 64, 64, more=chunk(b"iCCP", b"a\0\0" + bomb))
    text = chunk(b"tEXt", b"Raw profile type exif\0" + b"ab\n" * (15 * MB))
    flat_png(place / "text.png", 64, 64, more=text)
    flat_png(place / "exif.png", 64, 64, more=chunk(b"eXIf", exif(20_000, 4 * MB)))
    flat_png(place / "text-and-pixels.png", 5000, 5000, more=text)

    large = Image.new("RGB", (8000, 6000), "teal")
    (place / "photo.jpg").write_bytes(jpeg(large))
    (place / "progressive-photo.jpg").write_bytes(jpeg(large, progressive=True))
    fine = jpeg(large, progressive=True, subsampling=0)
    (place / "fine-progressive.jpg").write_bytes(fine)
    (place / "huge.jpg").write_bytes(jpeg(Image.new("L", (9000, 9000))))
    turned = struct.pack(">8sHHHIHxx", b"MM\0*\0\0\0\x08", 1, 0x0112, 3, 1, 6)
    square = large.crop((0, 0, 5000, 5000))
    (place / "sideways-photo.jpg").write_bytes(jpeg(square, (0xE1, b"Exif\0\0" + turned)))
    (place / "cmyk.jpg").write_bytes(jpeg(square.convert("CMYK"), progressive=True, subsampling=0))
    small = Image.new("RGB", (64, 64))
    words = exif(5000, 65_000)
    (place / "exif.jpg").write_bytes(jpeg(small, (0xE1, b"Exif\0\0" + words)))
    (place / "previews.jpg").write_bytes(jpeg(small, (0xE2, b"MPF\0" + words)))
    content = jpeg(small, progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    (place / "scans.jpg").write_bytes(content[:-2] + last * 100 + content[-2:])

    quickly = {"lossless": True, "quality": 0, "method": 0}
    square.save(place / "large.webp", **quickly)
    large.crop((0, 0, 4032, 3024)).save(place / "twelve-megapixels.webp", **quickly)
    frames = [Image.new("RGB", (16, 16), (k // 16, k % 16, 0)) for k in range(2000)]
    frames[0].save(place / "frames.webp", save_all=True, append_images=frames[1:], **quickly)

    with zipfile.ZipFile(place / "ten-thousand.zip", "w") as archive:
        for k in range(10_000):
            archive.writestr(f"{k}.png", valid(".png") if k < 2 else b"")
    with zipfile.ZipFile(place / "listing.zip", "w") as archive:
        for k in range(20_000):
            archive.writestr(f"{k}".rjust(99, "a"), b"")
    zeros(place / "member.zip", "a.png", 100 * MB)
    with zipfile.ZipFile(place / "member.zip", "a") as archive:
        archive.writestr("b.png", b"")
    flat_png(place / "flat", 5000, 4000)
    with zipfile.ZipFile(place / "decoded.zip", "w") as archive:
        for k in range(6):
            archive.write(place / "flat", f"{k}.png")
    zeros(place / "zeros.npz", "a.npy", 410 * MB, npy((2000, 1000, 1000)))
    zeros(place / "within.npz", "a.npy", 250 * MB, npy((250, 1000, 1000)))
    zeros(place / "header.npz", "a.npy", 250 * MB, b"\x93NUMPY\2\0" + struct.pack("<I", 240 * MB))

    with soundfile.SoundFile(place / "fast.wav", "w", 500_000, 1) as sound:
        for _ in range(58):
            sound.write(np.full(500_000, 99, np.int16))
    soundfile.write(place / "promise.wav", np.full(100, 0.1), 16_000, subtype="PCM_16")
    content = bytearray((place / "promise.wav").read_bytes())
    for at in (4, content.index(b"data") + 4):
        struct.pack_into("<I", content, at, 2**32 - 2)
    (place / "promise.wav").write_bytes(content)
    with soundfile.SoundFile(place / "hours.flac", "w", 48_000, 2) as sound:
        for _ in range(70):
            sound.write(np.zeros((48_000 * 60, 2), np.int16))


# What a process of its own does with them: a line of each, tabs between.
READING = """
import sys
from pathlib import Path
from tests.hostile.test_bad_files import READERS, FileRejected
from tests.tiny import peak_memory
for path in map(Path, sys.argv[1:]):
    with peak_memory() as memory:
        try:
            made = READERS[path.suffix](path)
            made = made[0] if isinstance(made, tuple) else made
            outcome = str(made.shape if hasattr(made, "shape") else len(made))
            del made
        except FileRejected as error:
            outcome = str(error)
    print(path.name, memory.growth, outcome, sep="\t", flush=True)
"""


class TestMemory:
    @pytest.fixture(scope="class")
    @classmethod
    def measured(cls, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
        """How far memory rose at its highest while each file was read, and what came of it."""
        place = tmp_path_factory.mktemp("harm")
        harm(place)
        with peak_memory():  # skips where this cannot be measured
            pass
        done = subprocess.run(
            [sys.executable, "-c", READING, *(str(place / name) for name in OUTCOMES)],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        lines = (line.split("\t") for line in done.stdout.splitlines())
        return {name: (int(growth), outcome) for name, growth, outcome in lines}

    @pytest.mark.parametrize("name", OUTCOMES)
    def test_no_file_takes_more_than_it_may(
        self, name: str, measured: dict[str, tuple[int, str]]
    ) -> None:
        growth, outcome = measured[name]
        assert OUTCOMES[name] in outcome
        assert growth < 250 * MB
        if outcome.endswith(".") and name != "decoded.zip":  # whose first pictures are fine
            assert growth < 60 * MB, "refused by its header"

    @pytest.mark.parametrize(
        "shape", [(1500, 64, 64, 3), (5000, 64, 64, 3), (2500, 64, 64), (170, 512, 512, 3)]
    )
    def test_a_set_that_is_learnt_from(self, shape: tuple[int, ...], tmp_path: Path) -> None:
        values = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        np.savez(tmp_path / "a.npz", values)
        del values
        with peak_memory() as memory:
            made, _ = load(tmp_path / "a.npz", PRESETS["quick-objects"].training)
        assert len(made.signals) == min(1500, shape[0])
        assert memory.growth < 250 * MB


class TestTextures:
    @pytest.mark.parametrize("size", [(1, 1), (31, 31)])
    def test_one_pixel(self, size: tuple[int, int], tmp_path: Path) -> None:
        Image.new("RGB", size, "red").save(tmp_path / "a.png")
        spec = PRESETS["quick-texture"].training
        sentence = refused(lambda path: load(path, spec), tmp_path / "a.png")
        assert "at least 32 x 32" in sentence

    @given(st.integers(1, 300), st.integers(1, 300))
    @settings(max_examples=12)
    def test_any_size_is_learnt_from_or_refused(self, height: int, width: int) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        for name in ("quick-texture", "paper-texture"):
            try:
                made, spec = from_picture(pixels, PRESETS[name].training, name="a")
            except FileRejected:
                assert min(height, width) < 32
                continue
            unit = spec.generator.enlargement
            if spec.window:  # the whole of it, and a network that is no larger
                assert made.signals.shape == (1, 3, height // unit * unit, width // unit * unit)
                sides = zip(spec.generator.signal_shape[1:], made.signals.shape[2:], strict=True)
                assert all(0 < ours <= whole for ours, whole in sides)
            else:
                assert made.signals.shape[1:] == spec.generator.signal_shape


class TestSounds:
    SPEC = PRESETS["quick-sound"].training

    def written(self, path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
        soundfile.write(path, samples, rate, subtype="FLOAT")
        return path

    def test_silence(self, tmp_path: Path) -> None:
        path = self.written(tmp_path / "a.wav", np.zeros(16_000, np.float32))
        assert "silent" in refused(lambda path: load(path, self.SPEC), path)

    @pytest.mark.parametrize("frames", [0, 1, 1600])
    def test_too_short(self, frames: int, tmp_path: Path) -> None:
        wave = np.sin(np.arange(frames)).astype(np.float32)
        path = self.written(tmp_path / "a.wav", wave)
        assert "at least 0.5 s" in refused(lambda path: load(path, self.SPEC), path)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -1e30])
    @pytest.mark.parametrize("channels", [1, 2])
    def test_samples_that_are_no_numbers(self, value: float, channels: int, tmp_path: Path) -> None:
        wave = np.full((16_000, channels), 0.1, np.float32)
        wave[77] = value
        path = self.written(tmp_path / "a.wav", wave)
        assert "no numbers" in refused(sounds.read_sound, path)

    def test_a_long_silence_in_a_small_file(self, tmp_path: Path) -> None:
        path, minute = tmp_path / "a.flac", np.zeros((48_000 * 60, 2), np.int16)
        with soundfile.SoundFile(path, "w", 48_000, 2) as sound:
            for _ in range(12):
                sound.write(minute)
        del minute
        assert path.stat().st_size < MB  # 276 MB as samples
        with peak_memory() as memory:
            samples, rate = sounds.read_sound(path)
        assert len(samples) == 60 * rate
        assert memory.growth < 80 * MB

    def test_a_thousand_channels(self, tmp_path: Path) -> None:
        path, block = tmp_path / "a.wav", np.zeros((500, 1000), np.int16)
        soundfile.write(path, block, 16_000, subtype="PCM_U8")
        assert len(sounds.read_sound(path)[0]) == 500
        with soundfile.SoundFile(path, "w", 16_000, 1000, subtype="PCM_U8") as sound:
            for _ in range(62):
                sound.write(block)
        with peak_memory() as memory:
            assert "too many samples" in refused(sounds.read_sound, path)
        assert memory.growth < 5 * MB

    def test_a_header_that_promises_more_than_there_is(self, tmp_path: Path) -> None:
        path = self.written(tmp_path / "a.wav", np.full(100, 0.1, np.float32))
        content = bytearray(path.read_bytes())
        struct.pack_into("<I", content, content.index(b"data") + 4, 2**31 - 8)
        path.write_bytes(content)
        with peak_memory() as memory:
            samples, _ = sounds.read_sound(path)
        assert len(samples) == 100
        assert memory.growth < 5 * MB


class TestSets:
    @pytest.mark.parametrize("name", ["a.zip", "a.npz"])
    def test_an_archive_that_unpacks_to_a_thousand_times_its_size(
        self, name: str, tmp_path: Path
    ) -> None:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(2):
                with archive.open(f"{number}.png", "w") as member:
                    for _ in range(21):
                        member.write(bytes(10 * MB))
        with peak_memory() as memory:
            assert "more than 400 MB" in refused(sets.read_pictures, tmp_path / name)
        assert memory.growth < 5 * MB

    def test_a_size_that_is_a_lie(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.png", bytes(100 * MB))
            archive.writestr("b.png", b"")
        content = (tmp_path / "a.zip").read_bytes()
        honest, lie = struct.pack("<I", 100 * MB), struct.pack("<I", 100)
        assert content.count(honest) == 2
        content = content.replace(honest, lie)
        for name in ("a.zip", "a.npz"):
            (tmp_path / name).write_bytes(content)
            with peak_memory() as memory:
                refused(sets.read_pictures, tmp_path / name)
            assert memory.growth < 5 * MB

    @pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_packings_that_unpack_without_bounds(self, packing: int, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w", packing) as archive:
            archive.writestr("a.png", bytes(20 * MB))
            archive.writestr("b.png", bytes(20 * MB))
        with peak_memory() as memory:
            assert "an ordinary zip" in refused(sets.read_pictures, tmp_path / "a.zip")
        assert memory.growth < 5 * MB

    def test_a_set_of_one(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("a.png", valid(".png"))
        assert "one picture" in refused(sets.read_pictures, tmp_path / "a.zip")

    def test_one_broken_picture_is_named(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("fine.png", valid(".png"))
            archive.writestr("deep/broken.png", valid(".png")[:60])
        assert "broken.png in a.zip" in refused(sets.read_pictures, tmp_path / "a.zip")

    def test_names_that_climb_out_write_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "here").mkdir()
        path = tmp_path / "here" / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("../up.png", "/root.png"):
                archive.writestr(name, valid(".png"))
        assert len(sets.read_pictures(path)) == 2
        assert [p.name for p in tmp_path.rglob("*.*")] == ["a.zip"]

    def test_a_locked_archive(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("a.png", valid(".png"))
            archive.writestr("b.png", valid(".png"))
        content = bytearray((tmp_path / "a.zip").read_bytes())
        for mark, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
            start = content.find(mark)
            while start >= 0:
                content[start + flags] |= 1
                start = content.find(mark, start + 1)
        (tmp_path / "a.zip").write_bytes(content)
        refused(sets.read_pictures, tmp_path / "a.zip")

    def npz(self, path: Path, header: str, body: bytes) -> Path:
        """An .npz of one array with this header, as it stands."""
        text = header.encode().ljust(118) + b"\n"
        array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", array)
        return path

    def test_objects_are_never_unpickled(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        header = "{'descr': '|O', 'fortran_order': False, 'shape': (2, 8, 8)}"
        path = self.npz(tmp_path / "a.npz", header, PICKLE)
        assert "no array of pictures" in refused(sets.read_pictures, path)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", PICKLE)
        refused(sets.read_pictures, path)
        assert not (tmp_path / "ran").exists()

    def test_an_array_of_objects_saved_by_numpy(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", np.full((2, 8, 8), None, object))
        assert "no array of pictures" in refused(sets.read_pictures, tmp_path / "a.npz")

    @pytest.mark.parametrize(
        ("header", "found"),
        [
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (4000, 4000, 4000)}", "too large"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (90, 2000, 2000)}", "too large"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (55, 2000, 2000)}", "could not"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 0, 8)}", "too large"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (-5, 8, 8)}", ""),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (10**9,)}", ""),
            ("__import__('os').system('touch ran')", "could not"),
            ("{'descr': '<i8', 'fortran_order': False, 'shape': (2, 8, 8)}", "no array"),
        ],
    )
    def test_headers_that_lie(
        self, header: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with peak_memory() as memory:
            sentence = refused(sets.read_pictures, self.npz(tmp_path / "a.npz", header, bytes(100)))
        assert found in sentence
        assert memory.growth < 5 * MB
        assert not (tmp_path / "ran").exists()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a small run."""
    network = NETWORKS["objects"]
    trainer = Trainer(training(network), dataset(network), machine=FP32)
    list(trainer.steps(2))
    path = tmp_path_factory.mktemp("run") / "good.safetensors"
    trainer.checkpoint().save(path)
    return path


@pytest.fixture(scope="module")
def with_loss(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a run with a loss of samples, at its beginning."""
    network = GeneratorSpec(
        latent_shape=(6,),
        projection=(8, 8, 8),
        channels=(8,),
        kernel_size=5,
        upsampling=2,
        out_channels=3,
    )
    trainer = Trainer(training(network, sample_loss_rate=1e-3), dataset(network), machine=FP32)
    path = tmp_path_factory.mktemp("run") / "run.safetensors"
    trainer.checkpoint().save(path)
    return path


@pytest.fixture(scope="module")
def light(good: Path) -> Path:
    """The model of that run alone."""
    path = good.with_name("light.safetensors")
    lighten(Checkpoint.load(good)).save(path)
    return path


def rejected(path: Path) -> str:
    with pytest.raises(CheckpointRejected) as caught:
        Checkpoint.load(path)
    assert one_sentence(caught.value)
    return str(caught.value)


def parts(good: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Header and tensors of a good checkpoint, to be changed and put together again."""
    content = good.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    listing = json.loads(content[8 : 8 + length])
    header = listing.pop("__metadata__")
    body = content[8 + length :]
    kinds = {"F32": torch.float32, "F16": torch.float16}
    tensors = {
        name: torch.frombuffer(
            bytearray(body[slice(*entry["data_offsets"])]), dtype=kinds[entry["dtype"]]
        )
        .reshape(entry["shape"])
        .clone()
        for name, entry in listing.items()
    }
    return header, tensors


class TestCheckpoints:
    def changed(
        self, good: Path, tmp_path: Path, header: dict[str, str], **tensors: torch.Tensor
    ) -> Path:
        old_header, old_tensors = parts(good)
        path = tmp_path / "changed.safetensors"
        path.write_bytes(save(old_tensors | tensors, old_header | header))
        return path

    def test_the_parts_of_a_good_file_make_a_good_file(self, good: Path, tmp_path: Path) -> None:
        # So that each refusal below is for the one thing that was changed.
        loaded = Checkpoint.load(self.changed(good, tmp_path, {}))
        assert loaded.iteration == 2

    def test_cut_short_anywhere(self, good: Path, tmp_path: Path) -> None:
        content, path = good.read_bytes(), tmp_path / "cut.safetensors"
        for length in [*range(0, 64), *range(64, len(content), 397), len(content) - 1]:
            path.write_bytes(content[:length])
            rejected(path)

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_damage_is_rejected_or_survived(
        self, data: st.DataObject, good: Path, light: Path, tmp_path: Path
    ) -> None:
        content = bytearray(data.draw(st.sampled_from([good, light]), "file").read_bytes())
        listing = 8 + struct.unpack("<Q", content[:8])[0]
        reach = st.integers(0, listing - 1) | st.integers(0, len(content) - 1)
        flips = st.lists(st.tuples(reach, st.integers(1, 255)), min_size=1, max_size=5)
        for place, change in data.draw(flips, "flips"):
            content[place] ^= change
        path = tmp_path / "damaged.safetensors"
        path.write_bytes(content[: data.draw(st.just(len(content)) | st.integers(0, len(content)))])
        try:
            loaded = Checkpoint.load(path)
        except CheckpointRejected as error:
            if not one_sentence(error):
                pytest.fail(f"not for the user: {error}")
            return
        x = loaded.generator()(loaded.latents[:2])
        assert tuple(x.shape[1:]) == loaded.spec.generator.signal_shape

    @pytest.mark.parametrize(
        "content", [b"", b"\0" * 100, PICKLE, b"\xff" * 64, b'{"a": 1}', valid(".zip")]
    )
    def test_other_files(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / "other.safetensors"
        path.write_bytes(content)
        assert "choose a checkpoint" in rejected(path)

    def test_a_pickle_is_never_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        torch.save({"weights": torch.zeros(3)}, tmp_path / "model.pt")
        assert "no safetensors file" in rejected(tmp_path / "model.pt")
        (tmp_path / "model.pkl").write_bytes(PICKLE)
        rejected(tmp_path / "model.pkl")
        assert not (tmp_path / "ran").exists()

    def test_a_folder_and_a_name_that_no_file_can_have(self, tmp_path: Path) -> None:
        rejected(tmp_path)
        rejected(tmp_path / "missing.safetensors")
        with pytest.raises(CheckpointRejected):
            Checkpoint.load(tmp_path / "a\0b")

    def test_another_programs_model(self, good: Path, tmp_path: Path) -> None:
        path = tmp_path / "other.safetensors"
        path.write_bytes(save({"unet.weight": torch.zeros(4)}))
        assert "another program's model" in rejected(path)
        assert "another program's model" in rejected(
            self.changed(good, tmp_path, {"format": "abp-2"})
        )

    @pytest.mark.parametrize("missing", ["format", "spec", "source", "numbers", "digest"])
    def test_a_header_without_a_part(self, missing: str, good: Path, tmp_path: Path) -> None:
        header, tensors = parts(good)
        del header[missing]
        path = tmp_path / "changed.safetensors"
        path.write_bytes(save(tensors, header))
        rejected(path)

    @pytest.mark.parametrize(
        "numbers",
        [
            "",
            "null",
            "5",
            "[]",
            "[0.3, 2, 2]",
            "[0.3, 2, 2, 1.0, 1.0]",
            "[NaN, 2, 2, 1.0]",
            "[Infinity, 2, 2, 1.0]",
            "[0, 2, 2, 1.0]",
            "[-0.3, 2, 2, 1.0]",
            "[0.3, -1, 2, 1.0]",
            "[0.3, 2.5, 2, 1.0]",
            "[0.3, true, 2, 1.0]",
            "[0.3, 2, 99999999999999999999, 1.0]",
            "[0.3, 2, 2, NaN]",
            '["0.3", 2, 2, 1.0]',
            f"[1{'0' * 400}, 2, 2, 1.0]",
            "[" * 100_000,
        ],
        ids=lambda numbers: numbers[:40],
    )
    def test_numbers_out_of_range(self, numbers: str, good: Path, tmp_path: Path) -> None:
        assert "damaged" in rejected(self.changed(good, tmp_path, {"numbers": numbers}))

    @pytest.mark.parametrize("name", ["weights/kernels.0", "second_moments/biases.1", "latents"])
    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    def test_values_that_are_no_numbers(
        self, name: str, value: float, good: Path, tmp_path: Path
    ) -> None:
        tensor = parts(good)[1][name]
        tensor.view(-1)[-1] = value
        assert "damaged" in rejected(self.changed(good, tmp_path, {}, **{name: tensor}))

    def test_a_square_below_zero(self, good: Path, tmp_path: Path) -> None:
        name = "second_moments/kernels.0"
        tensor = parts(good)[1][name]
        tensor.view(-1)[0] = -1e-3
        assert "damaged" in rejected(self.changed(good, tmp_path, {}, **{name: tensor}))

    @pytest.mark.parametrize(
        "change",
        [
            {"weights/kernels.0": torch.zeros(8, 8, 5, 4)},
            {"weights/kernels.0": torch.zeros(1)},
            {"weights/opening": torch.zeros(32, 6)},
            {"first_moments/biases.0": torch.zeros(9)},
            {"latents": torch.zeros(10, 7)},
            {"latents": torch.zeros(())},
            {"latents": torch.zeros(10, 6, dtype=torch.float64)},
            {"weights/biases.0": torch.zeros(8, dtype=torch.int64)},
            {"weights/biases.0": torch.zeros(8, dtype=torch.bfloat16)},
            {"weights/more": torch.zeros(1)},
            {"more": torch.zeros(1)},
        ],
        ids=lambda change: " ".join(f"{n} {tuple(t.shape)} {t.dtype}" for n, t in change.items()),
    )
    def test_tensors_that_are_not_those_of_the_spec(
        self, change: dict[str, torch.Tensor], good: Path, tmp_path: Path
    ) -> None:
        assert "damaged" in rejected(self.changed(good, tmp_path, {}, **change))

    @pytest.mark.parametrize("name", ["weights/kernels.1", "first_moments/opening", "latents"])
    def test_a_missing_tensor(self, name: str, good: Path, tmp_path: Path) -> None:
        header, tensors = parts(good)
        del tensors[name]
        path = tmp_path / "changed.safetensors"
        path.write_bytes(save(tensors, header))
        assert "damaged" in rejected(path)

    @pytest.mark.parametrize(
        "groups",
        [
            ["first_moments"],
            ["second_moments"],
            ["sample_loss"],
            ["first_moments", "sample_loss"],
            ["weights"],
            ["first_moments", "second_moments"],
        ],
        ids=" ".join,
    )
    def test_what_only_training_needs_is_there_as_a_whole_or_not_at_all(
        self, groups: list[str], with_loss: Path, tmp_path: Path
    ) -> None:
        header, tensors = parts(with_loss)
        path = tmp_path / "changed.safetensors"
        left = {name: t for name, t in tensors.items() if name.partition("/")[0] not in groups}
        assert len(left) < len(tensors)
        for numbers in (header["numbers"], "[0.3, 0.1, 0, 0, 0.0]"):
            path.write_bytes(save(left, header | {"numbers": numbers}))
            assert "damaged" in rejected(path)

    def test_the_model_alone(self, with_loss: Path, tmp_path: Path) -> None:
        header, tensors = parts(with_loss)
        path = tmp_path / "changed.safetensors"
        model = {
            name: t
            for name, t in tensors.items()
            if name.partition("/")[0] in ("weights", "latents", "curvature")
        }
        path.write_bytes(save(model, header | {"numbers": "[0.3, 0.1, 0, 0, 0.0]"}))
        assert Checkpoint.load(path).first_moments == {}
        path.write_bytes(save(model, header | {"numbers": "[0.3, 0.1, 1, 1, 0.0]"}))
        assert "damaged" in rejected(path)  # a learning step leaves moments behind
        model["sample_loss/more"] = torch.zeros(1)
        path.write_bytes(save(model, header | {"numbers": "[0.3, 0.1, 0, 0, 0.0]"}))
        assert "damaged" in rejected(path)

    def test_half_precision_is_for_weights_and_latents(self, good: Path, tmp_path: Path) -> None:
        _, tensors = parts(good)
        for name, tensor in tensors.items():
            path = self.changed(good, tmp_path, {}, **{name: tensor.half()})
            if name == "latents" or name.startswith("weights/"):
                loaded = Checkpoint.load(path).tensors()[name]
                assert torch.equal(loaded, tensor.half().float())
            else:
                assert "damaged" in rejected(path)

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    def test_halves_that_are_no_numbers(self, value: float, light: Path, tmp_path: Path) -> None:
        for name, tensor in parts(light)[1].items():
            tensor.view(-1)[-1] = value
            assert "damaged" in rejected(self.changed(light, tmp_path, {}, **{name: tensor}))

    @pytest.mark.parametrize(
        "network",
        [
            {"channels": [4096] * 8},
            {"channels": [10**6] * 8, "kernel_size": 99},
            {"latent_shape": [10**9]},
            {"latent_shape": [10**9], "projection": [10**9, 10**9, 10**9]},
            {"latent_shape": [10**30]},
            {"kernel_size": 10**12, "upsampling": 10**12},
            {"out_channels": 3.0},
            {"leak": 10**400},
        ],
        ids=repr,
    )
    def test_a_huge_network_is_rejected_before_it_is_built(
        self, network: dict[str, object], good: Path, tmp_path: Path
    ) -> None:
        spec = json.loads(parts(good)[0]["spec"])
        spec["generator"] |= network
        path = self.changed(good, tmp_path, {"spec": json.dumps(spec)})
        with peak_memory() as memory:
            assert "damaged" in rejected(path)
        assert memory.growth < 10 * MB

    def test_settings_of_another_model(self, good: Path, tmp_path: Path) -> None:
        other: TrainingSpec = PRESETS["quick-texture"].training
        assert "damaged" in rejected(self.changed(good, tmp_path, {"spec": other.to_json()}))

    @pytest.mark.parametrize("source", ["", "[]", '{"kind": "film", "name": "x"}', "{" * 9999])
    def test_a_source_that_is_none(self, source: str, good: Path, tmp_path: Path) -> None:
        assert "damaged" in rejected(self.changed(good, tmp_path, {"source": source}))
        other = Source(kind="sound", name="x", sample_rate=16_000).to_json()
        assert "damaged" in rejected(self.changed(good, tmp_path, {"source": other}))
        kind = Checkpoint.load(good).source.kind
        fine = Source(kind=kind, name="x").to_json()
        assert Checkpoint.load(self.changed(good, tmp_path, {"source": fine})).source.name == "x"

    def test_a_file_larger_than_any_model_is_not_opened(self, tmp_path: Path) -> None:
        path = tmp_path / "large.safetensors"
        with path.open("wb") as file:
            file.truncate(checkpoint.MOST_BYTES + 1)
        with peak_memory() as memory:
            assert "larger than 200 MB" in rejected(path)
        assert memory.growth < MB

    def test_a_listing_that_promises_gigabytes(self, tmp_path: Path) -> None:
        listing = json.dumps(
            {"latents": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
        ).encode()
        path = tmp_path / "huge.safetensors"
        path.write_bytes(struct.pack("<Q", len(listing)) + listing + bytes(100))
        with peak_memory() as memory:
            rejected(path)
            path.write_bytes(struct.pack("<Q", 2**60) + listing)
            rejected(path)
        assert memory.growth < MB

    def test_the_largest_that_may_be_brought_takes_little_memory(self, tmp_path: Path) -> None:
        saved = Checkpoint.load(SHIPPED)
        header, tensors = parts(SHIPPED)
        places = 28_000_000 // saved.latents[0].numel()
        latents = torch.zeros(places, *saved.latents.shape[1:], dtype=torch.float16)
        path = tmp_path / "large.safetensors"
        path.write_bytes(save(tensors | {"latents": latents}, header))
        del latents
        assert 0.9 * limits.UPLOAD_MB * MB < path.stat().st_size < limits.UPLOAD_MB * MB
        with peak_memory() as memory:
            assert len(Checkpoint.load(path).latents) == places
        assert memory.growth < 250 * MB
