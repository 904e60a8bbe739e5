"""Small networks, data and measures that the tests share."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from abp_core.checkpoint import Checkpoint
from abp_core.data.datasets import Dataset, Source
from abp_core.device import Machine
from abp_core.generator import Generator
from abp_core.observation import Observation
from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer

FP32 = Machine(torch.device("cpu"), torch.float32)
BF16 = Machine(torch.device("cpu"), torch.bfloat16)


class _AsACard(Machine):
    """The CPU where it evaluates just those examples that are asked for, as a card does."""

    __slots__ = ()

    @property
    def fills_lots(self) -> bool:
        return False


AS_A_CARD = _AsACard(torch.device("cpu"), torch.float32)

# One network of every kind: spatial and vector latents, pictures and sounds.
NETWORKS = {
    "texture": GeneratorSpec(
        latent_shape=(3, 2, 3), channels=(8,), kernel_size=5, upsampling=2, out_channels=3
    ),
    "sound": GeneratorSpec(
        latent_shape=(4, 5), channels=(8,), kernel_size=9, upsampling=4, out_channels=1
    ),
    "objects": GeneratorSpec(
        latent_shape=(6,),
        projection=(8, 2, 2),
        channels=(8,),
        kernel_size=5,
        upsampling=2,
        out_channels=3,
        leak=0.2,
    ),
    "vector sound": GeneratorSpec(
        latent_shape=(6,),
        projection=(8, 5),
        channels=(8,),
        kernel_size=6,
        upsampling=3,
        out_channels=1,
        leak=0.2,
    ),
}

# Networks of one whole picture or sound: signals of 64 pixels and of 1280 samples.
WHOLE = {
    "texture": GeneratorSpec(
        latent_shape=(4, 12, 12),
        margins=True,
        channels=(8, 8),
        kernel_size=5,
        upsampling=2,
        out_channels=3,
    ),
    "sound": GeneratorSpec(
        latent_shape=(4, 24),
        margins=True,
        channels=(8, 8),
        kernel_size=9,
        upsampling=4,
        out_channels=1,
    ),
}
# Of a film of 64 x 48 pixels, every frame of which has a latent map.
FILM = GeneratorSpec(
    latent_shape=(4, 12, 16),
    channels=(8,),
    kernel_size=5,
    upsampling=2,
    out_channels=3,
    moving=True,
)
SHOWN = {"texture": (22, 19), "sound": (90,)}  # positions of the pictures and sounds they learn


def training(network: GeneratorSpec, **changes: object) -> TrainingSpec:
    """Settings for a short run of `network`."""
    settings = {
        "langevin": LangevinSpec(steps=4, step_size=0.1),
        "sigma": 0.3,
        "learning_rate": 3e-3,
        "batch_size": 4,
        "examples": 10,
        "seed": 7,
    }
    return TrainingSpec(generator=network, **(settings | changes))


def dataset(network: GeneratorSpec, n: int = 10, seed: int = 0) -> Dataset:
    """n signals that another network of the same shape made."""
    kind = network.kind
    source = Source(kind=kind, name="made", sample_rate=16_000 if kind == "sound" else 0)
    maker = Generator(network, seed=1000 + seed).requires_grad_(False)
    z = torch.randn(n, *network.latent_shape, generator=torch.Generator().manual_seed(seed))
    return Dataset(maker(z * 2).contiguous(), source)


def whole_training(kind: str, **changes: object) -> TrainingSpec:
    """Settings for a short run of one of WHOLE, whose prior is what it infers."""
    walk = LangevinSpec(steps=3, step_size=0.4, temperature=0.1, preconditioned=True)
    settings = {"langevin": walk, "batch_size": 1, "examples": 1, "window": 10, "prior": "exemplar"}
    return training(WHOLE[kind], **(settings | changes))


def whole_dataset(kind: str) -> Dataset:
    """What another network of the same shape made of smooth latents, larger than its signals."""
    network, axes = WHOLE[kind], len(SHOWN[kind])
    shape = (network.latent_shape[0], *(n + 2 * network.margin for n in SHOWN[kind]))
    z = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    for axis in range(2, 2 + axes):
        z = (z + z.roll(1, axis)) / 2**0.5
    maker = Generator(network, seed=1000).requires_grad_(False)
    source = Source(kind=network.kind, name="made", sample_rate=16_000 if axes == 1 else 0)
    return Dataset(maker(z * 2).contiguous(), source)


def whole_run(kind: str, iterations: int = 3) -> Checkpoint:
    """A run of one of WHOLE as it stands after a few iterations."""
    trainer = Trainer(whole_training(kind), whole_dataset(kind), machine=FP32)
    for _ in trainer.steps(iterations):
        pass
    return trainer.checkpoint()


def film_dataset(frames: int = 60) -> Dataset:
    """What another network of the shape of FILM made of waves that never come round together."""
    t, row, column = torch.meshgrid(
        torch.arange(frames), torch.arange(12), torch.arange(16), indexing="ij"
    )
    waves = [
        torch.sin(2 * torch.pi * (t / turn + row / 7 + column / wide))
        for turn, wide in ((12, 5), (7.7, 6), (19, 8), (31, 11))
    ]
    maker = Generator(FILM, seed=1000).requires_grad_(False)
    source = Source(kind="film", name="made", frame_rate=15)
    return Dataset(maker(2 * torch.stack(waves, 1)).contiguous(), source)


def film_run(iterations: int = 30) -> Checkpoint:
    """A run of FILM as it stands after a few iterations."""
    walk = LangevinSpec(steps=1, step_size=0.4, temperature=0.1, preconditioned=True)
    spec = training(FILM, langevin=walk, examples=60, components=True, prior="windows", sigma=0.1)
    trainer = Trainer(spec, film_dataset(), machine=FP32)
    for _ in trainer.steps(iterations):
        pass
    return trainer.checkpoint()


def sha256(saved: Checkpoint) -> str:
    """Of all tensors of a run, with their names and shapes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(saved.tensors().items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def goes_on_exactly(
    spec: TrainingSpec,
    data: Dataset,
    path: Path,
    *,
    before: int,
    after: int,
    machine: Machine | None = None,
    observation: Observation | None = None,
) -> Checkpoint:
    """Asserts that a run which is saved to `path` after `before` iterations and goes on from there
    ends, `after` more, as one that was not interrupted. Returns what was saved."""
    whole, first = (Trainer(spec, data, observation, machine=machine) for _ in range(2))
    for _ in whole.steps(before + after):
        pass
    for _ in first.steps(before):
        pass
    first.checkpoint().save(path)
    saved = Checkpoint.load(path)
    second = Trainer.resume(saved, data, machine=machine)
    for _ in second.steps(after):
        pass
    assert sha256(second.checkpoint()) == sha256(whole.checkpoint())
    return saved


@dataclass
class Memory:
    """growth: bytes by which resident memory rose at its highest."""

    growth: int = 0


@contextlib.contextmanager
def peak_memory() -> Iterator[Memory]:
    """Measures how far resident memory rises above its level on entry (Linux only)."""
    try:
        Path("/proc/self/clear_refs").write_text(
            "5", encoding="utf-8"
        )  # the high-water mark begins anew
    except OSError:
        pytest.skip("this system does not let a process reset its memory high-water mark")
    before, memory = _status("VmRSS"), Memory()
    yield memory
    memory.growth = _status("VmHWM") - before


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        name, value = line.split(":", 1)
        if name == field:
            return int(value.split()[0]) * 1024
    raise LookupError(field)
