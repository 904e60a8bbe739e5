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

from abp_core import synthesis
from demo import limits
from demo.disk import Disk
from demo.workbench import EXAMPLES, Rejected, Settings, Workbench
from demo.workbench.explore import Explored, Explorer, look
from demo.workbench.points import ROW_OF_SEEDS, Point, latent_map, point_from, vector, view_of
from tests.demo.runs import arrived

FACES, MANY, TEXTURE, SOUND = "noto_animal_faces_128", "toon_faces_64", "pebbles", "stream"


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(Disk(tmp_path_factory.mktemp("studio")))
    yield workbench
    workbench.close()


@pytest.fixture(scope="module")
def known(workbench: Workbench) -> dict[str, Explored]:
    token, explorer = arrived(workbench), Explorer()
    return {
        name: explorer.of(workbench.choose(token, name)) for name in (FACES, MANY, TEXTURE, SOUND)
    }


def pixels(url: str) -> np.ndarray:
    content = base64.b64decode(url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def test_a_chosen_model_is_the_current_one_until_another_is(workbench: Workbench) -> None:
    token = arrived(workbench)
    with pytest.raises(Rejected, match="choose a model first"):
        workbench.model(token)
    assert workbench.arrive(token).name == workbench.gallery()[0].name
    assert workbench.choose(token, TEXTURE).kind == "texture"
    assert workbench.model(token).name == TEXTURE
    with pytest.raises(Rejected, match="no such model"):
        workbench.choose(token, "../../etc/passwd")
    assert workbench.model(token).name == TEXTURE
    assert (
        workbench.model(token).generator is workbench.choose(arrived(workbench), TEXTURE).generator
    )
    with pytest.raises(Rejected, match="not here"):
        workbench.arrive(token, "nobody")
    with pytest.raises(Rejected, match="press Train"):
        workbench.follow(token)
    assert workbench.model(token).name == TEXTURE


def test_a_run_becomes_the_current_model_when_it_is_asked_for(workbench: Workbench) -> None:
    token = arrived(workbench)
    workbench.choose(token, SOUND)
    workbench.start(
        token, item=TEXTURE, upload="", style="Quick", settings=Settings(), minutes=0.25
    )
    assert workbench.model(token).name == SOUND
    model = workbench.follow(token)
    assert (model.origin, model.kind) == ("run", "texture")
    assert workbench.model(token) is model
    workbench.stop(token)


def test_a_page_that_shows_another_model_is_told_so(workbench: Workbench) -> None:
    token = arrived(workbench)
    workbench.choose(token, FACES)
    with pytest.raises(Rejected, match="Another model was chosen"):
        workbench.look(token, TEXTURE, {})
    assert "picture" in workbench.look(token, FACES, {"z": [0.0, 0.0]})


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
        assert look(known[name], point)["picture"]
        return
    with pytest.raises(Rejected, match=sentence):
        look(known[name], point)


@pytest.mark.parametrize("name", [FACES, MANY, TEXTURE, SOUND])
def test_a_point_is_all_there_is_to_a_picture(known: dict[str, Explored], name: str) -> None:
    point = point_from({"seed": 5, "x": 0.25, "y": -1.5})
    first = look(known[name], point)
    assert look(known[name], point) == first
    if "z" in first:  # what the browser keeps of it gives the very same
        assert look(known[name], point_from({"z": first["z"]})) == first
    assert look(known[name], point_from({"seed": 6, "x": 0.25, "y": -1.5})) != first


@pytest.mark.parametrize("name", [MANY, TEXTURE, SOUND])
def test_every_whole_point_of_the_plane_is_a_seed(known: dict[str, Explored], name: str) -> None:
    there = look(known[name], Point(seed=3, x=2, y=1))
    assert there == look(known[name], Point(seed=3 + 2 + ROW_OF_SEEDS))


def test_a_seed_is_the_sample_of_that_seed(known: dict[str, Explored]) -> None:
    model = known[MANY].model
    z = vector(model, known[MANY].found, Point(seed=12))
    sample = synthesis.prior(model.generator.spec.latent_shape, 1, 12)[0]
    torch.testing.assert_close(z, sample, rtol=0, atol=1e-4)
    model = known[TEXTURE].model
    made = pixels(look(known[TEXTURE], Point(seed=12))["picture"])
    sample = synthesis.pixels(synthesis.expand_to(model.generator, (224, 224), 12))[0]
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


@pytest.mark.parametrize("what", ["resample", "copy", "paint"])
@pytest.mark.parametrize("name", [TEXTURE, SOUND])
def test_an_edit_changes_its_cells_alone(known: dict[str, Explored], name: str, what: str) -> None:
    explored = known[name]
    view = view_of(explored.model)
    start = (0,) * len(view)
    edit = {"what": what, "cells": format(1 << 3 | 1 << 20, "x"), "number": 2, "amount": 1.5}
    before, after = (
        latent_map(explored.model, explored.found, point_from({"seed": 1, "edits": edits}))
        for edits in ([], [edit])
    )
    changed = (before.part(start, view) != after.part(start, view)).any(0).flatten()
    assert changed.nonzero().flatten().tolist() == [3, 20]
    if what == "copy":
        example = explored.model.saved.latents[2].reshape(before.part(start, view).shape[0], -1)
        assert (after.part(start, view).flatten(1)[:, 3:4] == example).all(0).any()


def test_a_training_example_is_planted_in_the_middle(known: dict[str, Explored]) -> None:
    explored = known[TEXTURE]
    z = latent_map(explored.model, explored.found, Point(example=4)).part((0, 0), (14, 14))
    assert torch.equal(z[:, 3:11, 3:11], explored.model.saved.latents[4])


def test_a_sound_is_as_long_and_loud_as_it_should_be(known: dict[str, Explored]) -> None:
    original, _ = soundfile.read(EXAMPLES / "sounds" / f"{SOUND}.flac")
    source = known[SOUND].model.saved.source
    content = base64.b64decode(look(known[SOUND], Point())["sound"].partition(",")[2])
    samples, rate = soundfile.read(io.BytesIO(content))
    assert rate == source.sample_rate
    assert len(samples) / rate == pytest.approx(5, abs=0.1)
    assert samples.std() == pytest.approx(original.std(), rel=0.25)


def test_the_plane_is_for_two_latents(workbench: Workbench) -> None:
    token = arrived(workbench)
    workbench.choose(token, FACES)
    assert pixels(workbench.sprite(token, FACES, "plane")).shape == (15 * 64, 15 * 64, 3)
    with pytest.raises(Rejected, match="no such picture"):
        workbench.sprite(token, FACES, "everything")
    workbench.choose(token, TEXTURE)
    with pytest.raises(Rejected, match="two latents"):
        workbench.sprite(token, TEXTURE, "plane")


def test_a_journey_says_what_it_needs(workbench: Workbench) -> None:
    token = arrived(workbench)
    workbench.choose(token, FACES)
    ends = [{"z": [0, 1]}, {"z": [1, 0]}]
    for points, what, sentence in (
        (ends[:1], "strip", "two to 4 points"),
        (None, "strip", "two to 4 points"),
        (ends * 3, "film", "two to 4 points"),
        (ends, "panel", "four points"),
        (ends, "opera", "strip, a panel or a film"),
    ):
        with pytest.raises(Rejected, match=sentence):
            workbench.journey(token, FACES, points, what)
    strip = pixels(workbench.journey(token, FACES, ends, "strip")["file"])
    for place, end in ((0, ends[0]), (-64, ends[1])):
        made = pixels(workbench.look(token, FACES, end)["picture"])
        assert np.abs(strip[:, place:][:, :64] - made).mean() < 4
