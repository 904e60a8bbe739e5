"""The linear case, exact: principal components and the Gaussian that they make.

x = mean + W z + e with z ~ N(0, I_d), e ~ N(0, s^2 I): probabilistic PCA (Tipping and Bishop,
Probabilistic Principal Component Analysis, 1999), whose greatest likelihood has a closed form. It
is what ABP learns where f is linear. Of a set the rows are its pictures; of one picture or sound
they are its blocks, one for every position of ABP's latent map and with as many numbers, and a new
map of these is a stationary Gaussian field of their own covariance (spot noise: Galerne, Gousseau
and Morel, Random Phase Textures, 2011).
"""

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.family.blocks import from_blocks, spot_noise, to_blocks
from abp_core.family.member import Shown, Told
from abp_core.family.pace import timed
from abp_core.family.trial import Trial
from abp_core.noise import PRIOR_DRAW, chain_noise

AT_ONCE = 5e8  # multiplications of a move
BESIDE = 10  # directions that are followed beside twice those that are wanted
MOST_TURNS = 500  # of the subspace
CLOSE = 1e-7  # residual of a component, as a share of the first one's variance
LEAST = 5e-6  # variance of e in signals in [-1, 1]: about that of rounding to bytes
DRAWN = 8  # components that are shown
WIDTH = 2.0  # deviations by which they are shown


@dataclass(frozen=True, slots=True)
class LinearGaussian:
    """N(mean, W W^T + variance I) in D dimensions, by its principal axes: mean (D,), components
    (d, D), orthonormal rows, and the variances (d,) along them; variance (): along all others."""

    mean: Tensor
    components: Tensor
    variances: Tensor
    variance: Tensor

    @classmethod
    def round_one(cls, mean: Tensor, variance: float) -> Self:
        """Without a component."""
        return cls(mean, mean.new_zeros(0, len(mean)), mean.new_zeros(0), torch.tensor(variance))

    @property
    def weights(self) -> Tensor:
        """W, (D, d): the maximum of the likelihood (Tipping and Bishop 1999, equation 7)."""
        return self.components.T * (self.variances - self.variance).clamp(min=0).sqrt()

    @property
    def unexplained(self) -> float:
        """Share of the variance that the components leave."""
        rest = self.variance * (len(self.mean) - len(self.variances))
        return float(rest / (rest + self.variances.sum()))

    def scores(self, x: Tensor) -> Tensor:
        """(..., d), of x (..., D), along the components."""
        return (x - self.mean) @ self.components.T

    def at(self, scores: Tensor) -> Tensor:
        """What has such scores (..., d), and nothing beside, (..., D)."""
        return self.mean + scores @ self.components

    def log_density(self, x: Tensor) -> Tensor:
        """(n,), in nats, of x (n, D)."""
        scores, total = self.scores(x).double(), (x - self.mean).double().square().sum(1)
        along, rest = self.variances.double(), self.variance.double()
        squares = scores.square()
        distance = (squares / along).sum(1) + (total - squares.sum(1)) / rest
        others = x.shape[1] - len(along)
        volume = along.log().sum() + others * rest.log() + x.shape[1] * math.log(2 * math.pi)
        return -(distance + volume) / 2


def fit(rows: Tensor, d: int) -> Generator[None, None, LinearGaussian]:
    """The Gaussian of greatest likelihood with d components, or as many as there are, of rows (n,
    D), in small moves."""
    n, entries = rows.shape
    mean = rows.mean(0)
    gram = yield from _products(rows - mean, wide=n <= entries)
    kept = min(d, n - 1, entries)
    values, vectors = yield from leading(gram, kept)
    total, variances = gram.trace() / n, values / n
    if n <= entries:  # they are of the rows; those of the entries are sums of rows
        vectors = (rows - mean).T @ (vectors / values.sqrt()).float()
    rest = (total - variances.sum()) / max(entries - kept, 1)
    variance = rest.clamp(min=LEAST)
    return LinearGaussian(
        mean,
        vectors.T.float().contiguous(),
        variances.clamp(min=variance).float(),
        variance.float(),
    )


def _products(x: Tensor, *, wide: bool) -> Generator[None, None, Tensor]:
    """x x^T where x is wide, else x^T x: the smaller of both, in double precision."""
    left = x if wide else x.T
    side = len(left)
    total = torch.zeros(side, side, dtype=torch.float64)
    for part in torch.split(left, max(1, int(AT_ONCE / side**2)), 1):
        total += part @ part.T
        yield
    return total


