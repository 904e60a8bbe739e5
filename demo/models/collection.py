"""The current model of a visitor: a shipped one, one from a file, or the run as it stands."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from torch import Tensor

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.analysis import excerpts, traces
from abp_core.checkpoint import Checkpoint
from abp_core.data.datasets import Dataset
from abp_core.device import this_machine
from abp_core.generator import Generator
from abp_core.priors.kinds import Prior
from abp_core.spec import Kind
from abp_core.zoo import catalogue
from abp_core.zoo.catalogue import Shipped
from demo import limits
from demo.cache import Cache
from demo.models.cards import label_of
from demo.models.downloads import model_file
from demo.models.medium import Medium, medium_of

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"
STEP_IN_METRIC = 0.6  # of a walk, where steps of about 1 fit every direction,
STEP_THROUGH_TIME = 0.3  # and where what moves a frame of a film moves all that follow
Origin = Literal["shipped", "file", "run"]


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network, ready to be used by any number of visitors at once; it lies on the card
    where there is one, and what is made by it on the CPU.

    key: tells models apart, all but the snapshots of one run that is used as it grows. label: its
    name in words. credit: of the data it learnt from. command_path: what the command line would be
    given to find it. data: the file that a visitor's own run learns from; learnt_from: what it
    learnt from, where that is a part of a file.
    """

    key: str
    name: str
    label: str
    kind: Kind
    credit: str
    origin: Origin
    saved: Checkpoint
    generator: Generator
    command_path: str
    data: Path | None = None
    learnt_from: Dataset | None = None

    @cached_property
    def medium(self) -> Medium:
        """How its signals are shown and played."""
        return medium_of(self.saved.source)

    @cached_property
    def prior(self) -> Prior:
        """Where its new latents come from."""
        return self.saved.prior()

    @cached_property
    def examples(self) -> Tensor:
        """Latents (n, *latent_shape) of examples that it learnt from."""
        return excerpts.latents_of(self.saved)

    def spread_examples(self, most: int) -> list[int]:
        """The numbers of at most so many examples to choose from: of a film frames evenly over it,
        else the first."""
        n = len(self.examples)
        if self.kind != "film" or n <= most:
            return list(range(min(n, most)))
        return [round(k * (n - 1) / (most - 1)) for k in range(most)]

    @cached_property
    def walk_metric(self) -> Preconditioner | None:
        """Of walks that begin anywhere, in which steps of `walk_step_size` fit."""
        if self._walks_far:
            return traces.metric_about(self.generator, self.saved.latents, self.saved.sigma)
        return self.saved.preconditioner(self.generator.device)

    @property
    def walk_step_size(self) -> float:
        if not self._walks_far:
            return self.saved.step_size
        return STEP_THROUGH_TIME if self.saved.spec.stretch else STEP_IN_METRIC

    @property
    def _walks_far(self) -> bool:
        """Whether the run's own metric is too short for walks: chains of a film's vectors begin
        close to where they end."""
        return self.kind == "film" and not self.generator.spec.spatial

    @cached_property
    def maps(self) -> Cache[object, Tensor]:
        """Parts of new latent maps that were looked at last."""
        return Cache(limits.MAPS)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A shipped model to choose. picture, sound, film: paths of files; the latter two only where it
    makes one. facts: how it was made and how good it is, in a line."""

    name: str
    label: str
    kind: Kind
    picture: str
    sound: str
    film: str
    facts: str


def model_of(
    saved: Checkpoint,
    origin: Origin,
    *,
    key: str,
    credit: str = "",
    path: str,
    data: Path | None = None,
    learnt_from: Dataset | None = None,
) -> Model:
    """A checkpoint as a model."""
    name = saved.source.name
    return Model(
        key=key,
        name=name,
        label=label_of(name),
        kind=saved.spec.generator.kind,
        credit=credit,
        origin=origin,
        saved=saved,
        generator=saved.generator(this_machine().device),
        command_path=path,
        data=data,
        learnt_from=learnt_from,
    )


def snapshot_of(saved: Checkpoint, key: str, data: Path | None) -> Model:
    """A visitor's run at one iteration, as a model. key: the same for all that follow one another
    unnoticed. data: the file that it learns from."""
    path = model_file(saved.source.name, saved)
    return model_of(saved, "run", key=key, path=path, data=data)


class Collection:
    """The shipped models: a card of each, and the few that were asked for last, opened."""

    def __init__(self, folder: Path = CHECKPOINTS) -> None:
        self.folder = folder
        self._shipped = {each.name: each for each in catalogue.read_shipped(folder)}
        self._open: Cache[str, Model] = Cache(limits.OPEN_MODELS)

    def __contains__(self, name: object) -> bool:
        return name in self._shipped

    def cards(self) -> list[ModelCard]:
        return [self._card(each) for each in self._shipped.values()]

    def first(self) -> str:
        """What is shown before the first click; empty where nothing is shipped."""
        return next(iter(self._shipped), "")

    def model(self, name: str) -> Model:
        """Raises CheckpointRejected, KeyError."""
        shipped = self._shipped[name]

        def read() -> Model:
            return model_of(
                shipped.open(self.folder),
                "shipped",
                key=name,
                credit=shipped.credit,
                path=f"{self.folder.name}/{shipped.file}",
            )

        return self._open.get(name, read)

    def _card(self, shipped: Shipped) -> ModelCard:
        minutes = shipped.seconds / 60
        return ModelCard(
            name=shipped.name,
            label=label_of(shipped.name),
            kind=shipped.kind,
            picture=str(self.folder / shipped.thumbnail),
            sound=str(self.folder / shipped.sound) if shipped.sound else "",
            film=str(self.folder / shipped.film) if shipped.film else "",
            facts=f"{shipped.iterations} iterations in {minutes:.0f} minutes of one core; "
            f"learnt from data by {shipped.credit}",
        )
