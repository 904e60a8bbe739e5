"""Colours of films that common screens cannot show, brought to those that they can."""

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

BT2020 = 9  # primaries, in ffmpeg's list of them
PQ, HLG = 16, 18  # transfer characteristics, in its list
WHITE = 203.0  # candelas a square metre of a sheet of paper in such a film, by ITU-R BT.2408
HLG_PEAK = 1000.0  # candelas a square metre of the screen that HLG is reckoned for
KNEE = 0.6  # share of the light of white up to which nothing changes
# Linear light of BT.2020's primaries as that of BT.709's, by ITU-R BT.2087.
TO_BT709 = np.array(
    [
        [1.6605, -0.5876, -0.0728],
        [-0.1246, 1.1329, -0.0083],
        [-0.0182, -0.1006, 1.1187],
    ],
    np.float32,
)
LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)  # of BT.2020's primaries


def to_common(coded: NDArray[np.uint16], transfer: int, primaries: int) -> Bytes:
    """A frame (h, w, 3) of coded colours, at 16 bits, as sRGB. Light that is brighter than paper
    is drawn together rather than cut off, and hues stay."""
    light = _light(coded.astype(np.float32) / np.float32(65_535), transfer)
    if primaries == BT2020:
        light = np.maximum(light @ TO_BT709.T, 0)
    strongest = light.max(axis=2, keepdims=True)
    share = _below_white(strongest) / np.maximum(strongest, 1e-6)
    return np.rint(255 * _srgb((light * share).clip(0, 1))).astype(np.uint8)


def is_bright(transfer: int, primaries: int) -> bool:
    """Whether a film's colours have to be brought to a common screen's."""
    return transfer in (PQ, HLG) or primaries == BT2020


def _light(coded: Floats, transfer: int) -> Floats:
    """Linear light, where 1 is a sheet of paper."""
    if transfer == PQ:  # SMPTE ST 2084
        root = coded ** np.float32(1 / 78.84375)
        ratio = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        return np.asarray(ratio ** np.float32(1 / 0.1593017578125) * (10_000 / WHITE), np.float32)
    if transfer == HLG:  # ITU-R BT.2100, with the brightness of its reference screen
        high = (np.exp((coded - 0.55991073) / 0.17883277) + 0.28466892) / 12
        scene = np.where(coded <= 0.5, coded * coded / 3, high).astype(np.float32)
        luminance = np.maximum(scene @ LUMINANCE, 1e-6)[..., None]
        return np.asarray(scene * luminance ** np.float32(0.2) * (HLG_PEAK / WHITE), np.float32)
    return np.asarray(coded ** np.float32(2.4), np.float32)


def _below_white(light: Floats) -> Floats:
    room = 1 - KNEE
    above = KNEE + room * (1 - np.exp(-np.maximum(light - KNEE, 0) / room))
    return np.asarray(np.where(light <= KNEE, light, above), np.float32)


def _srgb(light: Floats) -> Floats:
    curve = 1.055 * light ** np.float32(1 / 2.4) - 0.055
    return np.asarray(np.where(light <= 0.0031308, 12.92 * light, curve), np.float32)
