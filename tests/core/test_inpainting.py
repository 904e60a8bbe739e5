"""Places of a latent map that are drawn anew, and parts of one that continue themselves."""

import pytest
import torch

from abp_core.priors.exemplar import Exemplar
from abp_core.priors.fields import LatentMap, Place
from abp_core.priors.kinds import Prior
from abp_core.priors.normal import Normal
from abp_core.synthesis import inpainting
from abp_core.synthesis.inpainting import Inpainted
from tests.core.test_exemplar import MAP, smooth

NORMAL = Normal((4, 28, 30))
BOTH = pytest.mark.parametrize("prior", [MAP, NORMAL], ids=["exemplar", "normal"])
HOLE = torch.ones(8, 7, dtype=torch.bool)
HOLE[0, 0] = HOLE[7, 6] = False
AT, START, STOP = (-3, 11), (-12, 2), (14, 27)


def part(latents: LatentMap) -> torch.Tensor:
    return latents.part(START, STOP)


def where(inside: torch.Tensor = HOLE, at: Place = AT) -> torch.Tensor:
    """The mask of a place within what `part` asks for."""
    whole = torch.zeros([b - a for a, b in zip(START, STOP, strict=True)], dtype=torch.bool)
    rows, columns = (slice(p - a, p - a + n) for p, a, n in zip(at, START, HOLE.shape, strict=True))
    whole[rows, columns] = inside
    return whole


@BOTH
def test_a_place_is_drawn_anew_and_nothing_else(prior: Prior) -> None:
    before = part(prior.map(1))
    after = part(Inpainted(prior.map(1), prior, HOLE, AT, 5))
    changed = (before != after).any(0)
    assert not changed[~where()].any()
    assert changed[where()].any()  # what fits may well be what was there


@BOTH
def test_it_is_a_function_of_the_seed_whatever_part_is_asked_for(prior: Prior) -> None:
    first = Inpainted(prior.map(1), prior, HOLE, AT, 5)
    assert torch.equal(part(first), part(Inpainted(prior.map(1), prior, HOLE, AT, 5)))
    assert not torch.equal(part(first), part(Inpainted(prior.map(1), prior, HOLE, AT, 6)))
    rows, columns = slice(10, 15), slice(5, 21)  # a part that begins and ends in the place
    inside = first.part((START[0] + 10, START[1] + 5), (START[0] + 15, START[1] + 21))
    assert torch.equal(part(first)[:, rows, columns], inside)


@BOTH
def test_one_place_after_another(prior: Prior) -> None:
    """The second covers a part of the first, of which the rest stays."""
    first = Inpainted(prior.map(1), prior, HOLE, AT, 5)
    second = Inpainted(first, prior, HOLE, (0, 14), 6)
    changed = (part(first) != part(second)).any(0)
    assert not changed[~where(at=(0, 14))].any()
    assert changed.any()


def test_what_is_drawn_is_made_of_the_exemplar_and_fits() -> None:
    """Neighbours across the border of the place differ no more than within what is drawn freely."""
    prior = MAP
    for seed in range(3):
        z = part(Inpainted(prior.map(1), prior, HOLE, AT, seed))
        drawn, whole = z[:, where()].T, smooth(28, 30).flatten(1).T
        exactly = "donot_use_mm_for_euclid_dist"
        assert torch.cdist(drawn, whole, compute_mode=exactly).min(1).values.max() == 0
        across = (z.diff(dim=1).square().sum(0))[where()[1:] != where()[:-1]].mean()
        usual = part(prior.map(1)).diff(dim=1).square().sum(0).mean()
        assert across < 2 * usual


def test_what_is_held_is_not_made_again() -> None:
    made: list[torch.Tensor] = []

    def keep(make: object) -> torch.Tensor:
        if not made:
            made.append(make())  # type: ignore[operator]
        return made[0]

    latents = Inpainted(MAP.map(1), MAP, HOLE, AT, 5, keep)
    far = latents.part((40, 40), (45, 45))
    assert not made, "what is far from the place does not need it"
    assert torch.equal(far, MAP.map(1).part((40, 40), (45, 45)))
    assert torch.equal(part(latents), part(Inpainted(MAP.map(1), MAP, HOLE, AT, 5)))
    made[0] = made[0] + 1
    assert not torch.equal(part(latents), part(Inpainted(MAP.map(1), MAP, HOLE, AT, 5)))


@BOTH
def test_a_tile_repeats_what_it_is_taken_of(prior: Prior) -> None:
    window = prior.map(1).part((4, -9), (22, 11))
    tile = inpainting.tile(prior, prior.map(1), (4, -9), (22, 11), 3)
    once = tile.part((0, 0), (18, 20))
    assert torch.equal(tile.part((-18, 20), (36, 60)), once.repeat(1, 3, 2))
    edge = inpainting.EDGE
    inner = (slice(None), slice(edge, -edge), slice(edge, -edge))
    assert torch.equal(once[inner], window[inner])


def test_a_tile_continues_itself() -> None:
    """Laid beside itself as it stands, a window does not."""
    start, stop = (4, -9), (22, 11)
    window = MAP.map(1).part(start, stop)
    once = inpainting.tile(MAP, MAP.map(1), start, stop, 3).part((0, 0), (18, 20))

    def seam(z: torch.Tensor) -> float:
        across = (z[:, :, 0] - z[:, :, -1]).square().mean()
        return float(across + (z[:, 0] - z[:, -1]).square().mean())

    usual = sum(float(window.diff(dim=axis).square().mean()) for axis in (1, 2))
    assert seam(window) > 1.5 * usual
    assert seam(once) < 1.5 * usual


def test_a_stretch_of_a_line_is_drawn_anew() -> None:
    prior = Exemplar.of(smooth(90))
    hole = torch.ones(9, dtype=torch.bool)
    before = prior.map(1).part((0,), (40,))
    after = Inpainted(prior.map(1), prior, hole, (12,), 5).part((0,), (40,))
    changed = (before != after).any(0)
    assert changed[12:21].any()
    assert not changed[:12].any()
    assert not changed[21:].any()
