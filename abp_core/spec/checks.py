"""What settings are held against; a refusal is one sentence."""

import math

from abp_core.errors import Refusal


class SpecRejected(Refusal):
    """Settings that describe no possible run. The message is one sentence for the user."""


def require(condition: bool, sentence: str) -> None:
    """Raises SpecRejected with the sentence where the condition does not hold."""
    if not condition:
        raise SpecRejected(sentence)


def is_count(value: object, lowest: int = 1) -> bool:
    """Whether a value is a whole number, from `lowest` on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= lowest


def is_real(value: object) -> bool:
    """Whether a value is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -math.inf < value < math.inf  # math.isfinite overflows on a huge int


def are_counts(values: object) -> bool:
    """Whether values are a tuple of positive whole numbers."""
    return isinstance(values, tuple) and all(is_count(value) for value in values)
