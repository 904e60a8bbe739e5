"""One chain over a whole picture or sound: its windows, and a run that visits them."""

import dataclasses
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from abp_core.chains.examples import DataMismatch
from abp_core.chains.windows import Schedule, Windows
from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.data import datasets
from abp_core.data.datasets import Dataset, Source
from abp_core.device import Machine, value_and_grad
from abp_core.generator import Generator
from abp_core.noise import walk_noise
from abp_core.observation import Compressed, Downsampled, Full, Grey, Observation, Occluded
from abp_core.posterior import Posterior
from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from abp_core.zoo.half_precision import lighten
from tests.tiny import BF16, FP32, goes_on_exactly, sha256, training

TEXTURE = GeneratorSpec(
    latent_shape=(3, 6, 6),
    margins=True,
    channels=(8,),
    kernel_size=5,
    upsampling=2,
    out_channels=3,
)
SOUND = GeneratorSpec(
    latent_shape=(4, 8), margins=True, channels=(8,), kernel_size=9, upsampling=4, out_channels=1
)
NETWORKS = {"texture": TEXTURE, "sound": SOUND}
SHOWN = {"texture": (9, 7), "sound": (23,)}  # positions
KINDS = pytest.mark.parametrize("kind", NETWORKS)
WALK = LangevinSpec(steps=3, step_size=0.5, temperature=0.1, preconditioned=True)


def settings(kind: str, **changes: object) -> TrainingSpec:
    walk = {"langevin": WALK, "examples": 1, "batch_size": 2, "window": 3}
    return training(NETWORKS[kind], **(walk | changes))


def dataset(kind: str) -> Dataset:
    """What another network of the same shape made."""
    network = NETWORKS[kind]
    maker = Generator(network, seed=1000).requires_grad_(False)
    shape = (network.latent_shape[0], *(n + 2 * network.reach for n in SHOWN[kind]))
    z = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    rate = 16_000 if kind == "sound" else 0
    return Dataset(maker(z * 2).contiguous(), Source(kind=kind, name="made", sample_rate=rate))


def begun(kind: str, machine: Machine = FP32, **changes: object) -> Trainer:
    return Trainer(settings(kind, **changes), dataset(kind), machine=machine)


class TestMargins:
    @KINDS
    def test_a_part_of_a_map_makes_the_same_part_of_its_signal(self, kind: str) -> None:
        network = NETWORKS[kind]
        generator = Generator(network).double().requires_grad_(False)
        shape = (n + 2 * network.reach for n in SHOWN[kind])
        z = torch.randn(1, network.latent_shape[0], *shape, dtype=torch.float64)
        whole = generator(z)
        assert tuple(whole.shape[1:]) == network.signal_shape_of(tuple(z.shape[1:]))
        part = generator(z[..., 2 : 2 + 3 + 2 * network.reach])
        unit = network.enlargement
        torch.testing.assert_close(part, whole[..., 2 * unit : 5 * unit])

    @KINDS
    def test_the_map_of_a_signal_makes_a_signal_of_its_size(self, kind: str) -> None:
        network = NETWORKS[kind]
        size = tuple(n * network.enlargement for n in SHOWN[kind])
        longer = (*size[:-1], size[-1] + network.enlargement - 1)  # less than a position more
        assert network.signal_shape_of(network.map_shape_of(size))[1:] == size
        assert network.map_shape_of(longer) == network.map_shape_of(size)


class TestSchedule:
    @given(
        st.lists(st.tuples(st.integers(1, 40), st.integers(1, 16)), min_size=1, max_size=2),
        st.integers(0, 3),
    )
    def test_an_epoch_visits_every_position_and_none_often(
        self, axes: list[tuple[int, int]], epoch: int
    ) -> None:
        extent = tuple(n for n, _ in axes)
        size = tuple(min(pair) for pair in axes)
        schedule = Schedule(extent, size, seed=1)
        places = schedule.places(epoch)
        assert len(places) == schedule.windows
        visits = torch.zeros(extent)
        for place in places:
            box = tuple(slice(a, a + n) for a, n in zip(place, size, strict=True))
            assert visits[box].shape == size
            visits[box] += 1
        assert visits.min() >= 1
        assert visits.max() <= 2 ** len(axes)

    def test_the_grid_is_another_from_epoch_to_epoch(self) -> None:
        schedule = Schedule((35, 35), (8, 8), seed=3)
        grids = {tuple(schedule.places(epoch)) for epoch in range(20)}
        assert len(grids) > 5
        assert schedule.places(4) == Schedule((35, 35), (8, 8), seed=3).places(4)


