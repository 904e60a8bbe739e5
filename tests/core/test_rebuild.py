"""The shipped models made again: the same bytes, one at a time, and nothing lost on the way."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from abp_core.checkpoint import Checkpoint
from abp_core.cli import arguments, train
from abp_core.cli.train import Stop
from abp_core.zoo import catalogue, thumbnails
from abp_core.zoo.catalogue import Recipe, Shipped
from tests.core.test_train_cli import handlers, refused  # noqa: F401

FACES = Recipe(
    name="faces",
    kind="objects",
    data="demo/examples/objects/noto_animal_faces_128.npz",
    preset="quick-objects",
    iterations=2,
    seed=0,
)
CRACKLE = Recipe(
    name="crackle",
    kind="sound",
    data="demo/examples/sounds/vinyl_crackle.flac",
    preset="quick-sound",
    iterations=2,
    seed=3,
)

pytestmark = pytest.mark.usefixtures("handlers")


def run(*words: object) -> int:
    """The training command, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            arguments.run(train.main)
    return int(str(ended.value.code))


def index(folder: Path, *listed: Recipe) -> Path:
    folder.mkdir(exist_ok=True)
    catalogue.write_entries(folder, list(listed))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose two models were made."""
    folder = index(tmp_path_factory.mktemp("models"), FACES, CRACKLE)
    assert run("--rebuild", folder) == 0
    return folder


def test_files_and_index_belong_together(rebuilt: Path) -> None:
    faces, crackle = models = catalogue.read_shipped(rebuilt)
    assert [model.name for model in models] == ["faces", "crackle"]
    for model in models:
        content = (rebuilt / model.file).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (model.sha256, model.bytes)
        saved = model.open(rebuilt)
        assert (saved.iteration, saved.spec.seed) == (2, model.seed)
        assert saved.first_moments == {}
        with Image.open(rebuilt / model.thumbnail) as picture:
            assert picture.size == (192, 192)
        assert model.seconds > 0
    assert (faces.licence, faces.author) == ("OFL-1.1 (Noto Color Emoji font)", "Google")
    assert set(faces.quality) == {"diversity", "diversity_of_data", "reconstruction"}
    assert set(crackle.quality) == {"explained", "distance", "spectrum_db", "loudness"}
    samples, rate = soundfile.read(rebuilt / crackle.sound)
    assert (len(samples), rate, faces.sound) == (64_000, 16_000, "")
    names = {name for m in models for name in m.files}
    assert set(contents(rebuilt)) == names | {catalogue.INDEX}


def test_the_same_again_only_the_one_that_was_named(rebuilt: Path, tmp_path: Path) -> None:
    folder = index(tmp_path, FACES, CRACKLE)
    assert run("--rebuild", folder, "--only", "faces") == 0
    faces, later = catalogue.read_entries(folder)
    assert later == CRACKLE
    assert isinstance(faces, Shipped)
    assert faces.sha256 == catalogue.read_shipped(rebuilt)[0].sha256
    before = (folder / faces.thumbnail).read_bytes()
    assert run("--rebuild", folder, "--only", "faces") == 0
    assert catalogue.read_shipped(folder)[0].sha256 == faces.sha256
    assert (folder / faces.thumbnail).read_bytes() == before


def test_it_makes_what_the_ordinary_command_makes(rebuilt: Path, tmp_path: Path) -> None:
    """The command in the index, and then --from."""
    runs, folder = tmp_path / "runs", index(tmp_path / "models", FACES)
    runs.mkdir()
    words = catalogue.read_shipped(rebuilt)[0].command.split()[3:]
    words[words.index("--out") + 1] = str(runs / "faces.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(catalogue.ROOT)
        assert run(*words) == 0
    whole = Checkpoint.load(runs / "faces.safetensors")
    assert whole.first_moments
    assert run("--rebuild", folder, "--from", runs) == 0
    (packed,) = catalogue.read_shipped(folder)
    assert packed.sha256 == catalogue.read_shipped(rebuilt)[0].sha256
    assert packed.seconds == round(whole.seconds, 1)


def test_a_rebuild_that_is_stopped_keeps_the_old_files(
    rebuilt: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, content in contents(rebuilt).items():
        (tmp_path / name).write_bytes(content)
    begun = train._new_run

    def stopped(*args: object) -> object:
        """The signal comes as the second model begins."""
        trainer = begun(*args)  # type: ignore[arg-type]
        if trainer.data.source.kind == "sound":
            stop.name = "SIGTERM"
        return trainer

    stop = Stop()
    monkeypatch.setattr(train, "_new_run", stopped)
    monkeypatch.setattr(train, "Stop", lambda: stop)
    assert run("--rebuild", tmp_path) == 1
    assert "crackle and what comes after it were left as they were." in capsys.readouterr().out
    before, after = contents(rebuilt), contents(tmp_path)
    assert set(before) == set(after)
    assert all(after[name] == before[name] for name in before if name.startswith("crackle"))
    for model in catalogue.read_shipped(tmp_path):
        model.open(tmp_path)


def test_a_write_that_fails_leaves_models_that_open(
    rebuilt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in contents(rebuilt).items():
        (tmp_path / name).write_bytes(content)

    def full(saved: Checkpoint) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(thumbnails, "thumbnail", full)
    assert run("--rebuild", tmp_path, "--only", "faces") == 2
    assert contents(tmp_path) == contents(rebuilt)


class TestRefusals:
    """One sentence, exit code 2, nothing changed."""

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--only", "bark"], "lists no bark."),
            (["--data", "x.png"], "please leave out --data."),
            (["--step-size", "0.1"], "please leave out --step-size."),
            (["--from", "no/such"], "faces.safetensors could not be opened."),
        ],
    )
    def test_of_a_word(
        self,
        words: list[str],
        sentence: str,
        rebuilt: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        before = contents(rebuilt)
        said = refused(monkeypatch, capsys, "--rebuild", rebuilt, *words)
        assert said.endswith(f"{sentence}\n")
        assert contents(rebuilt) == before

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            ([], "Please say what to learn from and where to: --data PATH --out FILE."),
            (["--data", "x.png"], "Please say what to learn from and where to"),
            (["--only", "faces"], "--only is for --rebuild alone."),
            (["--from", "x", "--data", "x.png", "--out", "y"], "--from is for --rebuild alone."),
        ],
    )
    def test_of_an_ordinary_run(
        self,
        words: list[str],
        sentence: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert sentence in refused(monkeypatch, capsys, *words)

    def test_of_an_index(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def asking() -> str:
            return refused(monkeypatch, capsys, "--rebuild", tmp_path)

        assert "index.json could not be opened" in asking()
        outside = {"data": "demo/examples/objects/../../limits.py"}
        for changes, sentence in (
            ({"data": "demo/limits.py"}, "is not in the bundled pack"),
            (outside, "the data must be a file inside the repository"),
            ({"preset": "clay"}, "there is no preset clay"),
            ({"kind": None}, "is not for None"),
        ):
            index(tmp_path, FACES)
            (fields,) = json.loads((tmp_path / catalogue.INDEX).read_bytes())
            del fields["command"]
            (tmp_path / catalogue.INDEX).write_text(json.dumps([fields | changes]))
            assert sentence in asking()
        (tmp_path / catalogue.INDEX).write_text("[")
        assert "is no JSON file" in asking()

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"iterations": 3}, "faces stands at iteration 2, not at 3."),
            ({"seed": 1}, "faces was trained with other settings than its recipe's."),
            ({"preset": "objects"}, "faces was trained with other settings than its recipe's."),
            (
                {"data": "demo/examples/objects/toon_faces_64.npz"},
                "faces learnt from other data than demo/examples/objects/toon_faces_64.npz.",
            ),
        ],
    )
    def test_of_a_checkpoint_that_the_recipe_does_not_make(
        self,
        changes: dict[str, object],
        sentence: str,
        rebuilt: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        fields = {name: getattr(FACES, name) for name in FACES.__slots__} | changes
        folder = index(tmp_path, Recipe(**fields))
        said = refused(monkeypatch, capsys, "--rebuild", folder, "--from", rebuilt)
        assert said == f"{sentence}\n"
        assert list(contents(folder)) == [catalogue.INDEX]


def test_the_picture_of_a_plane_shows_all_of_it(rebuilt: Path) -> None:
    """Right is the first number growing, up the second."""
    latents = []

    def seen(z: object) -> object:
        latents.append(z)
        return z

    thumbnails._plane(seen)  # type: ignore[arg-type]
    grid = np.asarray(latents[0]).reshape(4, 4, 2)
    assert grid[0, 0].tolist() == [-2, 2]
    assert grid[0, 3].tolist() == [2, 2]
    assert grid[3, 0].tolist() == [-2, -2]
