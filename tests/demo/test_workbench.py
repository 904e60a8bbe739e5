"""The workbench over real, small runs: what a visitor can do, and what is refused."""

import dataclasses
import io
import json
import math
import os
import shlex
import subprocess
import sys
import threading
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
from demo.jobs import NeverBegan
from demo.sessions import new_token
from demo.workbench import (
    CAPTIONS,
    PACK,
    STYLES,
    Card,
    Live,
    Rejected,
    Settings,
    Workbench,
    describe_preset,
    label_of,
    one_thread,
    preset_for,
    settings_from,
    threads,
)
from tests.demo.runs import until
from tests.tiny import sha256

ANN, BEN, CEM = ("token-of-" + name * 3 for name in ("ann", "ben", "cem"))
LIGHT = Settings(batch_size=2, steps=1)
FEW = replace(LIGHT, examples=4)  # of a set
ITEMS = {"texture": "pebbles", "sound": "clock", "objects": "ankle_boot_32"}


def opened(folder: Path) -> Workbench:
    """A workbench over a folder, with three visitors."""
    workbench = Workbench(Disk(folder))
    for token in (ANN, BEN, CEM):
        workbench.sessions.open(token)
    return workbench


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Workbench]:
    workbench = opened(tmp_path / "studio")
    yield workbench
    workbench.close()


def start(workbench: Workbench, token: str = ANN, kind: str = "texture", **how: Any) -> None:
    asked: dict[str, Any] = {
        "item": ITEMS[kind],
        "upload": "",
        "style": "Quick",
        "settings": FEW if kind == "objects" else LIGHT,
        "minutes": 1.0,
    }
    workbench.start(token, **(asked | how))


def now(workbench: Workbench, token: str = ANN) -> Live:
    live = workbench.live(token)
    assert live is not None
    return live


def learnt(workbench: Workbench, token: str = ANN, *, iterations: int = 2) -> None:
    """Waits until the run has made so many iterations from here."""
    first = now(workbench, token).report.iteration
    until(lambda: now(workbench, token).report.iteration >= first + iterations, 60)


def stopped(workbench: Workbench, token: str = ANN) -> Live:
    """Stops the run and waits for its thread."""
    workbench.stop(token)
    job = workbench.sessions.visit(token).job
    assert job is not None
    assert job.join(30)
    return now(workbench, token)


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


def test_the_pack_is_shown_with_pictures_and_credits(workbench: Workbench) -> None:
    cards: list[Card] = workbench.cards()
    listed = json.loads((PACK / "manifest.json").read_text())
    assert {card.name for card in cards} == {entry["name"] for entry in listed}
    assert {card.kind for card in cards} == {"texture", "sound", "objects"}
    assert [card.grey for card in cards] == sorted(card.grey for card in cards)
    for card in cards:
        with Image.open(io.BytesIO(card.picture)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (96, 96))
        assert bool(card.sound) == (card.kind == "sound")
        assert len(card.credit) > 5


@pytest.mark.parametrize("kind", ITEMS)
def test_a_run_from_start_to_what_is_taken_home(
    workbench: Workbench, kind: str, tmp_path: Path
) -> None:
    start(workbench, kind=kind)
    learnt(workbench)
    workbench.pause(ANN)
    assert now(workbench).report.phase == "paused"
    workbench.resume(ANN)
    learnt(workbench)
    live = stopped(workbench)
    assert (live.kind, live.report.phase) == (kind, "stopped")
    assert [panel.caption for panel in live.panels] == list(CAPTIONS)
    for panel in live.panels:
        assert panel.picture.startswith("data:image/jpeg;base64,")
        assert panel.sound.startswith("data:audio/wav;base64,") == (kind == "sound")

    home = Checkpoint.load(Path(workbench.take_home(ANN)))
    assert home.source.name == ITEMS[kind]
    assert home.iteration == live.report.iteration >= 4

    samples = Path(workbench.take_samples(ANN))
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
        taken, again = Path(workbench.take_home(ANN)), tmp_path / "again.png"
        places = {taken.name: str(taken), samples.name: str(again)}
        command = [sys.executable, *(places.get(word, word) for word in command[1:])]
        # With as many threads as here: convolutions may round otherwise with another number.
        one = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        subprocess.run(command, check=True, cwd=PACK.parents[1], env=one)
        with Image.open(samples) as ours, Image.open(again) as theirs:
            assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def test_a_run_goes_on_where_it_stopped_and_keeps_its_curve(workbench: Workbench) -> None:
    start(workbench)
    learnt(workbench)
    first = stopped(workbench)
    job = workbench.sessions.visit(ANN).job
    assert job is not None
    workbench.go_on(ANN, 1.0)
    learnt(workbench)
    with pytest.raises(NeverBegan):
        job.ask(lambda run: run)  # or it would be read while the next job changes it
    second = stopped(workbench)
    assert second.number != first.number
    xs = [point[0] for point in second.report.curve]
    assert xs == list(range(1, second.report.iteration + 1))
    assert second.report.curve[: len(first.report.curve)] == first.report.curve


