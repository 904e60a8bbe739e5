"""What can be inferred: a training example, a thing of the pack, a visitor's file; whole, or with a
part of it hidden."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from abp_core.analysis import excerpts
from abp_core.data import datasets, decode
from abp_core.data.datasets import Dataset
from abp_core.data.film.protocol import LEAST_FRAMES
from abp_core.data.film.read import read_film
from abp_core.data.pack import PackItem
from abp_core.observation import Downsampled, Full, Observation, Occluded
from demo import limits
from demo.cache import Cache
from demo.errors import Rejected
from demo.models.cards import label_of
from demo.models.collection import Model
from demo.models.naming import name_examples

NOT_HERE = "This model learnt from data that is not here; please bring a file to infer."
LARGER = 4  # times the pixels of a frame: as such a film is read, before it is cut to its shape
DEGRADATIONS = ("nothing", "square", "half", "scattered", "lines", "resolution")


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Something to infer: y (1, *signal_shape), the whole of it; of a film frames that follow each
    other, (frames, *signal_shape). example: the number of the first among the training examples;
    -1 for something else."""

    name: str
    y: Tensor
    example: int = -1


class Library:
    """The data of the models that were looked at last."""

    def __init__(self, pack: Mapping[str, PackItem]) -> None:
        self._pack = pack
        self._known: Cache[str, Dataset] = Cache(limits.DATASETS)

    def of(self, model: Model) -> Dataset:
        """Examples of what a model learnt from. Raises Rejected where that is not here."""
        return _examples(model, self.whole(model), model.name)

    def whole(self, model: Model) -> Dataset:
        """All of what a model learnt from. Raises Rejected where that is neither of the pack nor
        of the visitor's own run."""

        if model.learnt_from is not None:
            return model.learnt_from

        def read_it() -> Dataset:
            if model.data is not None and model.data.exists():
                dataset = read_file(model, model.data, model.name)
            else:
                dataset = read_file(model, self._path(model, model.name), model.name)
            if dataset.digest != model.saved.digest:
                raise Rejected(NOT_HERE)
            return dataset

        return self._known.get(model.key, read_it)

    def names(self, model: Model) -> list[str]:
        """What its training examples are called; empty where nothing names them."""
        try:
            return name_examples(model.saved.spec, self.whole(model))
        except Rejected:  # what it learnt from is not here
            return []

    def item(self, model: Model, name: str) -> Target:
        """Another thing of the pack, as this model would see it. Raises Rejected."""
        return read_target(model, self._path(model, name), label_of(name))

    def _path(self, model: Model, name: str) -> Path:
        item = self._pack.get(name)
        if item is None or item.kind != model.kind:
            raise Rejected(NOT_HERE)
        return item.path


def read_file(model: Model, path: Path, name: str) -> Dataset:
    """A file as a model's data. Raises FileRejected, Rejected."""
    spec, source = model.saved.spec, model.saved.source
    if (
        model.kind == "objects" and datasets.kind_of(path) == "texture"
    ):  # one picture is enough here
        picture = decode.read_picture(path)
        dataset, _ = datasets.from_pictures([picture, picture], spec, name=name)
    else:
        rate = source.sample_rate or datasets.LOWEST_RATE
        dataset, _ = datasets.load(path, spec, sample_rate=rate, name=name)
    return _in_colours_of(model, dataset)


def read_target(model: Model, path: Path, name: str) -> Target:
    """The first example of a file other than the model's own, of a film its first LEAST_FRAMES.
    Raises FileRejected, Rejected."""
    if model.kind == "film":
        return Target(name, _first_frames(model, path, name))
    return Target(name, _examples(model, read_file(model, path, name), name).signals[:1])


def _first_frames(model: Model, path: Path, name: str) -> Tensor:
    """Of a film, or the one of a picture, (frames, *signal_shape): the middle of each in the shape
    of the model's own frames. Raises FileRejected."""
    spec = model.saved.spec
    height, width = spec.generator.signal_shape[1:]
    if datasets.kind_of(path) == "texture":
        pixels = decode.read_picture(path)[None]
    else:
        unit, room = spec.generator.enlargement, LARGER * height * width
        pixels = read_film(path, pixels=room, unit=unit, most=LEAST_FRAMES).frames
    size, how = (width, height), Image.Resampling.LANCZOS
    fitted = np.stack([np.array(ImageOps.fit(Image.fromarray(each), size, how)) for each in pixels])
    dataset, _ = datasets.from_film(fitted, model.saved.source.frame_rate, spec, name=name)
    return _in_colours_of(model, dataset).signals


def _in_colours_of(model: Model, dataset: Dataset) -> Dataset:
    """A grey picture for a model in colour, or the other way round."""
    signals, wanted = dataset.signals, model.saved.spec.generator.out_channels
    if signals.shape[1] != wanted:
        signals = signals.mean(1, keepdim=True).expand(-1, wanted, *signals.shape[2:])
    return replace(dataset, signals=signals)


def _examples(model: Model, dataset: Dataset, name: str) -> Dataset:
    """Crops, segments or pictures of the size that a model makes. Raises Rejected."""
    spec = model.saved.spec
    signals = excerpts.signals_of(spec, dataset.signals)
    if tuple(signals.shape[1:]) != spec.generator.signal_shape:
        size = " x ".join(map(str, spec.generator.signal_shape[1:]))
        raise Rejected(
            f"{name} is too small for this model, which makes {size}; please choose another."
        )
    return replace(dataset, signals=signals)


def observe(hiding: str, y: Tensor, seed: int) -> Observation:
    """What of a signal (1, c, ...) is seen."""
    if hiding == "nothing":
        return Full()
    if hiding == "resolution":
        return Downsampled(4)
    size = y.shape[2:]
    visible = torch.ones(1, 1, *size)
    height, width = size if len(size) == 2 else (1, *size)
    flat = visible.view(height, width)
    if hiding == "square":
        rows = slice(height * 5 // 16, height * 11 // 16) if height > 1 else slice(None)
        flat[rows, width * 5 // 16 : width * 11 // 16] = 0
    elif hiding == "half":
        flat[:, width // 2 :] = 0
    elif hiding == "lines":
        flat[:, 1::2] = 0
    else:
        draw = np.random.default_rng(seed)
        flat[torch.from_numpy(draw.random((height, width)) < 0.7)] = 0
    return Occluded(visible)
