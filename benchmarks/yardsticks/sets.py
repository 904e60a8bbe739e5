"""A set of pictures in all figures that nothing learns from."""

from collections.abc import Sequence
from statistics import fmean

from torch import Tensor
from torch.nn import functional as F

from abp_core.evaluation import objects
from abp_core.synthesis.neighbours import nearest
from benchmarks.yardsticks import Row, critic

COMPARED = 200  # pictures on each side of a patch distance
SIDE = 32  # pixels at which a critic sees whole pictures
FEWEST = 50  # held-back pictures that floors can be told by


class PictureSet:
    """What was learnt (n, c, h, w), and what was held back (m, c, h, w)."""

    def __init__(self, learnt: Tensor, held: Tensor) -> None:
        self._learnt, self._held = learnt, held
        self._floor = _between(learnt, held)

    def floors(self) -> Row:
        """distance: between patches of what was learnt and of what was held back. nearest: how far
        held-back pictures are from their nearest training examples. critic: how well the two are
        told apart. all: whether enough was held back for this to mean something."""
        half = len(self._held) // 2
        return {
            "distance": self._floor,
            "nearest": nearest(self._held, self._learnt).distance,
            "diversity": objects.diversity(self._held),
            "critic": self._told_apart(self._held[:half], self._held[half:], self._learnt),
            "all": len(self._held) >= FEWEST,
        }

    def measure(self, samples: Sequence[Tensor]) -> Row:
        """The same of samples (n, c, h, w) each: distance in floors; nearest and diversity as
        shares of what held-back pictures have, above 1 where samples are farther from training
        examples and more varied. Means over the samples."""
        usual = nearest(self._held, self._learnt).distance
        varied = objects.diversity(self._held)
        return {
            "distance": fmean(_between(some, self._held) for some in samples) / self._floor,
            "nearest": fmean(nearest(some, self._learnt).distance for some in samples) / usual,
            "diversity": fmean(objects.diversity(some) for some in samples) / varied,
            "critic": self._told_apart(samples[-1], samples[0], self._learnt),
        }

    def _told_apart(self, seen: Tensor, unseen: Tensor, learnt: Tensor) -> float:
        """The accuracy of a critic that learnt the training examples against pictures `seen`, about
        held-back ones against `unseen`."""
        real, made, held, other = (_small(some) for some in (learnt, seen, self._held, unseen))
        return critic.accuracy(real, made, held, other, crop=real[0].shape[1], seed=0)


def _between(a: Tensor, b: Tensor) -> float:
    n = min(len(a), len(b), COMPARED)
    return fmean(objects.patch_distances(a[:n], b[:n]))


def _small(pictures: Tensor) -> list[Tensor]:
    side = min(SIDE, *pictures.shape[2:])
    return list(F.adaptive_avg_pool2d(pictures, side))