class TestPosterior:
    """What a window's latents are drawn from is the whole map's posterior, given all others."""

    @KINDS
    @pytest.mark.parametrize("seen", ["full", "occluded", "downsampled", "grey"])
    def test_the_gradient_is_the_whole_maps(self, kind: str, seen: str) -> None:
        x, network = dataset(kind).signals.double(), NETWORKS[kind]
        draw = torch.Generator().manual_seed(1)
        mask = (torch.rand(1, 1, *x.shape[2:], generator=draw) > 0.4).double()
        observation: Observation = {
            "full": Full(),
            "occluded": Occluded(mask),
            "downsampled": Downsampled(2),
            "grey": Grey(),
        }[seen]
        y = observation.measure(x, torch.tensor([0]))
        spec = settings(kind, batch_size=64)  # every window of an epoch
        chain = Windows(spec, tuple(x.shape[2:]), y, observation, torch.device("cpu"))
        generator = Generator(network, seed=5).double().requires_grad_(False)
        index = torch.tensor([0])
        whole = Posterior(generator, observation, y, index, 0.1, lot=0)
        _, expected = value_and_grad(whole.energy, chain.z.double())
        start = chain.visit().double()
        posterior = Posterior(
            lambda z: chain.signals(generator, z), chain.observation, chain.y, chain.index, 0.1, 0
        )
        _, found = value_and_grad(posterior.energy, start)
        assert len(found) > 3
        for place, gradient, z in zip(chain.choose_visited(0), found, start, strict=True):
            box = (0, slice(None), *(slice(a, a + 3) for a in place))
            torch.testing.assert_close(chain.z.double()[box], z)
            torch.testing.assert_close(gradient, expected[box], rtol=1e-5, atol=1e-6)

    def test_noise_is_that_of_the_place(self) -> None:
        chain = begun("texture")._chains
        extent = tuple(chain.z.shape[2:])
        whole = walk_noise(seed=7, sweep=6, steps=3, channels=3, start=(0, 0), stop=extent)
        noise = chain.draw(5)["noise"].unbind(1)
        for (row, column), drawn in zip(chain.choose_visited(5), noise, strict=True):
            assert torch.equal(drawn, whole[:, :, row : row + 3, column : column + 3])


