"""The variational auto-encoder: its bound against the exact likelihood, and what members keep."""

import math

import pytest
import torch

from abp_core.checkpoint import Checkpoint
from abp_core.family.encoder import Encoder, Gaussian, Upper
from abp_core.family.vae import VAE
from abp_core.family.visits import WINDOWS, Windows
from benchmarks.evidence.family_latent import bound_of_linear
from tests.members import KINDS, goes_on_exactly, iterate, leaves_as_it_was, small_trial

FORMS = [{}, {"layers": 2}, {"draws": 3}, {"layers": 2, "draws": 2}]
OF_ANY_KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def found() -> dict:
    return bound_of_linear(examples=20, draws=(1, 10, 100), repeats=100)


class TestBound:
    """With a linear decoder, whose likelihood is known, and with the generator."""

    def test_with_the_exact_posterior_it_is_the_likelihood(self, found: dict) -> None:
        assert found["exact"] < 1e-4

    def test_with_another_it_lacks_the_divergence_between_both(self, found: dict) -> None:
        assert found["gaps"][1] == pytest.approx(found["expected"], abs=4 * found["errors"][1])

    def test_more_draws_raise_it_towards_the_likelihood(self, found: dict) -> None:
        gaps, errors = found["gaps"], found["errors"]
        assert gaps[1] > gaps[10] + 4 * errors[1]
        assert gaps[10] > gaps[100] + 4 * errors[10]
        assert gaps[100] < 0.03
        assert gaps[100] > -4 * errors[100]

    def test_two_layers_without_a_word_to_each_other_are_one(self) -> None:
        """Where the layer above tells nothing, and is inferred exactly, the bound is that of N(0,
        I) below."""
        trial = small_trial("objects")
        one, two = VAE(trial, 3), VAE(trial, 3, layers=2)
        with torch.no_grad():
            for layers in (two.model.upper.up, two.model.upper.down):
                layers[-1].kernel.zero_()
        torch.testing.assert_close(two.bound(trial.held, 5), one.bound(trial.held, 5))

    def test_it_learns(self) -> None:
        trial = small_trial("objects")
        member = VAE(trial, 0)
        before = member.bound(trial.data.signals, 8).mean()
        iterate(member, 150)
        assert member.bound(trial.data.signals, 8).mean() > before + 50
        left = (member.rebuild(trial.data.signals) - trial.data.signals).square().mean()
        assert left < 0.7 * trial.data.deviation**2
        assert member.sigma < trial.data.deviation

    def test_the_noise_level_follows_what_is_left(self) -> None:
        trial = small_trial("objects")
        member = VAE(trial, 0)
        member.variance.fill_(4.0)
        iterate(member, 120)
        assert member.sigma == pytest.approx(trial.data.deviation, rel=0.5)

    def test_energy_is_minus_the_bound(self) -> None:
        trial = small_trial("objects")
        member = VAE(trial, 0)
        assert torch.equal(member.energy(trial.held), -member.bound(trial.held, 8))


class TestGaussian:
    def test_density_by_hand(self) -> None:
        q = Gaussian(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, math.log(4)]]))
        found = q.log_density(torch.tensor([[[2.0, 2.0]]]))
        assert float(found) == pytest.approx(-0.5 - 0.5 - math.log(2) - math.log(2 * math.pi))

    def test_draws_have_its_moments(self) -> None:
        q = Gaussian(torch.full((1, 1), 3.0), torch.full((1, 1), math.log(4)))
        z = q.at(torch.randn(20_000, 1, 1, generator=torch.Generator().manual_seed(0)))
        assert float(z.mean()) == pytest.approx(3, abs=0.06)
        assert float(z.var()) == pytest.approx(4, rel=0.05)


