"""Several methods as one run: fair turns, what is shown of them, what is refused and taken home."""

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.family.comparison import Comparison
from abp_core.family.file import load
from abp_core.family.member import Shown, Told
from abp_core.family.methods import METHODS, Method
from abp_core.family.trial import Trial, load_trial
from abp_core.family.verdict import Figures
from demo.compare import run as compared
from demo.compare.run import LEARNT, MEASURED, RAN_AWAY, WHY_NOT, ComparisonRun
from demo.compare.service import list_methods
from demo.disk import Disk
from demo.errors import Rejected
from demo.runs.columns import Column
from demo.runs.service import SEVERAL, Live
from demo.server.live import Watch
from tests.demo.loops import run as finish
from tests.demo.rooms import Rooms
from tests.demo.runs import until

ANN, BEN, CEM = ("token-of-" + name * 3 for name in ("ann", "ben", "cem"))
WHY = "It cannot take a sound."


class Walker:
    """A member whose iterations take as many seconds as it says, and that infers if told to."""

    def __init__(self, trial: Trial, pace: float, *, infers: bool, ends: str = "") -> None:
        self.trial, self.seed, self.parameters = trial, 0, 3
        self.iteration, self.seconds = 0, 0.0
        self._pace, self._infers, self._ends = pace, infers, ends

    def alternation(self) -> Iterator[Told | None]:
        yield None
        self.iteration += 1
        self.seconds += self._pace
        over = self.iteration == 2 and self._ends
        yield Told(
            self.iteration,
            1 / self.iteration,
            self._pace,
            diverged=over == "diverged",
            learnt=over == "learnt",
        )

    def sample(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        channels = self.trial.data.signals.shape[1]
        return torch.full((n, channels, *size), 1 - 1 / (1 + self.iteration))

    def rebuild(self, x: Tensor) -> Tensor | None:
        return x / 2 if self._infers else None

    def energy(self, x: Tensor) -> None:
        return None

    def show(self) -> tuple[Shown, ...]:
        return (Shown("Where", torch.ones(1, 1, 8, 8), heat=True),)

    def tensors(self) -> dict[str, Tensor]:
        return {"done": torch.tensor([float(self.iteration)])}

    def resume(self, tensors: Mapping[str, Tensor], iteration: int, seconds: float) -> None:
        self.iteration, self.seconds = iteration, seconds

    def checkpoint(self) -> None:
        return None


class Judge:
    """A yardstick that finds everything as it is at once."""

    @classmethod
    def of(cls, trial: Trial) -> "Judge":
        return cls()

    def draw(self, member: Walker) -> Tensor:
        return member.trial.data.signals[:2]

    def judge(self, member: Walker, made: Tensor) -> Figures:
        return Figures(None, float("nan"), 0.25, member.iteration / 10)


def method(pace: float, *, infers: bool = False, ends: str = "", **more: Any) -> Method:
    return Method(
        title=f"Walker of {pace}",
        sentence="It walks.",
        equation="x <- x + 1",
        source="nobody",
        curve="steps",
        model=False,
        can=frozenset({"samples"} | ({"inference"} if infers else set())),
        build=lambda trial, seed: Walker(trial, pace, infers=infers, ends=ends),
        **more,
    )


@pytest.fixture(autouse=True)
def _methods(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, each in {
        "quick": method(0.1, infers=True),
        "slow": method(0.35),
        "endless": method(1e-9),  # its seconds never come to an end
        "eternal": method(1e-9),
        "exact": method(0.1, ends="learnt"),
        "wild": method(0.1, ends="diverged"),
        "seeing": method(0.1, not_for={"sound": WHY}),
    }.items():
        monkeypatch.setitem(METHODS, name, each)
    monkeypatch.setattr(compared, "Yardstick", Judge)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A small set of a visitor's."""
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "faces.npz", draw.integers(0, 255, (20, 16, 16, 3), dtype=np.uint8))
    return tmp_path / "faces.npz"


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = Rooms(Disk(tmp_path / "disk"))
    for token in (ANN, BEN, CEM):
        rooms.studio.sessions.open(token)
    yield rooms
    rooms.close()


def begun(faces: Path, *names: str, seconds: float = 2.0) -> ComparisonRun:
    return ComparisonRun(Comparison(load_trial(faces), names), seconds)


def iterate(run: ComparisonRun) -> float:
    """One iteration; the seconds that the run's clock went on, or -1 at its end."""
    moves = list(run.iterate())
    return moves[-1].seconds if moves and moves[-1] else -1.0


def by_name(view: tuple[Column, ...]) -> dict[str, Column]:
    return {column.name: column for column in view}


def test_whoever_has_spent_least_is_next_and_the_clock_is_theirs(faces: Path) -> None:
    run = begun(faces, "quick", "slow")
    clock = 0.0
    while (more := iterate(run)) >= 0:
        clock += more
        spent = [run.comparison.spent(name) for name in ("quick", "slow")]
        assert clock == pytest.approx(min(*spent, 2.0))
        assert max(spent) - min(spent) <= 0.35 + 1e-9
    assert clock == pytest.approx(2.0)
    assert min(spent) >= 2.0


@pytest.mark.parametrize(("name", "status"), [("exact", LEARNT), ("wild", RAN_AWAY)])
def test_a_method_that_has_ended_leaves_the_time_to_the_others(
    faces: Path, name: str, status: str
) -> None:
    run = begun(faces, name, "quick")
    clock = sum(iter(lambda: iterate(run), -1.0))
    assert clock == pytest.approx(2.0)
    column = by_name(run.view())
    assert (column[name].iteration, column[name].status) == (2, status)
    assert (column["quick"].iteration, column["quick"].status) == (20, "")


def test_going_on_gives_each_as_much_again(faces: Path) -> None:
    run = begun(faces, "quick", "slow", "exact")
    for _ in range(8):
        iterate(run)
    *_, view = run.conclude()
    assert by_name(view)["quick"].figures
    most = max(run.comparison.spent(name) for name in ("quick", "slow"))
    assert run.awake(1.0) is run
    assert not by_name(run.view())["quick"].figures, "what was measured is out of date"
    clock = sum(iter(lambda: iterate(run), -1.0))
    assert clock == pytest.approx(1.0)
    for name, pace in (("quick", 0.1), ("slow", 0.35)):
        assert most + 1 <= run.comparison.spent(name) <= most + 1 + pace + 1e-9
    assert run.comparison.spent("exact") == pytest.approx(0.2)


def test_a_view_draws_one_method_anew_in_turns(faces: Path) -> None:
    run = begun(faces, "quick", "slow")
    first = by_name(run.view())
    assert not first["quick"].begun, "nothing is built for a view"
    assert first["data"].pictures.rebuilt is not None
    while len(run.comparison.members) < 2:
        iterate(run)
    seen = [by_name(run.view(anew=False)) for _ in range(4)]
    drawn = [(view["quick"].drawn, view["slow"].drawn) for view in seen]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(drawn)]
    assert sorted(steps[:2]) == [(0, 1), (1, 0)]
    assert seen[3]["quick"].pictures.rebuilt is None
    views = [by_name(run.view()) for _ in range(2)]
    assert views[1]["quick"].pictures.rebuilt is not None
    assert views[1]["slow"].pictures.rebuilt is None, "it infers nothing"
    column = views[1]["slow"]
    assert [panel.caption for panel in column.pictures.shown] == ["Where"]
    assert (column.why_not, column.parameters) == (WHY_NOT, 3)
    assert column.curve[0] == (1, 1.0)
    assert column.rate == pytest.approx(1 / 0.35)


