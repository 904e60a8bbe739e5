"""A photograph in all figures that nothing learns from."""

from collections.abc import Sequence
from statistics import fmean, geometric_mean

from torch import Tensor
from torch.nn import functional as F

from abp_core.evaluation.copying import CopyingYardstick
from abp_core.evaluation.frechet import Gaussian
from abp_core.evaluation.halves import floor, halves, mean_distance, without_repeat
from benchmarks.yardsticks import Row, critic
from benchmarks.yardsticks.features import STRIDES, at, gaussians

SMALLEST_HALF = 64  # pixels along a side whose features are a crowd
PATCHES = (32, 96)  # pixels along a side
QUARTER = 4  # pixels that are one, at quarter resolution
CROPS = {"full": 24, "quarter": 24}  # entries along a side that a critic sees


class TexturePhotograph:
    """An original (c, h, w). Of one that shows everything twice only one half counts, and of
    samples a part as large."""

    def __init__(self, original: Tensor) -> None:
        self._part = without_repeat(original)
        self._halves = self._cut(self._part)
        self._floors = {stride: floor(at(stride), self._halves) for stride in STRIDES}
        self._views = {"full": self._part, "quarter": _smaller(self._part)}
        self._crops = {name: critic.widest(self._views[name], CROPS[name]) for name in CROPS}
        self._copying = {
            size: CopyingYardstick(self._part, (size, size), centred=True) for size in PATCHES
        }

    def floors(self) -> Row:
        """features: at each stride the distance between the halves. critic_...: how well they are
        told apart. near_...: the correlation above which a patch is copied."""
        return {
            "features": {str(stride): value for stride, value in self._floors.items()},
            **{
                f"critic_{name}": critic.between_halves(view, crop=self._crops[name])
                for name, view in self._views.items()
            },
            **{f"near_{size}": copying.near() for size, copying in self._copying.items()},
        }

    def measure(self, samples: Sequence[Tensor]) -> Row:
        """The same of samples (c, h, w), the distances as multiples of their floors; and what was
        copied and what is repeated, as shares of the patches. Means over the samples."""
        parts = [sample[:, : self._part.shape[1], : self._part.shape[2]] for sample in samples]
        strides = self.features(parts)
        row: Row = {
            "features": geometric_mean(strides.values()),
            "features_by_stride": {str(stride): value for stride, value in strides.items()},
        }
        row |= {f"critic_{name}": self.told_apart(parts, name) for name in CROPS}
        for size, copying in self._copying.items():
            row[f"copied_{size}"] = fmean(map(copying.copied, parts))
            row[f"repeated_{size}"] = fmean(map(copying.repeated, parts))
        return row

    def features(self, samples: Sequence[Tensor]) -> dict[int, float]:
        """Distances between halves of samples and halves of the original, in floors, by stride."""
        cut = [self._cut(sample) for sample in samples]
        return {
            stride: fmean(mean_distance(at(stride), pairs, self._halves) for pairs in cut) / below
            for stride, below in self._floors.items()
        }

    def told_apart(self, samples: Sequence[Tensor], view: str) -> float:
        """The accuracy of a critic at `full` or at `quarter` resolution."""
        seen = samples if view == "full" else [_smaller(sample) for sample in samples]
        return critic.against(self._views[view], seen, crop=self._crops[view])

    def _cut(self, picture: Tensor) -> list[tuple[dict[int, Gaussian], dict[int, Gaussian]]]:
        return [(gaussians(a), gaussians(b)) for a, b in halves(picture, SMALLEST_HALF)]


def _smaller(picture: Tensor) -> Tensor:
    return F.avg_pool2d(picture, QUARTER)
