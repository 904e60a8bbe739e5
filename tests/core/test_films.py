"""Films as people bring them: every kind, in every state, and what is made of them."""

import contextlib
import io
import itertools
import json
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from abp_core.data import datasets, decode, formats, sounds
from abp_core.data.film import asking, choosing, colours
from abp_core.data.film.frames import Film
from abp_core.data.film.read import read_film
from abp_core.data.film.views import over_white
from abp_core.data.formats import FileRejected
from abp_core.synthesis.film import encode_film, encode_webp

Bytes = NDArray[np.uint8]
Stream = Any

SHARED = Path(__file__).parents[3] / "shared" / "data"
COLOURS = np.array([(200, 40, 90), (30, 160, 60), (20, 60, 220), (240, 220, 40)], np.uint8)
SIDE = 96
PATIENCE = 6.0  # seconds that any refusal may take, where others use the machine too


def moving(height: int = 96, width: int = 128, number: int = 24) -> Bytes:
    """A light that moves over four colours: red and green above blue and yellow."""
    y, x = np.mgrid[:height, :width]
    ground = COLOURS[2 * (2 * y >= height) + (2 * x >= width)]
    frames = np.stack([ground] * number)
    for k in range(number):
        frames[k, height // 4 : height // 2, k * width // 48 : (k + 12) * width // 48] = 250
    return frames


def film(
    frames: Sequence[Bytes] | Bytes,
    codec: str = "libx264",
    kind: str = "mp4",
    *,
    rate: float = 25,
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    prepare: Callable[[Stream], None] | None = None,
    stamps: Sequence[int] | None = None,
) -> bytes:
    """A film; stamps: when its frames are shown, in milliseconds."""
    memory = io.BytesIO()
    with av.open(memory, "w", format=kind) as container:
        stream: Any = container.add_stream(codec, rate=Fraction(rate), options=options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if prepare:
            prepare(stream)
        for k, each in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(each, format="rgb24")
            if stamps is not None:
                frame.pts, frame.time_base = stamps[k], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return memory.getvalue()


def read(content: bytes, folder: Path, name: str = "a.mp4", **how: int) -> Film:
    path = folder / name
    path.write_bytes(content)
    return read_film(path, **{"pixels": SIDE**2, **how})


def refused(content: bytes, folder: Path, name: str = "a.mp4", **how: int) -> str:
    """What is said, in one sentence and in time."""
    began = time.monotonic()
    with pytest.raises(FileRejected) as refusal:
        read(content, folder, name, **how)
    assert time.monotonic() - began < PATIENCE
    sentence = str(refusal.value)
    assert name in sentence
    assert sentence.endswith(".")
    assert ". " not in sentence
    return sentence


def corners(frame: Bytes) -> Bytes:
    """The colours at the outer corners, row by row."""
    height, width = frame.shape[:2]
    at = [(0.06, 0.06), (0.06, 0.94), (0.94, 0.06), (0.94, 0.94)]
    return np.array([frame[int(y * height), int(x * width)] for y, x in at])


def light(frame: Bytes) -> float:
    """Where the light is, as a share of the width."""
    return float(np.nonzero((frame > 225).all(2))[1].mean()) / frame.shape[1]


KINDS: dict[str, Callable[[], bytes]] = {
    "mp4": lambda: film(moving()),
    "mov": lambda: film(moving(), "mjpeg", "mov", pixels="yuvj420p"),
    "hevc": lambda: film(moving(), "libx265", options={"x265-params": "log-level=none"}),
    "vp8": lambda: film(moving(), "libvpx", "webm"),
    "vp9": lambda: film(moving(), "libvpx-vp9", "webm"),
    "mkv": lambda: film(moving(), kind="matroska"),
    "avi": lambda: film(moving(), "mpeg4", "avi"),
    "avi-b": lambda: film(moving(), "mpeg4", "avi", options={"bf": "2"}),
    "gif": lambda: film(moving(), "gif", "gif", pixels="rgb8"),
    "webp": lambda: encode_webp(list(moving()), 25),
}


class TestKinds:
    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_by_any_name(self, kind: str, tmp_path: Path) -> None:
        found = read(KINDS[kind](), tmp_path, "a.dat")
        assert found.frames.shape == (24, 80, 104, 3)
        assert found.frames.dtype == np.uint8
        assert found.rate == pytest.approx(25, rel=1e-3)
        assert found.size == (128, 96)
        assert found.seconds == pytest.approx(24 / 25, abs=0.06)
        assert found.notes == ()
        shown = corners(found.frames[0]).astype(int)
        assert np.abs(shown - COLOURS).max() < (40 if kind == "gif" else 16)
        places = [light(frame) for frame in found.frames]
        assert all(b > a - 0.01 for a, b in itertools.pairwise(places))
        assert places[-1] - places[0] > 0.4

    @pytest.mark.parametrize("matrix", ["bt601", "bt709"])
    @pytest.mark.parametrize("full", [False, True])
    def test_colours_as_the_film_tells_them(self, matrix: str, full: bool, tmp_path: Path) -> None:
        flags = f"colormatrix={'bt709' if matrix == 'bt709' else 'smpte170m'}"
        flags += f":fullrange={'on' if full else 'off'}"
        reformatter = av.video.reformatter.VideoReformatter()
        number = {"bt601": 6, "bt709": 1}[matrix]
        memory = io.BytesIO()
        with av.open(memory, "w", format="mp4") as container:
            options = {"x264-params": flags, "crf": "6"}
            stream: Any = container.add_stream("libx264", rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
            stream.codec_context.colorspace = number
            stream.codec_context.color_range = 2 if full else 1
            for each in moving():
                frame = av.VideoFrame.from_ndarray(each, format="rgb24")
                made = reformatter.reformat(
                    frame,
                    format="yuv420p",
                    dst_colorspace=5 if matrix == "bt601" else 1,
                    dst_color_range=2 if full else 1,
                )
                container.mux(stream.encode(made))
            container.mux(stream.encode(None))
        for side in (SIDE, 200):  # smaller, and as it is
            found = read(memory.getvalue(), tmp_path, pixels=side**2)
            assert np.abs(corners(found.frames[0]).astype(int) - COLOURS).max() <= 8

    def test_a_still_webp_is_a_picture(self, tmp_path: Path) -> None:
        memory = io.BytesIO()
        Image.fromarray(moving()[0]).save(memory, "WEBP")
        assert not formats.is_animated_webp(memory.getvalue()[: formats.HEAD])
        assert formats.is_animated_webp(KINDS["webp"]()[: formats.HEAD])
        assert "is one picture and no film" in refused(memory.getvalue(), tmp_path, "a.webp")

    @pytest.mark.parametrize("kind", ["gif", "webp"])
    def test_what_is_transparent_is_white(self, kind: str, tmp_path: Path) -> None:
        frames = []
        for k in range(12):
            pixels = np.zeros((64, 64, 4), np.uint8)
            pixels[16:48, 2 * k : 2 * k + 20] = (200, 0, 0, 255)
            frames.append(Image.fromarray(pixels))
        memory = io.BytesIO()
        frames[0].save(
            memory, kind, save_all=True, append_images=frames[1:], duration=100, disposal=2, loop=0
        )
        found = read(memory.getvalue(), tmp_path, f"a.{kind}")
        assert found.frames[:, 2:8].min() > 245
        assert found.frames[0, 30, 8, 0] > 150
        assert found.frames[0, 30, 8, 1] < 40
        assert found.frames[-1, 30, 4].min() > 240
        assert found.rate == pytest.approx(10)

    def test_the_frames_of_a_zip_in_the_order_people_count(self, tmp_path: Path) -> None:
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as archive:
            for k in range(23, -1, -1):
                content = io.BytesIO()
                Image.fromarray(moving()[k]).save(content, "PNG")
                archive.writestr(f"film/frame{k}.png", content.getvalue())
            archive.writestr("__MACOSX/film/._frame1.png", b"nothing")
        found = read(memory.getvalue(), tmp_path, "a.zip", pixels=200**2)
        assert found.frames.shape == (24, 96, 128, 3)
        assert np.array_equal(found.frames, moving())
        assert found.rate == 25
        assert "its pictures are played at 25 a second" in found.notes
        first = read(memory.getvalue(), tmp_path, "a.zip", pixels=200**2, most=10)
        assert len(first.frames) == 10
        assert "the first 0.4 s of its 1.0 s were taken" in first.notes

    @pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
    def test_the_frames_of_a_folder(self, ending: str, tmp_path: Path) -> None:
        folder = tmp_path / "clip"
        folder.mkdir()
        for k, frame in enumerate(moving()):
            Image.fromarray(frame).save(folder / f"{k}.{ending}")
        found = read_film(folder, pixels=SIDE**2)
        assert found.frames.shape == (24, 80, 104, 3)
        assert (found.size, found.seconds) == ((128, 96), pytest.approx(0.96))

    def test_frames_of_several_sizes_make_no_film(self, tmp_path: Path) -> None:
        for k, frame in enumerate(moving()):
            Image.fromarray(frame[: 96 - 8 * (k == 7)]).save(tmp_path / f"{k}.png")
        with pytest.raises(FileRejected, match=r"several sizes, 0\.png of 128 x 96 .* 7\.png of"):
            read_film(tmp_path, pixels=SIDE**2)

    def test_a_frame_that_is_damaged_is_named(self, tmp_path: Path) -> None:
        for k, frame in enumerate(moving()):
            Image.fromarray(frame).save(tmp_path / f"{k}.png")
        (tmp_path / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
        with pytest.raises(FileRejected, match=r"3\.png in .* could not be read as a picture"):
            read_film(tmp_path, pixels=SIDE**2)

    @pytest.mark.parametrize("grey", [False, True])
    @pytest.mark.parametrize("rate", [None, 12.5, 60])
    def test_numpys_frames(self, grey: bool, rate: float | None, tmp_path: Path) -> None:
        frames = moving(number=40)
        frames = frames[..., 0] if grey else frames
        memory = io.BytesIO()
        beside = {} if rate is None else {"fps": np.array(rate)}
        np.savez_compressed(memory, frames=frames, names=np.arange(3), **beside)
        found = read(memory.getvalue(), tmp_path, "a.npz", pixels=128**2)
        step = 2 if rate == 60 else 1
        expected = np.repeat(frames[..., None], 3, 3) if grey else frames
        assert np.array_equal(found.frames, expected[::step])
        assert found.rate == {None: 25, 12.5: 12.5, 60: 30}[rate]
        assert found.seconds == pytest.approx(40 / (rate or 25))
        assert bool(found.notes) == (rate != 12.5)

    def test_numpys_one_array(self, tmp_path: Path) -> None:
        memory = io.BytesIO()
        np.save(memory, moving())
        found = read(memory.getvalue(), tmp_path, "a.npy", pixels=128**2, most=10)
        assert np.array_equal(found.frames, moving()[:10])
        assert "the first 0.4 s of its 1.0 s were taken" in found.notes
        early = read(memory.getvalue()[:-400_000], tmp_path, "a.npy", pixels=128**2)
        assert 8 <= len(early.frames) < 24

    @pytest.mark.parametrize(
        "arrays",
        [
            {"pictures": moving()},
            {"frames": moving().astype(np.float32)},
            {"frames": moving()[0]},
            {"frames": np.zeros((24, 3, 64, 64), np.uint8)},
            {"frames": np.array([None] * 20)},
        ],
    )
    def test_numpys_other_arrays(self, arrays: dict[str, Any], tmp_path: Path) -> None:
        memory = io.BytesIO()
        np.savez(memory, **arrays)
        assert "please" in refused(memory.getvalue(), tmp_path, "a.npz")


class TestAsSeen:
    @pytest.mark.parametrize("angle", [0, 90, 180, 270])
    def test_turned_as_a_telephone_was_held(self, angle: int, tmp_path: Path) -> None:
        content = film(moving(), prepare=lambda s: s.set_display_rotation(angle))
        found = read(content, tmp_path)
        upright = angle % 180 == 0
        assert found.size == ((128, 96) if upright else (96, 128))
        assert found.frames.shape[1:3] == ((80, 104) if upright else (104, 80))
        expected = np.rot90(COLOURS.reshape(2, 2, 3), angle // 90).reshape(4, 3)
        assert np.abs(corners(found.frames[0]).astype(int) - expected).max() < 16

    @pytest.mark.parametrize(
        ("matrix", "order"),
        [
            ((-1, 0, 0, 1), (1, 0, 3, 2)),  # mirrored
            ((1, 0, 0, -1), (2, 3, 0, 1)),
            ((0, 1, 1, 0), (0, 2, 1, 3)),
            ((0, -1, -1, 0), (3, 1, 2, 0)),
        ],
    )
    def test_mirrored(
        self, matrix: tuple[int, ...], order: tuple[int, ...], tmp_path: Path
    ) -> None:
        a, b, c, d = (65536 * each for each in matrix)
        sides = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
        content = film(moving(), prepare=lambda s: s.set_display_matrix(sides))
        found = read(content, tmp_path)
        assert np.abs(corners(found.frames[0]).astype(int) - COLOURS[list(order)]).max() < 16

    def test_oblong_pixels(self, tmp_path: Path) -> None:
        def prepare(stream: Stream) -> None:
            stream.codec_context.sample_aspect_ratio = Fraction(2, 1)

        found = read(film(moving(), prepare=prepare), tmp_path)
        assert found.size == (256, 96)
        height, width = found.frames.shape[1:3]
        assert width / height == pytest.approx(256 / 96, rel=0.1)

    def test_fields_are_not_mixed(self, tmp_path: Path) -> None:
        frames = moving(192, 128)
        frames[:, 1::2] = 255 - frames[:, 1::2]  # the other field shows another picture
        options = {"x264-params": "tff=1", "crf": "10"}
        found = read(film(frames, pixels="yuv444p", options=options), tmp_path)
        assert np.abs(corners(found.frames[0]).astype(int) - COLOURS).max() < 30
        assert any("interlaced" in note for note in found.notes)

    @pytest.mark.parametrize("transfer", [16, 18])
    @pytest.mark.parametrize("side", [64, 96])
    def test_bright_colours_become_common_ones(
        self, transfer: int, side: int, tmp_path: Path
    ) -> None:
        def prepare(stream: Stream) -> None:
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace = 9, transfer, 9
            context.color_range = 1

        level = {16: 0.58, 18: 0.75}[transfer]  # as a sheet of paper is told
        frames = np.zeros((24, 96, 96, 3), np.uint8)
        frames[:, :, 48:] = round(255 * level)
        for k in range(24):
            frames[k, 40:56, 2 * k : 2 * k + 16] = 255
        options = {"x265-params": "log-level=none", "crf": "8"}
        content = film(frames, "libx265", pixels="yuv420p10le", options=options, prepare=prepare)
        found = read(content, tmp_path, pixels=side**2)
        first = found.frames[0]
        assert any("HDR" in note for note in found.notes)
        assert first[side // 12, side // 12].max() < 12
        paper = first[side // 12, -side // 12].astype(int)
        assert np.ptp(paper) < 10  # grey stays grey
        assert 215 < paper.mean() < 245
        assert first[side // 2, side // 12].min() > paper.mean()

    def test_bright_colours_are_the_same_at_any_size(self, tmp_path: Path) -> None:
        def prepare(stream: Stream) -> None:
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9

        options = {"x265-params": "log-level=none", "crf": "8"}
        content = film(
            moving() // 2, "libx265", pixels="yuv420p10le", options=options, prepare=prepare
        )
        shown = [
            corners(read(content, tmp_path, pixels=side**2).frames[0]).astype(int)
            for side in (64, SIDE, 200)
        ]
        assert np.abs(np.stack(shown) - shown[0]).max() < 12
        assert np.ptp(shown[2], axis=1).min() > 40

    def test_common_colours_by_number(self) -> None:
        red = np.array([[[40_000, 0, 0], [0, 40_000, 0], [9_000, 9_000, 9_000]]], np.uint16)
        for transfer in (16, 18, 14):
            made = colours.to_common(red, transfer, 9)[0].astype(int)
            assert made[0, 0] > made[0, 1:].max()
            assert made[1, 1] > max(made[1, 0], made[1, 2])
            assert np.ptp(made[2]) <= 2

    @pytest.mark.parametrize("size", [(96, 128), (128, 96), (90, 120), (101, 203), (1080, 1920)])
    @pytest.mark.parametrize("side", [64, 128, 256])
    def test_little_is_cut_and_nothing_is_enlarged(self, size: tuple[int, int], side: int) -> None:
        height, width = size
        made = choosing.fit(height, width, pixels=side**2, unit=8)
        assert made is not None
        rows, columns = made.kept
        assert rows % 8 == columns % 8 == 0
        assert rows * columns <= side * side
        assert rows * columns > 0.72 * min(side * side, height * width)
        assert made.scaled[0] <= height
        assert made.scaled[1] <= width
        assert rows <= made.scaled[0] < 1.13 * rows
        assert columns <= made.scaled[1] < 1.13 * columns
        assert made.scaled[0] / made.scaled[1] == pytest.approx(height / width, rel=0.02)

    @given(
        st.integers(1, 4096), st.integers(1, 4096), st.integers(4, 40), st.sampled_from([1, 4, 8])
    )
    @settings(max_examples=60, deadline=None)
    def test_any_size_fits_or_is_refused(
        self, height: int, width: int, units: int, unit: int
    ) -> None:
        made = choosing.fit(height, width, pixels=(units * unit) ** 2, unit=unit)
        if made is None:
            assert "please" in choosing.why_no_fit(height, width, unit=unit)
            return
        assert made.kept[0] * made.kept[1] <= (units * unit) ** 2
        for kept, scaled, whole in zip(made.kept, made.scaled, (height, width), strict=True):
            assert kept <= scaled <= whole
        assert min(made.kept) >= 4 * unit

    def test_too_small_and_too_thin(self, tmp_path: Path) -> None:
        assert "at least 32 x 32" in refused(film(moving(24, 64)), tmp_path)
        assert "too long and thin" in refused(film(moving(40, 1600)), tmp_path)


class TestTime:
    @pytest.mark.parametrize(
        ("rate", "step"), [(24, 1), (Fraction(30000, 1001), 1), (50, 2), (60, 2), (120, 4)]
    )
    @pytest.mark.parametrize("kind", ["mp4", "matroska"])
    def test_at_most_thirty_a_second(
        self, rate: float, step: int, kind: str, tmp_path: Path
    ) -> None:
        found = read(film(moving(64, 64, 48), kind=kind, rate=rate), tmp_path)
        assert found.rate == pytest.approx(float(rate) / step, rel=2e-3)
        assert len(found.frames) == 48 // step
        said = [note for note in found.notes if "of its frames was taken" in note]
        assert bool(said) == (step > 1)

    def test_an_uneven_rate_becomes_an_even_one(self, tmp_path: Path) -> None:
        stamps = np.cumsum([0, *([40] * 15), 400, *([40] * 15), 400, *([40] * 7)]).tolist()
        frames = moving(64, 96, len(stamps))
        found = read(film(frames, kind="matroska", stamps=stamps), tmp_path)
        assert any("uneven rate" in note for note in found.notes)
        rate = (len(stamps) - 1) / (stamps[-1] / 1000)
        assert found.rate == pytest.approx(rate, rel=0.01)
        for k in (0, 5, len(found.frames) - 1):  # the frame that was nearest in time
            nearest = int(np.argmin(np.abs(np.array(stamps) - 1000 * k / found.rate)))
            assert light(found.frames[k]) == pytest.approx(light(frames[nearest]), abs=0.03)

    @pytest.mark.parametrize("kind", ["mp4", "webm", "gif", "avi", "webp"])
    def test_the_first_frames_of_a_long_film(self, kind: str, tmp_path: Path) -> None:
        frames = moving(64, 64, 50)
        content = {
            "mp4": lambda: film(frames),
            "webm": lambda: film(frames, "libvpx", "webm"),
            "gif": lambda: film(frames, "gif", "gif", pixels="rgb8"),
            "avi": lambda: film(frames, "mpeg4", "avi"),
            "webp": lambda: encode_webp(list(frames), 25),
        }[kind]()
        found = read(content, tmp_path, most=25)
        assert len(found.frames) == 25
        assert found.notes == ("the first 1.0 s of its 2.0 s were taken",)
        assert found.seconds == pytest.approx(2, abs=0.05)

    def test_choosing_by_hand(self) -> None:
        choice = choosing.choose([k / 60 for k in range(100)], 20)
        assert (choice.step, choice.even) == (2, True)
        assert choice.places.tolist() == list(range(0, 40, 2))
        assert choice.rate == pytest.approx(30)
        assert choosing.shown_only([0, 39, 40, 80, 120, 120, 160]) == [0, 40, 80, 120, 160]
        assert choosing.step_of(30.0003) == 1
        assert choosing.choose([0.0] * 9, 20).rate == 30


class TestRefusals:
    def test_no_film_at_all(self, tmp_path: Path) -> None:
        text = b"A text that somebody called a film.\n" * 30
        assert "could not be read as a film; please choose" in refused(text, tmp_path)
        assert "is empty" in refused(b"", tmp_path)
        with pytest.raises(FileRejected, match="was not found"):
            read_film(tmp_path / "none.mp4", pixels=SIDE**2)

    @pytest.mark.parametrize(
        ("begins", "said"),
        [
            (b"\0\0\0\x20ftypisom", "could not be read as a film"),
            (b"\0\0\0\x20ftypM4A ", "an M4A sound"),
            (b"\0\0\0\x1cftypavif", "an AVIF picture"),
            (b"\x1aE\xdf\xa3", "could not be read as a film"),
            (b"RIFF\0\0\0\0AVI ", "could not be read as a film"),
            (b"GIF89a\x40\0\x40\0", "a film needs at least 8 frames"),
            (b"\0\0\1\xba", "an MPEG film"),
            (b"FLV\1", "a Flash film"),
            (b"fLaC", "holds a sound and no pictures"),
            (b"\x89PNG\r\n\x1a\n", "is one picture and no film"),
            (b"PK\3\4", "could not be read as the frames of a film"),
            (b"\x93NUMPY", "holds no array called frames"),
        ],
    )
    def test_what_only_begins(self, begins: bytes, said: str, tmp_path: Path) -> None:
        assert said in refused(begins + bytes(200), tmp_path)

    def test_a_sound_alone(self, tmp_path: Path) -> None:
        memory = io.BytesIO()
        with av.open(memory, "w", format="mp4") as container:
            stream = container.add_stream("aac", rate=16_000, layout="mono")
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate = 16_000
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        assert "holds a sound and no pictures" in refused(memory.getvalue(), tmp_path)

    def test_too_few_frames(self, tmp_path: Path) -> None:
        assert "holds one frame; a film needs at least 8" in refused(film(moving()[:1]), tmp_path)
        assert "holds 7 frames" in refused(film(moving()[:7]), tmp_path)
        assert "only 6 of its frames" in refused(film(moving(), rate=120), tmp_path)
        still = io.BytesIO()
        Image.fromarray(moving()[0]).save(still, "GIF")
        assert "holds one frame" in refused(still.getvalue(), tmp_path, "a.gif")

    @pytest.mark.parametrize("kind", ["mp4", "npy"])
    def test_what_does_not_move(self, kind: str, tmp_path: Path) -> None:
        frames = np.repeat(moving()[:1], 24, 0)
        memory = io.BytesIO()
        np.save(memory, frames)
        content = {
            "mp4": lambda: film(frames),
            "npy": memory.getvalue,
        }[kind]()
        assert "does not move" in refused(content, tmp_path, f"a.{kind}")

    def test_what_begins_in_the_dark(self, tmp_path: Path) -> None:
        frames = moving()
        frames[:16] = 0
        assert len(read(film(frames), tmp_path).frames) == 24

    @pytest.mark.parametrize(
        ("codec", "kind", "pixels"), [("mjpeg", "mov", "yuvj420p"), ("mpeg4", "avi", "yuv420p")]
    )
    def test_more_pixels_than_can_be_decoded(
        self, codec: str, kind: str, pixels: str, tmp_path: Path
    ) -> None:
        content = film(np.zeros((2, 4320, 7680, 3), np.uint8), codec, kind, pixels=pixels)
        assert "7680 x 4320 pixels; please make it smaller" in refused(content, tmp_path)

    def test_a_small_gif_that_promises_much(self, tmp_path: Path) -> None:
        content = bytearray(KINDS["gif"]())
        content[6:10] = struct.pack("<HH", 20_000, 20_000)
        assert "20000 x 20000 pixels" in refused(bytes(content), tmp_path, "a.gif")

    def test_a_small_webp_that_promises_much(self, tmp_path: Path) -> None:
        content = bytearray(KINDS["webp"]())
        content[24:30] = struct.pack("<I", 16_382)[:3] * 2
        assert "16383 x 16383 pixels" in refused(bytes(content), tmp_path, "a.webp")

    @pytest.mark.parametrize("box", [b"stsz", b"stts", b"stsc", b"ctts", b"elst"])
    def test_tables_that_promise_much(self, box: bytes, tmp_path: Path) -> None:
        content = bytearray(KINDS["mp4"]())
        at = content.find(box)
        assert at > 0
        for offset in (8, 12):
            content[at + offset : at + offset + 4] = struct.pack(">I", 0x3FFFFFFF)
        path = tmp_path / "a.mp4"
        path.write_bytes(content)
        began = time.monotonic()
        with contextlib.suppress(FileRejected):
            read_film(path, pixels=SIDE**2)
        assert time.monotonic() - began < PATIENCE

    def test_very_many_tiny_frames(self, tmp_path: Path) -> None:
        whole = film(moving(32, 32, 8), "gif", "gif", rate=10, pixels="rgb8")
        first = whole.find(b"\x21\xf9\x04")
        content = whole[:first] + whole[first:-1] * 20_000 + b";"
        began = time.monotonic()
        found = read(content, tmp_path, "a.gif")
        assert time.monotonic() - began < PATIENCE
        assert len(found.frames) == 300
        assert found.notes == ("the first 30.0 s of its 16000.0 s were taken",)

    def test_a_packing_that_is_not_read(self, tmp_path: Path) -> None:
        content = film(moving(96, 128), "asv1", "avi")
        assert "packed by asv1" in refused(content, tmp_path)

    def test_wishes_that_cannot_be(self, tmp_path: Path) -> None:
        for how in ({"pixels": 24**2}, {"unit": 0}, {"most": 7}):
            with pytest.raises(ValueError, match="room for four units"):
                read(b"", tmp_path, **how)


class TestDamage:
    def test_an_index_that_never_came(self, tmp_path: Path) -> None:
        content = KINDS["mp4"]()
        said = refused(content[: len(content) // 2], tmp_path)
        assert "could not be read as a film, since its index is missing" in said

    @pytest.mark.parametrize("kind", ["mp4", "vp8", "avi", "gif", "webp"])
    def test_what_ends_early_as_far_as_it_goes(self, kind: str, tmp_path: Path) -> None:
        frames = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3), np.uint8)
        content = {
            "mp4": lambda: encode_film(list(frames), 25),
            "vp8": lambda: film(frames, "libvpx", "webm"),
            "avi": lambda: film(frames, "mpeg4", "avi"),
            "gif": lambda: film(frames, "gif", "gif", pixels="rgb8"),
            "webp": lambda: encode_webp(list(frames), 25),
        }[kind]()
        found = read(content[: len(content) * 6 // 10], tmp_path, f"a.{kind}")
        assert 8 <= len(found.frames) < 36
        assert any("its pictures end after" in n or "it ends early" in n for n in found.notes)
        assert refused(content[: len(content) // 10], tmp_path, f"a.{kind}")

    def test_holes_are_passed_over(self, tmp_path: Path) -> None:
        frames = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3), np.uint8)
        content = bytearray(film(frames, "mjpeg", "avi", pixels="yuvj420p"))
        middle = len(content) // 2
        content[middle : middle + 6000] = bytes(6000)
        found = read(bytes(content), tmp_path, "a.avi")
        assert len(found.frames) >= 8

    def test_a_new_size_on_the_way(self, tmp_path: Path) -> None:
        content = joined(film(moving(96, 128), kind="h264"), film(moving(192, 256), kind="h264"))
        found = read(content, tmp_path)
        assert found.frames.shape[1:3] == (80, 104)
        assert len(found.frames) > 40
        assert any("change their size after" in note for note in found.notes)
        assert np.abs(corners(found.frames[-1]).astype(int) - COLOURS).max() < 24

    def test_a_new_shape_on_the_way(self, tmp_path: Path) -> None:
        content = joined(film(moving(96, 128), kind="h264"), film(moving(128, 96), kind="h264"))
        found = read(content, tmp_path)
        assert 20 <= len(found.frames) <= 24
        assert any("change their shape after" in note for note in found.notes)

    @pytest.mark.parametrize("kind", ["mp4", "vp8", "gif", "webp", "avi"])
    @settings(
        max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(data=st.data())
    def test_whatever_happens_to_a_file(
        self, kind: str, data: st.DataObject, tmp_path: Path
    ) -> None:
        content = bytearray(KINDS[kind]())
        for _ in range(data.draw(st.integers(0, 4))):
            at = data.draw(st.integers(0, len(content) - 9))
            content[at : at + 8] = data.draw(st.binary(min_size=8, max_size=8))
        length = data.draw(st.integers(1, len(content)))
        began = time.monotonic()
        with contextlib.suppress(FileRejected):
            assert len(read(bytes(content[:length]), tmp_path).frames) >= 8
        assert time.monotonic() - began < PATIENCE


def joined(*parts: bytes) -> bytes:
    """H.264 streams one after the other in one Matroska."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="matroska") as out:
        stream: Any = None
        at = 0
        for part in parts:
            with av.open(io.BytesIO(part), format="h264") as source:
                video = source.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                for packet in source.demux(video):
                    if packet.size == 0:
                        continue
                    packet.stream = stream
                    packet.time_base = Fraction(1, 1000)
                    packet.pts = packet.dts = 40 * at
                    packet.duration = 40
                    at += 1
                    out.mux(packet)
    return memory.getvalue()


class TestTheReader:
    """The process that decodes, and how little it is trusted."""

    def told(self, script: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Film:
        """What is made of a reader that says what it likes."""
        monkeypatch.setattr(asking, "BEGIN", "import sys, json, struct, time\n" + script)
        return read(KINDS["gif"](), folder, "a.gif")

    @pytest.mark.parametrize(
        "script",
        [
            "",
            "sys.stdout.buffer.write(b'nonsense')",
            "sys.stdout.buffer.write(b'H' + struct.pack('>I', 4_000_000_000))",
            "sys.stdout.buffer.write(b'H' + struct.pack('>I', 2) + b'{}')",
            "sys.stdout.buffer.write(b'F' + struct.pack('>I', 10) + bytes(10))",
            "sys.stdout.buffer.write(b'E' + struct.pack('>I', 12) + b'{\"notes\":[]}')",
            "sys.stdout.buffer.write(b'R' + struct.pack('>I', 2) + b'\\xff\\xff')",
            "raise SystemExit(3)",
            "import os; os.abort()",
        ],
    )
    def test_one_that_dies_or_says_nonsense(
        self, script: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        with pytest.raises(FileRejected, match=r"a\.gif could not be read as a film"):
            self.told(script, monkeypatch, tmp_path)

    @pytest.mark.parametrize(
        "facts",
        [
            {"shape": [8192, 8192]},
            {"shape": [33, 32]},
            {"shape": [-32, -32]},
            {"most": 10**9},
            {"rate": 1e9},
            {"seconds": float("inf")},
            {"size": "ab"},
        ],
    )
    def test_one_that_announces_too_much(
        self, facts: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        usual = {"shape": [32, 32], "most": 20, "rate": 25, "size": [64, 64], "seconds": 2}
        words = json.dumps({**usual, **facts}).encode()
        script = f"sys.stdout.buffer.write(b'H' + struct.pack('>I', {len(words)}) + {words!r})"
        with pytest.raises(FileRejected, match="could not be read as a film"):
            self.told(script, monkeypatch, tmp_path)

    def test_one_that_never_answers(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(asking, "SOON", 0.5)
        began = time.monotonic()
        with pytest.raises(FileRejected, match=r"takes too long to be decoded; please save it"):
            self.told("time.sleep(60)", monkeypatch, tmp_path)
        assert time.monotonic() - began < PATIENCE

    @pytest.mark.parametrize(
        ("ends", "said"), [("time.sleep(60)", "takes long"), ("raise SystemExit", "is damaged")]
    )
    def test_one_that_stops_on_the_way(
        self, ends: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(asking, "SOON", 0.7)
        monkeypatch.setattr(asking, "LATEST", 1.0)
        words = b'{"shape": [32, 32], "most": 20, "rate": 25, "size": [64, 64], "seconds": 2}'
        script = (
            "out = sys.stdout.buffer\n"
            f"out.write(b'H' + struct.pack('>I', {len(words)}) + {words!r})\n"
            "for k in range(10):\n"
            "  out.write(b'F' + struct.pack('>I', 3073) + b'\\1' + bytes([20 * k]) * 3072)\n"
            f"out.flush()\n{ends}"
        )
        found = self.told(script, monkeypatch, tmp_path)
        assert found.frames[:, 0, 0, 0].tolist() == list(range(0, 200, 20))
        assert len(found.notes) == 1
        assert said in found.notes[0]
        assert "its first 0.4 s were taken" in found.notes[0]

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be told how much is held")
    def test_memory_ends(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        script = (
            "import os; sys.path += sys.argv[1].split(os.pathsep)\n"
            "from abp_core.data.film import child, video\n"
            "def take(*_): held = bytearray(400_000_000)\n"
            "video.send = take; child.main()"
        )
        with pytest.raises(FileRejected, match="needs too much memory"):
            self.told(script, monkeypatch, tmp_path)

    def test_it_needs_little(self) -> None:
        """No torch, and nothing of ours beside what it needs."""
        code = (
            "import sys; sys.path.append(sys.argv[1]); import abp_core.data.film.child;"
            "print(*(m for m in sys.modules if m.startswith(('abp_core.', 'torch', 'PIL'))))"
        )
        command = [sys.executable, "-I", "-c", code, asking.ROOT]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        package = "abp_core.data.film"
        rooms = ["child", "protocol", "bounds", "opening", "listing", "video", "webp", "views"]
        rooms += ["choosing", "colours"]
        assert set(found) == {"abp_core.data", package, *(f"{package}.{room}" for room in rooms)}

    def test_what_is_over_white(self) -> None:
        pixels = np.zeros((1, 3, 4), np.uint8)
        pixels[0, 1] = (100, 50, 0, 255)
        pixels[0, 2] = (100, 50, 0, 128)
        made = over_white(pixels)
        assert made[0].tolist() == [[255, 255, 255], [100, 50, 0], [177, 152, 127]]


class TestElsewhere:
    """What readers of pictures and sounds say of a film."""

    @pytest.mark.parametrize("kind", ["mp4", "vp8", "mkv", "avi", "gif"])
    def test_a_film_is_neither_a_picture_nor_a_sound(self, kind: str, tmp_path: Path) -> None:
        path = tmp_path / "a.bin"
        path.write_bytes(KINDS[kind]())
        assert formats.format_of(formats.read_head(path)) in formats.FILMS
        picture = "is a GIF, which" if kind == "gif" else r"is a film \(.*\), not a picture; please"
        with pytest.raises(FileRejected, match=picture):
            decode.read_picture(path)
        with pytest.raises(FileRejected, match="not read as a sound; please"):
            sounds.read_sound(path)

    @pytest.mark.parametrize("begins", [b"moov", b"mdat", b"wide", b"free"])
    def test_an_old_quicktime_film(self, begins: bytes) -> None:
        assert formats.format_of(b"\0\0\0\x08" + begins + bytes(50)) == "MP4"

    def test_sounds_and_sets_stay_what_they_are(self, tmp_path: Path) -> None:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.png", b"")
        assert datasets.kind_of(path) == "objects"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared films are not here")
@pytest.mark.parametrize(
    ("name", "shape", "rate"),
    [
        ("pack/videos/palms_256.mp4", (150, 128, 128, 3), 30),
        ("pack/videos/river_256.mp4", (150, 128, 128, 3), 30),
        ("pack/videos/waving_tree_128.npz", (53, 128, 128, 3), 15),
        ("research/flag.avi", (250, 112, 144, 3), 25),
    ],
)
def test_real_films(name: str, shape: tuple[int, ...], rate: float) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip("this film is not here")
    found = read_film(path, pixels=128**2)
    assert found.frames.shape == shape
    assert found.rate == pytest.approx(rate, rel=1e-3)
    assert found.notes == ()
