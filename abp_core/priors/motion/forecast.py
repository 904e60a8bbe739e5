"""What is expected of a film's latent maps some frames ahead.

Several guesses are mixed, each place from what is about it: that nothing changes, that all is as on
average, a matrix from the neighbourhood, and what came after the moments that looked alike. How
much each counts is learnt from the film itself, where it may not look at the moments nearby.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

AROUND = 2  # positions to every side of what a place's guess looks at
SEEN = 3  # frames that moments are compared by
APART = 6  # frames between a moment and those that it is compared with while weights are learnt
RIDGE = 3e-2  # of the mean variance
SHARPNESS = (0.03, 0.1, 0.3, 1.0)  # of what counts as alike, over how unlike moments are on average
MOST_STEPS = 2000  # of learning the shares
FOLDS = 4  # parts of the film, each guessed by the matrix of the others


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """z (n, c, h, w): the latents of a film. frames: how far ahead. matrix (25 c, c): from the
    neighbourhood, about the mean of each place. weights (guesses,): of the mixture. held
    (n - frames - SEEN + 1, c, h, w): what is expected after each frame but the first SEEN - 1, from
    moments that are not nearby."""

    z: Tensor
    frames: int
    matrix: Tensor
    weights: Tensor
    held: Tensor

    @classmethod
    def of(cls, z: Tensor, frames: int) -> Self:
        """Learns to look so many frames ahead from the latents (n, c, h, w) of a film of more than
        `frames` + 16 frames."""
        z = z.detach().float()
        mean, ends = z.mean(0), z[frames:] - z.mean(0)
        inputs = _neighbourhoods(z[:-frames] - mean)
        moments = torch.arange(SEEN - 1, len(z) - frames)
        fold = moments * FOLDS // len(z)
        held = torch.zeros(len(moments), *z.shape[1:])
        for k in range(FOLDS):
            far = (torch.arange(len(inputs)) * FOLDS // len(z)) != k
            held[fold == k] = _apply(_solve(inputs[far], ends[far]), inputs[moments[fold == k]])
        here, unlike = z[moments], _unlike(z, z)
        ahead = z[moments + frames]
        near = (moments[:, None] - moments[None]).abs() < APART
        alike = _alike(unlike[:, moments][:, :, moments], ahead, ahead - here, here, near)
        guesses = torch.stack([here - mean, held, *(guess - mean for guess in alike)])
        flat = guesses.flatten(1).double()
        gram = flat @ flat.T
        weights = shares_of(gram, flat @ (ahead - mean).flatten().double())
        expected = mean + torch.tensordot(weights.float(), guesses, 1)
        return cls(z, frames, _solve(inputs, ends), weights.float(), expected)

    def predict(self, z: Tensor) -> Tensor:
        """What is expected after each frame but the first SEEN - 1 of a film's latents z
        (n, c, h, w), (n - SEEN + 1, c, h, w)."""
        mean, now = self.z.mean(0), z[SEEN - 1 :]
        moments = torch.arange(SEEN - 1, len(self.z) - self.frames)
        here, ahead = self.z[moments], self.z[moments + self.frames]
        unlike = _unlike(z, self.z)[:, SEEN - 1 :][:, :, moments]
        alike = _alike(unlike, ahead, ahead - here, now, None)
        linear = _apply(self.matrix, _neighbourhoods(now - mean))
        guesses = torch.stack([now - mean, linear, *(guess - mean for guess in alike)])
        expected: Tensor = mean + torch.tensordot(self.weights, guesses, 1)
        return expected


def shares_of(gram: Tensor, aims: Tensor) -> Tensor:
    """The shares w, none below 0 and together at most 1, at which w' gram w / 2 - w' aims is least,
    by exponentiated gradients; what is left to 1 falls to the mean."""
    w = torch.full((len(aims) + 1,), 1 / (len(aims) + 1), dtype=gram.dtype)
    step = 1.0 / float(gram.diagonal().mean().clamp(min=1e-12))
    for _ in range(MOST_STEPS):
        slope = torch.cat([gram @ w[:-1] - aims, gram.new_zeros(1)])
        w = w * (-step * slope).exp()
        w /= w.sum()
    return w[:-1]


def _neighbourhoods(z: Tensor) -> Tensor:
    """What lies about every place of maps (n, c, h, w), (n, 25 c, h, w)."""
    side = 2 * AROUND + 1
    found: Tensor = F.unfold(z, side, padding=AROUND)
    return found.view(len(z), -1, *z.shape[2:])


def _solve(inputs: Tensor, ends: Tensor) -> Tensor:
    """The matrix that leads from inputs (n, k, h, w) to ends (n, c, h, w), by ridge regression."""
    a, b = (t.transpose(0, 1).flatten(1).double() for t in (inputs, ends))
    gram = a @ a.T
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
    matrix: Tensor = torch.linalg.solve(gram, a @ b.T)
    return matrix.float()


def _apply(matrix: Tensor, inputs: Tensor) -> Tensor:
    applied: Tensor = torch.einsum("kc,nkhw->nchw", matrix, inputs)
    return applied


def _unlike(a: Tensor, b: Tensor) -> Tensor:
    """How unlike the last SEEN frames of two films are about every place, (places, a, b)."""
    rows, columns = (_neighbourhoods(z).flatten(2).permute(2, 0, 1) for z in (a, b))
    single = torch.cdist(rows, columns).square()
    total = single.clone()
    for k in range(1, SEEN):
        total[:, k:, k:] += single[:, :-k, :-k]
    return total


def _alike(
    unlike: Tensor, ahead: Tensor, moved: Tensor, now: Tensor, near: Tensor | None
) -> list[Tensor]:
    """What came after moments that looked alike, and by how much they moved, for every sharpness.
    unlike (places, n, moments)."""
    usual = unlike.mean((1, 2), keepdim=True).clamp(min=1e-9)
    guesses = []
    for sharpness in SHARPNESS:
        scores = -unlike / (usual * sharpness)
        scores = scores if near is None else scores.masked_fill(near, -torch.inf)
        shares = scores.softmax(2)
        for what, base in ((ahead, 0.0), (moved, now)):
            flat = shares @ what.flatten(2).permute(2, 0, 1)
            guesses.append(base + flat.permute(1, 2, 0).reshape(len(now), *what.shape[1:]))
    return guesses
