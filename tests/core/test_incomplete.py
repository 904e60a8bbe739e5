"""What a run takes from data that was not seen whole, before it begins to learn."""

import dataclasses

import pytest
import torch

from abp_core.data.pca import impute
from abp_core.observation import Compressed, Full, Occluded, seen_deviation
from abp_core.trainer import Trainer
from tests.tiny import FP32, NETWORKS, dataset, training

NETWORK = NETWORKS["objects"]


def some(*shape: int, part: float = 0.5, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return (torch.rand(*shape, generator=draw) < part).float()


def test_of_whole_signals_the_deviation_is_the_datas() -> None:
    data = dataset(NETWORK, n=12)
    assert seen_deviation(Full(), data.signals) == pytest.approx(data.deviation)


def test_of_incomplete_signals_only_what_was_seen_counts() -> None:
    signals = torch.randn(200, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.2 + 0.6
    visible = some(200, 1, 8, 8, part=0.1)
    y = Occluded(visible).measure(signals, torch.arange(200))
    assert seen_deviation(Occluded(visible), y) == pytest.approx(0.2, rel=0.03)
    everything = Occluded(torch.ones(200, 1, 8, 8))
    whole = seen_deviation(Full(), signals)
    assert seen_deviation(everything, signals) == pytest.approx(whole, rel=1e-5)
    torch.testing.assert_close(Occluded(visible).mean(y), torch.full((3,), 0.6), rtol=0, atol=0.03)


def test_of_projections_each_is_a_channel() -> None:
    signals = torch.randn(500, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.2 + 0.6
    sight = Compressed.random(40, (3, 8, 8), seed=2)
    y = sight.measure(signals, torch.arange(500))
    expected = 0.2 * 0.5 * 192**0.5  # of a sum of 192 entries times N(0, .5^2)
    assert seen_deviation(sight, y) == pytest.approx(expected, rel=0.1)


def test_projections_tell_the_channels_means() -> None:
    means = torch.tensor([0.6, -0.2, 0.1])
    noise = torch.randn(300, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    signals = noise * 0.2 + means.view(3, 1, 1)
    sight = Compressed.random(60, (3, 8, 8), seed=2)
    y = sight.measure(signals, torch.arange(300))
    torch.testing.assert_close(sight.mean(y, 3), means, rtol=0, atol=0.03)
    assert seen_deviation(sight, y) / sight.gain == pytest.approx(0.2, rel=0.05)


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
