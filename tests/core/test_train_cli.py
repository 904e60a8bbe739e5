"""The training command, run as its users run it."""

import argparse
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
import torch
from PIL import Image

from abp_core.checkpoint import Checkpoint
from abp_core.cli import arguments, train
from abp_core.learning.events import (
    Diverging,
    TrainingEvent,
)
from abp_core.presets import PRESETS
from abp_core.spec import LangevinSpec
from abp_core.trainer import Trainer
from tests import tiny

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "demo" / "examples"
PEBBLES = EXAMPLES / "textures" / "pebbles.jpg"
STREAM = EXAMPLES / "sounds" / "stream.flac"
FACES = EXAMPLES / "objects" / "toon_faces_64.npz"
COMMAND = (sys.executable, "-m", "abp_core.train")


def run(*args: object) -> subprocess.CompletedProcess[str]:
    words = [*COMMAND, *map(str, args)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_a_film_is_learnt_at_the_size_that_is_asked_for(tmp_path: Path) -> None:
    """As many pixels as a square of that side has, in the film's own shape; so it goes on."""
    out, film = tmp_path / "tree.safetensors", EXAMPLES / "videos" / "waving_tree.mp4"
    words = ("--data", film, "--out", out, "--iterations", 1)
    first = run(*words, "--preset", "quick-film", "--side", 40)
    assert first.returncode == 0, first.stderr
    height, width = Checkpoint.load(out).generator().spec.signal_shape[1:]
    assert 0.7 * 40**2 < height * width <= 40**2
    again = run(*words, "--resume", out)
    assert again.returncode == 0, again.stderr
    assert Checkpoint.load(out).generator().spec.signal_shape[1:] == (height, width)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts the signal handlers of this process back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: object
) -> str:
    """The sentence with which a request is refused, in this process; nothing else was said."""
    monkeypatch.setattr(sys, "argv", ["train", *map(str, args)])
    with pytest.raises(SystemExit) as ended:
        arguments.run(train.main)
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.endswith(".\n")
    return said.err


def same(a: Checkpoint, b: Checkpoint) -> bool:
    return tiny.sha256(a) == tiny.sha256(b) and (a.iteration, a.updates, a.source, a.spec) == (
        b.iteration,
        b.updates,
        b.source,
        b.spec,
    )


