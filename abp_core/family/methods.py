"""The methods by their names: what each is, in words and as an equation, and who builds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from abp_core.family.alternating import Alternating
from abp_core.family.member import Member
from abp_core.family.trial import Trial
from abp_core.spec import Kind, LangevinSpec

Ability = Literal["samples", "inference", "bound", "incomplete"]


@dataclass(frozen=True, slots=True)
class Method:
    """title: its name. sentence: what it does, in plain words. equation: its update, as text.
    source: the paper. curve: what is drawn of how it learns. can: what it is good for: new samples;
    to infer the latents of a signal; the likelihood or a bound of it; to learn from incomplete
    data. build: a member of a trial, with a seed. not_for: why it cannot take data of a kind, in a
    sentence."""

    title: str
    sentence: str
    equation: str
    source: str
    curve: str
    can: frozenset[Ability]
    build: Callable[[Trial, int], Member]
    not_for: Mapping[Kind, str] = field(default_factory=dict)


def why_not(name: str, kind: Kind) -> str:
    """Why a method cannot take data of a kind, in a sentence; nothing where it can."""
    return METHODS[name].not_for.get(kind, "")


def _as_in_the_paper(trial: Trial, seed: int) -> Member:
    """Nothing beside the two moves: no metric, no learnt prior, no second loss."""
    walk = LangevinSpec(steps=10, step_size=0.1, acceptance=0.5)
    return Alternating(trial, seed, langevin=walk, **PLAIN)


def _with_a_learnt_prior(trial: Trial, seed: int) -> Member:
    return Alternating(trial, seed, prior="flow" if trial.kind == "objects" else "exemplar")


PLAIN = {
    "prior": "normal",
    "standardised": False,
    "sample_loss_rate": 0.0,
    "components": False,
    "halved_after": 0,
}
METHODS: dict[str, Method] = {
    "paper": Method(
        title="ABP as in the paper",
        sentence="Each example has a code. Langevin steps move the codes towards what explains the "
        "examples, then one step moves the weights; new ones come from codes that are noise.",
        equation="U(z) = |x - f(z; W)|^2 / (2 sigma^2) + |z|^2 / 2\n"
        "z <- z - (s^2/2) dU/dz + s * noise\n"
        "W <- W - rate * dU/dW",
        source="Han, Lu, Zhu, Wu 2017",
        curve="reconstruction error",
        can=frozenset({"samples", "inference", "incomplete"}),
        build=_as_in_the_paper,
    ),
    "learnt-prior": Method(
        title="ABP with a learnt prior",
        sentence="The studio's own settings: inference in a metric, and new ones from a prior that "
        "is learnt from the codes that were inferred.",
        equation="z <- z - (s^2/2) M dU/dz + s * M^(1/2) noise\n"
        "W <- W - rate * dU/dW\n"
        "new z ~ p(z), learnt from the inferred z",
        source="Pang, Han, Nijkamp, Zhu, Wu 2020 (the idea)",
        curve="reconstruction error",
        can=frozenset({"samples", "inference", "incomplete"}),
        build=_with_a_learnt_prior,
    ),
}
