"""What the command lines share: a refusal is one sentence on stderr and exit code 2, a card that
failed one and 75."""

import argparse
import contextlib
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

from abp_core.errors import Refusal
from abp_core.faults import BROKEN_CODE, broke_card, lacks_memory

NO_MEMORY = "There is not enough memory for this; please ask for less at once."
BROKEN = "The graphics card failed; please run the command again."


class BrokenCard(Refusal):
    """The card failed, and is lost to this process. The message is one sentence for the user."""


class Parser(argparse.ArgumentParser):
    """An argument parser that refuses in one sentence, without the usage lines."""

    def error(self, message: str) -> NoReturn:
        _, _, sentence = (
            message.rpartition(": ") if message.startswith("argument") else ("", "", "")
        )
        sentence = sentence if sentence.endswith(".") else f"{message}."
        raise Refusal(sentence[0].upper() + sentence[1:])


class _Telling:
    """A stream to whoever listens. Work that is told of must not be lost when nobody does any more,
    or the disk under a log is full: then the rest is told to nobody."""

    def __init__(self, stream: TextIO) -> None:
        stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            return self._fall_silent(len(text))

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._fall_silent(0)

    def _fall_silent(self, written: int) -> int:
        # In place of the stream itself, which is flushed once more when the process ends.
        with contextlib.suppress(OSError):
            nobody = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nobody, self._stream.fileno())
            os.close(nobody)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def run(main: Callable[[], int]) -> NoReturn:
    """Ends the process with main's exit code, or with 2 and the sentence of a refusal, or with 75
    and one where the card failed. What it prints in between never breaks it."""
    sys.stdout, sys.stderr = (
        stream and cast(TextIO, _Telling(stream)) for stream in (sys.stdout, sys.stderr)
    )
    try:
        code = main()
    except BrokenCard as broken:
        code = _refuse(str(broken), BROKEN_CODE)
    except Refusal as refusal:
        code = _refuse(str(refusal))
    except OSError as error:  # a full disk, a folder that was taken away
        code = _refuse(
            f"{error.filename or 'The file'} could not be used: {error.strerror or error}."
        )
    except (MemoryError, RuntimeError) as error:
        if broke_card(error):
            code = _refuse(BROKEN, BROKEN_CODE)
        elif lacks_memory(error):
            code = _refuse(NO_MEMORY)
        else:
            raise
    sys.exit(code)


def number(what: str, lowest: float, highest: float) -> Callable[[str], float]:
    """A converter for argparse: a finite number in (lowest, highest]."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not lowest < value <= highest:
            raise argparse.ArgumentTypeError(
                f"{what} must be a number above {lowest:g} and at most {highest:,g}."
            )
        return value

    return convert


def count(what: str, lowest: int, highest: int) -> Callable[[str], int]:
    """A converter for argparse: a whole number in [lowest, highest]."""

    def convert(text: str) -> int:
        try:
            value = int(text) if len(text) < 50 else lowest - 1
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(
                f"{what} must be a whole number from {lowest} to {highest:,}."
            )
        return value

    return convert


def seed(text: str) -> int:
    """A converter for argparse: a seed."""
    return count("The seed", 0, 2**63 - 1)(text)


def require_place(out: Path) -> None:
    """Raises Refusal where no file can be written at `out`."""
    if out.is_dir():
        raise Refusal(f"{out} is a folder; please add a file name.")
    if not out.parent.is_dir():
        raise Refusal(f"The folder {out.parent} does not exist; please make it first.")
    if not os.access(out.parent, os.W_OK):
        raise Refusal(f"The folder {out.parent} cannot be written to; please choose another.")


def _refuse(sentence: str, code: int = 2) -> int:
    print(sentence, file=sys.stderr)
    return code
