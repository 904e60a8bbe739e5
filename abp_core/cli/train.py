"""Training without a screen: python -m abp_core.train --data PATH --out FILE

Exit codes: 0 when the run ended or was stopped (Ctrl-C, SIGTERM, a closed terminal) and was
saved; 1 when it diverged, with its last good state saved; 2 for a request that cannot be met; 75
when the graphics card failed, to go on from what was saved last.

Under torchrun, or another launcher that speaks as it does, all its processes train one run, the
first of them speaks and saves, and they end together (docs/clusters.md).

With --rebuild FOLDER it makes the shipped models again; see zoo/rebuild.py.
"""

import argparse
import contextlib
import dataclasses
import math
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic
from types import FrameType

from tqdm import tqdm

from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.cli import arguments
from abp_core.data import datasets
from abp_core.device import this_machine
from abp_core.errors import Refusal
from abp_core.faults import broke_card, lacks_memory
from abp_core.learning.events import (
    Diverging,
    TrainingEvent,
)
from abp_core.presets import PRESETS
from abp_core.ranks import ALONE, Ranks, joined
from abp_core.spec import Kind
from abp_core.trainer import Trainer
from abp_core.zoo.catalogue import Recipe

DEFAULT_PRESETS: dict[Kind, str] = {kind: kind for kind in ("texture", "sound", "objects", "film")}
DEFAULT_MINUTES = 3.0
TICK = 3.0  # seconds between lines
SAVE_EVERY = 60.0  # seconds
BAR = "{percentage:3.0f}% {bar} {elapsed} gone, {remaining} left{postfix}"


class Stop:
    """Notes a signal that asks the run to end; the run looks between two Langevin steps."""

    def __init__(self) -> None:
        self.name = ""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            ignored = number is not None and signal.getsignal(number) == signal.SIG_IGN
            if number is not None and not (name == "SIGHUP" and ignored):  # nohup stays nohup
                signal.signal(number, self.note)

    @property
    def number(self) -> int:
        """Of the signal; 0 where there was none."""
        return signal.SIGINT if self.name == "Ctrl-C" else getattr(signal, self.name, 0)

    def note(self, number: int, frame: FrameType | None = None) -> None:
        self.name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


def main() -> int:
    stop = Stop()
    with joined() as ranks, contextlib.ExitStack() as silence:
        if not ranks.first:
            nobody = silence.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
            silence.enter_context(contextlib.redirect_stdout(nobody))
        with ranks.refusing_together():
            args = _arguments()
            if args.rebuild and not ranks.alone:
                raise Refusal("--rebuild is for one process; please start it without a launcher.")
        return _rebuild(args, stop) if args.rebuild else _run(args, stop, ranks)


def _run(args: argparse.Namespace, stop: Stop, ranks: Ranks = ALONE) -> int:
    with ranks.refusing_together():
        this_machine()  # before anything is read: what was chosen may not be here
        if not args.data.exists():
            raise Refusal(f"{args.data} was not found.")
        if ranks.first:
            _require_place(args.out)
        trainer = _resume(args, ranks) if args.resume else _new_run(args, ranks)
    out = _Out(args.out)
    try:
        return _train(trainer, args, out, stop)
    except (MemoryError, RuntimeError) as error:
        if broke_card(error):
            raise arguments.BrokenCard(f"The graphics card failed; {_way_on(args, out)}") from error
        if lacks_memory(error):
            raise Refusal(f"There is not enough memory; {_way_on(args, out)}") from error
        raise


def _way_on(args: argparse.Namespace, out: "_Out") -> str:
    """What is left of a run that broke off."""
    if out.iteration is not None:
        return f"go on from iteration {out.iteration} by --resume {out.path}."
    return f"go on by --resume {args.resume}." if args.resume else "nothing was saved before."


def _rebuild(args: argparse.Namespace, stop: Stop) -> int:
    from abp_core.zoo import rebuild  # here: no other run needs all that its measures bring along

    def train(words: list[str]) -> bool:
        return _run(_arguments(words), stop) == 0 and not stop.name

    def make(recipe: Recipe) -> Checkpoint | None:
        return (
            rebuild.load_trained(recipe, args.source)
            if args.source
            else rebuild.train_recipe(recipe, train)
        )

    return rebuild.rebuild(args.rebuild, args.only or (), make)


