"""The pack as cards to choose from."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from abp_core.data import decode, sets, sounds
from abp_core.data.pack import PackItem
from abp_core.synthesis import sampling
from demo import media
from demo.models.medium import Sound


@dataclass(frozen=True, slots=True)
class Card:
    """One thing of the pack to choose. picture: a JPEG. sound: path of a file, or empty."""

    kind: str
    name: str
    label: str
    picture: bytes
    sound: str
    credit: str
    grey: bool


def label_of(name: str) -> str:
    """A data set's name in words, without the size of its pictures and the font they are from."""
    words = [word for word in name.split("_") if not word.isdigit() and word != "noto"]
    return " ".join(words) or name


@cache
def card_of(item: PackItem) -> Card:
    """A thing of the pack with its thumbnail, drawn once."""
    sound = ""
    if item.kind == "sound":
        samples, rate = sounds.read_sound(item.path)
        loud = samples[: 4 * rate] / max(abs(samples).max(), 1e-6)
        picture = Sound(rate).draw(torch.from_numpy(loud)[None], (96, 96))
        sound = str(item.path)
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
        credit=f"{item.author}, {item.licence}",
        grey=bool((picture == picture[..., :1]).all()),
    )