class TestRun:
    @KINDS
    @pytest.mark.parametrize("machine", [FP32, BF16], ids=["fp32", "bf16"])
    def test_it_goes_on_exactly(self, kind: str, machine: Machine, tmp_path: Path) -> None:
        path = tmp_path / "run.safetensors"
        saved = goes_on_exactly(
            settings(kind), dataset(kind), path, before=17, after=23, machine=machine
        )
        assert saved.latents.shape == begun(kind).z.shape

    @KINDS
    def test_it_explains_what_a_network_made(self, kind: str) -> None:
        going = begun(kind, learning_rate=1e-2)
        x = going.data.signals

        def unexplained() -> float:
            with torch.inference_mode():
                left = x - going.generator(going.z)
            return float(left.square().mean() / (x - x.mean()).square().mean())

        before = unexplained()
        assert not any(event.diverged for event in going.steps(200))
        assert unexplained() < 0.15 * before
        assert 0.3 < float(going.z.square().mean().sqrt()) < 2

    def test_only_the_windows_that_are_visited_move(self) -> None:
        going = begun("texture", batch_size=1)
        before = going.z.clone()
        going.step()
        ((row, column),) = going._chains.choose_visited(0)
        moved = (going.z != before)[0].any(0)
        assert moved[row : row + 3, column : column + 3].all()
        assert moved.sum() == 9

    def test_whoever_stops_asking_leaves_the_run_as_it_was(self) -> None:
        one, other = begun("texture"), begun("texture")
        for going in (one, other):
            list(going.steps(9))
        before = sha256(one.checkpoint())
        moves = one.alternation()
        next(moves)
        next(moves)
        assert sha256(one.checkpoint()) == before
        list(one.steps(3))
        list(other.steps(3))
        assert sha256(one.checkpoint()) == sha256(other.checkpoint())

    def test_a_chain_that_runs_away_is_put_back(self) -> None:
        going = begun("texture", langevin=LangevinSpec(steps=40, step_size=10.0))
        before = sha256(going.checkpoint())
        assert going.step().diverged == 2
        assert sha256(going.checkpoint()) == before

    @pytest.mark.parametrize("seen", ["occluded", "downsampled", "grey"])
    def test_it_learns_from_what_was_seen(self, seen: str) -> None:
        material = dataset("texture")
        mask = torch.ones(1, 1, *material.signals.shape[2:])
        mask[..., 4:9, 3:8] = 0
        observation: Observation = {
            "occluded": Occluded(mask),
            "downsampled": Downsampled(2),
            "grey": Grey(),
        }[seen]

        def after(signals: Tensor) -> list[float]:
            other = dataclasses.replace(material, signals=signals)
            going = Trainer(settings("texture"), other, observation, machine=FP32)
            return [event.misfit for event in going.steps(120)]

        seen_misfit = after(material.signals)
        assert sum(seen_misfit[-10:]) < 0.5 * sum(seen_misfit[:10])
        if seen == "occluded":  # what is hidden has no say
            assert after(material.signals * mask) == seen_misfit

    def test_what_is_no_whole_place_is_refused(self) -> None:
        material = dataset("texture")
        shape = tuple(material.signals.shape[1:])
        for observation in (Compressed.random(20, shape, seed=0), Downsampled(3)):
            with pytest.raises(DataMismatch, match=r"place by place.*\.$"):
                Trainer(settings("texture"), material, observation, machine=FP32)

    def test_two_pictures_are_refused(self) -> None:
        two = dataset("texture")
        two = dataclasses.replace(two, signals=torch.cat([two.signals, two.signals]))
        with pytest.raises(DataMismatch, match=r"one picture or one sound\.$"):
            Trainer(settings("texture"), two, machine=FP32)


class TestCheckpoint:
    def test_a_light_one_holds_the_map_in_half_precision(self, tmp_path: Path) -> None:
        going = begun("texture")
        list(going.steps(3))
        light = lighten(going.checkpoint())
        assert light.tensors()["latents"].dtype == torch.float16
        light.save(tmp_path / "light.safetensors")
        again = Checkpoint.load(tmp_path / "light.safetensors")
        assert torch.equal(again.latents, light.latents)
        made, exact = (run.generator()(run.latents) for run in (again, going.checkpoint()))
        assert (made - exact).abs().max() <= 1 / 255

    @pytest.mark.parametrize(
        "shape", [(2, 3, 13, 11), (1, 4, 13, 11), (1, 3, 13), (1, 3, 4, 11), (1, 3, 40_000, 60)]
    )
    def test_a_map_that_no_run_has_is_refused(self, shape: tuple[int, ...], tmp_path: Path) -> None:
        saved = begun("texture").checkpoint()
        path = tmp_path / "odd.safetensors"
        dataclasses.replace(saved, latents=torch.zeros(shape)).save(path)
        with pytest.raises(CheckpointRejected, match="damaged"):
            Checkpoint.load(path)


def test_a_picture_is_read_whole() -> None:
    pixels = torch.arange(50 * 43 * 3).view(50, 43, 3).byte().numpy()
    loaded, spec = datasets.from_picture(pixels, settings("texture"), name="made")
    assert loaded.signals.shape == (1, 3, 48, 40)  # whole positions of 4 x 4 pixels
    assert spec.generator.latent_shape == (3, 6, 6)
    assert Trainer(spec, loaded, machine=FP32).z.shape[2:] == (48 // 4 + 4, 40 // 4 + 4)


def test_a_sound_is_read_whole() -> None:
    samples = torch.randn(9001, generator=torch.Generator().manual_seed(0)).numpy()
    loaded, _ = datasets.from_sound(
        samples, 16_000, settings("sound"), sample_rate=16_000, name="made"
    )
    assert loaded.signals.shape == (1, 1, 9001 // 16 * 16)