def test_going_on_with_half_the_step_changes_nothing_else(workbench: Workbench) -> None:
    start(workbench)
    learnt(workbench)
    stopped(workbench)
    before = Checkpoint.load(Path(workbench.take_home(ANN)))
    workbench.go_on(ANN, 1.0, step_factor=0.5)
    learnt(workbench, iterations=1)
    stopped(workbench)
    after = Checkpoint.load(Path(workbench.take_home(ANN)))
    assert after.iteration > before.iteration
    assert after.spec.langevin.step_size == before.spec.langevin.step_size / 2
    halved = replace(before.spec.langevin, step_size=before.spec.langevin.step_size / 2)
    assert after.spec == replace(before.spec, langevin=halved)


def test_a_stopped_run_can_be_gone_on_with_at_once(workbench: Workbench) -> None:
    """The click comes while the earlier thread still finishes its small move."""
    start(workbench)
    learnt(workbench)
    for _ in range(5):
        workbench.stop(ANN)
        workbench.go_on(ANN, 1.0)
    learnt(workbench)
    curve = [point[0] for point in stopped(workbench).report.curve]
    assert curve == list(range(1, len(curve) + 1)), "no iteration is lost or made twice"


def test_what_diverged_keeps_its_last_good_state(workbench: Workbench) -> None:
    start(workbench, settings=replace(LIGHT, step_size=9.0, steps=3))
    job = workbench.sessions.visit(ANN).job
    assert job is not None
    assert job.join(60)
    assert now(workbench).report.phase == "diverged"
    home = Checkpoint.load(Path(workbench.take_home(ANN)))
    assert home.updates == 0
    workbench.go_on(ANN, 1.0, step_factor=0.5)
    assert now(workbench).report.phase in ("starting", "running", "diverged")


def test_a_saved_run_goes_on_exactly(workbench: Workbench, saved: Callable[..., Path]) -> None:
    path = saved()
    assert "pebbles after 2 iterations" in workbench.inspect_checkpoint(str(path))
    workbench.continue_from(ANN, str(path), upload="", minutes=1.0)
    learnt(workbench)
    stopped(workbench)
    ours = Checkpoint.load(Path(workbench.take_home(ANN)))
    begun = Checkpoint.load(path)
    dataset, _ = datasets.load(PACK / "textures" / "pebbles.jpg", begun.spec, name="pebbles")
    alone = Trainer.resume(begun, dataset)
    list(alone.steps(ours.iteration - begun.iteration))
    assert sha256(alone.checkpoint()) == sha256(ours)


def test_an_upload_is_described_learnt_and_gone_on_with(
    workbench: Workbench, tmp_path: Path
) -> None:
    stripes = np.zeros((80, 96, 3), np.uint8)
    stripes[:, ::4] = 255
    picture = tmp_path / "my stripes.png"
    Image.fromarray(stripes).save(picture)
    kind, sentence = workbench.inspect(str(picture))
    assert kind == "texture"
    assert sentence.startswith("my stripes.png: a picture")
    start(workbench, item="", upload=str(picture))
    learnt(workbench, iterations=1)
    assert now(workbench).name == "my stripes"
    stopped(workbench)
    model = workbench.take_home(ANN)
    assert Path(model).name.startswith("my-stripes-")
    with pytest.raises(Rejected, match="my stripes"):
        workbench.continue_from(BEN, model, upload="", minutes=1.0)
    workbench.continue_from(BEN, model, upload=str(picture), minutes=1.0)
    learnt(workbench, BEN, iterations=1)


