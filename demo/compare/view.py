"""How the members of a comparison look: what they make, and how they rebuild what was held back."""

import math

import numpy as np
from torch import Tensor

from abp_core.family.member import Member, Shown
from abp_core.family.trial import Trial
from abp_core.synthesis import sampling
from demo import media
from demo.models.downloads import SEED_OF_SAMPLES
from demo.models.medium import Medium, medium_of
from demo.runs.columns import Pictures
from demo.runs.run import LIVE_SIZE, Panel

OF_A_SET = 9  # pictures, so that each is large enough to be looked at in a narrow column
SECONDS = 2  # of a sound: as much as is held back of one
QUALITY = 88


def draw_data(trial: Trial) -> Pictures:
    """What all learn from, and what was held back."""
    medium, x = medium_of(trial.data.source), trial.data.signals
    return Pictures(
        _panel("What they learn from", medium, _part(trial, x)),
        _panel("Held back from all", medium, _held(trial)),
    )


def draw_new(member: Member) -> Panel:
    """New ones, of the same seed every time, so that one sees the member change."""
    trial = member.trial
    n = OF_A_SET if trial.kind == "objects" else 1
    made = member.sample(n, SEED_OF_SAMPLES, _size(trial))
    return _panel("New", medium_of(trial.data.source), made)


def draw_rebuilt(member: Member) -> Panel | None:
    """What was held back, as the member rebuilds it; None where it infers nothing."""
    rebuilt = member.rebuild(_held(member.trial))
    return rebuilt if rebuilt is None else _panel("Rebuilt", _medium(member), rebuilt)


def draw_shown(member: Member) -> tuple[Panel, ...]:
    """Whatever else is to be seen of it."""
    return tuple(_shown(each, _medium(member)) for each in member.show())


def _medium(member: Member) -> Medium:
    """Of what a member learns."""
    return medium_of(member.trial.data.source)


def _shown(shown: Shown, medium: Medium) -> Panel:
    if not shown.heat:
        return _panel(shown.caption, medium, shown.signals)
    brightest = max(float(shown.signals.max()), 1e-9)
    tiles = [media.heat(each.mean(0).numpy(), brightest) for each in shown.signals]
    sheet = sampling.contact_sheet(np.stack(tiles), max(1, math.isqrt(len(tiles))))
    return Panel(shown.caption, media.jpeg_url(sheet, QUALITY))


def _panel(caption: str, medium: Medium, signals: Tensor) -> Panel:
    sheet = media.jpeg_url(medium.draw_sheet(signals), QUALITY)
    return Panel(caption, sheet, medium.play(signals[0]))


def _size(trial: Trial) -> tuple[int, ...]:
    """Of a new one: that of a set's pictures, or as much of a picture or sound as is shown."""
    if trial.kind == "objects":
        return trial.size
    rate = trial.data.source.sample_rate
    most = SECONDS * rate if rate else LIVE_SIZE
    return tuple(min(n, most) for n in trial.size)


def _part(trial: Trial, x: Tensor) -> Tensor:
    """As many signals (n, c, ...), and as much of each, as is shown."""
    for axis, most in enumerate(_size(trial), start=2):
        x = x.narrow(axis, 0, min(x.shape[axis], most))
    return x[:OF_A_SET]


def _held(trial: Trial) -> Tensor:
    return trial.held[:OF_A_SET]
