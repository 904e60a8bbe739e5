"""Learning from what is left, and repairs, without a page."""

import base64
import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from abp_core.data import datasets
from abp_core.data.datasets import Dataset
from abp_core.presets import PRESETS
from abp_core.spec import TrainingSpec
from abp_core.trainer import Trainer
from demo import media
from demo.disk import Disk
from demo.errors import Rejected
from demo.runs.baseline import error_over, mean_of_seen
from demo.runs.degradations import (
    DOUBLE,
    FILMS,
    PICTURES,
    SOUNDS,
    degrade,
    with_frames_between,
)
from demo.runs.film_repair import repair_of
from demo.runs.repair_run import (
    RepairRun,
    spec_of,
)
from demo.studio import PACK
from tests.demo.films import moving_film
from tests.demo.rooms import Rooms
from tests.demo.runs import arrived, until

FACES = PACK / "objects" / "noto_animal_faces_128.npz"
FILES = {
    "objects": FACES,
    "texture": PACK / "textures" / "pebbles.jpg",
    "sound": PACK / "sounds" / "stream.flac",
}


def loaded(kind: str) -> tuple[Dataset, TrainingSpec]:
    return datasets.load(FILES[kind], spec_of(PRESETS[f"quick-{kind}"]))


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    rooms = Rooms(Disk(tmp_path_factory.mktemp("studio")))
    yield rooms
    rooms.close()


@pytest.mark.parametrize("kind", FILES)
def test_what_is_taken_away_is_not_in_what_is_seen(kind: str) -> None:
    dataset, spec = loaded(kind)
    painted = media.box(256, (60, 200, 60, 200))
    for what in SOUNDS if kind == "sound" else PICTURES:
        hidden = degrade(what, dataset, spec, k=50, painted=painted)
        index = torch.arange(3)
        y = hidden.observation.measure(dataset.signals[:3], index)
        changed = dataset.signals[:3].clone()
        if hidden.whole:
            assert float(hidden.hidden.min()) == 1
            assert y[0].numel() < dataset.signals[0].numel()
            continue
        over = hidden.hidden[:3].expand_as(changed) > 0
        assert 0 < float(hidden.hidden.mean()) < 1
        changed[over] += 1
        assert torch.equal(hidden.observation.measure(changed, index), y)


@pytest.mark.parametrize(("kind", "what"), [("texture", "square-30"), ("sound", "stretch-20")])
def test_what_one_picture_or_sound_has_lost_no_crop_shows(kind: str, what: str) -> None:
    """The mask lies on the whole; crops that overlap agree about every place of it."""
    dataset, spec = loaded(kind)
    hidden = degrade(what, dataset, spec).hidden
    places = torch.arange(int(np.prod(dataset.extent)), dtype=torch.float64)
    cut = datasets.draw_crops if kind == "texture" else datasets.draw_segments
    where = cut(places.view(1, *dataset.extent), spec).long().flatten()
    lost = torch.full((len(places),), -1.0)
    lost[where] = hidden.flatten()
    assert torch.equal(lost[where], hidden.flatten())
    assert (lost == 1).any()


@pytest.mark.parametrize(
    ("what", "options", "sentence"),
    [
        ("everything", {}, "what to take away"),
        ("stretch-20", {}, "what to take away"),
        ("painted", {}, "paint what to hide"),
        ("painted", {"painted": np.zeros((256, 256), np.uint8)}, "paint what to hide"),
        ("painted", {"painted": np.ones((256, 256), np.uint8)}, "hide everything"),
        ("painted", {"painted": media.box(256, (0, 1, 0, 1))}, "hide nothing"),
        ("projections", {"k": 0}, "projections"),
        ("projections", {"k": 12_288}, "hide nothing"),
        ("projections", {"k": 10**9}, "hide nothing"),
    ],
)
def test_what_cannot_be_hidden_gets_a_sentence(
    what: str, options: dict[str, object], sentence: str
) -> None:
    dataset, spec = loaded("objects")
    with pytest.raises(Rejected, match=sentence):
        degrade(what, dataset, spec, **options)  # type: ignore[arg-type]


def test_colour_cannot_be_taken_from_what_has_none() -> None:
    dataset, spec = datasets.load(
        PACK / "objects" / "ankle_boot_32.npz", spec_of(PRESETS["quick-objects"])
    )
    with pytest.raises(Rejected, match="no colour"):
        degrade("colour", dataset, spec)


