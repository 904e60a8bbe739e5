"""What is expected of the hidden part of a film, on films of which the answer is known."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from abp_core.data import masks
from abp_core.data.datasets import Dataset, Source
from abp_core.observation import Occluded
from abp_core.priors.motion.between import Expected, blend, expect, mean_over_time
from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from tests.tiny import FP32, goes_on_exactly

SIDE = 32


def pattern(shifts: Tensor, height: int = SIDE) -> Tensor:
    """A still pattern, so many pixels to the right in each frame, (n, 3, height, SIDE)."""
    across = torch.arange(SIDE) - shifts[:, None]
    down = torch.arange(height)[:, None]
    layers = [
        torch.sin(across[:, None] * a + phase) * torch.cos(down * b + phase)
        for a, b, phase in ((0.9, 0.7, 0.0), (1.7, 0.4, 1.0), (0.5, 1.3, 2.0))
    ]
    return torch.stack(layers, 1).float() * 0.5


def every_second(n: int) -> Tensor:
    visible = torch.ones(n, 1, SIDE, SIDE)
    visible[1 : n - 1 : 2] = 0
    return visible


def square(n: int) -> Tensor:
    visible = torch.ones(n, 1, SIDE, SIDE)
    visible[n // 3 : 2 * n // 3, :, 12:20, 12:20] = 0
    return visible


def off(made: Tensor, x: Tensor, visible: Tensor) -> float:
    hidden = (visible == 0).expand_as(x)
    return float((made - x)[hidden].abs().mean())


def test_a_moving_pattern_is_where_it_was_going() -> None:
    x = pattern(torch.arange(24) * 1.0)
    visible = every_second(24)
    made = expect(x * visible, visible).film
    assert off(made, x, visible) < 0.5 * off(blend(x * visible, visible), x, visible)
    assert off(made, x, visible) < 0.2 * off(mean_over_time(x * visible, visible), x, visible)


def test_a_moving_pattern_moves_on_before_the_first_frame_and_after_the_last() -> None:
    x, visible = pattern(torch.arange(24) * 1.0), torch.ones(24, 1, SIDE, SIDE)
    visible[:2] = visible[-2:] = 0
    made = expect(x * visible, visible).film
    assert off(made, x, visible) < 0.5 * off(blend(x * visible, visible), x, visible)


def test_what_comes_again_is_known_from_the_time_before() -> None:
    """A pattern that swings, behind a square for a third of the time."""
    swing = 4 * torch.sin(torch.arange(48) * 2 * math.pi / 12)
    x, visible = pattern(swing), square(48)
    made = expect(x * visible, visible).film
    assert off(made, x, visible) < 0.3 * off(blend(x * visible, visible), x, visible)
    assert off(made, x, visible) < 0.3 * off(mean_over_time(x * visible, visible), x, visible)


def test_what_does_not_move_stays() -> None:
    x = pattern(torch.zeros(20))
    for visible in (every_second(20), square(20)):
        assert off(expect(x * visible, visible).film, x, visible) < 1e-4


@pytest.mark.parametrize("hidden", ["second", "square", "scattered"])
def test_what_was_seen_stays_and_what_was_hidden_is_not_looked_at(hidden: str) -> None:
    x = pattern(torch.arange(18) * 0.7)
    visible = {
        "second": every_second(18),
        "square": square(18),
        "scattered": masks.random_blocks(18, (SIDE, SIDE), 0.7, seed=1),
    }[hidden]
    other = torch.where(visible > 0, x, -x)
    one, two = (expect(film, visible) for film in (x, other))
    assert torch.equal(one.film, two.film)
    assert one.error == two.error
    seen = visible.expand_as(x) > 0
    assert torch.equal(one.film[seen], x[seen])


@pytest.mark.parametrize("n", [8, 9])
def test_the_shortest_films(n: int) -> None:
    x = pattern(torch.arange(n) * 1.0)
    for visible in (every_second(n), square(n)):
        made = expect(x * visible, visible)
        assert made.film.isfinite().all()
        assert 0 <= made.error < 2
    never = torch.ones(n, 1, SIDE, SIDE)
    never[:, :, :8] = 0
    assert expect(x * never, never).film.isfinite().all()
    late = torch.ones(n, 1, SIDE, SIDE)
    late[-2:] = 0
    made = expect(x * late, late).film
    assert made.isfinite().all()


def test_a_blend_is_between_the_nearest_frames_that_show_a_place() -> None:
    x = torch.tensor([0.0, 9.0, 9.0, 0.6, 9.0]).view(5, 1, 1, 1).expand(5, 3, 1, 1)
    visible = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0]).view(5, 1, 1, 1)
    assert torch.allclose(blend(x, visible)[:, 0, 0, 0], torch.tensor([0.0, 0.2, 0.4, 0.6, 0.6]))
    assert torch.allclose(mean_over_time(x, visible)[1, 0, 0, 0], torch.tensor(0.3))


def test_a_model_is_believed_as_far_as_it_explains_what_was_seen() -> None:
    film, visible = torch.zeros(4, 3, 2, 2), torch.ones(4, 1, 2, 2)
    visible[1] = 0
    expected = Expected(film, 0.4)
    for seen, believed in ((0.0, 1.0), (0.05, 0.75), (0.1, 0.0), (0.3, 0.0)):
        made = torch.full_like(film, seen)
        made[1] = 0.8
        mixed = expected.mix(made, visible)
        assert torch.allclose(mixed[1], torch.full_like(film[1], 0.8 * believed), atol=1e-5)
        assert torch.equal(mixed[[0, 2, 3]], film[[0, 2, 3]])
        assert torch.equal(expected.mix(made[1:], visible[1:], 1)[0], mixed[1]) or seen


def training() -> tuple[TrainingSpec, Dataset]:
    network = GeneratorSpec(
        latent_shape=(6, 8, 8),
        channels=(8,),
        kernel_size=5,
        upsampling=2,
        out_channels=3,
        moving=True,
    )
    spec = TrainingSpec(
        generator=network,
        langevin=LangevinSpec(steps=1, step_size=0.4, temperature=0.1, preconditioned=True),
        sigma=0.1,
        learning_rate=1e-2,
        batch_size=4,
        examples=24,
        components=True,
        prior="windows",
    )
    source = Source(kind="film", name="made", frame_rate=10.0)
    return spec, Dataset(pattern(torch.arange(24) * 1.0), source)


def test_a_run_on_what_is_left_goes_on_exactly(tmp_path: Path) -> None:
    spec, data = training()
    seen = Occluded(every_second(24))
    goes_on_exactly(
        spec, data, tmp_path / "a.safetensors", before=3, after=3, machine=FP32, observation=seen
    )


def test_a_run_recovers_the_missing_frames_better_than_a_blend() -> None:
    spec, data = training()
    visible = every_second(24)
    trainer = Trainer(spec, data, Occluded(visible), machine=FP32)
    for _ in trainer.steps(40):
        pass
    assert trainer.expected is not None
    made = trainer.expected.mix(trainer.generator(trainer.z).detach(), visible)
    assert off(made, data.signals, visible) < 0.6 * off(
        blend(data.signals * visible, visible), data.signals, visible
    )
    assert Trainer(spec, data, machine=FP32).expected is None
