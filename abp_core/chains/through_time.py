"""One persistent chain over the noise that drives a whole film, visited stretch by stretch.

What noise says of a frame is felt in all that follow. So a stretch of frames is inferred together,
from the state before it, which is held: both inference and learning go back in time as far as the
stretch begins (truncated back-propagation through time; Xie, Gao, Zheng, Zhu and Wu 2019).

    film      . . . . . . . . . . . . . . . . . .
    state             s                             before the stretch: held
    noise               # # # # # #                 moved
    frames              = = = = = =                 the misfit counts

A push at one frame moves all later ones, and the next push may take it back. So what walks move
is where all pushes of the stretch together lead, z_t = xi_1 + ... + xi_t, of which every frame has
its own: its posterior is about as wide at every frame. The prior of xi_t = z_t - z_(t-1) is N(0, I)
still.
"""

import torch
from torch import Tensor, nn

from abp_core.chains.examples import Chains, choose_visited
from abp_core.chains.windows import Schedule
from abp_core.data.pca import start_at_components
from abp_core.noise import chain_noise
from abp_core.observation import Observation, Stretched
from abp_core.ranks import ALONE, Ranks
from abp_core.spec import TrainingSpec
from abp_core.transition import Transition

SPREAD = 0.35  # of the states that a film begins with


class ThroughTime(Chains):
    """The states z (n, d) of a film's n frames, of which y (n, ...) was seen, and the noise that
    drives them, walked (n, d); see Chains in examples.py, where those visited are stretches.

    before (d,): the state before the first frame, held. transition: F, whose weights learning
    moves. whole (n, ...): y, filled in where it was not seen, at whose principal components states
    begin, and F with them; None to begin with noise from the prior.
    """

    lot = 0  # visits are all alike: a stretch has no company that changes

    def __init__(
        self,
        spec: TrainingSpec,
        y: Tensor,
        whole: Tensor | None,
        observation: Observation,
        device: torch.device,
        transition: Transition,
        ranks: Ranks = ALONE,
    ) -> None:
        self._seed, self._steps, self._ranks = spec.seed, spec.langevin.steps, ranks
        self._transition, self._y = transition, y.to(device)
        n, d = len(y), spec.generator.latent_shape[0]
        self._frames = frames = min(spec.stretch, n)
        self._schedule = Schedule((n,), (frames,), spec.seed)
        self._states = torch.zeros(n + 1, d, device=device)  # the first stands before the film
        self.before, self.z = self._states[0], self._states[1:]
        self._xi = self._noise(torch.arange(n), sweep=0, steps=1)[0].to(device)
        if whole is None:
            self.roll_out()
        else:
            aims = self._xi.clone()
            start_at_components(aims, whole)
            self.before[:] = SPREAD * aims[0]
            noise, led = transition.begin_at(SPREAD * aims)
            self._xi.copy_(noise)
            self.z.copy_(led)
        self.minibatch = min(spec.batch_size, self._schedule.windows)
        self._sums = torch.ones(frames, frames, device=device).triu()
        self.given = {name: t.to(device) for name, t in self.draw(0).items()}
        self.index = self._mine().clone()
        self.y, self._before = self._y[self.index], self._states[self.index[:, 0]]
        self.observation: Observation = Stretched(observation.on(device))

    @property
    def walked(self) -> Tensor:
        return self._xi

    @property
    def beside(self) -> dict[str, Tensor]:
        return {"noise": self._xi, "before": self.before}

    def draw(self, iteration: int) -> dict[str, Tensor]:
        windows, k = self._schedule.windows, self.minibatch
        places = torch.tensor(self._schedule.places(iteration // (windows // k)))
        chosen = choose_visited(self._seed, iteration, windows, k)
        frames = places[chosen] + torch.arange(self._frames)
        mine = frames[self._ranks.part(k)]
        noise = self._noise(mine.flatten(), sweep=iteration + 1, steps=self._steps)
        shaped = noise.reshape(len(noise), *mine.shape, -1).transpose(2, 3).contiguous()
        return {"frames": frames, "noise": shaped}

    def visit(self) -> Tensor:
        """Goes to the stretches whose turn it is; where all their pushes together have led, (k, d,
        frames)."""
        self.index.copy_(self._mine())
        self.y.copy_(self._y[self.index])
        self._before.copy_(self._states[self.index[:, 0]])
        return self._xi[self.index].transpose(1, 2) @ self._sums

    def drives(self, z: Tensor) -> Tensor:
        """The noise xi (k, d, frames) whose sums are z (k, d, frames)."""
        return torch.diff(z, dim=2, prepend=torch.zeros_like(z[..., :1]))

    def signals(self, generator: nn.Module, z: Tensor) -> Tensor:
        """The frames (k, frames, ...) to which what the noise adds up to leads."""
        x: Tensor = generator(self.drives(z), self._before)
        return x

    @torch.no_grad()
    def keep(self, z: Tensor) -> None:
        """Later ones of an iteration's stretches have the last word where they overlap. Their
        states are those of the weights as they are by now."""
        noise = self.drives(self._ranks.gather(z, self.minibatch))
        frames = self.given["frames"]
        states = self._transition.roll_out(self._states[frames[:, 0]], noise)
        for at, drawn, led in zip(frames, noise.transpose(1, 2), states, strict=True):
            self._xi.index_copy_(0, at, drawn)
            self.z.index_copy_(0, at, led)

    @torch.no_grad()
    def roll_out(self) -> None:
        """Lets all states be those to which the noise leads from the first frame on."""
        self.z.copy_(self._transition.roll_out(self._states[:1], self._xi.T[None])[0])

    def _mine(self) -> Tensor:
        """The frames (k, frames) of the stretches that this process visits."""
        return self.given["frames"][self._ranks.part(self.minibatch)]

    def _noise(self, index: Tensor, *, sweep: int, steps: int) -> Tensor:
        """(steps, n, d), of the frames `index` (n,)."""
        shape = tuple(self._states.shape[1:])
        return chain_noise(seed=self._seed, sweep=sweep, index=index, steps=steps, shape=shape)
