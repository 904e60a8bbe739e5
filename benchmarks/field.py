"""What a picture still differs by from what a model says of it: a stationary Gaussian field.

x = m + e: e at hidden pixels is predicted from e at the nearest seen ones (kriging in a moving
neighbourhood; Cressie, Statistics for Spatial Data, 1993), with the Matern covariance of exponent
3/2 over the distance, and an own part of each pixel. White noise, as in the model that is learnt,
would predict nothing.
"""

from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

NEAREST = 32  # seen pixels that a pixel is predicted from
LENGTHS, OWNS = (1.5, 3.0, 6.0), (0.02, 0.1, 0.3)  # to choose from
FITTED = 20  # pictures that the choice is made on


@dataclass(frozen=True, slots=True)
class Field:
    """length: of the covariance, in pixels. own: the share of the variance that is each pixel's
    own."""

    length: float
    own: float

    @classmethod
    def fitted(cls, left: Tensor, visible: Tensor, asked: Tensor) -> Self:
        """The one of LENGTHS and OWNS that predicts best what is left, (n, c, h, w), at seen pixels
        that were `asked`, (n, 1, h, w), from the others.

        What is left where a model learnt from a pixel is smaller than elsewhere, and alike over a
        shorter distance; so the model must not have learnt from what is asked.
        """
        left, asked = left[:FITTED], asked[:FITTED]
        known = visible[:FITTED] * (1 - asked)

        def missed(field: Self) -> float:
            total = 0.0
            for one, here, there in zip(left, known, asked, strict=True):
                predicted = field.predicted(one, here[0] > 0, there[0] > 0)
                total += float((predicted - one[:, there[0] > 0]).square().sum())
            return total

        return min((cls(*pair) for pair in product(LENGTHS, OWNS)), key=missed)

    def predicted(self, left: Tensor, known: Tensor, wanted: Tensor) -> Tensor:
        """What is left of one picture, (c, h, w), at its m wanted pixels, (c, m), in the order of
        rows, from what is known of it. known, wanted: (h, w), bool."""
        places, asked = known.argwhere().numpy(), wanted.argwhere().numpy()
        if not len(places) or not len(asked):
            return left.new_zeros(len(left), len(asked))
        _, near = cKDTree(places).query(asked, k=list(range(1, min(NEAREST, len(places)) + 1)))
        spots = torch.from_numpy(places[near].astype(np.float32))  # (m, nearest, 2)
        here = torch.from_numpy(asked.astype(np.float32))[:, None]
        between = self._covariance(torch.cdist(spots, spots))
        between += self.own * torch.eye(spots.shape[1])
        towards = self._covariance(torch.cdist(here, spots))
        weights = torch.linalg.solve(between, towards.mT)  # (m, nearest, 1)
        values = left[:, known][:, torch.from_numpy(near)]  # (c, m, nearest)
        return (values * weights[..., 0]).sum(-1)

    def _covariance(self, distance: Tensor) -> Tensor:
        steps = 3**0.5 * distance / self.length
        return (1 - self.own) * (1 + steps) * (-steps).exp()


def with_field(
    made: Tensor, pictures: Tensor, visible: Tensor, asked: Tensor
) -> tuple[Tensor, Field]:
    """What a model makes of pictures (n, c, h, w), `made`, and what they still differ by; asked:
    the pixels, (n, 1, h, w), that were seen but not learnt from."""
    left = (pictures - made) * visible
    field = Field.fitted(left, visible, asked)
    for one, shown in zip(left, visible, strict=True):
        hidden = shown[0] == 0
        one[:, hidden] = field.predicted(one, ~hidden, hidden)
    return made + left, field
