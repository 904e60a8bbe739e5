"""What is judged, and how its figures are shown."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from abp_core.data import datasets
from abp_core.errors import Refusal
from abp_core.presets import PRESETS
from abp_core.spec import Kind
from benchmarks import quality, rebuilt, sheets
from benchmarks.originals import Original

RATE = 16_000


@pytest.fixture
def original(tmp_path: Path, request: pytest.FixtureRequest) -> Original:
    """A small one of the kind that the test asks for."""
    kind: Kind = request.param
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (10, 40, 48, 3), dtype=np.uint8)
    if kind == "texture":
        path = tmp_path / "x.png"
        Image.fromarray(pixels[0]).save(path)
    elif kind == "sound":
        path = tmp_path / "x.wav"
        soundfile.write(path, 0.1 * draw.standard_normal(RATE), RATE)
    else:
        path = tmp_path / "x.npz"
        np.savez(path, images=pixels[:, :32, :32])
    return Original(kind, "x", path, PRESETS[kind])


class TestOriginal:
    @pytest.mark.parametrize("original", ["texture", "sound", "objects"], indirect=True)
    def test_samples_come_back(self, original: Original, tmp_path: Path) -> None:
        samples = [original.shown * scale for scale in (1, 0.5, 0.25)]
        original.write(samples, tmp_path / "samples")
        again = original.read(tmp_path / "samples")
        for ours, theirs in zip(samples, again, strict=True):
            assert ours.shape == theirs.shape
            assert torch.allclose(ours, theirs, atol=1.01 / 127.5)

    @pytest.mark.parametrize("original", ["texture"], indirect=True)
    def test_no_samples(self, original: Original, tmp_path: Path) -> None:
        with pytest.raises(Refusal, match="no samples"):
            original.read(tmp_path)

    @pytest.mark.parametrize("original", ["objects"], indirect=True)
    def test_a_fifth_is_held_back(self, original: Original) -> None:
        assert len(original.signals) == 10
        assert torch.equal(original.shown, original.signals[:2])


@pytest.mark.parametrize("original", ["texture", "sound"], indirect=True)
def test_windows_are_found_where_they_were_cut(original: Original) -> None:
    learnt, spec = datasets.load(original.path, original.preset.training)
    size = spec.generator.signal_shape[1:]
    if len(learnt.signals) == 1:
        pytest.skip("the whole is one window")
    for window, place in zip(learnt.signals, rebuilt.places(spec, learnt.extent), strict=True):
        where = tuple(slice(a, a + n) for a, n in zip(place, size, strict=True))
        assert torch.allclose(window, original.shown[(slice(None), *where)], atol=1e-6)


def test_figures_by_their_keys() -> None:
    row = {"unlearnt": {"copied_0.1s": 0.25, "features_by_stride": {"4": 2.0}}, "ratio": None}
    assert quality._cell(row, "unlearnt.copied_0.1s") == "0.250"
    assert quality._cell(row, "unlearnt.features_by_stride.4") == "2.000"
    assert quality._cell(row, "ratio") == quality._cell(row, "unlearnt.critic.more") == ""


def test_what_is_no_number_is_none() -> None:
    row = quality._with_ratios({"distance": 3.0, "floor": 2.0, "spread": float("nan")})
    assert row == {"distance": 3.0, "floor": 2.0, "ratio": 1.5, "spread": None}


def test_a_contact_sheet_of_pictures() -> None:
    picture = torch.linspace(-1, 1, 32).expand(3, 16, 32)
    sheet = sheets.textures(picture, None, [picture] * 4, [-picture])
    assert sheet.size == (4 * 32 + 3 * sheets.GAP, 2 * 16 + sheets.GAP)
    assert sheet.getpixel((32 + sheets.GAP, 16 + sheets.GAP)) == (255, 255, 255)
    assert sheets.textures(picture, None, [picture], []).size[1] == 16
