"""A prior learnt by flow matching (Lipman, Chen, Ben-Hamu, Nickel and Le 2023), for vector latents.

A velocity v(z, t) carries noise at t = 1 to latents at t = 0 along straight lines on average. It
is learnt from the latents as they stand; those that it does not see tell when to stop. A latent
prior of its own on top of alternating back-propagation is Pang, Han, Nijkamp, Zhu and Wu (2020)'s
idea.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import skip_init

from abp_core.noise import PRIOR_DRAW, chain_noise
from abp_core.priors.fields import LatentMap, Place
from abp_core.priors.known import Known
from abp_core.priors.normal import ONE_SIZE

WIDTH = 128  # features of the velocity
BLOCKS = 2
WAVES = 8  # frequencies by which it knows the time
DROPPED = 0.1  # share of features that learning leaves out at a time
BATCH = 256
RATE = 2e-3
HELD_BACK_SHARE = 0.1  # of the latents that only tell when to stop
LEAST = 16  # latents, below which there is nothing to hold back
EVERY = 50  # steps between two looks at what is held back
PATIENCE = 6  # looks without an improvement after which it stops
MOST_STEPS = 3000  # steps
MOVES = 30  # of a draw
BATCH_DRAWN = (
    64  # latents that are carried at once: kernels sum in an order that depends on how many
)


class Velocity(nn.Module):
    """v(z, t) for latents z (n, d) at times t (n,): residual blocks, time by scale and shift."""

    def __init__(self, d: int, *, seed: int = 0) -> None:
        super().__init__()
        self.opening = _linear(d, WIDTH)
        self.times = nn.ModuleList(_linear(2 * WAVES, 2 * WIDTH) for _ in range(BLOCKS))
        self.befores = nn.ModuleList(_linear(WIDTH, WIDTH) for _ in range(BLOCKS))
        self.afters = nn.ModuleList(_linear(WIDTH, WIDTH) for _ in range(BLOCKS))
        self.closing = _linear(WIDTH, d)
        draw = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                still = name.startswith(("afters", "closing")) or parameter.ndim == 1
                spread = 0.0 if still else 1 / math.sqrt(parameter.shape[1])
                parameter.copy_(spread * torch.randn(parameter.shape, generator=draw))

    def forward(self, z: Tensor, t: Tensor, kept: Tensor | None = None) -> Tensor:
        """kept (blocks, n, width): what learning leaves of the features, by which it scales."""
        angles = t[:, None] * (math.pi / 2 * torch.arange(1, WAVES + 1, device=t.device))
        time = torch.cat([angles.sin(), angles.cos()], 1)
        h = self.opening(z)
        for k, (when, before, after) in enumerate(
            zip(self.times, self.befores, self.afters, strict=True)
        ):
            scale, shift = when(time).chunk(2, 1)
            inner = F.silu(before(_normal(h) * (1 + scale) + shift))
            h = h + after(inner if kept is None else inner * kept[k])
        velocity: Tensor = self.closing(_normal(h))
        return velocity


def _linear(before: int, after: int) -> nn.Linear:
    """A layer whose weights are still to be drawn: it takes nothing of the process's own chance."""
    where = torch.get_default_device()
    layer: nn.Linear = skip_init(nn.Linear, before, after, device=where)  # type: ignore[no-untyped-call]
    return layer


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """A learnt prior of latents (d,), which it sees from their mean in units of their deviation."""

    velocity: Velocity
    mean: Tensor
    deviation: Tensor

    @torch.no_grad()
    def draw(self, n: int, seed: int) -> Tensor:
        """n latents (n, d), a function of the seed; the first k are the same whatever n is."""
        return self._out(self._integrate(self._noise(n, seed, 0), 1.0))

    def map(
        self, seed: int, *, periods: Place | None = None, known: Known | None = None
    ) -> LatentMap:
        """There is none. Raises ValueError."""
        raise ValueError(ONE_SIZE)

    @torch.no_grad()
    def perturb(self, z: Tensor, t: float, seed: int) -> Tensor:
        """Latents z (n, d) mixed with noise up to time t and carried back: at 0 the same ones,
        at 1 new ones, between them others like them."""
        noise = self._noise(len(z), seed, 0)
        return self._out(self._integrate(torch.lerp(self._in(z), noise, t), t)) if t else z

    @torch.no_grad()
    def complete(self, z: Tensor, known: Tensor, seed: int) -> Tensor:
        """Latents (n, d) that are those of z (n, d) where `known` (d,) is true; the rest is drawn
        to fit. At every time what is known stands where it would on its way, and every step is
        taken again a few times (Lugmayr et al. 2022)."""
        part, again = self._in(z), 4
        h = noise = self._noise(len(z), seed, 0)
        for move in range(MOVES, 0, -1):
            t, after = move / MOVES, (move - 1) / MOVES
            for turn in range(again):
                h = torch.where(known, torch.lerp(part, noise, t), h)
                h = self._heun_step(h, t, after)
                if turn < again - 1 and move > 1:  # back to t: same mean, and noise for the rest
                    noise = self._noise(len(z), seed, move * again + turn)
                    kept = (1 - t) / (1 - after)
                    h = h * kept + noise * math.sqrt(max(0.0, t**2 - (kept * after) ** 2))
        return torch.where(known, z, self._out(h))

    def tensors(self) -> dict[str, Tensor]:
        """All that it needs, by name."""
        weights = {f"velocity/{name}": p.detach() for name, p in self.velocity.named_parameters()}
        return {**weights, "mean": self.mean, "deviation": self.deviation}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self:
        """The inverse of `tensors`. Raises KeyError, ValueError or RuntimeError for others."""
        velocity = Velocity(len(tensors["mean"]))
        names = dict(velocity.named_parameters())
        if set(tensors) != {*(f"velocity/{name}" for name in names), "mean", "deviation"}:
            raise ValueError("tensors that a flow does not know")
        velocity.load_state_dict({name: tensors[f"velocity/{name}"] for name in names})
        if tensors["deviation"].shape != tensors["mean"].shape or (tensors["deviation"] <= 0).any():
            raise ValueError("deviations that are none")
        return cls(velocity.requires_grad_(False), tensors["mean"], tensors["deviation"])

    @staticmethod
    def shapes(d: int) -> dict[str, tuple[int, ...]]:
        """Of its tensors, by name."""
        with torch.device("meta"):
            weights = {f"velocity/{n}": tuple(p.shape) for n, p in Velocity(d).named_parameters()}
        return {**weights, "mean": (d,), "deviation": (d,)}

    def _in(self, z: Tensor) -> Tensor:
        return (z - self.mean) / self.deviation

    def _out(self, h: Tensor) -> Tensor:
        return h * self.deviation + self.mean

    def _noise(self, n: int, seed: int, k: int) -> Tensor:
        index, shape = torch.arange(n), (k + 1, len(self.mean))
        noise = chain_noise(seed=seed, sweep=PRIOR_DRAW, index=index, steps=1, shape=shape)
        return noise[0, :, k].to(self.mean.device)

    def _integrate(self, h: Tensor, t: float) -> Tensor:
        """From time t to 0."""
        for move in range(MOVES, 0, -1):
            h = self._heun_step(h, t * move / MOVES, t * (move - 1) / MOVES)
        return h

    def _heun_step(self, h: Tensor, t: float, after: float) -> Tensor:
        """One step of Heun's method."""
        now = self._velocities(h, t)
        then = self._velocities(h + (after - t) * now, after)
        return h + (after - t) / 2 * (now + then)

    def _velocities(self, h: Tensor, t: float) -> Tensor:
        lots = torch.split(F.pad(h, (0, 0, 0, -len(h) % BATCH_DRAWN)), BATCH_DRAWN)
        when = h.new_full((BATCH_DRAWN,), t)
        return torch.cat([self.velocity(lot, when) for lot in lots])[: len(h)]


