"""Lessons about samples: what the judges see, what a lesson changes, and that a run goes on."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from abp_core import files, judges, synthesis, teacher
from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.data import Dataset, Source
from abp_core.device import this_machine
from abp_core.generator import Generator
from abp_core.judges import PatchStatistics, SoundStatistics, TextureStatistics
from abp_core.metrics import objects, texture
from abp_core.metrics.halves import spectral_noise
from abp_core.observation import Occluded
from abp_core.priors.normal import Normal
from abp_core.spec import GeneratorSpec, LangevinSpec, SpecRejected, TrainingSpec
from abp_core.teacher import Teacher
from abp_core.trainer import DataMismatch, Trainer
from tests.tiny import FP32, goes_on_exactly, training

PACK = Path(__file__).parents[2] / "demo" / "examples"
RATE = 8_000
SOUND = GeneratorSpec(
    latent_shape=(16, 16), channels=(32, 32, 16), kernel_size=9, upsampling=4, out_channels=1
)
NETWORK = GeneratorSpec(
    latent_shape=(8, 4, 4), channels=(16,), kernel_size=5, upsampling=4, out_channels=3
)
TAUGHT = TrainingSpec(
    generator=dataclasses.replace(NETWORK, latent_shape=(8, 2, 2)),
    langevin=LangevinSpec(steps=2, step_size=0.03),
    sigma=0.3,
    learning_rate=5e-4,
    lesson_rate=2e-3,
    batch_size=4,
    examples=12,
)


def sampled(generator: Generator, n: int) -> Tensor:
    """Samples from the paper's prior."""
    return synthesis.sample(generator, Normal(generator.spec.latent_shape), n, 3)


def photograph() -> Tensor:
    """Pebbles (3, 256, 256) in [-1, 1]."""
    pixels = files.read_picture(PACK / "textures" / "pebbles.jpg")
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 127.5 - 1


def tiles(picture: Tensor, side: int) -> Tensor:
    """A picture (c, h, w) cut into tiles (n, c, side, side)."""
    return texture.crops(picture, side, stride=side)


def pebbles(side: int = 32) -> Dataset:
    crops = tiles(photograph()[:, :128, :128], side)
    return Dataset(crops.contiguous(), Source(kind="texture", name="pebbles"))


def test_statistics_tell_the_same_material_from_noise_of_its_spectrum() -> None:
    top, bottom = photograph().chunk(2, 1)
    judge = TextureStatistics(tiles(top, 64))
    assert float(judge.distance(tiles(top, 64))) == pytest.approx(0, abs=1e-6)
    same = float(judge.distance(tiles(bottom, 64)))
    noise = float(judge.distance(tiles(spectral_noise(top, seed=0).clamp(-1, 1), 64)))
    assert noise > 4 * same


def test_statistics_see_a_colour_cast() -> None:
    top, bottom = photograph().chunk(2, 1)
    judge = TextureStatistics(tiles(top, 64))
    cast = (bottom + torch.tensor([0.2, 0.0, -0.2])[:, None, None]).clamp(-1, 1)
    assert judge.distance(tiles(cast, 64)) > 3 * judge.distance(tiles(bottom, 64))


@pytest.mark.parametrize("side", [32, 48, 64, 112])
def test_statistics_exist_for_every_size_that_a_network_may_have(side: int) -> None:
    crops = tiles(photograph(), side)
    assert float(TextureStatistics(crops).distance(crops)) == pytest.approx(0, abs=1e-6)


def test_crops_that_are_all_the_same_have_statistics_too() -> None:
    crop = photograph()[None, :, :64, :64]
    judge = TextureStatistics(crop.expand(3, -1, -1, -1))
    assert judge.distance(crop.flip(3)).isfinite()


def stream() -> Dataset:
    """Twelve segments of half a second."""
    samples, rate = files.read_sound(PACK / "sounds" / "stream.flac")
    every = soxr.resample(samples, rate, RATE)[: 12 * 4096].astype(np.float32)
    signals = torch.from_numpy(every / every.std() / 5).clamp(-1, 1).view(12, 1, 4096)
    return Dataset(signals, Source(kind="sound", name="stream", sample_rate=RATE))


def test_statistics_of_a_sound_tell_it_from_noise_of_its_spectrum_and_from_a_quieter_one() -> None:
    first, second = (half.reshape(3, 1, -1) for half in stream().signals.chunk(2))
    judge = SoundStatistics(first, RATE)
    assert float(judge.distance(first)) == pytest.approx(0, abs=1e-6)
    same = float(judge.distance(second))
    clip = first.view(1, -1)
    noise = spectral_noise(clip, seed=0).clamp(-1, 1).view_as(first)
    assert float(judge.distance(noise)) > 1.5 * same
    assert float(judge.distance(second / 2)) > 1.5 * same


