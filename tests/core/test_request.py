"""What can be asked: what is usual, what is refused in which sentence, what is asked again."""

import dataclasses
import math
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abp_core.synthesis.request import (
    LAST_SEED,
    Request,
    RequestRejected,
    frames_of,
    loop_of,
    size_of,
)
from tests.tiny import FILM, NETWORKS

TEXTURE, SOUND, OBJECTS = (NETWORKS[kind] for kind in ("texture", "sound", "objects"))
UNIT = {"texture": 4, "sound": 16}  # pixels, samples


def test_the_usual_is_filled_in() -> None:
    assert Request().fit(TEXTURE).size == (512, 512)
    assert Request().fit(SOUND, 16_000).seconds == 10
    assert Request().fit(OBJECTS).count == 64
    assert Request(grow=Path("x.png")).fit(TEXTURE).margin == 128


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_was_fitted_fits(kind: str) -> None:
    fitted = Request().fit(NETWORKS[kind], 16_000)
    assert fitted.fit(NETWORKS[kind], 16_000) == fitted


def test_a_tile_of_the_usual_size_is_a_whole_number_of_positions() -> None:
    assert Request(tile="xy").fit(TEXTURE).size == (512, 512)
    seconds = Request(tile="x").fit(SOUND, 11_025).seconds
    assert seconds is not None
    assert frames_of(seconds, 11_025) % UNIT["sound"] == 0
    assert abs(seconds - 10) < 16 / 11_025


@given(st.floats(1e-3, 60), st.integers(1000, 192_000))
def test_a_loop_is_the_nearest_that_is_possible(seconds: float, rate: int) -> None:
    loop = loop_of(seconds, SOUND, rate)
    assert frames_of(loop, rate) % UNIT["sound"] == 0
    assert abs(loop - seconds) <= UNIT["sound"] / rate + 1e-6
    assert Request(tile="x", seconds=loop).fit(SOUND, rate).seconds == loop


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("texture", {"size": (0, 5)}, "Each side of the size must have 1 to 2,147,483,647 pixels."),
    ("texture", {"size": (2**31, 5)}, "Each side of the size must have 1 to"),
    ("texture", {"tile": "z"}, "The tile must be x, y or xy."),
    ("texture", {"tile": ""}, "The tile must be x, y or xy."),
    ("texture", {"seed": "one"}, "The seed must be a whole number from 0 to"),
    ("texture", {"seed": True}, "The seed must be a whole number from 0 to"),
    ("texture", {"seed": -1}, "The seed must be a whole number from 0 to"),
    ("texture", {"seed": 2**63}, "The seed must be a whole number from 0 to"),
    ("texture", {"seed": 2**63 - 1, "count": 2}, f"from 0 to {LAST_SEED - 1:,}."),
    ("texture", {"temperature": math.nan}, "The temperature must be a number from 0 to 4."),
    ("texture", {"temperature": 4.1}, "The temperature must be a number from 0 to 4."),
    ("texture", {"temperature": 10**400}, "The temperature must be a number from 0 to 4."),
    ("texture", {"temperature": None}, "The temperature must be a number from 0 to 4."),
    ("texture", {"novelty": -0.01}, "The novelty must be a number from 0 to 1."),
    ("sound", {"novelty": 1.01}, "The novelty must be a number from 0 to 1."),
    ("texture", {"novelty": math.nan}, "The novelty must be a number from 0 to 1."),
    ("texture", {"novelty": True}, "The novelty must be a number from 0 to 1."),
    ("texture", {"novelty": "new"}, "The novelty must be a number from 0 to 1."),
    ("objects", {"novelty": None}, "The novelty must be a number from 0 to 1."),
    ("texture", {"paper": 1}, "The paper's prior is either asked for or not."),
    ("texture", {"paper": None}, "The paper's prior is either asked for or not."),
    ("texture", {"count": 0}, "The count must be a whole number from 1 to 1,024."),
    ("texture", {"count": 2.5}, "The count must be a whole number from 1 to 1,024."),
    (
        "texture",
        {"seconds": 2},
        "--seconds is for sounds and films, but this model makes textures.",
    ),
    ("texture", {"nearest": Path("x")}, "--nearest is for objects, but this model makes textures."),
    (
        "texture",
        {"size": (301, 4), "tile": "xy"},
        "The width of a tile must be a multiple of 4 pixels; the nearest are 300 and 304.",
    ),
    (
        "texture",
        {"size": (301, 3), "tile": "y"},
        "The height of a tile must be a multiple of 4 pixels; the nearest is 4.",
    ),
    (
        "texture",
        {"grow": Path("x"), "margin": 10},
        "The margin must be a multiple of 4 pixels; the nearest are 8 and 12.",
    ),
    ("texture", {"margin": 8}, "--margin is for a picture that grows; please name it: --grow."),
    ("texture", {"rebuilt": True}, "--rebuilt is for a picture that grows"),
    ("texture", {"grow": Path("x"), "margin": -4}, "The margin must be a whole number of pixels"),
    ("texture", {"grow": Path("x"), "size": (8, 8)}, "please leave out --size."),
    ("texture", {"grow": Path("x"), "tile": "x"}, "please leave out --tile."),
    ("texture", {"grow": Path("x"), "count": 2}, "please leave out --count."),
    ("sound", {"size": (4, 4)}, "--size is for textures and films, but this model makes sounds."),
    ("sound", {"count": 2}, "--count is for textures and objects, but this model makes sounds."),
    ("sound", {"seconds": 0}, "The seconds must be a number above 0."),
    ("sound", {"seconds": math.nan}, "The seconds must be a number above 0."),
    ("sound", {"seconds": "ten"}, "The seconds must be a number above 0."),
    ("sound", {"seconds": 1e7}, "at most 67,108, which fill a file."),
    ("sound", {"tile": "y"}, "A sound has one axis only; please write --tile x."),
    (
        "sound",
        {"tile": "x", "seconds": 0.0105},
        "A loop of this model must last a multiple of 0.001 s; the nearest are 0.01 and 0.011.",
    ),
    ("vector sound", {"seconds": 2}, "one length only; please leave out --seconds."),
    ("vector sound", {"tile": "x"}, "one length only; please leave out --tile."),
    (
        "objects",
        {"size": (64, 64)},
        "--size is for textures and films, but this model makes objects.",
    ),
    (
        "objects",
        {"tile": "x"},
        "--tile is for textures, sounds and films, but this model makes objects.",
    ),
]


