"""A lack of memory, which may pass, told apart from a card that is lost to the process."""

import pytest
import torch

from abp_core.faults import broke_card, lacks_memory


def raised_by_asking_for_too_much() -> Exception:
    """What torch itself raises here."""
    with pytest.raises(RuntimeError) as told:
        torch.empty(2**50)
    return told.value


@pytest.mark.parametrize(
    "error",
    [
        raised_by_asking_for_too_much(),
        MemoryError(),
        torch.OutOfMemoryError("Allocation on device 0 would exceed the allowed share."),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] not enough memory: you tried to allocate 8"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=str,
)
def test_a_lack_of_memory(error: Exception) -> None:
    assert lacks_memory(error)
    assert not broke_card(error)


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
        torch.AcceleratorError("CUDA error: device-side assert triggered"),
        torch.AcceleratorError("CUDA error: unspecified launch failure"),
        torch.AcceleratorError("CUDA error: global/shared address space"),
        torch.AcceleratorError("CUDA error: nobody knows what"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    ],
    ids=str,
)
def test_a_card_that_is_lost(error: Exception) -> None:
    assert broke_card(error)
    assert not lacks_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: no kernel image is available for execution"),
        torch.AcceleratorError("CUDA error: operation not permitted when stream is capturing"),
        RuntimeError("Expected all tensors to be on the same device"),
        RuntimeError("an illegal memory access was encountered"),  # of no card
        ValueError("CUDA out of memory"),
    ],
    ids=str,
)
def test_other_errors_are_neither(error: Exception) -> None:
    assert not lacks_memory(error)
    assert not broke_card(error)
