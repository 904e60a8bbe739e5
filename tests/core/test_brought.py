"""What people really bring: files that are odd, damaged or misnamed, and what is made of them."""

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from abp_core.data import containers, datasets, decode, formats, sets, sounds
from abp_core.data.formats import FileRejected
from abp_core.presets import PRESETS

HARD = Path(__file__).parents[3] / "shared" / "data" / "hard"
RATE = 16_000


def photo(height: int = 96, width: int = 96, seed: int = 0) -> NDArray[np.uint8]:
    """Soft colours, as a camera sees them."""
    draw = np.random.default_rng(seed)
    small = Image.fromarray(draw.integers(0, 256, (8, 8, 3), np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def encoded(pixels: NDArray[np.uint8], kind: str = "PNG", **options: object) -> bytes:
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, kind, **options)
    return memory.getvalue()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def tone(seconds: float, hertz: float = 440.0, rate: int = RATE) -> NDArray[np.float32]:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def wav(samples: NDArray[np.float32], rate: int = RATE) -> bytes:
    memory = io.BytesIO()
    soundfile.write(memory, samples, rate, format="WAV", subtype="PCM_16")
    return memory.getvalue()


class TestContentDecides:
    @pytest.mark.parametrize("ending", ["jfif", "jpe", "JPG", "png", "tmp", "photo"])
    def test_a_picture_by_any_name(self, ending: str, tmp_path: Path) -> None:
        path = written(tmp_path / f"a.{ending}", encoded(photo(), "JPEG"))
        assert datasets.kind_of(path) == "texture"
        assert decode.read_picture(path).shape == (96, 96, 3)

    @pytest.mark.parametrize(
        ("kind", "subtype", "ending"),
        [
            ("OGG", "VORBIS", "oga"),
            ("OGG", "OPUS", "opus"),
            ("WAV", "PCM_16", "wave"),
            ("AIFF", "PCM_16", "aif"),
            ("AU", "PCM_16", "au"),
            ("CAF", "PCM_16", "caf"),
            ("FLAC", "PCM_16", "mp3"),
            ("RF64", "PCM_16", "wav"),
            ("W64", "PCM_16", "w64"),
            ("MP3", "MPEG_LAYER_III", "dat"),
        ],
    )
    def test_a_sound_by_any_name(
        self, kind: str, subtype: str, ending: str, tmp_path: Path
    ) -> None:
        memory = io.BytesIO()
        soundfile.write(memory, tone(1.0), RATE, format=kind, subtype=subtype)
        path = written(tmp_path / f"a.{ending}", memory.getvalue())
        assert datasets.kind_of(path) == "sound"
        samples, _ = sounds.read_sound(path)
        assert len(samples) > 0.9 * RATE

    @pytest.mark.parametrize(
        ("content", "name"),
        [
            (b"\0\0\0\x18ftypheic", "a HEIC photograph"),
            (b"\0\0\0\x1cftypmif1", "a HEIC photograph"),
            (b"\0\0\0\x20ftypavif", "an AVIF picture"),
            (b"\0\0\0\x20ftypM4A ", "an M4A sound"),
            (b"II*\0", "a TIFF"),
            (b"8BPS", "a Photoshop file"),
            (b"%PDF-1.7", "a PDF"),
            (b"\xff\xf1\x50\x80", "an AAC sound"),
            (b"#!AMR\n", "an AMR"),
            (b"Rar!\x1a\x07", "a RAR archive"),
            (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
            (b"<svg xmlns", "an SVG drawing"),
            (b'<?xml version="1.0"?><svg', "an SVG drawing"),
        ],
    )
    @pytest.mark.parametrize("ending", ["jpg", "wav", "zip"])
    def test_what_is_not_read_is_named(
        self, content: bytes, name: str, ending: str, tmp_path: Path
    ) -> None:
        path = written(tmp_path / f"a.{ending}", content + bytes(100))
        for read in (datasets.kind_of, decode.read_picture, sounds.read_sound):
            with pytest.raises(FileRejected, match=name) as refusal:
                read(path)
            assert "please" in str(refusal.value)

    def test_no_format_is_taken_for_another(self) -> None:
        heads = [encoded(photo(8, 8), kind)[:64] for kind in ("PNG", "JPEG", "WEBP")]
        assert [formats.format_of(head) for head in heads] == ["PNG", "JPEG", "WebP"]
        assert all(formats.name_of_other(head) == ("", "") for head in heads)


class TestDamagedPictures:
    @pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
    def test_a_jpeg_without_its_end(self, options: dict[str, object]) -> None:
        whole = encoded(photo(), "JPEG", quality=90, **options)
        made = decode.decode_bytes(whole[:-2], "a.jpg")
        assert np.array_equal(made.pixels, decode.decode_bytes(whole, "a.jpg").pixels)
        assert (made.whole, made.notes) == (True, ())

    @pytest.mark.parametrize("share", [0.4, 0.6, 0.8])
    def test_a_jpeg_that_ends_early_as_far_as_it_goes(self, share: float) -> None:
        draw = np.random.default_rng(0)
        pixels = draw.integers(0, 256, (256, 256, 3), np.uint8)
        whole = encoded(pixels, "JPEG", quality=90)
        made = decode.decode_bytes(whole[: int(share * len(whole))], "a.jpg")
        assert not made.whole
        rows = len(made.pixels)
        assert rows / 256 == pytest.approx(share, abs=0.1)
        expected = decode.decode_bytes(whole, "a.jpg").pixels
        inner = slice(0, rows - 2)  # the last row's colours are mixed with those below
        assert np.array_equal(made.pixels[inner], expected[inner])
        assert f"of its 256 rows the upper {rows} are there" in made.notes[0]

    @pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1", "I;16"])
    def test_a_png_that_ends_early_as_far_as_it_goes(self, mode: str) -> None:
        draw = np.random.default_rng(0)
        picture = Image.fromarray(draw.integers(0, 256, (200, 160, 3), np.uint8))
        if mode == "I;16":
            picture = Image.fromarray(draw.integers(0, 65_536, (200, 160), np.uint16))
        elif mode == "RGBA":
            picture.putalpha(255)
        else:
            picture = picture.convert(mode)
        memory = io.BytesIO()
        picture.save(memory, "PNG")
        whole = memory.getvalue()
        made = decode.decode_bytes(whole[: int(0.6 * len(whole))], "a.png")
        rows = len(made.pixels)
        assert 80 < rows < 160
        assert np.array_equal(made.pixels, decode.decode_bytes(whole, "a.png").pixels[:rows])
        assert not made.whole
        assert made.notes

    def test_a_wrong_checksum_says_nothing_about_pixels(self) -> None:
        content = bytearray(encoded(photo()))
        for kind in (b"IHDR", b"IDAT", b"IEND"):
            at = content.index(kind)
            (length,) = struct.unpack_from(">I", content, at - 4)
            content[at + 4 + length] ^= 0xFF
        made = decode.decode_bytes(bytes(content), "a.png")
        assert np.array_equal(made.pixels, photo())
        assert made.notes == ()

    def test_words_without_end_beside_the_pixels(self) -> None:
        content = encoded(photo())
        text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(50_000_000), 9)
        chunk = struct.pack(">I", len(text)) + b"iTXt" + text + b"\0\0\0\0"
        made = decode.decode_bytes(content[:33] + chunk + content[33:], "a.png")
        assert np.array_equal(made.pixels, photo())

    @pytest.mark.parametrize("kind", [3, 4])  # as a short number, and as a long one
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_the_way_it_was_held_among_odd_tags(self, kind: int, order: str) -> None:
        # A number where GPS belongs, a text that lies behind the end, a tag of no kind.
        entries = [(0x8825, 2, 99, 1 << 30), (0x010F, 77, 1, 5), (0x0112, kind, 1, 6)]
        head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
        listing = struct.pack(order + "H", len(entries))
        for tag, type_, count, value in entries:
            field = struct.pack(
                order + ("HH" if type_ == 3 else "I"), *((value, 0) if type_ == 3 else (value,))
            )
            listing += struct.pack(order + "HHI", tag, type_, count) + field
        plain = encoded(photo(64, 96), "JPEG", quality=95)
        exif = b"Exif\0\0" + head + listing
        segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        turned = decode.decode_bytes(plain[:2] + segment + plain[2:], "a.jpg")
        upright = decode.decode_bytes(plain, "a.jpg").pixels
        assert np.array_equal(turned.pixels, np.rot90(upright, -1))


def matrix_profile() -> bytes:
    """An RGB profile whose red and green are swapped sRGB's, so that what it does can be told."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", content, 128)
    places = {bytes(content[132 + 12 * k : 136 + 12 * k]): 132 + 12 * k for k in range(count)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    content[red : red + 4], content[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(content).replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


class TestColours:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
    def test_a_profile_is_followed(self, kind: str) -> None:
        options = {"quality": 100} | ({"lossless": True} if kind == "WEBP" else {})
        if kind == "JPEG":
            options["subsampling"] = 0
        content = encoded(photo(), kind, icc_profile=matrix_profile(), **options)
        made = decode.decode_bytes(content, "a")
        wanted = photo()[..., [1, 0, 2]]
        assert np.abs(made.pixels.astype(int) - wanted).mean() < 3
        assert any("sRGB" in note for note in made.notes)

    def test_a_profile_of_srgb_changes_nothing_and_is_no_news(self) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        made = decode.decode_bytes(encoded(photo(), icc_profile=profile), "a.png")
        assert np.array_equal(made.pixels, photo())
        assert made.notes == ()

    @pytest.mark.parametrize("profile", [b"x", bytes(128), matrix_profile()[:300]])
    def test_a_profile_that_is_none_changes_nothing(self, profile: bytes) -> None:
        made = decode.decode_bytes(encoded(photo(), icc_profile=profile), "a.png")
        assert np.array_equal(made.pixels, photo())

    def test_a_long_profile_comes_in_several_segments(self) -> None:
        profile = matrix_profile().ljust(100_000, b"\0")
        content = encoded(photo(), "JPEG", icc_profile=profile)
        assert containers.strip_metadata(content).profile == profile

    @pytest.mark.parametrize(("low", "high"), [(0, 510), (30_000, 30_900), (0, 4095)])
    def test_sixteen_bits_of_few_levels_are_stretched(
        self, low: int, high: int, tmp_path: Path
    ) -> None:
        ramp = np.linspace(low, high, 64 * 64).astype(np.uint16).reshape(64, 64)
        path = tmp_path / "a.png"
        Image.fromarray(ramp).save(path)
        made = decode.decode(path)
        assert (made.pixels.min(), made.pixels.max()) == (0, 255)
        assert len(np.unique(made.pixels)) == 256
        assert "stretched" in made.notes[0]

    def test_sixteen_bits_of_a_photograph_are_not(self, tmp_path: Path) -> None:
        ramp = np.linspace(2000, 40_000, 64 * 64).astype(np.uint16).reshape(64, 64)
        Image.fromarray(ramp).save(tmp_path / "a.png")
        made = decode.decode(tmp_path / "a.png")
        assert np.array_equal(made.pixels[..., 0], ramp // 257)
        assert made.notes == ()

    def alpha(self, alpha: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> decode.Decoded:
        return decode.decode_bytes(encoded(np.dstack([pixels, alpha])), "a.png")

    def test_a_cut_out_stands_on_white(self) -> None:
        y, x = np.mgrid[:96, :96]
        disc = np.hypot(x - 48, y - 48) < 30
        pixels = np.where(disc[..., None], photo(), 0).astype(np.uint8)
        for edge in (0, 128):  # hard, or softened
            alpha = np.where(disc, 255, 0).astype(np.uint8)
            alpha[20, 48] = edge
            made = self.alpha(alpha, pixels)
            assert (made.pixels[0, 0] == 255).all()
            assert np.array_equal(made.pixels[48, 48], photo()[48, 48])
            assert made.notes == ()

    @pytest.mark.parametrize("case", ["nowhere", "rough", "two levels", "glass"])
    def test_alpha_that_holds_something_else_is_left_out(self, case: str) -> None:
        draw = np.random.default_rng(1)
        alpha = {
            "nowhere": np.zeros((96, 96)),
            "rough": photo(seed=3)[..., 0],
            "two levels": np.where(draw.random((96, 96)) < 0.85, 0, 30),
            "glass": np.full((96, 96), 128),
        }[case].astype(np.uint8)
        made = self.alpha(alpha, photo())
        assert np.array_equal(made.pixels, photo())
        assert "alpha" in made.notes[0]

    def test_opaque_everywhere_is_no_news(self) -> None:
        made = self.alpha(np.full((96, 96), 255, np.uint8), photo())
        assert (made.notes, made.pixels.tolist()) == ((), photo().tolist())


class TestSounds:
    @pytest.mark.parametrize("seconds", [0.7, 3.0])
    def test_a_recorder_that_crashed(self, seconds: float, tmp_path: Path) -> None:
        content = bytearray(wav(tone(seconds)))
        struct.pack_into("<I", content, 4, 0)
        struct.pack_into("<I", content, content.index(b"data") + 4, 0)
        samples, rate = sounds.read_sound(written(tmp_path / "a.wav", bytes(content)))
        assert rate == RATE
        assert np.abs(samples - tone(seconds)).max() < 1e-4

    @pytest.mark.parametrize("chunk", [b"LIST", b"bext", b"junk"])
    def test_a_chunk_that_was_not_filled_up(self, chunk: bytes, tmp_path: Path) -> None:
        whole = wav(tone(1.0))
        odd = chunk + struct.pack("<I", 5) + b"hello"
        content = whole[:12] + odd + whole[12:]
        samples, _ = sounds.read_sound(written(tmp_path / "a.wav", content))
        assert np.abs(samples - tone(1.0)).max() < 1e-4

    def test_an_ordinary_wav_is_read_as_it_is(self, tmp_path: Path) -> None:
        whole = wav(tone(1.0))
        padded = whole[:12] + b"LIST" + struct.pack("<I", 5) + b"hello\0" + whole[12:]
        for content in (whole, padded):
            samples, _ = sounds.read_sound(written(tmp_path / "a.wav", content))
            assert np.abs(samples - tone(1.0)).max() < 1e-4

    @pytest.mark.parametrize("seconds", [0.6, 5.0, 70.0])
    def test_a_flac_of_unknown_length(self, seconds: float, tmp_path: Path) -> None:
        memory = io.BytesIO()
        soundfile.write(memory, tone(seconds), RATE, format="FLAC")
        content = bytearray(memory.getvalue())
        content[21] &= 0xF0
        content[22:26] = bytes(4)
        sound = sounds.decode(written(tmp_path / "a.flac", bytes(content)))
        expected = min(seconds, 60.0) * RATE
        assert expected - sounds.PART <= len(sound.samples) <= expected
        assert np.abs(sound.samples - tone(seconds)[: len(sound.samples)]).max() < 1e-4
        assert bool(sound.notes) == (seconds > 60)

    @pytest.mark.parametrize("loud_first", [True, False])
    def test_an_mp3_of_variable_rate_without_its_count(
        self, loud_first: bool, tmp_path: Path
    ) -> None:
        noise = np.random.default_rng(0).normal(0, 0.2, 5 * 44_100)
        parts = [noise, np.zeros(10 * 44_100), tone(5, rate=44_100)]
        wave = np.concatenate(parts if loud_first else parts[::-1])
        memory = io.BytesIO()
        options = {"bitrate_mode": "VARIABLE", "compression_level": 0.5}
        soundfile.write(memory, wave, 44_100, format="MP3", subtype="MPEG_LAYER_III", **options)
        content = memory.getvalue()
        second = content.index(content[:2], content.index(b"Xing"))
        samples, _ = sounds.read_sound(written(tmp_path / "a.mp3", content[second:]))
        assert len(samples) == pytest.approx(len(wave), abs=4000)

    def test_one_channel_where_they_cancel(self, tmp_path: Path) -> None:
        stereo = np.stack([0.5 * tone(1.0), -0.5 * tone(1.0)], 1)
        soundfile.write(tmp_path / "a.wav", stereo, RATE, subtype="FLOAT")
        sound = sounds.decode(tmp_path / "a.wav")
        assert np.abs(sound.samples - stereo[:, 0]).max() < 1e-6
        assert "cancel" in sound.notes[0]

    @pytest.mark.parametrize("quiet", [0.0, 1e-5])
    def test_a_sound_that_begins_after_a_minute(self, quiet: float, tmp_path: Path) -> None:
        hiss = quiet * np.random.default_rng(0).uniform(-1, 1, 75 * 8000)
        soundfile.write(
            tmp_path / "a.wav", np.concatenate([hiss, tone(6, rate=8000)]), 8000, subtype="FLOAT"
        )
        sound = sounds.decode(tmp_path / "a.wav")
        assert len(sound.samples) == 6 * 8000
        assert np.abs(sound.samples).max() == pytest.approx(0.3, abs=0.01)
        assert "1:15" in sound.notes[0]

    def test_which_minute_is_learnt_is_said(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "a.flac", tone(185, rate=8000), 8000)
        sound = sounds.decode(tmp_path / "a.flac")
        assert len(sound.samples) == 60 * 8000
        assert sound.notes == ("its first minute of 3:05 is learnt",)

    def test_what_comes_before_damage_is_kept(self, tmp_path: Path) -> None:
        memory = io.BytesIO()
        noise = np.random.default_rng(0).normal(0, 0.1, 4 * RATE)
        soundfile.write(memory, noise, RATE, format="FLAC")
        content = memory.getvalue()
        sound = sounds.decode(written(tmp_path / "a.flac", content[: len(content) // 2]))
        assert len(sound.samples) == pytest.approx(2 * RATE, rel=0.2)
        assert "damaged" in sound.notes[0]

    @pytest.mark.parametrize("rate", [1000, 4000])
    def test_a_rate_that_no_browser_plays_is_raised(self, rate: int, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "a.wav", tone(3, 100, rate), rate)
        preset = PRESETS["sound"]
        made, _ = datasets.load(tmp_path / "a.wav", preset.training, sample_rate=RATE)
        assert made.source.sample_rate == 8000
        assert f"{rate:,} to 8,000 Hz" in made.remarks

    @pytest.mark.parametrize(
        ("rate", "channels", "said"),
        [
            (44_100, 2, "It was reduced from 44.1 kHz stereo to 16 kHz mono."),
            (48_000, 1, "It was reduced from 48 kHz to 16 kHz."),
            (RATE, 2, "It was reduced from stereo to mono."),
            (RATE, 5, "It was reduced from 5 channels to mono."),
            (RATE, 1, ""),
            (
                4000,
                2,
                "It was resampled from 4,000 to 8,000 Hz. It was reduced from stereo to mono.",
            ),
        ],
    )
    def test_what_became_of_rate_and_channels_is_said(
        self, rate: int, channels: int, said: str, tmp_path: Path
    ) -> None:
        wave = np.stack([tone(2, 100, rate)] * channels, 1)
        soundfile.write(tmp_path / "a.wav", wave, rate)
        made, _ = datasets.load(tmp_path / "a.wav", PRESETS["sound"].training, sample_rate=RATE)
        assert made.remarks == said

    def test_one_channel_of_those_that_cancel_is_no_mixture(self, tmp_path: Path) -> None:
        wave = np.stack([tone(2, 100, 48_000), -tone(2, 100, 48_000)], 1)
        soundfile.write(tmp_path / "a.wav", wave, 48_000)
        made, _ = datasets.load(tmp_path / "a.wav", PRESETS["sound"].training, sample_rate=RATE)
        assert "cancel" in made.notes[0]
        assert made.notes[1:] == ("it was reduced from 48 kHz to 16 kHz",)


def large(width: int, height: int, format: str, **options: Any) -> bytes:
    """A picture of that size as a file."""
    memory = io.BytesIO()
    Image.fromarray(photo(64, 64)).resize((width, height)).save(memory, format, **options)
    return memory.getvalue()


SIDEWAYS = Image.Exif()
SIDEWAYS[0x0112] = 6


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (large(4032, 3024, "JPEG"), "It was reduced from 4032 x 3024 to 512 x 384 pixels."),
        (
            large(800, 400, "JPEG", exif=SIDEWAYS),
            "It was reduced from 400 x 800 to 256 x 512 pixels.",
        ),
        (large(9000, 6000, "JPEG"), "It was reduced from 9000 x 6000 to 512 x 341 pixels."),
        (large(512, 300, "PNG"), ""),
    ],
    ids=["a photograph", "sideways", "read at a part", "small"],
)
def test_how_small_a_picture_became_is_said(content: bytes, said: str, tmp_path: Path) -> None:
    made, _ = datasets.load(written(tmp_path / "a.jpg", content), PRESETS["quick-texture"].training)
    assert made.remarks == said


class TestSets:
    @pytest.mark.parametrize(
        ("sizes", "said"),
        [
            ([(200, 200)], "Its pictures were reduced from 200 x 200 to 64 x 64 pixels."),
            ([(90, 64)], "Its pictures were cut from 90 x 64 to 64 x 64 pixels."),
            (
                [(200, 150)],
                "Its pictures were cut to squares and reduced from 200 x 150 to 64 x 64 pixels.",
            ),
            (
                [(200, 200), (150, 150)],
                "Its pictures, of several sizes, were brought to 64 x 64 pixels.",
            ),
            ([(64, 64)], ""),
            ([(28, 28)], "Its pictures were enlarged from 28 x 28 to 32 x 32 pixels."),
        ],
    )
    def test_how_its_pictures_became_one_size_is_said(
        self, sizes: list[tuple[int, int]], said: str, tmp_path: Path
    ) -> None:
        members = {f"{k}.png": large(*sizes[k % len(sizes)], "PNG") for k in range(4)}
        path = self.zipped(tmp_path / "a.zip", members)
        made, _ = datasets.load(path, PRESETS["objects"].training)
        assert made.remarks == said

    def zipped(self, path: Path, members: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path

    def test_bad_ones_are_left_out_and_named(self, tmp_path: Path) -> None:
        members = {f"{k}.png": encoded(photo(seed=k)) for k in range(8)}
        members |= {"3.png": b"nothing", "5.png": members["5.png"][:2000], "6.png": b""}
        found = sets.read_set(self.zipped(tmp_path / "a.zip", members))
        assert len(found.pictures) == 5
        assert [name for name, _ in found.left_out] == ["3.png", "5.png", "6.png"]
        preset = PRESETS["objects"].training
        made, _ = datasets.load(tmp_path / "a.zip", preset)
        assert made.remarks.startswith("5 of its 8 pictures were taken. Left out: 3.png, 5.png")

    def test_a_set_of_nothing_but_bad_ones_says_why(self, tmp_path: Path) -> None:
        path = self.zipped(tmp_path / "a.zip", {"a.png": b"x" * 99, "b.png": b"y" * 99})
        with pytest.raises(FileRejected, match=r"a\.png in a\.zip could not be read"):
            sets.read_set(path)

    def test_an_even_choice_of_what_is_sorted_by_class(self, tmp_path: Path) -> None:
        values = np.zeros((2000, 16, 16, 3), np.uint8)
        values[:1600, ..., 0] = 255
        values[1600:, ..., 2] = 255
        np.savez_compressed(tmp_path / "a.npz", values)
        pictures = sets.read_pictures(tmp_path / "a.npz", most=100)
        assert sum(int(p[0, 0, 2] == 255) for p in pictures) == 20

    def test_one_small_picture_decides_nothing(self, tmp_path: Path) -> None:
        members = {f"{k}.png": encoded(photo(128, 128, k)) for k in range(6)}
        path = self.zipped(tmp_path / "a.zip", members | {"icon.png": encoded(photo(16, 16))})
        made, _ = datasets.load(path, PRESETS["objects"].training)
        assert made.signals.shape[0] == 6
        assert min(made.signals.shape[2:]) >= 64
        assert "icon.png" in made.remarks

    @pytest.mark.parametrize("names", [("test", "train"), ("x_val", "x_train"), ("few", "many")])
    def test_of_several_arrays_the_one_to_learn_from(
        self, names: tuple[str, str], tmp_path: Path
    ) -> None:
        small, large = np.zeros((10, 8, 8), np.uint8), np.ones((60, 8, 8), np.uint8)
        np.savez(tmp_path / "a.npz", **{names[0]: small, names[1]: large, "labels": np.arange(60)})
        found = sets.read_set(tmp_path / "a.npz")
        assert len(found.pictures) == 60
        assert names[1] in found.notes[0]

    @pytest.mark.parametrize(
        "values",
        [
            np.stack([photo(16, 16, k) for k in range(4)]).transpose(0, 3, 1, 2),
            np.stack([photo(16, 16, k) for k in range(4)]) / 255,
            np.stack([photo(16, 16, k) for k in range(4)]).astype(np.float32),
            np.stack([photo(16, 16, k) for k in range(4)]) / 127.5 - 1,
            np.stack(
                [np.dstack([photo(16, 16, k), np.full((16, 16), 9)]) for k in range(4)]
            ).astype(np.uint8),
        ],
        ids=["channels first", "from 0 to 1", "from 0 to 255", "from -1 to 1", "with alpha"],
    )
    @pytest.mark.parametrize("ending", ["npz", "npy"])
    def test_arrays_of_every_shape(
        self, values: NDArray[np.generic], ending: str, tmp_path: Path
    ) -> None:
        path = tmp_path / f"a.{ending}"
        if ending == "npz":
            np.savez(path, values)
        else:
            np.save(path, values)
        pictures = sets.read_pictures(path)
        for k, picture in enumerate(pictures):
            assert np.abs(picture.astype(int) - photo(16, 16, k)).max() <= 1

    def test_one_door_for_folders_and_zips(self, tmp_path: Path) -> None:
        members = {
            "cats/10.png": encoded(photo(seed=10)),
            "cats/2.png": encoded(photo(seed=2)),
            "dogs/deep/1.jpg": encoded(photo(seed=1), "JPEG"),
            "._2.png": b"resource fork",
            "cats/._2.png": b"resource fork",
            ".hidden/9.png": encoded(photo(seed=9)),
            "__MACOSX/cats/2.png": b"resource fork",
            "notes.txt": b"hello",
            "Thumbs.db": b"\0" * 99,
        }
        path = self.zipped(tmp_path / "a.zip", members)
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "folder")
        one, other = sets.read_set(path), sets.read_set(tmp_path / "folder")
        assert len(one.pictures) == len(other.pictures) == 3
        assert np.array_equal(np.stack(one.pictures), np.stack(other.pictures))
        assert np.array_equal(one.pictures[0], photo(seed=2)), "2 comes before 10"
        assert one.left_out == other.left_out == ()

    def test_a_folder_by_a_pictures_name_is_none(self, tmp_path: Path) -> None:
        path = tmp_path / "a.zip"
        self.zipped(path, {f"x.png/{k}.png": encoded(photo(seed=k)) for k in range(3)})
        with zipfile.ZipFile(path, "a") as archive:
            archive.mkdir("y.png")
        assert len(sets.read_pictures(path)) == 3


@pytest.mark.skipif(not HARD.exists(), reason="the files of others are not here")
@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("exif_sideways_photo_gps_altitude_ref_as_text.jpg", "texture", ""),
        ("flac_of_unknown_length_3s.flac", "sound", ""),
        ("game_texture_alpha_holds_roughness.png", "texture", "alpha"),
        ("height_map_16bit_that_uses_510_levels.png", "texture", "stretched"),
        ("icc_prophoto_like.jpg", "texture", "sRGB"),
        ("npz_1600_red_then_400_blue.npz", "objects", "evenly"),
        ("npz_test_10_and_train_60.npz", "objects", "train"),
        ("photo_saved_by_windows.jfif", "texture", ""),
        ("png_with_1.8MB_of_compressed_xmp.png", "texture", ""),
        ("recorder_crashed_data_length_0_2s.wav", "sound", ""),
        ("silent_first_minute_then_6s_of_sound.flac", "sound", "silent at first"),
        ("sound_at_1000_hz.wav", "sound", "8,000 Hz"),
        ("stereo_phase_inverted.wav", "sound", "cancel"),
        ("voice_message.opus", "sound", ""),
        ("zip_one_16px_icon_among_12_of_128px.zip", "objects", "favicon"),
        ("zip_three_jpegs_without_end_marker_of_40.zip", "objects", ""),
    ],
)
def test_files_that_failed_once(name: str, kind: str, words: str) -> None:
    preset = PRESETS[kind]
    assert datasets.kind_of(HARD / name) == kind
    made, _ = datasets.load(HARD / name, preset.training, sample_rate=preset.sample_rate)
    assert words.lower() in made.remarks.lower()
    smaller = ("it was reduced", "its pictures were")
    assert words or all(note.startswith(smaller) for note in made.notes)