def test_a_name_of_many_letters_makes_a_file_that_can_be_written(
    workbench: Workbench, tmp_path: Path
) -> None:
    picture = tmp_path / ("\U00020000" * 60 + ".png")  # four bytes a letter, 244 in all
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(picture)
    start(workbench, item="", upload=str(picture))
    stopped(workbench)
    assert Path(workbench.take_home(ANN)).is_file()
    assert Path(workbench.take_samples(ANN)).is_file()


def test_files_taken_home_stay_few_and_go_with_the_visit(workbench: Workbench) -> None:
    start(workbench)
    for _ in range(3):
        learnt(workbench, iterations=1)
        workbench.take_home(ANN)
        newest = workbench.take_samples(ANN)
    folder = Path(newest).parent
    assert Path(newest).is_file()
    assert len(list(folder.iterdir())) <= limits.FILES_KEPT
    stopped(workbench)
    left = workbench.sessions.hear(ANN, leaving=True).here_until
    workbench.sessions.sweep(left + limits.SECONDS_UNTIL_FORGOTTEN + 1)
    assert not folder.exists()


def test_closing_removes_every_file_that_was_taken_home(tmp_path: Path) -> None:
    workbench = opened(tmp_path)
    start(workbench)
    path = Path(workbench.take_home(ANN))
    workbench.close()
    assert not path.exists()
    assert not [path for path in tmp_path.rglob("*") if "runs" not in path.parts]


def test_visitors_have_runs_of_their_own(workbench: Workbench) -> None:
    start(workbench)
    start(workbench, BEN, item="ice")
    assert workbench.live(CEM) is None
    assert (now(workbench).name, now(workbench, BEN).name) == ("pebbles", "ice")
    workbench.stop(CEM)
    workbench.stop(BEN)
    assert now(workbench).report.phase != "stopped"
    with pytest.raises(Rejected, match="no model yet"):
        workbench.take_home(CEM)


def test_a_run_computes_on_all_cores_beside_threads_that_keep_to_one(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "ALL", 3)
    looking = threading.Thread(target=one_thread)
    looking.start()
    looking.join(20)
    start(workbench)
    job = workbench.sessions.visit(ANN).job
    assert job is not None
    try:
        assert job.ask(lambda _: torch.get_num_threads(), timeout=60) == 3
    finally:
        stopped(workbench)
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
def settled(workbench: Workbench) -> Iterator[Workbench]:
    """A visitor has a run; whatever is refused must leave it as it is."""
    start(workbench)
    learnt(workbench)
    live = stopped(workbench)
    before = sha256(Checkpoint.load(Path(workbench.take_home(ANN))))
    yield workbench
    after = now(workbench)
    assert (after.number, after.report.phase) == (live.number, "stopped")
    assert sha256(Checkpoint.load(Path(workbench.take_home(ANN)))) == before


BAD_TOKENS: list[Any] = [None, "", "x", "x" * 65, "x" * 10**6, 5, math.nan, [], {}, True, "é" * 20]
UNKNOWN = new_token()  # of no page that was opened


def test_bad_tokens_are_refused_everywhere(workbench: Workbench) -> None:
    asked: list[Callable[[Any], Any]] = [
        workbench.live,
        workbench.pause,
        workbench.resume,
        workbench.stop,
        workbench.take_home,
        workbench.take_samples,
        workbench.follow,
        workbench.model,
        workbench.describe,
        workbench.offer,
        workbench.example,
        lambda token: workbench.choose(token, "pebbles"),
        lambda token: workbench.look(token, "pebbles", {}),
        lambda token: list(workbench.make(token, {})),
        lambda token: workbench.inference.begin(token, "pebbles", {}, {}),
        lambda token: workbench.go_on(token, 1.0),
        lambda token: start(workbench, token),
        lambda token: workbench.repairs.start(
            token,
            item=ITEMS["texture"],
            upload="",
            style="Quick",
            what="colour",
            k=0,
            painted=None,
            minutes=1.0,
        ),
        lambda token: workbench.continue_from(token, "x", upload="", minutes=1.0),
    ]
    for token in [*BAD_TOKENS, UNKNOWN]:
        for ask in asked:
            with pytest.raises(Rejected, match="reload") as refusal:
                ask(token)
            one_sentence(refusal)
    for token in BAD_TOKENS:
        with pytest.raises(Rejected, match="reload") as refusal:
            workbench.arrive(token)
        one_sentence(refusal)
    assert set(workbench.sessions._visits) == {ANN, BEN, CEM}


