"""The loss of samples: what it sees of pictures, what a step changes, and that a run goes on."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from abp_core.chains.examples import DataMismatch
from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.data import sets
from abp_core.data.datasets import Dataset, Source
from abp_core.device import this_machine
from abp_core.evaluation import objects
from abp_core.generator import Generator
from abp_core.learning import learner
from abp_core.learning.feed import Feed
from abp_core.learning.patches import PatchLoss, laplacian_pyramid
from abp_core.learning.samples import SampleLoss
from abp_core.observation import Occluded
from abp_core.priors.normal import Normal
from abp_core.spec import GeneratorSpec, LangevinSpec, PriorName, SpecRejected, TrainingSpec
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from tests.tiny import goes_on_exactly, training

PACK = Path(__file__).parents[2] / "demo" / "examples"
MAP = GeneratorSpec(
    latent_shape=(8, 2, 2), channels=(16,), kernel_size=5, upsampling=4, out_channels=3
)
FACE = GeneratorSpec(
    latent_shape=(6,),
    projection=(16, 4, 4),
    channels=(16, 16),
    kernel_size=5,
    upsampling=2,
    out_channels=3,
    leak=0.2,
)
WITH_LOSS = TrainingSpec(
    generator=FACE,
    langevin=LangevinSpec(steps=2, step_size=0.03),
    sigma=0.3,
    learning_rate=5e-4,
    sample_loss_rate=2e-3,
    batch_size=4,
    examples=64,
)


def sampled(generator: Generator, n: int) -> Tensor:
    """Samples from the paper's prior."""
    return sampling.sample(generator, Normal(generator.spec.latent_shape), n, 3)


class Guide:
    """A loss of samples of the faces, and what its steps are given."""

    def __init__(self, generator: Generator) -> None:
        spec, machine = dataclasses.replace(WITH_LOSS, sample_loss_rate=3e-3), this_machine()
        self.loss = SampleLoss(spec, generator, faces().signals, machine=machine)
        self._feed = Feed([self.loss], machine)

    def step(self, number: int) -> bool:
        self._feed.hand_over(number)
        return bool(self.loss.step(torch.tensor(True)))


def between(loss: PatchLoss, signals: torch.Tensor, number: int = 0) -> float:
    """From the pictures of a loss, as it draws them for this number."""
    return float(loss.distance(signals, **loss.draw(len(signals), number)))


def faces(n: int = 64) -> Dataset:
    """Drawn faces of 32 x 32."""
    pixels = np.stack(sets.read_pictures(PACK / "objects" / "toon_faces_64.npz")[:n])
    signals = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    smaller = torch.nn.functional.avg_pool2d(signals, 2)
    return Dataset(smaller.contiguous(), Source(kind="objects", name="faces"))


@pytest.mark.parametrize("size", [(32, 32), (45, 70), (128, 96)], ids=str)
def test_a_pyramid_is_that_of_mirrored_and_interpolated_pictures(size: tuple[int, int]) -> None:
    """As torch itself mirrors, blurs and interpolates."""
    pictures = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    *bands, smallest = laplacian_pyramid(pictures)
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    kernel = torch.outer(line, line).expand(3, 1, 5, 5)
    for band in bands:
        mirrored = torch.nn.functional.pad(pictures, (2, 2, 2, 2), mode="reflect")
        smaller = torch.nn.functional.conv2d(mirrored, kernel, stride=2, groups=3)
        larger = torch.nn.functional.interpolate(smaller, pictures.shape[2:], mode="bilinear")
        torch.testing.assert_close(band, pictures - larger, rtol=0, atol=1e-6)
        pictures = smaller
    torch.testing.assert_close(smallest, pictures, rtol=0, atol=1e-6)
    assert 16 <= min(smallest.shape[2:]) < 32


def test_patches_tell_other_pictures_of_the_set_from_blurred_and_grainy_ones() -> None:
    first, second = faces(128).signals.chunk(2)
    judge = PatchLoss(first)
    same = between(judge, second)
    blurred = torch.nn.functional.avg_pool2d(second, 3, 1, 1)
    grainy = second + 0.1 * torch.randn(second.shape, generator=torch.Generator().manual_seed(0))
    assert min(between(judge, worse) for worse in (blurred, grainy)) > 2 * same


def test_every_step_looks_at_other_patches_and_they_can_be_had_again() -> None:
    first, second = faces(128).signals.chunk(2)
    judge = PatchLoss(first)
    distances = [between(judge, second, number) for number in (1, 2, 1)]
    assert distances[0] == distances[2] != distances[1]
    one = PatchLoss(first[:1].expand(9, -1, -1, -1))
    assert between(one, first[:1]) == 0  # there is no other picture


def test_steps_bring_samples_of_a_set_nearer_to_it() -> None:
    data = faces()
    generator = Generator(FACE, seed=1)

    def lack() -> float:
        made = sampled(generator, len(data.signals))
        return sum(objects.patch_distances(made, data.signals))

    before = lack()
    guide = Guide(generator)
    assert all(guide.step(k) for k in range(60))
    assert lack() < before / 2


