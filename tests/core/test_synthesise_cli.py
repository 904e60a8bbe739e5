"""The synthesis command, run as its users run it, and the arithmetic under it."""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from abp_core import command, synthesis, synthesise, train
from abp_core.checkpoint import Checkpoint

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "demo" / "examples"
DATA = {
    "texture": EXAMPLES / "textures" / "pebbles.jpg",
    "sound": EXAMPLES / "sounds" / "stream.flac",
    "objects": EXAMPLES / "objects" / "toon_faces_64.npz",
}


def run(*args: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "abp_core.synthesise", *map(str, args)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint of each kind after one iteration on real data."""
    folder = tmp_path_factory.mktemp("models")
    paths = {kind: folder / f"{kind}.safetensors" for kind in DATA}
    for kind, path in paths.items():
        args = argparse.Namespace(
            data=DATA[kind], preset=f"quick-{kind}", seed=0, step_size=None, resume=None
        )
        trainer = train._begun(args)
        trainer.step()
        trainer.checkpoint().save(path)
    return paths


def test_a_texture_of_any_size_names_its_model_and_seed(
    models: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "new.png"
    done = run(
        *("--checkpoint", models["texture"], "--out", out), *("--size", "301x77", "--seed", 9)
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Saved {out}.\n", "")
    with Image.open(out) as picture:
        assert picture.size == (301, 77)
        assert picture.info["Model"] == "pebbles, iteration 1"
        assert picture.info["Seed"] == "9"
        made = np.asarray(picture)
    generator = Checkpoint.load(models["texture"]).generator()
    reach = generator.spec.reach
    larger = synthesis.expand(generator, (5 + 2 * reach, 19 + 2 * reach), 9)  # 80 x 304 inside
    inside = synthesis.pixels(larger)[0][16 * reach :, 16 * reach :]
    off = np.abs(made.astype(int) - inside[:77, :301]).max()
    assert off <= 1  # another process may use other kernels


def test_a_sound_of_any_length_is_as_loud_as_its_source(
    models: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "new.wav"
    done = run(*("--checkpoint", models["sound"], "--out", out), *("--seconds", 1.2345))
    assert (done.returncode, done.stderr) == (0, "")
    about = soundfile.info(out)
    assert (about.frames, about.samplerate, about.channels) == (19_752, 16_000, 1)
    assert (about.format, about.subtype) == ("WAV", "PCM_16")
    saved = Checkpoint.load(models["sound"])
    signal = synthesis.expand_to(saved.generator(), (19_752,), 0)[0, 0].numpy()
    samples, _ = soundfile.read(out)
    assert saved.source.gain != 1
    np.testing.assert_allclose(samples * saved.source.gain, signal, atol=3e-4)


def test_objects_fill_a_sheet_of_as_many_as_asked(models: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "new.png"
    done = run(*("--checkpoint", models["objects"], "--out", out), *("--count", 7))
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(out) as picture:
        sheet = np.asarray(picture)
    assert sheet.shape == (3 * 64, 3 * 64, 3)
    cells = sheet.reshape(3, 64, 3, 64, 3).transpose(0, 2, 1, 3, 4).reshape(9, -1)
    white = (cells == 255).all(1)
    assert white.tolist() == [False] * 7 + [True] * 2
    assert len({cell.tobytes() for cell in cells}) == 8


def test_the_seed_decides(models: dict[str, Path], tmp_path: Path) -> None:
    made = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        args = argparse.Namespace(seed=seed, size=(40, 40), count=None)
        made[name] = synthesise._picture(Checkpoint.load(models["texture"]), args)
    assert made["a"] == made["b"] != made["c"]


@pytest.mark.parametrize(
    ("kind", "out", "words", "sentence"),
    [
        ("texture", "x.png", ["--size", "0x5"], "The size must be WIDTHxHEIGHT"),
        ("texture", "x.png", ["--size", "99999x99999"], "at most as many pixels as"),
        ("texture", "x.png", ["--size", "-5x5"], "expected one argument"),
        ("texture", "x.png", ["--size", "big"], "The size must be WIDTHxHEIGHT"),
        ("texture", "x.png", ["--seconds", "2"], "--seconds is for sound"),
        ("texture", "x.png", ["--count", "2"], "--count is for objects"),
        ("texture", "x.wav", [], "let the file's name end in .png"),
        ("texture", "x.png", ["--seed", "one"], "The seed must be a whole number"),
        ("texture", "no/x.png", [], "does not exist; please make it first"),
        ("texture", ".", [], "is a folder"),
        ("sound", "x.png", [], "let the file's name end in .wav"),
        ("sound", "x.wav", ["--size", "64x64"], "--size is for texture"),
        ("sound", "x.wav", ["--seconds", "nan"], "The seconds must be a number above 0"),
        ("sound", "x.wav", ["--seconds", "1e9"], "at most 300"),
        ("objects", "x.png", ["--count", "0"], "The count must be a whole number from 1"),
        ("objects", "x.png", ["--size", "64x64"], "--size is for texture"),
    ],
)
def test_a_bad_request_gets_one_sentence(
    models: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    out: str,
    words: list[str],
    sentence: str,
) -> None:
    asked = ["--checkpoint", str(models[kind]), "--out", str(tmp_path / out), *words]
    monkeypatch.setattr(sys, "argv", ["synthesise", *asked])
    with pytest.raises(SystemExit) as ended:
        command.run(synthesise.main)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "model.safetensors"
    broken.write_bytes(b"\x08" + bytes(20))
    for path in (broken, tmp_path / "absent.safetensors", tmp_path):
        done = run("--checkpoint", path, "--out", tmp_path / "x.png")
        assert done.returncode == 2
        assert done.stderr.startswith(path.name)
        assert done.stderr.count("\n") == 1


def test_a_full_disk_gets_one_sentence(models: dict[str, Path], tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    out = tmp_path / "x.png"
    out.symlink_to(full)
    done = run("--checkpoint", models["objects"], "--out", out, "--count", 1)
    assert (done.returncode, done.stderr) == (
        2,
        "The file could not be used: No space left on device.\n",
    )


def test_pixels_of_known_signals() -> None:
    signals = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).view(1, 1, 1, 5)
    assert synthesis.pixels(signals)[0, 0].tolist() == [[v] * 3 for v in (0, 0, 128, 255, 255)]
    colour = torch.tensor([-1.0, 0.2, 1.0]).view(1, 3, 1, 1)
    assert synthesis.pixels(colour).tolist() == [[[[0, 153, 255]]]]


@given(st.integers(1, 12), st.integers(1, 5))
def test_a_contact_sheet_holds_every_picture_in_reading_order(n: int, columns: int) -> None:
    pictures = np.arange(n, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 2, 3, 3), np.uint8)
    sheet = synthesis.contact_sheet(pictures, columns)
    rows = -(-n // columns)
    assert sheet.shape == (2 * rows, 3 * columns, 3)
    assert sheet[::2, ::3, 0].ravel()[:n].tolist() == list(range(n))
    assert (sheet[::2, ::3].reshape(-1, 3)[n:] == 255).all()


@given(st.floats(0.01, 100), st.floats(-1, 1))
def test_samples_undo_the_gain(gain: float, value: float) -> None:
    signal = torch.full((1, 4), value)
    expected = np.clip(value / gain, -1, 1)
    np.testing.assert_allclose(synthesis.samples(signal, gain), expected, rtol=1e-5, atol=1e-7)
