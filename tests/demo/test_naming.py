"""Names of training examples, by what is known of their data."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from abp_core import presets
from abp_core.analysis import excerpts
from abp_core.data import datasets, sets
from demo.disk import Disk
from demo.models.naming import name_examples
from demo.studio import PACK
from tests.demo.rooms import Rooms
from tests.demo.runs import arrived

OBJECTS = presets.PRESETS["objects"].training


def a_set(folder: Path, names: list[str]) -> Path:
    """A zip of different pictures by these names."""
    path = folder / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for k, name in enumerate(names):
            content = io.BytesIO()
            Image.linear_gradient("L").rotate(30 * k).convert("RGB").save(content, "PNG")
            archive.writestr(name, content.getvalue())
    return path


def names_of(path: Path, spec: datasets.TrainingSpec = OBJECTS) -> list[str]:
    data, fitted = datasets.load(path, spec)
    return name_examples(fitted, data)


def test_a_set_is_named_by_its_files_each_differently(tmp_path: Path) -> None:
    files = ["a/red_boot.png", "b/red_boot.PNG", "b/10.png", "b/2.png", "c/\u202ecat.png"]
    assert names_of(a_set(tmp_path, files)) == [
        *("red boot, example 1", "2", "10", "red boot, example 4", "cat"),
    ]


def test_names_stay_with_their_pictures_where_some_are_left_out(tmp_path: Path) -> None:
    path = a_set(tmp_path, ["a.png", "c.png", "d.png"])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("b.png", b"no picture")
    found = sets.read_set(path)
    assert found.names == ("a.png", "c.png", "d.png")
    assert len(names_of(path, replace(OBJECTS, examples=2))) == 2


def test_the_pack_names_its_animals_and_people() -> None:
    animals = names_of(PACK / "objects" / "noto_animal_faces_128.npz")
    assert (len(animals), animals[:2], animals[16]) == (20, ["dog", "cat"], "polar bear")
    people = names_of(PACK / "objects" / "noto_people_64.npz")
    assert people[18] == "male-cook, example 19"
    assert len(set(people)) == 816
    assert names_of(PACK / "objects" / "ankle_boot_32.npz") == []


@pytest.mark.parametrize(
    "names", [["a"] * 3, [1, 2, 3, 4], ["x" * 500] * 4, [["a"] * 2] * 4, [b"a"] * 4]
)
def test_an_array_that_does_not_fit_names_nothing(tmp_path: Path, names: list[object]) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", images=pictures, names=np.array(names))
    assert names_of(tmp_path / "a.npz") == []


@pytest.mark.parametrize("window", [0, 6])
def test_a_crop_is_named_by_its_place(window: int) -> None:
    preset, bark = presets.PRESETS["texture"].training, PACK / "textures" / "bark.jpg"
    whole = datasets.load(bark, preset)[0].signals[0]
    data, spec = datasets.load(bark, replace(preset, window=window, prior="normal"))
    starts, signals = (
        excerpts.starts_of(spec, data.extent),
        excerpts.signals_of(spec, data.signals),
    )
    names = name_examples(spec, data)
    assert len(names) == len(starts) == len(signals) == len(set(names))
    height, width = spec.generator.signal_shape[1:]
    third = [(512 - side + 1) / 3 for side in (height, width)]
    for name, (top, left), crop in zip(names, starts, signals, strict=True):
        assert torch.equal(whole[:, top : top + height, left : left + width], crop)
        assert ("upper" in name or "top" in name) == (top < third[0])
        assert ("left" in name) == (left < third[1])
        assert ("right" in name) == (left >= 2 * third[1])


def test_a_part_of_a_sound_is_named_by_its_seconds() -> None:
    preset = presets.PRESETS["sound"].training
    data, spec = datasets.load(PACK / "sounds" / "stream.flac", preset)
    names = name_examples(spec, data)
    assert len(set(names)) == len(names) == excerpts.MOST_EXCERPTS
    seconds = spec.generator.signal_shape[1] / data.source.sample_rate
    for name, (start,) in zip(names, excerpts.starts_of(spec, data.extent), strict=True):
        first, last = (float(word) for word in name.removesuffix(" s").split(" to "))
        assert first == pytest.approx(start / data.source.sample_rate, abs=0.051)
        assert last - first == pytest.approx(seconds, abs=0.11)


def test_both_tabs_say_the_same(tmp_path: Path) -> None:
    rooms = Rooms(Disk(tmp_path))
    token = arrived(rooms.studio)
    for model, third in (("noto_animal_faces_128", "mouse"), ("toon_faces_64", "")):
        rooms.studio.choose(token, model)
        told = rooms.inference.describe(token)
        sheet = rooms.exploration.draw_sheet(token, model, "examples")
        assert sheet["names"] == told["names"]
        assert "".join(told["names"][2:3]) == third
        walk = rooms.inference.begin(token, model, {"example": 2}, {"steps": 1, "chains": 1})
        assert walk["name"] == f"{told['label']}, {third or 'training example 3'}"
    rooms.close()
