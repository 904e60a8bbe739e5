"""What the engine does on a card: one command for whoever has one.

    python -m benchmarks.cuda                     # correctness, speed, sliders, memory
    python -m benchmarks.cuda --quality           # and what is learnt in 20 s and three minutes
    python -m benchmarks.cuda --device cpu        # the same, small: whether the command works

Every preset runs on bundled data beside a textbook loop and particle gradient descent on the same
device, spell by spell in turns; ratios are medians of the turns' ratios. Prints a table in Markdown
to paste, and on a card keeps it in results/cuda.json.
"""

import argparse
import dataclasses
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any
from xml.etree import ElementTree

import torch
from torch import Tensor

from abp_core.cli import arguments
from abp_core.data import datasets
from abp_core.data.datasets import Dataset
from abp_core.device import Machine, this_machine
from abp_core.errors import Refusal
from abp_core.presets import PRESETS
from abp_core.spec import TrainingSpec
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from benchmarks import tables
from benchmarks.operations import as_shipped, finish, of_iteration, product_rate, tf32
from benchmarks.report import BUNDLED, RESULTS, ROOT, keep, machine_facts
from benchmarks.textbook import ParticleDescent, TextbookTrainer

NO_CARD = 2  # the exit code where there is none, as of a command line that cannot be followed
LARGE = "paper-faces, 1024 at once"  # pictures of 64 x 64, which keep a card busy
SMALL_AIM, LARGE_AIM = 10, 0.6  # times the textbook's rate; share of a matrix product's
SIDES = {"cuda": 8192, "cpu": 256}  # of the matrices of the product
MOVES = {"cuda": 200, "cpu": 5}  # of a slider
WARM = 3  # iterations in which kernels are chosen, graphs captured and caches filled
MARKS = (20.0, 180.0)  # seconds after which quality is measured

Row = dict[str, Any]


def main() -> int:
    args = _arguments()
    if args.device == "cuda" and not torch.cuda.is_available():
        print(
            "There is no CUDA card here; --device cpu runs the same, small, as a check of the "
            "command itself.",
            file=sys.stderr,
        )
        return NO_CARD
    machine = this_machine() if args.device == "cuda" else Machine(torch.device("cpu"), torch.float)
    small = args.device == "cpu"
    results: Row = {"device": describe(machine)}
    if args.tests:
        results["tests"] = checked(args.tests)
    results["products"] = products(machine)
    results["startup_s"] = startup(args.device)
    results["presets"] = {}
    for name in args.presets:
        spec, data = settings(name, small=small)
        row = compare(spec, data, machine, turns=args.turns, seconds=args.seconds)
        results["presets"][name] = with_shares(row, results["products"])
        print(f"{name}: {row['iterations_a_second']:.1f} iterations a second", file=sys.stderr)
    if args.quality:
        results["quality"] = [row for kind in BUNDLED for row in quality(kind, machine, small)]
    print(report(results))
    if args.device == "cuda":
        print("kept in", keep("cuda", results).name, file=sys.stderr)
    failed = results.get("tests", {})
    return 1 if failed.get("failed") else 0


def _arguments() -> argparse.Namespace:
    parser = arguments.Parser(prog="python -m benchmarks.cuda", description=__doc__)
    names = [*PRESETS, LARGE]
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--presets", nargs="+", choices=names, default=names, help="default: all")
    parser.add_argument("--turns", type=arguments.count("The turns", 1, 1000), default=7)
    parser.add_argument(
        "--seconds",
        type=arguments.number("The seconds", 0, 1000),
        default=1.0,
        help="that a spell takes (default 1)",
    )
    parser.add_argument(
        "--tests", nargs="*", default=["tests/core"], help="files of tests; none leaves them out"
    )
    parser.add_argument("--quality", action="store_true", help="takes ten minutes more")
    return parser.parse_args()


