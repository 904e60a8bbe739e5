"""The command for a card: the loops that ours is measured against, and figures known by hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from abp_core.noise import chain_noise, walk_noise
from abp_core.presets import PRESETS
from abp_core.spec import LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from benchmarks import cuda, operations
from benchmarks.textbook import ParticleDescent, TextbookTrainer
from tests.tiny import FP32, NETWORKS, dataset, training, whole_dataset, whole_training

ROOT = Path(__file__).parents[2]
ITERATIONS = 4
PLAIN = LangevinSpec(steps=3, step_size=0.03, temperature=0.5)


def side_by_side(spec: TrainingSpec, data: object) -> tuple[Trainer, TextbookTrainer]:
    """Ours and the textbook's, with the same weights and chains."""
    ours = Trainer(spec, data, machine=FP32)
    textbook = TextbookTrainer(spec, data.signals, ours.sigma)
    textbook.generator.take(ours.generator)
    textbook.z.copy_(ours.z)
    return ours, textbook


def walked(textbook: TextbookTrainer, noise: Tensor, visited: Tensor | None) -> float:
    """One of its iterations with this noise; the misfit."""
    textbook.draw(visited)
    for drawn in noise:
        textbook.langevin_step(drawn)
    return float(textbook.learning_step())


def assert_alike(ours: Trainer, textbook: TextbookTrainer) -> None:
    other = TextbookTrainer(ours.spec, textbook.signals, ours.sigma)
    other.generator.take(ours.generator)
    torch.testing.assert_close(textbook.z, ours.z, rtol=0, atol=1e-5)
    for mine, theirs in zip(
        other.generator.parameters(), textbook.generator.parameters(), strict=True
    ):
        assert (mine - theirs).norm() < 1e-4 * mine.norm() + 1e-6


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_textbook_takes_our_steps(kind: str) -> None:
    spec = training(NETWORKS[kind], langevin=PLAIN, batch_size=10, halved_after=3)
    ours, textbook = side_by_side(spec, dataset(spec.generator))
    start, everyone = ours.z.clone(), torch.arange(10)
    for event in ours.steps(ITERATIONS):
        noise = chain_noise(
            seed=spec.seed,
            sweep=event.iteration,
            index=everyone,
            steps=PLAIN.steps,
            shape=spec.generator.latent_shape,
        )
        misfit = walked(textbook, noise, everyone)
        assert misfit == pytest.approx(event.misfit, rel=1e-4)
    assert_alike(ours, textbook)
    assert (ours.z - start).abs().max() > 0.05


@pytest.mark.parametrize("kind", ["texture", "sound"])
def test_the_textbook_takes_our_steps_in_a_window(kind: str) -> None:
    spec = whole_training(kind, langevin=PLAIN, window=100)  # the whole map
    ours, textbook = side_by_side(spec, whole_dataset(kind))
    _, channels, *extent = ours.z.shape
    for event in ours.steps(ITERATIONS):
        noise = walk_noise(
            seed=spec.seed,
            sweep=event.iteration,
            steps=PLAIN.steps,
            channels=channels,
            start=(0,) * len(extent),
            stop=tuple(extent),
        )[:, None]
        misfit = walked(textbook, noise, None)
        assert misfit == pytest.approx(event.misfit, rel=1e-4)
    assert_alike(ours, textbook)


@pytest.mark.parametrize("kind", ["texture", "sound"])
def test_a_windows_gradient_is_that_of_the_whole(kind: str) -> None:
    """In double precision, since a whole signal adds up to far more than a window does."""
    small = whole_training(kind, window=5, batch_size=3)
    signals = whole_dataset(kind).signals.double()
    torch.manual_seed(1)
    windows, whole = (
        TextbookTrainer(spec, signals, 0.3) for spec in (small, whole_training(kind, window=100))
    )
    whole.generator.load_state_dict(windows.generator.state_dict())
    whole.z.copy_(windows.z)
    for each in (windows, whole):
        each.generator.double()
        each.z = each.z.double()
        each.draw()
        each.here.requires_grad_(True)
        each.misfit(each.here).backward()
    assert len(windows.here) == 3
    for place, mine in zip(windows._places, windows.here.grad, strict=True):
        box = (slice(None), *(slice(at, at + 5) for at in place))
        torch.testing.assert_close(mine, whole.here.grad[0][box])


