"""What part of a signal was seen: y = A(x)."""

from abp_core.observation.records import MOST_MASKED, from_record, same, to_record
from abp_core.observation.views import (
    Compressed,
    Downsampled,
    Full,
    Grey,
    Moments,
    Observation,
    Occluded,
    Stretched,
    Windowed,
)

__all__ = [
    "MOST_MASKED",
    "Compressed",
    "Downsampled",
    "Full",
    "Grey",
    "Moments",
    "Observation",
    "Occluded",
    "Stretched",
    "Windowed",
    "from_record",
    "same",
    "to_record",
]
