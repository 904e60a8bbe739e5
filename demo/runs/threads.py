"""How many threads of the machine each kind of work may take."""

import torch

ALL = torch.get_num_threads()


def one_thread() -> None:
    """Keeps what this thread computes to itself: pictures under the hand are small, and a run
    beside them needs the other cores."""
    torch.set_num_threads(1)


def all_threads() -> None:
    """Lets this thread compute on all cores. A new thread takes what was set last in any other."""
    torch.set_num_threads(ALL)
