"""Sampling and learning against known answers: the experiments of docs/correctness.md, smaller."""

import dataclasses
import math

import pytest
import torch
from torch import Tensor

from abp_core.generator import Generator
from abp_core.observation import Downsampled, Full
from benchmarks.evidence.answers import (
    Gaussian,
    in_standard_errors,
    largest_angle,
    matrix_of,
    probabilistic_pca,
)
from benchmarks.evidence.bias import bias_of_linear
from benchmarks.evidence.gradients import NETWORKS, gradient_error
from benchmarks.evidence.grids import Grid, modes, total_variation
from benchmarks.evidence.learning import factor_analysis
from benchmarks.evidence.linear import (
    FACTORS,
    SIGMA,
    SIGNAL,
    linear_posterior,
    rough_metric,
    views,
)
from benchmarks.evidence.models import Model, shipped_model, small_model
from benchmarks.evidence.planes import plane_posterior
from benchmarks.evidence.precision import precision
from benchmarks.evidence.walks import gaussian

SEEN = pytest.mark.parametrize("seen", views())


class TestLinearPosterior:
    """Factor analysis: where 4,000 chains end, in Monte-Carlo standard errors."""

    @SEEN
    def test_mean_and_covariance(self, seen: str) -> None:
        found = linear_posterior(views()[seen], chains=4000)
        assert found["worst_mean"] < 3
        assert found["worst_covariance"] < 3
        assert 0.7 < found["spread"] < 1.3
        # The same chains are far from the covariance of chains with infinitely small steps.
        assert found["uncorrected"] > 8

    def test_in_a_metric(self) -> None:
        found = linear_posterior(Full(), chains=4000, preconditioner=rough_metric())
        assert found["worst_mean"] < 3
        assert found["worst_covariance"] < 3
        assert found["uncorrected"] > 8

    def test_each_example_has_its_own_occlusion(self) -> None:
        """Which the figures above would tell: the two answers are many errors apart."""
        occluded = views()["occluded"]
        here, there = (
            Gaussian.of(FACTORS.weights, matrix_of(occluded, i, SIGNAL), torch.ones(16), SIGMA)
            for i in range(2)
        )
        root = torch.linalg.cholesky(here.covariance)
        z = here.mean + gaussian(4000, 5, seed=1).double() @ root.T
        of_mean, of_covariance = in_standard_errors(z, there.mean, there.covariance, there.axes)
        assert of_mean.abs().max() > 20
        assert of_covariance.abs().max() > 20

    def test_what_rests_is_a_fixed_point_of_the_walk(self) -> None:
        answer = Gaussian.of(FACTORS.weights, torch.eye(16), torch.ones(16), SIGMA)
        s, identity = 0.2, torch.eye(5, dtype=torch.float64)
        rest = answer.at_rest(s)
        kept = identity - s**2 / 2 * answer.hessian
        torch.testing.assert_close(kept @ rest @ kept.T + s**2 * identity, rest)

    @SEEN
    def test_matrices_are_what_observations_do(self, seen: str) -> None:
        view, x = views()[seen], gaussian(2, *SIGNAL, seed=5)
        measured = view.measure(x, torch.arange(2)).flatten(1)
        written = [matrix_of(view, i, SIGNAL) @ x[i].flatten() for i in range(2)]
        torch.testing.assert_close(measured, torch.stack(written))


class TestLearning:
    def test_abp_learns_the_space_and_the_noise_of_probabilistic_pca(self) -> None:
        found = factor_analysis(examples=200, iterations=120, rounds=4)
        assert found["angle"] < 2
        assert found["noise_level"] == pytest.approx(1, abs=0.05)
        # It ends where this step size must end, much nearer than that.
        assert found["noise_level"] == pytest.approx(found["expected_noise_level"], abs=0.005)
        assert found["covariance"] < 0.05

    def test_probabilistic_pca_explains_the_data(self) -> None:
        weights, noise = torch.linalg.qr(gaussian(8, 2, seed=1))[0] * torch.tensor([3.0, 2.0]), 0.5
        n = 50_000
        y = gaussian(n, 2, seed=2) @ weights.T + noise * gaussian(n, 8, seed=3)
        found, level = probabilistic_pca(y, 2)
        assert level == pytest.approx(noise, rel=0.01)
        torch.testing.assert_close((found @ found.T).float(), weights @ weights.T, rtol=0, atol=0.1)

    def test_angles_by_hand(self) -> None:
        axes = torch.eye(3)
        turned = torch.tensor([[1.0, 0.0], [0.0, math.cos(0.1)], [0.0, math.sin(0.1)]])
        assert largest_angle(3 * axes[:, :2], turned) == pytest.approx(math.degrees(0.1), rel=1e-4)
        assert largest_angle(axes[:, :2], axes[:, [1, 0]]) == pytest.approx(0, abs=1e-4)
        assert largest_angle(axes[:, :2], axes[:, 1:]) == pytest.approx(90)


