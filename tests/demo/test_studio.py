"""The studio over real, small runs: what a visitor can do, and what is refused."""

import dataclasses
import io
import json
import math
import os
import shlex
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.presets import PRESETS
from abp_core.spec import TrainingSpec
from abp_core.trainer import Trainer
from demo import limits
from demo.disk import Disk
from demo.errors import Rejected
from demo.models.cards import Card, label_of
from demo.runs import threads
from demo.runs.jobs import NeverBegan
from demo.runs.run import CAPTIONS
from demo.runs.service import Live
from demo.runs.sessions import new_token
from demo.runs.settings import STYLES, Settings, describe_preset, preset_for, settings_from
from demo.runs.threads import one_thread
from demo.studio import PACK
from tests.demo.rooms import Rooms
from tests.demo.runs import until
from tests.tiny import sha256

ANN, BEN, CEM = ("token-of-" + name * 3 for name in ("ann", "ben", "cem"))
LIGHT = Settings(batch_size=2, steps=1)
FEW = replace(LIGHT, examples=4)  # of a set
ITEMS = {"texture": "pebbles", "sound": "clock", "objects": "ankle_boot_32"}


def opened(folder: Path) -> Rooms:
    """A rooms over a folder, with three visitors."""
    rooms = Rooms(Disk(folder))
    for token in (ANN, BEN, CEM):
        rooms.studio.sessions.open(token)
    return rooms


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = opened(tmp_path / "studio")
    yield rooms
    rooms.close()


def start(rooms: Rooms, token: str = ANN, kind: str = "texture", **how: Any) -> None:
    asked: dict[str, Any] = {
        "item": ITEMS[kind],
        "upload": "",
        "style": "Quick",
        "settings": FEW if kind == "objects" else LIGHT,
        "minutes": 1.0,
    }
    rooms.training.start(token, **(asked | how))


def now(rooms: Rooms, token: str = ANN) -> Live:
    live = rooms.runs.live(token)
    assert live is not None
    return live


def learnt(rooms: Rooms, token: str = ANN, *, iterations: int = 2) -> None:
    """Waits until the run has made so many iterations from here."""
    first = now(rooms, token).report.iteration
    until(lambda: now(rooms, token).report.iteration >= first + iterations, 60)


def stopped(rooms: Rooms, token: str = ANN) -> Live:
    """Stops the run and waits for its thread."""
    rooms.runs.stop(token)
    job = rooms.studio.sessions.visit(token).job
    assert job is not None
    assert job.join(30)
    return now(rooms, token)


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Writes a checkpoint of a short run on the pack's pebbles, changed as asked."""

    def save(change: Callable[[Checkpoint], Checkpoint] = lambda saved: saved) -> Path:
        spec = replace(PRESETS["quick-texture"].training, batch_size=2)
        spec = replace(spec, langevin=replace(spec.langevin, steps=2))
        dataset, spec = datasets.load(PACK / "textures" / "pebbles.jpg", spec, name="pebbles")
        trainer = Trainer(spec, dataset)
        list(trainer.steps(2))
        path = tmp_path / "saved.safetensors"
        change(trainer.checkpoint()).save(path)
        return path

    return save


def respecified(**changes: Any) -> Callable[[Checkpoint], Checkpoint]:
    return lambda saved: replace(saved, spec=replace(saved.spec, **changes))


# What a visitor can do.


def test_the_pack_is_shown_with_pictures_and_credits(rooms: Rooms) -> None:
    cards: list[Card] = rooms.studio.cards()
    listed = json.loads((PACK / "manifest.json").read_bytes())
    assert {card.name for card in cards} == {entry["name"] for entry in listed}
    assert {card.kind for card in cards} == {"texture", "sound", "objects", "film"}
    assert [card.grey for card in cards] == sorted(card.grey for card in cards)
    for card in cards:
        with Image.open(io.BytesIO(card.picture)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (96, 96))
        assert bool(card.sound) == (card.kind == "sound")
        assert bool(card.film) == (card.kind == "film")
        assert len(card.credit) > 5


