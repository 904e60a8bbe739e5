"""Walks as the Inference tab orders them, without a page."""

import base64
import io
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from abp_core.analysis.traces import Walk, posterior_about
from abp_core.data import datasets
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.spec import LangevinSpec
from demo import limits
from demo.disk import Disk
from demo.errors import Rejected
from demo.infer.service import LOWEST
from demo.infer.settings import chain_settings_from
from demo.models.cards import label_of
from demo.models.library import (
    DEGRADATIONS,
    observe,
)
from demo.studio import PACK
from tests.demo.rooms import Rooms
from tests.demo.runs import arrived

FACES, TEXTURE, SOUND = "noto_animal_faces_128", "pebbles", "stream"


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    rooms = Rooms(Disk(tmp_path_factory.mktemp("studio")))
    yield rooms
    rooms.close()


def begin(rooms: Rooms, token: str, name: str, **sent: Any) -> dict[str, Any]:
    rooms.studio.choose(token, name)
    target, wish = sent.pop("target", {"example": 1}), sent.pop("wish", {})
    return rooms.inference.begin(token, name, target, wish, **sent)


def walked(rooms: Rooms, token: str, opening: dict[str, Any], chain: int = 0) -> list[Any]:
    steps: list[Any] = []
    while True:
        answer = rooms.inference.advance(token, opening["walk"], len(steps), chain)
        if not answer["steps"]:
            return steps
        steps += answer["steps"]


