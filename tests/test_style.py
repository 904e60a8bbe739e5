"""Lint, format and types of Python and of the browser scripts, as part of the one test command."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from demo import widgets

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo"
SCRIPTS = sorted(DEMO.rglob("*.js"))
NAMES = sorted(
    path.relative_to(DEMO).with_suffix("").as_posix().removeprefix("widgets/")
    for path in SCRIPTS
    if path.with_suffix(".html").exists()
)
# What runs in the browser as if it were one file: each widget, what runs before the page, and what
# a button does there.
PROGRAMS = [
    *(widgets.files(name, "js") for name in NAMES),
    [DEMO / "server" / "stream.js"],
    [DEMO / "train" / "onward.js"],
]
DECLARED = r"^(?:async )?(?:function|const|let|class) (\w+)"


def passes(*command: str | Path) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "command",
    ["ruff check --no-cache .", "ruff format --no-cache --check .", "mypy"],
)
def test_the_tree_passes(command: str) -> None:
    passes(sys.executable, "-m", *command.split())


@pytest.fixture(scope="module")
def tools() -> Path:
    """Where the tools for the scripts are, fetched as the lock file has them."""
    if shutil.which("npm") is None:
        sentence = "No node was found; install node and npm to check the browser scripts."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    fetched, lock = ROOT / "node_modules" / ".package-lock.json", ROOT / "package-lock.json"
    if not fetched.exists() or fetched.stat().st_mtime < lock.stat().st_mtime:
        passes("npm", "ci", "--no-audit", "--no-fund")
    return ROOT / "node_modules" / ".bin"


@pytest.mark.parametrize("command", ["biome lint --error-on-warnings", "biome format"])
def test_the_scripts_pass(tools: Path, command: str) -> None:
    tool, *rest = command.split()
    passes(tools / tool, *rest)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda files: files[-1].stem)
def test_the_scripts_have_types(tools: Path, program: list[Path], tmp_path: Path) -> None:
    declared = DEMO / "widgets" / "globals.d.ts"
    settings = {
        "extends": str(ROOT / "tsconfig.json"),
        "files": [str(file) for file in (declared, *program)],
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings))
    passes(tools / "tsc", "--project", tmp_path / "tsconfig.json")


def test_every_script_is_loaded() -> None:
    assert {file for program in PROGRAMS for file in program} == set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_name_of_a_script_is_used(script: Path) -> None:
    """By the programs that it is part of; neither biome nor tsc sees that."""
    parts = {file for program in PROGRAMS if script in program for file in program}
    code = "".join(file.read_text(encoding="utf-8") for file in parts)
    code = re.sub(r"//.*|/\*.*?\*/", "", code)  # a comment uses nothing
    declared = re.findall(DECLARED, script.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in declared if len(re.findall(rf"\b{name}\b", code)) < 2] == []