@pytest.mark.parametrize("kind", ITEMS)
def test_a_run_from_start_to_what_is_taken_home(rooms: Rooms, kind: str, tmp_path: Path) -> None:
    start(rooms, kind=kind)
    learnt(rooms)
    rooms.runs.hold(ANN, "Pause", 1.0)
    assert now(rooms).report.phase == "paused"
    rooms.runs.hold(ANN, "Resume", 1.0)
    learnt(rooms)
    live = stopped(rooms)
    assert (live.kind, live.report.phase) == (kind, "stopped")
    assert [panel.caption for panel in live.panels] == list(CAPTIONS)
    for panel in live.panels:
        assert panel.picture.startswith("data:image/jpeg;base64,")
        assert panel.sound.startswith("data:audio/wav;base64,") == (kind == "sound")

    home = Checkpoint.load(Path(rooms.runs.take_model(ANN)))
    assert home.source.name == ITEMS[kind]
    assert home.iteration == live.report.iteration >= 4

    samples = Path(rooms.runs.take_samples(ANN))
    if kind == "sound":
        sound, rate = soundfile.read(samples)
        assert (rate, len(sound)) == (home.source.sample_rate, 10 * rate)
        assert sound.std() > 0
    else:
        with Image.open(samples) as picture:
            assert picture.size == ((512, 512) if kind == "texture" else (8 * 32, 8 * 32))
            assert f"iteration {home.iteration}" in picture.info["Model"]
            assert np.asarray(picture).std() > 0
            command = shlex.split(picture.info["Command"])
        taken, again = Path(rooms.runs.take_model(ANN)), tmp_path / "again.png"
        places = {taken.name: str(taken), samples.name: str(again)}
        command = [sys.executable, *(places.get(word, word) for word in command[1:])]
        # With as many threads as here: convolutions may round otherwise with another number.
        one = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        subprocess.run(command, check=True, cwd=PACK.parents[1], env=one)
        with Image.open(samples) as ours, Image.open(again) as theirs:
            assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_a_run_goes_on_where_it_stopped_and_keeps_its_curve(rooms: Rooms) -> None:
    start(rooms)
    learnt(rooms)
    first = stopped(rooms)
    job = rooms.studio.sessions.visit(ANN).job
    assert job is not None
    rooms.runs.go_on(ANN, 1.0)
    learnt(rooms)
    with pytest.raises(NeverBegan):
        job.ask(lambda run: run)  # or it would be read while the next job changes it
    second = stopped(rooms)
    assert second.number != first.number
    xs = [point[0] for point in second.report.curve]
    assert xs == list(range(1, second.report.iteration + 1))
    assert second.report.curve[: len(first.report.curve)] == first.report.curve


def test_going_on_with_half_the_step_changes_nothing_else(rooms: Rooms) -> None:
    start(rooms)
    learnt(rooms)
    stopped(rooms)
    before = Checkpoint.load(Path(rooms.runs.take_model(ANN)))
    rooms.runs.go_on(ANN, 1.0, step_factor=0.5)
    learnt(rooms, iterations=1)
    stopped(rooms)
    after = Checkpoint.load(Path(rooms.runs.take_model(ANN)))
    assert after.iteration > before.iteration
    assert after.spec.langevin.step_size == before.spec.langevin.step_size / 2
    halved = replace(before.spec.langevin, step_size=before.spec.langevin.step_size / 2)
    assert after.spec == replace(before.spec, langevin=halved)


def test_a_stopped_run_can_be_gone_on_with_at_once(rooms: Rooms) -> None:
    """The click comes while the earlier thread still finishes its small move."""
    start(rooms)
    learnt(rooms)
    for _ in range(5):
        rooms.runs.stop(ANN)
        rooms.runs.go_on(ANN, 1.0)
    learnt(rooms)
    curve = [point[0] for point in stopped(rooms).report.curve]
    assert curve == list(range(1, len(curve) + 1)), "no iteration is lost or made twice"


def test_what_diverged_keeps_its_last_good_state(rooms: Rooms) -> None:
    start(rooms, settings=replace(LIGHT, step_size=9.0, steps=3))
    job = rooms.studio.sessions.visit(ANN).job
    assert job is not None
    assert job.join(60)
    assert now(rooms).report.phase == "diverged"
    home = Checkpoint.load(Path(rooms.runs.take_model(ANN)))
    assert home.updates == 0
    rooms.runs.go_on(ANN, 1.0, step_factor=0.5)
    assert now(rooms).report.phase in ("starting", "running", "diverged")