def test_lessons_bring_samples_of_a_sound_nearer_to_it() -> None:
    data = stream()
    generator = Generator(SOUND, seed=1)
    judge = SoundStatistics(data.signals, RATE)

    def lack() -> float:
        with torch.no_grad():
            return float(judge.distance(sampled(generator, 8)))

    before = lack()
    guide = Teacher(generator, data.signals, RATE, seed=0, machine=this_machine())
    assert all(guide.lesson(number, 3e-3) for number in range(60))
    assert lack() < before / 3


def test_a_run_on_a_sound_with_lessons_goes_on_exactly(tmp_path: Path) -> None:
    data, spec = stream(), dataclasses.replace(TAUGHT, generator=SOUND)
    goes_on_exactly(spec, data, tmp_path / "run.safetensors", before=2, after=2)


FACE = GeneratorSpec(
    latent_shape=(6,),
    projection=(16, 4, 4),
    channels=(16, 16),
    kernel_size=5,
    upsampling=2,
    out_channels=3,
    leak=0.2,
)


def faces(n: int = 64) -> Dataset:
    """Drawn faces of 32 x 32."""
    pixels = np.stack(files.read_pictures(PACK / "objects" / "toon_faces_64.npz")[:n])
    signals = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    smaller = torch.nn.functional.avg_pool2d(signals, 2)
    return Dataset(smaller.contiguous(), Source(kind="objects", name="faces"))


def test_patches_tell_other_pictures_of_the_set_from_blurred_and_grainy_ones() -> None:
    first, second = faces(128).signals.chunk(2)
    judge = PatchStatistics(first)
    same = float(judge.distance(second))
    blurred = torch.nn.functional.avg_pool2d(second, 3, 1, 1)
    grainy = second + 0.1 * torch.randn(second.shape, generator=torch.Generator().manual_seed(0))
    assert min(float(judge.distance(worse)) for worse in (blurred, grainy)) > 2 * same


def test_every_lesson_looks_at_other_patches_and_they_can_be_had_again() -> None:
    first, second = faces(128).signals.chunk(2)
    judge = PatchStatistics(first)
    distances = [float(judge.distance(second, number)) for number in (1, 2, 1)]
    assert distances[0] == distances[2] != distances[1]
    one = PatchStatistics(first[:1].expand(9, -1, -1, -1))
    assert float(one.distance(first[:1])) == 0  # there is no other picture


def test_lessons_bring_samples_of_a_set_nearer_to_it() -> None:
    data = faces()
    generator = Generator(FACE, seed=1)

    def lack() -> float:
        made = sampled(generator, len(data.signals))
        return sum(objects.patch_distances(made, data.signals))

    before = lack()
    guide = Teacher(generator, data.signals, 0, seed=0, machine=this_machine())
    assert all(guide.lesson(number, 3e-3) for number in range(60))
    assert lack() < before / 2


def test_a_run_on_a_set_with_lessons_goes_on_exactly(tmp_path: Path) -> None:
    data, spec = faces(), dataclasses.replace(TAUGHT, generator=FACE, examples=64)
    goes_on_exactly(spec, data, tmp_path / "run.safetensors", before=2, after=2)


def test_segments_too_short_for_statistics_are_refused() -> None:
    data = stream()
    source = dataclasses.replace(data.source, sample_rate=3 * RATE)
    with pytest.raises(DataMismatch, match="longer sound"):
        Trainer(
            dataclasses.replace(TAUGHT, generator=SOUND), dataclasses.replace(data, source=source)
        )


def test_lessons_bring_samples_nearer_to_the_data() -> None:
    data = pebbles(64)
    generator = Generator(NETWORK, seed=1)
    judge = TextureStatistics(data.signals)

    def lack() -> float:
        with torch.no_grad():
            return float(judge.distance(sampled(generator, 8)))

    before = lack()
    guide = Teacher(generator, data.signals, 0, seed=0, machine=this_machine())
    assert all(guide.lesson(number, 3e-3) for number in range(60))
    assert lack() < before / 4


def test_a_lesson_on_a_broken_generator_changes_nothing() -> None:
    data = pebbles(64)
    generator = Generator(NETWORK, seed=1)
    guide = Teacher(generator, data.signals, 0, seed=0, machine=this_machine())
    with torch.no_grad():
        generator.kernels[0].fill_(float("inf"))
    before, own = [p.clone() for p in generator.parameters()], guide.tensors()
    assert not guide.lesson(0, 3e-3)
    for was, now in zip(before, generator.parameters(), strict=True):
        assert torch.equal(was, now)
    after = guide.tensors()
    moved = {name for name in own if not torch.equal(own[name], after[name])}
    assert all(name.endswith(("._u", "._v")) for name in moved)