def test_particle_descent_moves_codes_and_weights_by_one_gradient() -> None:
    """The codes as by one textbook move, the weights as by a step of learning where these began."""
    spec = training(NETWORKS["objects"], langevin=PLAIN, batch_size=10)
    signals = dataset(spec.generator).signals
    particles, walk, learner = (
        loop(spec, signals, 0.3) for loop in (ParticleDescent, TextbookTrainer, TextbookTrainer)
    )
    torch.manual_seed(3)
    noise, everyone = torch.randn_like(walk.z), torch.arange(10)
    before = particles.z.clone()
    for loop in (particles, walk, learner):
        loop.draw(everyone)
        loop.draw = lambda visited=None: None
    particles.iterate(noise)
    walk.langevin_step(noise)
    torch.testing.assert_close(particles.z, walk.here)
    assert (particles.z - before).abs().max() > 0.05
    learner.learning_step()
    for mine, theirs in zip(
        particles.generator.parameters(), learner.generator.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


def test_operations_by_hand() -> None:
    """A transposed convolution multiplies every entry of its input with every tap; its gradient
    with respect to either does so once more."""
    map_, vector = (training(NETWORKS[kind], langevin=PLAIN) for kind in ("texture", "objects"))
    first, second = 2 * (2 * 3) * 3 * 8 * 25, 2 * (4 * 6) * 8 * 3 * 25
    assert operations.of_langevin_step(map_, 4) == 4 * 2 * (first + second)
    assert operations.of_learning_step(map_, 4) == 4 * (2 * first + 3 * second)
    opening, first, second = 2 * 6 * 32, 2 * (2 * 2) * 8 * 8 * 25, 2 * (4 * 4) * 8 * 3 * 25
    assert operations.of_langevin_step(vector, 5) == 5 * 2 * (opening + first + second)
    assert operations.of_learning_step(vector, 5) == 5 * (2 * opening + 3 * (first + second))
    assert operations.of_iteration(vector, 5) == 5 * (8 * opening + 9 * (first + second))


def test_operations_of_a_window_are_those_of_what_it_sees() -> None:
    spec = whole_training("sound", window=10)  # three layers of nine taps reach three positions
    seen = 10 + 2 * spec.generator.reach
    taps = 2 * seen * 9 * (4 * 8 + 4 * 8 * 8 + 16 * 8 * 1)
    assert operations.of_langevin_step(spec, 3) == 3 * 2 * taps


def test_a_share_of_the_product() -> None:
    row = {"operations": 3e9, "iterations_a_second": 50.0}
    assert cuda.with_shares(row, {"tf32": 3e11, "bfloat16": 6e11})["shares"] == {
        "tf32": pytest.approx(0.5),
        "bfloat16": pytest.approx(0.25),
    }


def test_tests_are_counted(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS, encoding="utf-8")
    assert cuda.checked([str(tmp_path)]) == {"passed": 1, "failed": 2, "skipped": 1}


TESTS = """
import pytest

pytestmark = pytest.mark.cuda

@pytest.fixture
def absent():
    raise LookupError

def test_good(): pass
def test_bad(): assert False
def test_that_cannot_begin(absent): pass
def test_left_out(): pytest.skip("no card")
"""


def test_the_command_ends_in_a_table() -> None:
    names = ["quick-texture", "paper-sound"]
    done = _run(
        "--device", "cpu", "--tests", "--turns", "1", "--seconds", "0.01", "--presets", *names
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    heads, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert [row[0] for row in rows] == names
    for row in rows:
        cells = dict(zip(heads, row, strict=True))
        ours, textbook = float(cells["iterations/s"]), float(cells["textbook"])
        assert float(cells["times"]) == pytest.approx(ours / textbook, rel=0.1, abs=0.02)
        by_moves = 2 * ours / float(cells["ParEM"])
        assert float(cells["times, by moves"]) == pytest.approx(by_moves, rel=0.1, abs=0.02)
        assert 0 < float(cells["of float32 product"].rstrip("%")) < 100
        assert cells["memory, MB"] == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_without_a_card_one_sentence_says_so() -> None:
    done = _run()
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count(".") == done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", [*PRESETS, cuda.LARGE])
def test_a_small_preset_keeps_its_kind(name: str) -> None:
    preset = PRESETS.get(name, PRESETS["paper-faces"]).training
    spec = cuda._smaller(preset)
    assert spec.generator.kind == preset.generator.kind
    assert len(spec.generator.channels) == len(preset.generator.channels)


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.cuda", *words],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