@pytest.mark.parametrize(("kind", "asked", "sentence"), BAD)
def test_a_bad_request_gets_one_sentence(kind: str, asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        Request(**asked).fit(NETWORKS[kind], 16_000)
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("size", "anew"), [(None, False), ((64, 48), False), ((128, 48), True), ((256, 192), True)]
)
def test_a_larger_film_begins_anywhere(size: tuple[int, int] | None, anew: bool) -> None:
    fitted = Request(size=size).fit(FILM, 15)
    assert (fitted.size, fitted.anew) == (size, anew)
    assert fitted.fit(FILM, 15) == fitted
    assert ("--anew" in fitted.command("m", "o.mp4")) == anew
    assert not Request(size=size, tile="x").fit(FILM, 15).anew


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ((60, 48), "must be from 64 x 48 to 256 x 192 pixels."),
        ((64, 44), "must be from 64 x 48 to 256 x 192 pixels."),
        ((260, 48), "must be from 64 x 48 to 256 x 192 pixels."),
        ((130, 48), "The width of this model's films must be a multiple of 4 pixels; the nearest"),
        ((64, 50), "The height of this model's films must be a multiple of 4 pixels; the nearest"),
    ],
)
def test_a_film_cannot_have_any_size(size: tuple[int, int], sentence: str) -> None:
    with pytest.raises(RequestRejected, match=sentence):
        Request(size=size).fit(FILM, 15)


def test_a_film_of_vectors_has_one_size() -> None:
    vectors = dataclasses.replace(OBJECTS, moving=True)
    with pytest.raises(RequestRejected, match="one size only; please leave out --size"):
        Request(size=(64, 64)).fit(vectors, 15)


@pytest.mark.parametrize("text", ["big", "0x5", "5x0", "-5x5", "5x", "5x5x5", "5.5x5", "", "٣x٣"])
def test_a_size_that_is_none(text: str) -> None:
    with pytest.raises(RequestRejected, match="WIDTHxHEIGHT in pixels, for example 512x512"):
        size_of(text)


def test_a_size_is_width_and_height() -> None:
    assert size_of("300x200") == size_of("300X200") == (300, 200)


@pytest.mark.parametrize(
    ("kind", "asked", "words"),
    [
        ("texture", {}, "--size 512x512 --seed 0"),
        (
            "texture",
            {"size": (64, 32), "tile": "xy", "seed": 9, "temperature": 0.5, "count": 3},
            "--size 64x32 --tile xy --count 3 --seed 9 --temperature 0.5",
        ),
        (
            "texture",
            {"grow": Path("my own.png"), "margin": 8, "rebuilt": True},
            "--grow 'my own.png' --margin 8 --rebuilt --seed 0",
        ),
        ("sound", {"tile": "x", "seconds": 1}, "--tile x --seconds 1 --seed 0"),
        (
            "texture",
            {"size": (64, 32), "paper": True, "temperature": 0.5},
            "--size 64x32 --seed 0 --paper --temperature 0.5",
        ),
        (
            "sound",
            {"seconds": 2, "novelty": 0.25, "seed": 4},
            "--seconds 2 --seed 4 --novelty 0.25",
        ),
        ("objects", {"paper": True}, "--count 64 --seed 0 --paper"),
        ("texture", {"novelty": 0, "paper": False}, "--size 512x512 --seed 0 --novelty 0"),
        ("sound", {"seconds": 1.23456789}, "--seconds 1.234568 --seed 0"),
        ("objects", {"count": 5, "nearest": Path("d.zip")}, "--count 5 --nearest d.zip --seed 0"),
    ],
)
def test_the_command_that_asks_it_again(kind: str, asked: dict[str, Any], words: str) -> None:
    command = Request(**asked).fit(NETWORKS[kind], 16_000).command("a b.safetensors", "x.png")
    assert command == (
        "python -m abp_core.synthesise --checkpoint 'a b.safetensors' --out x.png " + words
    )
    assert shlex.split(command)[4] == "a b.safetensors"