class TestEncoder:
    @OF_ANY_KIND
    def test_it_tells_the_latents_of_the_generator(self, kind: str) -> None:
        trial = small_trial(kind)
        network = trial.spec.generator
        q = Encoder(network, seed=0)(trial.data.signals[:1])
        size = trial.size
        shape = network.map_shape_of(size) if network.spatial else network.latent_shape
        assert q.mean.shape == q.log_variance.shape == (1, *shape)

    @pytest.mark.parametrize("shape", [(6,), (3, 7), (3, 6, 9)], ids=str)
    def test_a_layer_above_fits_any_size(self, shape: tuple[int, ...]) -> None:
        upper, z = Upper(shape, seed=0), torch.ones(2, *shape)
        above = upper.infer(z).mean
        assert above.shape[1:] == upper.shape_above(shape)
        assert upper.prior(above, shape[1:]).mean.shape == z.shape


class TestWindows:
    def test_the_border_is_seen_half_as_often_as_the_middle(self) -> None:
        trial = small_trial("sound")
        trial.data.signals.copy_(torch.arange(float(trial.size[0])))
        seen, visits = torch.zeros(trial.size[0]), Windows(trial, 0)
        for k in range(400):
            for window in visits.draw(k)[0]:
                seen[window[0].long()] += 1
        assert seen.sum() == 400 * WINDOWS * window.shape[1]
        assert seen.min() > 0.35 * seen.median()


class TestMember:
    @OF_ANY_KIND
    @pytest.mark.parametrize("form", FORMS, ids=str)
    def test_it_goes_on_exactly(self, kind: str, form: dict[str, int]) -> None:
        trial = small_trial(kind)
        assert goes_on_exactly(lambda: VAE(trial, 5, **form))

    @OF_ANY_KIND
    def test_stopped_midway_it_is_as_it_was(self, kind: str) -> None:
        member = VAE(small_trial(kind), 5, layers=2, draws=2)
        iterate(member, 1)
        assert leaves_as_it_was(member)

    @OF_ANY_KIND
    @pytest.mark.parametrize("form", FORMS[:2], ids=str)
    def test_it_makes_and_rebuilds_signals(self, kind: str, form: dict[str, int]) -> None:
        trial = small_trial(kind)
        member = VAE(trial, 5, **form)
        made = member.sample(2, 1, trial.size)
        assert made.shape == (2, *trial.data.signals.shape[1:])
        assert not torch.equal(made[0], made[1])
        assert torch.equal(made[:1], member.sample(1, 1, trial.size))
        assert not torch.equal(made, member.sample(2, 2, trial.size))
        assert member.rebuild(trial.held).shape == trial.held.shape

    @OF_ANY_KIND
    def test_its_decoder_is_a_model_of_the_studio(self, kind: str, tmp_path) -> None:
        trial = small_trial(kind)
        member = VAE(trial, 5)
        iterate(member, 3)
        path = tmp_path / "vae.safetensors"
        member.checkpoint().save(path)
        saved = Checkpoint.load(path)
        assert saved.spec.prior == "normal"
        assert saved.sigma == member.sigma
        with torch.no_grad():
            rebuilt = saved.generator()(saved.latents)
        torch.testing.assert_close(rebuilt, member.rebuild(trial.data.signals))

    def test_a_step_that_would_not_be_finite_is_not_taken(self) -> None:
        trial = small_trial("objects")
        member = VAE(trial, 5)
        trial.data.signals.fill_(math.nan)
        before = member.tensors()
        told = [list(member.alternation())[-1] for _ in range(8)]
        assert [t.diverged for t in told] == [False] * 7 + [True]
        after = member.tensors()
        assert all(torch.equal(before[name], after[name]) for name in before)

    def test_tensors_of_another_form_are_refused(self) -> None:
        one, two = (VAE(small_trial("objects"), 5, layers=n) for n in (1, 2))
        with pytest.raises(KeyError):
            two.resume(one.tensors(), 0, 0.0)
        with pytest.raises((ValueError, KeyError)):
            one.resume(VAE(small_trial("texture"), 5).tensors(), 0, 0.0)