def test_at_the_end_each_is_measured_and_what_is_broken_off_says_so(faces: Path) -> None:
    run = begun(faces, "quick", "slow")
    for _ in range(3):
        iterate(run)
    views = run.conclude()
    assert {column.status for column in next(views)[1:]} == {MEASURED}
    one = by_name(next(views))
    assert one["quick"].figures == {
        "reconstruction": None,
        "features": None,  # it was no number
        "copied": 0.25,
        "diversity": pytest.approx(one["quick"].iteration / 10),
    }
    assert not one["slow"].figures
    views.close()
    assert {column.status for column in run.view(anew=False)} == {""}


def test_the_page_knows_of_every_method_what_it_cannot_take() -> None:
    told = {each["name"]: each for each in list_methods()}
    assert told["seeing"]["not_for"] == {"sound": WHY}
    assert told["quick"]["not_for"] == {}
    assert told["quick"]["can"] == ["inference", "samples"]


@pytest.mark.parametrize(
    ("names", "item", "minutes", "sentence"),
    [
        (["quick"], "pebbles", 2, "two to six"),
        (["quick", "quick", "nobody"], "pebbles", 2, "two to six"),
        (
            ["quick", "slow", "exact", "wild", "seeing", "paper", "learnt-prior"],
            "pebbles",
            2,
            "six",
        ),
        (["quick", "seeing"], "stream", 2, WHY),
        (["quick", "slow"], "pebbles", 0.1, "between 0.5 and 5"),
        (["quick", "slow"], "pebbles", float("nan"), "between 0.5 and 5"),
        (["quick", "slow"], "", 2, "choose something"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    rooms: Rooms, names: list[str], item: str, minutes: float, sentence: str
) -> None:
    with pytest.raises(Rejected, match=sentence):
        rooms.comparisons.start(ANN, item=item, upload="", names=names, minutes=minutes)
    assert rooms.runs.live(ANN, "compare") is None


def test_too_small_a_file_is_one_sentence(rooms: Rooms, tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "dot.png")
    for brought in (tmp_path / "dot.png", tmp_path / "none.png"):
        brought.touch()
        with pytest.raises(Rejected):
            rooms.comparisons.inspect(str(brought))


def start(rooms: Rooms, token: str, faces: Path, *names: str) -> None:
    rooms.comparisons.start(token, item="", upload=str(faces), names=names, minutes=5)


def live(rooms: Rooms, token: str) -> Live:
    found = rooms.runs.live(token, "compare")
    assert found is not None
    return found


def stopped(rooms: Rooms, token: str, faces: Path, *names: str) -> Live:
    """A comparison that has run a little, was stopped, and is measured."""
    start(rooms, token, faces, *names)
    until(lambda: live(rooms, token).report.iteration > 5)
    rooms.comparisons.stop(token)
    assert live(rooms, token).report.phase == "stopped"
    until(lambda: all(column.figures for column in live(rooms, token).columns[1:]))
    return live(rooms, token)


def test_each_visitor_has_their_own_and_a_third_waits(rooms: Rooms, faces: Path) -> None:
    start(rooms, ANN, faces, "endless", "eternal")
    start(rooms, BEN, faces, "exact", "endless", "eternal")
    until(lambda: all(live(rooms, token).columns for token in (ANN, BEN)))
    assert [len(live(rooms, token).columns) for token in (ANN, BEN)] == [3, 4]
    with pytest.raises(Rejected, match="try again in a few minutes"):
        start(rooms, CEM, faces, "endless", "eternal")
    rooms.comparisons.hold(ANN, "Pause", 2)
    until(lambda: live(rooms, ANN).report.phase == "paused")
    assert live(rooms, BEN).report.phase == "running"
    start(rooms, CEM, faces, "endless", "eternal")
    assert "another visitor" in live(rooms, ANN).report.sentence


def test_it_goes_on_after_it_was_stopped(rooms: Rooms, faces: Path) -> None:
    before = stopped(rooms, ANN, faces, "endless", "eternal")
    with pytest.raises(Rejected, match="between"):
        rooms.comparisons.hold(ANN, "2 more minutes each", 9)
    rooms.comparisons.hold(ANN, "2 more minutes each", 2)
    until(lambda: live(rooms, ANN).report.iteration > before.report.iteration)
    now = live(rooms, ANN)
    assert (now.report.budget, now.report.phase) == (120, "running")
    assert now.number != before.number


def test_the_table_the_sheet_and_a_method_are_taken_home(rooms: Rooms, faces: Path) -> None:
    for take in (rooms.comparisons.take_table, rooms.comparisons.take_sheet):
        with pytest.raises(Rejected):
            take(ANN)
    stopped(rooms, ANN, faces, "quick", "slow")
    rows = list(csv.DictReader(io.StringIO(Path(rooms.comparisons.take_table(ANN)).read_text())))
    assert [row["method"] for row in rows] == ["Walker of 0.1", "Walker of 0.35"]
    assert [row["inference"] for row in rows] == ["yes", "no"]
    with Image.open(rooms.comparisons.take_sheet(ANN)) as sheet:
        assert sheet.width > 3 * 256
    path = Path(rooms.comparisons.take_model(ANN, "slow"))
    name, member = load(path, load_trial(faces))
    assert (name, path.suffix) == ("slow", ".safetensors")
    assert member.iteration == live(rooms, ANN).columns[2].iteration
    with pytest.raises(Rejected, match="not begun"):
        rooms.comparisons.take_model(ANN, "../x")


def test_a_method_with_a_generator_becomes_the_current_model(rooms: Rooms, faces: Path) -> None:
    start(rooms, ANN, faces, "quick", "learnt-prior")
    learnt = "learnt-prior"
    until(lambda: rooms.runs.ask(ANN, "compare", lambda run: run.comparison.told.get(learnt)))
    with pytest.raises(Rejected, match=SEVERAL):
        rooms.studio.follow(ANN)
    with pytest.raises(Rejected, match="Explore and Inference"):
        rooms.comparisons.use(ANN, "quick")
    model = rooms.comparisons.use(ANN, "learnt-prior")
    assert rooms.studio.model(ANN) is model
    assert model.saved.iteration > 0
    data = rooms.studio.library.whole(model)
    assert data.digest == model.saved.digest, "the tabs have the data that it learnt from"
    rooms.comparisons.stop(ANN)
    saved = Checkpoint.load(Path(rooms.comparisons.take_model(ANN, "learnt-prior")))
    assert saved.iteration >= model.saved.iteration


def test_a_page_is_sent_a_picture_once(rooms: Rooms, faces: Path) -> None:
    watch = Watch(rooms.studio)
    stopped(rooms, ANN, faces, "quick", "slow")
    held = rooms.studio.visit(ANN).held["compare"].job
    assert held.join(20)
    first: Any = finish(watch.answer({"token": ANN}))
    assert all(column["pictures"] for column in first["runs"]["compare"]["columns"])
    buttons = first["buttons"]["compare"]
    assert [button["interactive"] for button in buttons] == [True, True, False, True, True]
    seen = {**first["seen"], "compare": [*first["seen"]["compare"][:2], -1, 1, -1, -1]}
    again: Any = finish(watch.answer({"token": ANN, "seen": seen}))
    pictures = [column["pictures"] for column in again["runs"]["compare"]["columns"]]
    assert pictures[0] is None
    assert all(pictures[1:])
    assert finish(watch.answer({"token": ANN, "seen": again["seen"]})) is None
