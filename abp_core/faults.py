"""What machines fail by: a lack of memory, which may pass, or a card lost to this process."""

import re

import torch

BROKEN_CODE = 75  # of a process that ends by it: to begin it anew helps (sysexits.h: EX_TEMPFAIL)
_LACKING = re.compile(
    "out of memory|not enough memory|(can't|cannot) allocate|failed to allocate|_ALLOC_FAILED",
    re.IGNORECASE,
)
# In CUDA's words. After these whatever is asked of the card in this process fails, too.
_BROKEN = re.compile(
    "illegal memory access|illegal instruction|device-side assert|launch failure|launch timed out"
    "|misaligned address|invalid program counter|hardware stack error|global/shared address space"
    "|uncorrectable|_STATUS_EXECUTION_FAILED",
    re.IGNORECASE,
)
# And these leave it as it was: the card is too old, or was asked for something impossible.
_HARMLESS = re.compile("no kernel image|invalid (argument|configuration|device)|captur")


def lacks_memory(error: Exception) -> bool:
    """Whether the host or the card had too little memory for what was asked."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and _LACKING.search(str(error)) is not None


def broke_card(error: Exception) -> bool:
    """Whether the card is lost to this process: CUDA keeps such an error, and answers all that
    comes later with it, until the process ends. What is not known to pass counts as one."""
    if not isinstance(error, RuntimeError) or lacks_memory(error):
        return False
    told = str(error)
    if isinstance(error, torch.AcceleratorError):
        return _BROKEN.search(told) is not None or _HARMLESS.search(told) is None
    return "CU" in told and _BROKEN.search(told) is not None
