"""The methods by their names: what each is, in words and as an equation, and who builds it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from abp_core.family.member import Member
from abp_core.family.trial import Trial

Ability = Literal["samples", "inference", "bound", "incomplete"]


@dataclass(frozen=True, slots=True)
class Method:
    """title: its name. sentence: what it does, in plain words. equation: its update, as text.
    source: the paper. curve: what is drawn of how it learns. can: what it is good for: new samples;
    to infer the latents of a signal; a bound of the likelihood, or the likelihood itself; to learn
    from incomplete data. build: a member with a seed. refuse: why it cannot take the data of a
    trial, in a sentence, or nothing."""

    title: str
    sentence: str
    equation: str
    source: str
    curve: str
    can: frozenset[Ability]
    build: Callable[[Trial, int], Member]
    refuse: Callable[[Trial], str] = lambda _: ""


METHODS: dict[str, Method] = {}