def test_a_saved_run_goes_on_exactly(rooms: Rooms, saved: Callable[..., Path]) -> None:
    path = saved()
    assert "pebbles after 2 iterations" in rooms.training.inspect_checkpoint(str(path))
    rooms.training.continue_from(ANN, str(path), upload="", minutes=1.0)
    learnt(rooms)
    stopped(rooms)
    ours = Checkpoint.load(Path(rooms.runs.take_model(ANN)))
    begun = Checkpoint.load(path)
    dataset, _ = datasets.load(PACK / "textures" / "pebbles.jpg", begun.spec, name="pebbles")
    alone = Trainer.resume(begun, dataset)
    list(alone.steps(ours.iteration - begun.iteration))
    assert sha256(alone.checkpoint()) == sha256(ours)


def test_an_upload_is_described_learnt_and_gone_on_with(rooms: Rooms, tmp_path: Path) -> None:
    stripes = np.zeros((80, 96, 3), np.uint8)
    stripes[:, ::4] = 255
    picture = tmp_path / "my stripes.png"
    Image.fromarray(stripes).save(picture)
    kind, sentence, looks = rooms.training.inspect(str(picture))
    assert kind == "texture"
    assert looks.startswith("data:image/jpeg;base64,")
    assert sentence.startswith("my stripes.png: a picture")
    start(rooms, item="", upload=str(picture))
    learnt(rooms, iterations=1)
    assert now(rooms).name == "my stripes"
    stopped(rooms)
    model = rooms.runs.take_model(ANN)
    assert Path(model).name.startswith("my-stripes-")
    with pytest.raises(Rejected, match="my stripes"):
        rooms.training.continue_from(BEN, model, upload="", minutes=1.0)
    rooms.training.continue_from(BEN, model, upload=str(picture), minutes=1.0)
    learnt(rooms, BEN, iterations=1)


def test_a_name_of_many_letters_makes_a_file_that_can_be_written(
    rooms: Rooms, tmp_path: Path
) -> None:
    picture = tmp_path / ("\U00020000" * 60 + ".png")  # four bytes a letter, 244 in all
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(picture)
    start(rooms, item="", upload=str(picture))
    stopped(rooms)
    assert Path(rooms.runs.take_model(ANN)).is_file()
    assert Path(rooms.runs.take_samples(ANN)).is_file()


def test_files_taken_home_stay_few_and_go_with_the_visit(rooms: Rooms) -> None:
    start(rooms)
    for _ in range(3):
        learnt(rooms, iterations=1)
        rooms.runs.take_model(ANN)
        newest = rooms.runs.take_samples(ANN)
    folder = Path(newest).parent
    assert Path(newest).is_file()
    assert len(list(folder.iterdir())) <= limits.FILES_KEPT
    stopped(rooms)
    left = rooms.studio.sessions.hear(ANN, leaving=True).here_until
    rooms.studio.sessions.sweep(left + limits.SECONDS_UNTIL_FORGOTTEN + 1)
    assert not folder.exists()


def test_closing_removes_every_file_that_was_taken_home(tmp_path: Path) -> None:
    rooms = opened(tmp_path)
    start(rooms)
    path = Path(rooms.runs.take_model(ANN))
    rooms.close()
    assert not path.exists()
    assert not [path for path in tmp_path.rglob("*") if "runs" not in path.parts]


def test_visitors_have_runs_of_their_own(rooms: Rooms) -> None:
    start(rooms)
    start(rooms, BEN, item="ice")
    assert rooms.runs.live(CEM) is None
    assert (now(rooms).name, now(rooms, BEN).name) == ("pebbles", "ice")
    rooms.runs.stop(CEM)
    rooms.runs.stop(BEN)
    assert now(rooms).report.phase != "stopped"
    with pytest.raises(Rejected, match="no model yet"):
        rooms.runs.take_model(CEM)


def test_a_run_computes_on_all_cores_beside_threads_that_keep_to_one(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "ALL", 3)
    looking = threading.Thread(target=one_thread)
    looking.start()
    looking.join(20)
    start(rooms)
    job = rooms.studio.sessions.visit(ANN).job
    assert job is not None
    try:
        assert job.ask(lambda _: torch.get_num_threads(), timeout=60) == 3
    finally:
        stopped(rooms)
        torch.set_num_threads(1)  # what threads of other tests begin with


