"""Observations: what is seen, by hand; and that each is linear, as its adjoint supposes."""

import dataclasses
import operator

import pytest
import torch
from torch import Tensor

from abp_core.observation import Compressed, Downsampled, Full, Grey, Observation, Occluded

SHAPE = (3, 4, 6)
EXAMPLES = 5


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


VISIBLE = (gaussian(EXAMPLES, 1, 4, 6, seed=8) > 0).float()
ALL: dict[str, Observation] = {
    "full": Full(),
    "occluded": Occluded(VISIBLE),
    "compressed": Compressed.random(7, SHAPE, seed=1),
    "downsampled": Downsampled(2),
    "grey": Grey(),
}


@pytest.mark.parametrize("kind", ALL)
def test_measuring_is_linear(kind: str) -> None:
    measure, index = ALL[kind].measure, torch.tensor([4, 0])
    a, b = gaussian(2, *SHAPE, seed=1).double(), gaussian(2, *SHAPE, seed=2).double()
    both = measure(2 * a - 3 * b, index)
    torch.testing.assert_close(both, 2 * measure(a, index) - 3 * measure(b, index))


@pytest.mark.parametrize("kind", ALL)
def test_an_example_is_measured_the_same_in_any_company(kind: str) -> None:
    index = torch.tensor([3, 1, 4])
    x = gaussian(3, *SHAPE)
    together = ALL[kind].measure(x, index)
    for row, example in enumerate(index):
        alone = ALL[kind].measure(x[row : row + 1], example[None])
        torch.testing.assert_close(together[row : row + 1], alone)


@pytest.mark.parametrize("kind", ALL)
def test_an_example_alone_is_seen_as_among_the_others(kind: str) -> None:
    x = gaussian(EXAMPLES, *SHAPE)
    together = ALL[kind].measure(x, torch.arange(EXAMPLES))
    for example in range(EXAMPLES):
        alone = ALL[kind].alone(example).measure(x[example : example + 1], torch.arange(1))
        torch.testing.assert_close(alone[0], together[example])


@pytest.mark.parametrize("kind", [*ALL, "uneven"])
def test_what_was_seen_is_lifted_to_the_least_signal_that_is_seen_so(kind: str) -> None:
    """The pseudo-inverse by Penrose: A A+ A = A, and A+ A is symmetric."""
    seen = Downsampled(4) if kind == "uneven" else ALL[kind]
    index, n = torch.tensor([3]), 3 * 4 * 6
    basis = torch.eye(n, dtype=torch.float64).view(n, *SHAPE)
    project = torch.cat([seen.lift(seen.measure(x[None], index), SHAPE) for x in basis])
    again = torch.cat([seen.measure(x[None], index) for x in project])
    torch.testing.assert_close(again, torch.cat([seen.measure(x[None], index) for x in basis]))
    matrix = project.view(n, n)
    torch.testing.assert_close(matrix, matrix.T)


def test_full_sees_the_signal() -> None:
    x = gaussian(2, *SHAPE)
    assert torch.equal(Full().measure(x, torch.arange(2)), x)


def test_occluded_sees_where_the_examples_own_mask_is_one() -> None:
    index = torch.tensor([2, 0])
    x = gaussian(2, *SHAPE)
    y = Occluded(VISIBLE).measure(x, index)
    for row, example in enumerate(index.tolist()):
        seen = VISIBLE[example, 0].bool()
        assert torch.equal(y[row][:, seen], x[row][:, seen])
        assert not y[row][:, ~seen].any()
        assert 0 < int(seen.sum()) < seen.numel()


def test_compressed_sees_inner_products() -> None:
    observation = Compressed.random(7, SHAPE, seed=1)
    x = gaussian(2, *SHAPE)
    y = observation.measure(x, torch.arange(2))
    by_hand = [[float((p * x[i].flatten()).sum()) for p in observation.projection] for i in (0, 1)]
    torch.testing.assert_close(y, torch.tensor(by_hand), rtol=1e-4, atol=1e-4)


def test_projections_have_the_papers_deviation_and_a_seed() -> None:
    projection = Compressed.random(200, SHAPE, seed=1).projection
    assert projection.shape == (200, 72)
    assert abs(projection.std() - 0.5) < 5 * 0.5 / (2 * projection.numel()) ** 0.5
    assert abs(projection.mean()) < 5 * 0.5 / projection.numel() ** 0.5
    assert torch.equal(projection, Compressed.random(200, SHAPE, seed=1).projection)
    assert not torch.equal(projection, Compressed.random(200, SHAPE, seed=2).projection)


@pytest.mark.parametrize("kind", ALL)
def test_what_is_said_of_equal_data_is_equal_wherever_they_lie(kind: str) -> None:
    observation = ALL[kind]
    y = observation.measure(gaussian(EXAMPLES, *SHAPE), torch.arange(EXAMPLES))
    first = dataclasses.astuple(observation.moments(y, SHAPE[0]))
    lifted = observation.lift(y, SHAPE)
    elsewhere = []
    for n in range(50):
        elsewhere.append(torch.empty(1 + 77 * n))
        again = y.clone()
        found = dataclasses.astuple(observation.moments(again, SHAPE[0]))
        for known, answer in zip(first, found, strict=True):
            same = torch.equal if isinstance(known, Tensor) else operator.eq
            assert same(answer, known)
        assert torch.equal(observation.lift(again, SHAPE), lifted)


def test_downsampled_sees_means_of_squares() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4)
    y = Downsampled(2).measure(x, torch.arange(1))
    assert y.tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]


def test_downsampled_sees_means_of_stretches_of_sound() -> None:
    x = torch.tensor([[[1.0, 2.0, 6.0, 0.0, 0.0, 9.0]]])
    assert Downsampled(3).measure(x, torch.arange(1)).tolist() == [[[3.0, 3.0]]]
