"""What is expected of the places and frames of a film that were not seen, from those that were.

Several guesses are mixed: what lies between the frames before and after, along the motion from one
to the other, what was there at moments that look alike around it, and means over shorter and longer
times. How much each counts is learnt from the film itself: more of it is hidden, and guessed.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from abp_core.observation import Occluded
from abp_core.priors.motion.carrying import carry
from abp_core.priors.motion.forecast import shares_of

MEMORIES = (2.0, 8.0)  # frames after which a mean over time has forgotten a third of what it had
FARTHEST = 12  # frames over which something is carried along its motion at most
MOST_MOVED = 8  # pixels that it covers there at most
BLOCK = 4  # pixels along the squares that are taken from moments alike
AROUND = 3  # squares to every side by which moments are compared
SHARPNESS = (0.03, 0.3)  # of what counts as alike, over how unlike moments are on average
OFTEN = 0.4  # of the time: what is hidden longer is so every now and then
MOST_HELD = 24  # frames of which more is hidden to learn what each guess is worth
BELIEVED = 0.25  # of the error of what is expected: a model that is off what was seen by less
TRUST = 0.3  # of a difference from what is expected, beside one from what was seen


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """film (n, c, h, w): what was seen of a film, and elsewhere what is expected. error: the root
    mean square of how far off that is, as measured where more was hidden."""

    film: Tensor
    error: float

    def seen_as(self, visible: Tensor) -> tuple[Tensor, Occluded]:
        """What chains explain of the film, and how it was seen: what is expected, where visible
        (n, 1, h, w) is 0, counts for little of what was seen."""
        weight = torch.where(visible > 0, 1.0, TRUST)
        return self.film * weight, Occluded(weight)

    def mix(self, made: Tensor, visible: Tensor, first: int = 0) -> Tensor:
        """Frames from `first` on, with what a model makes of them, made (k, c, h, w), where visible
        (k, 1, h, w) is 0, so far as it can be believed: not at all while it is off what was seen
        by a quarter as much as what is expected is, since chains explain that, too. What was seen
        stays as it was seen."""
        film = self.film[first : first + len(made)]
        seen = visible.expand_as(made)
        off = float(((made - film) * seen).square().sum() / seen.sum().clamp(min=1))
        share = max(0.0, 1 - off / max(BELIEVED * self.error, 1e-6) ** 2)
        return torch.where(visible > 0, film, torch.lerp(film, made, share))


def expect(y: Tensor, visible: Tensor) -> Expected:
    """What is expected of a film y (n, c, h, w) in [-1, 1] where it was not seen, visible
    (n, 1, h, w) being 0. A function of what was seen and of nothing else."""
    y = y * visible
    held, chosen = _hide_more(visible)
    learnt = blend(y * held, held)
    asked = (chosen > held).expand_as(y)
    gaps = torch.stack(
        [(guess - learnt)[asked] for guess in _guesses(learnt, y * held, held, chosen)]
    )
    aim = (y - learnt)[asked]
    gram = torch.stack([gaps @ gap for gap in gaps]).double()
    shares = shares_of(gram, (gaps @ aim).double()).float()
    error = float((aim - shares @ gaps).square().mean().sqrt())
    film = blend(y, visible)
    found = film.clone()
    guesses = _guesses(film, y, visible, torch.ones_like(visible))
    for share, guess in zip(shares, guesses, strict=True):
        found += share * (guess - film)
    return Expected(torch.where(visible > 0, y, found.clamp(-1, 1)), error)


def blend(y: Tensor, visible: Tensor) -> Tensor:
    """The same film with what is hidden blended from the nearest frames before and after that show
    the place; of one that none shows, the mean of all that is seen."""
    n = len(y)
    before, after = _neighbours(visible)
    none, first, last = (before < 0) & (after >= n), before < 0, after >= n
    low = torch.where(first, after, before).clamp(0, n - 1)
    high = torch.where(last, before, after).clamp(0, n - 1)
    now = torch.arange(n).view(-1, 1, 1, 1)
    share = (now - low) / (high - low).clamp(min=1)
    begin, end = (y.gather(0, k.expand_as(y)) for k in (low, high))
    found = torch.lerp(begin, end, share.expand_as(y).to(y))
    overall = (y * visible).sum((0, 2, 3)) / visible.sum().clamp(min=1)
    found = torch.where(none, overall.view(-1, 1, 1), found)
    return torch.where(visible > 0, y, found)


def mean_over_time(y: Tensor, visible: Tensor) -> Tensor:
    """The same film with the mean of what was seen at a place where it is hidden; of a place that
    no frame shows, the mean of all that was seen."""
    times = visible.sum(0)
    overall = (y * visible).sum((0, 2, 3)) / visible.sum().clamp(min=1)
    mean = ((y * visible).sum(0) / times.clamp(min=1)).where(times > 0, overall.view(-1, 1, 1))
    return torch.where(visible > 0, y, mean)


def _guesses(film: Tensor, y: Tensor, visible: Tensor, chosen: Tensor) -> list[Tensor]:
    """Films in the place of `film`, which is blended, where chosen (n, 1, h, w) is above visible;
    elsewhere they may be anything."""
    wanted = chosen > visible
    found = [mean_over_time(y, visible), _along_motion(film, visible, wanted)]
    found += [_smoothed(film, y, visible, memory) for memory in MEMORIES]
    return [*found, *_alike(film, visible, wanted)]


def _hide_more(visible: Tensor) -> tuple[Tensor, Tensor]:
    """What is seen if more is hidden, and what was seen of some frames of that. A place that is
    hidden for a while is hidden for as long again at another time; where one is hidden every now
    and then, single frames also lose what the next one has lost."""
    n, held, hidden = len(visible), visible.clone(), 1 - visible
    ever = hidden.amax(0)
    if float((hidden * ever).mean() / ever.mean()) < OFTEN:
        held = visible * visible.roll(n // 3, 0)
        lost = (visible > held).flatten(1).any(1).nonzero()[:, 0]
    else:
        seen = visible.flatten(1).amax(1).nonzero()[:, 0]
        lost = seen[1:-1][:: max(2, -(-len(seen) // MOST_HELD))]
        held[lost] *= visible[lost + 1]
    some, chosen = lost[:: -(-max(1, len(lost)) // MOST_HELD)], held.clone()
    chosen[some] = visible[some]
    return held, chosen


def _neighbours(visible: Tensor) -> tuple[Tensor, Tensor]:
    """Which frame is the nearest before or at, and after or at each that shows a place, (n, 1, h,
    w); -1 and n where none does."""
    n = len(visible)
    now = torch.arange(n).view(-1, 1, 1, 1)
    before = torch.where(visible > 0, now, -1).cummax(0).values
    after = torch.where(visible > 0, now, n).flip(0).cummin(0).values.flip(0)
    return before, after


def _smoothed(film: Tensor, y: Tensor, visible: Tensor, memory: float) -> Tensor:
    """Means of what was seen of a place, each the less the farther away in time."""
    keep = torch.tensor(-1 / memory).exp()
    total, weight = torch.zeros_like(y), torch.zeros_like(visible)
    for order in (range(len(y)), range(len(y) - 1, -1, -1)):
        sums, counts = torch.zeros_like(y[0]), torch.zeros_like(visible[0])
        for t in order:
            sums, counts = keep * sums + y[t] * visible[t], keep * counts + visible[t]
            total[t] += sums
            weight[t] += counts
    return torch.where(weight > 1e-4, total / weight.clamp(min=1e-4), film)


def _along_motion(film: Tensor, visible: Tensor, wanted: Tensor) -> Tensor:
    """Frames of which nothing was seen, each place from where it was before and where it will be;
    before the first frame that was seen and after the last as the nearest two move."""
    whole, moved = visible.flatten(1).amax(1) > 0, film.clone()
    for t in wanted.flatten(1).any(1).nonzero()[:, 0].tolist():
        earlier, later = whole[:t].nonzero()[:, 0].tolist(), whole[t:].nonzero()[:, 0].tolist()
        around = [*earlier[-1:], *(t + k for k in later[:1])]
        if len(around) < 2:
            around = earlier[-2:] or [t + k for k in later[1::-1]]
        if whole[t] or len(around) < 2 or max(t, *around) - min(t, *around) > FARTHEST:
            continue
        a, b = around
        reach = min(MOST_MOVED, 2 + 2 * abs(b - a))
        moved[t] = carry(film[a : a + 1], film[b : b + 1], (t - a) / (b - a), reach)[0]
    return moved


def _alike(film: Tensor, visible: Tensor, wanted: Tensor) -> list[Tensor]:
    """What was at a place at moments when it looked alike around it, for every sharpness. Of frames
    of which something was seen, squares of which nothing was."""
    found = [film.clone() for _ in SHARPNESS]
    seen = F.avg_pool2d(visible, BLOCK)
    partly = (visible.flatten(1).amax(1) > 0)[:, None, None]
    hidden = (F.max_pool2d(wanted.float(), BLOCK)[:, 0] > 0) & (seen[:, 0] == 0) & partly
    known = (seen == 1).float()
    side = 2 * AROUND + 1
    edges = [AROUND] * 4
    looks = F.pad(_in_threes(F.avg_pool2d(film, BLOCK)), edges)
    shown = F.pad(_in_threes(known), edges).repeat_interleave(film.shape[1], 1)
    for row, column in hidden.any(0).nonzero().tolist():
        asked = hidden[:, row, column].nonzero()[:, 0]
        there = known[:, 0, row, column].nonzero()[:, 0]
        if not len(there):
            continue
        about = (slice(None), slice(None), slice(row, row + side), slice(column, column + side))
        look, show = looks[about].flatten(1), shown[about].flatten(1)
        unlike = _unlike(look[asked], show[asked], look[there], show[there])
        usual = unlike.mean().clamp(min=1e-9)
        y, x = row * BLOCK, column * BLOCK
        square = (slice(None), slice(None), slice(y, y + BLOCK), slice(x, x + BLOCK))
        was = film[square][there].flatten(1)
        for made, sharpness in zip(found, SHARPNESS, strict=True):
            guess = (-unlike / (usual * sharpness)).softmax(1) @ was
            made[square][asked] = guess.view(len(asked), *made[square].shape[1:])
    return found


def _in_threes(x: Tensor) -> Tensor:
    """Every frame with those before and after it, (n, 3 c, h, w)."""
    return torch.cat([torch.cat([x[:1], x[:-1]]), x, torch.cat([x[1:], x[-1:]])], 1)


def _unlike(a: Tensor, shown: Tensor, b: Tensor, seen: Tensor) -> Tensor:
    """The mean square difference of every row of a from every row of b where both are known, as
    `shown` and `seen` say, (a, b)."""
    total = (shown * a * a) @ seen.T + shown @ (seen * b * b).T - 2 * (shown * a) @ (seen * b).T
    return total.clamp(min=0) / (shown @ seen.T).clamp(min=1)
