"""A trained model in a few figures."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import torch

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.data.datasets import Dataset
from abp_core.evaluation import film as film_telling
from abp_core.evaluation import objects
from abp_core.presets import Preset
from abp_core.priors.kinds import motion_of
from abp_core.spec import Kind
from abp_core.synthesis import sampling
from abp_core.zoo.yardsticks.common import SEEDS, explained_variance
from abp_core.zoo.yardsticks.objects import LearntSetYardstick
from abp_core.zoo.yardsticks.sound import SoundYardstick
from abp_core.zoo.yardsticks.texture import TextureYardstick

Figures = dict[str, float]

ONWARDS = 500  # frames of a film that goes on


def summary(saved: Checkpoint, path: Path, preset: Preset) -> Figures:
    """How near the model's samples come to the data at `path` that it learnt from, to four digits.
    Raises FileRejected.

    distance: in floors, where 1 is as near as one half of the data is to the other; left out for a
    set that is too small to have a floor. Of a texture and a sound explained: the share of its
    variance that f(z) of the inferred latents explains. Of a texture colour: between the marginals
    of colour, in deviations. Of a sound spectrum_db: between the long-term spectra; loudness: a
    share of the data's. Of a film that goes on frames, changes, spectrum: how far it is from the
    one that was learnt, in floors (see evaluation/film.py); contrast, motion: as shares of its. Of
    a set diversity, diversity_of_data: root mean square difference between
    two pictures; reconstruction: mean error of the pictures, a share of the signal's range.
    """
    kind = saved.spec.generator.kind
    of_a: dict[Kind, Callable[[Checkpoint, Path, Preset], Figures]] = {
        "texture": _of_a_texture,
        "sound": _of_a_sound,
        "objects": _of_a_set,
        "film": _of_a_film,
    }
    figures = of_a[kind](saved, path, preset)
    return {name: float(f"{value:.4g}") for name, value in figures.items()}


def _of_a_texture(saved: Checkpoint, path: Path, preset: Preset) -> Figures:
    yardstick = TextureYardstick(path, preset)
    samples = yardstick.samples(saved)
    return {
        "explained": _explained_variance(saved, yardstick.training()[0]),
        "distance": fmean(map(yardstick.distance, samples)) / yardstick.floor(),
        "colour": fmean(map(yardstick.colour, samples)),
    }


def _of_a_sound(saved: Checkpoint, path: Path, preset: Preset) -> Figures:
    yardstick = SoundYardstick(path, preset)
    samples = yardstick.samples(saved)
    return {
        "explained": _explained_variance(saved, yardstick.training()[0]),
        "distance": fmean(map(yardstick.distance, samples)) / yardstick.floor(),
        "spectrum_db": fmean(map(yardstick.spectrum, samples)),
        "loudness": fmean(map(yardstick.loudness, samples)),
    }


def _of_a_film(saved: Checkpoint, path: Path, preset: Preset) -> Figures:
    learnt, _ = datasets.load(path, preset.training)
    film, generator = learnt.signals, saved.generator()
    chain = motion_of(saved.prior()).chain(SEEDS[0], onwards=True)
    rebuilt = sampling.generate(generator, saved.latents)
    made = sampling.generate(generator, chain.part(0, ONWARDS))
    late = made[-len(film) :]
    return {
        "explained": max(0.0, explained_variance(film, rebuilt)),
        **dataclasses.asdict(film_telling.distances(made[: len(film)], film)),
        "contrast": film_telling.contrast(late) / film_telling.contrast(film),
        "motion": film_telling.motion_energy(late) / film_telling.motion_energy(film),
    }


def _explained_variance(saved: Checkpoint, learnt: Dataset) -> float:
    """By the stored latents, over everything that was learnt; 0 before it explains anything."""
    with torch.inference_mode():
        return max(0.0, explained_variance(learnt.signals, saved.generator()(saved.latents)))


def _of_a_set(saved: Checkpoint, path: Path, preset: Preset) -> Figures:
    learnt, _ = datasets.load(path, preset.training)
    yardstick = LearntSetYardstick(learnt)
    samples = yardstick.samples(saved)
    floor = yardstick.floor()
    figures = {} if floor is None else {"distance": fmean(map(yardstick.distance, samples)) / floor}
    return figures | {
        "diversity": fmean(map(objects.diversity, samples)),
        "diversity_of_data": yardstick.diversity(),
        "reconstruction": yardstick.reconstruction(saved),
    }