INF, NAN = math.inf, math.nan


def test_bad_requests_are_refused_in_one_sentence_and_nothing_is_lost(
    settled: Workbench, tmp_path: Path
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
            settled.go_on(ANN, minutes)  # type: ignore[arg-type]
    for name in uploads:
        with pytest.raises(Rejected) as refusal:
            settled.inspect(str(tmp_path / name))
        one_sentence(refusal)


def test_a_full_house_is_refused_and_nothing_is_lost(settled: Workbench) -> None:
    start(settled, BEN)
    start(settled, CEM)
    with pytest.raises(Rejected, match="2 visitors") as refusal:
        start(settled)
    one_sentence(refusal)
    with pytest.raises(Rejected, match="2 visitors"):
        settled.go_on(ANN, 1.0)


def test_bad_checkpoints_are_refused_and_nothing_is_lost(
    settled: Workbench, saved: Callable[..., Path], tmp_path: Path
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
            lambda path=path: settled.inspect_checkpoint(str(path)),
            lambda path=path: settled.continue_from(ANN, str(path), upload="", minutes=1.0),
        ):
            with pytest.raises(Rejected) as refusal:
                ask()
            one_sentence(refusal)
    path = saved()
    for minutes in (0, NAN, None):
        with pytest.raises(Rejected, match="minutes"):
            settled.continue_from(ANN, str(path), upload="", minutes=minutes)  # type: ignore[arg-type]


def test_a_model_does_not_go_on_with_other_data(
    settled: Workbench, saved: Callable[..., Path]
) -> None:
    path = str(saved())
    other = str(PACK / "textures" / "ice.jpg")
    with pytest.raises(Rejected, match="not the data") as refusal:
        settled.continue_from(ANN, path, upload=other, minutes=1.0)
    one_sentence(refusal)
    sound = str(PACK / "sounds" / "clock.flac")
    with pytest.raises(Rejected, match="for sound") as refusal:
        settled.continue_from(ANN, path, upload=sound, minutes=1.0)
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
    settled: Workbench, saved: Callable[..., Path], change: Callable[[Checkpoint], Checkpoint]
) -> None:
    path = str(saved(change))
    for ask in (
        lambda: settled.inspect_checkpoint(path),
        lambda: settled.continue_from(ANN, path, upload="", minutes=1.0),
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
    settled: Workbench, saved: Callable[..., Path], shape: tuple[int, ...], sentence: str
) -> None:
    path = saved(lambda saved: replace(saved, latents=torch.zeros(shape)))
    with pytest.raises(Rejected, match=sentence):
        settled.continue_from(ANN, str(path), upload="", minutes=1.0)


@pytest.mark.parametrize("name", ["x" * 101, "two\nlines", "\ud800", "\x00"])
def test_a_model_whose_name_cannot_be_shown_is_refused(
    settled: Workbench, saved: Callable[..., Path], name: str
) -> None:
    path = saved(lambda saved: replace(saved, source=replace(saved.source, name=name)))
    with pytest.raises(Rejected, match=r"name|damaged"):
        settled.inspect_checkpoint(str(path))


def test_every_preset_is_within_what_a_checkpoint_may_ask_for() -> None:
    """Or what was trained here could not go on here."""
    for kind in ITEMS:
        for style in STYLES:
            spec: TrainingSpec = preset_for(kind, style).training
            assert spec.langevin.steps <= limits.STEPS[1]
            assert spec.batch_size <= limits.BATCH_SIZE[1]
            assert spec.examples <= limits.EXAMPLES[1]


def test_there_is_nothing_to_go_on_with_while_a_run_goes_or_before_the_first(
    workbench: Workbench,
) -> None:
    with pytest.raises(Rejected, match="no ended run"):
        workbench.go_on(ANN, 1.0)
    start(workbench)
    with pytest.raises(Rejected, match="no ended run"):
        workbench.go_on(ANN, 1.0)
    assert now(workbench).report.phase in ("starting", "running")


def test_a_disk_that_is_full_is_a_sentence(
    settled: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Rejected, match="could not be written") as refusal:
            settled.take_home(ANN)
        one_sentence(refusal)
