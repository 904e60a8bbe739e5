"""What was copied: patches of a sample that are nearer to some place of the original than new
material is."""

import torch
from torch import Tensor

from abp_core.evaluation.halves import halves

ALONG = 8  # patches along each axis of a picture
ALONG_TIME = 64
USUAL = 0.95  # of the patches of one half find nothing nearer in the other half
LEAST = 1e-4  # mean square of a window, below which there is nothing to compare


def patches(signal: Tensor, size: tuple[int, ...]) -> Tensor:
    """Patches (n, c, *size) of a signal (c, *extent), spread evenly from border to border."""
    count = ALONG_TIME if len(size) == 1 else ALONG
    for axis, length in enumerate(size, 1):
        room = signal.shape[axis] - length
        starts = torch.linspace(0, room, min(count, room + 1)).round().long()
        windows = signal.unfold(axis, length, 1)
        signal = windows.index_select(axis, starts)
    places = range(1, 1 + len(size))
    return signal.movedim(0, len(size)).flatten(0, len(places) - 1)


def best_matches(some: Tensor, signal: Tensor, *, centred: bool) -> Tensor:
    """For each patch (n, c, *size) its highest normalised correlation (n,), at most 1, with any
    place of a signal (c, *extent), over all channels; by Fourier transforms, so that large patches
    cost as much as small ones (Lewis, Fast Normalized Cross-Correlation, 1995).

    centred: each channel's mean over the window is taken off both sides first, so that brightness
    does not count. What has no contrast matches nothing: 0.
    """
    size, extent = some.shape[2:], signal.shape[1:]
    axes, area = tuple(range(1, signal.ndim)), size.numel()
    rooms = tuple(slice(0, b - a + 1) for a, b in zip(size, extent, strict=True))
    signal = signal.double()
    signal = signal - signal.mean(axes, keepdim=True) if centred else signal
    box = torch.fft.rfftn(torch.ones(size, dtype=torch.double), s=extent)

    def summed(x: Tensor) -> Tensor:
        """(c, ...) over every window."""
        windows = torch.fft.irfftn(torch.fft.rfftn(x, dim=axes) * box.conj(), s=extent, dim=axes)
        found: Tensor = windows[(slice(None), *rooms)]
        return found

    energy = summed(signal.square())
    if centred:
        energy = energy - summed(signal).square() / area
    least = LEAST * area * len(signal)
    energy = torch.where(energy.sum(0) > least, energy.sum(0), torch.inf)
    spectrum = torch.fft.rfftn(signal, dim=axes)
    found = []
    for patch in some.double():
        own = patch - patch.mean(axes, keepdim=True) if centred else patch
        turned = torch.fft.rfftn(own, s=extent, dim=axes)
        product = torch.fft.irfftn((spectrum * turned.conj()).sum(0), s=extent)[rooms]
        found.append((product / energy.sqrt()).amax() / own.square().sum().clamp(min=least).sqrt())
    return torch.stack(found).float()


class CopyingYardstick:
    """How many patches of a sample are in the original, (c, *extent). Those of each half of the
    original are looked for in the other half, and a match is near that only 1 - USUAL of them
    reach, or, where two halves are searched, as many over both.

    Raises ValueError where no half of the original holds a patch.
    """

    def __init__(self, original: Tensor, size: tuple[int, ...], *, centred: bool) -> None:
        self._original, self._size, self._centred = original, size, centred
        pairs = self._pairs(original)
        if not pairs:
            raise ValueError(f"No half of the original is as large as a patch of {size}.")
        self._between = torch.cat([self._matches(a, b) for pair in pairs for a, b in _ways(pair)])

    def copied(self, sample: Tensor) -> float:
        """The share of the sample's patches that are somewhere in the original; new material of
        the same kind has about 1 - USUAL."""
        return self._share(self._matches(sample, self._original), USUAL**0.5)

    def repeated(self, sample: Tensor) -> float:
        """The share of the patches of a sample's halves that are also in its other half."""
        pairs = self._pairs(sample)
        found = [self._matches(a, b) for pair in pairs for a, b in _ways(pair)]
        return self._share(torch.cat(found), USUAL)

    def near(self) -> float:
        """The correlation above which a patch counts as copied."""
        return float(self._between.quantile(USUAL**0.5))

    def _share(self, matches: Tensor, quantile: float) -> float:
        return float((matches > self._between.quantile(quantile)).float().mean())

    def _matches(self, a: Tensor, b: Tensor) -> Tensor:
        return best_matches(patches(a, self._size), b, centred=self._centred)

    def _pairs(self, signal: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Its halves that hold a patch; frequencies of a sound are no axis to cut."""
        return [
            pair
            for pair in halves(signal)
            if all(a >= b for a, b in zip(pair[0].shape[1:], self._size, strict=True))
        ]


def _ways(pair: tuple[Tensor, Tensor]) -> list[tuple[Tensor, Tensor]]:
    one, other = pair
    return [(one, other), (other, one)]
