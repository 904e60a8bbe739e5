"""What a picture still differs by from what a model says of it: a stationary Gaussian field.

x = m + e: e at hidden pixels is predicted from e at seen ones (kriging; Cressie, Statistics for
Spatial Data, 1993), with the covariance s^2 exp(-distance / length), and an own part of each pixel.
White noise, as in the model that is learnt, would predict nothing.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from scipy.optimize import curve_fit
from torch import Tensor

FARTHEST = 8  # pixels from a hidden pixel that still are asked; and lags that are fitted


@dataclass(frozen=True, slots=True)
class Field:
    """length: over which the covariance falls to 1 / e, in pixels. own: the share of the variance
    that is each pixel's own."""

    length: float
    own: float

    @classmethod
    def fitted(cls, left: Tensor, visible: Tensor) -> Self:
        """To the covariances of what is left, (n, c, h, w), between seen pixels of one row or
        column."""
        left = left * visible
        variance = float(left.square().sum() / visible.expand_as(left).sum())
        falls = []
        for lag in range(1, FARTHEST + 1):
            products, pairs = 0.0, 0.0
            for axis in (2, 3):
                size = left.shape[axis] - lag
                both = visible.narrow(axis, 0, size) * visible.narrow(axis, lag, size)
                product = left.narrow(axis, 0, size) * left.narrow(axis, lag, size)
                products += float(product.sum())
                pairs += float(both.expand_as(product).sum())
            falls.append(products / max(pairs, 1) / max(variance, 1e-12))
        lags = np.arange(1, FARTHEST + 1)
        (length, common), _ = curve_fit(
            lambda lag, length, common: common * np.exp(-lag / length),
            lags,
            np.array(falls),
            p0=(3.0, 0.8),
            bounds=((0.3, 0.05), (50.0, 0.999)),
        )
        return cls(float(length), 1 - float(common))

    def filled(self, left: Tensor, visible: Tensor) -> Tensor:
        """What is left of one picture, (c, h, w), predicted at its hidden pixels."""
        mask = visible[0].bool().numpy()
        near = distance_transform_edt(mask) <= FARTHEST
        places = torch.from_numpy(np.argwhere(mask & near)).float()
        wanted = torch.from_numpy(np.argwhere(~mask)).float()
        if not len(places) or not len(wanted):
            return left * visible
        between = self._covariance(torch.cdist(places, places))
        between += self.own * torch.eye(len(places))
        known = left[:, mask & near].T  # (places, c)
        weights = torch.cholesky_solve(known, torch.linalg.cholesky(between))
        predicted = self._covariance(torch.cdist(wanted, places)) @ weights
        result = left * visible
        result[:, ~mask] = predicted.T
        return result

    def _covariance(self, distance: Tensor) -> Tensor:
        return (1 - self.own) * (-distance / self.length).exp()


def with_field(made: Tensor, pictures: Tensor, visible: Tensor) -> tuple[Tensor, Field]:
    """What a model makes of pictures (n, c, h, w), `made`, and what they still differ by."""
    left = (pictures - made) * visible
    field = Field.fitted(left, visible)
    rest = [field.filled(one, mask) for one, mask in zip(left, visible, strict=True)]
    return made + torch.stack(rest), field
