"""From files to signals: crops at the picture's own scale, segments at a pitch that is kept."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from abp_core.data import datasets, rumble
from abp_core.data.datasets import Dataset, Source
from abp_core.data.formats import FileRejected
from abp_core.data.pack import read_pack
from abp_core.presets import PRESETS
from abp_core.spec import GeneratorSpec, TrainingSpec
from tests.tiny import training

EXAMPLES = Path(__file__).parents[2] / "demo" / "examples"

TEXTURE = training(
    GeneratorSpec(
        latent_shape=(4, 4, 4), channels=(8, 8), kernel_size=5, upsampling=2, out_channels=3
    )
)  # 32 x 32 crops
SOUND = training(
    GeneratorSpec(latent_shape=(4, 500), channels=(8,), kernel_size=9, upsampling=4, out_channels=1)
)  # segments of 8000 samples
OBJECTS = training(
    GeneratorSpec(
        latent_shape=(5,),
        projection=(8, 16, 16),
        channels=(8,),
        kernel_size=5,
        upsampling=2,
        out_channels=3,
    )
)  # 64 x 64


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def sine(hertz: float, rate: int, seconds: float) -> NDArray[np.float32]:
    time = np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def is_part(part: torch.Tensor, whole: torch.Tensor) -> bool:
    """Whether (c, h, w) stands somewhere in (c, H, W)."""
    windows = whole.unfold(1, part.shape[1], 1).unfold(2, part.shape[2], 1)
    return bool((windows == part[:, None, None]).all(-1).all(-1).all(0).any())


class TestTexture:
    def test_crops_are_parts_of_the_picture(self) -> None:
        pixels = picture(50, 60)
        dataset, spec = datasets.from_picture(pixels, TEXTURE, name="noise")
        whole = torch.from_numpy(pixels).permute(2, 0, 1) / 127.5 - 1
        assert dataset.signals.shape == (10, *spec.generator.signal_shape) == (10, 3, 32, 32)
        assert all(is_part(crop, whole) for crop in dataset.signals)
        assert len({crop.numpy().tobytes() for crop in dataset.signals}) == 10
        assert dataset.source == Source(kind="texture", name="noise")

    def test_crops_reach_every_edge(self) -> None:
        pixels = np.arange(36, dtype=np.uint8)[:, None, None].repeat(36, 1).repeat(3, 2)
        many = dataclasses.replace(TEXTURE, examples=200)
        dataset, _ = datasets.from_picture(pixels, many, name="rows")
        tops = ((dataset.signals[:, 0, 0, 0] + 1) * 127.5).round()
        assert sorted(set(tops.tolist())) == [0, 1, 2, 3, 4]

    def test_black_and_white_are_the_ends_of_the_range(self) -> None:
        pixels = np.zeros((32, 32, 3), np.uint8)
        pixels[16:] = 255
        dataset, spec = datasets.from_picture(pixels, TEXTURE, name="half")
        assert set(dataset.signals.unique().tolist()) == {-1.0, 1.0}
        assert spec.generator.out_channels == 1  # grey all over
        assert dataset.deviation == pytest.approx(1)

    def test_colour_stays_colour(self) -> None:
        pixels = np.zeros((32, 32, 3), np.uint8)
        pixels[0, 0] = (0, 0, 255)
        dataset, spec = datasets.from_picture(pixels, TEXTURE, name="blue")
        assert spec.generator.out_channels == dataset.signals.shape[1] == 3

    def test_a_picture_at_its_own_scale_up_to_512(self) -> None:
        dataset, _ = datasets.from_picture(picture(512, 40), TEXTURE, name="tall")
        assert dataset.source.scale == 1

    def test_a_larger_picture_is_made_smaller_and_says_so(self) -> None:
        # Stripes with a period of 32 pixels: at a quarter of the scale, of 8.
        x = np.arange(2048)
        stripes = (127.5 + 100 * np.sin(2 * np.pi * x / 32)).astype(np.uint8)
        pixels = np.broadcast_to(stripes[None, :, None], (1024, 2048, 3))
        dataset, _ = datasets.from_picture(np.ascontiguousarray(pixels), TEXTURE, name="stripes")
        assert dataset.source.scale == 0.25
        spectrum = torch.fft.rfft(dataset.signals[0, 0, 0]).abs()
        assert int(spectrum[1:].argmax()) + 1 == 32 // 8

    def test_a_small_picture_gets_a_smaller_network(self) -> None:
        wide = dataclasses.replace(
            TEXTURE, generator=dataclasses.replace(TEXTURE.generator, latent_shape=(4, 16, 16))
        )
        dataset, spec = datasets.from_picture(picture(45, 200), wide, name="small")
        assert spec.generator.latent_shape == (4, 5, 16)
        assert dataset.signals.shape[1:] == spec.generator.signal_shape == (3, 40, 128)
        assert dataset.source.scale == 1

    def test_crops_are_a_function_of_the_seed(self) -> None:
        def digest(seed: int) -> str:
            spec = dataclasses.replace(TEXTURE, seed=seed)
            return datasets.from_picture(picture(60, 60), spec, name="noise")[0].digest

        assert digest(1) == digest(1) != digest(2)

    @pytest.mark.parametrize("size", [(1, 1), (31, 400), (400, 31)])
    def test_a_tiny_picture_is_refused(self, size: tuple[int, int]) -> None:
        with pytest.raises(FileRejected, match=rf"{size[1]} x {size[0]} pixels.*at least 32 x 32"):
            datasets.from_picture(picture(*size), TEXTURE, name="tiny")

    def test_a_ribbon_is_refused(self) -> None:
        with pytest.raises(FileRejected, match=r"too long and thin"):
            datasets.from_picture(picture(40, 2000), TEXTURE, name="ribbon")

    def test_one_colour_is_refused(self) -> None:
        with pytest.raises(FileRejected, match=r"the same everywhere"):
            datasets.from_picture(np.full((64, 64, 3), 7, np.uint8), TEXTURE, name="flat")


class TestSound:
    def load(
        self, samples: NDArray[np.float32], rate: int, spec: TrainingSpec = SOUND
    ) -> tuple[Dataset, TrainingSpec]:
        return datasets.from_sound(samples, rate, spec, sample_rate=16_000, name="tone")

    @pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
    @pytest.mark.parametrize("hertz", [440.0, 3000.0])
    def test_pitch_is_kept(self, rate: int, hertz: float) -> None:
        dataset, _ = self.load(sine(hertz, rate, 2.0), rate)
        assert dataset.source.sample_rate == min(rate, 16_000)
        segment = dataset.signals[3, 0].numpy()
        spectrum = np.abs(np.fft.rfft(segment * np.hanning(len(segment))))
        peak = np.argmax(spectrum) * dataset.source.sample_rate / len(segment)
        assert peak == pytest.approx(hertz, abs=dataset.source.sample_rate / len(segment))

    def test_what_the_rate_cannot_carry_does_not_fold_back(self) -> None:
        low = sine(440, 44_100, 2.0)
        dataset, _ = self.load(low + sine(10_000, 44_100, 2.0), 44_100)
        segment = dataset.signals[0, 0].numpy()
        spectrum = np.abs(np.fft.rfft(segment * np.hanning(len(segment)))) ** 2
        at = round(6_000 * len(segment) / 16_000)  # where 10 kHz would fold to
        assert spectrum[at - 5 : at + 5].sum() < 1e-6 * spectrum.sum()

    def test_the_gain_turns_a_signal_back_into_its_samples(self) -> None:
        heard = sine(440, 16_000, 0.5) * 0.02
        dataset, spec = self.load(heard + 0.01, 16_000)
        assert spec.generator.signal_shape == (1, 8000)  # the whole sound
        back = dataset.signals[0, 0].numpy() / dataset.source.gain
        assert np.abs(back - heard)[2000:-2000].max() < 2e-5  # a thousandth
        assert np.abs(back - heard).max() < 1e-3  # its ends go on as in a mirror
        assert dataset.deviation == pytest.approx(datasets.SOUND_DEVIATION, rel=1e-4)

    def test_what_nobody_hears_is_not_learnt(self) -> None:
        heard, unheard = sine(220, 16_000, 0.5) * 0.02, sine(9, 16_000, 0.5) * 0.3
        dataset, _ = self.load(heard + unheard, 16_000)
        back = dataset.signals[0, 0].numpy() / dataset.source.gain
        assert np.abs(back - heard)[2000:-2000].max() < 1e-3

    def test_a_click_keeps_the_signal_in_range(self) -> None:
        samples = np.random.default_rng(0).normal(size=8000).astype(np.float32) * 1e-3
        samples[4000] = 0.9
        dataset, _ = self.load(samples, 16_000)
        assert dataset.signals.abs().max() == pytest.approx(0.99, abs=1e-4)

    def test_segments_are_parts_of_the_sound(self) -> None:
        samples = np.random.default_rng(0).normal(size=12_000).astype(np.float32) * 0.1
        dataset, _ = self.load(samples, 16_000)
        signal = rumble.remove(samples, 16_000) * np.float32(dataset.source.gain)
        windows = np.lib.stride_tricks.sliding_window_view(signal, 8000)
        starts = [int(np.argmin(np.abs(windows[:, 0] - s[0, 0].item()))) for s in dataset.signals]
        for segment, start in zip(dataset.signals, starts, strict=True):
            assert np.abs(windows[start] - segment[0].numpy()).max() < 1e-6
        assert len(set(starts)) > 5

    def test_a_short_sound_gets_a_smaller_network(self) -> None:
        dataset, spec = self.load(sine(440, 4_000, 0.6), 4_000)
        assert spec.generator.latent_shape == (4, 300)  # at 8,000 Hz, which every browser plays
        assert dataset.signals.shape == (10, 1, 4800)

    def test_a_tenth_of_a_second_is_refused(self) -> None:
        with pytest.raises(FileRejected, match=r"lasts 0\.1 s.*at least 0\.5 s\.$"):
            self.load(sine(440, 16_000, 0.1), 16_000)

    @pytest.mark.parametrize("level", [0.0, 0.3])
    def test_silence_is_refused(self, level: float) -> None:
        with pytest.raises(FileRejected, match=r"silent.*\.$"):
            self.load(np.full(16_000, level, np.float32), 16_000)

    def test_a_rate_too_low_for_a_checkpoint_is_refused(self) -> None:
        with pytest.raises(FileRejected, match=r"100 samples a second.*\.$"):
            self.load(sine(10, 100, 60), 100)

    def test_too_short_for_its_network_is_a_refused_file(self) -> None:
        with pytest.raises(FileRejected, match=r"too small.*\.$"):
            self.load(sine(440, 16_000, 0.55), 16_000, PRESETS["paper-sound"].training)


class TestObjects:
    def test_pictures_of_the_networks_size_are_exact(self) -> None:
        pictures = [picture(64, 64, seed) for seed in range(4)]
        dataset, spec = datasets.from_pictures(pictures, OBJECTS, name="set")
        expected = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 127.5 - 1
        torch.testing.assert_close(dataset.signals, expected)
        assert spec.generator.signal_shape == (3, 64, 64)
        assert dataset.source == Source(kind="objects", name="set")

    def test_pictures_are_cut_to_their_middle_and_brought_to_one_size(self) -> None:
        # White middle square, black flanks: only the middle is to be seen, whatever the size.
        wide = np.zeros((64, 128, 3), np.uint8)
        wide[:, 32:96] = 255
        tall = np.zeros((256, 128, 3), np.uint8)
        tall[64:192] = 255
        mark = np.zeros((70, 70, 3), np.uint8)
        dataset, _ = datasets.from_pictures([wide, tall, mark], OBJECTS, name="set")
        assert dataset.signals.shape == (3, 1, 64, 64)
        assert dataset.signals[:2, :, 2:-2, 2:-2].min() > 0.98
        assert dataset.signals[2].max() == -1

    def test_the_usual_picture_decides_where_the_network_could_do_more(self) -> None:
        pictures = [picture(41, 90), picture(100, 100), picture(38, 80)]
        dataset, spec = datasets.from_pictures(pictures, OBJECTS, name="set")
        assert dataset.signals.shape == (3, 3, 40, 40)
        assert spec.generator.projection == (8, 10, 10)
        assert spec.generator.latent_shape == (5,)

    def test_no_more_than_the_settings_ask_for(self) -> None:
        few = dataclasses.replace(OBJECTS, examples=3)
        pictures = [picture(64, 64, seed) for seed in range(6)]
        dataset, _ = datasets.from_pictures(pictures, few, name="set")
        assert len(dataset.signals) == 3

    def test_one_picture_is_no_set(self) -> None:
        with pytest.raises(FileRejected, match=r"one picture; a set needs at least two\.$"):
            datasets.from_pictures([picture(64, 64)], OBJECTS, name="set")


class TestFiles:
    def test_a_file_of_another_kind_is_refused(self, tmp_path: Path) -> None:
        Image.fromarray(picture(64, 64)).save(tmp_path / "a.png")
        with pytest.raises(FileRejected, match=r"a\.png is for texture, but .* sound\.$"):
            datasets.load(tmp_path / "a.png", SOUND)

    def test_a_file_of_no_kind_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.doc").write_bytes(b"\xd0\xcf\x11\xe0")
        with pytest.raises(FileRejected, match=r"a\.doc is of no known kind"):
            datasets.load(tmp_path / "a.doc", TEXTURE)

    def test_kinds(self, tmp_path: Path) -> None:
        names = {"a.PNG": "texture", "b.flac": "sound", "c.npz": "objects", "d.Zip": "objects"}
        for name in names:  # of something that is none of these the ending decides who says so
            (tmp_path / name).write_bytes(b"nothing")
        assert {name: datasets.kind_of(tmp_path / name) for name in names} == names
        assert datasets.kind_of(tmp_path) == "objects"
        assert [s.generator.kind for s in (TEXTURE, SOUND, OBJECTS)] == [
            "texture",
            "sound",
            "objects",
        ]

    def test_files_on_disk_are_the_arrays_they_hold(self, tmp_path: Path) -> None:
        pixels = picture(64, 64)
        Image.fromarray(pixels).save(tmp_path / "noise.png")
        soundfile.write(tmp_path / "tone.wav", sine(440, 16_000, 1), 16_000, subtype="FLOAT")
        texture, _ = datasets.load(tmp_path / "noise.png", TEXTURE)
        sound, _ = datasets.load(tmp_path / "tone.wav", SOUND)
        assert texture.digest == datasets.from_picture(pixels, TEXTURE, name="noise")[0].digest
        assert texture.source.name == "noise"
        expected, _ = datasets.from_sound(
            sine(440, 16_000, 1), 16_000, SOUND, sample_rate=16_000, name="tone"
        )
        assert sound.digest == expected.digest
        assert datasets.load(tmp_path / "tone.wav", SOUND, name="mine")[0].source.name == "mine"

    @pytest.mark.parametrize("kind", ["texture", "sound", "objects"])
    def test_the_bundled_pack_can_be_learnt_from(self, kind: str) -> None:
        name = {"texture": "pebbles", "sound": "stream", "objects": "toon_faces_64"}[kind]
        (item,) = [item for item in read_pack(EXAMPLES) if item.name in (name, f"{name}_64")]
        preset = PRESETS[f"quick-{kind}"]
        dataset, spec = datasets.load(item.path, preset.training, sample_rate=preset.sample_rate)
        assert item.kind == dataset.source.kind == kind
        shape = tuple(dataset.signals.shape[1:])
        if kind == "objects":
            assert shape == spec.generator.signal_shape
        else:  # the whole of it, of which the nominal signal is a part
            network = spec.generator
            assert len(dataset.signals) == 1
            assert shape == network.signal_shape_of(network.map_shape_of(dataset.extent))
            assert shape[1:] == dataset.extent
        assert dataset.signals.dtype == torch.float32
        assert dataset.signals.abs().max() <= 1
        assert dataset.deviation > 0.05

    def test_the_bundled_pack_is_complete_and_free(self) -> None:
        items = read_pack(EXAMPLES)
        assert len(items) == 38
        assert all(item.path.is_file() for item in items)
        assert all(item.licence and item.author for item in items)
        assert {datasets.kind_of(item.path) for item in items} == {
            "texture",
            "sound",
            "objects",
            "film",
        }
        assert all(datasets.kind_of(item.path) == item.kind for item in items)
        listed = {item.path for item in items}
        found = {p for p in EXAMPLES.rglob("*") if p.suffix in (".jpg", ".flac", ".npz", ".mp4")}
        assert found == listed


class TestSource:
    @given(
        st.builds(
            Source,
            kind=st.sampled_from(["texture", "objects"]),
            name=st.text(),
            scale=st.floats(1e-6, 1e6),
            gain=st.floats(1e-6, 1e6),
        )
    )
    def test_json_keeps_everything(self, source: Source) -> None:
        assert Source.from_json(source.to_json()) == source

    @pytest.mark.parametrize(
        "change",
        [
            {"kind": "film"},
            {"kind": None},
            {"name": 5},
            {"scale": 0},
            {"scale": math.nan},
            {"scale": 10**400},
            {"gain": -1.0},
            {"sample_rate": 0},
            {"sample_rate": 500},
            {"sample_rate": 16_000.0},
            {"sample_rate": 10**9},
            {"more": 1},
        ],
        ids=repr,
    )
    def test_no_source_is_refused(self, change: dict[str, object]) -> None:
        fields = json.loads(Source(kind="sound", name="rain", sample_rate=16_000).to_json())
        assert Source.from_json(json.dumps(fields)).name == "rain"
        with pytest.raises(ValueError, match="no description"):
            Source.from_json(json.dumps(fields | change))


class TestDataset:
    SOURCE = Source(kind="texture", name="made")

    def test_deviation_is_about_each_channels_mean(self) -> None:
        signals = torch.zeros(2, 3, 4, 4)
        signals[:, 0] = 0.9  # a constant channel deviates by nothing, whatever its level
        signals[0, 1], signals[1, 1] = 0.3, -0.3
        expected = math.sqrt((0 + 0.3**2 + 0) / 3)
        assert Dataset(signals, self.SOURCE).deviation == pytest.approx(expected)

    def test_digest_sees_every_entry_and_the_shape(self) -> None:
        signals = torch.zeros(2, 1, 4, 4)
        other = signals.clone()
        other[1, 0, 3, 3] = 1e-7
        digests = {
            Dataset(values, self.SOURCE).digest
            for values in (signals, other, signals.view(2, 1, 2, 8), signals.view(1, 2, 4, 4))
        }
        assert len(digests) == 4
        assert Dataset(signals.clone(), self.SOURCE).digest in digests
