"""A set larger than memory: python -m abp_core.cli.signals --pictures FOLDER --out X.signals.npy

Then python -m abp_core.train --data X.signals.npy learns from all of it; see data/mapped.py.
"""

from pathlib import Path

from abp_core.cli import arguments
from abp_core.data import mapped
from abp_core.errors import Refusal


def main() -> int:
    parser = arguments.Parser(
        prog="python -m abp_core.cli.signals", description="Write pictures as signals."
    )
    parser.add_argument("--pictures", type=Path, required=True, help="a folder, at any depth")
    parser.add_argument("--out", type=Path, required=True, help=f"NAME{mapped.ENDING}")
    parser.add_argument(
        "--side", type=arguments.count("The side", 32, 512), default=64, help="pixels (default 64)"
    )
    args = parser.parse_args()
    if not args.out.name.endswith(mapped.ENDING):
        raise Refusal(f"Please let the file's name end in {mapped.ENDING}.")
    arguments.require_place(args.out)
    if not args.pictures.is_dir():
        raise Refusal(f"{args.pictures} is no folder.")
    n = mapped.write_signals(args.pictures, args.out, args.side)
    print(f"Saved {n} pictures in {args.out}.")
    return 0


if __name__ == "__main__":
    arguments.run(main)
