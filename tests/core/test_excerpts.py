"""Examples of what a model learnt from: windows of one picture or sound, or a set as it is."""

import dataclasses
import math

import pytest
import torch

from abp_core.analysis import excerpts
from abp_core.checkpoint import Checkpoint
from abp_core.trainer import Trainer
from tests.tiny import (
    FP32,
    NETWORKS,
    SHOWN,
    WHOLE,
    dataset,
    training,
    whole_dataset,
    whole_run,
    whole_training,
)

RUNS = {kind: whole_run(kind, 2) for kind in WHOLE}
KINDS = pytest.mark.parametrize("kind", WHOLE)


def made(saved: Checkpoint, z: torch.Tensor) -> torch.Tensor:
    return saved.generator().requires_grad_(False)(z)


@KINDS
def test_windows_of_latents_make_the_windows_of_what_all_latents_make(kind: str) -> None:
    saved = RUNS[kind]
    z = excerpts.latents_of(saved)
    assert z.shape == (excerpts.MOST_EXCERPTS, *WHOLE[kind].latent_shape)
    cut = excerpts.signals_of(saved.spec, made(saved, saved.latents))
    assert cut.shape == (excerpts.MOST_EXCERPTS, *WHOLE[kind].signal_shape)
    torch.testing.assert_close(made(saved, z), cut, rtol=0, atol=1e-5)


@KINDS
def test_windows_of_the_data_stand_where_those_of_the_latents_do(kind: str) -> None:
    """Entries that tell their own place, in a map and in its signal, in whole positions."""
    saved, unit, margin = RUNS[kind], WHOLE[kind].enlargement, WHOLE[kind].margin
    extent = saved.latents.shape[2:]
    position = torch.arange(math.prod(extent)).view(1, 1, *extent).float()
    z = excerpts.latents_of(dataclasses.replace(saved, latents=position))
    shown = position[(..., *(slice(margin, -margin) for _ in extent))]
    for axis in range(2, 2 + len(extent)):
        shown = shown.repeat_interleave(unit, axis)
    x = excerpts.signals_of(saved.spec, shown)
    inside = z[(..., *(slice(margin, -margin) for _ in extent))]
    assert torch.equal(x[(..., *(slice(None, None, unit) for _ in extent))], inside)


@KINDS
def test_windows_are_spread_over_the_whole(kind: str) -> None:
    saved, unit = RUNS[kind], WHOLE[kind].enlargement
    size, shown = WHOLE[kind].signal_shape[1:], tuple(n * unit for n in SHOWN[kind])
    seen = torch.arange(math.prod(shown)).view(1, 1, *shown).float()
    windows = excerpts.signals_of(saved.spec, seen)
    assert len({float(window.flatten()[0]) for window in windows}) == excerpts.MOST_EXCERPTS
    found = torch.isin(seen, windows).float().mean()
    assert float(found) > 0.85
    for axis, (n, length) in enumerate(zip(shown, size, strict=True)):
        first = windows[:, 0].flatten(1)[:, 0].long()
        place = first // math.prod(shown[axis + 1 :]) % n
        room = n - length
        assert 0.4 < float(place.float().mean()) / room < 0.6
        assert place.min() <= 0.1 * room
        assert place.max() >= 0.8 * room


@KINDS
def test_they_are_the_same_again(kind: str) -> None:
    assert torch.equal(excerpts.latents_of(RUNS[kind]), excerpts.latents_of(whole_run(kind, 2)))
    signals = whole_dataset(kind).signals
    spec = whole_training(kind)
    assert torch.equal(excerpts.signals_of(spec, signals), excerpts.signals_of(spec, signals))


@KINDS
def test_what_is_just_as_large_is_every_window_of_itself(kind: str) -> None:
    spec = whole_training(kind)
    size = spec.generator.signal_shape[1:]
    one = torch.randn(1, 2, *size)
    assert torch.equal(excerpts.signals_of(spec, one), one.expand(excerpts.MOST_EXCERPTS, 2, *size))


@KINDS
def test_of_smaller_data_windows_are_smaller(kind: str) -> None:
    spec = whole_training(kind)
    small = torch.randn(1, 3, *(n - 8 for n in spec.generator.signal_shape[1:]))
    assert torch.equal(excerpts.signals_of(spec, small)[:1], small)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_set_and_its_latents_are_as_they_are(kind: str) -> None:
    spec, data = training(NETWORKS[kind]), dataset(NETWORKS[kind])
    trainer = Trainer(spec, data, machine=FP32)
    assert excerpts.latents_of(trainer.checkpoint()) is not None
    assert torch.equal(excerpts.latents_of(trainer.checkpoint()), trainer.z)
    assert excerpts.signals_of(spec, data.signals) is data.signals