def test_the_hidden_part_is_learnt_from_the_others() -> None:
    dataset, spec = loaded("objects")
    run = RepairRun.begin(spec, dataset, degrade("square-20", dataset, spec))
    errors = []
    for _ in range(60):
        *_, progress = run.iterate()
        assert progress is not None
        errors.append(progress.error)
    assert errors[-1] < 0.8 * errors[0]
    panels = run.view()
    assert len({panel.picture for panel in panels}) == 6


def test_the_truth_is_not_learnt_from() -> None:
    """Two data sets that differ only where nothing was seen give the same run."""
    dataset, spec = loaded("objects")
    hidden = degrade("square-30", dataset, spec)
    other = dataset.signals.clone()
    other[hidden.hidden.expand_as(other) > 0] *= -1
    runs = []
    for signals in (dataset.signals, other):
        run = RepairRun.begin(spec, Dataset(signals, dataset.source), hidden)
        for _ in run.trainer.steps(3):
            pass
        runs.append(run.trainer.z)
    assert torch.equal(*runs)


def test_the_mean_is_of_those_examples_that_saw_a_place() -> None:
    signals = torch.tensor([[0.0, 1.0, 2.0], [4.0, 5.0, 6.0], [9.0, 9.0, 9.0]])[:, None]
    visible = torch.tensor([[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])[:, None]
    mean = mean_of_seen(signals, visible, aligned=True)
    assert mean[0, 0].tolist() == [2.0, 2.0, 2.0], "(0 + 4) / 2; (0 + 4 + 2) / 3; 2"
    crops = torch.tensor([[1.0, 8.0], [3.0, 5.0]])[:, None]
    seen = torch.tensor([[1.0, 0.0], [1.0, 1.0]])[:, None]
    assert mean_of_seen(crops, seen, aligned=False)[0, 0].tolist() == [3.0, 3.0]
    assert error_over(1 - seen, torch.zeros_like(crops), crops) == 4.0


@pytest.mark.parametrize("kind", FILES)
def test_the_mean_stands_beside_what_was_recovered(kind: str) -> None:
    """Where anything was seen as it is, and of pictures; it knows no more than the model does."""
    dataset, spec = loaded(kind)
    what = "stretch-20" if kind == "sound" else "square-30"
    hidden = degrade(what, dataset, spec)
    other = dataset.signals.clone()
    other[hidden.hidden.expand_as(other) > 0] = 0.5
    captions = []
    for signals in (dataset.signals, other):
        given = Dataset(signals, dataset.source, dataset.extent)
        run = RepairRun.begin(spec, given, hidden)
        captions.append([panel.caption.partition(":")[0] for panel in run.view()])
        if kind != "sound":
            assert run._mean is not None
            over = hidden.hidden[: len(run._mean)].expand_as(run._mean) > 0
            captions.append(run._mean[over].tolist())
    assert captions[: len(captions) // 2] == captions[len(captions) // 2 :]
    assert ("The mean" in captions[0]) == (kind != "sound")
    whole = RepairRun.begin(spec, dataset, degrade("detail-2", dataset, spec))
    assert len(whole.view()) == 5


def test_a_jump_of_learning_is_not_taken_for_uncertainty() -> None:
    """Chains beside training's that it leaves far off begin again where training's own stand."""
    dataset, spec = loaded("objects")
    run = RepairRun.begin(spec, dataset, degrade("scattered-70", dataset, spec))
    for _ in range(40):
        list(run.iterate())

    def differing() -> float:
        _, coded = run.view()[4].picture.split(",")
        with Image.open(io.BytesIO(base64.b64decode(coded))) as picture:
            return float(np.asarray(picture).mean())

    before = differing()
    with torch.no_grad():  # the same model in other coordinates, to which only training's go along
        run.trainer.z.div_(5)
        run.trainer.generator.opening.mul_(5)
    assert differing() < before + 2


def test_a_run_is_begun_gone_on_with_and_shown_by_its_own_tab(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    rooms.repairs.start(
        token,
        item=FACES.stem,
        upload="",
        style="Quick",
        what="scattered-50",
        k=1000,
        painted=None,
        minutes=0.25,
    )

    def phase() -> tuple[str, int]:
        live = rooms.runs.live(token, "repair")
        return (live.report.phase, live.report.iteration) if live else ("", 0)

    until(lambda: phase()[1] > 2)
    rooms.runs.stop(token, "repair")
    live = rooms.runs.live(token, "repair")
    assert live is not None
    assert (live.task, len(live.panels)) == ("repair", 6)
    frames = live.report.frames
    assert frames[0].iteration == 0
    assert rooms.runs.frame(token, 0, "repair") == frames[0].picture
    with pytest.raises(Rejected, match="not kept"):
        rooms.runs.frame(token, -1, "repair")
    rooms.runs.go_on(token, 0.25, "repair")
    before = phase()[1]
    until(lambda: phase()[1] > before)
    rooms.runs.stop(token, "repair")
    report = rooms.runs.live(token, "repair").report  # type: ignore[union-attr]
    assert report.frames[: len(frames)] == frames, "the replay goes on, too"
    curve = report.curve
    assert np.isfinite([error for _, error, *_ in curve]).all()
    assert len(rooms.runs.live(token, "repair").panels) == 6  # type: ignore[union-attr]


def test_bad_wishes_leave_the_run_alone(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    for style, what, minutes, sentence in (
        ("As in the paper", "colour", 1, "Quick or Standard"),
        ("Quick", "nothing", 1, "what to take away"),
        *(("Quick", "colour", minutes, "minutes") for minutes in (0, 1e9, float("nan"))),
    ):
        with pytest.raises(Rejected, match=sentence):
            rooms.repairs.start(
                token,
                item=FACES.stem,
                upload="",
                style=style,
                what=what,
                k=float("nan"),
                painted=None,
                minutes=minutes,
            )
    assert rooms.runs.live(token) is None


def test_answers_keep_what_was_seen_and_differ_where_not(rooms: Rooms) -> None:
    token = arrived(rooms.studio)
    rooms.studio.choose(token, "toon_faces_64")
    picture = rooms.repairs.example(token)
    painted = media.box(256, (80, 176, 80, 176))
    *steps, last = rooms.repairs.repair(token, picture, painted)
    assert [step.progress for step in steps] == sorted(step.progress for step in steps)
    assert len(set(steps[-1].answers)) == 6
    of_answers, of_mean = (float(x) for x in re.findall(r"off by ([\d.]+) %", steps[-1].sentence))
    assert 0 < of_answers < of_mean, "the model adds something to the mean"
    assert steps[-1].mean not in ("", steps[-1].truth, steps[-1].after)
    with Image.open(last.file) as sheet:
        tiles = np.asarray(sheet).reshape(64, 7, 64, 3).transpose(1, 0, 2, 3).astype(int)
    inside = np.zeros((64, 64), bool)
    inside[20:44, 20:44] = True
    assert (tiles[1:, ~inside] == tiles[:1, ~inside]).all()
    assert tiles[1:, inside].std(0).mean() > 0.5


def test_repairs_say_what_they_need(rooms: Rooms, tmp_path: Path) -> None:
    token = arrived(rooms.studio)
    rooms.studio.choose(token, "toon_faces_64")
    picture = rooms.repairs.example(token)
    for shown, painted, sentence in (
        (None, None, "open a picture"),
        (picture, None, "Nothing is painted"),
        (picture, np.full((256, 256), 255, np.uint8), "hides everything"),
        (picture, media.box(256, (0, 1, 0, 1)), "too small"),
    ):
        with pytest.raises(Rejected, match=sentence):
            list(rooms.repairs.repair(token, shown, painted))
    rooms.studio.choose(token, "stream")
    with pytest.raises(Rejected, match="repairs pictures"):
        list(rooms.repairs.repair(token, picture, media.box(256, (80, 176, 80, 176))))
    with pytest.raises(Rejected, match="repairs pictures"):
        rooms.repairs.example(token)


def film_of(tmp_path: Path) -> tuple[Dataset, TrainingSpec]:
    spec = spec_of(PRESETS["quick-film"])
    small = dataclasses.replace(spec.generator, latent_shape=(8, 16, 16))
    return datasets.load(moving_film(tmp_path, step=2), dataclasses.replace(spec, generator=small))


def test_what_is_taken_away_of_a_film_is_in_no_frame_that_is_learnt_from(tmp_path: Path) -> None:
    dataset, spec = film_of(tmp_path)
    painted = media.box(256, (60, 200, 60, 200))
    for what in FILMS:
        data = with_frames_between(what, dataset)
        hidden = degrade(what, data, spec, painted=painted)
        assert hidden.known == (what != DOUBLE)
        over = hidden.hidden.expand_as(data.signals) > 0
        other = Dataset(torch.where(over, -data.signals, data.signals), data.source)
        made = []
        for each in (data, other):
            trainer = Trainer(spec, each, hidden.observation)
            trainer.step()
            made.append(trainer.z)
        assert torch.equal(*made), what
        assert 0 < float(hidden.hidden.mean()) < 0.8
        assert float(hidden.hidden[0].mean()) < 1, "a film begins with what was seen"


def test_a_film_of_twice_the_rate_keeps_its_own_frames(tmp_path: Path) -> None:
    dataset, spec = film_of(tmp_path)
    data = with_frames_between(DOUBLE, dataset)
    assert data.source.frame_rate == 2 * dataset.source.frame_rate
    assert len(data.signals) == 2 * len(dataset.signals) - 1
    hidden = degrade(DOUBLE, data, spec)
    run = repair_of(Trainer(spec, data, hidden.observation), hidden)
    list(run.iterate())
    captions = [panel.caption for panel in run.view()]
    assert captions == ["As it was", "At twice the rate", "A blend"]
    assert all(panel.film for panel in run.view())
    frames = np.stack(list(run.frames())).astype(int)  # type: ignore[attr-defined]
    shown = np.round((dataset.signals.permute(0, 2, 3, 1).numpy() + 1) * 127.5).astype(int)
    assert np.array_equal(frames[::2], shown)
    between = np.abs(frames[1::2] - (frames[:-1:2] + frames[2::2]) / 2)
    assert between.mean() > 2, "what moves is not just blended"
    fast = dataclasses.replace(dataset.source, frame_rate=200.0)
    with pytest.raises(Rejected, match="too many frames a second"):
        with_frames_between(DOUBLE, dataclasses.replace(dataset, source=fast))


def test_missing_frames_come_back_nearer_than_a_blend(tmp_path: Path) -> None:
    dataset, spec = film_of(tmp_path)
    hidden = degrade("frames-2", dataset, spec)
    run = repair_of(Trainer(spec, dataset, hidden.observation), hidden)
    *_, progress = run.iterate()
    assert progress is not None
    told = [re.search(r"off by ([\d.]+) %", panel.caption) for panel in run.view()]
    recovered, blended = (float(found[1]) for found in told[1:3] if found)
    assert told[0] is told[3] is None
    assert 0 < recovered < 0.7 * blended
    assert abs(100 * progress.error - recovered) < 0.01


@pytest.mark.parametrize(("what", "frames"), [("frames-2", 16), (DOUBLE, 31)])
def test_a_film_is_recovered_kept_and_taken_home(what: str, frames: int, tmp_path: Path) -> None:
    disk = Disk(tmp_path / "files")
    rooms = Rooms(disk)
    try:
        token = arrived(rooms.studio)
        path = str(moving_film(tmp_path))
        assert rooms.repairs.kind(token, path) == "film"
        assert rooms.repairs.canvas(token, "", path).shape == (256, 256, 3)  # type: ignore[union-attr]
        with pytest.raises(Rejected):
            rooms.repairs.take_film(token)
        how = {"item": "", "upload": path, "style": "Quick", "k": 0, "painted": None}
        rooms.repairs.start(token, what=what, minutes=0.25, **how)  # type: ignore[arg-type]

        def iteration() -> int:
            live = rooms.runs.live(token, "repair")
            return live.report.iteration if live else 0

        until(lambda: iteration() > 2, 60)
        rooms.runs.stop(token, "repair")
        held = rooms.studio.visit(token).held["repair"]
        assert held.job.join(60)
        film = rooms.repairs.take_film(token)
        with av.open(film) as content:
            assert content.streams.video[0].codec_context.name == "h264"
            assert sum(1 for _ in content.decode(video=0)) == frames
        before = iteration()
        assert held.keeper is not None
        run = held.keeper.rebuild()
        assert run.trainer.iteration == before
        assert len(run.view()) == (3 if what == DOUBLE else 4)
        rooms.runs.go_on(token, 0.25, "repair")
        until(lambda: iteration() > before, 60)
        rooms.runs.stop(token, "repair")
    finally:
        rooms.close()
