"""The synthesis command, run as its users run it, and the arithmetic under it."""

import argparse
import dataclasses
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from abp_core.checkpoint import Checkpoint
from abp_core.cli import arguments, synthesise, train
from abp_core.priors.normal import Normal
from abp_core.synthesis import outpainting, render, sampling, sounding
from abp_core.synthesis.request import Request

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
            data=DATA[kind], preset=f"quick-{kind}", seed=0, step_size=None, side=None, resume=None
        )
        trainer = train._new_run(args)
        trainer.step()
        trainer.checkpoint().save(path)
    return paths


def test_a_texture_of_any_size_says_how_it_was_made(
    models: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "new.png"
    done = run(
        *("--checkpoint", models["texture"], "--out", out), *("--size", "301x77", "--seed", 9)
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Saved {out}.\n", "")
    assert list(tmp_path.iterdir()) == [out]
    with Image.open(out) as picture:
        assert (picture.size, picture.mode) == ((301, 77), "RGB")
        assert picture.info["Model"] == "pebbles, iteration 1"
        assert picture.info["Seed"] == "9"
        assert picture.info["Software"] == "ABP Studio"
        again = picture.info["Command"]
        made = np.asarray(picture)
    saved = Checkpoint.load(models["texture"])
    whole = sampling.generate_field(saved.generator(), saved.prior().map(9), (77, 301))
    off = np.abs(made.astype(int) - sampling.pixels(whole)[0]).max()
    assert off <= 1  # another process may use other kernels

    first = out.read_bytes()
    out.unlink()
    words = [sys.executable, *shlex.split(again)[1:]]
    subprocess.run(words, cwd=ROOT, check=True, timeout=300)
    assert out.read_bytes() == first


def test_a_sound_of_any_length_is_as_loud_as_its_source(
    models: dict[str, Path], tmp_path: Path
) -> None:
    saved = Checkpoint.load(models["sound"])
    signal = sounding.draw(saved.generator(), saved.prior().map(0), 19_752, 16_000)[0].numpy()
    assert saved.source.gain != 1
    for kind in ("WAV", "FLAC"):
        out = tmp_path / f"new.{kind.lower()}"
        done = run(*("--checkpoint", models["sound"], "--out", out), *("--seconds", 1.2345))
        assert (done.returncode, done.stderr) == (0, "")
        about = soundfile.info(out)
        assert (about.frames, about.samplerate, about.channels) == (19_752, 16_000, 1)
        assert (about.format, about.subtype) == (kind, "PCM_16")
        assert "--seconds 1.2345 --seed 0" in about.extra_info or kind == "FLAC"
        samples, _ = soundfile.read(out)
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


def ask(
    monkeypatch: pytest.MonkeyPatch, model: Path, out: Path, *words: object
) -> int | str | None:
    """The command in this process; returns its exit code."""
    asked = ["synthesise", "--checkpoint", str(model), "--out", str(out), *map(str, words)]
    monkeypatch.setattr(sys, "argv", asked)
    with pytest.raises(SystemExit) as ended:
        arguments.run(synthesise.main)
    return ended.value.code


def test_objects_stand_beside_what_they_may_be_copied_from(
    models: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "new.png"
    words = ("--count", 2, "--nearest", DATA["objects"])
    assert ask(monkeypatch, models["objects"], out, *words) == 0
    assert capsys.readouterr().out.startswith("Samples are ")
    with Image.open(out) as picture:
        assert picture.size == (2 * 64, 2 * 64)
    other = EXAMPLES / "objects" / "ankle_boot_32.npz"
    assert ask(monkeypatch, models["objects"], out, "--nearest", other) == 2
    assert "is not what this model learnt from" in capsys.readouterr().err


def test_a_picture_grows(
    models: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = np.random.default_rng(0).integers(0, 256, (70, 97, 3), dtype=np.uint8)
    Image.fromarray(given).save(tmp_path / "given.png")
    out = tmp_path / "new.png"
    words = ("--grow", tmp_path / "given.png", "--margin", 32)
    assert ask(monkeypatch, models["texture"], out, *words) == 0
    assert capsys.readouterr().out.startswith(
        f"{outpainting.INFERENCE_STEPS} steps of inference explain "
    )
    with Image.open(out) as picture:
        made = np.asarray(picture)
    assert made.shape == (64 + 2 * 32, 96 + 2 * 32, 3)
    soft = render.SOFT
    inside = made[32 + soft : 96 - soft, 32 + soft : 128 - soft]
    assert np.array_equal(inside, given[3 + soft : 67 - soft, soft : 96 - soft])


@pytest.mark.parametrize(
    "asked",
    [
        Request(novelty=0.3),
        Request(novelty=0, tile="x", seed=2**63 - 1),
        Request(paper=True, temperature=0.25, count=3, size=(5, 7)),
        Request(paper=True, temperature=0, seconds=1.5),
        Request(grow=Path("my own.png"), margin=8, rebuilt=True, novelty=1e-7, seed=4),
        Request(),
    ],
    ids=str,
)
def test_the_command_of_a_request_asks_for_the_same(
    monkeypatch: pytest.MonkeyPatch, asked: Request
) -> None:
    words = shlex.split(asked.command("m.safetensors", "x.png"))
    assert words[:3] == ["python", "-m", "abp_core.synthesise"]
    monkeypatch.setattr(sys, "argv", words[2:])
    assert synthesise._request(synthesise._arguments()) == asked


def test_novelty_and_the_papers_prior(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved, out = Checkpoint.load(models["texture"]), tmp_path / "new.png"
    near = dataclasses.replace(saved.prior(), novelty=0.1)  # type: ignore[type-var]
    paper = Normal(saved.spec.generator.latent_shape, 0.5)
    for prior, words in (
        (near, ("--novelty", 0.1)),
        (paper, ("--paper", "--temperature", 0.5)),
    ):
        assert ask(monkeypatch, models["texture"], out, "--size", "40x24", *words) == 0
        with Image.open(out) as picture:
            made = np.asarray(picture)
        expected = sampling.generate_field(saved.generator(), prior.map(0), (24, 40))
        assert np.array_equal(made, sampling.pixels(expected)[0])


def test_a_loop_of_the_usual_length(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(monkeypatch, models["sound"], tmp_path / "new.wav", "--tile", "x") == 0
    assert soundfile.info(tmp_path / "new.wav").frames == 2500 * 64


def test_textures_one_by_one(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "new.zip"
    assert ask(monkeypatch, models["texture"], out, "--count", 3, "--size", "40x20") == 0
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["seed-0.png", "seed-1.png", "seed-2.png"]


@pytest.mark.parametrize(
    ("kind", "out", "words", "sentence"),
    [
        ("texture", "x.png", ["--size", "0x5"], "The size must be WIDTHxHEIGHT"),
        ("texture", "x.png", ["--size", "99999999999x9"], "The size must be WIDTHxHEIGHT"),
        ("texture", "x.png", ["--size", "9999999999x9"], "Each side of the size must have"),
        ("texture", "x.png", ["--size", "-5x5"], "expected one argument"),
        ("texture", "x.png", ["--size", "big"], "The size must be WIDTHxHEIGHT"),
        ("texture", "x.png", ["--tile", "z"], "The tile must be x, y or xy"),
        (
            "texture",
            "x.png",
            ["--tile", "x", "--size", "100x50"],
            "The width of a tile must be a multiple of 8 pixels; the nearest are 96 and 104.",
        ),
        ("texture", "x.png", ["--seconds", "2"], "--seconds is for sounds"),
        ("texture", "x.png", ["--nearest", "x"], "--nearest is for objects"),
        ("texture", "x.png", ["--grow", "absent.png"], "absent.png was not found"),
        ("texture", "x.zip", ["--grow", "absent.png"], "let the file's name end in .png"),
        ("texture", "x.wav", [], "let the file's name end in .png or .zip"),
        ("texture", "x.png", ["--seed", "one"], "The seed must be a whole number"),
        ("texture", "x.png", ["--seed", "1.5"], "The seed must be a whole number"),
        ("texture", "x.png", ["--seed", "9" * 5000], "The seed must be a whole number"),
        ("texture", "x.png", ["--temperature", "hot"], "The temperature must be a number"),
        ("texture", "x.png", ["--novelty", "2"], "The novelty must be a number from 0 to 1."),
        ("texture", "x.png", ["--novelty", "new"], "The novelty must be a number from 0 to 1."),
        ("texture", "no/x.png", [], "does not exist; please make it first"),
        ("texture", ".", [], "is a folder"),
        ("sound", "x.png", [], "let the file's name end in .wav or .flac"),
        ("sound", "x.wav", ["--size", "64x64"], "--size is for textures"),
        ("sound", "x.wav", ["--count", "2"], "--count is for textures and objects"),
        ("sound", "x.wav", ["--seconds", "nan"], "The seconds must be a number above 0"),
        ("sound", "x.wav", ["--seconds", "1e9"], "at most 67,108"),
        (
            "sound",
            "x.wav",
            ["--seconds", "1.001", "--tile", "x"],
            "must last a multiple of 0.004 s; the nearest are 1 and 1.004.",
        ),
        ("objects", "x.png", ["--count", "0"], "The count must be a whole number from 1"),
        ("objects", "x.png", ["--count", "1e99"], "The count must be a whole number from 1"),
        ("objects", "x.png", ["--size", "64x64"], "--size is for textures"),
        ("objects", "x.zip", [], "let the file's name end in .png."),
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
    code = ask(monkeypatch, models[kind], tmp_path / out, *words)
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
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
    for kind, ending in (("objects", "png"), ("sound", "flac")):
        out = tmp_path / f"x.{ending}"
        out.symlink_to(full)
        done = run("--checkpoint", models[kind], "--out", out)
        assert (done.returncode, done.stdout, done.stderr) == (
            2,
            "",
            "The file could not be used: No space left on device.\n",
        )


def test_ctrl_c_leaves_nothing_behind(
    models: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sampling, "piece", interrupted)
    assert ask(monkeypatch, models["texture"], tmp_path / "x.png") == 130
    assert capsys.readouterr().err == "Stopped by Ctrl-C; nothing was saved.\n"
    assert list(tmp_path.iterdir()) == []


def test_pixels_of_known_signals() -> None:
    signals = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).view(1, 1, 1, 5)
    assert sampling.pixels(signals)[0, 0].tolist() == [[v] * 3 for v in (0, 0, 128, 255, 255)]
    colour = torch.tensor([-1.0, 0.2, 1.0]).view(1, 3, 1, 1)
    assert sampling.pixels(colour).tolist() == [[[[0, 153, 255]]]]


@given(st.integers(1, 12), st.integers(1, 5))
def test_a_contact_sheet_holds_every_picture_in_reading_order(n: int, columns: int) -> None:
    pictures = np.arange(n, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 2, 3, 3), np.uint8)
    sheet = sampling.contact_sheet(pictures, columns)
    rows = -(-n // columns)
    assert sheet.shape == (2 * rows, 3 * columns, 3)
    assert sheet[::2, ::3, 0].ravel()[:n].tolist() == list(range(n))
    assert (sheet[::2, ::3].reshape(-1, 3)[n:] == 255).all()


@given(st.floats(0.01, 100), st.floats(-1, 1))
def test_samples_undo_the_gain(gain: float, value: float) -> None:
    signal = torch.full((1, 4), value)
    expected = np.clip(value / gain, -1, 1)
    np.testing.assert_allclose(sampling.samples(signal, gain), expected, rtol=1e-5, atol=1e-7)
