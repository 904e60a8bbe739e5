"""Points, the shipped models and what is shown of them, without a page."""

import base64
import io
import math
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from abp_core.priors.exemplar import Exemplar
from abp_core.synthesis import sampling
from demo import limits
from demo.disk import Disk
from demo.errors import Rejected
from demo.explore.ends import changed_shares
from demo.explore.latent_points import (
    ROW_OF_SEEDS,
    cell_of,
    grid_of,
    latent_map,
    vector,
    view_of,
)
from demo.explore.points import (
    Point,
    point_from,
)
from demo.explore.view import (
    Explored,
    Explorer,
    describe,
    render_point,
    render_sprite,
)
from demo.models.collection import (
    Model,
    model_of,
)
from demo.models.medium import THUMB
from demo.runs.settings import Settings
from demo.studio import OWN, PACK
from tests.demo.rooms import Rooms
from tests.demo.runs import arrived
from tests.tiny import WHOLE, whole_run

FACES, MANY, TEXTURE, SOUND = "noto_animal_faces_128", "toon_faces_64", "pebbles", "stream"
WHOLES = tuple(f"whole {kind}" for kind in WHOLE)  # small models of one picture or sound each


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    rooms = Rooms(Disk(tmp_path_factory.mktemp("studio")))
    yield rooms
    rooms.close()


@pytest.fixture(scope="module")
def known(rooms: Rooms) -> dict[str, Explored]:
    token, explorer = arrived(rooms.studio), Explorer()
    models = {name: rooms.studio.choose(token, name) for name in (FACES, MANY, TEXTURE, SOUND)}
    for kind, name in zip(WHOLE, WHOLES, strict=True):
        models[name] = model_of(whole_run(kind, 20), "file", key=name, path="whole.safetensors")
    return {name: explorer.of(model) for name, model in models.items()}


def pixels(url: str) -> np.ndarray:
    content = base64.b64decode(url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def test_a_chosen_model_is_the_current_one_until_another_is(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    with pytest.raises(Rejected, match="choose a model first"):
        rooms.studio.model(token)
    assert rooms.studio.arrive(token).name == rooms.studio.gallery()[0].name
    assert rooms.studio.choose(token, TEXTURE).kind == "texture"
    assert rooms.studio.model(token).name == TEXTURE
    with pytest.raises(Rejected, match="no such model"):
        rooms.studio.choose(token, "../../etc/passwd")
    assert rooms.studio.model(token).name == TEXTURE
    assert (
        rooms.studio.model(token).generator
        is rooms.studio.choose(arrived(rooms.studio), TEXTURE).generator
    )
    studio, model = rooms.studio, rooms.studio.arrive(token, "nobody")
    assert model.name == TEXTURE
    assert "not here" in studio.explain(model, "nobody")
    assert "somebody's own" in studio.explain(model, OWN)
    assert studio.explain(model, TEXTURE) == studio.explain(model, "") == ""
    with pytest.raises(Rejected, match="press Train"):
        rooms.studio.follow(token)
    assert rooms.studio.model(token).name == TEXTURE


def test_a_run_becomes_the_current_model_when_it_is_asked_for(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    rooms.studio.choose(token, SOUND)
    rooms.training.start(
        token, item=TEXTURE, upload="", style="Quick", settings=Settings(), minutes=0.25
    )
    assert rooms.studio.model(token).name == SOUND
    model = rooms.studio.follow(token)
    assert (model.origin, model.kind) == ("run", "texture")
    assert rooms.studio.model(token) is model
    rooms.runs.stop(token)


def test_a_page_that_shows_another_model_is_told_so(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    rooms.studio.choose(token, FACES)
    with pytest.raises(Rejected, match="Another model was chosen"):
        rooms.exploration.look(token, TEXTURE, {})
    assert "picture" in rooms.exploration.look(token, FACES, {"z": [0.0, 0.0]})


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {"z": [math.nan]},
        {"z": [1e9, 0]},
        {"z": "12"},
        {"z": [0.0] * 1000},
        {"seed": -1},
        {"seed": 1.5},
        {"seed": "7"},
        {"seed": True},
        {"seed": 1e300},
        {"x": math.inf},
        {"moves": [[1]]},
        {"edits": [{"what": "explode", "cells": "1"}]},
        {"edits": [{"what": "paint", "cells": "-1"}]},
        {"edits": [{"what": "paint", "cells": "f" * 999}]},
        {"edits": [{"what": "paint", "cells": "1"}] * 999},
        {"edits": {"what": "paint"}},
    ],
)
def test_what_is_no_point_gets_a_sentence(sent: object) -> None:
    with pytest.raises(Rejected, match=r"\.$"):
        point_from(sent)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["z", "seed", "x", "y", "example", "moves", "edits"]), json_like
    )
)
def test_anything_is_a_point_or_a_sentence(sent: dict[str, object]) -> None:
    try:
        point = point_from(sent)
    except Rejected:
        return
    assert 0 <= point.seed <= limits.SEED[1]
    assert all(abs(value) <= limits.FARTHEST for value in point.z)


