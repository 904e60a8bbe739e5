"""The comparing command, run as its users run it."""

import csv
import sys
from pathlib import Path

import pytest
import soundfile
from PIL import Image

from abp_core.checkpoint import Checkpoint
from abp_core.cli import arguments, compare
from abp_core.data import datasets
from abp_core.family.methods import METHODS

EXAMPLES = Path(__file__).resolve().parents[2] / "demo" / "examples"
BOOTS = EXAMPLES / "objects" / "ankle_boot_32.npz"
TABLA = EXAMPLES / "sounds" / "tabla.flac"


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> object:
    """The exit code of the command, in this process."""
    monkeypatch.setattr(sys, "argv", ["compare", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        arguments.run(compare.main)
    return ended.value.code


def test_a_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    two = ("paper", "learnt-prior")
    words = ("--data", BOOTS, "--out", tmp_path, "--seconds", 0.5, "--methods", *two)
    assert run(monkeypatch, *words) == 0
    with (tmp_path / "table.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert [row["method"] for row in rows] == [METHODS[name].title for name in two]
    assert all(float(row["seconds"]) >= 0.5 for row in rows)
    assert all(0 < float(row["reconstruction"]) < 0.5 for row in rows)
    for name in two:
        with Image.open(tmp_path / f"{name}.png") as sheet:
            assert sheet.size == (8 * 32, 8 * 32)
        learnt = Checkpoint.load(tmp_path / f"{name}.safetensors")
        assert learnt.iteration > 0
        assert learnt.source.name == "ankle_boot_32"


def test_it_goes_on_from_what_was_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = ("--data", BOOTS, "--out", tmp_path, "--seconds", 0.2, "--methods", "pca", "paper")
    assert run(monkeypatch, *words) == 0
    before = Checkpoint.load(tmp_path / "paper.safetensors")
    assert run(monkeypatch, *words, "--resume") == 0
    after = Checkpoint.load(tmp_path / "paper.safetensors")
    assert after.iteration > before.iteration
    assert run(monkeypatch, *words[:-1], "vae", "--resume") == 2, "nothing of it was written"


def test_a_sound_is_as_loud_as_its_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = ("--data", TABLA, "--out", tmp_path, "--seconds", 0.1, "--methods", "paper")
    assert run(monkeypatch, *words) == 0
    made, rate = soundfile.read(tmp_path / "paper.wav")
    assert rate == 16_000
    assert len(made) == pytest.approx(0.75 * soundfile.info(TABLA).duration * rate, rel=0.02)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--data", "nowhere.png"), "was not found"),
        (("--data", BOOTS, "--methods", "magic"), "magic"),
        (("--data", BOOTS, "--seconds", "0"), "above 0"),
        (("--data", __file__), "known kind"),
    ],
)
def test_refusals_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[object, ...],
    said: str,
) -> None:
    assert run(monkeypatch, *words, "--out", tmp_path) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_method_that_cannot_take_the_data_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    unable = [(name, kind) for name, method in METHODS.items() for kind in method.not_for]
    for name, kind in unable:
        data = {"sound": TABLA, "objects": BOOTS, "texture": EXAMPLES / "textures" / "pebbles.jpg"}
        assert datasets.kind_of(data[kind]) == kind
        assert run(monkeypatch, "--data", data[kind], "--out", tmp_path, "--methods", name) == 2
        assert METHODS[name].not_for[kind] in capsys.readouterr().err
