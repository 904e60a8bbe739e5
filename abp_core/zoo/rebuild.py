"""The shipped models made anew, as their index says, one after another.

    python -m abp_core.train --rebuild checkpoints/
    python -m abp_core.train --rebuild checkpoints/ --only pebbles rain
    python -m abp_core.train --rebuild checkpoints/ --from FOLDER

Each model's files and its entry are replaced only once it is ready, so that a rebuild that is
interrupted leaves all others as they were. With --from nothing is trained: FOLDER holds, as
NAME.safetensors, what the commands in the index made.
"""

import dataclasses
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.data.pack import MANIFEST, PackItem, read_pack
from abp_core.errors import Refusal
from abp_core.presets import PRESETS
from abp_core.zoo import catalogue, thumbnails
from abp_core.zoo.catalogue import Recipe, Shipped
from abp_core.zoo.half_precision import lighten
from abp_core.zoo.yardsticks.summary import summary

Make = Callable[[Recipe], Checkpoint | None]  # a whole checkpoint; None where a run was ended early


def rebuild(folder: Path, only: Sequence[str], make: Make) -> int:
    """Makes the models that the index in `folder` lists, or those named. Returns the exit code: 1
    where a run was ended before its time.

    Raises Refusal, CollectionRejected, CheckpointRejected, FileRejected.
    """
    listed = catalogue.read_entries(folder)
    names = [entry.name for entry in listed]
    if unknown := [name for name in only if name not in names]:
        raise Refusal(f"{folder / catalogue.INDEX} lists no {unknown[0]}.")
    for place, recipe in enumerate(listed):
        if only and recipe.name not in only:
            continue
        item = _item(recipe)
        saved = make(recipe)
        if saved is None:
            print(f"{recipe.name} and what comes after it were left as they were.", flush=True)
            return 1
        _require_made_by(recipe, saved)
        listed[place] = made = _pack(folder, recipe, item, saved)
        catalogue.write_entries(folder, listed)
        print(f"{made.name}: {made.bytes / 1e6:.2f} MB, {made.quality}", flush=True)
    return 0


def train_recipe(recipe: Recipe, train: Callable[[list[str]], bool]) -> Checkpoint | None:
    """What the training command makes of a recipe. train: takes its arguments; whether it came to
    the end."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / f"{recipe.name}.safetensors"
        ended = train(recipe.arguments(catalogue.ROOT / recipe.data, out))
        return Checkpoint.load(out) if ended else None


def load_trained(recipe: Recipe, folder: Path) -> Checkpoint:
    """What the training command made of it before."""
    return Checkpoint.load(folder / f"{recipe.name}.safetensors")


def _item(recipe: Recipe) -> PackItem:
    """The data of a recipe, with its author and licence, as the manifest of its pack tells them."""
    path = catalogue.ROOT / recipe.data
    packs = [folder for folder in path.parents if (folder / MANIFEST).is_file()]
    items = {item.path: item for folder in packs[:1] for item in read_pack(folder)}
    if path not in items:
        raise Refusal(f"{recipe.name} learns from {recipe.data}, which is not in the bundled pack.")
    return items[path]


def _require_made_by(recipe: Recipe, saved: Checkpoint) -> None:
    """Raises Refusal where a checkpoint is not what the recipe makes."""
    preset = PRESETS[recipe.preset]
    settings = dataclasses.replace(preset.training, seed=recipe.seed)
    path = catalogue.ROOT / recipe.data
    dataset, spec = datasets.load(path, settings, sample_rate=preset.sample_rate)
    if saved.iteration != recipe.iterations:
        raise Refusal(
            f"{recipe.name} stands at iteration {saved.iteration}, not at {recipe.iterations}."
        )
    if saved.digest != dataset.digest:
        raise Refusal(f"{recipe.name} learnt from other data than {recipe.data}.")
    if saved.spec != spec:
        raise Refusal(f"{recipe.name} was trained with other settings than its recipe's.")


def _pack(folder: Path, recipe: Recipe, item: PackItem, saved: Checkpoint) -> Shipped:
    """Writes the model's files, and returns its entry."""
    light = lighten(saved)
    figures = summary(light, item.path, PRESETS[recipe.preset])
    file, thumbnail = f"{recipe.name}.safetensors", f"{recipe.name}.jpg"
    contents = {thumbnail: thumbnails.jpeg(thumbnails.thumbnail(light))}
    sound = film = ""
    if recipe.kind == "sound":
        sound = f"{recipe.name}.mp3"
        contents[sound] = thumbnails.mp3(thumbnails.recording(light), light)
    if recipe.kind == "film":
        film = f"{recipe.name}.mp4"
        contents[film] = thumbnails.mp4(light)
    contents[file] = model = light.content()
    for name, content in contents.items():
        catalogue.write_public(folder / name, content)
    return Shipped(
        **{f.name: getattr(recipe, f.name) for f in dataclasses.fields(Recipe)},
        author=item.author,
        licence=item.licence,
        credit=f"{item.author}, {item.licence}",
        seconds=round(saved.seconds, 1),
        file=file,
        sha256=hashlib.sha256(model).hexdigest(),
        bytes=len(model),
        thumbnail=thumbnail,
        sound=sound,
        film=film,
        quality=figures,
    )
