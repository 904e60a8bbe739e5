"""What the Synthesise tab makes of a model, and what it refuses."""

import base64
import io
import math
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from abp_core.synthesis import sampling
from demo import limits
from demo.disk import Disk
from demo.errors import Rejected
from demo.synthesise.form import SOURCES, TILES
from demo.synthesise.result import (
    Progress,
    Result,
)
from tests.demo.rooms import Rooms

ANN, BEN = ("token-of-" + name * 3 for name in ("ann", "ben"))
ROOT = Path(__file__).parents[2]
TEXTURE, SOUND, OBJECTS = "bark", "rain", "toon_faces_64"
ASKED: dict[str, dict[str, Any]] = {
    "texture": {"width": 128, "height": 64.0, "tile": "no", "copies": 1},
    "sound": {"seconds": 2, "loop": False},
    "objects": {"count": 4, "nearest": False},
}


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    rooms = Rooms(Disk(tmp_path_factory.mktemp("studio")))
    for token in (ANN, BEN):
        rooms.studio.sessions.open(token)
    yield rooms
    rooms.close()


def steps(rooms: Rooms, name: str, **how: Any) -> list[Progress | Result]:
    kind = rooms.studio.choose(ANN, name).kind
    return list(rooms.synthesis.make(ANN, {"kind": kind, "seed": "3", **ASKED[kind], **how}))


def made(rooms: Rooms, name: str, **how: Any) -> Result:
    last = steps(rooms, name, **how)[-1]
    assert isinstance(last, Result)
    return last


def pixels(url: str) -> np.ndarray:  # type: ignore[type-arg]
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        assert picture.format == "JPEG"
        return np.asarray(picture)


def test_a_texture_comes_with_its_file_and_the_command_that_makes_the_same(
    rooms: Rooms, tmp_path: Path
) -> None:
    work = made(rooms, TEXTURE)
    assert (work.kind, work.headline, work.repeats) == ("texture", "Bark", (1, 1))
    assert work.detail.startswith("made in ")
    assert dict(work.facts)["Size"] == "128 x 64 pixels"
    assert dict(work.facts)["Seed"] == "3"
    assert pixels(work.panels[0].picture).shape == (64, 128, 3)
    ((label, path),) = work.files
    assert (label, Path(path).name) == ("Download PNG", "bark-seed-3.png")
    with Image.open(path) as picture:
        assert picture.info["Command"] == work.command
    words = shlex.split(work.command)
    assert words[:5] == [*words[:4], "checkpoints/bark.safetensors"]
    words[0], words[words.index("--out") + 1] = sys.executable, str(tmp_path / "again.png")
    subprocess.run(words, cwd=ROOT, check=True, timeout=600, capture_output=True)
    with Image.open(path) as ours, Image.open(tmp_path / "again.png") as theirs:
        off = np.abs(np.asarray(ours).astype(int) - np.asarray(theirs))
    assert off.max() <= 1  # another process may use other kernels


@pytest.mark.parametrize("tile", TILES)
def test_a_tile_is_shown_beside_itself(rooms: Rooms, tile: str) -> None:
    work = made(rooms, TEXTURE, tile=tile)
    across, down = work.repeats
    assert (across, down) == {"no": (1, 1), "across": (2, 1), "down": (1, 2), "both": (2, 2)}[tile]
    shown = pixels(work.panels[0].picture)
    assert shown.shape == (64 * down, 128 * across, 3)
    with Image.open(work.files[0][1]) as picture:
        assert picture.size == (128, 64)


def test_a_large_tile_is_shown_small_and_still_without_a_seam(rooms: Rooms) -> None:
    work = made(rooms, TEXTURE, width=1024, height=1024, tile="both")
    shown = pixels(work.panels[0].picture).astype(float)
    side = shown.shape[0] // 2
    assert shown.shape == (2 * side, 2 * side, 3)
    assert side <= 768
    steps = np.abs(np.diff(shown, axis=1)).mean((0, 2))
    assert steps[side - 1] < 1.3 * steps.mean()


def test_a_batch_is_a_sheet_and_its_pictures(rooms: Rooms) -> None:
    work = made(rooms, TEXTURE, copies=3)
    assert dict(work.facts)["Seeds"] == "3 to 5, row by row"
    sheet, each = (Path(path) for _, path in work.files)
    assert (sheet.suffix, each.suffix) == (".png", ".zip")
    with zipfile.ZipFile(each) as archive:
        assert archive.namelist() == ["seed-3.png", "seed-4.png", "seed-5.png"]


