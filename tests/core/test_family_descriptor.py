"""The descriptor: its law where that is known, its energy, and that it goes on exactly."""

from collections.abc import Callable

import pytest
import torch

from abp_core.data.datasets import Dataset
from abp_core.device import Machine
from abp_core.family.batches import Batches
from abp_core.family.descriptor import Descriptor, DescriptorSpec
from abp_core.family.energies import bottom_up
from abp_core.family.field import FieldSpec
from abp_core.family.trial import Trial
from abp_core.langevin import energy_ceiling
from benchmarks.evidence.family_pixels import (
    covariance_of_chains,
    energy_along_line,
    precision_learnt,
)
from tests.tiny import BF16, FP32, NETWORKS, dataset, training, whole_dataset, whole_training


def small_trial(kind: str) -> Trial:
    if kind == "objects":
        data: Dataset = dataset(NETWORKS[kind])
        return Trial(data, data.signals[:3], training(NETWORKS[kind]))
    data = whole_dataset(kind)
    return Trial(data, data.signals, whole_training(kind))


def small(kind: str, machine: Machine = FP32, seed: int = 3) -> Descriptor:
    trial = small_trial(kind)
    spec = DescriptorSpec(
        chains=4, extent=256 if kind == "sound" else 16, field=FieldSpec(), longest=6
    )
    network = bottom_up(trial, spec.field.reference * trial.data.deviation, seed)
    return Descriptor(trial, seed, network, spec, machine)


def go_on(member: Descriptor, iterations: int) -> Descriptor:
    for _ in range(iterations):
        for _ in member.alternation():
            pass
    return member


def same(one: Descriptor, other: Descriptor) -> bool:
    ours, theirs = one.tensors(), other.tensors()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def test_it_learns_the_precision_of_a_gaussian() -> None:
    found = precision_learnt(chains=48, iterations=200)
    assert found["precision"] < 0.2 < 0.6 < found["precision of the reference"]
    assert found["chains"] < 0.1


def test_its_chains_have_the_covariance_of_a_gaussian_as_their_step_widens_it() -> None:
    found = covariance_of_chains(chains=160, rounds=16, step_size=0.5)
    assert found["theory"] < 0.1 < 0.3 < found["bias"]


@pytest.mark.parametrize(("machine", "bound"), [(FP32, 0.01), (BF16, 0.1)], ids=["fp32", "bf16"])
def test_its_energy_is_that_of_its_walk(machine: Machine, bound: float) -> None:
    member = go_on(small("texture", machine), 6)
    data = member.trial.data.signals[..., :16, :16]
    start, end = member.chains[:1], data
    assert energy_along_line(member.field, start, end, points=200) < bound


def test_it_tells_its_data_from_noise() -> None:
    member = go_on(small("texture"), 40)
    x = member.trial.data.signals[..., 20:36, 20:36]
    noise = x + 0.5 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    energies = member.energy(torch.cat([x, noise]))
    assert energies is not None
    assert energies[0] < energies[1]


@pytest.mark.parametrize("kind", ["texture", "sound", "objects"])
def test_it_goes_on_exactly(kind: str) -> None:
    whole, first = go_on(small(kind), 5), go_on(small(kind), 2)
    second = small(kind, seed=3)
    second.resume(first.tensors(), first.iteration, first.seconds)
    assert same(go_on(second, 3), whole)


def test_who_stops_asking_leaves_it_as_it_was() -> None:
    stopped, other = small("objects"), small("objects")
    go_on(stopped, 1), go_on(other, 1)
    moves = stopped.alternation()
    while next(moves) is None and stopped.iteration == 1:
        assert same(stopped, other)
    del moves
    go_on(other, 1)
    assert same(stopped, other)
    half = stopped.alternation()
    for _ in range(3):
        next(half)
    half.close()
    assert same(go_on(stopped, 1), go_on(other, 1))


def test_its_samples_are_its_chains_or_where_a_walk_leads() -> None:
    member = go_on(small("texture"), 2)
    here = member.sample(4, 0, (16, 16))
    assert torch.equal(here.flatten(1).sort(0).values, member.chains.flatten(1).sort(0).values)
    wide = member.sample(2, 1, (24, 40))
    assert wide.shape == (2, 3, 24, 40)
    assert wide.isfinite().all()
    assert torch.equal(wide, member.sample(2, 1, (24, 40)))
    assert not torch.equal(wide, member.sample(2, 2, (24, 40)))
    assert member.sample(6, 0, (16, 16)).shape == (6, 3, 16, 16)


def test_it_shows_its_chains_and_where_it_pulls() -> None:
    member = go_on(small("objects"), 2)
    chains, pull = member.show()
    assert torch.equal(chains.signals, member.chains)
    assert pull.heat
    assert pull.signals.shape == (3, 1, 8, 8)
    assert (pull.signals >= 0).all()
    assert pull.signals.std() > 0
    assert len(small("sound").show()) == 1


def test_rows_of_a_long_walk_have_noise_of_their_own() -> None:
    member = small("objects")
    x = member.field.mean.expand(40, 3, 8, 8).contiguous()
    ends = member.field.walk_on(x, 0, 1, 1)
    assert len({tuple(row.flatten().tolist()[:8]) for row in ends}) == 40


@pytest.mark.parametrize("spoil", [lambda t: t.pop("chains"), lambda t: t.pop("weight.weights")])
def test_it_refuses_tensors_of_something_else(spoil: Callable[..., object]) -> None:
    member = small("objects")
    tensors = member.tensors()
    spoil(tensors)
    with pytest.raises(KeyError):
        member.resume(tensors, 1, 0.0)


def test_an_iteration_sees_each_picture_once_an_epoch_and_crops_of_the_one() -> None:
    pictures = torch.arange(6.0).view(6, 1, 1, 1)
    batches = Batches(pictures, (1, 1), 3, seed=1)
    seen = torch.cat([batches.draw(0), batches.draw(1)]).flatten()
    assert sorted(seen.tolist()) == list(range(6))
    one = torch.arange(12.0 * 12).view(1, 1, 12, 12)
    crops = Batches(one, (5, 4), 3, seed=1)
    drawn = crops.draw(7)
    assert drawn.shape == (3, 1, 5, 4)
    assert torch.equal(drawn, crops.draw(7))
    assert not torch.equal(drawn, crops.draw(8))
    assert (drawn.diff(dim=3) == 1).all()
    assert (drawn.diff(dim=2) == 12).all()


def test_energies_below_zero_have_a_ceiling_above_them() -> None:
    energy, z = torch.tensor([-1e6, -10.0, 0.0, 10.0, 1e6]), torch.zeros(5, 4)
    ceiling = energy_ceiling(energy, z)
    assert (ceiling > energy).all()
    assert torch.equal(ceiling[3:], 1.2 * energy[3:] + 40)