@pytest.mark.parametrize("kind", ITEMS)
@pytest.mark.parametrize("style", STYLES)
def test_every_preset_can_be_asked_for_as_it_is_shown(kind: str, style: str) -> None:
    sentence, shown = describe_preset(kind, style)
    spec = preset_for(kind, style).training
    assert sentence.endswith(".")
    own = dataclasses.asdict(spec) | dataclasses.asdict(spec.langevin)
    assert all(own[name] == value for name, value in dataclasses.asdict(shown).items())
    texts = {name: f"{value:g}" for name, value in dataclasses.asdict(shown).items()}
    assert settings_from(texts) == shown


def test_what_was_typed_is_read_as_numbers() -> None:
    typed = {"steps": " 5 ", "step_size": "0,05", "sigma": "3e-1", "seed": "", "examples": "  "}
    assert settings_from(typed) == Settings(steps=5, step_size=0.05, sigma=0.3)
    assert settings_from({"learning_rate": "0,001"}).learning_rate == 0.001
    assert settings_from({}) == Settings()


@pytest.mark.parametrize(
    "text", ["many", "1 2", "nan", "inf", "-inf", "1e999", "0x10", "1,000,000", "2,000", "--1", "π"]
)
def test_what_is_no_number_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(Rejected, match="batch size"):
        settings_from({"batch_size": text})


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("pebbles", "pebbles"),
        ("toon_faces_64", "toon faces"),
        ("my stripes", "my stripes"),
        ("64", "64"),
        ("", ""),
        ("rain_v2", "rain v2"),
    ],
)
def test_labels_are_words_without_sizes(name: str, label: str) -> None:
    assert label_of(name) == label


# What is refused, and that nothing is lost by it.


def one_sentence(refusal: pytest.ExceptionInfo[Rejected]) -> None:
    text = str(refusal.value)
    assert text[0].isupper() or text[0].isalnum()
    assert text.endswith((".", ")."))
    assert "\n" not in text
    assert len(text) < 300
    assert "Traceback" not in text


@pytest.fixture
def settled(rooms: Rooms) -> Iterator[Rooms]:
    """A visitor has a run; whatever is refused must leave it as it is."""
    start(rooms)
    learnt(rooms)
    live = stopped(rooms)
    before = sha256(Checkpoint.load(Path(rooms.runs.take_model(ANN))))
    yield rooms
    after = now(rooms)
    assert (after.number, after.report.phase) == (live.number, "stopped")
    assert sha256(Checkpoint.load(Path(rooms.runs.take_model(ANN)))) == before


BAD_TOKENS: list[Any] = [None, "", "x", "x" * 65, "x" * 10**6, 5, math.nan, [], {}, True, "é" * 20]
UNKNOWN = new_token()  # of no page that was opened


def test_bad_tokens_are_refused_everywhere(rooms: Rooms) -> None:
    asked: list[Callable[[Any], Any]] = [
        rooms.runs.live,
        lambda token: rooms.runs.hold(token, "Pause", 1.0),
        lambda token: rooms.runs.hold(token, "Resume", 1.0),
        rooms.runs.stop,
        rooms.runs.take_model,
        rooms.runs.take_samples,
        rooms.studio.follow,
        rooms.studio.model,
        rooms.exploration.describe,
        rooms.synthesis.offer,
        rooms.repairs.example,
        lambda token: rooms.studio.choose(token, "pebbles"),
        lambda token: rooms.exploration.look(token, "pebbles", {}),
        lambda token: list(rooms.synthesis.make(token, {})),
        lambda token: rooms.inference.begin(token, "pebbles", {}, {}),
        lambda token: rooms.runs.go_on(token, 1.0),
        lambda token: start(rooms, token),
        lambda token: rooms.repairs.start(
            token,
            item=ITEMS["texture"],
            upload="",
            style="Quick",
            what="colour",
            k=0,
            painted=None,
            minutes=1.0,
        ),
        lambda token: rooms.training.continue_from(token, "x", upload="", minutes=1.0),
    ]
    for token in [*BAD_TOKENS, UNKNOWN]:
        for ask in asked:
            with pytest.raises(Rejected, match="reload") as refusal:
                ask(token)
            one_sentence(refusal)
    for token in BAD_TOKENS:
        with pytest.raises(Rejected, match="reload") as refusal:
            rooms.studio.arrive(token)
        one_sentence(refusal)
    assert set(rooms.studio.sessions._visits) == {ANN, BEN, CEM}


INF, NAN = math.inf, math.nan


