"""A walk of the Inference tab: its chains, and what they say together."""

import io
import json
import math
import threading
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.analysis import traces
from abp_core.analysis.convergence import agreement
from abp_core.analysis.directions import Coordinates
from abp_core.analysis.stretch import Stretch, codes_of, lay_out, stretch_of
from abp_core.analysis.traces import Trace, Walk
from abp_core.generator import Generator
from abp_core.noise import chain_noise
from abp_core.observation import Observation, Occluded
from abp_core.posterior import LOT, misfit_of
from abp_core.spec import LangevinSpec
from demo import limits
from demo.errors import Rejected
from demo.infer.settings import ChainSettings
from demo.models.collection import Model
from demo.models.library import (
    Target,
    observe,
)

WALK_SWEEP = 1  # the noise of a chain is that of (seed, chain, this),
START_SWEEP = 2  # and that of a film with which it begins, this
FRAMES_FELT = 160  # of a film that is driven by noise, to tell how far its walks may go
FAR = 40  # frames from the moment where one chain begins to that of the next
FOUND = 2.0  # times the misfit of training's own code, up to which a walk has found the example
FALLING = 0.03  # share of the misfit that goes in the last fifth of a walk that is on its way
NUMBERS = ("misfit", "prior", "slope", "length", "noise", "accepted")


@dataclass(slots=True, eq=False)
class Session:
    """A walk under way, and what it is about. target: as f makes it. f: what makes signals of
    latents. known: those (1, ...) at which training stands for it, if it does. colours: what those
    of its latent maps stand for, the directions in which the model's latents vary most."""

    number: int
    model: Model
    target: Target
    wish: ChainSettings
    observation: Observation
    walk: Walk
    f: Generator | Stretch
    known: torch.Tensor | None
    lock: threading.Lock = field(default_factory=threading.Lock)
    colours: Coordinates = field(init=False)

    def __post_init__(self) -> None:
        # Explore's directions, which move the output most, take far longer to measure.
        self.colours = Coordinates.principal(self.model.examples)

    @property
    def frames(self) -> int:
        """Of a film, that are inferred together."""
        return self.f.frames if isinstance(self.f, Stretch) else 1

    def step(self, number: int) -> Trace:
        """Raises Rejected."""
        if not 0 <= number < len(self.walk.steps):
            raise Rejected("There is no such step in this walk.")
        return self.walk.steps[number]

    def latent(self, number: int, chain: int) -> torch.Tensor:
        """z (1, *latent_shape) of one chain at one step. Raises Rejected."""
        step = self.step(number)
        if not 0 <= chain < len(step.z):
            raise Rejected("There is no such chain in this walk.")
        return step.z[chain : chain + 1]

    def known_misfit(self) -> float | None:
        """Of the code at which training stands for an example; None for anything else."""
        if self.known is None or self.known.shape[1:] != self.walk.steps[0].z.shape[1:]:
            return None
        with torch.inference_mode():
            made = self.f.make(self.known)
            seen = self.observation.measure(made, torch.zeros(1, dtype=torch.int64))
            left = self.walk.posterior.y[:1].float().cpu() - seen
            return float(misfit_of(left, self.walk.posterior.sigma))

    def used(self) -> dict[str, Any]:
        """The settings that the walk follows, the model's own in place of what was left open."""
        saved, walk = self.model.saved, self.walk
        return {
            **asdict(self.wish),
            "steps": walk.spec.steps,
            "step_size": walk.spec.step_size,
            "sigma": walk.posterior.sigma / (saved.sigma / saved.spec.sigma),
        }


def begin_session(number: int, model: Model, target: Target, wish: ChainSettings) -> Session:
    """Chains at their start. Raises Rejected."""
    saved, frames, film = model.saved, len(target.y), ""
    shape = saved.spec.generator.latent_shape
    f: Generator | Stretch = model.generator
    observation = observe(wish.hiding, target.y[:1], wish.seed)
    if _in_a_row(model, frames):
        f = stretch_of(saved, model.generator, max(target.example, 0), frames)
        shape, film = (shape[0], frames, *shape[1:]), " fewer frames,"
        target = replace(target, y=lay_out(target.y[None]))
        observation = _everywhere(observation, frames)
    most = limits.WALK_VALUES // math.prod(shape)
    if wish.steps * wish.chains > most:
        raise Rejected(
            f"Walks of this model may take {most:,} steps together; please "
            f"choose fewer steps,{film} or fewer walks at once."
        )
    known = _known(model, target.example, frames)
    y = observation.measure(target.y, torch.zeros(1, dtype=torch.int64))
    sigma = saved.sigma * (wish.sigma / saved.spec.sigma if wish.sigma else 1.0)
    posterior = traces.posterior_about(f, y, observation, sigma, wish.chains)
    index = torch.arange(wish.chains)
    noise = chain_noise(
        seed=wish.seed, sweep=WALK_SWEEP, index=index, steps=wish.steps, shape=shape
    )
    if wish.start == "training":
        if known is None:
            raise Rejected(
                "Only a training example has a chain of its own; please start elsewhere."
            )
        start = known.expand(wish.chains, *shape).clone()
    else:
        start = _draw_starts(model, wish, shape)
        start = start if wish.start == "prior" else torch.zeros_like(start)
    spec = LangevinSpec(
        steps=wish.steps,
        step_size=wish.step_size or model.walk_step_size,
        temperature=wish.temperature,
    )
    if saved.spec.stretch and known is not None:
        gradients = FRAMES_FELT // frames // LOT * LOT
        metric: Preconditioner | None = traces.metric_about(f, known, saved.sigma, gradients)
    else:
        metric = model.walk_metric
    walk = Walk(posterior, start, noise, spec, metric)
    return Session(number, model, target, wish, observation, walk, f, known)