@pytest.mark.parametrize("name", [FACES, TEXTURE])
@pytest.mark.parametrize(
    ("point", "sentence"),
    [
        (Point(z=(0.0,) * 7), "does not fit"),
        (Point(example=10_000), "training examples"),
        (Point(edits=point_from({"edits": [{"what": "paint", "cells": "f" * 120}]}).edits), "fit"),
    ],
)
def test_a_point_of_another_model_gets_a_sentence(
    known: dict[str, Explored], name: str, point: Point, sentence: str
) -> None:
    ignored = (name == TEXTURE and point.z) or (name == FACES and point.edits)
    if ignored:  # a link may hold more than a model needs
        assert render_point(known[name], point)["picture"]
        return
    with pytest.raises(Rejected, match=sentence):
        render_point(known[name], point)


@pytest.mark.parametrize("name", [FACES, MANY, TEXTURE, SOUND, *WHOLES])
def test_a_point_is_all_there_is_to_a_picture(known: dict[str, Explored], name: str) -> None:
    point = point_from({"seed": 5, "x": 0.25, "y": -1.5})
    first = render_point(known[name], point)
    assert render_point(known[name], point) == first
    if "z" in first:  # what the browser keeps of it gives the very same
        assert render_point(known[name], point_from({"z": first["z"]})) == first
    assert render_point(known[name], point_from({"seed": 6, "x": 0.25, "y": -1.5})) != first


def test_what_changes_is_the_share_of_pixels_that_differ_visibly() -> None:
    below = torch.zeros(2, 3, 4, 5)
    above = below.clone()
    above[0, :, 0] = 0.25  # a row of four, by an eighth of the range
    above[0, :, 1] = 0.15  # by less than a tenth
    above[1, 0, :, 0] = 0.9  # a column of five, in one colour of three
    above[1, 0, :, 1] = 0.3
    assert changed_shares(torch.stack([below, above], 1)) == pytest.approx([1 / 4, 1 / 5])
    outside = torch.stack([below + 1, below + 9], 1)  # both as white as a picture can be
    assert changed_shares(outside) == [0, 0]


@pytest.mark.parametrize("name", [MANY, TEXTURE])
def test_the_ends_of_a_slider_and_what_differs_between_them(
    known: dict[str, Explored], name: str
) -> None:
    explored = known[name]
    told, sheet = describe(explored)["changes"], pixels(render_sprite(explored, "ends"))
    shares = [float(text.removesuffix(" % of the picture")) for text in told]
    assert len(shares) == explored.number
    assert all(0 < share <= 100 for share in shares)
    assert sheet.shape == (THUMB * explored.number, 3 * THUMB, 3)
    rows = sheet.reshape(explored.number, THUMB, 3 * THUMB, 3).mean((1, 3))
    heat = rows[:, 2 * THUMB :].mean(1)
    assert heat[0] > heat[-1], "the first direction moves more than the last"
    assert np.corrcoef(heat, shares)[0, 1] > 0.6


