"""Runs on the disk: what is written of them, and that they go on exactly from there."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from demo import limits
from demo.disk import Disk
from demo.errors import Rejected
from demo.runs.repair_run import RepairRun
from demo.runs.report import (
    Report,
)
from demo.runs.saved_runs import (
    RunRecipe,
    SavedRuns,
)
from demo.runs.settings import Settings
from tests.demo.rooms import Rooms
from tests.demo.runs import until

ANN, BEN = "token-of-annannann", "token-of-benbenben"
LIGHT = Settings(batch_size=2, steps=1)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "studio")


@pytest.fixture
def rooms(disk: Disk) -> Iterator[Rooms]:
    rooms = Rooms(disk)
    for token in (ANN, BEN):
        rooms.studio.arrive(token)
    yield rooms
    rooms.close()


def train(rooms: Rooms, token: str = ANN, *, upload: str = "") -> None:
    """A light run, stopped after some iterations."""
    rooms.training.start(
        token, item="pebbles", upload=upload, style="Quick", settings=LIGHT, minutes=1.0
    )
    finish(rooms, token)


def picture_of_ones_own(folder: Path) -> Path:
    file = folder / "mine.png"
    draw = np.random.default_rng(1)
    Image.fromarray(draw.integers(0, 255, (160, 160, 3), dtype=np.uint8)).save(file)
    return file


def finish(rooms: Rooms, token: str = ANN) -> None:
    job = rooms.studio.sessions.visit(token).job
    assert job is not None
    until(lambda: job.report.iteration >= 2, 60)
    job.stop()
    assert job.join(60)


def latents(rooms: Rooms, token: str = ANN) -> torch.Tensor:
    job = rooms.studio.sessions.visit(token).job
    assert job is not None
    return job.ask(lambda run: run.trainer.z.clone())


def test_a_run_that_was_parked_is_the_same_when_it_is_asked_for(rooms: Rooms) -> None:
    train(rooms)
    job = rooms.studio.sessions.visit(ANN).job
    assert job is not None
    before, report = latents(rooms), job.report
    assert job.park()
    assert not job.in_memory
    assert torch.equal(latents(rooms), before)
    assert job.report == report
    rooms.runs.go_on(ANN, 1.0)
    finish(rooms)
    assert rooms.studio.sessions.visit(ANN).job.report.iteration > report.iteration  # type: ignore[union-attr]


def test_a_parked_run_is_let_go_without_the_collectors_help(rooms: Rooms) -> None:
    train(rooms)
    job = rooms.studio.sessions.visit(ANN).job
    assert job is not None
    run = job.ask(lambda run: weakref.ref(run.trainer))
    gc.collect()
    gc.disable()
    try:
        job.park()
        assert run() is None
    finally:
        gc.enable()


def test_a_forgotten_visit_lets_its_run_go_without_the_collectors_help(
    rooms: Rooms,
) -> None:
    train(rooms)
    job = rooms.studio.sessions.visit(ANN).job
    assert job is not None
    run = job.ask(lambda run: weakref.ref(run.trainer))
    del job
    gc.collect()
    gc.disable()
    try:
        visit = rooms.studio.sessions.visit(ANN)
        rooms.studio.sessions.sweep(visit.here_until + limits.SECONDS_UNTIL_FORGOTTEN + 1)
        del visit
        assert run() is None
    finally:
        gc.enable()


def test_another_server_takes_a_run_up_with_the_visitors_own_file(
    rooms: Rooms, disk: Disk, tmp_path: Path
) -> None:
    file = picture_of_ones_own(tmp_path)
    train(rooms, upload=str(file))
    before = latents(rooms)
    file.unlink()  # what was uploaded lies in the folder of a server that is gone

    other = Rooms(Disk(disk.base))
    try:
        other.studio.arrive(ANN)
        live = other.runs.live(ANN)
        assert live is not None
        assert live.report.phase == "stopped"
        assert "restarted" in live.report.sentence
        assert live.panels
        assert live.report.curve
        assert torch.equal(latents(other), before)
        assert Path(other.runs.take_model(ANN)).exists()
        other.runs.go_on(ANN, 1.0)
        finish(other)
        other.studio.arrive(BEN)
        assert other.runs.live(BEN) is None, "a visitor's run is nobody else's"
    finally:
        other.close()


def test_a_repair_is_taken_up_with_what_was_hidden(rooms: Rooms, disk: Disk) -> None:
    rooms.repairs.start(
        ANN,
        item="ankle_boot_32",
        upload="",
        style="Quick",
        what="scattered-70",
        k=0,
        painted=None,
        minutes=1.0,
    )
    finish(rooms)
    job = rooms.studio.sessions.visit(ANN).job
    assert job is not None

    def what_was_seen(run: Any) -> torch.Tensor:
        signals = run.trainer.data.signals
        seen: torch.Tensor = run.trainer.observation.measure(signals, torch.arange(len(signals)))
        return seen.clone()

    seen = job.ask(what_was_seen)
    other = Rooms(Disk(disk.base))
    try:
        other.studio.arrive(ANN)
        again = other.studio.sessions.visit(ANN).job
        assert again is not None
        assert again.ask(lambda run: isinstance(run, RepairRun))
        assert torch.equal(again.ask(what_was_seen), seen)
        assert other.runs.live(ANN, "repair") is not None
        assert other.runs.live(ANN) is None
    finally:
        other.close()


def test_a_damaged_record_is_no_run(tmp_path: Path) -> None:
    saved = SavedRuns(tmp_path)
    keeper = saved.keeper(
        ANN, RunRecipe(task="learn", name="x", kind="texture", path=tmp_path / "x")
    )
    keeper.begin()
    assert saved.find(ANN, "learn") is not None
    (record,) = tmp_path.glob("*/run.json")
    for damage in ("", "{", "[]", "null", '{"recipe": 1}', '{"recipe": {"path": 1}, "report": {}}'):
        record.write_text(damage)
        assert saved.find(ANN, "learn") is None
    assert ANN not in str(record), "the folder does not tell the token"


def test_a_disk_that_refuses_leaves_the_run_going(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("demo.runs.saved_runs.Checkpoint.save", full)
    monkeypatch.setattr(
        "abp_core.trainer.Trainer.checkpoint", lambda _: type("Full", (), {"save": full})()
    )
    monkeypatch.setattr(limits, "SECONDS_BETWEEN_SAVES", 0.0)
    train(rooms)
    job = rooms.studio.sessions.visit(ANN).job
    assert job is not None
    assert job.report.phase == "stopped"
    assert job.in_memory
    assert "could not be saved" in caplog.text
    assert not job.park(), "nothing is left of it then, and whoever parks it must know"


def test_a_file_that_is_no_longer_there_is_refused_in_a_sentence(rooms: Rooms) -> None:
    train(rooms)
    job = rooms.studio.sessions.visit(ANN).job
    assert job is not None
    job.park()
    for model in rooms.studio.disk.runs.glob("*/*.safetensors"):
        model.unlink()
    with pytest.raises(Rejected):
        rooms.runs.take_model(ANN)


def test_the_report_is_written_as_it_was(tmp_path: Path) -> None:
    saved = SavedRuns(tmp_path)
    keeper = saved.keeper(
        ANN, RunRecipe(task="learn", name="x", kind="texture", path=tmp_path / "x")
    )
    keeper.begin()
    report = Report(
        number=9,
        phase="running",
        iteration=7,
        seconds=3.0,
        budget=60.0,
        curve=((1, 0.5, 1.0, 1.5), (2, 0.5, 1.0, None)),
    )
    keeper._record(report)
    found = saved.find(ANN, "learn")
    assert found is not None
    again = found[1].report
    assert (again.iteration, again.seconds, again.budget) == (7, 3.0, 60.0)
    assert again.curve == report.curve


def test_what_a_visitor_brought_is_at_hand_as_long_as_their_run_is(
    rooms: Rooms, disk: Disk, tmp_path: Path
) -> None:
    file = picture_of_ones_own(tmp_path)
    train(rooms, upload=str(file))
    file.unlink()
    disk.sweep(time() + 0.9 * limits.SECONDS_OF_FILES)
    model = rooms.studio.follow(ANN)
    assert rooms.inference.describe(ANN)["examples"] > 0
    told = rooms.inference.begin(ANN, model.key, {"example": 0}, {"steps": 1, "chains": 1})
    assert told["name"]