@pytest.mark.parametrize("prior", ["normal", "flow"])
def test_a_run_with_loss_goes_on_exactly(prior: PriorName, tmp_path: Path) -> None:
    spec = dataclasses.replace(WITH_LOSS, prior=prior)
    goes_on_exactly(spec, faces(), tmp_path / "run.safetensors", before=2, after=2)


def test_a_step_of_a_broken_generator_changes_nothing() -> None:
    generator = Generator(FACE, seed=1)
    guide = Guide(generator)
    with torch.no_grad():
        generator.kernels[0].fill_(float("inf"))
    before, own = [p.clone() for p in generator.parameters()], guide.loss.tensors()
    assert not guide.step(0)
    for was, now in zip(before, generator.parameters(), strict=True):
        assert torch.equal(was, now)
    after = guide.loss.tensors()
    assert all(torch.equal(own[name], after[name]) for name in own)


def test_it_changes_a_run_and_is_off_unless_asked_for() -> None:
    data = faces()
    runs = [
        Trainer(dataclasses.replace(WITH_LOSS, sample_loss_rate=rate), data) for rate in (0.0, 2e-3)
    ]
    for run in runs:
        run.step()
    without, with_loss = (run.checkpoint() for run in runs)
    assert not without.sample_loss
    assert not torch.equal(without.weights["kernels.0"], with_loss.weights["kernels.0"])
    assert training(FACE).sample_loss_rate == 0


def test_the_expected_shapes_are_those_that_are_kept() -> None:
    kept = Trainer(WITH_LOSS, faces()).checkpoint().sample_loss
    shapes = {name: tuple(t.shape) for name, t in kept.items()}
    assert learner.shapes(WITH_LOSS.generator) == shapes


def written(run: Trainer, path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The header and the tensors of the file of a run."""
    run.checkpoint().save(path)
    with safe_open(path, framework="pt") as file:
        return file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def spoil(name: str, tensors: dict[str, Tensor]) -> None:
    if name == "missing":
        del tensors["sample_loss/exp_avg.kernels.0"]
    elif name == "shape":
        tensors["sample_loss/exp_avg.kernels.0"] = torch.zeros(3)
    elif name == "nan":
        tensors["sample_loss/exp_avg.kernels.0"].fill_(float("nan"))
    elif name == "negative":
        tensors["sample_loss/exp_avg_sq.kernels.0"].fill_(-1.0)
    else:
        tensors["sample_loss/more"] = torch.zeros(1)


@pytest.mark.parametrize("wrong", ["missing", "shape", "nan", "negative", "more"])
def test_a_damaged_state_is_rejected(wrong: str, tmp_path: Path) -> None:
    run = Trainer(WITH_LOSS, faces())
    run.step()
    path = tmp_path / "run.safetensors"
    header, tensors = written(run, path)
    spoil(wrong, tensors)
    save_file(tensors, path, header)
    with pytest.raises(CheckpointRejected, match="damaged"):
        Checkpoint.load(path)


def test_examples_that_were_not_seen_whole_cannot_be_learnt_from() -> None:
    data = faces()
    hidden = Occluded(torch.ones(len(data.signals), *data.signals.shape[1:]))
    with pytest.raises(DataMismatch, match="seen whole"):
        Trainer(WITH_LOSS, data, hidden)


@pytest.mark.parametrize(
    "changes",
    [
        {"examples": 1},
        {"sample_loss_rate": -1.0},
        {"sample_loss_rate": float("nan")},
        {"generator": MAP},
        {"generator": dataclasses.replace(FACE, projection=(16, 2, 2))},
    ],
)
def test_what_it_cannot_be_used_for_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SpecRejected):
        dataclasses.replace(WITH_LOSS, **changes)


def test_a_file_of_a_texture_that_had_such_a_loss_once_still_opens(tmp_path: Path) -> None:
    plain = dataclasses.replace(
        WITH_LOSS, generator=MAP, sample_loss_rate=0.0, examples=2, batch_size=2
    )
    crops = faces(2).signals
    run = Trainer(plain, Dataset(crops, Source(kind="texture", name="crops")))
    run.step()
    path = tmp_path / "run.safetensors"
    header, tensors = written(run, path)
    header["spec"] = header["spec"].replace('"sample_loss_rate": 0.0', '"lesson_rate": 0.002')
    assert "0.002" in header["spec"]
    tensors["teacher/judge.step.0.score.bias"] = torch.ones(())
    save_file(tensors, path, header)
    saved = Checkpoint.load(path)
    assert saved.spec == plain
    assert not saved.sample_loss


def test_a_file_with_the_names_of_before_is_the_same_run(tmp_path: Path) -> None:
    run = Trainer(WITH_LOSS, faces())
    run.step()
    path = tmp_path / "run.safetensors"
    header, tensors = written(run, path)
    header["spec"] = header["spec"].replace("sample_loss_rate", "lesson_rate")
    earlier = {name.replace("sample_loss/", "teacher/pupil."): t for name, t in tensors.items()}
    assert earlier.keys() != tensors.keys()
    save_file(earlier, path, header)
    saved, now = Checkpoint.load(path), run.checkpoint()
    assert saved.spec == now.spec
    assert saved.tensors().keys() == now.tensors().keys()
    for name, tensor in now.tensors().items():
        assert torch.equal(saved.tensors()[name], tensor)
