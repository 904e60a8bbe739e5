"""The shipped models: a folder of light checkpoints and the index that says how each was made.

An entry of `index.json` is a recipe, from which the training command makes the model, and, once
that was done, what came of it.
"""

import dataclasses
import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.data.atomic import open_atomically
from abp_core.errors import Refusal
from abp_core.presets import PRESETS
from abp_core.spec import Kind

ROOT = Path(__file__).resolve().parents[2]
INDEX = "index.json"
OPTIONAL = ("sound", "film")
MOST_BYTES = 10_000_000  # of a model; larger files need more than plain git
MOST_BYTES_TOGETHER = 64_000_000


class CollectionRejected(Refusal):
    """An index that describes no collection. The message is one sentence for the user."""


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise CollectionRejected(sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a model is made: by the training command, with nothing else than this.

    data: path of a file of the bundled pack, from the root of the repository.
    """

    name: str
    kind: Kind
    data: str
    preset: str
    iterations: int
    seed: int

    def __post_init__(self) -> None:
        plain = isinstance(self.name, str) and re.fullmatch(r"[a-z0-9_]{1,80}", self.name)
        _require(bool(plain), f"{INDEX} has an entry whose name is not of a-z, 0-9 and _.")
        where = f"{INDEX}, {self.name}"
        path = PurePosixPath(self.data) if isinstance(self.data, str) else PurePosixPath("..")
        inside = not path.is_absolute() and ".." not in path.parts and "\\" not in self.data
        _require(inside, f"{where}: the data must be a file inside the repository.")
        known = isinstance(self.preset, str) and self.preset in PRESETS
        _require(known, f"{where}: there is no preset {self.preset}.")
        _require(
            self.kind == PRESETS[self.preset].training.generator.kind,
            f"{where}: the preset {self.preset} is not for {self.kind}.",
        )
        _require(
            _is_count(self.iterations, 1, 10**9),
            f"{where}: the iterations must be a whole number from 1.",
        )
        _require(
            _is_count(self.seed, 0, 2**63 - 1),
            f"{where}: the seed must be a whole number from 0.",
        )

    def arguments(self, data: Path, out: Path) -> list[str]:
        """Of the training command, after its name."""
        facts = {
            "data": data,
            "out": out,
            "preset": self.preset,
            "iterations": self.iterations,
            "seed": self.seed,
        }
        return [word for name, value in facts.items() for word in (f"--{name}", str(value))]

    @property
    def command(self) -> str:
        """The line that trains it, at the root of the repository."""
        arguments = self.arguments(Path(self.data), Path(f"{self.name}.safetensors"))
        return shlex.join(["python", "-m", "abp_core.train", *arguments])


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped(Recipe):
    """A model that was made.

    author, licence: of the data; credit: both in a line. seconds: of training. file, thumbnail,
    sound, film: names of files beside the index; sound and film are empty for what makes none.
    sha256, bytes: of the file. quality: see yardsticks/summary.py.
    """

    author: str
    licence: str
    credit: str
    seconds: float
    file: str
    sha256: str
    bytes: int
    thumbnail: str
    sound: str = ""
    film: str = ""
    quality: Mapping[str, float]

    def __post_init__(self) -> None:
        # In full: a class with slots is not the one that super() without arguments looks for.
        Recipe.__post_init__(self)
        where = f"{INDEX}, {self.name}"
        texts = (self.author, self.licence, self.credit, self.sha256, self.sound, self.film)
        _require(all(isinstance(text, str) for text in texts), f"{where}: a text is none.")
        for file in filter(None, self.files):
            plain = isinstance(file, str) and re.fullmatch(r"[A-Za-z0-9_][\w.-]{0,99}", file)
            _require(bool(plain), f"{where}: {file} is not a file beside the index.")
        _require(bool(self.file and self.thumbnail), f"{where}: a file has no name.")
        _require(isinstance(self.quality, dict), f"{where}: the quality is no list of figures.")
        figures = (self.seconds, self.bytes, *self.quality.values())
        _require(all(map(_is_figure, figures)), f"{where}: a figure is no number from 0.")

    @property
    def files(self) -> list[str]:
        """The names of all that lies beside the index."""
        return [self.file, self.thumbnail, *filter(None, (self.sound, self.film))]

    def open(self, folder: Path) -> Checkpoint:
        """The model itself. Raises CheckpointRejected, also where the file is not the one that the
        index tells of."""
        path = folder / self.file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CheckpointRejected(f"{self.file} could not be opened.") from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise CheckpointRejected(
                f"{self.file} is not the file that {INDEX} tells of; please fetch both again."
            )
        return Checkpoint.load(path)


def read_shipped(folder: Path) -> list[Shipped]:
    """The models of `folder`, in the order of its index; none where there is no index. Raises
    CollectionRejected."""
    if not (folder / INDEX).is_file():
        return []
    return [entry for entry in read_entries(folder) if isinstance(entry, Shipped)]


def read_entries(folder: Path) -> list[Recipe]:
    """All that the index lists, made or not. Raises CollectionRejected."""
    try:
        listed = json.loads((folder / INDEX).read_bytes())
    except OSError as error:
        raise CollectionRejected(f"{folder / INDEX} could not be opened.") from error
    except (ValueError, RecursionError) as error:
        raise CollectionRejected(f"{folder / INDEX} is no JSON file.") from error
    if not isinstance(listed, list) or not all(isinstance(fields, dict) for fields in listed):
        raise CollectionRejected(f"{folder / INDEX} is no list of entries.")
    found = [_entry(fields) for fields in listed]
    _require(
        len({entry.name for entry in found}) == len(found), f"{INDEX} has two entries of one name."
    )
    return found


def write_entries(folder: Path, listed: list[Recipe]) -> None:
    """Replaces the index, whole or not at all."""
    fields = [_fields(entry) for entry in listed]
    text = json.dumps(fields, indent=1, ensure_ascii=False) + "\n"
    write_public(folder / INDEX, text.encode())


def write_public(path: Path, content: bytes) -> None:
    """Writes whole or not at all, a file that everybody may read."""
    with open_atomically(path) as file:
        file.write(content)
    path.chmod(0o644)


def _entry(fields: dict[str, Any]) -> Recipe:
    made = "sha256" in fields
    known: type[Recipe] = Shipped if made else Recipe
    needed = {field.name: field for field in dataclasses.fields(known)}
    name = fields.get("name", "an entry")
    missing = [key for key in needed if key not in fields and key not in OPTIONAL]
    _require(not missing, f"{INDEX}, {name}: there is no {', '.join(missing)}.")
    unknown = [key for key in fields if key not in needed and key != "command"]
    _require(not unknown, f"{INDEX}, {name}: nothing is known of {', '.join(unknown)}.")
    entry = known(**{key: value for key, value in fields.items() if key != "command"})
    _require(
        fields.get("command", entry.command) == entry.command,
        f"{INDEX}, {name}: the command is not that of its recipe.",
    )
    return entry


def _fields(entry: Recipe) -> dict[str, Any]:
    """As they stand in the index: the command after the recipe, no sound where there is none, and
    no film."""
    recipe = {field.name: getattr(entry, field.name) for field in dataclasses.fields(Recipe)}
    whole = recipe | {"command": entry.command} | dataclasses.asdict(entry)
    return {key: value for key, value in whole.items() if key not in OPTIONAL or value}


def _is_count(value: object, lowest: int, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e300