def leading(matrix: Tensor, k: int) -> Generator[None, None, tuple[Tensor, Tensor]]:
    """The k greatest eigenvalues of a symmetric matrix (m, m) without negative ones, descending,
    and their vectors (m, k): a subspace that the matrix turns towards them (Rutishauser 1970)."""
    side = len(matrix)
    draw = torch.Generator().manual_seed(0)
    block = min(side, 2 * k + BESIDE)
    basis = torch.randn(side, block, dtype=matrix.dtype, generator=draw)
    for _ in range(MOST_TURNS):
        basis, _ = torch.linalg.qr(matrix @ basis)
        turned = matrix @ basis
        values, inner = torch.linalg.eigh(basis.T @ turned)
        values, inner = values.flip(0)[:k], inner.flip(1)[:, :k]
        vectors = basis @ inner
        left = (turned @ inner - vectors * values).norm(dim=0)
        yield
        if float(left.max()) <= CLOSE * float(values[0]):
            break
    return values, vectors


class PCA:
    """A member (see member.py) that learns all that there is in one iteration, and does nothing in
    later ones. Of a set it knows the likelihood."""

    def __init__(self, trial: Trial, seed: int) -> None:
        self.trial, self.seed = trial, seed
        self.iteration, self.seconds = 0, 0.0
        rows = self._rows(trial.data.signals)
        self.model = LinearGaussian.round_one(rows.mean(0), trial.data.deviation**2)

    @property
    def parameters(self) -> int:
        """How many numbers it learns."""
        d, entries = self.model.components.shape
        return (d + 1) * entries + 1

    def alternation(self) -> Iterator[Told | None]:
        for told in timed(self._moves()):
            self.seconds += told.seconds if told else 0.0
            yield told

    def _moves(self) -> Iterator[Told | None]:
        if not self.iteration:
            d = self.trial.spec.generator.latent_shape[0]
            self.model = yield from fit(self._rows(self.trial.data.signals), d)
            self.iteration = 1
        yield Told(self.iteration, self.model.unexplained, 0.0, learnt=True)

    def sample(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        """Of a set mean + W z; of one picture or sound a Gaussian field of scores, any size."""
        index = torch.arange(n)
        if not self._unit:
            shape = (len(self.model.variances),)
            z = chain_noise(seed=seed, sweep=PRIOR_DRAW, index=index, steps=1, shape=shape)[0]
            return (self.model.mean + z @ self.model.weights.T).view(
                n, *self.trial.data.signals.shape[1:]
            )
        scores = self.model.scores(to_blocks(self.trial.data.signals, self._unit)[0])
        grid = [-(-side // self._unit) for side in size]
        torus = tuple(max(a, b) for a, b in zip(grid, scores.shape, strict=False))
        white = chain_noise(seed=seed, sweep=PRIOR_DRAW, index=index, steps=1, shape=torus)[0]
        x = from_blocks(self.model.at(spot_noise(scores, white)), self._channels)
        for axis, side in enumerate(size, start=2):
            x = x.narrow(axis, 0, side)
        return x.contiguous()

    def rebuild(self, x: Tensor) -> Tensor:
        """Its projection on the components; a picture or sound block by block."""
        if not self._unit:
            return self.model.at(self.model.scores(x.flatten(1))).view_as(x)
        return from_blocks(self.model.at(self.model.scores(to_blocks(x, self._unit))), x.shape[1])

    def energy(self, x: Tensor) -> Tensor | None:
        """Of a picture of a set, exactly; the field of one picture or sound has no density."""
        return None if self._unit else -self.model.log_density(x.flatten(1)).float()

    def show(self) -> tuple[Shown, ...]:
        """The first components, of pictures."""
        if self.trial.kind == "sound" or not len(self.model.variances):
            return ()
        along = self.model.components * self.model.variances.sqrt()[:, None]
        x = self.model.mean + WIDTH * along[:DRAWN]
        size = [self._unit] * 2 if self._unit else self.trial.size
        shape = (self._channels, *size)
        return (Shown("Along each component", x.reshape(-1, *shape)),)

    def tensors(self) -> dict[str, Tensor]:
        model = self.model
        held = {"mean": model.mean, "components": model.components, "variances": model.variances}
        return {name: t.clone() for name, t in {**held, "variance": model.variance}.items()}

    def resume(self, tensors: Mapping[str, Tensor], iteration: int, seconds: float) -> None:
        mean, components, variances, variance = (
            tensors[name] for name in ("mean", "components", "variances", "variance")
        )
        d = len(variances)
        known = (mean.shape, components.shape, variances.shape, variance.shape)
        if known != (self.model.mean.shape, (d, len(self.model.mean)), (d,), ()):
            raise ValueError("a model of other data")
        self.model = LinearGaussian(mean, components, variances, variance)
        self.iteration, self.seconds = iteration, seconds

    def checkpoint(self) -> Checkpoint | None:
        """None: it is no generator of the studio."""
        return None

    @property
    def _unit(self) -> int:
        """Entries of a block along a side; 0 of a set."""
        network = self.trial.spec.generator
        return network.enlargement if network.spatial else 0

    @property
    def _channels(self) -> int:
        return self.trial.data.signals.shape[1]

    def _rows(self, x: Tensor) -> Tensor:
        return to_blocks(x, self._unit).flatten(0, -2) if self._unit else x.flatten(1)