def test_bad_requests_are_refused_in_one_sentence_and_nothing_is_lost(
    settled: Rooms, tmp_path: Path
) -> None:
    dot = tmp_path / "dot.png"
    Image.new("RGB", (1, 1)).save(dot)
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(16_000), 16_000)
    for name in ("broken.png", "broken.zip", "broken.wav", "broken.npz"):
        (tmp_path / name).write_bytes(os.urandom(300))
    uploads = ["nothing.png", "nothing.zip", "nothing.xyz", "dot.png", "silence.wav"]
    uploads += ["broken.png", "broken.zip", "broken.wav", "broken.npz", "null\0byte.png"]
    asked: list[dict[str, Any]] = [
        *({"item": item} for item in ("", "nothing", "../../etc/passwd", None, 5, [], {}, NAN)),
        *({"style": style} for style in ("", "Slow", None, 5, [], {})),
        *({"minutes": m} for m in (0, -1, 20.1, INF, -INF, NAN, "3", None, [], 10**400)),
        *({"upload": str(tmp_path / name)} for name in uploads),
        *(
            {"settings": replace(LIGHT, **{name: value})}
            for name, values in {
                "steps": (0, -1, 1.5, 61, 1e300, INF, -INF, NAN),
                "step_size": (0, -1, 11, 1e300, INF, -INF, NAN),
                "temperature": (-1, 101, INF, NAN),
                "sigma": (0, -1, 1e300, INF, NAN),
                "learning_rate": (0, -1, 2, INF, NAN),
                "batch_size": (0, -1, 1.5, 129, 1e300, INF, NAN),
                "examples": (0, 2001, 1.5, INF, NAN),
                "seed": (-1, 0.5, 2**53 + 2, 1e300, INF, NAN),
            }.items()
            for value in values
        ),
        {"style": "As in the paper", "settings": Settings(batch_size=128)},
        {"style": "As in the paper", "settings": Settings(examples=2000)},
    ]
    for request in asked:
        with pytest.raises(Rejected) as refusal:
            start(settled, **request)
        one_sentence(refusal)
    for minutes in (0, NAN, INF, "3", None):
        with pytest.raises(Rejected, match="minutes"):
            settled.runs.go_on(ANN, minutes)  # type: ignore[arg-type]
    for name in uploads:
        with pytest.raises(Rejected) as refusal:
            settled.training.inspect(str(tmp_path / name))
        one_sentence(refusal)


def test_a_full_house_is_refused_and_nothing_is_lost(settled: Rooms) -> None:
    start(settled, BEN)
    start(settled, CEM)
    with pytest.raises(Rejected, match="2 visitors") as refusal:
        start(settled)
    one_sentence(refusal)
    with pytest.raises(Rejected, match="2 visitors"):
        settled.runs.go_on(ANN, 1.0)


