"""The linear model as a yardstick: probabilistic PCA of incomplete pictures, by EM.

x = mean + W z + e, z ~ N(0, I_d), e ~ N(0, s^2 I) (Tipping and Bishop, Probabilistic Principal
Component Analysis, 1999), where entries are missing at random (Ilin and Raiko, Practical Approaches
to Principal Component Analysis in the Presence of Missing Values, 2010).
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

ROUNDS = 15
HELD_OUT = 0.1  # of the pixels that were seen, to choose the number of components by
LEAST = 1e-4  # variance of e in signals in [-1, 1]: about that of rounding to bytes
LOT = 100  # pictures whose statistics are taken at once, to bound memory


@dataclass(frozen=True, slots=True)
class LinearModel:
    """mean (c, p) of c channels and p pixels, loadings W (c, p, d), variance s^2.

    Pictures are y (n, c, p), with the pixels that were seen (n, p): 1 or 0, for all channels.
    """

    mean: Tensor
    loadings: Tensor
    variance: Tensor

    def posterior(self, y: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (n, d) and covariance (n, d, d) of z given what was seen."""
        d = self.loadings.shape[2]
        pairs = torch.einsum("cpi,cpj->pij", self.loadings, self.loadings).flatten(1)
        precision = (seen @ pairs).view(-1, d, d) / self.variance
        covariance = torch.linalg.inv(precision.double() + torch.eye(d)).float()
        left = (y - self.mean) * seen[:, None]
        pulls = left.flatten(1) @ self.loadings.flatten(0, 1) / self.variance
        return torch.einsum("nij,nj->ni", covariance, pulls), covariance

    def completed(self, y: Tensor, seen: Tensor) -> Tensor:
        """E[x | what was seen] without the noise e, (n, c, p)."""
        z, _ = self.posterior(y, seen)
        return self.mean + (z @ self.loadings.flatten(0, 1).T).view_as(y)

    @classmethod
    def fitted(
        cls, y: Tensor, seen: Tensor, d: int, *, rounds: int = ROUNDS, seed: int = 0
    ) -> Self:
        """By EM from the pixels that were seen.

        The rows of W have a Gaussian prior, by which d factors make the pictures' variance: where
        few pictures show a pixel, its row would follow their noise.
        """
        y = y * seen[:, None]
        mean = y.sum(0) / seen.sum(0).clamp(min=1)
        left = (y - mean) * seen[:, None]
        spread = left.square().sum() / (seen.sum() * y.shape[1])
        draw = torch.Generator().manual_seed(seed)
        loadings = torch.randn(*y.shape[1:], d, generator=draw) * (spread / d).sqrt()
        model = cls(mean, loadings, spread / 2)
        for _ in range(rounds):
            model = model._improved(y, seen, spread / d)
        return model

    def _improved(self, y: Tensor, seen: Tensor, width: Tensor) -> Self:
        """One round of EM. The mean is learnt as the loading of a factor that is always 1. width:
        variance of the loadings' prior."""
        d = self.loadings.shape[2]
        channels, pixels = self.mean.shape
        moments = torch.zeros(pixels, (d + 1) ** 2)
        gathered, codes = torch.zeros(d + 1, d + 1), torch.zeros(0, d + 1)
        products = torch.zeros(channels * pixels, d + 1)
        for here, there in zip(y.split(LOT), seen.split(LOT), strict=True):
            z, covariance = self.posterior(here, there)
            z = torch.cat([z, torch.ones(len(z), 1)], 1)
            second = z[:, :, None] * z[:, None, :]
            second[:, :d, :d] += covariance
            moments += there.T @ second.flatten(1)
            gathered, codes = gathered + second.sum(0), torch.cat([codes, z])
            products += here.flatten(1).T @ z
        second = moments.view(pixels, d + 1, d + 1)
        prior = torch.eye(d + 1) * self.variance / width
        prior[d, d] = 1e-6 * self.variance
        right = products.view(channels, pixels, d + 1).permute(1, 2, 0)
        wide = torch.linalg.solve((second + prior).double(), right.double()).float()
        explained = 2 * (wide * right).sum() - torch.einsum("pic,pij,pjc->", wide, second, wide)
        left = (y.square().sum() - explained) / (seen.sum() * channels)
        wide = wide.permute(2, 0, 1)
        # The z that were found need not have the prior's moments: W and the mean take up the
        # change, or EM settles it slowly (Liu, Rubin and Wu, Parameter Expansion, 1998).
        centre = codes[:, :d].mean(0)
        spread = (gathered[:d, :d] / len(y)) - torch.outer(centre, centre)
        loadings = wide[..., :d] @ torch.linalg.cholesky(spread + 1e-4 * torch.eye(d))
        return type(self)(wide[..., d] + wide[..., :d] @ centre, loadings, left.clamp(min=LEAST))


def completed(pictures: Tensor, visible: Tensor, dimensions: tuple[int, ...]) -> tuple[Tensor, int]:
    """All of the pictures (n, c, h, w) from what `visible` (n, 1, h, w) shows of them, by a model
    with as many of `dimensions` as recover held-out seen pixels best; and how many those are."""
    y, seen = pictures.flatten(2), visible.flatten(1)
    draw = torch.Generator().manual_seed(1)
    kept = seen * (torch.rand(seen.shape, generator=draw) > HELD_OUT)
    asked = (seen - kept)[:, None]

    def error(d: int) -> float:
        made = LinearModel.fitted(y, kept, d).completed(y, kept)
        return float(((made - y) * asked).square().sum())

    best = min(dimensions, key=error) if len(dimensions) > 1 else dimensions[0]
    model = LinearModel.fitted(y, seen, best)
    return model.completed(y, seen).view_as(pictures), best
