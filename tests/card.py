"""A stand-in for a graphics card, for machines that have none.

Its tensors are on the device `card`, hold their numbers on the CPU, and obey the rules of CUDA:
what is computed together must lie together, and a CPU number counts as a constant. Every transfer
between the host and the card is noted, and every time that the host waits for an answer of it.
What is recorded on it is done again as a card does it, without Python's part in it.
PyTorch keeps one such device, for good: this is for a process of its own.

Everything is computed as on a CPU, so whatever runs on both must end in the same bits.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

from abp_core.device import Machine, Queue

NAME = "card"
# The host must know what these answer: a number, or the shape of what comes out.
WAITS = {
    *("_local_scalar_dense", "is_nonzero", "equal", "nonzero", "masked_select", "_unique2"),
    *("unique_dim", "unique_consecutive", "bincount", "repeat_interleave.Tensor"),
    *("_linalg_eigh", "_linalg_svd", "linalg_lstsq", "_linalg_check_errors"),
}
# What CUDA sums in another order each time, and has no other way to (the documentation of
# torch.use_deterministic_algorithms).
UNORDERED = {
    *(f"{kind}_pad{n}d_backward" for kind in ("reflection", "replication") for n in (1, 2, 3)),
    *("upsample_linear1d_backward", "upsample_bilinear2d_backward", "upsample_bicubic2d_backward"),
    *("upsample_trilinear3d_backward", "grid_sampler_2d_backward", "grid_sampler_3d_backward"),
    *("_adaptive_avg_pool2d_backward", "_adaptive_avg_pool3d_backward", "avg_pool3d_backward"),
    *("adaptive_max_pool2d_backward", "max_pool3d_with_indices_backward", "max_unpool2d"),
    *("fractional_max_pool2d_backward", "nll_loss2d_forward", "_ctc_loss", "scatter_reduce"),
    *("cumsum", "put_", "histc", "kthvalue", "median.dim", "nanmedian.dim"),
}
COPIES = {"copy_", "_copy_from", "_to_copy"}


class WrongDevice(RuntimeError):
    """What lies on the host and on the card was to be computed together."""


class Forbidden(RuntimeError):
    """A transfer, or the host waiting, in what is being recorded."""


class _Module(_DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]


_setup_privateuseone_for_python_backend(NAME, backend_module=_Module())
DEVICE = torch.device(NAME, 0)


class OnCard(Tensor):
    """A tensor on the card; held: its numbers, on the CPU."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "OnCard":
        made: OnCard = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )
        made.held = held
        return made

    def __repr__(self, **_: Any) -> str:
        return f"OnCard({self.held!r})"

    @classmethod
    def __torch_dispatch__(
        cls, op: OpOverload, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _perform(op, args, kwargs or {})


@dataclass
class Log:
    """What went between the host and the card: of a transfer the operation, which way and of what
    shape; of a wait the operation. unordered: operations that may end in other bits each time."""

    transfers: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    unordered: list[str] = field(default_factory=list)
    recording: bool = False
    tape: "Tape | None" = None

    def transfer(self, op: str, way: str, shape: torch.Size) -> None:
        if self.recording:
            raise Forbidden(f"{op} moves {tuple(shape)} {way} the card while it is recorded.")
        self.transfers.append((op, way, tuple(shape)))

    def wait(self, op: str) -> None:
        if self.recording:
            raise Forbidden(f"The host waits for {op} while it is recorded.")
        self.waits.append(op)

    def clear(self) -> None:
        self.transfers.clear()
        self.waits.clear()
        self.unordered.clear()


LOG = Log()


class _Everywhere(TorchDispatchMode):
    """Sees what makes tensors on the card out of nothing."""

    def __torch_dispatch__(
        self, op: OpOverload, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _perform(op, args, kwargs or {})


@contextmanager
def present() -> Iterator[Log]:
    """The card is there, for this thread; the log is empty. Tensors like these bear no inference
    mode, which here is to compute without gradients."""
    LOG.clear()
    without_gradients = {"__enter__": _enter, "__exit__": _exit}
    with _Everywhere(), mock.patch.multiple(torch.inference_mode, **without_gradients):
        yield LOG


def present_here() -> None:
    """The card is there for this other thread, too, as long as it lives."""
    _Everywhere().__enter__()


def _enter(self: torch.inference_mode) -> None:
    self.__dict__["before"] = torch.is_grad_enabled()
    torch.set_grad_enabled(self.__dict__["before"] and not self.mode)


def _exit(self: torch.inference_mode, *_: object) -> None:
    torch.set_grad_enabled(self.__dict__["before"])


@contextmanager
def recording() -> Iterator[None]:
    """As a graph is captured: no transfer, and nobody waits. Raises Forbidden."""
    LOG.recording = True
    try:
        yield
    finally:
        LOG.recording = False


class Tape:
    """Operations as they were recorded, and what stood in the memory that they wrote to."""

    def __init__(self) -> None:
        self._operations: list[tuple[OpOverload, Any, Any, Any]] = []
        self._stood: dict[int, tuple[Tensor, Tensor]] = {}
        self._own: set[int] = set()

    def before(self, op: OpOverload, args: Any, kwargs: Any) -> None:
        """Keeps what this operation will write over."""
        for argument, value in _by_name(op, args, kwargs):
            if argument.alias_info is not None and argument.alias_info.is_write:
                for written in pytree.tree_leaves(value):
                    self._keep(written)

    def after(self, op: OpOverload, args: Any, kwargs: Any, made: Any) -> None:
        """Adds what was done. What a tensor looks like may change in place, which costs nothing."""
        if torch.Tag.inplace_view not in op.tags:
            self._operations.append((op, *pytree.tree_map(_as_it_looks, (args, kwargs, made))))
        given = {_memory(x) for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, Tensor)}
        new = {_memory(x) for x in pytree.tree_leaves(made) if isinstance(x, Tensor)}
        self._own |= new - given

    def undo(self) -> None:
        """To record is not to do."""
        for memory, stood in self._stood.values():
            memory.copy_(stood)

    def replay(self) -> None:
        """Does it all again, each result in the memory in which it was."""
        for op, args, kwargs, made in self._operations:
            anew = pytree.tree_leaves(op(*args, **kwargs))
            for was, now in zip(pytree.tree_leaves(made), anew, strict=True):
                if isinstance(was, Tensor) and _memory(was) != _memory(now):
                    was.copy_(now)

    def _keep(self, written: Tensor) -> None:
        key = _memory(written)
        if key not in self._own and key not in self._stood:
            whole = torch.empty(0, dtype=written.dtype).set_(written.untyped_storage())
            self._stood[key] = whole, whole.clone()


def _as_it_looks(x: Any) -> Any:
    return x.detach() if isinstance(x, Tensor) else x


def _memory(x: Tensor) -> int:
    return x.untyped_storage().data_ptr()


def _by_name(op: OpOverload, args: Any, kwargs: Any) -> Iterator[tuple[Any, Any]]:
    for place, argument in enumerate(op._schema.arguments):
        if argument.name in kwargs:
            yield argument, kwargs[argument.name]
        elif place < len(args):
            yield argument, args[place]


class CardQueue(Queue):
    """The card does everything at once, so there is nothing to be queued."""

    def __init__(self) -> None:
        pass

    def __enter__(self) -> "CardQueue":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        LOG.tape = tape = Tape()
        try:
            with recording():
                work()
        finally:
            LOG.tape = None
        outside = torch.utils._python_dispatch._disable_current_modes
        with outside():
            tape.undo()

        def replay() -> None:
            with outside():
                tape.replay()

        return replay


class CardMachine(Machine):
    """The card as a machine."""

    __slots__ = ()

    @property
    def records(self) -> bool:
        return True

    def queue(self) -> Queue:
        return CardQueue()


def machine() -> Machine:
    return CardMachine(DEVICE, torch.float32)


def _perform(op: OpOverload, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    there = [x for x in tensors if isinstance(x, OnCard)]
    here = [x for x in tensors if not isinstance(x, OnCard)]
    name = op.name().removeprefix("aten::")
    short = name.split(".")[0]
    place = kwargs.get("device")
    out = torch.device(place).type == NAME if place is not None else bool(there)
    if short in COPIES:
        _note_copy(short, args, kwargs)
    elif there and here:
        _require_together(name, here, there, args)
    if there and (name in WAITS or short in WAITS):
        LOG.wait(name)
    if there and (name in UNORDERED or short in UNORDERED):
        LOG.unordered.append(name)
    held = pytree.tree_map(_held, (args, kwargs))
    if LOG.tape and (there or out):
        # A graph holds the host's numbers as they were.
        held = pytree.tree_map(lambda x: _frozen(x, here), held)
        LOG.tape.before(op, *held)
    made = op(*held[0], **held[1])
    if LOG.tape and (there or out):
        LOG.tape.after(op, *held, made)
    known = {id(x.held): x for x in there}

    def placed(x: Any) -> Any:
        if not isinstance(x, Tensor):
            return x
        if id(x) in known:
            return known[id(x)]
        if short == "copy_":
            return args[0]
        return OnCard(x) if out else x

    return pytree.tree_map(placed, made)


def _held(x: Any) -> Any:
    if isinstance(x, OnCard):
        return x.held
    if isinstance(x, torch.device) and x.type == NAME:
        return torch.device("cpu")
    return x


def _frozen(x: Any, here: list[Tensor]) -> Any:
    return x.clone() if isinstance(x, Tensor) and any(x is each for each in here) else x


def _note_copy(op: str, args: Any, kwargs: dict[str, Any]) -> None:
    if op == "_to_copy":
        place = kwargs.get("device")
        came, goes = isinstance(args[0], OnCard), place and torch.device(place).type == NAME
        if place is None or came == bool(goes):
            return
        shape = args[0].shape
    else:
        goes, came = isinstance(args[0], OnCard), isinstance(args[1], OnCard)
        if goes == came:
            return
        shape = args[1].shape
    LOG.transfer(op, "to" if goes else "from", shape)
    if not goes:
        LOG.wait(op)


def _require_together(name: str, here: list[Tensor], there: list[OnCard], args: Any) -> None:
    """CUDA takes numbers of the host as constants, and indices, which it fetches."""
    others = [x for x in here if x.ndim > 0]
    if not others:
        return
    if name.startswith("index") and isinstance(args[0], OnCard):
        indices = [x for x in pytree.tree_leaves(args[1]) if isinstance(x, Tensor)]
        values = [x for x in others if not any(x is index for index in indices)]
        if not values:
            for index in others:
                LOG.transfer(name, "to", index.shape)
            return
    shapes = ", ".join(str(tuple(x.shape)) for x in others)
    raise WrongDevice(f"{name} of what lies on the card and, of {shapes}, on the host.")
