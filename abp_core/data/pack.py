"""The bundled data, as its manifest lists it."""

import json
from dataclasses import dataclass
from pathlib import Path

from abp_core.spec import Kind

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class PackItem:
    """One entry of the bundled pack."""

    kind: Kind
    name: str
    path: Path
    licence: str
    author: str


def read_pack(folder: Path) -> list[PackItem]:
    """The items that its manifest lists."""
    entries = json.loads((folder / MANIFEST).read_bytes())
    kinds: dict[str, Kind] = {"texture": "texture", "sound": "sound", "video": "film"}
    return [
        PackItem(
            kinds.get(entry["kind"], "objects"),
            entry["name"],
            folder / entry["file"],
            entry["licence"],
            entry["author"],
        )
        for entry in entries
    ]
