"""The colours that a picture's numbers mean: profiles, sixteen bits, and what alpha holds."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Pixels = NDArray[np.uint8]
DEEP_MODES = ("I;16", "I;16B", "I;16L", "I")
LOW_RANGE = 2**13  # levels of sixteen bits; what uses fewer is a height or depth map, or too dark
LEAST_CLEAR = 0.01  # share of all pixels, where alpha means transparency
LEAST_OPAQUE = 0.05  # the same
DECIDED = 0.5  # share of all pixels that are clear or opaque and nothing between
DETAIL = 4.0  # deviation, in levels, of what is hidden where alpha is 0
STRETCHED = "its {:,} of 65,536 levels were stretched to the whole range"
EMPTY_ALPHA = "its alpha is zero everywhere and was left out"
DATA_ALPHA = "its alpha holds something else than transparency and was left out"
CONVERTED = "its colours were converted from {} to sRGB"


@dataclass(frozen=True, slots=True)
class Colours:
    """How strips of one picture become sRGB, (h, w, 3) bytes, and what there is to say of it."""

    read: Callable[[Image.Image], Pixels]
    notes: tuple[str, ...] = ()


def colours_of(picture: Image.Image, profile: bytes, rows: int) -> Colours:
    """What a decoded picture's numbers mean. profile: its ICC profile, or nothing. rows: of a strip
    that may be looked at in one go."""
    if picture.mode in DEEP_MODES:
        return _deep(picture)
    mode = "CMYK" if picture.mode == "CMYK" else "L" if picture.mode in ("L", "LA") else "RGB"
    transform, name = _transform(profile, mode)
    notes = [CONVERTED.format(name)] if transform else []
    clear, word = _alpha(picture, rows)

    def read(strip: Image.Image) -> Pixels:
        if clear:
            strip = strip.convert("RGBA")
            alpha, strip = strip.getchannel("A"), strip.convert("RGB")
        else:
            strip = strip.convert(mode)
        if transform is not None:
            strip = ImageCms.applyTransform(strip.convert(mode), transform) or strip
        strip = strip.convert("RGB")
        if clear:
            white = Image.new("RGB", strip.size, "white")
            white.paste(strip, mask=alpha)
            strip = white
        return np.asarray(strip)

    return Colours(read, (*notes, *([word] if word else [])))


def _deep(picture: Image.Image) -> Colours:
    """Sixteen bits of grey as eight; of what uses only few of their levels, those."""
    extrema = picture.getextrema()
    low, high = (int(value) for value in extrema if isinstance(value, int | float))
    if low < high and high - low < LOW_RANGE:
        span = high - low

        def stretch(strip: Image.Image) -> Pixels:
            values = np.asarray(strip).astype(np.int32) - low
            return _grey((values * 255 + span // 2) // span)

        return Colours(stretch, (STRETCHED.format(span + 1),))
    return Colours(lambda strip: _grey(np.asarray(strip).astype(np.int32) // 257))


def _grey(values: NDArray[np.int32]) -> Pixels:
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _transform(profile: bytes, mode: str) -> tuple[ImageCms.ImageCmsTransform | None, str]:
    """From a profile's colours to sRGB, and what they are called; None where there is nothing to
    do, or the profile is none or of another mode."""
    if not profile:
        return None, ""
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(own).strip()[:40]
        if name.lower().startswith("srgb"):
            return None, ""
        srgb = ImageCms.createProfile("sRGB")
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        transform = ImageCms.buildTransform(own, srgb, mode, "RGB", intent)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None, ""
    return transform, name if name.isprintable() and name else "another colour space"


def _alpha(picture: Image.Image, rows: int) -> tuple[bool, str]:
    """Whether to lay a picture over white, and what to say of an alpha that is left out."""
    if picture.mode not in ("RGBA", "LA", "PA", "RGBa", "La"):
        return picture.has_transparency_data, ""  # of a palette, or one colour that is none
    counts, moments = np.zeros(256, np.int64), np.zeros(2)
    for top in range(0, picture.height, rows):
        strip = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        alpha = np.asarray(strip.getchannel(strip.mode[-1].upper()))
        counts += np.bincount(alpha.ravel(), minlength=256)
        under = np.asarray(strip.convert("L"))[alpha == 0].astype(np.float64)
        moments += (under.sum(), np.square(under).sum())
    total = counts.sum()
    clear, opaque = counts[0] / total, counts[255] / total
    if opaque == 1:
        return False, ""
    if clear == 1:
        return False, EMPTY_ALPHA
    # What nobody is to see is mostly of one colour, and what anybody is to see mostly opaque.
    mean, square = moments / max(1, counts[0])
    flat = square - mean**2 < DETAIL**2
    decided = clear + opaque
    soft_edge = decided >= 1 - LEAST_CLEAR and opaque >= LEAST_OPAQUE
    cut_out = clear >= LEAST_CLEAR and (flat or (opaque >= LEAST_OPAQUE and decided >= DECIDED))
    return (True, "") if soft_edge or cut_out else (False, DATA_ALPHA)
