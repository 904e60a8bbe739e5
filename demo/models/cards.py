"""The pack as cards to choose from."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
import torch

from abp_core.data import decode, sets, sounds
from abp_core.data.pack import PackItem
from abp_core.synthesis import sampling
from demo import media
from demo.models.medium import Sound


@dataclass(frozen=True, slots=True)
class Card:
    """One thing of the pack to choose. picture: a JPEG. sound, film: paths of files, or empty."""

    kind: str
    name: str
    label: str
    picture: bytes
    sound: str
    film: str
    credit: str
    grey: bool


def label_of(name: str) -> str:
    """A data set's name in words, without the size of its pictures and the font they are from."""
    words = [word for word in name.split("_") if not word.isdigit() and word != "noto"]
    return " ".join(words) or name


def first_frame(path: Path) -> media.Pixels:
    """Of a film of our own, (h, w, 3); a visitor's is read by `data/film`."""
    with av.open(str(path)) as film:
        return np.asarray(next(film.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)


@cache
def card_of(item: PackItem) -> Card:
    """A thing of the pack with its thumbnail, drawn once."""
    sound = film = ""
    if item.kind == "sound":
        samples, rate = sounds.read_sound(item.path)
        loud = samples[: 4 * rate] / max(abs(samples).max(), 1e-6)
        picture = Sound(rate).draw(torch.from_numpy(loud)[None], (96, 96))
        sound = str(item.path)
    elif item.kind == "film":
        picture, film = media.thumbnail(first_frame(item.path), 96), str(item.path)
    elif item.kind == "texture":
        picture = media.thumbnail(decode.read_picture(item.path), 96)
    else:
        pictures = sets.read_pictures(item.path)
        chosen = pictures[:: max(1, len(pictures) // 4)][:4]
        tiles = np.stack([media.thumbnail(picture, 48) for picture in chosen])
        picture = sampling.contact_sheet(tiles, 2)
    return Card(
        kind=item.kind,
        name=item.name,
        label=label_of(item.name),
        picture=media.jpeg(picture, 80),
        sound=sound,
        film=film,
        credit=f"{item.author}, {item.licence}",
        grey=bool((picture == picture[..., :1]).all()),
    )
