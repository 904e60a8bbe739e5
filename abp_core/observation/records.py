"""How a file keeps what was seen."""

import json
import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from abp_core.observation.views import Compressed, Downsampled, Full, Grey, Observation, Occluded

MOST_MASKED = 2**28  # entries of a mask in a file; each takes a bit there and four bytes here


def to_record(observation: Observation) -> tuple[str, dict[str, Tensor]]:
    """What a file keeps of how a run sees its data: JSON, and tensors by name."""
    fields, tensors = observation.record()
    return json.dumps({"kind": observation.name, **fields}), tensors


def from_record(text: str, tensors: Mapping[str, Tensor]) -> Observation:
    """The inverse of `to_record`. Raises ValueError, TypeError or KeyError for anything else."""
    fields = json.loads(text)
    kind, left = fields.pop("kind"), dict(tensors)
    found: Observation
    if kind == "occluded":
        shape, bits = tuple(fields.pop("shape")), left.pop("visible")
        counts = all(type(n) is int and n > 0 for n in shape) and len(shape) in (3, 4)
        if not counts or math.prod(shape) > MOST_MASKED or bits.dtype != torch.uint8:
            raise ValueError("a mask that is none")
        n = math.prod(shape)
        if tuple(bits.shape) != (-(-n // 8),):
            raise ValueError("a mask of another size")
        found = Occluded(torch.from_numpy(np.unpackbits(bits.numpy())[:n]).float().view(shape))
    elif kind == "compressed" and "seed" in fields:
        k, entries, seed = (fields.pop(name) for name in ("k", "entries", "seed"))
        if not all(type(n) is int for n in (k, entries, seed)) or min(k, entries) < 1:
            raise ValueError("projections that are none")
        if k * entries > MOST_MASKED or not 0 <= seed < 2**63:
            raise ValueError("projections out of range")
        found = Compressed.random(k, (entries,), seed=seed)
    elif kind == "compressed":
        found = Compressed(left.pop("projection"))
        if found.projection.ndim != 2 or not found.projection.isfinite().all():
            raise ValueError("projections that are none")
    elif kind == "downsampled":
        found = Downsampled(fields.pop("factor"))
        if type(found.factor) is not int or not 0 < found.factor < 2**20:
            raise ValueError("a factor that is none")
    else:
        plain: dict[str, Observation] = {"full": Full(), "grey": Grey()}
        found = plain[kind]
    if fields or left:
        raise ValueError("more than an observation has")
    return found


def same(a: Observation, b: Observation) -> bool:
    """Whether two runs see their data alike."""
    (text, tensors), (other, others) = to_record(a), to_record(b)
    alike = text == other and tensors.keys() == others.keys()
    return alike and all(torch.equal(tensor, others[name]) for name, tensor in tensors.items())
