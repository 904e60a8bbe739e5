"""The files of ours that a page may fetch, and where it finds them."""

from pathlib import Path

_DEMO = Path(__file__).parents[1]
ASSETS = _DEMO / "assets"
FOLDERS = {
    "assets": ASSETS,
    "examples": _DEMO / "examples",
    "models": _DEMO.parent / "checkpoints",
}
DRAWN = "drawn"  # pictures that the studio draws when it starts


def url(path: str | Path) -> str:
    """Where the page finds a file of one of the folders, relative to itself. Raises ValueError for
    any other."""
    for name, folder in FOLDERS.items():
        if Path(path).is_relative_to(folder):
            return f"studio/{name}/{Path(path).relative_to(folder).as_posix()}"
    raise ValueError(f"{path} is not served")


def drawn_url(name: str) -> str:
    """Where the page finds a picture that the studio drew."""
    return f"studio/{DRAWN}/{name}.jpg"


def asset(name: str) -> str:
    """Where the page finds a picture that greets the visitor."""
    return url(ASSETS / name)
