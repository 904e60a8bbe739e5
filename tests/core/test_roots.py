"""Roots of matrices: both ways of taking them, by known answers."""

import pytest
import torch
from torch import Tensor

from abp_core.adaptation import roots as module
from abp_core.adaptation.roots import roots


@pytest.fixture(params=["decomposed", "multiplied"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    decomposed = request.param == "decomposed"
    monkeypatch.setattr(module, "waits_for_nothing", lambda matrix: decomposed)
    return str(request.param)


def turned(values: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A matrix with these eigenvalues, and its eigenvectors; double."""
    draw = torch.Generator().manual_seed(seed)
    n = len(values)
    axes, _ = torch.linalg.qr(torch.randn(n, n, generator=draw, dtype=torch.float64))
    return (axes * values.double()) @ axes.T, axes


@pytest.mark.usefixtures("way")
def test_roots_by_hand() -> None:
    inverse, root = roots(torch.diag(torch.tensor([4.0, 0.25])), 2)
    torch.testing.assert_close(inverse, torch.diag(torch.tensor([0.5, 2.0])))
    torch.testing.assert_close(root, torch.diag(torch.tensor([2.0, 0.5])))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("n", [1, 6, 64])
@pytest.mark.parametrize("spread", [1.0, 1e2, 1e4])
@pytest.mark.parametrize(("p", "floor"), [(2, 1.0), (20, 0.0)])
def test_roots_have_the_roots_of_the_eigenvalues(
    n: int, spread: float, p: int, floor: float
) -> None:
    values = torch.logspace(-1, torch.tensor(spread).log10().item() - 1, n, dtype=torch.float64)
    matrix, axes = turned(values)
    raised = values.clamp(min=floor)
    for found, exponent in zip(roots(matrix.float(), p, floor=floor), (-1 / p, 1 / p), strict=True):
        expected = (axes * raised**exponent) @ axes.T
        # The matrix itself is rounded to float32, which its smallest eigenvalue feels most.
        assert (found - expected).norm() < (1e-5 + 1e-6 * spread) * expected.norm()


@pytest.mark.usefixtures("way")
def test_the_identity_is_its_own_root_to_the_bit() -> None:
    for found in roots(torch.eye(7), 20):
        assert torch.equal(found, torch.eye(7))


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_what_is_not_finite_is_no_error_where_nobody_waits(
    broken: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "waits_for_nothing", lambda matrix: False)
    inverse, _ = roots(torch.full((3, 3), broken), 2, floor=1.0)
    assert not inverse.isfinite().any()
