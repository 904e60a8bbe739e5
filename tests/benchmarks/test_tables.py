"""The yardsticks of the paper's tables on what is known by hand, and tiny runs of the commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from abp_core.observation import Compressed
from benchmarks import classical, incomplete, linear, tables
from benchmarks.field import OWNS, Field, with_field
from benchmarks.linear import LinearModel

ROOT = Path(__file__).parents[2]


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def smooth(n: int, side: int = 16) -> Tensor:
    """Pictures (n, 1, side, side) of one soft blob each, somewhere."""
    place = torch.rand(n, 2, 1, 1, generator=torch.Generator().manual_seed(0)) * side
    axis = torch.arange(side)
    squares = (axis[:, None] - place[:, 0]) ** 2 + (axis[None, :] - place[:, 1]) ** 2
    return ((-squares / 30).exp() * 1.6 - 0.8)[:, None]


@pytest.mark.parametrize("label", incomplete.ROWS)
def test_masks_hide_their_share(label: str) -> None:
    visible = incomplete.hidden_by(label, 20, 64)
    assert visible.shape == (20, 1, 64, 64)
    assert set(visible.unique().tolist()) == {0.0, 1.0}
    share = incomplete.SCATTERED.get(label) or (incomplete.SQUARES.get(label, 0) / 64) ** 2
    hidden = 1 - visible.mean((1, 2, 3))
    torch.testing.assert_close(hidden, torch.full((20,), share), rtol=0, atol=0.01)
    assert len({picture.numpy().tobytes() for picture in visible}) > 15


def test_squares_follow_the_pictures_size() -> None:
    assert [incomplete.square_side(label, 32) for label in incomplete.SQUARES] == [10, 15]
    assert (1 - incomplete.hidden_by("M30", 3, 32)).sum((1, 2, 3)).tolist() == [15.0**2] * 3


def test_only_hidden_pixels_count() -> None:
    truth, made = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    made[..., 0, 1] = -0.5
    hidden = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])
    found = tables.errors(made, truth, hidden)
    assert found["absolute"] == pytest.approx((0.25 + 0.5) / 2)
    assert found["squared"] == pytest.approx(((0.25**2 + 0.5**2) / 2) ** 0.5)


def test_with_nothing_missing_the_linear_model_is_probabilistic_pca() -> None:
    truth = gaussian(2, 400, 3, seed=1)[0] * torch.tensor([4.0, 2.0, 1.0])
    y = truth @ gaussian(3, 2 * 9, seed=2) + 0.3 * gaussian(400, 18, seed=3) + 1
    y = y.view(400, 2, 9)
    model = LinearModel.fitted(y, torch.ones(400, 9), 3, rounds=200)
    flat = y.flatten(1)
    values, vectors = torch.linalg.eigh(torch.cov(flat.T, correction=0))
    noise = values[:-3].mean()  # closed form (Tipping and Bishop, 1999, eq. 8 and 7)
    expected = vectors[:, -3:] @ torch.diag(values[-3:] - noise) @ vectors[:, -3:].T
    loadings = model.loadings.flatten(0, 1)
    torch.testing.assert_close(model.mean.flatten(), flat.mean(0), rtol=0, atol=0.02)
    torch.testing.assert_close(model.variance, noise, rtol=0.03, atol=0)
    scale = float(expected.abs().max())
    torch.testing.assert_close(loadings @ loadings.T, expected, rtol=0, atol=0.02 * scale)


def test_the_linear_model_recovers_what_is_linear() -> None:
    y = (gaussian(300, 2) @ gaussian(2, 64, seed=1)).view(300, 1, 8, 8) + 0.5
    visible = (torch.rand(300, 1, 8, 8, generator=torch.Generator().manual_seed(5)) > 0.5).float()
    made, d = linear.completed(y * visible, visible, (1, 2))
    assert d == 2
    found = tables.errors(made, y, 1 - visible)
    average = classical.pixel_mean(y * visible, visible).expand_as(y)
    naive = tables.errors(average, y, 1 - visible)
    assert found["absolute"] < 0.1 * naive["absolute"]


def test_a_pixels_mean_is_over_who_shows_it() -> None:
    y = torch.tensor([1.0, 3.0, 8.0]).view(3, 1, 1, 1).expand(3, 2, 1, 1)
    visible = torch.tensor([1.0, 1.0, 0.0]).view(3, 1, 1, 1)
    assert classical.pixel_mean(y * visible, visible).flatten().tolist() == [2, 2]


def test_biharmonic_continues_a_slope() -> None:
    picture = torch.linspace(-1, 1, 12).expand(2, 12, 12).contiguous()
    visible = torch.ones(1, 12, 12)
    visible[:, 4:8, 4:8] = 0
    made = classical.biharmonic(picture * visible, visible)
    torch.testing.assert_close(made, picture, rtol=0, atol=1e-3)


def test_a_field_goes_on_where_it_is_seen_and_is_nothing_far_away() -> None:
    x = smooth(40, 32)
    visible = incomplete.hidden_by("P.5", 40, 32)
    asked = incomplete.held_out(visible)
    made, field = with_field(torch.zeros_like(x), x * visible, visible, asked)
    assert field.length > 1.5
    assert tables.errors(made, x, 1 - visible)["absolute"] < 0.1 * float(x.abs().mean())
    assert torch.equal(made * visible, x * visible)
    known = torch.zeros(32, 32, dtype=torch.bool)
    known[0, 0] = True
    predicted = torch.ones(1, 32, 32)
    predicted[0, ~known] = Field(length=2.0, own=0.1).predicted(predicted, known, ~known)[0]
    assert predicted[0, 20:, 20:].abs().max() < 1e-3
    assert 0.3 < predicted[0, 0, 1] < 1


def test_a_field_is_chosen_by_what_was_not_learnt_from() -> None:
    x = smooth(20, 32)
    visible = incomplete.hidden_by("P.7", 20, 32)
    asked = incomplete.held_out(visible)
    assert 0.05 < float(asked.sum() / visible.sum()) < 0.2
    assert float((asked * (1 - visible)).sum()) == 0
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(3))
    assert Field.fitted(noise * visible, visible, asked).own == max(OWNS)
    assert Field.fitted(x * visible, visible, asked).own == min(OWNS)


def test_yardsticks_for_projections_recover_smooth_pictures() -> None:
    x = smooth(60)
    shape = tuple(x.shape[1:])
    sight = Compressed.random(120, shape, seed=3)
    y = sight.measure(x, torch.arange(60))
    nothing = tables.errors(x.mean().expand_as(x), x)["absolute"]
    varied = classical.total_variation(y[0], sight.projection, shape, 0.005)
    assert tables.errors(varied, x[0])["absolute"] < 0.3 * nothing
    made = classical.smooth_linear(y, sight.projection, shape)
    assert tables.errors(made, x)["absolute"] < 0.3 * nothing
    torch.testing.assert_close(made.flatten(1) @ sight.projection.T, y, rtol=0, atol=0.05)


def test_components_of_projections_that_see_all_are_pca() -> None:
    x = gaussian(200, 2) @ gaussian(2, 12, seed=1) + 1
    sight = Compressed.random(12, (12,), seed=4)
    y = sight.measure(x, torch.arange(200))
    made = classical.principal_components(y, sight.projection, 2)
    torch.testing.assert_close(made, x, rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("command", "rows"),
    [
        ("incomplete", ["P.7", "M30"]),
        ("compressed", ["d20"]),
        ("reconstruction", ["d20"]),
    ],
)
def test_a_tiny_run_ends_in_json(command: str, rows: list[str], tmp_path: Path) -> None:
    pictures = ((smooth(60, 32)[:, 0] + 1) * 127).byte().numpy()
    np.savez(tmp_path / "blobs.npz", images=pictures)
    results = tmp_path / "kept.json"
    told = _run(
        command,
        *("--data", str(tmp_path / "blobs.npz"), "--rows", *rows, "--minutes", "0.02"),
        *("--results", str(results), "--threads", "1"),
    )
    last = json.loads(told.splitlines()[-1])
    assert set(last["blobs"]) == set(rows)
    assert all(0 < row["ours"]["absolute"] < 1 for row in last["blobs"].values())
    written = _run(command, "--table", "--results", str(results))
    assert "| blobs |" in written
    assert tables.RECALLED in written
    assert set(json.loads(written.splitlines()[-1])["blobs"]) == set(rows)


def _run(command: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{command}", *arguments],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
