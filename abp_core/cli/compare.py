"""Methods beside one another: python -m abp_core.compare --data PATH --out FOLDER

Every method learns from the same data for as many seconds, in turns, on this machine. Writes, as
they stand at the end or at Ctrl-C, table.csv, and for each method its model NAME.safetensors, its
samples NAME.png, or NAME.wav of a sound, and NAME.run.safetensors, from which --resume goes on.
Exit codes: 0 when it ended or was stopped, 2 for a request that cannot be met.
"""

import argparse
import contextlib
import math
from pathlib import Path

import soundfile
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from abp_core.cli import arguments
from abp_core.data import datasets
from abp_core.data.atomic import open_atomically
from abp_core.errors import Refusal
from abp_core.family import file
from abp_core.family.comparison import Comparison
from abp_core.family.methods import METHODS, why_not
from abp_core.family.table import to_csv
from abp_core.family.trial import Trial, load_trial
from abp_core.family.verdict import Yardstick, tell_energies
from abp_core.synthesis import sampling

SECONDS = 120.0
RUN = ".run.safetensors"  # the end of the name of what a method goes on from
BAR = "{percentage:3.0f}% {bar} {elapsed} gone, {remaining} left{postfix}"


def main() -> int:
    args = _arguments()
    if not args.data.exists():
        raise Refusal(f"{args.data} was not found.")
    names = args.methods or [n for n in METHODS if not why_not(n, datasets.kind_of(args.data))]
    for name in names:
        if sentence := why_not(name, datasets.kind_of(args.data)):
            raise Refusal(f"{METHODS[name].title}: {sentence}")
    comparison = Comparison(load_trial(args.data), names, args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    if args.resume:
        _resume(comparison, args.out)
    spent = max(map(comparison.spent, names))
    with contextlib.suppress(KeyboardInterrupt):  # what was learnt by then is kept
        _learn(comparison, spent + args.seconds)
    with open_atomically(args.out / "table.csv") as out:
        out.write(write(comparison, args.out).encode())
    return 0


def _resume(comparison: Comparison, folder: Path) -> None:
    """Lets the methods stand where they stood when they were written. Raises MemberRejected."""
    for name in comparison.names:
        found, member = file.load(folder / f"{name}{RUN}", comparison.trial)
        if found != name:
            raise file.MemberRejected(f"{name}{RUN} holds another method; please choose it anew.")
        comparison.members[name] = member


def write(comparison: Comparison, folder: Path) -> str:
    """Writes each member's model and samples; the table of their figures."""
    trial, rows, made = comparison.trial, {}, {}
    yardstick = Yardstick.of(trial)
    for name, member in comparison.members.items():
        file.save(name, member, folder / f"{name}{RUN}")
        file.save_model(name, member, folder / f"{name}.safetensors")
        made[name] = yardstick.draw(member)
        write_samples(trial, made[name], folder / name)
        rows[name] = yardstick.judge(member, made[name])
        print(f"{METHODS[name].title}: {rows[name]}", flush=True)
    energies = {
        name: told
        for name, member in comparison.members.items()
        if (told := tell_energies(member, trial, made))
    }
    return to_csv(comparison, rows, energies)


def write_samples(trial: Trial, made: Tensor, stem: Path) -> None:
    """Samples (n, c, ...) as a sheet STEM.png, or the first as STEM.wav at its source's loudness.
    Raises OSError."""
    source = trial.data.source
    if source.kind == "sound":
        with open_atomically(stem.with_suffix(".wav")) as out:
            samples = sampling.samples(made[0], source.gain)
            soundfile.write(out, samples, source.sample_rate, format="WAV")
        return
    sheet = sampling.contact_sheet(sampling.pixels(made), max(1, math.isqrt(len(made))))
    with open_atomically(stem.with_suffix(".png")) as out:
        Image.fromarray(sheet).save(out, format="PNG")


def _learn(comparison: Comparison, seconds: float) -> None:
    """Until each method has spent so many."""
    with tqdm(total=100, unit="%", bar_format=BAR) as bar:
        for name, told in comparison.moves(seconds):
            if told is not None:
                bar.n = round(100 * comparison.progress(seconds), 1)
                bar.set_postfix_str(f"{name} {told.loss:.4g}")


def _arguments() -> argparse.Namespace:
    parser = arguments.Parser(
        prog="python -m abp_core.compare", description="Methods beside one another on one data."
    )
    parser.add_argument("--data", type=Path, required=True, help="a picture, sound or set")
    parser.add_argument("--out", type=Path, required=True, help="a folder for what was learnt")
    parser.add_argument(
        "--methods", nargs="+", choices=list(METHODS), metavar="METHOD", help=", ".join(METHODS)
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on, so many seconds more, from what lies in --out"
    )
    seconds = arguments.number("The seconds", 0, 1e6)
    parser.add_argument("--seconds", type=seconds, default=SECONDS, help="each (default: 120)")
    parser.add_argument("--seed", type=arguments.seed, default=0)
    return parser.parse_args()
