"""What lies below hearing: the filter, and every shipped sound as it leaves."""

from functools import lru_cache

import numpy as np
import pytest
import torch
from torch import Tensor

from abp_core.analysis.directions import Coordinates
from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets, rumble
from abp_core.evaluation.sound import share_below
from abp_core.presets import PRESETS
from abp_core.priors.fields import Drawn
from abp_core.synthesis import render, sampling, sounding
from abp_core.synthesis.request import Request
from abp_core.zoo import catalogue
from abp_core.zoo.catalogue import Shipped

RATES = (8_000, 11_025, 16_000, 44_100)
SHIPPED = [e for e in catalogue.read_entries(catalogue.ROOT / "checkpoints") if e.kind == "sound"]
HEARING, MOST = 20.0, 0.01  # hertz, and the share of a sound's energy that may lie below
MEAN = 1e-3  # of a sound, a share of its peak
SECONDS = 4.0
END = 3.0  # deviations, where a slider ends


def tone(hertz: float, rate: int, seconds: float = 2.0) -> np.ndarray:  # type: ignore[type-arg]
    time = np.arange(round(rate * seconds)) / rate
    return np.cos(2 * np.pi * hertz * time).astype(np.float32)


class TestTheFilter:
    @pytest.mark.parametrize("rate", RATES)
    def test_what_is_heard_stays_where_it_is_and_what_is_not_goes(self, rate: int) -> None:
        for hertz, share in ((0, 0), (3, 0), (15, 0), (25, 0.5), (40, 1), (400, 1)):
            whole = tone(hertz, rate)
            left = rumble.remove_within(whole, rate)
            reach = rumble.reach(rate)
            expected = share * whole[reach:-reach]
            assert np.abs(left - expected).max() < 6e-3, f"{hertz} Hz at {rate}"

    @pytest.mark.parametrize("rate", RATES)
    def test_pieces_join(self, rate: int) -> None:
        draw = np.random.default_rng(0)
        sound = draw.normal(size=(1, 2 * rate)).astype(np.float32)
        whole, reach = rumble.remove(sound, rate), rumble.reach(rate)
        for start, stop in ((reach, rate), (rate, rate + 1), (rate + 7, 2 * rate - reach)):
            piece = rumble.remove_within(sound[:, start - reach : stop + reach], rate)
            assert np.abs(piece - whole[:, start:stop]).max() < 1e-6

    def test_a_sound_shorter_than_the_filter_has_no_mean(self) -> None:
        for frames in (0, 1, 300, 2000):
            left = rumble.remove(np.full(frames, 0.5, np.float32), 16_000)
            assert left.shape == (frames,)
            assert np.abs(left).max(initial=0) < 1e-6

    def test_hundreds_of_tones_are_as_loud_as_before(self) -> None:
        sound = np.random.default_rng(1).normal(size=160_000).astype(np.float32)
        left = rumble.remove(sound, 16_000)
        assert left.std() == pytest.approx(sound.std(), rel=5e-3)


@lru_cache(maxsize=1)
def opened(file: str) -> Checkpoint:
    return Checkpoint.load(catalogue.ROOT / "checkpoints" / file)


def require_inaudible(signal: Tensor, rate: int) -> None:
    assert share_below(signal, rate, HEARING) < MOST
    assert float(signal.mean().abs() / signal.abs().max()) < MEAN


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
class TestEveryShippedSound:
    def test_what_it_learnt_and_what_it_rebuilds_hold_no_rumble(self, shipped: Shipped) -> None:
        saved, preset = opened(shipped.file), PRESETS[shipped.preset]
        data, _ = datasets.load(
            catalogue.ROOT / shipped.data, preset.training, sample_rate=preset.sample_rate
        )
        assert data.digest == saved.digest
        rate = saved.source.sample_rate
        require_inaudible(data.signals[0], rate)
        rebuilt = sampling.generate(saved.generator(), saved.latents)[0]
        assert share_below(rebuilt, rate, HEARING) < MOST, "before it leaves, too"
        require_inaudible(sounding.audible(rebuilt, rate), rate)

    @pytest.mark.parametrize("paper", [False, True])
    def test_what_is_drawn_holds_none(self, shipped: Shipped, paper: bool) -> None:
        saved = opened(shipped.file)
        generator, rate = saved.generator(), saved.source.sample_rate
        request = Request(seconds=SECONDS, seed=1, paper=paper).fit(generator.spec, rate)
        samples = render.sound(generator, saved.prior(), saved.source, request).samples()
        require_inaudible(torch.from_numpy(samples)[None], rate)

    def test_nor_what_is_drawn_with_its_latents_moved(self, shipped: Shipped) -> None:
        saved = opened(shipped.file)
        generator, rate = saved.generator(), saved.source.sample_rate
        moments = round(SECONDS * rate / generator.spec.enlargement)
        beyond = generator.spec.reach + sounding.skirt(generator, rate)
        z = saved.prior().map(1).part((-beyond,), (moments + beyond,))
        axes = Coordinates.principal(saved.latents).axes
        for axis, end in ((0, -END), (0, END), (1, -END), (1, END)):
            moved = Drawn(z + end * axes[:, axis, None], (-beyond,))
            require_inaudible(sounding.piece(generator, moved, 0, moments, rate), rate)
