"""Films in the Synthesise tab: of the size that is asked for, and without end."""

import base64
import io
import math
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from abp_core.synthesis import render
from abp_core.synthesis.request import Request
from demo import limits, media
from demo.disk import Disk
from demo.errors import Rejected
from demo.models.collection import Model
from demo.synthesise.form import BEGINNINGS
from demo.synthesise.result import Result
from tests.demo.rooms import Rooms
from tests.tiny import film_run

ANN = "token-of-annannann"
ROOT = Path(__file__).parents[2]
ASKED = {
    **{"kind": "film", "seed": "3", "width": 64, "height": 48.0, "speed": 1, "windows": 1},
    **{"begin": BEGINNINGS[0], "film_seconds": 2, "film_loop": False},
}
RATE, PER_STRETCH = 15, 8


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "waves.safetensors"
    film_run().save(path)
    return path


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    rooms = Rooms(Disk(tmp_path_factory.mktemp("studio")))
    rooms.studio.sessions.open(ANN)
    yield rooms
    rooms.close()


@pytest.fixture(scope="module")
def model(rooms: Rooms, file: Path) -> Model:
    return rooms.studio.open_model(ANN, str(file))


def made(rooms: Rooms, **how: Any) -> Result:
    *_, last = rooms.synthesis.make(ANN, {**ASKED, **how})
    assert isinstance(last, Result)
    return last


def frames_of(path: str | Path) -> NDArray[np.int16]:
    with av.open(str(path)) as film:
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    return np.stack(shown).astype(np.int16)


def stretch(rooms: Rooms, model: Model, k: object, **how: Any) -> NDArray[np.int16]:
    answer = rooms.synthesis.frames(ANN, model.key, {**ASKED, "begun": 1.0, "k": k, **how})
    assert answer["rate"] == RATE
    pictures = [Image.open(io.BytesIO(base64.b64decode(jpeg))) for jpeg in answer["frames"]]
    assert {picture.format for picture in pictures} == {"JPEG"}
    return np.stack([np.asarray(picture) for picture in pictures]).astype(np.int16)


def test_what_a_film_can_be_asked(rooms: Rooms, model: Model) -> None:
    offer = rooms.synthesis.offer(ANN)
    assert (offer.kind, offer.unit, offer.size, offer.windowed) == ("film", 4, (64, 48), True)


def test_a_wider_film_comes_with_the_command_that_makes_the_same(
    rooms: Rooms, model: Model, file: Path, tmp_path: Path
) -> None:
    work = made(rooms, width=160, film_loop=True)
    assert dict(work.facts)["Size"] == "160 x 48 pixels"
    assert "--size 160x48" in work.command
    film = frames_of(work.files[0][1])
    assert film.shape == (2 * RATE, 6 * 48, 6 * 160, 3)  # enlarged by a whole number
    words = shlex.split(work.command)
    words[0], words[words.index("--out") + 1] = sys.executable, str(tmp_path / "again.mp4")
    words[words.index("--checkpoint") + 1] = str(file)
    subprocess.run(words, cwd=ROOT, check=True, timeout=600, capture_output=True)
    apart = np.abs(frames_of(tmp_path / "again.mp4") - film).mean((1, 2, 3))
    assert apart[0] < 0.1
    # Another process may round otherwise; the encoder makes more of that from frame to frame.
    assert apart.max() < 3


def test_of_its_own_size_nothing_is_said_of_it(rooms: Rooms, model: Model) -> None:
    work = made(rooms)
    assert "--size" not in work.command
    assert dict(work.facts)["Begins"] == BEGINNINGS[0]
    assert dict(made(rooms, height=96).facts)["Begins"] == "anywhere"


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"width": 60}, "must be from 64 x 48 to 256 x 192 pixels."),
        ({"width": 66}, "The width of this model's films must be a multiple of 4 pixels"),
        ({"width": None}, "Each side of the size must have"),
        ({"height": "x"}, "Each side of the size must have"),
        ({"height": 4096}, "Please keep width and height within 2,048 pixels here"),
    ],
)
def test_a_size_that_cannot_be(
    rooms: Rooms, model: Model, how: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Rejected) as refused:
        made(rooms, **how)
    assert sentence in str(refused.value)