def test_a_picture_grows_and_says_how_far_it_is(rooms: Rooms, tmp_path: Path) -> None:
    own = tmp_path / "my own.png"
    with Image.open(ROOT / "demo/examples/textures/bark.jpg") as picture:
        picture.convert("RGB").crop((60, 60, 110, 100)).save(own)
    unit = rooms.studio.choose(ANN, TEXTURE).generator.spec.enlargement
    going = steps(rooms, TEXTURE, picture=str(own), margin=32, kept=True, width=None)
    *before, work = going
    shares = [step.share for step in before if isinstance(step, Progress)]
    assert len(shares) == len(before) > 10
    assert shares[0] == 0
    assert max(shares) == 1
    assert isinstance(work, Result)
    assert "--grow 'my own.png' --margin 32 --seed 3" in work.command
    assert "steps of inference explain" in dict(work.facts)["Inside"]
    assert [panel.caption for panel in work.panels] == ["Grown", "From"]
    with Image.open(work.files[0][1]) as picture:
        assert picture.size == (50 // unit * unit + 64, 40 // unit * unit + 64)


@pytest.mark.parametrize(("size", "compared"), [((128, 64), True), ((544, 64), False)])
def test_a_texture_stands_beside_the_original(
    rooms: Rooms, size: tuple[int, int], compared: bool
) -> None:
    """As much of its middle, at the same scale."""
    width, height = size
    work = made(rooms, TEXTURE, width=width, height=height)
    new, original = work.panels
    assert (new.caption, original.caption) == ("Made", "The original")
    assert work.compared == compared
    learnt = rooms.studio.library.whole(rooms.studio.model(ANN)).signals
    tall, wide = learnt.shape[2:]
    shown = pixels(original.picture).astype(int)
    assert shown.shape == (min(height, tall), min(width, wide), 3)
    assert original.breadth == pytest.approx(min(width, wide) / width)
    top, left = max(0, tall - height) // 2, max(0, wide - width) // 2
    expected = sampling.pixels(learnt)[0, top : top + height, left : left + width]
    assert np.abs(shown - expected).mean() < 4  # what a JPEG leaves out


@pytest.mark.parametrize("how", [{"tile": "both"}, {"copies": 2}])
def test_of_a_tile_or_a_sheet_there_is_no_original(rooms: Rooms, how: dict[str, Any]) -> None:
    assert len(made(rooms, TEXTURE, **how).panels) == 1


def test_a_sound_stands_beside_the_original(rooms: Rooms) -> None:
    work = made(rooms, SOUND)
    new, original = work.panels
    assert "--seconds 2 --seed 3" in work.command
    assert new.sound.startswith("data:audio/wav;base64,")
    assert original.sound.startswith("data:audio/wav;base64,")
    assert pixels(new.picture).shape == pixels(original.picture).shape
    assert dict(work.facts)["Length"] == "2 s, at 16,000 Hz"
    (_, wav), (_, flac) = work.files
    (a, rate), (b, _) = soundfile.read(wav), soundfile.read(flac)
    assert (len(a), rate) == (32_000, 16_000)
    assert np.array_equal(a, b)
    assert Path(flac).stat().st_size < Path(wav).stat().st_size


def test_a_loop_is_of_the_nearest_length_and_says_so(rooms: Rooms) -> None:
    work = made(rooms, SOUND, loop=True)
    assert work.panels[0].loop
    unit = rooms.studio.choose(ANN, SOUND).generator.spec.enlargement
    frames = round(32_000 / unit) * unit
    seconds = f"{frames / 16_000:.6f}".rstrip("0").rstrip(".")
    assert dict(work.facts)["Length"] == f"{seconds} s, the nearest without a seam, at 16,000 Hz"
    assert f"--tile x --seconds {seconds}" in work.command
    assert soundfile.info(work.files[0][1]).frames == frames


def test_objects_and_what_they_may_be_copied_from(rooms: Rooms) -> None:
    plain = made(rooms, OBJECTS)
    with Image.open(plain.files[0][1]) as picture:
        assert picture.size == (128, 128)
    beside = made(rooms, OBJECTS, nearest=True)
    assert "each other's" in dict(beside.facts)["Copying?"]
    assert "--nearest demo/examples/objects/toon_faces_64.npz" in beside.command
    warm = made(rooms, OBJECTS, temperature=1.5)
    assert dict(warm.facts)["Temperature"] == "1.5"
    assert "--temperature 1.5" in warm.command


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (TEXTURE, {"width": 2049}, "within 2,048 pixels here; the command line makes more."),
    (TEXTURE, {"width": 10**12}, "Each side of the size must have 1 to"),
    (TEXTURE, {"width": None}, "Each side of the size must have 1 to"),
    (TEXTURE, {"width": math.nan}, "Each side of the size must have 1 to"),
    (TEXTURE, {"height": "tall"}, "Each side of the size must have 1 to"),
    (TEXTURE, {"width": 2048, "height": 2048, "copies": 2}, "Please take fewer or smaller"),
    (
        TEXTURE,
        {"width": 100, "tile": "across"},
        "multiple of {unit} pixels; the nearest are 96 and",
    ),
    (TEXTURE, {"tile": "diagonally"}, "The tile must be x, y or xy."),
    (TEXTURE, {"copies": 0}, "The count must be a whole number"),
    (TEXTURE, {"seed": "one"}, "The seed must be a whole number"),
    (TEXTURE, {"seed": ""}, "The seed must be a whole number"),
    (TEXTURE, {"seed": None}, "The seed must be a whole number"),
    (TEXTURE, {"seed": "9" * 30}, "The seed must be a whole number"),
    (TEXTURE, {"seed": [1]}, "The seed must be a whole number"),
    (TEXTURE, {"source": SOURCES[1], "temperature": None}, "The temperature must be a number"),
    (TEXTURE, {"novelty": "new"}, "The novelty must be a number"),
    (TEXTURE, {"picture": "absent.png", "margin": 16}, "absent.png was not found."),
    (TEXTURE, {"picture": "absent.png", "margin": 17}, "The margin must be a multiple of {unit}"),
    (TEXTURE, {"picture": "absent.png", "margin": 528}, "grow by at most 512 pixels here"),
    (TEXTURE, {"kind": "sound"}, "makes textures now; please press Make again."),
    (SOUND, {"seconds": 61}, "within 60 s here; the command line makes more."),
    (SOUND, {"seconds": math.inf}, "The seconds must be a number above 0."),
    (SOUND, {"seconds": None, "loop": True}, "The seconds must be a number above 0."),
    (SOUND, {"seconds": "long", "loop": True}, "The seconds must be a number above 0."),
    (OBJECTS, {"count": 145}, "Please take at most 144 pictures here"),
    (OBJECTS, {"count": "many"}, "The count must be a whole number"),
]


