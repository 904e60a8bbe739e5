"""Directions of a network whose answer is known: one that is linear."""

import pytest
import torch
from torch import Tensor

from abp_core.analysis.directions import Coordinates, directions
from abp_core.generator import Generator
from tests.tiny import NETWORKS


class Linear(torch.nn.Module):
    """f(z) = A z."""

    def __init__(self, a: Tensor) -> None:
        super().__init__()
        self.a = a

    def forward(self, z: Tensor) -> Tensor:
        return z @ self.a.T


@pytest.fixture
def draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_of_a_linear_network_they_are_principal_axes_of_its_output(
    draw: torch.Generator,
) -> None:
    a = torch.randn(30, 4, generator=draw) * torch.tensor([3.0, 1.0, 0.5, 0.3])
    z = torch.randn(2000, 4, generator=draw) @ torch.randn(4, 4, generator=draw) + 2
    found = directions(Linear(a), z)
    made = z @ a.T
    variances, principal = torch.linalg.eigh(torch.cov(made.double().T))
    moved = (a @ found.axes).double()
    for k in range(4):
        axis = principal[:, -1 - k]
        cosine = abs(moved[:, k] @ axis) / moved[:, k].norm()
        assert cosine > 0.999
        deviation = variances[-1 - k].sqrt()
        assert moved[:, k].norm() == pytest.approx(float(deviation), rel=5e-3)
    # From -1 to 1 deviation, as root mean square over the 30 entries.
    expected = 2 * moved.float().norm(dim=0) / 30**0.5
    torch.testing.assert_close(found.moves, expected, rtol=1e-3, atol=1e-5)


def test_coordinates_are_deviations_of_the_latents(draw: torch.Generator) -> None:
    z = torch.randn(500, 3, generator=draw) * torch.tensor([0.1, 1.0, 5.0]) - 4
    found = directions(Linear(torch.randn(9, 3, generator=draw)), z)
    t = found.coordinates(z)
    torch.testing.assert_close(t.mean(0), torch.zeros(3), rtol=0, atol=1e-3)
    torch.testing.assert_close(torch.cov(t.T), torch.eye(3), rtol=0, atol=1e-3)
    torch.testing.assert_close(found.mean + t @ found.axes.T, z, rtol=0, atol=1e-3)


@pytest.mark.parametrize("kind", NETWORKS)
def test_they_are_ordered_by_what_they_move(kind: str, draw: torch.Generator) -> None:
    generator = Generator(NETWORKS[kind]).requires_grad_(False)
    z = torch.randn(6, *NETWORKS[kind].latent_shape, generator=draw)
    found = directions(generator, z)
    channels = NETWORKS[kind].latent_shape[0]
    assert found.axes.shape == (channels, channels)
    assert (found.moves.diff() <= 0).all()
    assert found.moves[0] > found.moves[-1] > 0
    assert 1 <= found.leading(2) <= 2


def test_one_example_alone_still_has_directions(draw: torch.Generator) -> None:
    found = directions(Linear(torch.randn(9, 3, generator=draw)), torch.ones(2, 3))
    assert found.axes.isfinite().all()
    assert found.moves.isfinite().all()


@pytest.mark.parametrize("shape", [(), (5, 7)])
def test_principal_coordinates_are_those_of_the_covariance(shape: tuple[int, ...]) -> None:
    draw = torch.Generator().manual_seed(1)
    mixing = torch.tensor([[3.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.5, 0.2]])
    t = torch.randn(3, 4000 if not shape else 200, *shape, generator=draw)
    z = (torch.einsum("ij,j...->i...", mixing, t) + 2.0).transpose(0, 1)
    found = Coordinates.principal(z)
    rows = found.coordinates(z.transpose(0, 1).flatten(1).T)
    torch.testing.assert_close(rows.mean(0), torch.zeros(3), rtol=0, atol=1e-3)
    torch.testing.assert_close(torch.cov(rows.T), torch.eye(3), rtol=0, atol=2e-3)
    widths = found.axes.norm(dim=0)
    assert (widths.diff() <= 0).all(), "the widest comes first"
