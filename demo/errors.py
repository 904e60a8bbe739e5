"""What cannot be done, as one sentence for the user."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from abp_core.errors import Refusal
from abp_core.faults import broke_card, lacks_memory

NO_MEMORY = "There is not enough memory for this run; please take a smaller batch."
BROKEN = (
    "The graphics card failed, and the studio restarts; in a moment you can go on with your run "
    "from where it was saved last."
)
card_broke = threading.Event()  # for good: whoever serves restarts the process


class Rejected(Refusal):
    """What was asked for cannot be done. The message is one sentence for the user."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """The engine's refusals, a lack of memory, and a card that broke, as the studio's."""
    try:
        yield
    except Rejected:
        raise
    except Refusal as error:
        raise Rejected(str(error)) from error
    except (MemoryError, RuntimeError) as error:
        sentence = _fault(error)
        if not sentence:
            raise
        raise Rejected(sentence) from error


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
    if sentence := _fault(error):
        return sentence
    logging.getLogger(__name__).error("A run broke", exc_info=error)
    return "Something broke inside the studio; please begin again."


def _fault(error: Exception) -> str:
    """The sentence for what is the machine's, or nothing. A card that broke is told to whoever
    serves."""
    if lacks_memory(error):
        return NO_MEMORY
    if not broke_card(error):
        return ""
    logging.getLogger(__name__).error("The graphics card failed", exc_info=error)
    card_broke.set()
    return BROKEN
