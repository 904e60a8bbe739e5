"""Observations: what is seen, by hand; and that each is linear, as its adjoint supposes."""

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


def test_downsampled_sees_means_of_squares() -> None:
    x = torch.arange(16.0).view(1, 1, 4, 4)
    y = Downsampled(2).measure(x, torch.arange(1))
    assert y.tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]


def test_downsampled_sees_means_of_stretches_of_sound() -> None:
    x = torch.tensor([[[1.0, 2.0, 6.0, 0.0, 0.0, 9.0]]])
    assert Downsampled(3).measure(x, torch.arange(1)).tolist() == [[[3.0, 3.0]]]
