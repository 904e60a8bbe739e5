"""What lies on the disk: cleared away when its server is dead, when it is old, or too much."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from demo import limits
from demo.disk import VARIABLE, Disk

ROOT = Path(__file__).parents[2]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "studio")
    yield disk
    disk.close()


def put(path: Path, size: int = 10, age: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time() - age,) * 2)
    return path


def test_a_server_takes_its_own_folder_along(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    put(disk.cache / "a" / "x.png")
    run = put(disk.runs / "somebody" / "run.json")
    disk.close()
    assert not disk.own.exists()
    assert run.exists(), "runs outlive a server"


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "elsewhere"))
    disk = Disk()
    assert disk.base == (tmp_path / "elsewhere").resolve()
    disk.close()


def test_the_folder_of_a_server_that_was_killed_is_cleared_away_and_a_living_ones_is_not(
    tmp_path: Path,
) -> None:
    code = (
        "import sys; from pathlib import Path; from demo.disk import Disk\n"
        "disk = Disk(Path(sys.argv[1])); (disk.cache / 'x').write_text('x')\n"
        "print(disk.own, flush=True); sys.stdin.read()"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    theirs = Path(server.stdout.readline().strip())
    living = Disk(tmp_path)
    assert (theirs / "cache" / "x").exists(), "its server lives"
    server.kill()
    server.communicate()
    assert theirs.exists()
    living.sweep()
    assert not theirs.exists()
    assert living.own.exists()
    living.close()


def test_old_files_and_uploads_that_were_broken_off_are_swept(disk: Disk) -> None:
    old = put(disk.cache / "hash" / "old.png", age=limits.SECONDS_OF_FILES + 60)
    young = put(disk.cache / "hash2" / "young.png", age=60)
    broken = put(disk.cache / "tmpabc", age=limits.SECONDS_OF_UPLOAD + 5)
    coming = put(disk.cache / "tmpdef", age=1)
    disk.sweep()
    assert not old.exists()
    assert not old.parent.exists()
    assert young.exists()
    assert not broken.exists()
    assert coming.exists()


def test_of_too_much_the_oldest_goes(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DISK_MB", 3)
    files = [put(disk.out / str(k) / "x", 2**20, age=50 - k) for k in range(5)]
    assert disk.used() == 5 * 2**20
    disk.sweep()
    assert [file.exists() for file in files] == [False, False, True, True, True]
    assert disk.used() <= 3 * 2**20


def test_a_visitors_newest_files_are_kept_within_number_and_bytes(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "VISITOR_MB", 2)
    folder = disk.out / "visitor"
    files = [put(folder / str(k), 2**19, age=50 - k) for k in range(6)]
    disk.make_room(folder, 2**20, files=4)
    assert [file.exists() for file in files] == [False] * 4 + [True] * 2
    disk.make_room(folder, 0, files=1)
    assert [file.exists() for file in files] == [False] * 5 + [True]