def test_the_numbers_are_the_engines(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    wish = {"steps": 12, "chains": 2, "seed": 5, "step_size": 0.5}
    opening = begin(rooms, token, FACES, wish=wish)
    steps = walked(rooms, token, opening)
    model = rooms.studio.model(token)
    dataset, _ = datasets.load(PACK / "objects" / f"{FACES}.npz", model.saved.spec)
    posterior = posterior_about(model.generator, dataset.signals[1:2], Full(), model.saved.sigma, 2)
    index = torch.arange(2)
    start = chain_noise(seed=5, sweep=2**64 - 1, index=index, steps=1, shape=(2,))[0]
    noise = chain_noise(seed=5, sweep=1, index=index, steps=12, shape=(2,))

    walk = Walk(
        posterior, start, noise, LangevinSpec(steps=12, step_size=0.5), model.saved.preconditioner()
    )
    while not walk.ended:
        walk.advance()
    assert len(steps) == 13
    for shown, step in zip(steps, walk.steps, strict=True):
        assert shown["misfit"] == pytest.approx(step.misfit.tolist(), rel=1e-4)
        assert shown["slope"] == pytest.approx(step.slope.tolist(), rel=1e-4)
        np.testing.assert_allclose(shown["at"], step.z.numpy(), rtol=1e-4, atol=1e-6)


def test_a_walk_can_be_looked_at_again_and_from_another_chain(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    opening = begin(rooms, token, FACES, wish={"steps": 9, "chains": 2})
    first = walked(rooms, token, opening)
    again = walked(rooms, token, opening)
    other = walked(rooms, token, opening, chain=1)
    assert first == again
    assert [step["misfit"] for step in other] == [step["misfit"] for step in first]
    assert other[0]["picture"] != first[0]["picture"]


def test_of_many_chains_the_lowest_is_shown(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    opening = begin(rooms, token, FACES, wish={"steps": 40, "chains": 8})
    steps = walked(rooms, token, opening, LOWEST)
    for first in range(0, 41, limits.STEPS_AT_ONCE):
        together = steps[first : first + limits.STEPS_AT_ONCE]
        end = together[-1]
        energies = np.add(end["misfit"], end["prior"])
        assert {step["shown"] for step in together} == {int(energies.argmin())}
    best = steps[-1]["shown"]
    assert steps[-1]["picture"] == walked(rooms, token, opening, best)[-1]["picture"]


@pytest.mark.parametrize("example", [0, 3, 6, 7])
def test_of_as_many_walks_as_a_page_begins_with_one_finds_the_face(
    rooms: Rooms, example: int
) -> None:
    token = arrived(rooms.studio)
    rooms.studio.choose(token, FACES)
    wish = {"steps": 100, "chains": limits.CHAINS}
    told = rooms.inference.begin(token, FACES, {"example": example}, wish)
    walked(rooms, token, told, LOWEST)
    verdict = rooms.inference.advance(token, told["walk"], 100, LOWEST)["verdict"]
    assert re.search(r"\d of 8 walks found it|All 8 walks found", verdict)


@pytest.mark.parametrize("hiding", DEGRADATIONS)
@pytest.mark.parametrize("size", [(8, 16), (64,)])
def test_something_is_hidden_and_something_seen(hiding: str, size: tuple[int, ...]) -> None:
    y = torch.rand(1, 1, *size) + 1
    seen = observe(hiding, y, seed=0).measure(y, torch.zeros(1, dtype=torch.int64))
    share = float((seen != 0).float().mean())
    if hiding in ("nothing", "resolution"):
        assert share == 1
    else:
        assert 0.05 < share < 0.95
    if hiding == "resolution":
        assert seen.numel() == y.numel() / 4 ** len(size)


def test_hidden_parts_are_not_explained(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    whole = begin(rooms, token, FACES, wish={"steps": 1})
    half = begin(rooms, token, FACES, wish={"steps": 1, "hiding": "half"})
    assert half["steps"][0]["misfit"][0] < 0.8 * whole["steps"][0]["misfit"][0]
    assert half["observed"] != whole["observed"]


def test_a_step_that_is_too_long_is_marked_and_nothing_breaks(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    wish = {"steps": 20, "step_size": 10, "sigma": 0.01, "chains": 3}
    opening = begin(rooms, token, FACES, wish=wish)
    steps = walked(rooms, token, opening)
    assert any(any(step["lost"]) for step in steps)
    json.dumps(steps, allow_nan=False)
    answer = rooms.inference.advance(token, opening["walk"], 0, 0)
    assert answer["lost"] > 0


def test_training_is_replayed(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    opening = begin(rooms, token, FACES, replay=True)
    saved = rooms.studio.model(token).saved
    assert opening["used"]["steps"] == saved.spec.langevin.steps
    assert opening["used"]["step_size"] == saved.step_size
    start = opening["steps"][0]["at"][0]
    assert start == pytest.approx(saved.latents[1].tolist(), abs=1e-4)
    assert len(walked(rooms, token, opening)) == saved.spec.langevin.steps + 1


@pytest.mark.parametrize("name", [FACES, TEXTURE, SOUND])
def test_every_kind_has_land_parts_a_film_and_a_record(rooms: Rooms, name: str) -> None:
    token = arrived(rooms.studio)
    inference = rooms.inference
    opening = begin(rooms, token, name, wish={"steps": 4, "chains": 2})
    walked(rooms, token, opening)
    land = inference.land(token, opening["walk"])
    assert np.shape(land["path"]) == (5, 2, 2)
    assert all(low < high for low, high in zip(land["low"], land["high"], strict=True))
    parts = inference.slowly(token, opening["walk"], 2, 1)["parts"]
    assert [part["title"] for part in parts] == ["Noise", "f(z)", "Misfit", "Gradient", "Learning"]
    assert parts[4]["after"] < parts[4]["before"], "a learning step makes the misfit smaller"
    assert parts[2]["number"] == pytest.approx(parts[4]["before"])
    film = Path(inference.take(token, opening["walk"], "film", 0))
    assert film.suffix == ".mp4"
    with av.open(film) as frames:
        assert len(list(frames.decode(video=0))) == 5
    with np.load(inference.take(token, opening["walk"], "record", 0)) as record:
        assert record["z"].shape[:2] == (5, 2)
        assert json.loads(str(record["about"]))["steps"] == 4
    if name == SOUND:
        sound = inference.play_sound(token, opening["walk"], 3, 0)["sound"]
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound.partition(",")[2])))
        assert len(samples) / rate == pytest.approx(1.024)


def test_the_slow_parts_add_up_to_the_move(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    opening = begin(rooms, token, FACES, wish={"steps": 3, "chains": 1})
    steps = walked(rooms, token, opening)
    parts = rooms.inference.slowly(token, opening["walk"], 1, 0)["parts"]
    kick, here, drift = (np.array(parts[k]["bars"]["values"]) for k in (0, 1, 3))
    np.testing.assert_allclose(here, steps[1]["at"][0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(here + kick + drift, steps[2]["at"][0], rtol=1e-3, atol=1e-4)


def test_a_file_of_ones_own_is_inferred(rooms: Rooms, tmp_path: Path) -> None:
    token = arrived(rooms.studio)
    draw = np.random.default_rng(0)
    picture = draw.integers(0, 255, (200, 160, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "mine.png")
    rooms.studio.choose(token, TEXTURE)
    assert rooms.inference.bring(token, TEXTURE, str(tmp_path / "mine.png")) == "mine.png"
    begin, brought = rooms.inference.begin, {"brought": True}
    assert begin(token, TEXTURE, brought, {"steps": 1, "chains": 1})["name"] == "mine.png"
    with pytest.raises(Rejected, match="training example"):
        begin(token, TEXTURE, brought, {"start": "training"})
    Image.fromarray(picture[:40, :40]).save(tmp_path / "small.png")
    with pytest.raises(Rejected, match="too small"):
        rooms.inference.bring(token, TEXTURE, str(tmp_path / "small.png"))
    rooms.studio.choose(token, SOUND)
    with pytest.raises(Rejected, match="for texture"):
        rooms.inference.bring(token, SOUND, str(tmp_path / "mine.png"))


@pytest.mark.parametrize(
    ("name", "item"), [(FACES, "noto_people_64"), (TEXTURE, "bark"), (SOUND, "rain")]
)
def test_other_things_of_the_pack_are_inferred(rooms: Rooms, name: str, item: str) -> None:
    token = arrived(rooms.studio)
    rooms.studio.choose(token, name)
    assert item in [each["name"] for each in rooms.inference.describe(token)["items"]]
    wish = {"steps": 1, "chains": 1}
    assert rooms.inference.begin(token, name, {"item": item}, wish)["name"] == label_of(item)


def test_a_single_picture_is_inferred_with_a_model_of_a_set(rooms: Rooms, tmp_path: Path) -> None:
    token = arrived(rooms.studio)
    Image.linear_gradient("L").resize((90, 70)).save(tmp_path / "face.png")
    rooms.studio.choose(token, FACES)
    rooms.inference.bring(token, FACES, str(tmp_path / "face.png"))
    opening = rooms.inference.begin(token, FACES, {"brought": True}, {"steps": 1})
    assert opening["name"] == "face.png"


@pytest.mark.parametrize(
    "wish",
    [
        {"steps": 0},
        {"steps": math.nan},
        {"steps": 10**9},
        {"steps": "many"},
        {"chains": 99},
        {"sigma": -1},
        {"temperature": math.inf},
        {"step_size": 1e9},
        {"start": "anywhere"},
        {"hiding": ["all"]},
        {"seed": -1},
        {"seed": True},
    ],
)
def test_a_bad_wish_gets_a_sentence(wish: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match=r"\.$"):
        chain_settings_from(wish)


def test_bad_orders_get_a_sentence_and_the_walk_stays(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    inference = rooms.inference
    opening = begin(rooms, token, FACES, wish={"steps": 2})
    walk = opening["walk"]
    for order, sentence in (
        (lambda: inference.advance(token, walk, -1, 0), "reload"),
        (lambda: inference.advance(token, walk, 0, 99), "chains"),
        (lambda: inference.advance(token, "x", 0, 0), "no longer kept"),
        (lambda: inference.advance(arrived(rooms.studio), walk, 0, 0), "no longer kept"),
        (lambda: inference.slowly(token, walk, 99, 0), "no such step"),
        (lambda: inference.slowly(token, walk, 0, 99), "no such chain"),
        (lambda: inference.play_sound(token, walk, 0, 99), "no such chain"),
        (lambda: inference.take(token, walk, "everything", 0), "film or as its record"),
        (lambda: inference.take(token, walk, "film", 99), "no such chain"),
        (lambda: inference.begin(token, FACES, {"example": 999}, {}), "training examples"),
        (lambda: inference.begin(token, FACES, {"item": "rain"}, {}), "not here"),
        (lambda: inference.begin(token, FACES, {"brought": True}, {}), "bring the file"),
    ):
        with pytest.raises(Rejected, match=sentence):
            order()
    assert len(walked(rooms, token, opening)) == 3


def test_walks_of_others_are_kept_up_to_a_number(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    opening = begin(rooms, token, FACES, wish={"steps": 1, "chains": 1})
    for _ in range(limits.WALKS):
        begin(rooms, arrived(rooms.studio), FACES, wish={"steps": 1, "chains": 1})
    with pytest.raises(Rejected, match="no longer kept"):
        rooms.inference.land(token, opening["walk"])


def test_a_walk_does_not_wait_for_what_explore_measures(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: object, **__: object) -> None:
        raise AssertionError("Explore's directions were measured")

    monkeypatch.setattr("demo.explore.view.directions", measured)
    token = arrived(rooms.studio)
    opening = begin(rooms, token, TEXTURE, wish={"steps": 1, "seed": 12345})
    steps = walked(rooms, token, opening)
    assert all(step["map"].startswith("data:image/png") for step in steps)


@pytest.mark.parametrize(
    ("name", "wish", "words"),
    [
        (FACES, {"steps": 80, "chains": 4}, r"\d of 4 walks found it \(walk \d stands lowest\)"),
        (FACES, {"steps": 1, "chains": 1}, "Still on the way|stuck in another valley"),
        (FACES, {"steps": 20, "chains": 2, "start": "training"}, "Both walks found a code"),
        (TEXTURE, {"steps": 5, "chains": 1}, "Still on the way: the misfit is .* times"),
    ],
)
def test_what_walks_found_is_said_at_their_end(
    rooms: Rooms, name: str, wish: dict[str, Any], words: str
) -> None:
    token = arrived(rooms.studio)
    rooms.studio.choose(token, name)
    told = rooms.inference.begin(token, name, {"example": 0}, wish)
    walk, known = told["walk"], len(told["steps"])
    assert not told["verdict"]
    while not told["ended"]:
        told = rooms.inference.advance(token, walk, known, 0)
        known += len(told["steps"])
    assert re.search(words, told["verdict"]), told["verdict"]
