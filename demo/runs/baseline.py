"""What stands where something was hidden if no model is asked: the mean of what was seen."""

from torch import Tensor


def mean_of_seen(signals: Tensor, visible: Tensor, *, aligned: bool) -> Tensor:
    """The mean (1, c, ...) of the entries of signals (n, c, ...) that were seen, where visible
    (n, 1, ...) is 1: place by place over the examples that saw it, if those are aligned; that of
    the channel where no example did, or where places mean nothing."""
    seen, count = signals * visible, visible.expand_as(signals)
    places = (0, *range(2, signals.ndim))
    overall = seen.sum(places, keepdim=True) / count.sum(places, keepdim=True).clamp(min=1)
    if not aligned:
        return overall.expand_as(signals[:1])
    here = count.sum(0, keepdim=True)
    return (seen.sum(0, keepdim=True) / here.clamp(min=1)).where(here > 0, overall)


def error_over(hidden: Tensor, made: Tensor, truth: Tensor) -> float:
    """Mean |made - truth| / 2, a share of the range, over the entries where hidden (n, 1, ...) is
    1."""
    over = hidden.expand_as(truth)
    return float(((made - truth).abs() * over).sum() / over.sum()) / 2
