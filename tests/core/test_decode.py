"""Pictures, sounds and sets from real files, with known contents."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from abp_core.data import containers, decode, sets, sounds
from abp_core.data.formats import FileRejected

RAMP = np.arange(40 * 50 * 3, dtype=np.uint32).reshape(40, 50, 3).astype(np.uint8)


def saved(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)
    return path


def sine(hertz: float, rate: int, seconds: float, channels: int = 1) -> NDArray[np.float64]:
    time = np.arange(round(rate * seconds)) / rate
    return np.repeat(0.5 * np.sin(2 * np.pi * hertz * time)[:, None], channels, axis=1)


class TestPictures:
    def test_a_png_is_exact(self, tmp_path: Path) -> None:
        pixels = decode.read_picture(saved(tmp_path / "a.png", Image.fromarray(RAMP)))
        assert pixels.dtype == np.uint8
        assert np.array_equal(pixels, RAMP)

    def test_from_memory_as_from_disk(self) -> None:
        memory = io.BytesIO()
        Image.fromarray(RAMP).save(memory, "PNG")
        assert np.array_equal(decode.read_picture(io.BytesIO(memory.getvalue())), RAMP)

    @pytest.mark.parametrize("ending", ["jpg", "webp"])
    def test_a_lossy_picture_is_near(self, ending: str, tmp_path: Path) -> None:
        smooth = np.zeros((40, 60, 3), np.uint8) + np.arange(60, dtype=np.uint8)[:, None] * 4
        path = saved(tmp_path / f"a.{ending}", Image.fromarray(smooth), quality=95)
        pixels = decode.read_picture(path)
        assert pixels.shape == smooth.shape
        assert np.abs(pixels.astype(int) - smooth).mean() < 3

    def test_what_counts_is_the_content_not_the_ending(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "a.jpg", Image.fromarray(RAMP), format="PNG")
        assert np.array_equal(decode.read_picture(path), RAMP)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_camera_held_sideways(self, orientation: int, tmp_path: Path) -> None:
        # A marker in the top left corner of the stored picture, and where EXIF says it belongs.
        stored = np.full((32, 48, 3), 255, np.uint8)
        stored[:8, :8] = 0
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = saved(tmp_path / "a.jpg", Image.fromarray(stored), exif=exif, quality=95)
        pixels = decode.read_picture(path)
        assert pixels.shape == ((32, 48, 3) if orientation < 5 else (48, 32, 3))
        corners = [pixels[:8, :8], pixels[:8, -8:], pixels[-8:, -8:], pixels[-8:, :8]]
        dark = [corner.mean() < 64 for corner in corners]
        # 1 top left, 2 mirrored, 3 half a turn, 4 flipped, 5 transposed, 6 a quarter turn
        # clockwise, 7 transversed, 8 a quarter turn back
        place = {1: 0, 2: 1, 3: 2, 4: 3, 5: 0, 6: 1, 7: 2, 8: 3}[orientation]
        assert dark == [corner == place for corner in range(4)]

    @pytest.mark.parametrize("ending", ["png", "webp"])
    def test_other_cameras_held_sideways(self, ending: str, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        path = saved(tmp_path / f"a.{ending}", Image.fromarray(RAMP), exif=exif, lossless=True)
        assert np.array_equal(decode.read_picture(path), np.rot90(RAMP, -1))

    def test_only_the_pixels_of_a_picture_are_looked_at(self, tmp_path: Path) -> None:
        text = PngInfo()
        text.add_text("about", "hello" * 1000)
        text.add_itxt("more", "hello" * 1000, zip=True)
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        words = {"pnginfo": text, "icc_profile": profile, "dpi": (300, 300)}
        path = saved(tmp_path / "a.png", Image.fromarray(RAMP), **words)
        assert np.array_equal(decode.read_picture(path), RAMP)
        bare = containers.strip_metadata(path.read_bytes())
        assert (bare.profile, bare.held, bare.whole) == (profile, 1, True)
        with Image.open(io.BytesIO(bare.content)) as picture:
            assert not picture.info
            assert np.array_equal(np.asarray(picture), RAMP)
        path = saved(tmp_path / "a.webp", Image.fromarray(RAMP), lossless=True, icc_profile=profile)
        assert np.array_equal(decode.read_picture(path), RAMP)
        assert profile not in containers.strip_metadata(path.read_bytes()).content

    def test_a_telephones_photo_has_words_before_it_and_a_film_after_it(
        self, tmp_path: Path
    ) -> None:
        plain = saved(tmp_path / "a.jpg", Image.fromarray(RAMP), quality=95)
        words = {
            "comment": b"hello",
            "icc_profile": bytes(100_000),
            "exif": b"Exif\0\0" + bytes(99),
        }
        path = saved(tmp_path / "b.jpg", Image.fromarray(RAMP), quality=95, **words)
        path.write_bytes(path.read_bytes() + b"film\xff\xda" * 1000)
        assert path.stat().st_size > plain.stat().st_size + 100_000
        assert np.array_equal(decode.read_picture(path), decode.read_picture(plain))
        assert len(containers.strip_metadata(path.read_bytes()).content) <= plain.stat().st_size

    @pytest.mark.parametrize("orientation", [1, 6])
    def test_a_photo_that_is_too_large_is_read_smaller(
        self, orientation: int, tmp_path: Path
    ) -> None:
        # Dark but for its upper quarter.
        stored = Image.new("L", (8000, 6000), 0)
        stored.paste(200, (0, 0, 8000, 1500))
        exif = Image.Exif()
        exif[0x0112] = orientation
        pixels = decode.read_picture(saved(tmp_path / "a.jpg", stored, exif=exif))
        bright = pixels[..., 0] > 100
        if orientation == 1:
            assert pixels.shape == (3000, 4000, 3)
            assert bright[:750].all()
        else:
            assert pixels.shape == (4000, 3000, 3)
            assert bright[:, -750:].all()
        assert bright.mean() == pytest.approx(0.25, abs=1e-3)

    def test_large_pictures_in_strips_are_exact(self, tmp_path: Path) -> None:
        values = np.random.default_rng(0).integers(0, 256, (1009, 2003, 3), np.uint8)
        picture = Image.fromarray(values)
        path = saved(tmp_path / "a.png", picture, compress_level=1)
        assert np.array_equal(decode.read_picture(path), values)

    @pytest.mark.parametrize("size", [(41, 1), (1, 41), (4100, 100)])
    def test_a_ribbon_is_refused(self, size: tuple[int, int], tmp_path: Path) -> None:
        path = saved(tmp_path / "a.png", Image.new("RGB", size))
        with pytest.raises(FileRejected, match=rf"{size[0]} x {size[1]}.*too long and thin.*\.$"):
            decode.read_picture(path)

    def test_sixteen_bits_keep_their_range(self, tmp_path: Path) -> None:
        deep = np.array([[0, 256, 32768, 65535]], np.uint16)
        pixels = decode.read_picture(saved(tmp_path / "a.png", Image.fromarray(deep)))
        assert pixels[0, :, 0].tolist() == [0, 0, 127, 255]
        assert (pixels == pixels[..., :1]).all()

    @pytest.mark.parametrize(
        ("mode", "colour", "expected"),
        [
            ("L", 90, [90, 90, 90]),
            ("1", 1, [255, 255, 255]),
            ("RGBA", (200, 100, 0, 255), [200, 100, 0]),
            ("RGBA", (200, 100, 0, 0), [200, 100, 0]),  # nothing would be left to see
            ("RGBA", (200, 100, 0, 51), [200, 100, 0]),  # that all of it is glass is no picture
            ("LA", (0, 0), [0, 0, 0]),
            ("LA", (90, 255), [90, 90, 90]),
        ],
    )
    def test_modes(self, mode: str, colour: object, expected: list[int], tmp_path: Path) -> None:
        path = saved(tmp_path / "a.png", Image.new(mode, (3, 2), colour))
        pixels = decode.read_picture(path)
        assert pixels.shape == (2, 3, 3)
        assert np.abs(pixels.astype(int) - expected).max() <= 1

    def test_a_palette_and_its_transparent_colour(self, tmp_path: Path) -> None:
        picture = Image.fromarray(np.array([[0, 1, 2]], np.uint8), mode=None).convert("P")
        picture.putdata([0, 1, 2])
        picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
        opaque = decode.read_picture(saved(tmp_path / "a.png", picture))
        assert opaque[0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
        seen_through = decode.read_picture(saved(tmp_path / "b.png", picture, transparency=1))
        assert seen_through[0].tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 255]]

    def test_cmyk_is_seen_as_on_paper(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "a.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0)), quality=95)
        red, green, blue = decode.read_picture(path)[8, 8].astype(int)
        assert red > 240
        assert max(green, blue) < 16

    def test_one_pixel_is_a_picture(self, tmp_path: Path) -> None:
        path = saved(tmp_path / "a.png", Image.new("RGB", (1, 1), (1, 2, 3)))
        assert decode.read_picture(path).tolist() == [[[1, 2, 3]]]


class TestSounds:
    @pytest.mark.parametrize(
        ("ending", "rate", "bound"),
        [
            ("wav", 44_100, 1e-4),
            ("flac", 44_100, 1e-4),
            ("ogg", 44_100, 0.05),
            ("mp3", 44_100, 0.05),
        ],
    )
    def test_every_format(self, ending: str, rate: int, bound: float, tmp_path: Path) -> None:
        wave = sine(440, rate, 1.0)
        soundfile.write(tmp_path / f"a.{ending}", wave, rate)
        samples, read_rate = sounds.read_sound(tmp_path / f"a.{ending}")
        assert samples.dtype == np.float32
        assert read_rate == rate
        assert len(samples) == pytest.approx(rate, abs=2500)  # an MP3 is filled up to its frames
        inner = slice(5000, 35_000)
        spectrum = np.abs(np.fft.rfft(samples[inner]))
        assert np.argmax(spectrum) * rate / 30_000 == pytest.approx(440, abs=rate / 30_000)
        assert samples[inner].std() == pytest.approx(0.5 / 2**0.5, rel=max(bound, 0.01))
        if bound < 0.01:
            assert np.abs(samples - wave[:, 0]).max() < bound

    def test_channels_are_averaged(self, tmp_path: Path) -> None:
        both = np.stack([np.full(800, 0.5), np.full(800, -0.25)], 1)
        soundfile.write(tmp_path / "a.wav", both, 8000, subtype="FLOAT")
        samples, _ = sounds.read_sound(tmp_path / "a.wav")
        assert samples.shape == (800,)
        assert np.allclose(samples, 0.125)

    @pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
    def test_every_sample_format(self, subtype: str, tmp_path: Path) -> None:
        wave = sine(200, 8000, 0.1)
        soundfile.write(tmp_path / "a.wav", wave, 8000, subtype=subtype)
        samples, _ = sounds.read_sound(tmp_path / "a.wav")
        assert np.abs(samples - wave[:, 0]).max() < (0.01 if subtype == "PCM_U8" else 1e-4)

    def test_only_a_minute_is_read(self, tmp_path: Path) -> None:
        wave = np.zeros(8000 * 75)
        wave[8000 * 60 - 1] = 0.5
        wave[8000 * 60] = -0.9
        soundfile.write(tmp_path / "a.flac", wave, 8000)
        samples, rate = sounds.read_sound(tmp_path / "a.flac")
        assert len(samples) == 60 * rate
        assert samples.min() == 0
        assert samples[-1] == pytest.approx(0.5, abs=1e-4)


class TestSets:
    def pictures(self, n: int = 3) -> list[NDArray[np.uint8]]:
        return [np.full((8, 9, 3), 40 * i, np.uint8) for i in range(n)]

    def zipped(self, path: Path, names: list[str], **more: bytes) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            for name, pixels in zip(names, self.pictures(len(names)), strict=True):
                memory = io.BytesIO()
                Image.fromarray(pixels).save(memory, "PNG")
                archive.writestr(name, memory.getvalue())
            for name, content in more.items():
                archive.writestr(name, content)
        return path

    def test_a_zip_in_the_order_of_its_names(self, tmp_path: Path) -> None:
        path = self.zipped(tmp_path / "a.zip", ["set/c.png", "set/a.png", "set/b.png"])
        assert [int(p[0, 0, 0]) for p in sets.read_pictures(path)] == [40, 80, 0]

    def test_a_zip_made_by_a_mac(self, tmp_path: Path) -> None:
        more = {"__MACOSX/._a.png": b"resource fork", ".hidden.png": b"", "notes.txt": b"hello"}
        path = self.zipped(tmp_path / "a.zip", ["a.png", "b.PNG"], **more)
        assert len(sets.read_pictures(path)) == 2

    def test_a_folder_in_the_order_of_its_names(self, tmp_path: Path) -> None:
        for name, pixels in zip(["b.png", "a.webp", "c.jpeg"], self.pictures(), strict=True):
            Image.fromarray(pixels).save(tmp_path / name, lossless=True, quality=100)
        (tmp_path / "readme.txt").write_text("not a picture")
        assert [int(p[0, 0, 0]) // 38 for p in sets.read_pictures(tmp_path)] == [1, 0, 2]

    @pytest.mark.parametrize("shape", [(4, 8, 9), (4, 8, 9, 1), (4, 8, 9, 3)])
    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_an_npz(self, shape: tuple[int, ...], save, tmp_path: Path) -> None:
        values = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        save(tmp_path / "a.npz", frames=values, fps=np.float64(25), label=np.arange(4))
        pictures = sets.read_pictures(tmp_path / "a.npz")
        assert len(pictures) == 4
        expected = np.broadcast_to(values.reshape(4, 8, 9, -1), (4, 8, 9, 3))
        assert np.array_equal(np.stack(pictures), expected)

    @pytest.mark.parametrize("form", ["folder", "zip", "npz"])
    def test_an_even_choice_of_a_set_as_squares(self, form: str, tmp_path: Path) -> None:
        values = np.random.default_rng(0).integers(0, 256, (5, 40, 48, 3), np.uint8)
        path = tmp_path / f"a.{form}"
        if form == "npz":
            np.savez(path, values)
        else:
            (tmp_path / "a.folder").mkdir()
            for k, pixels in enumerate(values):
                Image.fromarray(pixels).save(tmp_path / "a.folder" / f"{k}.png")
        if form == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                for file in (tmp_path / "a.folder").iterdir():
                    archive.write(file, file.name)
        pictures = sets.read_pictures(path, most=3, side=20)
        assert [picture.shape for picture in pictures] == [(20, 20, 3)] * 3
        for picture, pixels in zip(pictures, values[[0, 1, 3]], strict=True):
            small = Image.fromarray(pixels).resize((24, 20), Image.Resampling.LANCZOS)
            inner = slice(2, -2)  # where the cut is not felt
            difference = picture.astype(int) - np.asarray(small)[:, 2:22]
            assert np.abs(difference[:, inner]).max() <= 1
        large = sets.read_pictures(path, side=100)
        assert [picture.shape for picture in large] == [(40, 40, 3)] * 5  # never made larger
        assert np.array_equal(large[4], values[4, :, 4:44])

    def test_an_npz_in_fortran_order(self, tmp_path: Path) -> None:
        values = np.random.default_rng(0).integers(0, 256, (4, 8, 9), np.uint8)
        np.savez(tmp_path / "a.npz", np.asfortranarray(values))
        assert np.array_equal(np.stack(sets.read_pictures(tmp_path / "a.npz"))[..., 0], values)

    @pytest.mark.parametrize("n", [0, 1])
    @pytest.mark.parametrize("form", ["folder", "zip", "npz"])
    def test_a_set_needs_two(self, form: str, n: int, tmp_path: Path) -> None:
        path = tmp_path / f"a.{form}"
        if form == "zip":
            self.zipped(path, ["a.png"][:n])
        elif form == "npz":
            np.savez(path, np.zeros((n, 8, 8), np.uint8))
        else:
            path.mkdir()
            for pixels in self.pictures(n):
                Image.fromarray(pixels).save(path / "a.png")
        found = "one picture" if n else "no picture"
        with pytest.raises(FileRejected, match=rf"{found}; a set needs at least two\.$"):
            sets.read_pictures(path)

    def test_too_many_are_refused(self, tmp_path: Path) -> None:
        np.savez_compressed(tmp_path / "a.npz", np.zeros((5001, 2, 2), np.uint8))
        with pytest.raises(FileRejected, match=r"5001 pictures.*at most 5000.*\.$"):
            sets.read_pictures(tmp_path / "a.npz")
