"""What is carried along a motion, and expected of frames to come, on films whose next is known."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from abp_core.priors.motion.ahead import expect_ahead
from abp_core.priors.motion.carrying import carry

SIDE, REACH, FIRST = 40, 4, 40
INNER = (slice(None), slice(None), slice(12, -12), slice(12, -12))  # where nothing comes from afar


def drift(n: int, down: float, right: float) -> Tensor:
    """A pattern that nowhere repeats within reach, so many pixels on in each frame, (n, 3, SIDE,
    SIDE)."""
    t = torch.arange(n).view(-1, 1, 1)
    y = torch.arange(SIDE).view(1, -1, 1) - down * t
    x = torch.arange(SIDE).view(1, 1, -1) - right * t
    waves = [
        torch.sin(0.61 * x + 0.23 * y),
        torch.cos(0.37 * y - 0.29 * x),
        torch.sin(0.47 * y + 0.31 * x),
    ]
    return torch.stack(waves, 1) * 0.6


def off(a: Tensor, b: Tensor) -> float:
    return float((a - b).square().mean().sqrt())


@given(st.integers(-3, 3), st.integers(-3, 3), st.sampled_from([2.0, 3.0, 5.0]))
def test_beyond_a_frame_things_move_on(down: int, right: int, share: float) -> None:
    x = drift(6, down, right)
    made = carry(x[:1], x[1:2], share, REACH)
    came = x[int(share) : int(share) + 1]
    assert off(made[INNER], came[INNER]) < 0.05


@given(st.integers(-2, 2), st.integers(-2, 2))
def test_between_two_frames_things_are_on_their_way(down: int, right: int) -> None:
    x = drift(3, down, right)
    made = carry(x[:1], x[2:], 0.5, REACH)
    assert off(made[INNER], x[1:2][INNER]) < 0.05


@pytest.mark.parametrize("share", [0.25, 1.0, 2.0])
def test_what_stands_still_is_left_alone(share: float) -> None:
    x = torch.rand(1, 3, 17, 23, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(carry(x, x, share, REACH), x, rtol=0, atol=1e-5)


def test_of_two_still_frames_it_is_the_blend() -> None:
    a, b = torch.full((1, 3, 16, 16), -0.5), torch.full((1, 3, 16, 16), 0.5)
    torch.testing.assert_close(carry(a, b, 0.25, REACH), torch.full_like(a, -0.25))


def noisy(n: int = 60) -> Tensor:
    return torch.rand(n, 1, 16, 16, generator=torch.Generator().manual_seed(1)) - 0.5


@pytest.mark.parametrize("frames", [1, 3])
def test_motion_tells_what_a_blurred_model_does_not(frames: int) -> None:
    x = drift(60, 1, -2)
    blurred = torch.nn.functional.avg_pool2d(x, 9, 1, 4)
    made = expect_ahead(x, blurred, blurred[2 + frames :], frames, FIRST)
    came = x[FIRST + frames :]
    assert made.shape == came.shape
    assert off(made[INNER], came[INNER]) < 0.2 * off(blurred[FIRST + frames :][INNER], came[INNER])


def test_who_knows_what_comes_is_believed() -> None:
    x = noisy()
    made = expect_ahead(x, torch.zeros_like(x), x[3:], 1, FIRST)
    assert off(made, x[FIRST + 1 :]) < 0.01


def test_of_noise_little_but_the_mean_is_expected() -> None:
    x = noisy()
    made = expect_ahead(x, torch.zeros_like(x), torch.zeros_like(x[3:]), 1, FIRST)
    assert off(made, x[FIRST + 1 :]) < 1.1 * off(x[:FIRST].mean(0), x[FIRST + 1 :])


@pytest.mark.parametrize("frames", [1, 4])
def test_nothing_is_taken_from_the_future(frames: int) -> None:
    x = drift(60, 0, 1) + 0.1 * torch.randn(60, 3, SIDE, SIDE)
    told = x[1 + frames :] * 0.5
    made = expect_ahead(x, x * 0.5, told, frames, FIRST)
    other, cut = x.clone(), 50
    other[cut:] = 0.0  # none of which the frames before can know
    again = expect_ahead(other, other * 0.5, told, frames, FIRST)
    torch.testing.assert_close(again[: cut - FIRST], made[: cut - FIRST])
    assert not torch.allclose(again[cut - FIRST], made[cut - FIRST])


@pytest.mark.parametrize(("frames", "guesses"), [(1, 19), (1, 60), (5, 20)])
def test_shares_want_something_to_be_learnt_from(frames: int, guesses: int) -> None:
    x = noisy()
    with pytest.raises(ValueError, match="before the first that is asked"):
        expect_ahead(x, x, x[:guesses], frames, FIRST)
