"""The transition s' = F(s, xi; alpha) of a film's states, driven by noise (Xie, Gao, Zheng, Zhu and
Wu, Learning Dynamic Generator Model by Alternating Back-Propagation Through Time, 2019)."""

import math
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from abp_core.adaptation.roots import roots
from abp_core.device import Exact

PUSH = 0.2  # of noise of size one, into a candidate, before anything is learnt
LARGEST = 0.95  # of a candidate that noise is asked to lead to, of 1
RIDGE = 0.03  # of the mean variance, for films with few frames
PACE = 1.5  # of the way to the candidate, as a logit


class Transition(Exact):
    """F(s, xi; alpha): s, xi (n, d) -> (n, d), all in [-1, 1] whatever xi is.

    The next state lies between this one and a candidate, the tanh of a linear map of both plus what
    a hidden layer adds to it. Untaught, it keeps a state where it is and lets noise push it about.
    """

    def __init__(self, d: int, features: int, draw: torch.Generator | None = None) -> None:
        """d: of a state and of its noise. features: of the hidden layer."""
        super().__init__()
        carry, drive = torch.empty(d, d + features), torch.empty(d, d + features)
        if not carry.is_meta:
            for weights, size in ((carry, 1.0), (drive, PUSH)):
                weights.normal_(generator=draw).mul_(1 / math.sqrt(d))
                weights[:, :d] = size * torch.eye(d)
        self.carry, self.drive = nn.Parameter(carry), nn.Parameter(drive)
        self.bias = nn.Parameter(torch.zeros(d + features))
        self.bend = nn.Parameter(torch.zeros(features, d))
        self.pace = nn.Parameter(torch.full((d,), PACE))

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> Self:
        """With these weights, by name, in double precision and memory of its own on the CPU."""
        features, d = weights["bend"].shape
        with torch.device("meta"):
            transition = cls(d, features)
        placed = {name: t.detach().cpu().double().clone() for name, t in weights.items()}
        transition.load_state_dict(placed, assign=True)
        return transition.requires_grad_(False)

    def forward(self, s: Tensor, xi: Tensor) -> Tensor:
        d = s.shape[1]
        straight, hidden = torch.split(
            s @ self.carry + xi @ self.drive + self.bias, [d, len(self.bend)], 1
        )
        candidate = torch.tanh(straight + F.leaky_relu(hidden, 0.2) @ self.bend)
        return torch.lerp(s, candidate, torch.sigmoid(self.pace))

    def roll_out(self, s: Tensor, xi: Tensor) -> Tensor:
        """The states (n, frames, d) to which noise xi (n, d, frames) leads from s (n, d)."""
        states = []
        with torch.autocast(s.device.type, enabled=False):
            for drawn in xi.unbind(2):
                s = self(s, drawn)
                states.append(s)
        return torch.stack(states, 1)

    @torch.no_grad()
    def begin_at(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Lets an untaught transition be a linear motion that suits states (frames, d), and noise
        of covariance I what it cannot tell of them. That noise (frames, d), and where it leads from
        the first of the states."""
        d, pace = states.shape[1], torch.sigmoid(self.pace)

        def candidate(here: Tensor, aim: Tensor) -> Tensor:
            return torch.atanh((here + (aim - here) / pace).clamp(-LARGEST, LARGEST))

        before, after = states[:-1], candidate(states[:-1], states[1:])
        still = torch.eye(d, device=states.device)  # where the states say little they stay
        gram = before.T @ before
        ridge = RIDGE * gram.diagonal().mean().clamp(min=1e-12) * still
        straight = torch.linalg.solve(gram + ridge, before.T @ after + ridge)
        left = after - before @ straight
        small = left.square().mean() + 1e-6
        inverse, root = roots(left.T @ left / len(left) + RIDGE * small * still, 2)
        self.carry[:, :d], self.drive[:, :d] = straight, root
        s, noise, led = states[:1], [], []
        for aim in torch.split(states, 1):
            noise.append((candidate(s, aim) - s @ straight) @ inverse)
            s = self(s, noise[-1])
            led.append(s)
        return torch.cat(noise), torch.cat(led)
