"""Points of a film's model, and walks over its frames, without a page."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from abp_core.analysis.traces import as_in_training
from abp_core.data import datasets
from abp_core.trainer import Trainer
from demo import limits
from demo.disk import Disk
from demo.errors import Rejected
from demo.explore.film_points import frame_latents
from demo.explore.interpolation import FRAMES as LEAST_FRAMES
from demo.explore.latent_points import cell_of, grid_of
from demo.explore.points import Edit, Point, point_from
from demo.explore.view import Explored, Explorer, describe, render_point
from demo.models.collection import Model, model_of
from demo.studio import PACK
from tests.demo.films import FRAMES, film_run
from tests.demo.rooms import Rooms
from tests.demo.runs import arrived
from tests.tiny import FP32

KINDS = ("quick-film", "linear-film", "transition-film")
MAPS = "quick-film"
CELLS = (34, 35, 50, 51)  # two by two of sixteen by sixteen


@pytest.fixture(scope="module")
def known() -> dict[str, Explored]:
    explorer = Explorer()
    models = (model_of(film_run(kind), "file", key=kind, path=kind) for kind in KINDS)
    return {model.key: explorer.of(model) for model in models}


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    rooms = Rooms(Disk(tmp_path_factory.mktemp("studio")))
    yield rooms
    rooms.close()


def latents(explored: Explored, **fields: Any) -> Tensor:
    return frame_latents(explored.model, explored.found, Point(**fields))


def opened(rooms: Rooms, folder: Path, kind: str) -> tuple[str, Model]:
    token = arrived(rooms.studio)
    film_run(kind).save(folder / f"{kind}.safetensors")
    return token, rooms.studio.open_model(token, str(folder / f"{kind}.safetensors"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_moment_is_what_was_learnt_and_between_two_on_their_line(
    known: dict[str, Explored], kind: str
) -> None:
    explored = known[kind]
    z = explored.model.examples
    assert torch.equal(latents(explored, t=7.0), z[7])
    assert torch.equal(latents(explored, t=FRAMES - 1.0), z[-1])
    torch.testing.assert_close(latents(explored, t=7.25), torch.lerp(z[7], z[8], 0.25))
    assert render_point(explored, Point(t=7.25)) == render_point(explored, Point(t=7.25))
    shown = {render_point(explored, Point(t=t))["picture"] for t in (7.0, 7.5, 8.0)}
    assert len(shown) == 3
    for t in (-0.5, FRAMES - 0.5, 1e5):
        with pytest.raises(Rejected, match="learnt 30 frames"):
            latents(explored, t=t)


@pytest.mark.parametrize("kind", KINDS)
def test_sliders_add_to_every_moment_alike(known: dict[str, Explored], kind: str) -> None:
    explored = known[kind]
    along = explored.found.axes[:, 1].view(-1, *(1 for _ in explored.model.examples.shape[2:]))
    for t in (0.0, 11.5):
        moved = latents(explored, t=t, moves=(0.0, 1.5)) - latents(explored, t=t)
        torch.testing.assert_close(moved, (1.5 * along).expand_as(moved), rtol=1e-3, atol=1e-4)


def inside(explored: Explored) -> Tensor:
    side, (_, columns) = cell_of(explored.model), grid_of(explored.model)
    mask = torch.zeros(explored.model.examples.shape[2:], dtype=torch.bool)
    for cell in CELLS:
        row, column = divmod(cell, columns)
        mask[row * side : (row + 1) * side, column * side : (column + 1) * side] = True
    return mask


@pytest.mark.parametrize("what", ["resample", "copy", "paint"])
def test_a_stroke_changes_its_place_alone_at_all_moments(
    known: dict[str, Explored], what: str
) -> None:
    explored, mask = known[MAPS], inside(known[MAPS])
    edit = Edit(what=what, cells=CELLS, number=2, amount=2.0, t=4.0)
    for t in (0.0, 9.5, 20.0):
        before, after = latents(explored, t=t), latents(explored, t=t, edits=(edit,))
        changed = (before != after).any(0)
        assert changed[mask].all()
        assert not changed[~mask].any()


def test_what_is_stopped_stays_as_it_was_with_what_was_changed_before(
    known: dict[str, Explored],
) -> None:
    explored, mask = known[MAPS], inside(known[MAPS])
    paint = Edit(what="paint", cells=CELLS, number=0, amount=1.0)
    stop = Edit(what="copy", cells=CELLS, t=4.5)
    then = latents(explored, t=4.5, edits=(paint,))
    for t in (0.0, 4.5, 28.0):
        now = latents(explored, t=t, edits=(paint, stop))
        assert torch.equal(now[:, mask], then[:, mask])
    later = Edit(what="copy", cells=CELLS, t=9.0)  # what stands still does so for ever
    assert torch.equal(latents(explored, t=2.0, edits=(paint, stop, later))[:, mask], then[:, mask])


def test_another_moment_goes_on_as_the_film_does(known: dict[str, Explored]) -> None:
    explored, mask = known[MAPS], inside(known[MAPS])
    z = explored.model.examples
    found = set()
    for number in range(6):
        edit = Edit(what="resample", cells=CELLS, number=number, t=5.0)
        place = latents(explored, t=5.0, edits=(edit,))[:, mask]
        (moment,) = (k for k in range(FRAMES) if torch.equal(z[k][:, mask], place))
        assert 6 <= (moment - 5) % FRAMES <= FRAMES - 6
        next_one = latents(explored, t=6.0, edits=(edit,))[:, mask]
        assert torch.equal(next_one, z[(moment + 1) % FRAMES][:, mask])
        found.add(moment)
    assert len(found) > 1, "another number, another moment"


def test_a_place_beyond_the_picture_or_the_film_gets_a_sentence(
    known: dict[str, Explored],
) -> None:
    explored = known[MAPS]
    for edit in (
        Edit(what="copy", cells=(256,), t=1.0),
        Edit(what="copy", cells=(1,), t=500.0),
        Edit(what="paint", cells=(1,), number=99, amount=1.0),
    ):
        with pytest.raises(Rejected, match=r"\.$"):
            latents(explored, edits=(edit,))
    for sent in ({"t": "1"}, {"t": None}, {"t": float("nan")}, {"t": 1e9}):
        with pytest.raises(Rejected, match=r"\.$"):
            point_from(sent)


def test_a_film_is_described_with_frames_all_over_it(known: dict[str, Explored]) -> None:
    for kind, explored in known.items():
        told = describe(explored)
        assert (told["frames"], told["rate"], told["aspect"]) == (FRAMES, 15.0, 1.0)
        assert len(told["moments"]) == told["examples"] == 24
        assert (told["moments"][0], told["moments"][-1]) == (0, FRAMES - 1)
        assert bool(told["view"]) == (kind == MAPS)


def test_time_passes_on_the_way_between_two_moments(rooms: Rooms, tmp_path: Path) -> None:
    token, model = opened(rooms, tmp_path, MAPS)
    edit = {"what": "copy", "cells": "3", "t": 2.0}
    ends = [{"t": t, "moves": [], "edits": [edit]} for t in (0.0, FRAMES - 1.0)]
    answer = rooms.exploration.travel(token, model.key, ends, "film")
    content = tmp_path / "way.mp4"
    content.write_bytes(_decoded(answer["file"]))
    with av.open(content) as film:
        assert float(film.streams.video[0].average_rate or 0) == 15
        assert len(list(film.decode(video=0))) == FRAMES
    same = rooms.exploration.travel(token, model.key, [ends[0], {**ends[0], "edits": []}], "film")
    content.write_bytes(_decoded(same["file"]))
    with av.open(content) as film:  # there and back
        assert len(list(film.decode(video=0))) == 2 * LEAST_FRAMES
    for what in ("strip", "panel"):
        assert "picture" in rooms.exploration.travel(token, model.key, ends * 2, what)


def _decoded(url: str) -> bytes:
    return base64.b64decode(url.partition(",")[2])


@pytest.mark.parametrize("kind", [MAPS, "linear-film"])
@pytest.mark.parametrize("start", ["prior", "zero", "training"])
def test_a_frame_is_inferred(rooms: Rooms, tmp_path: Path, kind: str, start: str) -> None:
    token, model = opened(rooms, tmp_path, kind)
    wish = {"steps": 6, "chains": 2, "start": start, "seed": 1}
    opening = rooms.inference.begin(token, model.key, {"example": 23}, wish)
    answer = rooms.inference.advance(token, opening["walk"], 1, 0)
    assert answer["ended"]
    first, last = opening["steps"][0]["misfit"], answer["steps"][-1]["misfit"]
    assert len(first) == 2
    if start != "training":
        assert all(b < a for a, b in zip(first, last, strict=True))
    if start == "training":
        walk = rooms.inference._walks[token].walk
        assert torch.equal(walk.steps[0].z[0], model.saved.latents[-1])
    elif start == "prior":
        assert first[0] != first[1], "two moments of the film"
    assert len(rooms.inference.land(token, opening["walk"])["path"]) == 7
    with np.load(rooms.inference.take(token, opening["walk"], "record", 0)) as record:
        assert record["z"].shape == (7, 2, *model.saved.spec.generator.latent_shape)
        assert json.loads(str(record["about"]))["example"] == FRAMES - 1
    with av.open(rooms.inference.take(token, opening["walk"], "film", 0)) as film:
        assert len(list(film.decode(video=0))) == 7
    parts = rooms.inference.slowly(token, opening["walk"], 2, 1)["parts"]
    assert parts[4]["after"] < parts[4]["before"]


@pytest.mark.parametrize("kind", [MAPS, "linear-film"])
def test_training_is_replayed_as_it_goes_on(rooms: Rooms, tmp_path: Path, kind: str) -> None:
    saved = film_run(kind)
    data, _ = datasets.load(PACK / "videos" / "waving_tree.mp4", saved.spec)
    trainer = Trainer.resume(saved, data, machine=FP32)
    trainer.step()
    moved = (trainer.z != saved.latents).flatten(1).any(1).nonzero()[:, 0].tolist()
    walk = as_in_training(saved, data.signals[moved[0]][None], moved[0], FP32)
    while not walk.ended:
        walk.advance()
    if not saved.spec.standardised:
        torch.testing.assert_close(walk.steps[-1].z[0], trainer.z[moved[0]], rtol=0, atol=1e-5)
    token, model = opened(rooms, tmp_path, kind)
    opening = rooms.inference.begin(token, model.key, {"example": 0}, {}, replay=True)
    assert opening["used"]["steps"] == saved.spec.langevin.steps


def test_the_frames_on_offer_are_named_and_all_over_the_film(rooms: Rooms, tmp_path: Path) -> None:
    token, model = opened(rooms, tmp_path, MAPS)
    told = rooms.inference.describe(token)
    assert told["examples"] == len(told["names"]) == 24
    assert told["names"][0] == "frame 1 (0.00 s)"
    assert told["names"][-1] == "frame 30 (1.93 s)"
    with pytest.raises(Rejected, match="24 training examples"):
        rooms.inference.begin(token, model.key, {"example": 24}, {"steps": 1})


def test_another_film_or_a_picture_is_inferred(rooms: Rooms, tmp_path: Path) -> None:
    token, model = opened(rooms, tmp_path, MAPS)
    begin, wish = rooms.inference.begin, {"steps": 1, "chains": 1}
    items = [item["name"] for item in rooms.inference.describe(token)["items"]]
    assert "river_256" in items
    assert begin(token, model.key, {"item": "river_256"}, wish)["name"] == "river"
    picture = np.random.default_rng(0).integers(0, 255, (90, 200), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "mine.png")
    for file in (tmp_path / "mine.png", PACK / "videos" / "rotating_earth.mp4"):
        assert rooms.inference.bring(token, model.key, str(file)) == file.name
        begin(token, model.key, {"brought": True}, wish)
        shown = rooms.inference._walks[token].target.y
        assert tuple(shown.shape[1:]) == model.saved.spec.generator.signal_shape


def test_what_is_too_large_or_driven_by_noise_gets_a_sentence(rooms: Rooms, tmp_path: Path) -> None:
    token, model = opened(rooms, tmp_path, MAPS)
    most = limits.WALK_VALUES // model.examples[0].numel()
    with pytest.raises(Rejected, match=f"{most:,} steps together"):
        rooms.inference.begin(token, model.key, {"example": 0}, {"steps": 400, "chains": 8})
    with pytest.raises(Rejected, match="fewer frames, or fewer walks"):
        rooms.inference.begin(token, model.key, {"example": 0}, {"steps": 400, "frames": 8})
    token, model = opened(rooms, tmp_path, "transition-film")
    assert rooms.inference.describe(token)["items"] == []
    with pytest.raises(Rejected, match="Noise drives every frame"):
        rooms.inference.begin(token, model.key, {"item": "river_256"}, {})
    with pytest.raises(Rejected, match="Noise drives every frame"):
        rooms.inference.bring(token, model.key, str(PACK / "videos" / "rotating_earth.mp4"))
    with pytest.raises(Rejected, match="please press Infer"):
        rooms.inference.begin(token, model.key, {"example": 0}, {}, replay=True)


@pytest.mark.parametrize("start", ["prior", "zero", "training"])
@pytest.mark.parametrize("kind", [MAPS, "linear-film", "transition-film"])
def test_frames_in_a_row_are_inferred_together(
    rooms: Rooms, tmp_path: Path, kind: str, start: str
) -> None:
    token, model = opened(rooms, tmp_path, kind)
    wish = {"steps": 8, "chains": 2, "start": start, "frames": 6, "hiding": "square"}
    opening = rooms.inference.begin(token, model.key, {"example": 23}, wish)
    assert opening["name"].endswith("frames 25 to 30"), "the last that there are"
    assert opening["frames"] == 6
    channels, height, width = model.saved.spec.generator.signal_shape
    session = rooms.inference._walks[token]
    assert session.target.y.shape == (1, channels, 2 * height, 4 * width), "four beside each other"
    answer = rooms.inference.advance(token, opening["walk"], 1, 0)
    first, last = opening["steps"][0], answer["steps"][-1]
    assert answer["lost"] == 0, "no walk runs away by itself"
    if start == "training":
        assert min(first["misfit"]) == pytest.approx(session.known_misfit(), rel=1e-4)
    else:
        assert all(b < a for a, b in zip(first["misfit"], last["misfit"], strict=True))
    if start == "prior":
        assert first["misfit"][0] != first["misfit"][1]
    assert ("map" in first) == (kind == MAPS)
    assert len(rooms.inference.land(token, opening["walk"])["path"]) == 9
    with np.load(rooms.inference.take(token, opening["walk"], "record", 0)) as record:
        d, *extent = model.saved.spec.generator.latent_shape
        assert record["z"].shape == (9, 2, d, 6, *extent)
    with av.open(rooms.inference.take(token, opening["walk"], "film", 0)) as film:
        shown = next(iter(film.decode(video=0)))
        assert (shown.height, shown.width) == (3 * 2 * height, 4 * width), "one below the other"
    parts = rooms.inference.slowly(token, opening["walk"], 2, 1)["parts"]
    assert parts[4]["after"] < parts[4]["before"]


def test_what_is_hidden_is_so_in_every_frame(rooms: Rooms, tmp_path: Path) -> None:
    token, model = opened(rooms, tmp_path, MAPS)
    seen = []
    for frames in (1, 4):
        wish = {"steps": 1, "chains": 1, "frames": frames, "hiding": "square"}
        rooms.inference.begin(token, model.key, {"example": 3}, wish)
        visible = rooms.inference._walks[token].observation.visible
        assert visible is not None
        seen.append(visible)
    assert torch.equal(seen[1], seen[0].repeat(1, 1, 1, 4))


def test_frames_of_another_film_are_inferred_and_of_a_picture_one(
    rooms: Rooms, tmp_path: Path
) -> None:
    token, model = opened(rooms, tmp_path, MAPS)
    wish = {"steps": 1, "chains": 1, "frames": 8}
    told = rooms.inference.begin(token, model.key, {"item": "river_256"}, wish)
    assert told["frames"] == 8
    picture = np.random.default_rng(0).integers(0, 255, (90, 90), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "mine.png")
    rooms.inference.bring(token, model.key, str(tmp_path / "mine.png"))
    assert rooms.inference.begin(token, model.key, {"brought": True}, wish)["frames"] == 1
