"""A picture is inferred where it stands, and grows from there."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from abp_core.checkpoint import Checkpoint
from abp_core.data.colours import Pixels
from abp_core.data.datasets import LARGEST_PICTURE
from abp_core.data.formats import FileRejected
from abp_core.priors.normal import Normal
from abp_core.synthesis import outpainting, raster, sampling
from abp_core.trainer import Trainer
from tests.tiny import FP32, NETWORKS, dataset, training, whole_run

SPEC = NETWORKS["texture"]  # four pixels a position
MARGIN = 8
PRIOR = Normal(SPEC.latent_shape)


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
    read = outpainting.read(save(pixels, tmp_path / "x.png"), SPEC)
    assert np.array_equal(read, pixels[1:33, 1:45])


def test_a_large_picture_is_read_at_the_size_that_is_learnt(tmp_path: Path) -> None:
    pixels = np.full((2 * LARGEST_PICTURE, LARGEST_PICTURE, 3), 9, np.uint8)
    read = outpainting.read(save(pixels, tmp_path / "x.png"), SPEC)
    assert read.shape == (outpainting.LARGEST, LARGEST_PICTURE // 2, 3)
    assert (read == 9).all()


def test_a_grey_model_sees_a_grey_picture(tmp_path: Path) -> None:
    grey = SPEC.fitted_to((8, 8), 1)
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[..., 1] = 255
    read = outpainting.read(save(pixels, tmp_path / "x.png"), grey)
    assert read.shape == (8, 8, 1)
    assert 100 < read.mean() < 200


def test_a_picture_of_less_than_a_position_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match=r"has 3 x 9 pixels; .* at least 4 x 4 to grow\.$"):
        outpainting.read(save(np.zeros((9, 3, 3), np.uint8), tmp_path / "x.png"), SPEC)


def test_the_walk_explains_more_and_leaves_the_rest_of_the_map_alone(saved: Checkpoint) -> None:
    generator, around = saved.generator(), PRIOR.map(1)
    there = sampling.generate_field(generator, PRIOR.map(2), (32, 40))
    pixels = raster.pixels(there)[0]
    known = list(outpainting.walk(saved, generator, pixels, PRIOR, 1, MARGIN))
    assert [each.step for each in known] == list(range(outpainting.INFERENCE_STEPS + 1))
    first, last = known[0], known[-1]
    assert last.explained > first.explained + 0.05
    begun = around.part((-9, -9), (30, 30))
    assert torch.equal(first.latents.part((-9, -9), (30, 30)), begun), "it starts as it is new"
    changed = (last.latents.part((-9, -9), (30, 30)) != begun).any(0)
    inside = torch.zeros(39, 39, dtype=torch.bool)
    inside[9:21, 9:23] = True  # 32 x 40 pixels from pixel 8, and two positions around them
    assert torch.equal(changed, inside)


def test_what_is_said_to_be_explained_is(saved: Checkpoint) -> None:
    generator = saved.generator()
    pixels = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    *_, known = outpainting.walk(saved, generator, pixels, PRIOR, 1, MARGIN)
    made = sampling.generate_field(generator, known.latents, (48, 56))[..., 8:40, 8:48]
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
    plain = x.mean((2, 3), keepdim=True)
    share = 1 - (x - made).square().mean() / (x - plain).square().mean()
    assert known.explained == pytest.approx(float(share), abs=1e-3)
    assert known.sentence().startswith(f"{outpainting.INFERENCE_STEPS} steps of inference explain ")


def test_it_is_the_same_again(saved: Checkpoint) -> None:
    generator = saved.generator()
    pixels = np.full((8, 8, 3), 77, np.uint8)
    z = []
    for _ in range(2):
        *_, known = outpainting.walk(saved, generator, pixels, PRIOR, 1, MARGIN)
        z.append(known.latents.part((0, 0), (6, 6)))
    assert torch.equal(*z)


def test_a_walk_that_runs_away_is_refused(saved: Checkpoint) -> None:
    wild = saved.at(9.0)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    generator = wild.generator()
    with pytest.raises(FileRejected, match="too unlike what the model learnt"):
        list(outpainting.walk(wild, generator, pixels, PRIOR, 0, MARGIN))


@pytest.fixture(scope="module")
def whole() -> Checkpoint:
    return whole_run("texture", 30)


def piece(whole: Checkpoint) -> Pixels:
    """Of what a model learnt from, as it rebuilds it."""
    z = whole.latents[..., 4:16, 5:16]
    return raster.pixels(whole.generator()(z).detach())[0]


@pytest.fixture(scope="module")
def grown(whole: Checkpoint) -> list[outpainting.Outpainting]:
    return list(outpainting.walk(whole, whole.generator(), piece(whole), whole.prior(), 1, 40))


class TestOfAnExemplar:
    """A model of one picture, whose new latents are its own again."""

    PLACE = (3, 3), (15, 14)  # 64 x 56 pixels from pixel 40, and two positions around them

    def test_the_walk_explains_more(self, grown: list[outpainting.Outpainting]) -> None:
        assert 1 - grown[-1].explained < 0.7 * (1 - grown[0].explained)
        assert grown[-1].explained > 0.8

    def test_it_starts_as_the_map_is_new(
        self, whole: Checkpoint, grown: list[outpainting.Outpainting]
    ) -> None:
        new = whole.prior().map(1).part(*self.PLACE)
        assert torch.equal(grown[0].latents.part(*self.PLACE), new)

    def test_what_was_inferred_stands_in_the_map(
        self, whole: Checkpoint, grown: list[outpainting.Outpainting]
    ) -> None:
        """The picture that those latents make is the one whose variance is said to be explained."""
        z = grown[-1].latents.part(*self.PLACE)
        x = torch.from_numpy(piece(whole)).permute(2, 0, 1)[None] / 127.5 - 1
        made = whole.generator()(z[None]).detach()
        variance = (x - x.mean((2, 3), keepdim=True)).square().mean()
        share = 1 - float((x - made).square().mean() / variance)
        assert grown[-1].explained == pytest.approx(share, abs=1e-3)
        assert not torch.equal(z, grown[-2].latents.part(*self.PLACE))

    def test_around_it_latents_are_drawn_to_fit_and_far_away_as_ever(
        self, whole: Checkpoint, grown: list[outpainting.Outpainting]
    ) -> None:
        new, latents = whole.prior().map(1), grown[-1].latents
        (top, left), (bottom, right) = self.PLACE
        frame = (top - 3, left - 3), (bottom + 3, right + 3)
        outside = torch.ones(bottom - top + 6, right - left + 6, dtype=torch.bool)
        outside[3:-3, 3:-3] = False
        changed = (latents.part(*frame) != new.part(*frame)).any(0)
        assert changed[outside].any()
        far = (500, 500), (505, 505)
        assert torch.equal(latents.part(*far), new.part(*far))
        drawn = latents.part(*frame)[:, outside].T
        assert torch.cdist(drawn, whole.latents[0].flatten(1).T).min(1).values.max() < 1e-3