@pytest.mark.parametrize(("name", "how", "sentence"), REFUSED)
def test_a_bad_request_gets_one_sentence(
    rooms: Rooms, name: str, how: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Rejected) as refused:
        steps(rooms, name, **how)
    unit = rooms.studio.choose(ANN, name).generator.spec.enlargement
    assert sentence.format(unit=unit) in str(refused.value)


def test_without_a_model_there_is_nothing_to_make(rooms: Rooms) -> None:
    for order in (lambda: list(rooms.synthesis.make(BEN, {})), lambda: rooms.synthesis.offer(BEN)):
        with pytest.raises(Rejected, match="Please choose a model first"):
            order()
    with pytest.raises(Rejected, match="please reload"):
        list(rooms.synthesis.make("x", {}))


def test_what_a_model_can_be_asked(rooms: Rooms) -> None:
    unit = rooms.studio.choose(ANN, TEXTURE).generator.spec.enlargement
    offer = rooms.synthesis.offer(ANN)
    assert unit in (8, 16)
    assert (offer.kind, offer.unit, offer.size, offer.margins) == (
        *("texture", unit, (512, 512), (128, 512)),
    )
    rooms.studio.choose(ANN, SOUND)
    assert (rooms.synthesis.offer(ANN).lengths, rooms.synthesis.offer(ANN).rate) == (True, 16_000)
    rooms.studio.choose(ANN, OBJECTS)
    assert (rooms.synthesis.offer(ANN).lengths, rooms.synthesis.offer(ANN).compared) == (
        False,
        True,
    )