def test_more_than_can_be_held_is_refused(
    rooms: Rooms, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILM_PIXELS", 128 * 48 * RATE)
    with pytest.raises(Rejected, match="128 x 48 pixels can be 1 s long here; please make it"):
        made(rooms, width=128)
    made(rooms, width=128, film_seconds=1)
    monkeypatch.setattr(limits, "PLAYED_PIXELS", 100 * 48)
    with pytest.raises(Rejected, match="too large to be played while it is made"):
        stretch(rooms, model, 0, begun=0.25, width=128)


class TestReel:
    def test_stretches_follow_each_other_as_the_film_that_is_made_at_once(
        self, rooms: Rooms, model: Model
    ) -> None:
        request = Request(size=(128, 48), seconds=3, speed=0.7, seed=3, windows=2)
        fitted = request.fit(model.generator.spec, RATE)
        film = render.film(model.generator, model.prior, model.saved.source, fitted)
        how = {"begun": 2.0, "width": 128, "speed": 0.7, "windows": 2}
        joined = np.concatenate([stretch(rooms, model, k, **how) for k in range(5)])
        assert joined.shape == (5 * PER_STRETCH, 48, 128, 3)
        kept = (Image.open(io.BytesIO(media.jpeg(frame, 92))) for frame in film.frames)
        expected = np.stack([np.asarray(frame) for frame in kept])[: len(joined)].astype(np.int16)
        assert np.abs(joined - expected).mean() < 0.5
        assert np.abs(np.diff(joined, axis=0)).mean() > 3

    def test_a_stretch_does_not_depend_on_what_was_asked_before(
        self, rooms: Rooms, model: Model
    ) -> None:
        inorder = [stretch(rooms, model, k, begun=3.0) for k in range(6)]
        for begun in (4.0, 5.0):
            for k in (5, 2, 2, 0, 4):
                assert (stretch(rooms, model, k, begun=begun) == inorder[k]).all()

    def test_it_goes_on_for_an_hour_and_on_from_there(self, rooms: Rooms, model: Model) -> None:
        hour = math.floor(limits.PLAYED_BETWEEN * RATE / PER_STRETCH)
        for k in (hour - 1, 2 * hour - 1):
            assert stretch(rooms, model, k, begun=6.0).std() > 5
        with pytest.raises(Rejected, match="lost its place"):
            stretch(rooms, model, 2 * hour - 1, begun=7.0)

    def test_each_seed_speed_and_beginning_has_its_own(self, rooms: Rooms, model: Model) -> None:
        ways: list[dict[str, Any]] = [
            *({}, {"speed": 2}, {"windows": 3}, {"begin": BEGINNINGS[1]}),
            {"begin": BEGINNINGS[1], "seed": "4"},  # after its end there may be one way on only
        ]
        found = [stretch(rooms, model, 3, begun=8.0 + k, **way) for k, way in enumerate(ways)]
        for k, one in enumerate(found):
            for other in found[:k]:
                assert np.abs(one - other).mean() > 1

    @pytest.mark.parametrize(
        ("sent", "sentence"),
        [
            ({"k": -1}, "lost its place"),
            ({"k": 2**60}, "lost its place"),
            ({"k": "x"}, "lost its place"),
            ({"k": None}, "lost its place"),
            ({"k": 0.5}, "lost its place"),
            ({"k": True}, "lost its place"),
            ({"seed": "one"}, "The seed must be"),
            ({"speed": math.nan}, "The speed must be"),
            ({"speed": "fast"}, "The speed must be"),
            ({"windows": 9}, "The windows must be"),
            ({"width": [64]}, "Each side of the size"),
        ],
    )
    def test_whatever_a_page_sends_gets_a_sentence(
        self, rooms: Rooms, model: Model, sent: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(Rejected, match=sentence):
            stretch(rooms, model, **{"k": 0, "begun": str(sent), **sent})

    def test_it_is_of_films_and_of_the_model_that_is_shown(
        self, rooms: Rooms, model: Model
    ) -> None:
        texture = rooms.studio.choose(ANN, "bark")
        with pytest.raises(Rejected, match="Another model was chosen meanwhile"):
            stretch(rooms, model, 0)
        with pytest.raises(Rejected, match="makes no film"):
            stretch(rooms, texture, 0)
