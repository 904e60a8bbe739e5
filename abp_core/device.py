"""Where and how precisely things are computed: the only module that knows CPU from CUDA."""

import copy
import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from typing import Self, TypeVar

import torch
from torch import Tensor, nn

from abp_core.errors import Refusal

_C = ctypes.CDLL(None) if os.name == "posix" else None
CHOICE = "ABP_DEVICE"  # a variable of the environment: cpu, cuda, or what is there
Energy = Callable[[Tensor], Tensor]
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Machine:
    """A device and the type of its fast arithmetic: bf16 where a CPU has that itself, else fp32,
    whose convolutions a card rounds (see `set_precision`): bf16 would cost more of an energy there
    than a Metropolis test bears.

    Latents, energies, weights and their updates are always fp32.
    """

    device: torch.device
    fast: torch.dtype

    @property
    def splits_lots(self) -> bool:
        """Whether an example's signal comes out the same, bit for bit, only among as many others
        (see posterior.py): on a CPU in float32."""
        return self.fast is torch.float32 and self.device.type == "cpu"

    @property
    def fills_lots(self) -> bool:
        """Whether examples are evaluated in whole lots, the last one filled up (see posterior.py):
        on a CPU, whose kernels sum otherwise for other numbers of examples. Nothing is promised of
        an example's company on a card, where one alone would cost as much as eight."""
        return self.device.type == "cpu"

    def chain_copy(self, generator: Network) -> Network:
        """A twin of `generator` in fast precision, without weight gradients, for chains."""
        twin = copy.deepcopy(generator).to(self.fast).requires_grad_(False)
        for part in twin.modules():
            if isinstance(part, Exact):
                part.float()
        self.refresh(twin, generator)
        return twin

    def refresh(self, twin: nn.Module, generator: nn.Module) -> None:
        """Gives the twin the generator's weights of now."""
        with torch.no_grad():
            for ours, theirs in zip(twin.parameters(), generator.parameters(), strict=True):
                ours.copy_(theirs)

    def autocast(self) -> AbstractContextManager[None]:
        """Fast precision for a learning step, whose weights stay fp32."""
        enabled = self.fast is not torch.float32
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled)

    @property
    def records(self) -> bool:
        """Whether work is queued on a card and recorded there, see `Queue`."""
        return self.device.type == "cuda"

    def queue(self) -> "Queue":
        """A queue of one's own on the card."""
        return Queue()

    def pin(self, value: Tensor) -> Tensor:
        """`value` (on the CPU) where a card fetches it while the host goes on."""
        return value.pin_memory() if self.device.type == "cuda" else value


def native_bf16() -> bool:
    """Whether this CPU multiplies bf16 itself; emulated bf16 is slower than fp32."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def cpu() -> Machine:
    """The CPU, whatever else is there: where what is only asked now and then lies."""
    return Machine(torch.device("cpu"), torch.bfloat16 if native_bf16() else torch.float32)


class Exact(nn.Module):
    """A network, or a part of one, that is computed in single precision everywhere."""


class DeviceRejected(Refusal):
    """A device that is not here was chosen. The message is one sentence for the user."""


@cache
def this_machine() -> Machine:
    """CUDA where there is a card, else the CPU, or what ABP_DEVICE says; chosen once. Raises
    DeviceRejected."""
    chosen = os.environ.get(CHOICE, "")
    if chosen not in ("", "cpu", "cuda"):
        raise DeviceRejected(
            f"{CHOICE} is {chosen}; please set it to cpu or cuda, or leave it out to take what is "
            "there."
        )
    there = chosen != "cpu" and torch.cuda.is_available()
    if chosen == "cuda" and not there:
        raise DeviceRejected(
            f"{CHOICE} is cuda, but PyTorch {torch.__version__} finds no graphics card here; "
            "please leave it out, or install a PyTorch that knows yours."
        )
    if there:
        set_precision()
        return Machine(torch.device("cuda"), torch.float32)
    return cpu()


def set_precision() -> None:
    """How a card computes, for the whole process. f, which is convolutions, in TF32: its factors
    are rounded to ten bits, and summed in float32. Products of matrices, which measure and compare,
    in float32. The same sums every time; what has no such way only warns, since what need not be
    exact may use it."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # its sums are in one order then
    torch.backends.cudnn.conv.fp32_precision = "tf32"  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def hand_back_memory() -> None:
    """Gives what was freed back: to the system, where the C library is one that keeps it (a run's
    arrays come and go in the memory of many threads), and to the card."""
    trim = getattr(_C, "malloc_trim", None)
    if trim is not None:
        trim(0)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        with suppress(RuntimeError):  # one that broke has nothing to give back
            torch.cuda.empty_cache()


def value_and_grad(energy: Energy, z: Tensor) -> tuple[Tensor, Tensor]:
    """energy (n,) at z and its gradient with respect to z only (gradients of the weights would
    cost half as much again and are not needed by a chain)."""
    z = z.detach().requires_grad_(True)
    value = energy(z)
    (grad,) = torch.autograd.grad(value.sum(), z)
    return value.detach(), grad


class Queue:
    """One job's work on a card: done in order, apart from that of others, while the host goes on.

    Inside `with`, whatever is computed is queued here.
    """

    # The driver refuses two captures at once in a process.
    _capturing = threading.Lock()

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()
        self._inside = ExitStack()

    def __enter__(self) -> Self:
        self._stream.wait_stream(torch.cuda.current_stream())
        self._inside.enter_context(torch.cuda.stream(self._stream))
        return self

    def __exit__(self, *_: object) -> None:
        self._inside.close()
        torch.cuda.current_stream().wait_stream(self._stream)

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """What does the same as `work` at one stroke, as a CUDA graph, without Python's part in it.

        `work` is not done now. It must have been done before, so that libraries have chosen their
        kernels, and may neither ask for an answer nor move anything to or from the host; what it
        reads and writes must stay where it is in memory.
        """
        graph = torch.cuda.CUDAGraph()
        with self._capturing, torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        ):  # fmt: skip
            work()
        return graph.replay
