"""The flow: known distributions come back, draws are functions of the seed, a part may be given."""

from itertools import islice

import numpy as np
import pytest
import torch
from torch import Tensor

from abp_core.priors.flow import Flow, learn


def gaussian(n: int, seed: int = 0) -> Tensor:
    """Latents with a mean, unequal deviations and a correlation of .9."""
    x = np.random.default_rng(seed).standard_normal((n, 3))
    mixed = np.stack([1 + x[:, 0], 3 * (0.9 * x[:, 0] + 0.19**0.5 * x[:, 1]), 0.2 * x[:, 2] - 2], 1)
    return torch.from_numpy(mixed).float()


def moons(n: int, seed: int = 0) -> Tensor:
    """Two half circles that reach into each other."""
    chance = np.random.default_rng(seed)
    angle, side = np.pi * chance.random(n), chance.integers(0, 2, n)
    x = np.where(side, 1 - np.cos(angle), np.cos(angle))
    y = np.where(side, 0.5 - np.sin(angle), np.sin(angle))
    noise = 0.08 * chance.standard_normal((n, 2))
    return torch.from_numpy(np.stack([x, y], 1) + noise).float()


def energy_distance(a: Tensor, b: Tensor) -> float:
    between = torch.cdist(a, b).mean()
    return float(2 * between - torch.cdist(a, a).mean() - torch.cdist(b, b).mean())


def after(z: Tensor, steps: int) -> Flow:
    *_, last = islice(learn(z, 0), steps // 50)
    return last.flow


@pytest.fixture(scope="module")
def of_gaussian() -> Flow:
    return after(gaussian(2000), 400)


def test_a_gaussian_comes_back(of_gaussian: Flow) -> None:
    true, drawn = gaussian(20_000, 1), of_gaussian.draw(1500, 0)
    assert torch.allclose((drawn.mean(0) - true.mean(0)) / true.std(0), torch.zeros(3), atol=0.15)
    assert torch.allclose(drawn.std(0) / true.std(0), torch.ones(3), atol=0.15)
    assert torch.allclose(torch.corrcoef(drawn.T), torch.corrcoef(true.T), atol=0.1)


def test_two_moons_come_back_better_than_a_gaussian_of_their_spread() -> None:
    true, z = moons(2000, 1), moons(1000)
    normal = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))
    plain = energy_distance(true, z.mean(0) + normal * z.std(0))
    assert energy_distance(true, after(z, 500).draw(1000, 0)) < plain / 4


def test_what_is_drawn_is_a_function_of_the_seed(of_gaussian: Flow) -> None:
    drawn = of_gaussian.draw(70, 5)
    assert torch.equal(of_gaussian.draw(3, 5), drawn[:3])
    assert not torch.equal(of_gaussian.draw(3, 6), drawn[:3])


def test_the_same_latents_and_seed_give_the_same_flow() -> None:
    z = gaussian(40)
    first, again = after(z, 50).tensors(), after(z, 50).tensors()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_tensors_come_back_and_others_do_not(of_gaussian: Flow) -> None:
    tensors = of_gaussian.tensors()
    assert {name: tuple(t.shape) for name, t in tensors.items()} == Flow.shapes(3)
    assert torch.equal(Flow.from_tensors(tensors).draw(4, 0), of_gaussian.draw(4, 0))
    with pytest.raises(ValueError, match="does not know"):
        Flow.from_tensors({**tensors, "more": torch.zeros(1)})
    with pytest.raises(ValueError, match="none"):
        Flow.from_tensors({**tensors, "deviation": torch.zeros(3)})


def test_the_farther_back_it_is_sent_the_less_is_left(of_gaussian: Flow) -> None:
    z = gaussian(128, 2)
    spread = z.std(0)
    apart = [
        float(((of_gaussian.perturb(z, t, 0) - z) / spread).square().mean()) for t in (0.2, 0.6, 1)
    ]
    assert torch.equal(of_gaussian.perturb(z, 0.0, 0), z)
    assert 0 < apart[0] < apart[1] < apart[2]
    assert apart[0] < 0.3
    assert apart[2] > 1.5  # nothing is left: twice the variance


def test_what_is_given_stays_and_the_rest_follows(of_gaussian: Flow) -> None:
    z = torch.tensor([2.5, 0.0, 0.0]).repeat(192, 1)  # the first stands 1.5 deviations high
    known = torch.tensor([True, False, False])
    drawn = of_gaussian.complete(z, known, 0)
    assert torch.equal(drawn[:, 0], z[:, 0])
    assert abs(float(drawn[:, 1].mean()) - 0.9 * 1.5 * 3) < 0.9
    assert abs(float(drawn[:, 1].std()) - 0.19**0.5 * 3) < 0.8
    assert abs(float(drawn[:, 2].mean()) + 2) < 0.1
    assert torch.equal(of_gaussian.complete(z, torch.ones(3, dtype=torch.bool), 0), z)


def test_it_stops_by_what_is_held_back() -> None:
    """Few latents without any structure are learnt by heart, unless that ends it."""
    steps = [
        p.step
        for p in learn(
            torch.from_numpy(np.random.default_rng(0).standard_normal((60, 8))).float(), 0
        )
    ]
    assert steps[-1] < 3000