def describe(machine: Machine) -> Row:
    """The device and the software that drives it."""
    told = {"precision": _name(machine.fast), "torch": torch.__version__}
    if machine.device.type != "cuda":
        return {"name": machine_facts()["cpu"], **told}
    card = torch.cuda.get_device_properties(machine.device)
    return {
        "name": card.name,
        "memory_gb": round(card.total_memory / 1e9, 1),
        "driver": _driver(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        **told,
    }


def _driver() -> str:
    """The version of the card's driver, as NVIDIA's own tool tells it."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "unknown"
    words = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    told = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
    return told[0].strip() if told else "unknown"


def checked(tests: Sequence[str]) -> dict[str, int]:
    """How many of the tests marked cuda passed, failed and were skipped, in a process of their
    own. One that could not begin counts as failed."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "tests.xml"
        words = ["-c", "pyproject.toml", "-m", "cuda", "-p", "no:cacheprovider", *tests]
        command = [sys.executable, "-m", "pytest", f"--junitxml={written}", *words]
        ran = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
        if not written.exists():
            raise Refusal(f"The tests did not run; pytest ended with {ran.returncode}.")
        suites = list(ElementTree.parse(written).getroot().iter("testsuite"))
    found, failed, skipped = (
        sum(int(suite.get(what, 0)) for suite in suites for what in whats)
        for whats in (("tests",), ("failures", "errors"), ("skipped",))
    )
    return {"passed": found - failed - skipped, "failed": failed, "skipped": skipped}


def products(machine: Machine) -> dict[str, float]:
    """Operations a second of a large matrix product, by the format of its numbers."""
    kind = machine.device.type
    square = torch.randn(SIDES[kind], SIDES[kind], device=machine.device)

    def best(a: Tensor) -> float:
        return max(product_rate(a, times=10) for _ in range(5))

    found = {"float32": best(square), "bfloat16": best(square.bfloat16())}
    if kind == "cuda":
        with tf32():
            found["tf32"] = best(square)
    return found


def startup(device: str) -> float:
    """Seconds from a fresh interpreter until the first iteration of `texture` is done."""
    start = perf_counter()
    code = f"from benchmarks import cuda; cuda.first_iteration({device!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return perf_counter() - start


def first_iteration(device: str) -> None:
    """Of the `texture` preset."""
    machine = this_machine() if device == "cuda" else Machine(torch.device("cpu"), torch.float)
    spec, data = settings("texture", small=device == "cpu")
    Trainer(spec, data, machine=machine).step()
    finish(machine.device)


def settings(name: str, *, small: bool) -> tuple[TrainingSpec, Dataset]:
    """A preset fitted to bundled data, its steps so short that no chain runs away, since who does
    so does not learn; how long they are costs nothing. small: with few and narrow of everything."""
    preset = PRESETS["paper-faces" if name == LARGE else name]
    spec = preset.training
    short = dataclasses.replace(spec.langevin, step_size=0.01 * spec.langevin.step_size)
    spec = dataclasses.replace(spec, langevin=short)
    if name == LARGE:
        spec = dataclasses.replace(spec, examples=1024, batch_size=1024)
    if small:
        spec = _smaller(spec)
    path = BUNDLED[spec.generator.kind]
    data, spec = datasets.load(path, spec, sample_rate=preset.sample_rate)
    return spec, data


def _smaller(spec: TrainingSpec) -> TrainingSpec:
    """What shows on a CPU in moments whether everything runs."""
    network = spec.generator
    first = network.projection and (8, *network.projection[1:])
    network = dataclasses.replace(network, channels=(8,) * len(network.channels), projection=first)
    return dataclasses.replace(
        spec,
        generator=network,
        langevin=dataclasses.replace(spec.langevin, steps=2),
        batch_size=min(spec.batch_size, 2),
        examples=min(spec.examples, 8),
    )


def compare(
    spec: TrainingSpec, data: Dataset, machine: Machine, *, turns: int, seconds: float
) -> Row:
    """One preset: iterations a second of ours, the textbook's and particle descent's in turns of
    so many seconds; the wait for a slider, and what the run took of the card's memory."""
    device = machine.device
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
    mark = perf_counter()
    ours = Trainer(spec, data, machine=machine)
    ours.step()
    finish(device)
    ready = perf_counter() - mark

    loops = {"ours": _alternating(ours)}
    counts = {"ours": _count(loops["ours"], device, seconds)}
    memory = (
        (torch.cuda.max_memory_allocated(device) - before) / 1e6 if device.type == "cuda" else None
    )
    for other, loop in (("textbook", TextbookTrainer), ("particles", ParticleDescent)):
        loops[other] = _repeated(loop(spec, data.signals, ours.sigma, device).iterate)
        counts[other] = _count(loops[other], device, seconds)

    rates: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(turns):
        for name, loop in loops.items():
            rates[name].append(counts[name] / _timed(loop, counts[name], device))
    steps = spec.langevin.steps
    waits = slider(ours, moves=MOVES[device.type])
    diverged = sum(event.diverged for event in ours.steps(WARM))
    return {
        "visited": ours.chains,
        "steps": steps,
        "operations": of_iteration(spec, ours.chains),
        "iterations_a_second": statistics.median(rates["ours"]),
        "textbook_iterations_a_second": statistics.median(rates["textbook"]),
        "times_textbook": _ratio(rates["ours"], rates["textbook"]),
        "particles_iterations_a_second": statistics.median(rates["particles"]),
        "times_particles_moves": steps * _ratio(rates["ours"], rates["particles"]),
        "slider_ms": 1000 * statistics.median(waits),
        "slider_p95_ms": 1000 * sorted(waits)[int(0.95 * len(waits))],
        "memory_mb": memory,
        "first_iteration_s": ready,
        "diverged": diverged / (WARM * ours.chains),
    }


def _alternating(trainer: Trainer) -> Callable[[int], None]:
    """So many of its iterations."""

    def alternate(n: int) -> None:
        for _ in trainer.steps(n):
            pass

    return alternate


def _repeated(iterate: Callable[[], object]) -> Callable[[int], None]:
    """So many of a plain script's iterations."""

    def repeat(n: int) -> None:
        with as_shipped():
            for _ in range(n):
                iterate()

    return repeat


def _count(loop: Callable[[int], None], device: torch.device, seconds: float) -> int:
    """How many iterations take about so many seconds, once it is warm."""
    loop(WARM)
    n, took = 1, _timed(loop, 1, device)
    while took < seconds / 4:
        n *= 2
        took = _timed(loop, n, device)
    return max(1, round(n * seconds / took))


def _timed(loop: Callable[[int], None], n: int, device: torch.device) -> float:
    """Seconds of n iterations, until the device has done them."""
    finish(device)
    start = perf_counter()
    loop(n)
    finish(device)
    return perf_counter() - start


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the turns' ratios."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def slider(trainer: Trainer, *, moves: int) -> list[float]:
    """Seconds from latents on the host, moved a little each time, to bytes on the host, of what
    one example becomes on the device."""
    z = trainer.z[:1].cpu()
    along = torch.randn(z.shape, generator=torch.Generator().manual_seed(0))
    waits = []
    for move in range(-WARM, moves):
        mark = perf_counter()
        made = sampling.generate(trainer.generator, z + move / moves * along)
        (sampling.pixels(made) if made.ndim == 4 else made.numpy()).tobytes()
        if move >= 0:
            waits.append(perf_counter() - mark)
    return waits


def with_shares(row: Row, rates: dict[str, float]) -> Row:
    """The row, and what share of each matrix product its operations a second are."""
    achieved = row["operations"] * row["iterations_a_second"]
    return row | {"shares": {name: achieved / rate for name, rate in rates.items()}}


def quality(kind: str, machine: Machine, small: bool) -> list[Row]:
    """What a preset has learnt of bundled data by each of MARKS: the share that f(z) explains, and
    the first yardstick of benchmarks/quality.py that nothing learns from."""
    from benchmarks import quality as known  # the yardsticks load networks of their own
    from benchmarks import rebuilt
    from benchmarks.originals import Original

    path = BUNDLED[kind]
    original = Original(PRESETS[kind].training.generator.kind, path.stem, path, PRESETS[kind])
    data, spec = original.statistics.training()
    trainer = Trainer(_smaller(spec) if small else spec, data, machine=machine)
    heading, key = known.UNLEARNT[original.kind][0]
    key = key.removeprefix("unlearnt.")
    kept = tables.read(RESULTS / f"quality-{original.kind}.json").get(path.stem, {})
    shipped = kept.get("shipped", {})
    rows, passed = [], 0.0
    for mark in MARKS:
        while passed < (mark / 100 if small else mark):
            passed += _timed(_alternating(trainer), 10, machine.device)
        saved = trainer.checkpoint()
        judged = original.judge.measure(original.drawn(saved))
        rows.append(
            {
                "data": path.stem,
                "seconds": passed,
                "iterations": saved.iteration,
                "explained": rebuilt.shares(saved, data, None)["learnt"],
                "shipped_explained": shipped.get("explained", {}).get("learnt"),
                "yardstick": heading,
                "distance": judged[key],
                "shipped_distance": shipped.get("unlearnt", {}).get(key),
            }
        )
    return rows


def report(results: Row) -> str:
    """All figures in Markdown."""
    device, rates = results["device"], results["products"]
    words = {"driver": "driver", "torch": "torch", "cuda": "CUDA", "cudnn": "cuDNN"}
    versions = [f"{word} {device[key]}" for key, word in words.items() if key in device]
    versions.append(f"{device['memory_gb']} GB" if "memory_gb" in device else "no card: a check")
    lines = [f"{device['name']}, {', '.join(versions)}; chains in {device['precision']}."]
    if "tests" in results:
        told = [f"{n} {what}" for what, n in results["tests"].items()]
        lines.append(f"Tests marked cuda: {', '.join(told)}.")
    told = [f"{rate / 1e12:.3g} in {name}" for name, rate in rates.items()]
    lines.append(f"A large matrix product, Tflop/s: {', '.join(told)}.")
    lines.append(f"A fresh process has its first iteration after {results['startup_s']:.1f} s.")
    lines += ["", tables.markdown(*_speed_table(results["presets"], list(rates)))]
    lines += ["", *_aims(results["presets"])]
    if "quality" in results:
        lines += ["", tables.markdown(*_quality_table(results["quality"]))]
    return "\n".join(lines)


def _speed_table(rows: dict[str, Row], formats: list[str]) -> tuple[list[str], list[list[str]]]:
    heads = [
        *("preset", "visited x steps", "iterations/s", "textbook", "times"),
        *("ParEM", "times, by moves", *(f"of {name} product" for name in formats)),
        *("slider, ms (p95)", "memory, MB", "first iteration, s"),
    ]
    lines = [
        [
            name,
            f"{row['visited']} x {row['steps']}",
            f"{row['iterations_a_second']:.1f}",
            f"{row['textbook_iterations_a_second']:.1f}",
            f"{row['times_textbook']:.2f}",
            f"{row['particles_iterations_a_second']:.1f}",
            f"{row['times_particles_moves']:.2f}",
            *(f"{row['shares'][each]:.1%}" for each in formats),
            f"{row['slider_ms']:.2f} ({row['slider_p95_ms']:.2f})",
            "" if row["memory_mb"] is None else f"{row['memory_mb']:.0f}",
            f"{row['first_iteration_s']:.2f}",
        ]
        for name, row in rows.items()
    ]
    return heads, lines


def _aims(rows: dict[str, Row]) -> list[str]:
    """What was aimed at, what was reached, and which figures are not to be trusted."""
    lines = [
        f"Of {name}, {row['diverged']:.0%} of the chains ran away, and these did not learn."
        for name, row in rows.items()
        if row["diverged"]
    ]
    small = {name: row["times_textbook"] for name, row in rows.items() if name != LARGE}
    if small:
        reached = sum(times >= SMALL_AIM for times in small.values())
        lines.append(
            f"Aim: {SMALL_AIM} times the textbook's rate with presets' own batches; reached by "
            f"{reached} of {len(small)}, least {min(small.values()):.2f}."
        )
    if LARGE in rows:
        shares = {k: v for k, v in rows[LARGE]["shares"].items() if k in ("tf32", "bfloat16")}
        most = max(shares, key=lambda name: shares[name])
        lines.append(
            f"Aim: {LARGE_AIM:.0%} of the product with 1024 at once; reached {shares[most]:.1%} "
            f"of the {most} one."
        )
    return lines


def _quality_table(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    heads = ["data", "after, s", "iterations", "explained", "shipped model"]
    heads += ["yardstick", "distance", "shipped model"]
    return heads, [
        [
            row["data"],
            f"{row['seconds']:.0f}",
            str(row["iterations"]),
            tables.figure(row["explained"], 3),
            tables.figure(row["shipped_explained"], 3),
            row["yardstick"],
            tables.figure(row["distance"], 3),
            tables.figure(row["shipped_distance"], 3),
        ]
        for row in rows
    ]


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


if __name__ == "__main__":
    arguments.run(main)
