"""What cannot be done, as one sentence for the user."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from abp_core.errors import Refusal

NO_MEMORY = "There is not enough memory for this run; please take a smaller batch."


class Rejected(Refusal):
    """What was asked for cannot be done. The message is one sentence for the user."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """The engine's refusals, and a lack of memory, as the studio's."""
    try:
        yield
    except Rejected:
        raise
    except Refusal as error:
        raise Rejected(str(error)) from error
    except (MemoryError, RuntimeError) as error:
        if not _is_lack_of_memory(error):
            raise
        raise Rejected(NO_MEMORY) from error


@contextmanager
def translate_disk_errors() -> Iterator[None]:
    """What a disk refuses as a sentence; the cause goes to the log."""
    try:
        yield
    except OSError as error:
        logging.getLogger(__name__).error("A file could not be written", exc_info=error)
        raise Rejected("The file could not be written; please try again later.") from error


def explain(error: Exception) -> str:
    """The sentence for a run that could not be built or broke."""
    if isinstance(error, Refusal):
        return str(error)
    if _is_lack_of_memory(error):
        return NO_MEMORY
    logging.getLogger(__name__).error("A run broke", exc_info=error)
    return "Something broke inside the studio; please press Train to begin again."


def _is_lack_of_memory(error: Exception) -> bool:
    """torch reports it as a RuntimeError: out of memory, or not enough memory."""
    return isinstance(error, MemoryError) or " memory" in str(error).lower()
