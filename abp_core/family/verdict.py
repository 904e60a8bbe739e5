"""What the members of a comparison have learnt, in figures that none of them learns from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from abp_core.evaluation import objects
from abp_core.evaluation.copying import CopyingYardstick, patches
from abp_core.evaluation.frechet import Gaussian, frechet
from abp_core.evaluation.halves import halves
from abp_core.evaluation.sound import log_mel
from abp_core.family.convnet import features
from abp_core.family.member import Member
from abp_core.family.trial import Trial
from abp_core.synthesis.neighbours import distances

STRIDE = 8  # of the pretrained network's features; FRAME learns from finer ones alone
SAMPLES = 64  # of a set
REBUILT = 16
PATCH = 32  # pixels along a side, of a picture's patches
STRETCH = 10  # frames of a sound's patches: a tenth of a second
CHANGE = 5  # frames, in which a sound's change is told
NEAR = 0.05  # of held-back pictures are nearer to a training example than what counts as copied
SEED = 2**31
DATA = "data"


@dataclass(frozen=True, slots=True)
class Figures:
    """reconstruction: mean |x - x'| / 2 of what was held back, a share of the signal's range; None
    of a method that infers nothing. features: Frechet distance between samples and data, in floors:
    1 is what the data's own parts have between them. copied: the share of samples, or of patches of
    one, that are as near to the data as only a twentieth of new data is. diversity: of samples, or
    of patches of one, as a share of the data's."""

    reconstruction: float | None
    features: float
    copied: float
    diversity: float


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """The data of a trial, measured once. copied, features: of samples (n, c, ...)."""

    trial: Trial
    features: Callable[[Tensor], float]
    copied: Callable[[Tensor], float]

    @classmethod
    def of(cls, trial: Trial) -> "Yardstick":
        x = trial.data.signals
        if trial.kind == "objects":
            return cls(trial, _of_a_set(x, trial.held), _near_examples(x, trial.held))
        if trial.kind == "texture":
            copying = CopyingYardstick(x[0], (PATCH, PATCH), centred=True)
            return cls(trial, _of_one(x[0], _looks), lambda made: copying.copied(made[0]))
        rate = trial.data.source.sample_rate
        heard = CopyingYardstick(_moments(x[0], rate), (STRETCH,), centred=False)
        return cls(
            trial,
            _of_one(x[0], lambda sound: _sounds(sound, rate)),
            lambda made: heard.copied(_moments(made[0], rate)),
        )

    def draw(self, member: Member) -> Tensor:
        """The samples (n, c, ...) that a member is judged by; of some methods they take seconds."""
        n = min(SAMPLES, len(self.trial.held)) if self.trial.kind == "objects" else 1
        return member.sample(n, SEED, self.trial.size)

    def judge(self, member: Member, made: Tensor | None = None) -> Figures:
        """Takes some seconds. made: what `draw` gave, where it was drawn already."""
        trial = self.trial
        made = self.draw(member) if made is None else made
        held = trial.held[:REBUILT]
        rebuilt = member.rebuild(held)
        return Figures(
            None if rebuilt is None else float((rebuilt - held).abs().mean() / 2),
            self.features(made),
            self.copied(made),
            self._diversity(made) / self._diversity(trial.data.signals),
        )

    def _diversity(self, x: Tensor) -> float:
        if self.trial.kind == "texture":
            x = patches(x[0], (PATCH, PATCH))
        elif self.trial.kind == "sound":
            x = patches(_spectrum(x[0], self.trial.data.source.sample_rate), (STRETCH,))
        return objects.diversity(x)


def tell_energies(member: Member, trial: Trial, samples: Mapping[str, Tensor]) -> dict[str, float]:
    """What a member thinks of the data (DATA), of a set of what was held back, and of samples, by
    the names of those who made them: the mean energy per entry, the lower the likelier. Nothing of
    a method that does not know it."""
    real = trial.held if trial.kind == "objects" else trial.data.signals
    found: dict[str, float] = {}
    for name, x in {DATA: real, **samples}.items():
        told = member.energy(x[:REBUILT])
        if told is None:
            return {}
        found[name] = float(told.mean()) / x[0].numel()
    return found


def _of_one(x: Tensor, tell: Callable[[Tensor], Tensor]) -> Callable[[Tensor], float]:
    """The distance of one picture's or sound's halves from a sample's, in floors. tell: vectors
    (n, k) of a part (c, ...)."""

    def told(signal: Tensor) -> list[tuple[Gaussian, Gaussian]]:
        return [(Gaussian.of(tell(a)), Gaussian.of(tell(b))) for a, b in halves(signal)]

    real = told(x)
    floor = fmean(frechet(a, b) for a, b in real)
    ours = [half for pair in real for half in pair]

    def distance(made: Tensor) -> float:
        theirs = [half for pair in told(made[0]) for half in pair]
        return fmean(frechet(a, b) for a in theirs for b in ours) / floor

    return distance


def _of_a_set(x: Tensor, held: Tensor) -> Callable[[Tensor], float]:
    """The distance between samples and what was held back, in floors: that of as many training
    examples."""
    n = min(len(x), len(held))
    real = Gaussian.of(_looks_of(held))
    floor = frechet(Gaussian.of(_looks_of(x[:n])), real)
    return lambda made: frechet(Gaussian.of(_looks_of(made)), real) / floor


def _near_examples(x: Tensor, held: Tensor) -> Callable[[Tensor], float]:
    near = distances(held, x).quantile(NEAR)
    return lambda made: float((distances(made, x) < near).float().mean())


def _looks(picture: Tensor) -> Tensor:
    return _looks_of(picture[None])


def _looks_of(pictures: Tensor) -> Tensor:
    """Vectors (positions, channels) of pictures (n, c, h, w)."""
    found = [features(some, STRIDE) for some in torch.split(pictures, 16)]
    return torch.cat(found).permute(0, 2, 3, 1).flatten(0, 2)


def _spectrum(sound: Tensor, rate: int) -> Tensor:
    """(bands, frames) of a sound (1, length)."""
    return log_mel(sound, rate)[0]


def _moments(sound: Tensor, rate: int) -> Tensor:
    """What a spectrum (bands, frames) says beyond its mean over time."""
    mel = _spectrum(sound, rate)
    return mel - mel.mean(1, keepdim=True)


def _sounds(sound: Tensor, rate: int) -> Tensor:
    """Vectors (frames, 2 bands) of a sound: its log-mel spectrum and how that changes."""
    mel = _spectrum(sound, rate)
    return torch.cat([mel[:, CHANGE:], mel[:, CHANGE:] - mel[:, :-CHANGE]]).T
