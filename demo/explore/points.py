"""A point of a model as a page describes it, checked."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from demo import limits
from demo.errors import Rejected

DAMAGED = "This link or page does not fit the model; please reset the point."


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of some cells of a latent map. what: resample (from the seed `number`), copy (from
    the example `number`) or paint (`amount` along the direction `number`).

    t: of a film, the moment at which it was made, in frames. There resample goes on as another
    moment does, which the seed chooses, and copy stays as it is at t."""

    what: str
    cells: tuple[int, ...]
    number: int = 0
    amount: float = 0.0
    t: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """z: a vector latent itself; empty to begin elsewhere. seed, x, y: a place on the plane of
    seeds. example: begin at this training example instead; -1 for none. moves: in coordinates of
    the model's directions; for a vector latent those that stay whatever the seed, nan elsewhere.
    edits: one after another. t: of a film, the moment that was learnt, in frames, also between two;
    its moves are added to that, and it has neither z, seed nor example."""

    z: tuple[float, ...] = ()
    seed: int = 0
    x: float = 0.0
    y: float = 0.0
    example: int = -1
    moves: tuple[float, ...] = ()
    edits: tuple[Edit, ...] = ()
    t: float = 0.0


def point_from(sent: object) -> Point:
    """What a browser sent. Raises Rejected."""
    if not isinstance(sent, Mapping):
        raise Rejected(DAMAGED)
    edits = sent.get("edits", [])
    if not isinstance(edits, Sequence) or len(edits) > limits.EDITS:
        raise Rejected(f"Please make at most {limits.EDITS} changes, or reset the point.")
    return Point(
        z=_reals(sent.get("z", []), limits.FARTHEST),
        seed=_whole(sent.get("seed", 0), *limits.SEED),
        x=_real(sent.get("x", 0), limits.PLANE),
        y=_real(sent.get("y", 0), limits.PLANE),
        example=_whole(sent.get("example", -1), -1, 10**6),
        moves=_reals(sent.get("moves", []), limits.FARTHEST, gaps=True),
        edits=tuple(_edit(each) for each in edits),
        t=_moment(sent),
    )


def _edit(sent: object) -> Edit:
    if not isinstance(sent, Mapping) or sent.get("what") not in ("resample", "copy", "paint"):
        raise Rejected(DAMAGED)
    cells = sent.get("cells", "")
    if not isinstance(cells, str) or not re.fullmatch(f"[0-9a-f]{{1,{limits.CELL_DIGITS}}}", cells):
        raise Rejected(DAMAGED)
    bits = int(cells, 16)
    return Edit(
        what=str(sent["what"]),
        cells=tuple(k for k in range(bits.bit_length()) if bits >> k & 1),
        number=_whole(sent.get("number", 0), *limits.SEED),
        amount=_real(sent.get("amount", 0), limits.FARTHEST),
        t=_moment(sent),
    )


def _moment(sent: Mapping[str, object]) -> float:
    """In frames; how many there are depends on the model."""
    return _real(sent.get("t", 0), limits.MOMENTS)


def _whole(sent: object, lowest: int, highest: int) -> int:
    if isinstance(sent, bool) or not isinstance(sent, int | float) or sent != sent:
        raise Rejected(f"Please type a whole number from {lowest} to {highest}.")
    if not lowest <= sent <= highest or sent != int(sent):
        raise Rejected(f"Please type a whole number from {lowest} to {highest}.")
    return int(sent)


def _real(sent: object, farthest: float) -> float:
    if isinstance(sent, bool) or not isinstance(sent, int | float) or not abs(sent) <= farthest:
        raise Rejected(f"Please stay between -{farthest:g} and {farthest:g}.")
    return float(sent)


def _reals(sent: object, farthest: float, *, gaps: bool = False) -> tuple[float, ...]:
    if not isinstance(sent, list | tuple) or len(sent) > limits.NUMBERS:
        raise Rejected(DAMAGED)
    return tuple(math.nan if gaps and value is None else _real(value, farthest) for value in sent)
