"""Frames that are inferred together: where they lie, and what makes them."""

import pytest
import torch

from abp_core.analysis import traces
from abp_core.analysis.stretch import Stretch, codes_of, lay_out, stretch_of
from abp_core.observation import Full
from abp_core.synthesis.sampling import generate
from tests.demo.films import film_run

MAPS, LINEAR, DRIVEN = "quick-film", "linear-film", "transition-film"


def test_frames_lie_in_rows_of_four() -> None:
    frames = torch.arange(6.0).view(1, 6, 1, 1, 1).expand(2, 6, 3, 2, 5)
    laid = lay_out(frames)
    assert laid.shape == (2, 3, 4, 20)
    places = laid[1, 2, ::2, ::5]
    assert places.tolist() == [[0, 1, 2, 3], [4, 5, 0, 0]]
    assert lay_out(frames[:, :3]).shape == (2, 3, 2, 15)


@pytest.mark.parametrize("first", [0, 1, 20])
@pytest.mark.parametrize("kind", [MAPS, LINEAR, DRIVEN])
def test_where_training_stands_makes_the_frames_that_it_makes(kind: str, first: int) -> None:
    saved = film_run(kind)
    generator = saved.generator()
    made = stretch_of(saved, generator, first, 5).make(codes_of(saved, first, 5))
    frames = generate(generator, saved.latents[first : first + 5])
    # The states that a file keeps are those of the weights of before the last step of learning.
    torch.testing.assert_close(made, lay_out(frames[None]), rtol=0, atol=0.05)


def test_what_drives_a_film_adds_up_to_what_walks_move() -> None:
    saved = film_run(DRIVEN)
    stretch = stretch_of(saved, saved.generator(), 4, 6)
    noise = saved.driven["noise"][4:10].T[None]
    torch.testing.assert_close(stretch.drives(codes_of(saved, 4, 6)), noise, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [MAPS, DRIVEN])
def test_a_push_is_felt_in_the_frames_after_it_where_noise_drives_them(kind: str) -> None:
    saved = film_run(kind)
    stretch = stretch_of(saved, saved.generator(), 4, 4)
    z = codes_of(saved, 4, 4)
    noise = stretch.drives(z).clone()
    noise[:, :, 1] += 1.0
    pushed = noise if stretch.before is None else noise.cumsum(2)
    moved = (stretch.make(pushed) - stretch.make(z)).abs()
    width = moved.shape[3] // 4
    felt = [float(moved[..., k * width : (k + 1) * width].max()) > 1e-3 for k in range(4)]
    assert felt == ([False, True, True, True] if kind == DRIVEN else [False, True, False, False])


@pytest.mark.parametrize("kind", [MAPS, DRIVEN])
def test_the_energy_of_frames_is_the_sum_of_theirs(kind: str) -> None:
    saved = film_run(kind)
    generator = saved.generator()
    stretch, z = stretch_of(saved, generator, 8, 3), codes_of(saved, 8, 3)
    y = torch.zeros_like(stretch.make(z))
    energy = traces.posterior_about(stretch, y, Full(), saved.sigma, 1).energy(z)
    made, noise = stretch.make(z), stretch.drives(z)
    wanted = made.square().sum() / (2 * saved.sigma**2) + noise.square().sum() / 2
    torch.testing.assert_close(energy[0].detach(), wanted, rtol=1e-4, atol=0)


def test_one_frame_is_a_stretch_too() -> None:
    saved = film_run(MAPS)
    generator = saved.generator()
    z = saved.latents[3:4]
    torch.testing.assert_close(Stretch(generator, 1).make(z[:, :, None]), generator.make(z))
