"""A run in one safetensors file, written whole or not at all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor

from abp_core import observation as observations
from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.checkpoint.groups import (
    fits,
    read_numbers,
    require_healthy_values,
    shows,
    take,
    take_groups,
    to_single,
)
from abp_core.data.atomic import open_atomically
from abp_core.data.datasets import Source
from abp_core.errors import Refusal
from abp_core.generator import Generator
from abp_core.observation import Full, Observation
from abp_core.priors import kinds
from abp_core.priors.kinds import Prior
from abp_core.spec import TrainingSpec

CPU = torch.device("cpu")

FORMAT = "abp-1"
MOST_BYTES = 200_000_000
WHOLE = '{"kind": "full"}'
SAMPLE_LOSS = "sample_loss/"
EARLIER_NAME = ("teacher/pupil.", SAMPLE_LOSS)  # of that group in files of before
NOT_NEEDED = (SAMPLE_LOSS, "teacher/")  # without that loss


class CheckpointRejected(Refusal):
    """A file that is no checkpoint of this program. The message is one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Everything a run needs to go on exactly, except the data, of which it keeps a digest.

    sigma: noise level in signal units. step_size: of the walk by now. updates: learning steps that
    were taken (an iteration in which every chain diverged takes none). weights, first_moments,
    second_moments: by parameter name. latents (examples, *latent_shape): where the persistent
    chains stand; one over a whole picture or sound has the shape of its map, (1, c, ...).
    curvature (c, c): what the metric of a preconditioned walk is made of. sample_loss: what the
    second loss of a run that has one goes on from. particles: "others" ((particles - 1) * examples,
    ...), where all but the first of every example stand, if there are any. driven: "noise" (frames,
    d), that drives the states of a film with a transition, which its latents are, and "before"
    (d,), where it begins. learnt: what a prior needs beside the latents; nothing before it is
    learnt. All are float32. observation: how the run sees its data.

    In its light form it is the model alone: there are no moments, and updates is 0.
    """

    spec: TrainingSpec
    source: Source
    digest: str
    sigma: float
    step_size: float
    iteration: int
    updates: int
    seconds: float
    weights: dict[str, Tensor]
    first_moments: dict[str, Tensor]
    second_moments: dict[str, Tensor]
    latents: Tensor
    curvature: Tensor
    sample_loss: dict[str, Tensor] = field(default_factory=dict)
    particles: dict[str, Tensor] = field(default_factory=dict)
    driven: dict[str, Tensor] = field(default_factory=dict)
    learnt: dict[str, Tensor] = field(default_factory=dict)
    observation: Observation = field(default_factory=Full)

    def generator(self, device: torch.device = CPU) -> Generator:
        """The network with these weights."""
        made = Generator.of(self.spec.generator, self.weights).requires_grad_(False)
        return made.to(device)

    def preconditioner(self, device: torch.device = CPU) -> Preconditioner | None:
        """Of the walk by now, worked out where it walks; None where it has none of its own."""
        if not self.spec.langevin.preconditioned:
            return None
        return Preconditioner.of(self.curvature.to(device))

    def prior(self) -> Prior:
        """Where new latents come from, as the latents stand."""
        return kinds.prior_of(self.spec, self.latents, self.learnt, self.weights)

    def at(self, step_size: float) -> Self:
        """The same state, to go on with another Langevin step size, which then stays.
        Raises SpecRejected."""
        spec = replace(self.spec, langevin=self.spec.langevin.at(step_size))
        return replace(self, spec=spec, step_size=step_size)

    def tensors(self) -> dict[str, Tensor]:
        """All of them, by the names that they have in the file; weights and latents of a light
        checkpoint in half precision where it holds them exactly."""
        groups = {
            "weights": self.weights,
            "first_moments": self.first_moments,
            "second_moments": self.second_moments,
            "sample_loss": self.sample_loss,
            "particles": self.particles,
            "driven": self.driven,
            "prior": self.learnt,
        }
        named = {
            f"{group}/{name}": tensor
            for group, members in groups.items()
            for name, tensor in members.items()
        }
        named["latents"] = self.latents
        if not self.first_moments:
            named = {name: shrink_dtype(tensor) for name, tensor in named.items()}
        named["curvature"] = self.curvature
        _, seen = observations.to_record(self.observation)
        named |= {f"observation/{name}": tensor for name, tensor in seen.items()}
        return {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}

    def content(self) -> bytes:
        """Of the file. The same checkpoint always gives the same bytes."""
        return encode(self.header(), self.tensors())

    def header(self) -> dict[str, str]:
        """All that is no tensor, as the file has it."""
        return {
            "format": FORMAT,
            "spec": self.spec.to_json(),
            "source": self.source.to_json(),
            "observation": observations.to_record(self.observation)[0],
            "digest": self.digest,
            "numbers": json.dumps(
                [self.sigma, self.step_size, self.iteration, self.updates, self.seconds]
            ),
        }

    def save(self, path: Path, *, private: bool = False) -> None:
        """Writes beside `path` first, so that a crash leaves the old file or the new one. private:
        for nobody but the user who runs this; else for whom the process's mask lets read it."""
        with open_atomically(path, 0o600 if private else 0o666) as file:
            file.write(self.content())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises CheckpointRejected, and nothing else, for any file that `save` did not write."""
        try:
            if path.stat().st_size > MOST_BYTES:
                raise CheckpointRejected(
                    f"{path.name} is larger than {MOST_BYTES // 10**6} MB; it is no checkpoint of "
                    "this studio."
                )
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                if header.get("format") != FORMAT:
                    raise CheckpointRejected(
                        f"{path.name} holds another program's model; please choose a checkpoint "
                        "that this studio saved."
                    )
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return cls.from_parts(header, tensors)
        except CheckpointRejected:
            raise
        except OSError as error:
            raise CheckpointRejected(f"{path.name} could not be opened.") from error
        except SafetensorError as error:
            raise CheckpointRejected(
                f"{path.name} is cut short or no safetensors file; please choose a checkpoint "
                "that this studio saved."
            ) from error
        except (ValueError, TypeError, KeyError, RuntimeError) as error:
            raise CheckpointRejected(
                f"{path.name} is damaged; please choose another checkpoint."
            ) from error

    @classmethod
    def from_parts(cls, header: dict[str, str], tensors: dict[str, Tensor]) -> Self:
        """The inverse of `header` and `tensors`. Raises ValueError, TypeError, KeyError or
        RuntimeError for anything else."""
        spec, source = TrainingSpec.from_json(header["spec"]), Source.from_json(header["source"])
        if source.kind != spec.generator.kind:
            raise ValueError("data of another kind than the network's")
        sigma, step_size, iteration, updates, seconds = read_numbers(header["numbers"])
        text = header.get("observation", WHOLE)  # files from before lack it
        observation = observations.from_record(text, take(tensors, "observation/"))
        tensors = {name.replace(*EARLIER_NAME): t for name, t in tensors.items()}
        if not spec.sample_loss_rate:  # what such a loss of another time left behind
            tensors = {k: t for k, t in tensors.items() if not k.startswith(NOT_NEEDED)}
        groups = take_groups(spec, tensors)
        if updates and not groups["first_moments"]:
            raise ValueError("learning steps without what they left behind")
        channels = spec.generator.latent_shape[0]
        if not spec.langevin.preconditioned:  # files from before there was a metric lack it
            tensors.setdefault("curvature", torch.eye(channels))
        latents, curvature = to_single(tensors.pop("latents")), tensors.pop("curvature")
        if tensors or not fits(spec, latents) or not shows(spec, latents, observation):
            raise ValueError("tensors, or an observation, that the spec does not know")
        if tuple(curvature.shape) != (channels, channels):
            raise ValueError("a curvature of other latents")
        require_healthy_values([latents, curvature], groups)
        learnt = groups.pop("prior")
        if learnt:
            kinds.prior_of(spec, latents, learnt, groups["weights"])  # refuses what is none
        return cls(
            spec=spec,
            source=source,
            learnt=learnt,
            observation=observation,
            digest=header["digest"],
            sigma=sigma,
            step_size=step_size,
            iteration=iteration,
            updates=updates,
            seconds=seconds,
            latents=latents,
            curvature=curvature,
            **groups,
        )


def encode(header: dict[str, str], tensors: Mapping[str, Tensor]) -> bytes:
    """A safetensors file of tensors on the CPU; the same ones always give the same bytes."""
    # By numpy: safetensors' own way from torch leaves copies that only the collector frees.
    return _in_order(save({name: tensor.numpy() for name, tensor in tensors.items()}, header))


def _in_order(content: bytes) -> bytes:
    """The same safetensors file with its metadata sorted by name; safetensors itself writes them in
    an order that differs from one process to the next."""
    start = 8 + int.from_bytes(content[:8], "little")
    listing = json.loads(content[8:start])
    listing["__metadata__"] = dict(sorted(listing["__metadata__"].items()))
    head = json.dumps(listing, separators=(",", ":"), ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)  # the tensors begin at a multiple of eight bytes
    return b"".join([len(head).to_bytes(8, "little"), head, memoryview(content)[start:]])


def shrink_dtype(tensor: Tensor) -> Tensor:
    """In half precision where that loses nothing, else as it is."""
    half = tensor.half()
    return half if torch.equal(half.to(tensor.dtype), tensor) else tensor