def _arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """words: of the command, after its name; None for those that this process was given."""
    parser = arguments.Parser(
        prog="python -m abp_core.train", description="Learn a generator network."
    )
    parser.add_argument("--data", type=Path, help="picture, sound, film, or set of pictures")
    parser.add_argument("--out", type=Path, help="checkpoint (.safetensors)")
    parser.add_argument(
        "--preset", help=f"one of {', '.join(PRESETS)} (default: as the kind of data)"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--minutes",
        type=arguments.number("The minutes", 0, 100_000),
        help=f"how long to train from here (default {DEFAULT_MINUTES:g})",
    )
    length.add_argument(
        "--iterations",
        type=arguments.count("The iterations", 1, 10**9),
        help="how many iterations to train from here",
    )
    parser.add_argument("--resume", type=Path, help="checkpoint to go on from, with its settings")
    parser.add_argument("--seed", type=arguments.seed, help="of everything random (default 0)")
    parser.add_argument(
        "--step-size",
        type=arguments.number("The step size", 0, 10),
        help="of the Langevin walk, instead of the preset's or checkpoint's",
    )
    parser.add_argument(
        "--side",
        type=arguments.count("The side", 16, 512),
        help="of a film's pictures, if they were square, instead of the preset's; they keep their "
        "shape",
    )
    parser.add_argument(
        "--rebuild", type=Path, metavar="FOLDER", help="make the models of its index again"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of the index to rebuild")
    parser.add_argument(
        "--from",
        type=Path,
        dest="source",
        metavar="FOLDER",
        help="take what was trained before from there, instead of training it",
    )
    args = parser.parse_args(words)
    _require_whole(args)
    if args.resume and (args.preset is not None or args.seed is not None or args.side is not None):
        print("A resumed run keeps its own preset, seed and side; those given are not used.")
    if args.iterations is None and args.minutes is None:
        args.minutes = DEFAULT_MINUTES
    return args


def _require_whole(args: argparse.Namespace) -> None:
    """Raises Refusal for a request that lacks something, or that asks for two things."""
    own = ("data", "out", "preset", "minutes", "iterations", "resume", "seed", "step_size", "side")
    given = [f"--{name}".replace("_", "-") for name in own if getattr(args, name) is not None]
    if args.rebuild and given:
        raise Refusal(f"--rebuild trains as its index says; please leave out {given[0]}.")
    if not args.rebuild and (args.only or args.source):
        raise Refusal(f"{'--only' if args.only else '--from'} is for --rebuild alone.")
    if not args.rebuild and (args.data is None or args.out is None):
        raise Refusal("Please say what to learn from and where to: --data PATH --out FILE.")
    if args.preset is not None and args.preset not in PRESETS:
        raise Refusal(f"There is no preset {args.preset}; choose one of {', '.join(PRESETS)}.")


def _require_place(out: Path) -> None:
    """Raises Refusal where `out` cannot be written, or holds what is no checkpoint."""
    arguments.require_place(out)
    if out.exists():
        try:
            Checkpoint.load(out)
        except CheckpointRejected as error:
            raise Refusal(
                f"{out} exists and is no checkpoint; please choose another file name."
            ) from error


def _new_run(args: argparse.Namespace, ranks: Ranks = ALONE) -> Trainer:
    preset = PRESETS[args.preset or DEFAULT_PRESETS[datasets.kind_of(args.data)]]
    spec = dataclasses.replace(preset.training, seed=args.seed or 0)
    if args.step_size is not None:
        spec = dataclasses.replace(spec, langevin=spec.langevin.at(args.step_size))
    if args.side is not None:
        if spec.generator.kind != "film":
            raise Refusal("--side is for films; please leave it out for other data.")
        square = spec.generator.fitted_to((args.side, args.side), spec.generator.out_channels)
        spec = dataclasses.replace(spec, generator=square)
    dataset, spec = datasets.load(args.data, spec, sample_rate=preset.sample_rate)
    if dataset.notes:
        print(f"{args.data.name}: {dataset.remarks}", flush=True)
    return Trainer(spec, dataset, ranks=ranks)


def _resume(args: argparse.Namespace, ranks: Ranks = ALONE) -> Trainer:
    """The run of --resume; its data is read again as the checkpoint says it was."""
    saved = Checkpoint.load(args.resume)
    source = saved.source
    dataset, _ = datasets.load(
        args.data, saved.spec, sample_rate=source.sample_rate, name=source.name
    )
    if args.step_size is not None:
        saved = saved.at(args.step_size)
    return Trainer.resume(saved, dataset, ranks=ranks)


class _Out:
    """The file of a run. iteration: what it holds of this one; None before it was saved."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.iteration: int | None = None

    def save(self, trainer: Trainer) -> None:
        trainer.checkpoint().save(self.path)
        self.iteration = trainer.iteration


def _train(trainer: Trainer, args: argparse.Namespace, out: _Out, stop: Stop) -> int:
    """Trains; the first of its processes tells and saves. Returns the exit code."""
    diverging, diverged, first = Diverging(trainer.chains), False, trainer.ranks.first
    with tqdm(total=1.0, bar_format=BAR, disable=not first) as bar:
        clock = _Ticks(bar)
        for event, share in _iterations(trainer, args, stop):
            clock.show(event, share, trainer.seconds)
            diverged = diverging.observe(event)
            if diverged:
                break
            if first and clock.due("save", SAVE_EVERY):
                out.save(trainer)
    if not first:
        return int(diverged)
    out.save(trainer)
    for _ in trainer.learn_prior():
        pass
    if trainer.spec.prior == "flow":
        out.save(trainer)
    if diverged:
        half = trainer.step_size / 2
        print(
            f"Every chain diverged {diverging.patience} times in a row; the last good state is in "
            f"{args.out}. Please go on with a smaller step: --resume {args.out} "
            f"--step-size {half:g}",
            file=sys.stderr,
        )
        return 1
    ended = f"Stopped by {stop.name}" if stop.name else "Done"
    print(f"{ended} after iteration {trainer.iteration}; saved {args.out}.", flush=True)
    return 0


def _iterations(
    trainer: Trainer, args: argparse.Namespace, stop: Stop
) -> Iterator[tuple[TrainingEvent, float]]:
    """What each iteration did and the share of the run that is done, until that is 1 or `stop`
    has a name. An iteration that is stopped half-way leaves the run as it was; several processes
    stop after the same one, in which one of them was asked to or has come to the end."""
    start, first, ranks = monotonic(), trainer.iteration, trainer.ranks
    share, most = 0.0, args.iterations
    while share < 1:
        for event in trainer.alternation(most and first + most - trainer.iteration):
            if stop.name and ranks.alone:
                return
            if event is not None:
                share = (
                    (monotonic() - start) / (60 * args.minutes)
                    if args.iterations is None
                    else (event.iteration - first) / args.iterations
                )
                share = ranks.highest(1 + stop.number if stop.number else min(share, 1.0))
                yield event, min(share, 1.0)
                if share > 1:
                    stop.note(round(share - 1))


class _Ticks:
    """The bar, and a line every few seconds."""

    def __init__(self, bar: "tqdm[None]") -> None:
        self._bar = bar
        self._last = {"line": -math.inf, "save": monotonic()}  # the first iteration is told
        self._pace = 0.0  # seconds an iteration, over the last ten or so

    def due(self, what: str, every: float) -> bool:
        """Whether `every` seconds have gone since this was last true."""
        now = monotonic()
        if now - self._last[what] < every:
            return False
        self._last[what] = now
        return True

    def show(self, event: TrainingEvent, share: float, seconds: float) -> None:
        pace = self._pace or event.seconds
        self._pace = 0.9 * pace + 0.1 * event.seconds
        self._bar.set_postfix_str(f"{1 / self._pace:.2f} iterations/s", refresh=False)
        self._bar.update(share - self._bar.n)
        if self.due("line", TICK) or share == 1:
            self._bar.write(line(event, seconds))


def line(event: TrainingEvent, seconds: float) -> str:
    """One iteration in words, and the seconds that the whole run has computed."""
    lost = f"  {event.diverged} chains put back" if event.diverged else ""
    return (
        f"iteration {event.iteration}  reconstruction error {event.reconstruction_error:.4f}  "
        f"latent norm {event.latent_norm:.3f}  {seconds:.1f} s{lost}"
    )


if __name__ == "__main__":
    arguments.run(main)
