"""New signals from a checkpoint: python -m abp_core.synthesise --checkpoint FILE --out FILE

A texture of any size, a sound of any length, or a sheet of pictures. Exit code 2 and one
sentence for a request that cannot be met.
"""

import argparse
import io
import math
import re
from pathlib import Path

import soundfile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from abp_core import command, synthesis
from abp_core.checkpoint import Checkpoint
from abp_core.command import Refused
from abp_core.spec import Kind

DEFAULT_SIZE = (512, 512)  # width, height of a texture
DEFAULT_SECONDS = 10.0
DEFAULT_COUNT = 64
MOST_PIXELS = 2048 * 2048  # of a texture: 0.7 GB of memory for the default network
MOST_SECONDS = 300.0  # of a sound: 1.1 GB for the default network
MOST_PICTURES = 1024


def main() -> int:
    args = _arguments()
    command.require_place(args.out)
    saved = Checkpoint.load(args.checkpoint)
    kind = saved.spec.generator.kind
    if kind != saved.source.kind:
        raise Refused(f"{args.checkpoint.name} is damaged; please choose another checkpoint.")
    _require_fitting(args, kind)
    content = _sound(saved, args) if kind == "sound" else _picture(saved, args)
    args.out.write_bytes(content)
    print(f"Saved {args.out}.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = command.Parser(
        prog="python -m abp_core.synthesise", description="Make new signals from a checkpoint."
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="a trained model")
    parser.add_argument("--out", type=Path, required=True, help=".png, or .wav for a sound")
    parser.add_argument("--size", type=_size, help="of a texture, WxH in pixels (default 512x512)")
    parser.add_argument(
        "--seconds",
        type=command.number("The seconds", 0, MOST_SECONDS),
        help=f"of a sound (default {DEFAULT_SECONDS:g})",
    )
    parser.add_argument(
        "--count",
        type=command.count("The count", 1, MOST_PICTURES),
        help=f"of the pictures on a sheet of objects (default {DEFAULT_COUNT})",
    )
    parser.add_argument("--seed", type=command.seed, default=0, help="of the noise (default 0)")
    return parser.parse_args()


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,6})[xX]([0-9]{1,6})", text)
    width, height = (int(side) for side in match.groups()) if match else (0, 0)
    if not 0 < width * height <= MOST_PIXELS:
        side = math.isqrt(MOST_PIXELS)
        raise argparse.ArgumentTypeError(
            f"The size must be WIDTHxHEIGHT in pixels, for example 512x512, and at most as many "
            f"pixels as {side}x{side}."
        )
    return width, height


def _require_fitting(args: argparse.Namespace, kind: Kind) -> None:
    """Raises Refused for a file ending or a measure that belongs to another kind of model."""
    ending = ".wav" if kind == "sound" else ".png"
    if args.out.suffix.lower() != ending:
        raise Refused(f"This model makes {kind}; please let the file's name end in {ending}.")
    for name, of in (("size", "texture"), ("seconds", "sound"), ("count", "objects")):
        if getattr(args, name) is not None and kind != of:
            raise Refused(f"--{name} is for {of}, but this model makes {kind}.")


def _picture(saved: Checkpoint, args: argparse.Namespace) -> bytes:
    """A PNG that tells which model made it from which seed."""
    generator = saved.generator()
    if generator.spec.spatial:
        width, height = args.size or DEFAULT_SIZE
        picture = synthesis.pixels(synthesis.expand_to(generator, (height, width), args.seed))[0]
    else:
        count = args.count or DEFAULT_COUNT
        pictures = synthesis.pixels(synthesis.sample(generator, count, args.seed))
        picture = synthesis.contact_sheet(pictures, math.ceil(math.sqrt(count)))
    facts = PngInfo()
    facts.add_itxt("Model", f"{saved.source.name}, iteration {saved.iteration}")
    facts.add_text("Seed", str(args.seed))
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG", pnginfo=facts)
    return file.getvalue()


def _sound(saved: Checkpoint, args: argparse.Namespace) -> bytes:
    """A 16-bit mono WAV at the model's sample rate, as loud as what it learnt from."""
    generator, rate = saved.generator(), saved.source.sample_rate
    if generator.spec.spatial:
        length = max(1, round((args.seconds or DEFAULT_SECONDS) * rate))
        signal = synthesis.expand_to(generator, (length,), args.seed)
    elif args.seconds is None:
        signal = synthesis.sample(generator, 1, args.seed)
    else:
        raise Refused("This model makes sounds of one length only; please leave out --seconds.")
    file = io.BytesIO()
    sound = synthesis.samples(signal[0], saved.source.gain)
    soundfile.write(file, sound, rate, subtype="PCM_16", format="WAV")
    return file.getvalue()


if __name__ == "__main__":
    command.run(main)
