"""How many threads of the machine each kind of work may take."""

import torch


def one_thread() -> None:
    """Keeps what this thread computes to itself: pictures under the hand are small, and a run
    beside them needs the other cores."""
    torch.set_num_threads(1)