@pytest.mark.parametrize("name", [MANY, TEXTURE, SOUND, *WHOLES])
def test_every_whole_point_of_the_plane_is_a_seed(known: dict[str, Explored], name: str) -> None:
    there = render_point(known[name], Point(seed=3, x=2, y=1))
    assert there == render_point(known[name], Point(seed=3 + 2 + ROW_OF_SEEDS))


def test_a_seed_is_the_sample_of_that_seed(known: dict[str, Explored]) -> None:
    model = known[MANY].model
    z = vector(model, known[MANY].found, Point(seed=12))
    sample = model.prior.draw(1, 12)[0]
    torch.testing.assert_close(z, sample, rtol=0, atol=1e-4)
    model = known[TEXTURE].model
    made = pixels(render_point(known[TEXTURE], Point(seed=12))["picture"])
    whole = sampling.generate_field(model.generator, model.prior.map(12), (224, 224))
    sample = sampling.pixels(whole)[0]
    assert np.abs(made - sample).mean() < 6  # a JPEG of fine grain
    assert np.abs(made[::-1] - sample).mean() > 20


def test_a_coordinate_that_is_locked_stays(known: dict[str, Explored]) -> None:
    explored = known[MANY]
    moves = (math.nan, 1.25, math.nan)
    for seed in range(4):
        z = vector(explored.model, explored.found, Point(seed=seed, moves=moves))
        free = vector(explored.model, explored.found, Point(seed=seed))
        t, t_free = (explored.found.coordinates(each[None])[0] for each in (z, free))
        assert t[1] == pytest.approx(1.25, abs=2e-3)
        torch.testing.assert_close(t[2:], t_free[2:], rtol=0, atol=2e-3)


def edited(explored: Explored, *edits: dict[str, object], **point: object) -> Tensor:
    """The latents of what is looked at."""
    latents = latent_map(
        explored.model, explored.found, point_from({"seed": 1, "edits": edits, **point})
    )
    view = view_of(explored.model)
    return latents.part((0,) * len(view), view)


def cells(*numbers: int) -> str:
    return format(sum(1 << number for number in numbers), "x")


