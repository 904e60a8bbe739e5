"""Files written whole or not at all: the only way in which this program replaces one."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def open_atomically(path: Path, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` when all went well. mode: who may read it, as
    far as the process's mask lets them. Raises OSError.

    What is no ordinary file, such as /dev/stdout, is written to as it is.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    beside = path.with_name(f".{path.name[:60]}.{secrets.token_hex(6)}.part")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
