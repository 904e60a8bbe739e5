"""What was compared before, as `python -m docs.compare` keeps it for whoever has not begun yet."""

import json
from typing import Any

from demo.server.served import ASSETS, asset

FOLDER = "compare"
LABELS = {"objects": "Faces", "texture": "A texture", "sound": "A sound"}


def read_welcome() -> list[dict[str, Any]]:
    """For each kind that was kept {kind, label, seconds, columns}, as columns.js draws them.
    seconds: of each method."""
    kept = []
    for kind, label in LABELS.items():
        path = ASSETS / FOLDER / f"{kind}.json"
        if path.exists():
            told = json.loads(path.read_text(encoding="utf-8"))
            columns = [_with_addresses(column) for column in told["columns"]]
            kept.append({**told, "kind": kind, "label": label, "columns": columns})
    return kept


def _with_addresses(column: dict[str, Any]) -> dict[str, Any]:
    """Files' names become the places where a page finds them."""
    pictures = column["pictures"]
    found = {name: _panel(pictures[name]) for name in ("new", "rebuilt")}
    return {**column, "pictures": {**found, "shown": [_panel(each) for each in pictures["shown"]]}}


def _panel(panel: dict[str, str] | None) -> dict[str, str] | None:
    if panel is None:
        return None
    files = {name: asset(f"{FOLDER}/{panel[name]}") for name in ("picture", "sound") if panel[name]}
    return {**panel, **files}
