"""Alternating back-propagation and its variants, as members of a comparison."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.family.inference import infer_latents
from abp_core.family.member import Shown, Told
from abp_core.family.trial import Trial
from abp_core.learning.events import Diverging
from abp_core.spec import TrainingSpec
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer

PRIOR_SHARE = 0.08  # of the time, for a prior that is learnt along


class Alternating:
    """A run of the trainer with the settings of a trial, some of them changed."""

    def __init__(self, trial: Trial, seed: int, **changes: Any) -> None:
        self.trial, self.seed = trial, seed
        self.spec: TrainingSpec = dataclasses.replace(trial.spec, seed=seed, **changes)
        self._take(Trainer(self.spec, trial.data), 0.0)
        self.parameters = sum(p.numel() for p in self._trainer.generator.parameters())

    def _take(self, trainer: Trainer, seconds: float) -> None:
        self._trainer, self.seconds = trainer, seconds
        self._diverging = Diverging(trainer.chains)
        self._prior = trainer.learn_prior()
        self._prior_seconds = PRIOR_SHARE * seconds

    @property
    def iteration(self) -> int:
        return self._trainer.iteration

    def alternation(self) -> Iterator[Told | None]:
        for event in self._trainer.alternation():
            if event is None:
                yield None
                continue
            self.seconds += event.seconds + self._learn_prior()
            lost = self._diverging.observe(event)
            yield Told(event.iteration, event.reconstruction_error, event.seconds, lost)

    def _learn_prior(self) -> float:
        """A round of a prior that has something to learn, where its share allows for it; the
        seconds that it took."""
        if self.spec.prior != "flow" or self._prior_seconds > PRIOR_SHARE * self.seconds:
            return 0.0
        begun = perf_counter()
        if next(self._prior, None) is None:  # from the latents as they are by now
            self._prior = self._trainer.learn_prior(anew=False)
        took = perf_counter() - begun
        self._prior_seconds += took
        return took

    def sample(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        generator, prior = self._trainer.generator, self._trainer.prior()
        if self.trial.kind == "objects":
            return sampling.sample(generator, prior, n, seed)
        maps = [prior.map(seed + k) for k in range(n)]
        return torch.cat([sampling.generate_field(generator, z, size) for z in maps])

    def rebuild(self, x: Tensor) -> Tensor:
        trainer = self._trainer
        z = infer_latents(trainer.checkpoint(), x)
        with torch.inference_mode():
            made: Tensor = trainer.generator(z.to(trainer.machine.device)).float().cpu()
        return made

    def energy(self, x: Tensor) -> None:
        return None

    def show(self) -> tuple[Shown, ...]:
        return ()

    def tensors(self) -> dict[str, Tensor]:
        saved = self._trainer.checkpoint()
        numbers = torch.tensor([saved.step_size, saved.updates], dtype=torch.float64)
        return {**saved.tensors(), "numbers": numbers}

    def resume(self, tensors: Mapping[str, Tensor], iteration: int, seconds: float) -> None:
        now, tensors = self._trainer.checkpoint(), dict(tensors)
        step_size, updates = tensors.pop("numbers").tolist()
        numbers = [now.sigma, step_size, iteration, int(updates), seconds]
        header = {**now.header(), "numbers": json.dumps(numbers)}
        saved = Checkpoint.from_parts(header, tensors)
        self._take(Trainer.resume(saved, self.trial.data), seconds)

    def checkpoint(self) -> Checkpoint:
        return self._trainer.checkpoint()