@dataclass(frozen=True, slots=True, eq=False)
class FlowProgress:
    """flow: the best so far. step: of learning. loss, held_back: mean squares between the velocity
    and what it is to be, on what it learns from and on what it does not see."""

    flow: Flow
    step: int
    loss: float
    held_back: float


def learn(z: Tensor, seed: int, start: Flow | None = None) -> Iterator[FlowProgress]:
    """Learns from latents z (n, d), n at least 2, until those held back are met no better; the last
    flow is the best one. The same latents, seed and start always give the same flow.

    start: a flow learnt from earlier latents, to go on from.
    """
    z = z.detach().float().cpu()
    order = torch.randperm(len(z), generator=torch.Generator().manual_seed(seed % 2**63))
    held = order[: round(HELD_BACK_SHARE * len(z))] if len(z) >= LEAST else order
    seen = order[len(held) :] if len(z) >= LEAST else order
    mean, deviation = z[seen].mean(0), z[seen].std(0).clamp(min=1e-3)
    net, best = Velocity(z.shape[1], seed=seed % 2**63), Velocity(z.shape[1])
    if start is not None:
        net.load_state_dict(start.velocity.state_dict())
    averaged = Velocity(z.shape[1]).requires_grad_(False)
    averaged.load_state_dict(net.state_dict())
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE, betas=(0.9, 0.99))
    chance = torch.Generator().manual_seed((seed + 1) % 2**63)
    z = (z - mean) / deviation
    probes = _lines(z[held].repeat(max(1, 4096 // len(held)), 1), chance)
    lowest, since, total = math.inf, 0, 0.0
    for step in range(1, MOST_STEPS + 1):
        rows = seen[torch.randint(len(seen), (BATCH,), generator=chance)]
        kept = torch.rand((BLOCKS, BATCH, WIDTH), generator=chance) >= DROPPED
        loss = _loss(net, *_lines(z[rows], chance), kept / (1 - DROPPED))
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, step / 50) / (1 + step / 1000)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        total += loss.item()
        with torch.no_grad():
            share = max(0.02, 1 / step)
            for mine, theirs in zip(averaged.parameters(), net.parameters(), strict=True):
                mine.lerp_(theirs, share)
        if step % EVERY == 0:
            with torch.no_grad():
                held_back = _loss(averaged, *probes).item()
            if held_back < lowest - 1e-3:
                since, lowest = 0, held_back
                best = Velocity(z.shape[1]).requires_grad_(False)
                best.load_state_dict(averaged.state_dict())
            else:
                since += 1
            yield FlowProgress(Flow(best, mean, deviation), step, total / EVERY, held_back)
            total = 0.0
            if since == PATIENCE:
                return


def fit(z: Tensor, seed: int) -> Flow:
    """The flow that `learn` ends with."""
    *_, last = learn(z, seed)
    return last.flow


def _lines(z: Tensor, chance: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Places on the lines from latents to noise, their times, and the velocities there. Times in
    the middle are drawn more often than the ends (a logistic normal)."""
    noise = torch.randn(z.shape, generator=chance)
    t = torch.randn(len(z), generator=chance).sigmoid()
    return torch.lerp(z, noise, t[:, None]), t, noise - z


def _loss(
    net: Velocity, places: Tensor, t: Tensor, aims: Tensor, kept: Tensor | None = None
) -> Tensor:
    apart: Tensor = net(places, t, kept) - aims
    return apart.square().mean()


def _normal(h: Tensor) -> Tensor:
    normed: Tensor = F.rms_norm(h, h.shape[1:], eps=1e-6)
    return normed
