"""A run that is used as the current model grows with what it learns, and nothing else changes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from demo import limits
from demo.disk import Disk
from demo.models.collection import Model
from demo.runs.settings import Settings
from demo.server.live import Watch
from tests.demo.loops import run
from tests.demo.rooms import Rooms
from tests.demo.runs import arrived, until

LIGHT = Settings(batch_size=2, steps=1)


@pytest.fixture
def rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rooms]:
    monkeypatch.setattr(limits, "SECONDS_BETWEEN_SNAPSHOTS", 0.0)
    monkeypatch.setattr(limits, "SECONDS_TO_SNAPSHOT", 60.0)
    rooms = Rooms(Disk(tmp_path))
    yield rooms
    rooms.close()


@pytest.fixture
def token(rooms: Rooms) -> str:
    """Of a visitor whose run is their current model."""
    token = arrived(rooms.studio)
    train(rooms, token)
    rooms.studio.follow(token)
    return token


def train(rooms: Rooms, token: str, item: str = "pebbles") -> None:
    rooms.training.start(token, item=item, upload="", style="Quick", settings=LIGHT, minutes=1.0)
    learn(rooms, token)


def learn(rooms: Rooms, token: str) -> None:
    """Until the run has made two iterations from here, and pauses."""

    def done() -> int:
        live = rooms.runs.live(token)
        assert live is not None
        return live.report.iteration

    before = done()
    rooms.runs.hold(token, "Resume", 1.0)
    until(lambda: done() >= before + 2, 60)
    rooms.runs.hold(token, "Pause", 1.0)


def differ(one: Model, other: Model) -> bool:
    pairs = zip(one.generator.parameters(), other.generator.parameters(), strict=True)
    return any(not torch.equal(a, b) for a, b in pairs)


def test_what_is_asked_next_is_of_the_run_as_it_stands(rooms: Rooms, token: str) -> None:
    watch = Watch(rooms.studio)
    before = rooms.studio.model(token)
    told = run(watch.answer({"token": token}))
    learn(rooms, token)
    assert rooms.studio.as_of(token) == before.saved.iteration, "nothing was asked of it"
    after = rooms.studio.shown(token, before.key)
    assert after.saved.iteration > before.saved.iteration
    assert differ(before, after)
    assert str(after.saved.iteration) in after.command_path
    assert rooms.studio.shown(token, before.key).saved.iteration >= after.saved.iteration
    again = run(watch.answer({"token": token, "seen": told["seen"]}))  # type: ignore[index]
    assert again is not None
    assert again["as_of"] == rooms.studio.as_of(token)


def test_it_is_not_asked_often(rooms: Rooms, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rooms.studio.model(token)
    monkeypatch.setattr(limits, "SECONDS_BETWEEN_SNAPSHOTS", 1e6)
    learn(rooms, token)
    assert rooms.studio.model(token) is before


def test_more_minutes_are_of_the_same_run(rooms: Rooms, token: str) -> None:
    before = rooms.studio.model(token)
    rooms.runs.stop(token)
    until(lambda: rooms.studio.sessions.visit(token).job.ended)  # type: ignore[union-attr]
    rooms.runs.go_on(token, 1.0)
    learn(rooms, token)
    after = rooms.studio.model(token)
    assert (after.key, differ(before, after)) == (before.key, True)


def test_another_run_in_its_place_leaves_it_as_it_was(rooms: Rooms, token: str) -> None:
    before = rooms.studio.model(token)
    at = rooms.studio.as_of(token)
    train(rooms, token, "granite")
    learn(rooms, token)
    assert (rooms.studio.model(token).name, rooms.studio.as_of(token)) == (before.name, at)


def test_a_shipped_model_is_of_no_iteration_of_a_run(rooms: Rooms, token: str) -> None:
    rooms.studio.choose(token, "pebbles")
    learn(rooms, token)
    assert rooms.studio.as_of(token) is None
    assert rooms.studio.model(token) is rooms.studio.collection.model("pebbles")


def test_the_page_moves_along_the_directions_that_it_was_told(rooms: Rooms, token: str) -> None:
    key = rooms.exploration.describe(token)["key"]
    explorer = rooms.exploration._explorer
    first = explorer.of(rooms.studio.model(token))
    point = {"seed": 1}
    seen = rooms.exploration.look(token, key, point)["picture"]
    learn(rooms, token)
    assert rooms.exploration.look(token, key, point)["picture"] != seen
    after = explorer.of(rooms.studio.model(token))
    assert after.found is first.found
    assert len(explorer._known._values) == 1, "however often it grows"


@pytest.mark.parametrize("item", ["pebbles", "clock"])
def test_what_is_endless_goes_on_as_it_began(rooms: Rooms, item: str) -> None:
    token = arrived(rooms.studio)
    train(rooms, token, item)
    key = rooms.studio.follow(token).key
    ask: Callable[..., dict[str, object]]
    ask = rooms.synthesis.piece if item == "pebbles" else rooms.synthesis.chunk
    asked = {"seed": 1, "source": "", "temperature": 1.0, "novelty": 1.0, "k": 0}
    asked |= {"across": 0, "down": 0}
    began = ask(token, key, {**asked, "begun": 1.0})
    learn(rooms, token)
    assert ask(token, key, {**asked, "begun": 1.0}) == began
    assert ask(token, key, {**asked, "begun": 2.0}) != began
