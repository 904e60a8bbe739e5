"""Where one asks for a film: by what the file is, it is read as one or another kind."""

from pathlib import Path

from abp_core.data import formats, sets
from abp_core.data.film.asking import from_video
from abp_core.data.film.choosing import LEAST_UNITS
from abp_core.data.film.frames import Film
from abp_core.data.film.pictures import from_pictures, from_set
from abp_core.data.film.protocol import LEAST_FRAMES, NO_FILM, Wanted
from abp_core.data.formats import FileRejected

ADVICE = "please choose a film (MP4, WebM, AVI or GIF) or a zip of its frames."


def read_film(path: Path, *, pixels: int, unit: int = 8, most: int = 300) -> Film:
    """The first `most` frames of a film, at most 30 a second: an MP4, MOV, WebM, Matroska, AVI,
    GIF or animated WebP, whatever its name ends with; a folder or zip of its frames, in the order
    of their names; an .npz with an array called `frames`, (n, h, w, 3) or (n, h, w) bytes, and
    `fps` where it is known; or an .npy of such frames.

    A frame covers at most so many pixels. Its shape is kept, but for what is cut off at
    opposite edges so that both its sides are multiples of `unit`; it is never made larger.

    Raises FileRejected, within some five seconds.
    """
    if pixels < (LEAST_UNITS * unit) ** 2 or unit < 1 or most < LEAST_FRAMES:
        raise ValueError("A film needs room for four units a side and for eight frames.")
    name, wish = path.name, Wanted("", pixels, unit, most)
    if path.is_dir():
        return from_pictures(sets.members_of(path), name, wish)
    head = formats.read_head(path)
    formats.require_read(head, name)
    kind = formats.format_of(head)
    if kind in formats.FILMS or formats.is_animated_webp(head):
        return from_video(path, Wanted(kind, pixels, unit, most))
    if kind in formats.SETS:
        return from_set(path, kind, wish)
    if kind in formats.PICTURES:
        raise FileRejected(f"{name} is one picture and no film; {ADVICE}")
    if kind in formats.SOUNDS:
        raise FileRejected(f"{name} holds a sound and no pictures; {ADVICE}")
    raise FileRejected(f"{name} {NO_FILM}")
