"""What a real card does: the runs of tests/on_card.py, beside the CPU's and twice.

How near the CPU's a run comes in its first iterations is stated here, by the format in which chains
are computed. Convolutions of float32 may use TF32, which keeps three bits more than bfloat16.
"""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.device import Machine, this_machine
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from tests.on_card import ITERATIONS, REPLAYS, RUNS, Run, walked
from tests.tiny import FP32, goes_on_exactly, sha256

pytestmark = pytest.mark.cuda

CARD = torch.device("cuda")
MACHINES = {
    "float32": Machine(CARD, torch.float32),
    "bfloat16": Machine(CARD, torch.bfloat16),
}
# The length of the difference, as a share of what it is of.
NEAR = {torch.float32: 0.03, torch.bfloat16: 0.25}

EVERY_MACHINE = pytest.mark.parametrize("precision", MACHINES)
EVERY_RUN = pytest.mark.parametrize("name", RUNS)


def trained(run: Run, machine: Machine, iterations: int = ITERATIONS) -> Trainer:
    """A run after so many iterations, none of whose chains ran away."""
    trainer = run.trainer(machine)
    assert [event.diverged for event in trainer.steps(iterations)] == [0] * iterations
    return trainer


def assert_near(theirs: dict[str, Tensor], ours: dict[str, Tensor], machine: Machine) -> None:
    """Theirs lie on the CPU, as near ours as the machine's format lets them be; what a file keeps
    of one kind, all weights or all first moments, counts as one."""
    assert theirs.keys() == ours.keys()
    assert {tensor.device.type for tensor in theirs.values()} == {"cpu"}
    for kind in {name.split("/")[0] for name in ours}:
        names = [name for name in ours if name.split("/")[0] == kind]
        mine, other = (
            torch.cat([held[name].double().nan_to_num().flatten() for name in names])
            for held in (ours, theirs)
        )
        assert (other - mine).norm() <= NEAR[machine.fast] * mine.norm(), kind


@EVERY_MACHINE
@EVERY_RUN
def test_a_run_follows_the_cpu(name: str, precision: str) -> None:
    run, machine = RUNS[name](), MACHINES[precision]
    ours, theirs = trained(run, FP32), trained(run, machine)
    assert theirs.z.device.type == machine.device.type
    assert_near(theirs.checkpoint().tensors(), ours.checkpoint().tensors(), machine)


@EVERY_MACHINE
@EVERY_RUN
def test_the_same_run_twice_has_equal_bits(name: str, precision: str) -> None:
    run, machine = RUNS[name](), MACHINES[precision]
    one, other = (trained(run, machine, 2 * ITERATIONS).checkpoint() for _ in range(2))
    assert sha256(one) == sha256(other)


@EVERY_MACHINE
@EVERY_RUN
def test_a_resumed_run_has_equal_bits(name: str, precision: str, tmp_path: Path) -> None:
    run = RUNS[name]()
    goes_on_exactly(
        run.spec,
        run.data,
        tmp_path / "run.safetensors",
        before=ITERATIONS,
        after=ITERATIONS,
        machine=MACHINES[precision],
        observation=run.observation,
    )


def test_a_run_in_the_middle_of_another_is_not_disturbed_by_it() -> None:
    """Each has its own graph and its own places."""
    runs = [RUNS[name]() for name in ("acceptance", "whole texture")]
    alone = [sha256(trained(run, this_machine(), 4).checkpoint()) for run in runs]
    trainers = [run.trainer(this_machine()) for run in runs]
    for _ in range(4):
        for trainer in trainers:
            trainer.step()
    assert [sha256(trainer.checkpoint()) for trainer in trainers] == alone


@EVERY_MACHINE
@pytest.mark.parametrize("name", REPLAYS)
def test_a_replay_follows_the_cpu(name: str, precision: str) -> None:
    run, machine = REPLAYS[name](), MACHINES[precision]
    saved = trained(run, FP32).checkpoint()
    assert_near(walked(run, saved, machine), walked(run, saved, FP32), machine)


@EVERY_RUN
def test_a_run_moves_from_a_card_to_the_cpu(name: str, tmp_path: Path) -> None:
    """And draws there what it draws on the card."""
    run, machine = RUNS[name](), MACHINES["float32"]
    trainer = trained(run, machine)
    trainer.checkpoint().save(tmp_path / "run.safetensors")
    saved = Checkpoint.load(tmp_path / "run.safetensors")
    if run.spec.prior == "normal":
        there = sampling.sample(trainer.generator, trainer.prior(), 2, seed=0)
        here = sampling.sample(saved.generator(), saved.prior(), 2, seed=0)
        assert_near({"samples": there}, {"samples": here}, machine)
    on = Trainer.resume(saved, run.data, run.observation, machine=FP32)
    ours, theirs = on.step(), trainer.step()
    assert ours.misfit == pytest.approx(theirs.misfit, rel=0.02)
    assert ours.iteration == theirs.iteration == ITERATIONS + 1


def test_more_examples_at_once_change_no_chain() -> None:
    """An example does not know its company, on a card either, within the format's rounding."""
    run = RUNS["objects, grey"]()
    few, many = (
        replace(run, spec=replace(run.spec, batch_size=size)).trainer(MACHINES["float32"])
        for size in (4, 10)
    )
    start = few.z.cpu().clone()
    few.step(), many.step()
    moved = (few.z.cpu() != start).flatten(1).any(1)
    assert int(moved.sum()) == 4
    assert_near({"z": few.z.cpu()[moved]}, {"z": many.z.cpu()[moved]}, MACHINES["float32"])
