"""A picture is inferred where it stands, and grows from there."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from abp_core import growing, strips, synthesis
from abp_core.checkpoint import Checkpoint
from abp_core.data import LARGEST_PICTURE
from abp_core.files import FileRejected
from abp_core.trainer import Trainer
from tests.tiny import FP32, NETWORKS, dataset, training

SPEC = NETWORKS["texture"]  # four pixels a position
MARGIN = 8


@pytest.fixture(scope="module")
def saved() -> Checkpoint:
    trainer = Trainer(training(SPEC), dataset(SPEC), machine=FP32)
    list(trainer.steps(3))
    return trainer.checkpoint()


def save(pixels: np.ndarray, path: Path) -> Path:  # type: ignore[type-arg]
    Image.fromarray(pixels).save(path)
    return path


def test_a_picture_is_cut_to_whole_positions_of_its_middle(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (35, 46, 3), dtype=np.uint8)
    read = growing.read(save(pixels, tmp_path / "x.png"), SPEC)
    assert np.array_equal(read, pixels[1:33, 1:45])


def test_a_large_picture_is_read_at_the_size_that_is_learnt(tmp_path: Path) -> None:
    pixels = np.full((2 * LARGEST_PICTURE, LARGEST_PICTURE, 3), 9, np.uint8)
    read = growing.read(save(pixels, tmp_path / "x.png"), SPEC)
    assert read.shape == (growing.LARGEST, LARGEST_PICTURE // 2, 3)
    assert (read == 9).all()


def test_a_grey_model_sees_a_grey_picture(tmp_path: Path) -> None:
    grey = SPEC.fitted_to((8, 8), 1)
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[..., 1] = 255
    read = growing.read(save(pixels, tmp_path / "x.png"), grey)
    assert read.shape == (8, 8, 1)
    assert 100 < read.mean() < 200


def test_a_picture_of_less_than_a_position_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match=r"has 3 x 9 pixels; .* at least 4 x 4 to grow\.$"):
        growing.read(save(np.zeros((9, 3, 3), np.uint8), tmp_path / "x.png"), SPEC)


def test_the_walk_explains_more_and_leaves_the_rest_of_the_map_alone(saved: Checkpoint) -> None:
    generator = saved.generator()
    around = synthesis.endless(generator, 1)
    there = synthesis.cut(generator, synthesis.endless(generator, 2), (32, 40))
    pixels = strips.pixels(there)[0]
    known = list(growing.walk(saved, generator, pixels, around, MARGIN))
    assert [each.step for each in known] == list(range(growing.STEPS + 1))
    first, last = known[0], known[-1]
    assert last.explained > first.explained + 0.05
    begun = around.part((-9, -9), (30, 30))
    assert torch.equal(first.latents.part((-9, -9), (30, 30)), begun), "it starts as it is new"
    changed = (last.latents.part((-9, -9), (30, 30)) != begun).any(0)
    inside = torch.zeros(39, 39, dtype=torch.bool)
    inside[11:19, 11:21] = True  # 32 x 40 pixels from pixel 8
    assert torch.equal(changed, inside)


def test_what_is_said_to_be_explained_is(saved: Checkpoint) -> None:
    generator = saved.generator()
    pixels = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    around = synthesis.endless(generator, 1)
    *_, known = growing.walk(saved, generator, pixels, around, MARGIN)
    made = synthesis.cut(generator, known.latents, (48, 56))[..., 8:40, 8:48]
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
    plain = x.mean((2, 3), keepdim=True)
    share = 1 - (x - made).square().mean() / (x - plain).square().mean()
    assert known.explained == pytest.approx(float(share), abs=1e-3)
    assert known.sentence().startswith("30 steps of inference explain ")


def test_it_is_the_same_again(saved: Checkpoint) -> None:
    generator = saved.generator()
    pixels = np.full((8, 8, 3), 77, np.uint8)
    z = []
    for _ in range(2):
        *_, known = growing.walk(saved, generator, pixels, synthesis.endless(generator, 1), MARGIN)
        z.append(known.latents.z)
    assert torch.equal(*z)


def test_a_walk_that_runs_away_is_refused(saved: Checkpoint) -> None:
    wild = saved.at(9.0)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    generator = wild.generator()
    with pytest.raises(FileRejected, match="too unlike what the model learnt"):
        list(growing.walk(wild, generator, pixels, synthesis.endless(generator, 0), MARGIN))
