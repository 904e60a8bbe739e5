"""Yardsticks that nothing learns from: no training here has ever seen them.

Each takes plain signals, (c, h, w) or (1, length), so that anything can be judged: samples of a
model, a rebuilt original, pictures that another program made. A figure means something beside its
floor, which is what the real data scores against itself. One data set in all its figures:
`textures.py`, `sounds.py`, `sets.py`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

Row = dict[str, Any]


class Judge(Protocol):
    """floors: what the real data scores against itself. measure: samples against the real data."""

    def floors(self) -> Row: ...
    def measure(self, samples: Sequence[Tensor]) -> Row: ...