def _in_a_row(model: Model, frames: int) -> bool:
    """Whether so many frames are inferred as one stretch of a film: one alone only where noise
    drives it."""
    return model.kind == "film" and (frames > 1 or model.saved.spec.stretch > 0)


def _known(model: Model, example: int, frames: int) -> torch.Tensor | None:
    """Where training stands for a training example, of a film for so many frames from there on."""
    if example < 0:
        return None
    if _in_a_row(model, frames):
        return codes_of(model.saved, example, frames)
    return model.examples[example : example + 1]


def _everywhere(observation: Observation, frames: int) -> Observation:
    """The same of frames that are laid out."""
    if not isinstance(observation, Occluded):
        return observation
    each = observation.visible[:, None].expand(-1, frames, -1, -1, -1)
    return Occluded(lay_out(each))


def _draw_starts(model: Model, wish: ChainSettings, shape: tuple[int, ...]) -> torch.Tensor:
    """New latents of the prior (chains, *shape); of a film moments that lie far apart, since what
    follows each other is alike."""
    if model.kind != "film":
        return model.prior.draw(wish.chains, wish.seed)
    if model.saved.spec.stretch:
        chains = torch.arange(wish.chains)
        noise = chain_noise(seed=wish.seed, sweep=START_SWEEP, index=chains, steps=1, shape=shape)
        return noise[0].cumsum(2)
    film = model.prior.draw(FAR * wish.chains, wish.seed)
    if film.shape[1:] == shape:
        return film[::FAR]
    moments = torch.arange(wish.chains)[:, None] * FAR + torch.arange(shape[1])
    return film[moments].transpose(1, 2).contiguous()


def replay_training(number: int, model: Model, target: Target) -> Session:
    """The walk that training would take next. Raises Rejected."""
    saved = model.saved
    if saved.spec.stretch:
        raise Rejected(
            "Training walks stretches of this film in an order of its own; please press Infer."
        )
    if target.example < 0:
        raise Rejected("Training walked for its own examples only; please choose one of them.")
    walk = traces.as_in_training(saved, target.y, target.example)
    wish = ChainSettings(
        steps=walk.spec.steps,
        step_size=walk.spec.step_size,
        temperature=walk.spec.temperature,
        chains=1,
        start="training",
        seed=saved.spec.seed,
    )
    seen = saved.observation.alone(target.example)
    known = model.examples[target.example : target.example + 1]
    return Session(number, model, target, wish, seen, walk, model.generator, known)


def summarise(walking: Session) -> dict[str, Any]:
    """What the chains say together, so far."""
    steps = walking.walk.steps
    found = agreement(torch.stack([step.z.cpu() for step in steps]))
    accepted = torch.stack([step.accepted for step in steps[1:]]) if len(steps) > 1 else None
    known = accepted is not None and bool(accepted.isfinite().all())
    return {
        "rhat": round(found.rhat, 3) if found else None,
        "ess": round(found.ess, 1) if found else None,
        "accepted": round(float(accepted.mean()), 3) if known and accepted is not None else None,
        "lost": int(sum(int(step.put_back.sum()) for step in steps)),
        "ended": walking.walk.ended,
        "verdict": describe_end(walking) if walking.walk.ended else "",
    }


def describe_end(walking: Session) -> str:
    """In words, what walks found. One has found the example if its misfit is about that of
    training's own code, or of another thing about the lowest; being stuck is no fault of it."""
    steps, n = walking.walk.steps, len(walking.walk.steps[0].z)
    misfit, wanted = steps[-1].misfit, walking.known_misfit()
    if wanted is None and n == 1:
        return ""
    found = int((misfit <= FOUND * (wanted if wanted is not None else float(misfit.min()))).sum())
    earlier = steps[max(0, len(steps) - 1 - len(steps) // 5)].misfit
    falling = bool((misfit < (1 - FALLING) * earlier).any())
    as_training = "about as well as training does" if wanted is not None else "alike"
    if found == n:
        return f"{_all(n)} found a code that explains it {as_training}."
    if found:
        others = "the other one is" if n - found == 1 else "the others are"
        return (
            f"{found} of {n} walks found it (walk {steps[-1].lowest + 1} stands lowest); {others} "
            "stuck in another valley, where every small step makes it worse."
        )
    if wanted is None:
        return ""  # they ran away, and nothing is known to compare them with
    times = f"{float(misfit.min()) / wanted:.0f} times"
    if falling:
        return (
            f"Still on the way: the misfit is {times} that of training, which has walked for "
            f"{walking.model.saved.iteration:,} iterations. More steps bring it nearer."
        )
    are = "is" if n == 1 else "are"
    return (
        f"{_all(n)} {are} stuck in another valley: the misfit is {times} that of training. More "
        "walks, or another seed, may find it."
    )


def pack_record(walking: Session) -> bytes:
    """The whole walk as an .npz: every latent, energy and figure, y, and how it was made."""
    steps = walking.walk.steps
    arrays = {
        name: torch.stack([getattr(step, name) for step in steps]).cpu().numpy()
        for name in ("z", *NUMBERS, "put_back")
    }
    about = {
        "model": walking.model.name,
        "target": walking.target.name,
        "example": walking.target.example,
        **walking.used(),
    }
    file = io.BytesIO()
    arrays["y"] = walking.walk.posterior.y[:1].float().cpu().numpy()
    arrays["about"] = np.array(json.dumps(about))
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _all(walks: int) -> str:
    return {1: "The walk", 2: "Both walks"}.get(walks, f"All {walks} walks")
