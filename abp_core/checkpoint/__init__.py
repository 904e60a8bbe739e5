"""A run in one safetensors file: a header and named groups of tensors."""

from abp_core.checkpoint.file import (
    FORMAT,
    MOST_BYTES,
    Checkpoint,
    CheckpointRejected,
    shrink_dtype,
)

__all__ = ["FORMAT", "MOST_BYTES", "Checkpoint", "CheckpointRejected", "shrink_dtype"]