@SEEN
@pytest.mark.parametrize("kind", NETWORKS)
def test_gradients_are_those_of_finite_differences(kind: str, seen: str) -> None:
    network = NETWORKS[kind]
    view = views(network.signal_shape)[seen]
    assert gradient_error(Generator(network, seed=3), view) < 1e-8


@pytest.fixture(scope="module")
def model() -> Model:
    """Two latents and 20 faces of 16 x 16 pixels, learnt now."""
    return small_model(iterations=120)


class TestTwoLatents:
    """Chains against the posterior integrated on a grid."""

    @pytest.mark.parametrize("adjusted", [False, True], ids=["langevin", "mala"])
    def test_the_histogram_is_the_posterior(self, model: Model, adjusted: bool) -> None:
        energy = model.energy(5, Downsampled(8))
        grid = Grid.of(energy)
        moves = 250 if adjusted else 500
        start = gaussian(128, 2, seed=1)  # from the prior
        found, _ = plane_posterior(energy, grid, start, moves=moves, burn_in=100, adjusted=adjusted)
        main = found["bins"]["12"]
        assert main["variation"] < 0.05
        assert main["gaussian"] > 2 * main["variation"]  # a Gaussian would not have done

    def test_a_wrong_noise_level_would_be_seen(self, model: Model) -> None:
        wrong = dataclasses.replace(model, sigma=1.3 * model.sigma)
        energy, other = (of.energy(5, Downsampled(8)) for of in (model, wrong))
        grid = Grid.of(energy)
        found, _ = plane_posterior(
            other, grid, gaussian(64, 2, seed=1), moves=100, burn_in=60, adjusted=True
        )
        assert found["bins"]["12"]["variation"] > 0.1

    def test_the_grid_integrates_a_gaussian(self) -> None:
        precision = torch.tensor([[40.0, 12.0], [12.0, 9.0]])
        centre = torch.tensor([0.7, -0.4])

        def energy(z: Tensor) -> Tensor:
            return ((z - centre) @ precision * (z - centre)).sum(1) / 2

        mean, covariance = Grid.of(energy, near=16.0).moments
        torch.testing.assert_close(mean.float(), centre, rtol=0, atol=1e-3)
        expected = torch.linalg.inv(precision)
        torch.testing.assert_close(covariance.float(), expected, rtol=1e-2, atol=1e-4)
        grid = Grid.of(energy)
        assert total_variation(grid.gaussian().binned(12), grid.binned(12)) < 2e-3

    def test_every_mode_is_counted(self) -> None:
        def energy(z: Tensor) -> Tensor:
            first = (z - torch.tensor([1.0, 1.0])).square().sum(1) * 5
            second = (z + torch.tensor([1.0, 2.0])).square().sum(1) * 5 + 2
            return torch.minimum(first, second)

        assert modes(energy) == pytest.approx([0, 2], abs=0.1)


def test_langevin_is_as_biased_as_its_theory_says_and_mala_is_not() -> None:
    for row in bias_of_linear((0.3, 0.6, 0.8), chains=1000):
        assert abs(row["langevin"] - row["theory"]) < 4 * row["langevin_error"]
        assert abs(row["mala"] - 1) < 4 * row["mala_error"]
        assert row["langevin"] - 1 > 8 * row["langevin_error"]


def test_chains_in_bf16_infer_what_chains_in_fp32_do() -> None:
    faces, saved = shipped_model("ankle_boot_32")
    found = precision(saved, faces, examples=8, steps=60, burn_in=10)
    assert found["error_bf16"] == pytest.approx(found["error_fp32"], rel=0.005)
    assert found["mean"] < 0.1
    assert found["mean"] < found["other_noise"] / 3
    assert 1e-3 < found["gradient"] < 0.1  # bf16 was indeed used
