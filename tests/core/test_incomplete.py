"""What a run takes from data that was not seen whole, before it begins to learn."""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from abp_core.analysis.traces import as_in_training
from abp_core.chains.examples import DataMismatch
from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.data.pca import impute
from abp_core.observation import (
    Compressed,
    Downsampled,
    Full,
    Grey,
    Observation,
    Occluded,
    same,
)
from abp_core.trainer import Trainer
from tests.tiny import FP32, NETWORKS, dataset, training

NETWORK = NETWORKS["objects"]


def some(*shape: int, part: float = 0.5, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(*shape, generator=draw) < part).float()


def test_of_whole_signals_the_deviation_is_the_datas() -> None:
    data = dataset(NETWORK, n=12)
    assert Full().moments(data.signals, 3).deviation == pytest.approx(data.deviation)


def test_of_incomplete_signals_only_what_was_seen_counts() -> None:
    signals = torch.randn(200, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.2 + 0.6
    visible = some(200, 1, 8, 8, part=0.1)
    y = Occluded(visible).measure(signals, torch.arange(200))
    seen = Occluded(visible).moments(y, 3)
    assert seen.deviation == pytest.approx(0.2, rel=0.03)
    everything = Occluded(torch.ones(200, 1, 8, 8))
    whole = Full().moments(signals, 3).deviation
    assert everything.moments(signals, 3).deviation == pytest.approx(whole, rel=1e-5)
    assert seen.mean is not None
    torch.testing.assert_close(seen.mean, torch.full((3,), 0.6), rtol=0, atol=0.03)


def test_of_projections_each_is_a_channel() -> None:
    signals = torch.randn(500, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.2 + 0.6
    sight = Compressed.random(40, (3, 8, 8), seed=2)
    y = sight.measure(signals, torch.arange(500))
    expected = 0.2 * 0.5 * 192**0.5  # of a sum of 192 entries times N(0, .5^2)
    assert sight.moments(y, 3).deviation == pytest.approx(expected, rel=0.1)


def test_projections_tell_the_channels_means() -> None:
    means = torch.tensor([0.6, -0.2, 0.1])
    noise = torch.randn(300, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    signals = noise * 0.2 + means.view(3, 1, 1)
    sight = Compressed.random(60, (3, 8, 8), seed=2)
    y = sight.measure(signals, torch.arange(300))
    seen = sight.moments(y, 3)
    assert seen.mean is not None
    torch.testing.assert_close(seen.mean, means, rtol=0, atol=0.03)
    assert seen.deviation / seen.gain == pytest.approx(0.2, rel=0.05)


def test_what_is_hidden_of_linear_signals_is_filled_in() -> None:
    draw = torch.Generator().manual_seed(3)
    codes, directions = (torch.randn(*shape, generator=draw) for shape in ((300, 2), (2, 192)))
    signals = (codes @ directions / 4 + 0.3).view(300, 3, 8, 8)
    visible = some(300, 1, 8, 8, part=0.6)
    made = impute(signals * visible, visible, 4)
    hidden = (1 - visible).expand_as(made).bool()
    torch.testing.assert_close(made[~hidden], signals[~hidden])
    assert (made - signals)[hidden].square().mean() < 0.02 * signals.var()


def test_hardly_anything_seen_is_filled_in_all_the_same() -> None:
    signals = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(4))
    for part in (0.0, 0.02):
        visible = some(20, 1, 8, 8, part=part)
        assert impute(signals * visible, visible, 6).isfinite().all()


def test_what_is_hidden_has_no_say_in_a_run() -> None:
    data = dataset(NETWORK, n=12)
    visible = some(12, 1, *data.signals.shape[2:])
    other = dataclasses.replace(data, signals=data.signals * visible - (1 - visible))
    runs = [
        Trainer(training(NETWORK, components=True), d, Occluded(visible), machine=FP32)
        for d in (data, other)
    ]
    events = [[run.step().misfit for _ in range(3)] for run in runs]
    assert events[0] == events[1]
    assert runs[0].sigma == runs[1].sigma


@pytest.mark.parametrize(
    "sight",
    [
        Full(),
        Occluded(some(12, 1, 8, 8)),
        Occluded(some(12, 3, 8, 8)),
        Compressed.random(40, (3, 8, 8), seed=2),
        Compressed(some(5, 192) - 0.5),
        Grey(),
        Downsampled(2),
    ],
    ids=lambda sight: sight.name,
)
def test_a_run_knows_what_it_saw_when_it_goes_on(sight: Observation, tmp_path: Path) -> None:
    """Resumed by the file alone, it takes the steps of one that was not interrupted."""
    data, path = dataset(NETWORK, n=12), tmp_path / "run.safetensors"
    run = Trainer(training(NETWORK), data, sight, machine=FP32)
    for _ in run.steps(2):
        pass
    run.checkpoint().save(path)
    saved = Checkpoint.load(path)
    assert same(saved.observation, sight)
    resumed = Trainer.resume(saved, data, machine=FP32)
    for _ in run.steps(2):
        pass
    for _ in resumed.steps(2):
        pass
    now, then = run.checkpoint().tensors(), resumed.checkpoint().tensors()
    assert now.keys() == then.keys()
    assert all(torch.equal(tensor, then[name]) for name, tensor in now.items())


def test_what_was_seen_otherwise_cannot_go_on() -> None:
    data = dataset(NETWORK, n=12)
    saved = Trainer(training(NETWORK), data, Occluded(some(12, 1, 8, 8)), machine=FP32).checkpoint()
    for other in (Full(), Occluded(some(12, 1, 8, 8, seed=5)), Grey()):
        with pytest.raises(DataMismatch, match="hide the same parts"):
            Trainer.resume(saved, data, other, machine=FP32)
    Trainer.resume(saved, data, Occluded(some(12, 1, 8, 8)), machine=FP32)


@pytest.mark.parametrize(
    "sight", [Occluded(some(12, 1, 8, 8)), Compressed.random(40, (3, 8, 8), seed=2)]
)
def test_as_in_training_sees_what_training_does(sight: Observation) -> None:
    data = dataset(NETWORK, n=12)
    run = Trainer(training(NETWORK), data, sight, machine=FP32)
    run.step()
    saved, before = run.checkpoint(), run.z.clone()
    run.step()
    moved = (run.z != before).flatten(1).any(1).nonzero().flatten().tolist()
    assert moved
    for example in moved:
        walk = as_in_training(saved, data.signals[example : example + 1], example, FP32)
        while not walk.ended:
            walk.advance()
        assert torch.equal(walk.steps[-1].z[0], run.z[example])


@pytest.mark.parametrize(
    ("text", "tensors"),
    [
        ('{"kind": "other"}', {}),
        ('{"kind": "full", "more": 1}', {}),
        ('{"kind": "full"}', {"visible": torch.zeros(1)}),
        ('{"kind": "occluded", "shape": [12, 1, 8, 8]}', {"visible": torch.zeros(95).byte()}),
        ('{"kind": "occluded", "shape": [12, 1, 8, 8]}', {"visible": torch.zeros(96)}),
        ('{"kind": "occluded", "shape": [12, -1, 8, 8]}', {"visible": torch.zeros(96).byte()}),
        ('{"kind": "occluded", "shape": [4, 1, 8, 8]}', {"visible": torch.zeros(32).byte()}),
        ('{"kind": "occluded", "shape": [99999999, 1, 9999, 9999]}', {}),
        ('{"kind": "compressed", "k": 5, "entries": 191, "seed": 0}', {}),
        ('{"kind": "compressed", "k": 99999999999, "entries": 192, "seed": 0}', {}),
        ('{"kind": "compressed"}', {"projection": torch.full((2, 192), torch.nan)}),
        ('{"kind": "downsampled", "factor": 0}', {}),
        ('{"kind": "downsampled", "factor": 64}', {}),
        ("[]", {}),
        ("no JSON", {}),
    ],
)
def test_a_file_with_an_observation_that_is_none_is_refused(
    text: str, tensors: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    Trainer(training(NETWORK), dataset(NETWORK, n=12), machine=FP32).checkpoint().save(path)
    with safe_open(path, framework="pt") as file:
        header = file.metadata() | {"observation": text}
        held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(held | {f"observation/{name}": t for name, t in tensors.items()}, path, header)
    with pytest.raises(CheckpointRejected, match="damaged"):
        Checkpoint.load(path)