@pytest.mark.parametrize(
    ("path", "preset", "word"),
    [(PEBBLES, "quick-texture", signal.SIGTERM), (STREAM, "quick-sound", signal.SIGINT)],
)
def test_an_interrupted_run_is_saved_and_resumes_exactly(
    tmp_path: Path, path: Path, preset: str, word: signal.Signals
) -> None:
    out, whole = tmp_path / "run.safetensors", tmp_path / "whole.safetensors"
    words = [*COMMAND, "--preset", preset, "--data", path, "--out", out, "--minutes", "5"]
    running = subprocess.Popen(
        list(map(str, words)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    first = running.stdout.readline()
    if ": It was reduced" in first:  # what was done with the file comes first
        first = running.stdout.readline()
    running.send_signal(word)
    said, bar = running.communicate(timeout=600)

    assert first.startswith("iteration 1  reconstruction error ")
    assert running.returncode == 0
    assert "Traceback" not in bar
    saved = Checkpoint.load(out)
    name = "Ctrl-C" if word is signal.SIGINT else "SIGTERM"
    assert f"Stopped by {name} after iteration {saved.iteration}; saved {out}." in said

    on = run("--data", path, "--out", out, "--resume", out, "--iterations", 3)
    assert (on.returncode, "Traceback" in on.stderr) == (0, False)
    through = saved.iteration + 3
    run("--preset", preset, "--data", path, "--out", whole, "--iterations", through)
    resumed, uninterrupted = Checkpoint.load(out), Checkpoint.load(whole)
    assert uninterrupted.iteration == through
    assert same(resumed, uninterrupted)


def test_a_signal_is_answered_between_two_langevin_steps(tmp_path: Path, handlers: None) -> None:
    """With 10,000 steps an iteration, a stopped run has not finished its first."""
    network = tiny.NETWORKS["texture"]
    spec = tiny.training(network, langevin=LangevinSpec(steps=10_000, step_size=0.1))
    trainer = Trainer(spec, tiny.dataset(network))
    before = trainer.checkpoint()
    stop, out = train.Stop(), tmp_path / "run.safetensors"
    args = argparse.Namespace(out=out, iterations=1, minutes=None)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    assert train._train(trainer, args, train._Out(args.out), stop) == 0
    timer.join()
    assert stop.name == "SIGTERM"
    assert same(Checkpoint.load(out), before)


def test_the_seed_and_nothing_else_decides(tmp_path: Path) -> None:
    a, b, c = (tmp_path / f"{name}.safetensors" for name in "abc")
    for out, seed in ((a, 5), (b, 5), (c, 6)):
        done = run(
            *("--preset", "quick-objects", "--data", FACES),
            *("--out", out, "--iterations", 2, "--seed", seed),
        )
        assert done.returncode == 0
        assert "iterations/s" in done.stderr
        assert "100%" in done.stderr
        assert done.stdout.endswith(f"Done after iteration 2; saved {out}.\n")
    assert same(Checkpoint.load(a), Checkpoint.load(b))
    assert not same(Checkpoint.load(a), Checkpoint.load(c))
    assert Checkpoint.load(c).spec.seed == 6


@pytest.mark.parametrize(
    ("path", "kind"), [(PEBBLES, "texture"), (STREAM, "sound"), (FACES, "objects")]
)
def test_the_kind_of_data_chooses_the_preset(tmp_path: Path, path: Path, kind: str) -> None:
    args = argparse.Namespace(data=path, preset=None, seed=3, step_size=None, side=None)
    spec = train._new_run(args).spec
    preset = PRESETS[kind].training
    assert (spec.seed, spec.generator.channels) == (3, preset.generator.channels)
    assert spec.langevin == preset.langevin


def test_a_sound_below_the_usual_rate_resumes(tmp_path: Path) -> None:
    """Its rate is the file's own, which only the checkpoint knows."""
    slow, out = tmp_path / "slow.wav", tmp_path / "run.safetensors"
    samples, _ = soundfile.read(STREAM, frames=32_000)
    soundfile.write(slow, samples if samples.ndim == 1 else samples[:, 0], 8_000)
    given = argparse.Namespace(data=slow, preset="quick-sound", seed=0, step_size=None, side=None)
    first = train._new_run(given)
    first.checkpoint().save(out)
    again = train._resume(argparse.Namespace(data=slow, resume=out, step_size=None, side=None))
    assert again.data.source.sample_rate == 8_000
    assert same(again.checkpoint(), first.checkpoint())


def test_a_run_that_diverges_keeps_its_last_good_state_and_can_go_on(tmp_path: Path) -> None:
    good, out = tmp_path / "good.safetensors", tmp_path / "run.safetensors"
    run("--preset", "quick-texture", "--data", PEBBLES, "--out", good, "--iterations", 1)
    begun = Checkpoint.load(good)
    lost = run(
        *("--data", PEBBLES, "--out", out, "--resume", good),
        *("--step-size", 8, "--minutes", 5),
    )
    assert lost.returncode == 1
    last = lost.stderr.splitlines()[-1]
    assert "diverged 8 times in a row" in last
    assert last.endswith(f"--resume {out} --step-size 4")
    kept = Checkpoint.load(out)
    assert kept.spec.langevin.step_size == 8
    before, after = begun.tensors(), kept.tensors()
    looked = before.pop("curvature"), after.pop("curvature")  # taken anew, of the same weights
    assert all(curvature.isfinite().all() for curvature in looked)
    assert set(after) == set(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())

    on = run(
        *("--data", PEBBLES, "--out", out, "--resume", out),
        *("--step-size", 0.1, "--iterations", 1),
    )
    assert on.returncode == 0
    assert Checkpoint.load(out).updates == begun.updates + 1


def test_diverging_counts_whole_iterations_in_a_row() -> None:
    def event(diverged: int) -> TrainingEvent:
        return TrainingEvent(1, 0.0, 0.0, 0.0, 0.0, diverged, 0.0)

    diverging = Diverging(8, patience=3)
    verdicts = [diverging.observe(event(diverged)) for diverged in (8, 8, 7, 8, 8, 8, 8)]
    assert verdicts == [False, False, False, False, False, True, True]


def test_a_checkpoint_is_saved_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handlers: None
) -> None:
    """Each save is a checkpoint of its own iteration."""
    out, seen = tmp_path / "run.safetensors", []
    network = tiny.NETWORKS["objects"]
    trainer = Trainer(tiny.training(network), tiny.dataset(network))
    iterations = train._iterations

    def watched(*args: object) -> Iterator[tuple[TrainingEvent, float]]:
        for event, share in iterations(*args):  # type: ignore[arg-type]
            yield event, share
            seen.append(Checkpoint.load(out).iteration)

    monkeypatch.setattr(train, "_iterations", watched)
    monkeypatch.setattr(train, "SAVE_EVERY", 0.0)
    args = argparse.Namespace(out=out, iterations=4, minutes=None)
    assert train._train(trainer, args, train._Out(out), train.Stop()) == 0
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (
            torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
            75,
            "The graphics card failed; go on from iteration 2 by --resume {out}.\n",
        ),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
            2,
            "There is not enough memory; go on from iteration 2 by --resume {out}.\n",
        ),
    ],
    ids=["card", "memory"],
)
def test_a_run_that_breaks_off_names_what_was_saved(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    handlers: None,
    error: Exception,
    code: int,
    sentence: str,
) -> None:
    out, iterations = tmp_path / "run.safetensors", train._iterations

    def broken(*args: object) -> Iterator[tuple[TrainingEvent, float]]:
        for event, share in iterations(*args):  # type: ignore[arg-type]
            if event.iteration == 3:
                raise error
            yield event, share

    words = ["--preset", "quick-texture", "--data", PEBBLES, "--out", out, "--iterations", 5]
    monkeypatch.setattr(train, "_iterations", broken)
    monkeypatch.setattr(train, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(sys, "argv", ["train", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        arguments.run(train.main)
    assert ended.value.code == code
    assert capsys.readouterr().err.endswith(sentence.format(out=out))
    assert Checkpoint.load(out).iteration == 2


class TestRefusals:
    """One sentence, exit code 2, nothing written."""

    def test_of_a_device(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ABP_DEVICE", "gpu")
        refused = run("--data", PEBBLES, "--out", tmp_path / "run.safetensors")
        assert refused.returncode == 2
        assert refused.stderr.startswith("ABP_DEVICE is gpu; please set it to cpu or cuda")
        assert len(refused.stderr.splitlines()) == 1
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--minutes", "nan"], "The minutes must be a number above 0"),
            (["--minutes", "inf"], "The minutes must be a number above 0"),
            (["--minutes", "0"], "The minutes must be a number above 0"),
            (["--minutes", "soon"], "The minutes must be a number above 0"),
            (["--iterations", "0"], "The iterations must be a whole number from 1"),
            (["--iterations", "2.5"], "The iterations must be a whole number from 1"),
            (["--iterations", "2", "--minutes", "1"], "not allowed with"),
            (["--seed", "x"], "The seed must be a whole number from 0"),
            (["--seed", "-1"], "The seed must be a whole number from 0"),
            (["--seed", str(2**63)], "The seed must be a whole number from 0"),
            (["--seed", "9" * 5000], "The seed must be a whole number from 0"),
            (["--seed"], "--seed: expected one argument"),
            (["--step-size", "nan"], "The step size must be a number above 0"),
            (["--side", "8"], "The side must be a whole number from 16 to 512"),
            (["--side", "64"], "--side is for films; please leave it out for other data."),
            (["--preset", "clay"], "There is no preset clay; choose one of quick-texture"),
            (["--preset", "quick-sound"], "pebbles.jpg is for texture"),
            (["--colour"], "Unrecognized arguments: --colour"),
            (["--data", "no/such.png"], "no/such.png was not found"),
            (["--out", "no/such/run.safetensors"], "The folder no/such does not exist"),
            (["--resume", "no/such.safetensors"], "such.safetensors could not be opened"),
            (["--resume", str(PEBBLES)], "pebbles.jpg is cut short or no safetensors file"),
        ],
    )
    def test_of_a_word(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        handlers: None,
        words: list[str],
        sentence: str,
    ) -> None:
        out = tmp_path / "run.safetensors"
        asked = ["--data", PEBBLES, "--out", out, *words]
        assert sentence in refused(monkeypatch, capsys, *asked)
        assert not out.exists()

    def test_of_files(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        handlers: None,
    ) -> None:
        def asking(path: Path, *words: object, out: str = "run.safetensors") -> str:
            place = tmp_path / out
            return refused(monkeypatch, capsys, "--data", path, "--out", place, *words)

        empty, dot, flat = tmp_path / "empty.png", tmp_path / "dot.png", tmp_path / "flat.png"
        empty.touch()
        Image.new("RGB", (1, 1)).save(dot)
        Image.new("RGB", (64, 64)).save(flat)
        note = tmp_path / "note.txt"
        note.write_text("hello")
        assert "empty.png is empty" in asking(empty)
        assert "has 1 x 1 pixels" in asking(dot)
        assert "the same everywhere" in asking(flat)
        assert "of no known kind" in asking(note)
        assert "is a folder" in asking(PEBBLES, out=".")
        assert "exists and is no checkpoint" in asking(PEBBLES, out="note.txt")
        assert note.read_text(encoding="utf-8") == "hello"

    def test_of_other_data_or_a_broken_checkpoint(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        handlers: None,
    ) -> None:
        begun = train._new_run(
            argparse.Namespace(
                data=PEBBLES, preset="quick-texture", seed=0, step_size=None, side=None
            )
        )
        saved, cut = tmp_path / "saved.safetensors", tmp_path / "cut.safetensors"
        begun.checkpoint().save(saved)
        cut.write_bytes(saved.read_bytes()[:-100])

        def asking(path: Path, resume: Path) -> str:
            out = tmp_path / "run.safetensors"
            words = ("--data", path, "--out", out, "--resume", resume)
            return refused(monkeypatch, capsys, *words)

        other = EXAMPLES / "textures" / "ice.jpg"
        assert "not the data that the model learnt from (pebbles)" in asking(other, saved)
        assert "these settings are for texture" in asking(STREAM, saved)
        assert "is cut short" in asking(PEBBLES, cut)

    @pytest.mark.parametrize("listener", ["gone", "full", "ascii"])
    def test_telling_of_the_work_never_loses_it(self, listener: str, tmp_path: Path) -> None:
        if listener == "full" and not Path("/dev/full").exists():
            pytest.skip("this system has no disk that is always full")
        out = tmp_path / "\u00fcb\u00fcng \u7df4\u7fd2.safetensors"
        words = ["--data", PEBBLES, "--preset", "quick-texture", "--iterations", "30"]
        command = [sys.executable, "-m", "abp_core.train", *words, "--out", out]
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if listener == "ascii":
            env |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
            env |= {"PYTHONIOENCODING": "ascii"}
        with (Path("/dev/full") if listener == "full" else tmp_path / "log").open("wb") as log:
            told = subprocess.PIPE if listener == "gone" else log
            process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=told, stderr=subprocess.STDOUT
            )
            if process.stdout is not None:
                process.stdout.readline()  # as `head -1` does
                process.stdout.close()
            assert process.wait(timeout=600) == 0
        assert Checkpoint.load(out).iteration == 30

    def test_as_a_process(self, tmp_path: Path) -> None:
        asked = run("--data", PEBBLES, "--out", tmp_path / "no" / "run.safetensors")
        assert asked.returncode == 2
        assert asked.stderr == (
            f"The folder {tmp_path / 'no'} does not exist; please make it first.\n"
        )
