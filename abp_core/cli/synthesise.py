"""New signals from a checkpoint: python -m abp_core.synthesise --checkpoint FILE --out FILE

A texture of any size, a sound of any length, or a sheet of pictures, in memory that does not grow
with it. Exit code 2 and one sentence for a request that cannot be met.
"""

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

from tqdm import tqdm

from abp_core.checkpoint import Checkpoint
from abp_core.cli import arguments
from abp_core.data.atomic import open_atomically
from abp_core.device import this_machine
from abp_core.errors import Refusal
from abp_core.generator import Generator
from abp_core.priors.kinds import Prior
from abp_core.spec import Kind
from abp_core.synthesis import neighbours, outpainting, render
from abp_core.synthesis.encode import Bytes
from abp_core.synthesis.outpainting import Outpainting
from abp_core.synthesis.render import Film, Picture
from abp_core.synthesis.request import (
    DEFAULT_COUNT,
    DEFAULT_MARGIN,
    DEFAULT_SECONDS,
    NOUNS,
    Request,
    size_of,
)

ENDINGS: dict[Kind, tuple[str, ...]] = {
    "texture": (".png", ".zip"),
    "sound": (".wav", ".flac"),
    "objects": (".png",),
    "film": (".mp4", ".webp"),
}
PATIENCE = 2.0  # seconds before a bar is shown


def main() -> int:
    args = _arguments()
    request = _request(args)
    arguments.require_place(args.out)
    saved = Checkpoint.load(args.checkpoint)
    source = saved.source
    request = request.fit(saved.spec.generator, source.sample_rate or source.frame_rate)
    _require_ending(args.out, request, saved.spec.generator.kind)
    try:
        write = _work(saved, request, str(args.checkpoint), args.out)
        with open_atomically(args.out) as file:
            write(file)
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C; nothing was saved.", file=sys.stderr)
        return 130
    print(f"Saved {args.out}.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = arguments.Parser(
        prog="python -m abp_core.synthesise", description="Make new signals from a checkpoint."
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="a trained model")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help=".png; .zip for textures one by one; .wav or .flac for a sound; .mp4 or .webp for "
        "a film",
    )
    parser.add_argument(
        "--size",
        help="WxH in pixels, of a texture (default 512x512) or of a film (default as learnt)",
    )
    parser.add_argument(
        "--tile",
        metavar="x|y|xy",
        help="continue without a seam along these axes; x loops a sound or a film",
    )
    parser.add_argument(
        "--seconds", type=_number, help=f"of a sound or a film (default {DEFAULT_SECONDS:g})"
    )
    parser.add_argument("--speed", type=_number, help="of a film, over what it was (default 1)")
    parser.add_argument(
        "--anew", action="store_true", help="let a film begin anywhere instead of going on"
    )
    parser.add_argument(
        "--windows",
        type=_number,
        help="along a side of a film's picture, each with its own way through time (default 1)",
    )
    parser.add_argument(
        "--count",
        type=_number,
        help=f"of objects on a sheet (default {DEFAULT_COUNT}), or of textures (default 1), whose "
        "seeds follow each other",
    )
    parser.add_argument("--seed", type=_number, default=0, help="of the noise (default 0)")
    parser.add_argument(
        "--novelty",
        type=_number,
        default=1.0,
        help="of textures and sounds, how far from what was learnt: 0 to 1 (default 1)",
    )
    parser.add_argument(
        "--paper", action="store_true", help="draw latents from N(0, I), as the paper does"
    )
    parser.add_argument(
        "--temperature",
        type=_number,
        default=1.0,
        help="variance of latents that are drawn from N(0, I) (default 1)",
    )
    parser.add_argument("--grow", type=Path, metavar="PICTURE", help="to continue on every side")
    parser.add_argument(
        "--margin", type=_number, help=f"pixels to grow by (default about {DEFAULT_MARGIN})"
    )
    parser.add_argument(
        "--rebuilt", action="store_true", help="show the picture that grows as its latents make it"
    )
    parser.add_argument(
        "--nearest",
        type=Path,
        metavar="DATA",
        help="what the model learnt from: shows the nearest example beside each object",
    )
    return parser.parse_args()


def _request(args: argparse.Namespace) -> Request:
    """Raises RequestRejected."""
    asked = {field.name: getattr(args, field.name) for field in dataclasses.fields(Request)}
    if args.size is not None:
        asked["size"] = size_of(args.size)
    return Request(**asked)


def _number(text: str) -> int | float | str:
    """A number as it is meant; other text as it is, for the request to refuse."""
    for kind in (int, float):
        try:
            return kind(text[:400])
        except ValueError:
            pass
    return text


def _require_ending(out: Path, request: Request, kind: Kind) -> None:
    """Raises Refusal for a file ending that belongs to something else than is made."""
    ending, possible = out.suffix.lower(), ENDINGS[kind]
    if request.grow:
        possible = possible[:1]
    if ending not in possible:
        raise Refusal(
            f"This model makes {NOUNS[kind]}; please let the file's name end in "
            f"{' or '.join(possible)}."
        )


def _work(
    saved: Checkpoint, request: Request, checkpoint: str, out: Path
) -> Callable[[IO[bytes]], None]:
    """What is left to do once the file is open. Raises FileRejected."""
    device = this_machine().device
    generator, prior, ending = saved.generator(device), saved.prior(), out.suffix.lower()
    facts = render.facts(saved, request, checkpoint, str(out))
    if generator.spec.kind == "sound":
        sound = render.sound(generator, prior, saved.source, request)
        return partial(sound.write, ending, facts=facts)
    if generator.spec.kind == "film":
        film = render.film(generator, prior, saved.source, request)
        return partial(_watched(film).write, ending, facts=facts)
    if generator.spec.kind == "objects":
        found = None
        if request.nearest is not None:
            examples = neighbours.examples(saved, request.nearest)
            found = render.find_nearest(generator, prior, request, examples)
            print(found.sentence())
        picture = render.objects(generator, prior, request, found)
    elif ending == ".zip":
        return partial(render.write_each, saved=saved, generator=generator, prior=prior,
                       request=request, checkpoint=checkpoint)  # fmt: skip
    else:
        picture = render.texture(
            generator, prior, request, _infer(saved, generator, prior, request)
        )
    return partial(_with_progress(picture).write, facts=facts)


def _infer(
    saved: Checkpoint, generator: Generator, prior: Prior, request: Request
) -> Outpainting | None:
    """The picture that is to grow, if one is, with its latents."""
    if request.grow is None:
        return None
    walk = render.infer_picture(saved, generator, prior, request)
    known: Outpainting
    *_, known = tqdm(
        walk, "Inferring its latents", outpainting.INFERENCE_STEPS + 1, delay=PATIENCE, disable=None
    )
    print(known.sentence())
    return known


def _watched(film: Film) -> Film:
    """The same, with a bar in a terminal where it takes long."""
    bar = tqdm(film.frames, total=film.count, unit="frame", delay=PATIENCE, disable=None)
    return dataclasses.replace(film, frames=iter(bar))


def _with_progress(picture: Picture) -> Picture:
    """The same, with a bar in a terminal where it takes long."""

    def strips() -> Iterator[Bytes]:
        with tqdm(total=picture.height, unit="row", delay=PATIENCE, disable=None) as bar:
            for strip in picture.strips:
                yield strip
                bar.update(len(strip))

    return dataclasses.replace(picture, strips=strips())


if __name__ == "__main__":
    arguments.run(main)