def inside(model: Model, *numbers: int) -> Tensor:
    """Where cells are in the view, (*view)."""
    view, side = view_of(model), cell_of(model)
    places = torch.stack(torch.meshgrid(*map(torch.arange, view), indexing="ij"))
    number = torch.zeros(view, dtype=torch.int64)
    for along, n in zip(places // side, grid_of(model), strict=True):
        number = number * n + along
    return torch.isin(number, torch.tensor(numbers))


ALL = pytest.mark.parametrize("name", [TEXTURE, SOUND, *WHOLES])


@ALL
def test_cells_cover_what_is_looked_at(known: dict[str, Explored], name: str) -> None:
    model = known[name].model
    grid, view, side = grid_of(model), view_of(model), cell_of(model)
    assert all(side * (n - 1) < m <= side * n for n, m in zip(grid, view, strict=True))
    assert inside(model, *range(math.prod(grid))).all()
    if name.startswith("whole"):
        expected = {"whole texture": (2, (14, 14)), "whole sound": (16, (79,))}
        assert (side, grid) == expected[name]


def square(model: Model) -> list[int]:
    """Ten by ten cells of a picture, or 30 of a sound in a row."""
    across = grid_of(model)[-1]
    if model.kind == "sound":
        return list(range(20, 50))
    return [row * across + column for row in range(2, 12) for column in range(3, 13)]


@pytest.mark.parametrize("what", ["resample", "paint"])
@ALL
def test_an_edit_changes_its_cells_alone(known: dict[str, Explored], name: str, what: str) -> None:
    explored = known[name]
    numbers = square(explored.model)
    edit = {"what": what, "cells": cells(*numbers), "number": 2, "amount": 1.5}
    before, after = edited(explored), edited(explored, edit)
    changed, where = (before != after).any(0), inside(explored.model, *numbers)
    assert torch.equal(before[:, ~where], after[:, ~where])
    if (
        isinstance(explored.model.prior, Exemplar) and what == "resample"
    ):  # what fits may well be what was there
        assert changed[where].any()
    else:
        assert changed[where].all()
    if what == "paint":
        along = explored.found.axes[:, 2]
        moved = (after - before)[:, where].T
        torch.testing.assert_close(moved, (1.5 * along).expand_as(moved), rtol=0, atol=1e-5)


@ALL
def test_what_is_drawn_anew_is_a_function_of_its_seed(
    known: dict[str, Explored], name: str
) -> None:
    explored = known[name]
    numbers = square(explored.model)
    first, again, other = (
        edited(explored, {"what": "resample", "cells": cells(*numbers), "number": number})
        for number in (8, 8, 9)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    if isinstance(explored.model.prior, Exemplar):  # new latents are those of the exemplar, too
        drawn = first[:, inside(explored.model, *numbers)].T
        exemplar = explored.model.saved.latents[0].flatten(1).T
        exactly = "donot_use_mm_for_euclid_dist"
        assert torch.cdist(drawn, exemplar, compute_mode=exactly).min(1).values.max() == 0


@ALL
def test_a_copy_puts_the_latents_of_an_example_in_its_cells(
    known: dict[str, Explored], name: str
) -> None:
    """From the example's first position on, at the first of the cells, again and again."""
    explored = known[name]
    model, example = explored.model, explored.model.examples[2]
    row = 0 if model.kind == "sound" else grid_of(model)[1]
    numbers = sorted({3, 4, 3 + row, 4 + row})  # two by two, or two in a row
    where = inside(model, *numbers)
    before = edited(explored)
    after = edited(explored, {"what": "copy", "cells": cells(*numbers), "number": 2})
    box = tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in where.nonzero().T)
    expected = example
    for axis, along in enumerate(box, start=1):
        again = torch.arange(along.stop - along.start) % example.shape[axis]
        expected = expected.index_select(axis, again)
    assert torch.equal(after[(slice(None), *box)], expected)
    changed = (before != after).any(0)
    if isinstance(explored.model.prior, Exemplar):  # what lies around it is drawn to fit
        assert changed[~where].any()
    else:
        assert not changed[~where].any()


@ALL
def test_a_copy_leaves_what_was_edited_before(known: dict[str, Explored], name: str) -> None:
    explored = known[name]
    first: list[dict[str, object]] = [
        {"what": "paint", "cells": cells(0, 1), "number": 1, "amount": 2.0},
        {"what": "resample", "cells": cells(8, 9), "number": 4},
        {"what": "copy", "cells": cells(12), "number": 0},
    ]
    where = inside(explored.model, 0, 1, 8, 9, 12)
    before = edited(explored, *first)
    after = edited(explored, *first, {"what": "copy", "cells": cells(4, 5), "number": 2})
    assert torch.equal(before[:, where], after[:, where])
    assert not torch.equal(before, after)


@pytest.mark.parametrize("what", ["resample", "copy", "paint"])
@ALL
def test_an_edit_of_no_cells_changes_nothing(
    known: dict[str, Explored], name: str, what: str
) -> None:
    explored = known[name]
    assert torch.equal(edited(explored, {"what": what, "cells": "0"}), edited(explored))


@ALL
def test_coordinates_move_every_latent_alike(known: dict[str, Explored], name: str) -> None:
    explored = known[name]
    edits: list[dict[str, object]] = [
        {"what": "resample", "cells": cells(2, 3), "number": 4},
        {"what": "copy", "cells": cells(7), "number": 1},
    ]
    for some in ([], edits):
        still, moved = (edited(explored, *some, moves=moves) for moves in ([], [None, 1.5]))
        along = explored.found.axes[:, 1].view(-1, *(1 for _ in still.shape[1:]))
        torch.testing.assert_close(moved, still + 1.5 * along, rtol=0, atol=1e-5)


@ALL
def test_a_training_example_is_planted_in_the_middle(known: dict[str, Explored], name: str) -> None:
    explored = known[name]
    example = explored.model.examples[4]
    z = edited(explored, example=4)
    inner = tuple(
        slice((n - m) // 2, (n - m) // 2 + m)
        for n, m in zip(z.shape[1:], example.shape[1:], strict=True)
    )
    assert torch.equal(z[(slice(None), *inner)], example)
    copied = edited(explored, {"what": "copy", "cells": cells(0), "number": 2}, example=4)
    assert torch.equal(copied[(slice(None), *inner)], example), "a copy elsewhere leaves it"


@pytest.mark.parametrize("name", WHOLES)
def test_what_is_seen_at_a_place_of_the_plane_lies_between_its_seeds(
    known: dict[str, Explored], name: str
) -> None:
    explored, prior = known[name], known[name].model.prior
    assert isinstance(prior, Exemplar)
    seeds = {1: 0.75 * 0.5, 1001: 0.75 * 0.5, 2: 0.25 * 0.5, 1002: 0.25 * 0.5}
    view = view_of(explored.model)
    expected = prior.between(seeds).part((0,) * len(view), view)
    assert torch.equal(edited(explored, x=0.25, y=0.5), expected)
    assert torch.equal(edited(explored, x=2), prior.map(3).part((0,) * len(view), view))


@pytest.mark.parametrize("name", WHOLES)
def test_what_is_seen_of_a_model_of_a_whole_is_described(
    known: dict[str, Explored], name: str
) -> None:
    told = describe(known[name])
    assert told["view"] == list(grid_of(known[name].model))
    assert told["examples"] == len(known[name].model.examples) == 24
    for what in ("ends", "examples"):
        assert pixels(render_sprite(known[name], what)).size > 0
    shown = render_point(known[name], Point(seed=3))
    assert bool(shown["sound"]) == (name == "whole sound")
    assert pixels(shown["map"]).shape[1] == view_of(known[name].model)[-1]


def test_a_sound_is_as_long_and_loud_as_it_should_be(known: dict[str, Explored]) -> None:
    original, _ = soundfile.read(PACK / "sounds" / f"{SOUND}.flac")
    source = known[SOUND].model.saved.source
    content = base64.b64decode(render_point(known[SOUND], Point())["sound"].partition(",")[2])
    samples, rate = soundfile.read(io.BytesIO(content))
    assert rate == source.sample_rate
    assert len(samples) / rate == pytest.approx(5, abs=0.1)
    assert samples.std() == pytest.approx(original.std(), rel=0.25)


def test_the_plane_is_for_two_latents(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    rooms.studio.choose(token, FACES)
    assert pixels(rooms.exploration.draw_sheet(token, FACES, "plane")["picture"]).shape == (
        15 * 64,
        15 * 64,
        3,
    )
    with pytest.raises(Rejected, match="no such picture"):
        rooms.exploration.draw_sheet(token, FACES, "everything")
    rooms.studio.choose(token, TEXTURE)
    with pytest.raises(Rejected, match="two numbers"):
        rooms.exploration.draw_sheet(token, TEXTURE, "plane")


def test_a_journey_says_what_it_needs(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    rooms.studio.choose(token, FACES)
    ends = [{"z": [0, 1]}, {"z": [1, 0]}]
    for points, what, sentence in (
        (ends[:1], "strip", "two to 4 points"),
        (None, "strip", "two to 4 points"),
        (ends * 3, "film", "two to 4 points"),
        (ends, "panel", "four points"),
        (ends, "opera", "strip, a panel or a film"),
    ):
        with pytest.raises(Rejected, match=sentence):
            rooms.exploration.travel(token, FACES, points, what)
    strip = pixels(rooms.exploration.travel(token, FACES, ends, "strip")["file"])
    for place, end in ((0, ends[0]), (-64, ends[1])):
        made = pixels(rooms.exploration.look(token, FACES, end)["picture"])
        assert np.abs(strip[:, place:][:, :64] - made).mean() < 4
