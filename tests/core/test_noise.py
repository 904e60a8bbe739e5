"""Noise as a function of (seed, example, sweep)."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from abp_core.noise import PRIOR_DRAW, chain_noise, permutation

SHAPE = (2, 3)


def draw(
    seed: int = 0, sweep: int = 1, index: tuple[int, ...] = (0,), steps: int = 3
) -> torch.Tensor:
    return chain_noise(seed=seed, sweep=sweep, index=torch.tensor(index), steps=steps, shape=SHAPE)


def test_noise_is_philox_keyed_by_seed_and_example() -> None:
    philox = np.random.Philox(
        key=np.array([5, 8], dtype=np.uint64), counter=np.array([0, 0, 0, 3], dtype=np.uint64)
    )
    expected = np.random.Generator(philox).standard_normal((4, *SHAPE), dtype=np.float32)
    assert np.array_equal(draw(seed=5, sweep=3, index=(8,), steps=4)[:, 0].numpy(), expected)


@given(
    st.lists(st.integers(0, 2**40), min_size=1, max_size=6, unique=True),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**40),
    st.randoms(use_true_random=False),
)
def test_an_example_draws_the_same_in_any_company(index, seed, sweep, random) -> None:
    together = draw(seed, sweep, tuple(index))
    order = list(range(len(index)))
    random.shuffle(order)
    elsewhere = draw(seed, sweep, tuple(index[i] for i in order))
    assert torch.equal(together[:, order], elsewhere)
    assert torch.equal(together[:, :1], draw(seed, sweep, (index[0],)))


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"seed": 2**32},  # a seed cut to 32 bits would be 0 again
        {"index": (1,)},
        {"index": (2**32,)},
        {"sweep": 2},
        {"sweep": 0},
        {"sweep": PRIOR_DRAW},
        {"seed": 0, "index": (1,), "sweep": 0},
    ],
    ids=repr,
)
def test_another_name_is_other_noise(other: dict[str, object]) -> None:
    assert not torch.isin(draw(), draw(**other)).any()


def test_shape_and_type() -> None:
    noise = draw(index=(4, 9, 2), steps=5)
    assert noise.shape == (5, 3, *SHAPE)
    assert noise.dtype == torch.float32


def test_noise_is_standard_gaussian_and_white() -> None:
    n = 4000
    noise = chain_noise(seed=3, sweep=1, index=torch.arange(n), steps=4, shape=(5,)).double()
    later = chain_noise(seed=3, sweep=2, index=torch.arange(n), steps=4, shape=(5,)).double()
    error = 1 / math.sqrt(noise.numel())
    assert abs(noise.mean()) < 5 * error
    assert abs(noise.var() - 1) < 5 * math.sqrt(2) * error
    assert abs((noise**4).mean() - 3) < 5 * math.sqrt(96) * error
    pairs = [(noise, later), (noise[1:], noise[:-1]), (noise[:, 1:], noise[:, :-1])]
    for a, b in [*pairs, (noise[..., 1:], noise[..., :-1])]:
        assert abs((a * b).mean()) < 5 / math.sqrt(a.numel())


@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.integers(1, 50))
def test_an_epoch_visits_everyone_once(seed: int, epoch: int, n: int) -> None:
    order = permutation(seed=seed, epoch=epoch, n=n)
    assert sorted(order.tolist()) == list(range(n))
    assert torch.equal(order, permutation(seed=seed, epoch=epoch, n=n))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    names = [(0, 0), (0, 1), (1, 0), (2**32, 0)]
    orders = {tuple(permutation(seed=s, epoch=e, n=40).tolist()) for s, e in names}
    assert len(orders) == 4
