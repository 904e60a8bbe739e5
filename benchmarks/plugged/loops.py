"""What it takes to step another's code: stand-ins for what only its reports need, and a pause."""

import contextlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterable
from importlib.machinery import ModuleSpec
from typing import Any
from unittest.mock import MagicMock

import torch
from torch import nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook

Step = Callable[[], object]


def stand_in(names: Iterable[str]) -> None:
    """Stand-ins for those of the modules that are not installed."""
    for name in names:
        found = None
        with contextlib.suppress(ModuleNotFoundError, ValueError):
            found = importlib.util.find_spec(name)
        if found is None:
            sys.modules[name] = MagicMock(__spec__=ModuleSpec(name, None))


class Stepped:
    """Iterations of a loop that never returns. It goes on in a thread of its own, and waits
    wherever an optimiser has just changed the weights of `network`.

    loop: is called at once; the first iteration, with all that comes before, is over when this is
    made.
    """

    def __init__(self, loop: Step, network: nn.Module) -> None:
        self._loop, self._weight = loop, next(network.parameters())
        self._onward, self._rest = threading.Semaphore(0), threading.Semaphore(0)
        self._fault: BaseException | None = None
        self._threads = torch.get_num_threads()
        register_optimizer_step_post_hook(self._pause)
        threading.Thread(target=self._run, daemon=True).start()
        self._wait()

    def __call__(self) -> None:
        self._onward.release()
        self._wait()

    def _wait(self) -> None:
        self._rest.acquire()
        if self._fault is not None:
            raise RuntimeError("The peer's loop has ended.") from self._fault

    def _run(self) -> None:
        torch.set_num_threads(self._threads)  # which a new thread does not know
        try:
            self._loop()
        except BaseException as fault:
            self._fault = fault
        self._fault = self._fault or StopIteration()
        self._rest.release()

    def _pause(self, optimiser: Optimizer, _args: Any, _settings: Any) -> None:
        if optimiser.param_groups[0]["params"][0] is self._weight:
            self._rest.release()
            self._onward.acquire()
