"""R-hat and effective draws of chains whose answer is known."""

import pytest
import torch

from abp_core.analysis.convergence import agreement


def chains(shift: float, rho: float, draws: int = 2000, d: int = 3) -> torch.Tensor:
    """Four stationary autoregressions of order one, their means `shift` apart."""
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(draws, 4, d, generator=draw)
    z = [noise[0]]
    for each in noise[1:]:
        z.append(rho * z[-1] + (1 - rho**2) ** 0.5 * each)
    return torch.stack(z) + shift * torch.arange(4).view(1, 4, 1)


def test_chains_of_one_law_agree() -> None:
    found = agreement(chains(0, 0))
    assert found is not None
    assert found.rhat == pytest.approx(1, abs=0.01)
    assert found.draws == 1000
    assert found.ess == pytest.approx(4000, rel=0.15)


def test_chains_that_stand_apart_do_not_agree() -> None:
    found = agreement(chains(3, 0))
    assert found is not None
    assert found.rhat > 1.5


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_draws_that_depend_are_worth_less(rho: float) -> None:
    found = agreement(chains(0, rho, draws=8000))
    assert found is not None
    assert found.ess == pytest.approx(16_000 * (1 - rho) / (1 + rho), rel=0.3)


def test_too_few_draws_say_nothing_and_large_latents_are_looked_at_where_they_are_wide() -> None:
    assert agreement(torch.randn(10, 4, 3)) is None
    wide = torch.randn(400, 4, 8, 5, 5) * 0.01
    wide[:, :, 0, 0, 0] += 5 * torch.arange(4.0)
    found = agreement(wide)
    assert found is not None
    assert found.rhat > 1.5