def test_bad_checkpoints_are_refused_and_nothing_is_lost(
    settled: Rooms, saved: Callable[..., Path], tmp_path: Path
) -> None:
    whole = saved().read_bytes()
    bad = {
        "cut.safetensors": whole[: len(whole) // 2],
        "empty.safetensors": b"",
        "text.safetensors": b"hello " * 100,
        "nothing.safetensors": None,
    }
    for name, content in bad.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        for ask in (
            lambda path=path: settled.training.inspect_checkpoint(str(path)),
            lambda path=path: settled.training.continue_from(
                ANN, str(path), upload="", minutes=1.0
            ),
        ):
            with pytest.raises(Rejected) as refusal:
                ask()
            one_sentence(refusal)
    path = saved()
    for minutes in (0, NAN, None):
        with pytest.raises(Rejected, match="minutes"):
            settled.training.continue_from(ANN, str(path), upload="", minutes=minutes)  # type: ignore[arg-type]


def test_a_model_does_not_go_on_with_other_data(settled: Rooms, saved: Callable[..., Path]) -> None:
    path = str(saved())
    other = str(PACK / "textures" / "ice.jpg")
    with pytest.raises(Rejected, match="not the data") as refusal:
        settled.training.continue_from(ANN, path, upload=other, minutes=1.0)
    one_sentence(refusal)
    sound = str(PACK / "sounds" / "clock.flac")
    with pytest.raises(Rejected, match="for sound") as refusal:
        settled.training.continue_from(ANN, path, upload=sound, minutes=1.0)
    one_sentence(refusal)


def walking(steps: int) -> Callable[[Checkpoint], Checkpoint]:
    def change(saved: Checkpoint) -> Checkpoint:
        return respecified(langevin=replace(saved.spec.langevin, steps=steps))(saved)

    return change


def many(saved: Checkpoint) -> Checkpoint:
    """Crops instead of windows, and too many of them."""
    latents = torch.zeros(100, *saved.spec.generator.latent_shape)
    crops = respecified(window=0, prior="normal", examples=100_000)
    return replace(crops(saved), latents=latents)


def enlarged(saved: Checkpoint) -> Checkpoint:
    """Weights as before, but a signal of 2048 x 2048 pixels."""
    network = replace(saved.spec.generator, latent_shape=(32, 260, 260))
    latents = torch.zeros(1, 32, 260, 260)
    return replace(saved, spec=replace(saved.spec, generator=network), latents=latents)


@pytest.mark.parametrize(
    "change",
    [
        respecified(batch_size=4096),
        many,
        walking(10_000),
        enlarged,
    ],
    ids=["batch", "examples", "steps", "network"],
)
def test_a_model_that_a_shared_machine_cannot_bear_is_refused(
    settled: Rooms, saved: Callable[..., Path], change: Callable[[Checkpoint], Checkpoint]
) -> None:
    path = str(saved(change))
    for ask in (
        lambda: settled.training.inspect_checkpoint(path),
        lambda: settled.training.continue_from(ANN, path, upload="", minutes=1.0),
    ):
        with pytest.raises(Rejected, match="command line") as refusal:
            ask()
        one_sentence(refusal)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((1, 32, 8, 8), "not of this data"),
        ((1, 32, 4, 36), "damaged"),
        ((3, 32, 36, 36), "damaged"),
        ((1000, 32, 8, 8), "damaged"),
        ((1, 32, 400, 400), "damaged"),
    ],
)
def test_a_model_with_too_many_or_too_few_latents_is_refused(
    settled: Rooms, saved: Callable[..., Path], shape: tuple[int, ...], sentence: str
) -> None:
    path = saved(lambda saved: replace(saved, latents=torch.zeros(shape)))
    with pytest.raises(Rejected, match=sentence):
        settled.training.continue_from(ANN, str(path), upload="", minutes=1.0)


@pytest.mark.parametrize("name", ["x" * 101, "two\nlines", "\ud800", "\x00"])
def test_a_model_whose_name_cannot_be_shown_is_refused(
    settled: Rooms, saved: Callable[..., Path], name: str
) -> None:
    path = saved(lambda saved: replace(saved, source=replace(saved.source, name=name)))
    with pytest.raises(Rejected, match=r"name|damaged"):
        settled.training.inspect_checkpoint(str(path))


def test_every_preset_is_within_what_a_checkpoint_may_ask_for() -> None:
    """Or what was trained here could not go on here."""
    for kind in ITEMS:
        for style in STYLES:
            spec: TrainingSpec = preset_for(kind, style).training
            assert spec.langevin.steps <= limits.STEPS[1]
            assert spec.batch_size <= limits.BATCH_SIZE[1]
            assert spec.examples <= limits.EXAMPLES[1]


def test_there_is_nothing_to_go_on_with_while_a_run_goes_or_before_the_first(
    rooms: Rooms,
) -> None:
    with pytest.raises(Rejected, match="no ended run"):
        rooms.runs.go_on(ANN, 1.0)
    start(rooms)
    with pytest.raises(Rejected, match="no ended run"):
        rooms.runs.go_on(ANN, 1.0)
    assert now(rooms).report.phase in ("starting", "running")


def test_a_disk_that_is_full_is_a_sentence(settled: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Rejected, match="could not be written") as refusal:
            settled.runs.take_model(ANN)
        one_sentence(refusal)


def test_what_was_done_to_a_file_is_said_before_it_is_learnt(rooms: Rooms, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for k in range(6):
            memory = io.BytesIO()
            Image.fromarray(draw.integers(0, 256, (64, 64, 3), np.uint8)).save(memory, "PNG")
            archive.writestr(f"{k}.png", memory.getvalue()[: 500 if k == 4 else None])
    kind, sentence, _ = rooms.training.inspect(str(tmp_path / "set.zip"))
    assert kind == "objects"
    assert "5 of its 6 pictures were taken" in sentence
    assert "Left out: 4.png, since the first ends early." in sentence
