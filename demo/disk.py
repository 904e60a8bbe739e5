"""What the studio writes to the disk: where it lies, how much of it, and how long."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import time

from filelock import FileLock, Timeout

from demo import limits

VARIABLE = "ABP_STUDIO_FOLDER"
LOCK = "in-use"  # held for as long as the server lives, however it ends


class Disk:
    """One folder for all servers of a user: `runs`, which outlive a server, and a folder of each
    server's own with `cache` (what visitors brought and what a page shows) and `out` (what they
    take home).

    The folder is the one that the environment variable ABP_STUDIO_FOLDER names, else one in the
    system's temporary folder. The folders of servers that were killed are cleared away.
    """

    def __init__(self, base: Path | None = None) -> None:
        self.base = (base or _default()).resolve()
        self.runs = self.base / "runs"
        self.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clear_dead()
        self.own = Path(tempfile.mkdtemp(prefix="server-", dir=self.base))
        self._lock = FileLock(self.own / LOCK)
        self._lock.acquire()
        self.cache, self.out = self.own / "cache", self.own / "out"
        self.cache.mkdir()
        self.out.mkdir()

    def close(self) -> None:
        self._lock.release()
        shutil.rmtree(self.own, ignore_errors=True)

    def sweep(self, now: float | None = None) -> None:
        """Deletes what is old, what was broken off, and the oldest of what is too much.

        now: in seconds since the epoch; the present where left out.
        """
        now = time() if now is None else now
        self._clear_dead()
        kept: list[tuple[float, int, Path]] = []
        for folder in (self.cache, self.out, self.runs):
            for path, changed, size in _files(folder):
                broken_off = path.parent == self.cache  # a whole upload lies in a folder of its own
                longest = limits.SECONDS_OF_UPLOAD if broken_off else limits.SECONDS_OF_FILES
                if now - changed > longest:
                    _delete(path)
                else:
                    kept.append((changed, size, path))
        kept.sort()
        too_much = sum(size for _, size, _ in kept) - limits.DISK_MB * 2**20
        for _, size, path in kept:
            if too_much <= 0:
                break
            _delete(path)
            too_much -= size

    def used(self) -> int:
        """Bytes of all that lies here for visitors."""
        return sum(
            size for folder in (self.cache, self.out, self.runs) for _, _, size in _files(folder)
        )

    def make_room(self, folder: Path, more: int, files: int) -> None:
        """Deletes the oldest files of a visitor's folder, so that at most so many are left, and so
        many bytes more are within what a visitor may have."""
        found = sorted((changed, size, path) for path, changed, size in _files(folder))
        total = sum(size for _, size, _ in found) + more
        while found and (len(found) > files or total > limits.VISITOR_MB * 2**20):
            _, size, path = found.pop(0)
            _delete(path)
            total -= size

    def _clear_dead(self) -> None:
        """Folders of servers that no longer hold their lock."""
        for folder in self.base.glob("server-*"):
            lock = FileLock(folder / LOCK)
            with suppress(Timeout, OSError):
                if (
                    time() - folder.stat().st_mtime < limits.SECONDS_OF_UPLOAD
                    and not (folder / LOCK).exists()
                ):
                    continue  # it is just being made
                lock.acquire(timeout=0)
                lock.release()
                shutil.rmtree(folder, ignore_errors=True)


def _default() -> Path:
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    user = os.getuid() if hasattr(os, "getuid") else 0
    usual = Path(tempfile.gettempdir()) / f"abp-studio-{user}"
    return usual if _is_ours(usual) else Path(tempfile.mkdtemp(prefix="abp-studio-"))


def _is_ours(folder: Path) -> bool:
    """Whether a folder is not there yet, or is one in which this user alone may write: the system's
    temporary folder is everybody's."""
    try:
        facts = folder.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    own = not hasattr(os, "getuid") or facts.st_uid == os.getuid()
    return stat.S_ISDIR(facts.st_mode) and own and os.access(folder, os.W_OK | os.X_OK)


def _files(folder: Path) -> Iterator[tuple[Path, float, int]]:
    """Every file below a folder, with when it was changed and its bytes; others may delete them
    meanwhile."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with suppress(OSError):
                facts = path.lstat()
                yield path, facts.st_mtime, facts.st_size


def _delete(path: Path) -> None:
    """A file, and its folder where that is empty then and no part of ours."""
    with suppress(OSError):
        path.unlink()
        if path.parent.name not in ("cache", "out", "runs"):
            path.parent.rmdir()
