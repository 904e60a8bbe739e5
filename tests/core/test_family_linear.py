"""The linear case: probabilistic PCA against closed forms, fields of blocks against statistics."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from abp_core.data.datasets import Dataset, Source
from abp_core.evaluation.objects import pca_reconstruction
from abp_core.family.blocks import from_blocks, spot_noise, to_blocks
from abp_core.family.linear import PCA, leading
from abp_core.family.pace import finish
from abp_core.family.trial import Trial
from benchmarks.evidence.family_latent import principal_components
from tests.members import KINDS, goes_on_exactly, iterate, leaves_as_it_was, small_trial
from tests.tiny import NETWORKS, training

OF_ANY_KIND = pytest.mark.parametrize("kind", KINDS)


def learnt(kind: str) -> PCA:
    member = PCA(small_trial(kind), 0)
    iterate(member, 1)
    return member


class TestClosedForm:
    @pytest.mark.parametrize(("rows", "entries"), [(60, 200), (400, 50)], ids=["wide", "tall"])
    def test_weights_noise_and_likelihood(self, rows: int, entries: int) -> None:
        found = principal_components(rows, entries, 5)
        assert found["weights"] < 1e-5
        assert found["noise_level"] < 1e-5
        assert found["likelihood"] < 0.01

    def test_energy_is_that_of_a_multivariate_normal(self) -> None:
        """Of pictures of 3 x 4 x 4, whose covariance can be written out."""
        x = 0.3 * torch.randn(100, 48, generator=torch.Generator().manual_seed(0))
        x[:, :6] += x[:, 6:12]
        signals = x.view(100, 3, 4, 4)
        data = Dataset(signals[:90], Source(kind="objects", name="made"))
        trial = Trial(data, signals[90:], training(NETWORKS["objects"]))
        member = PCA(trial, 0)
        iterate(member, 1)
        w, level = member.model.weights.double(), float(member.model.variance)
        known = multivariate_normal(
            member.model.mean.double().numpy(), (w @ w.T).numpy() + level * np.eye(48)
        )
        found = -member.energy(trial.held).double().numpy()
        assert found == pytest.approx(known.logpdf(x[90:].double().numpy()), abs=1e-3)

    def test_samples_have_the_covariance_of_the_factors(self) -> None:
        member = learnt("objects")
        x = member.sample(4000, 0, member.trial.size).flatten(1) - member.model.mean
        expected = member.model.weights @ member.model.weights.T
        assert (torch.cov(x.T) - expected).abs().max() < 0.1 * expected.abs().max()

    def test_it_rebuilds_as_principal_components_do(self) -> None:
        member = learnt("objects")
        trial = member.trial
        expected = pca_reconstruction(trial.data.signals, trial.held, len(member.model.variances))
        torch.testing.assert_close(member.rebuild(trial.held), expected, atol=1e-4, rtol=0)

    def test_leading_eigenvectors(self) -> None:
        draw = torch.Generator().manual_seed(0)
        root = torch.randn(80, 80, generator=draw, dtype=torch.float64)
        matrix = root @ root.T
        values, vectors = finish(leading(matrix, 4))
        expected, _ = torch.linalg.eigh(matrix)
        torch.testing.assert_close(values, expected.flip(0)[:4])
        torch.testing.assert_close(matrix @ vectors, vectors * values, atol=1e-3, rtol=0)


class TestBlocks:
    @pytest.mark.parametrize("shape", [(2, 3, 8, 12), (2, 1, 20)], ids=str)
    def test_there_and_back(self, shape: tuple[int, ...]) -> None:
        x = torch.arange(float(np.prod(shape))).view(shape)
        assert torch.equal(from_blocks(to_blocks(x, 4), shape[1]), x)

    def test_a_block_is_a_part_of_the_picture(self) -> None:
        x = torch.arange(2.0 * 3 * 8 * 12).view(2, 3, 8, 12)
        assert torch.equal(to_blocks(x, 4)[1, 0, 2].view(3, 4, 4), x[1, :, :4, 8:])

    def test_a_field_has_the_covariance_of_its_spot(self) -> None:
        """Neighbours and channels among each other, over many draws; what lies far apart is
        independent."""
        draw = torch.Generator().manual_seed(0)
        rough = torch.randn(40, 40, 2, generator=draw)
        spot = rough + 0.8 * rough.roll(1, 0) + 0.5 * rough.flip(2).roll(1, 1)
        spot = spot - spot.mean((0, 1))
        fields = spot_noise(spot, torch.randn(400, 40, 48, generator=draw))
        for (down, right), (a, b) in product([(0, 0), (1, 0), (0, 1), (10, 9)], [(0, 0), (0, 1)]):
            pairs = fields[..., a] * fields.roll((-down, -right), (1, 2))[..., b]
            theirs = spot[: 40 - down, : 40 - right, a] * spot[down:, right:, b]
            assert float(pairs.mean()) == pytest.approx(float(theirs.mean()), abs=0.15)

    @pytest.mark.parametrize("kind", ["texture", "sound"])
    def test_samples_vary_as_much_as_what_the_components_explain(self, kind: str) -> None:
        member = learnt(kind)
        made = member.sample(40, 0, member.trial.size)
        explained = member.rebuild(member.trial.data.signals)
        assert float(made.var()) == pytest.approx(float(explained.var()), rel=0.25)


class TestMember:
    @OF_ANY_KIND
    def test_it_learns_once_and_says_so(self, kind: str) -> None:
        member = PCA(small_trial(kind), 0)
        *moves, told = member.alternation()
        assert moves
        assert set(moves) == {None}
        assert told.learnt
        before = member.tensors()
        assert next(iter(member.alternation())).learnt
        assert member.iteration == 1
        assert all(torch.equal(t, before[name]) for name, t in member.tensors().items())

    @OF_ANY_KIND
    def test_it_goes_on_exactly(self, kind: str) -> None:
        trial = small_trial(kind)
        assert goes_on_exactly(lambda: PCA(trial, 0), 0, 1)
        assert goes_on_exactly(lambda: PCA(trial, 0), 1, 1)

    @OF_ANY_KIND
    def test_stopped_midway_it_is_as_it_was(self, kind: str) -> None:
        assert leaves_as_it_was(PCA(small_trial(kind), 0))

    @pytest.mark.parametrize("kind", ["texture", "sound"])
    def test_samples_of_any_size(self, kind: str) -> None:
        member = learnt(kind)
        size = tuple(n + 13 for n in member.trial.size)
        assert member.sample(2, 0, size).shape[2:] == size
        small = tuple(n // 2 for n in member.trial.size)
        whole = member.sample(1, 0, member.trial.size)
        for axis, n in enumerate(small, start=2):
            whole = whole.narrow(axis, 0, n)
        torch.testing.assert_close(member.sample(1, 0, small), whole)

    def test_before_it_learnt_it_makes_the_mean(self) -> None:
        member = PCA(small_trial("objects"), 0)
        mean = member.trial.data.signals.mean(0)
        torch.testing.assert_close(member.sample(1, 0, member.trial.size)[0], mean)
        assert member.energy(member.trial.held).isfinite().all()

    def test_a_model_of_other_data_is_refused(self) -> None:
        with pytest.raises(ValueError, match="other data"):
            learnt("objects").resume(learnt("sound").tensors(), 1, 0.0)
