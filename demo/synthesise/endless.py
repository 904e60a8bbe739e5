"""What never ends, bit by bit: stretches of a sound, pieces of a texture and a tile of it."""

import base64
import io
from typing import Any

from abp_core.priors.fields import LatentMap, Place
from abp_core.priors.kinds import Prior
from abp_core.synthesis import encode, inpainting, raster, render, sampling, sounding
from abp_core.synthesis.render import Picture
from abp_core.synthesis.request import Request
from demo import limits, media
from demo.errors import Rejected
from demo.models.collection import Model
from demo.models.downloads import slug
from demo.synthesise.form import Sent, positions_of_piece, read_basics, to_whole
from demo.synthesise.strokes import paint, strokes_from

TOO_FAR = "This is too far away; please come back."


def chunk(model: Model, sent: Sent) -> dict[str, Any]:
    """Two seconds or so of a sound that never ends, as 16-bit samples in base64.
    Raises RequestRejected, Rejected."""
    spec, source = model.generator.spec, model.saved.source
    if model.kind != "sound" or not spec.spatial:
        raise Rejected("This model makes no sound that could go on for ever.")
    _, _, latents = _endless_map(model, sent)
    k = to_whole(sent.get("k"))
    if type(k) is not int or not 0 <= k < 2**40:
        raise Rejected("This page has lost its place; please reload it.")
    n = max(1, round(limits.CHUNK_SECONDS * source.sample_rate / spec.enlargement))
    signal = sounding.piece(model.generator, latents, k * n, (k + 1) * n, source.sample_rate)
    samples = encode.to_int16(sampling.samples(signal, source.gain)).astype("<i2")
    return {"rate": source.sample_rate, "samples": base64.b64encode(samples.tobytes()).decode()}


def piece(model: Model, sent: Sent) -> dict[str, Any]:
    """A square of a texture that never ends, as a JPEG in a data URL; it continues its neighbours.
    Raises RequestRejected, Rejected."""
    _, _, latents = _canvas(model, sent)
    n = positions_of_piece(model.generator.spec.enlargement)
    row, column = _place(sent, ("down", "across"), limits.FARTHEST_PIECE)
    start, stop = (row * n, column * n), ((row + 1) * n, (column + 1) * n)
    signal = sampling.piece(model.generator, latents, start, stop)
    return {"picture": media.jpeg_url(model.medium.draw(signal[0]), 92)}


def tile(model: Model, sent: Sent) -> dict[str, Any]:
    """A part of a texture that never ends, made to continue itself at every edge: a PNG to take
    home. Raises RequestRejected, Rejected."""
    request, prior, latents = _canvas(model, sent)
    unit = model.generator.spec.enlargement
    start = _place(sent, ("top", "left"), limits.FARTHEST_PIECE * limits.PIECE)
    rows, columns = _place(sent, ("rows", "columns"), limits.TILE // unit)
    if min(rows, columns) < inpainting.AROUND:
        raise Rejected("Too little is shown for a tile; please make the window larger.")
    stop = (start[0] + rows, start[1] + columns)
    repeated = inpainting.tile(prior, latents, start, stop, request.seed)
    size = (columns * unit, rows * unit)
    picture = Picture(*size, raster.rasterise(model.generator, repeated, size))
    about = {
        "Title": f"{model.label}, a tile of the endless canvas, seed {request.seed}",
        "Software": render.SOFTWARE,
    }
    file = io.BytesIO()
    picture.write(file, about)
    return {
        "file": "data:image/png;base64," + base64.b64encode(file.getvalue()).decode(),
        "name": f"{slug(model.name)}-tile-{size[0]}x{size[1]}.png",
        "size": size,
    }


def _canvas(model: Model, sent: Sent) -> tuple[Request, Prior, LatentMap]:
    """A texture that never ends with what was brushed of it. Raises RequestRejected, Rejected."""
    if model.kind != "texture" or not model.generator.spec.spatial:
        raise Rejected("This model makes no texture that could go on for ever.")
    request, prior, latents = _endless_map(model, sent)
    strokes = strokes_from(sent.get("strokes"))
    return request, prior, paint(model, prior, latents, request, strokes)


def _endless_map(model: Model, sent: Sent) -> tuple[Request, Prior, LatentMap]:
    """What a sound or texture that never ends is made of. Raises RequestRejected."""
    request = Request(**read_basics(model, sent))
    prior = render.choose_prior(model.prior, model.generator.spec, request)
    return request, prior, prior.map(request.seed)


def _place(sent: Sent, names: tuple[str, str], farthest: int) -> Place:
    """Two whole numbers that a page sent. Raises Rejected."""
    found = [to_whole(sent.get(name)) for name in names]
    whole = tuple(n for n in found if type(n) is int and abs(n) <= farthest)
    if len(whole) < len(names):
        raise Rejected(TOO_FAR)
    return whole