class TestEndless:
    def samples(self, rooms: Rooms, k: int, seed: str = "3") -> np.ndarray:  # type: ignore[type-arg]
        key = rooms.studio.choose(ANN, SOUND).key
        answer = rooms.synthesis.chunk(ANN, key, {"seed": seed, "temperature": 1.0, "k": k})
        assert answer["rate"] == 16_000
        return np.frombuffer(base64.b64decode(answer["samples"]), "<i2")

    def test_stretches_follow_each_other_as_one_sound(self, rooms: Rooms) -> None:
        whole = made(rooms, SOUND, seconds=6)
        expected, _ = soundfile.read(whole.files[0][1], dtype="int16")
        joined = np.concatenate([self.samples(rooms, k) for k in range(3)])
        n = min(len(joined), len(expected))
        assert n > 5.9 * 16_000
        assert np.abs(joined[:n].astype(int) - expected[:n]).max() <= 2

    def test_it_never_repeats(self, rooms: Rooms) -> None:
        stretches = [self.samples(rooms, k) for k in (0, 1, 2, 10**6, 2**39)]
        stretches.append(self.samples(rooms, 0, seed="4"))
        for k, a in enumerate(stretches):
            for b in stretches[:k]:
                assert abs(np.corrcoef(a, b)[0, 1]) < 0.7  # they share the model's mean signal

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({"k": -1}, "lost its place"),
            ({"k": 2**40}, "lost its place"),
            ({"k": "x"}, "lost its place"),
            ({"k": None}, "lost its place"),
            ({"k": 0.5}, "lost its place"),
            ({"k": True}, "lost its place"),
            ({"seed": "one"}, "The seed must be"),
            ({"seed": {}}, "The seed must be"),
            ({"source": SOURCES[1], "temperature": math.nan}, "The temperature must be"),
            ({"source": SOURCES[1], "temperature": "hot"}, "The temperature must be"),
            ({"novelty": math.nan}, "The novelty must be"),
        ],
    )
    def test_whatever_a_page_sends_gets_a_sentence(
        self, rooms: Rooms, sent: dict[str, Any], sentence: str
    ) -> None:
        key = rooms.studio.choose(ANN, SOUND).key
        with pytest.raises(Rejected, match=sentence):
            rooms.synthesis.chunk(ANN, key, {"seed": "1", "temperature": 1, "k": 0, **sent})

    def test_another_model_ends_it(self, rooms: Rooms) -> None:
        key = rooms.studio.choose(ANN, SOUND).key
        rooms.studio.choose(ANN, TEXTURE)
        with pytest.raises(Rejected, match="Another model was chosen meanwhile"):
            rooms.synthesis.chunk(ANN, key, {"seed": "1", "k": 0})
        with pytest.raises(Rejected, match="makes no sound"):
            rooms.synthesis.chunk(ANN, rooms.studio.model(ANN).key, {"seed": "1", "k": 0})


class TestCanvas:
    def piece(self, rooms: Rooms, across: int, down: int, **sent: Any) -> np.ndarray:  # type: ignore[type-arg]
        key = rooms.studio.choose(ANN, TEXTURE).key
        asked = {"seed": "3", "across": across, "down": down, **sent}
        return pixels(rooms.synthesis.piece(ANN, key, asked)["picture"]).astype(int)

    def test_pieces_are_parts_of_the_texture_that_is_made_at_once(self, rooms: Rooms) -> None:
        side = rooms.synthesis.offer(ANN).piece if rooms.studio.choose(ANN, TEXTURE) else 0
        whole = Image.open(made(rooms, TEXTURE, width=2 * side, height=2 * side).files[0][1])
        expected = np.asarray(whole.convert("RGB")).astype(int)
        rows = [np.concatenate([self.piece(rooms, k, r) for k in (0, 1)], 1) for r in (0, 1)]
        assert np.abs(np.concatenate(rows) - expected).mean() < 3  # what a JPEG leaves out

    def test_it_goes_on_in_every_direction_and_never_repeats(self, rooms: Rooms) -> None:
        far = limits.FARTHEST_PIECE
        places = [(0, 0), (-1, 0), (0, -1), (far, -far), (-far, 5)]
        found = [self.piece(rooms, *place) for place in places]
        found.append(self.piece(rooms, 0, 0, seed="4"))
        for k, a in enumerate(found):
            assert a.std() > 5
            for b in found[:k]:
                assert np.abs(a - b).mean() > 5

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({"across": 10**9, "down": 0}, "too far away"),
            ({"across": "x", "down": 0}, "too far away"),
            ({"across": 0.5, "down": 0}, "too far away"),
            ({"across": True, "down": 0}, "too far away"),
            ({"across": 0}, "too far away"),
            ({"across": 0, "down": 0, "seed": []}, "The seed must be"),
        ],
    )
    def test_whatever_a_page_sends_gets_a_sentence(
        self, rooms: Rooms, sent: dict[str, Any], sentence: str
    ) -> None:
        key = rooms.studio.choose(ANN, TEXTURE).key
        with pytest.raises(Rejected, match=sentence):
            rooms.synthesis.piece(ANN, key, {"seed": "1", **sent})

    def test_it_is_of_textures_and_of_the_model_that_is_shown(self, rooms: Rooms) -> None:
        key = rooms.studio.choose(ANN, TEXTURE).key
        sound = rooms.studio.choose(ANN, SOUND).key
        with pytest.raises(Rejected, match="Another model was chosen meanwhile"):
            rooms.synthesis.piece(ANN, key, {"seed": "1", "across": 0, "down": 0})
        with pytest.raises(Rejected, match="makes no texture"):
            rooms.synthesis.piece(ANN, sound, {"seed": "1", "across": 0, "down": 0})


def test_files_lie_with_the_visitor_and_only_the_newest(rooms: Rooms) -> None:
    paths = [Path(made(rooms, TEXTURE, seed=str(k)).files[0][1]) for k in range(6)]
    assert len({path.parent for path in paths}) == 1
    kept = [path for path in paths if path.exists()]
    assert kept == paths[-limits.FILES_KEPT :]
