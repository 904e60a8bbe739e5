"""What a run is made of: frozen, validated settings that travel in every checkpoint."""

from abp_core.spec.checks import SpecRejected
from abp_core.spec.generator import MOST_ENTRIES, GeneratorSpec, Kind
from abp_core.spec.langevin import LangevinSpec
from abp_core.spec.training import MOTIONS, SMALLEST_SAMPLE_LOSS, PriorName, TrainingSpec

__all__ = [
    "MOST_ENTRIES",
    "MOTIONS",
    "SMALLEST_SAMPLE_LOSS",
    "GeneratorSpec",
    "Kind",
    "LangevinSpec",
    "PriorName",
    "SpecRejected",
    "TrainingSpec",
]