def test_a_run_with_lessons_goes_on_exactly(tmp_path: Path) -> None:
    data = pebbles()
    goes_on_exactly(TAUGHT, data, tmp_path / "run.safetensors", before=3, after=4)


def test_lessons_change_a_run_and_are_off_unless_asked_for() -> None:
    data = pebbles()
    runs = [Trainer(dataclasses.replace(TAUGHT, lesson_rate=rate), data) for rate in (0.0, 2e-3)]
    for run in runs:
        run.step()
    without, with_lessons = (run.checkpoint() for run in runs)
    assert not without.teacher
    assert not torch.equal(without.weights["kernels.1"], with_lessons.weights["kernels.1"])
    assert training(NETWORK).lesson_rate == 0


def test_the_expected_shapes_are_those_that_are_kept() -> None:
    kept = Trainer(TAUGHT, pebbles()).checkpoint().teacher
    shapes = {name: tuple(t.shape) for name, t in kept.items()}
    assert teacher.shapes(TAUGHT.generator) == shapes


def spoil(name: str, tensors: dict[str, Tensor]) -> None:
    if name == "missing":
        del tensors["teacher/pupil.exp_avg.kernels.0"]
    elif name == "shape":
        tensors["teacher/pupil.exp_avg.kernels.0"] = torch.zeros(3)
    elif name == "nan":
        tensors["teacher/judge.exp_avg.0.score.bias"].fill_(float("nan"))
    elif name == "negative":
        tensors["teacher/pupil.exp_avg_sq.kernels.0"].fill_(-1.0)
    else:
        tensors["teacher/more"] = torch.zeros(1)


@pytest.mark.parametrize("wrong", ["missing", "shape", "nan", "negative", "more"])
def test_a_damaged_teacher_is_rejected(wrong: str, tmp_path: Path) -> None:
    run = Trainer(TAUGHT, pebbles())
    run.step()
    path = tmp_path / "run.safetensors"
    run.checkpoint().save(path)
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    spoil(wrong, tensors)
    save_file(tensors, path, header)
    with pytest.raises(CheckpointRejected, match="damaged"):
        Checkpoint.load(path)


def test_examples_that_were_not_seen_whole_cannot_be_taught_from() -> None:
    data = pebbles()
    hidden = Occluded(torch.ones(len(data.signals), *data.signals.shape[1:]))
    with pytest.raises(DataMismatch, match="seen whole"):
        Trainer(TAUGHT, data, hidden)


@pytest.mark.parametrize(
    "changes",
    [
        {"examples": 1},
        {"lesson_rate": -1.0},
        {"lesson_rate": float("nan")},
        {"generator": dataclasses.replace(NETWORK, latent_shape=(8, 1, 4))},
        {"generator": dataclasses.replace(FACE, projection=(16, 2, 2))},
        {"generator": dataclasses.replace(SOUND, latent_shape=(8,), projection=(8, 16))},
    ],
)
def test_lessons_that_cannot_be_given_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SpecRejected):
        dataclasses.replace(TAUGHT, **changes)


def test_what_repeats_in_step_with_the_latent_map_is_a_hum() -> None:
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(4, 1, 64 * 50, generator=draw)
    turn = torch.randn(64, generator=draw)
    hum = (turn / turn.std()).repeat(50)
    assert abs(float(judges.repeated(noise, 64))) < 0.005
    assert float(judges.repeated(noise + hum, 64)) == pytest.approx(0.5, abs=0.03)
    assert float(judges.repeated(noise * 0 + hum, 64)) == pytest.approx(1, abs=0.01)
    assert abs(float(judges.repeated(noise + hum, 60))) < 0.1, "of another period"


def test_lessons_take_the_hum_out_of_a_sound() -> None:
    """Samples of a network that puts out the same at every position of its map, whatever z."""
    spec = GeneratorSpec(
        latent_shape=(4, 20), channels=(16, 16), kernel_size=9, upsampling=8, out_channels=1
    )
    generator = Generator(spec)
    with torch.no_grad():
        generator.biases[0].normal_(0, 2, generator=torch.Generator().manual_seed(1))
    signals = torch.randn(8, 1, 20 * 512, generator=torch.Generator().manual_seed(0)) * 0.2
    teacher = Teacher(generator, signals, 16_000, seed=0, machine=FP32)

    def hum() -> float:
        with torch.inference_mode():
            made = synthesis.cut(generator, Normal(spec.latent_shape).map(3), (64 * 512,))
            return float(judges.repeated(made, spec.enlargement))

    before = hum()
    for number in range(30):
        teacher.lesson(number, 3e-3)
    assert before > 0.3
    assert hum() < before / 2
