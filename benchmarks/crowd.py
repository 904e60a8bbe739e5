"""What people on one machine cost each other: runs beside runs, and runs beside people who look.

    python -m benchmarks.crowd

Runs of a texture go on in threads of their own, as in the studio, while others drag a point of a
picture set, each waiting for one picture before asking for the next. Each figure is taken in turn
with the others, round by round, and told as a ratio to a run alone on all cores.
"""

import argparse
import asyncio
import statistics
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch

from abp_core.data import datasets
from abp_core.presets import PRESETS
from abp_core.trainer import Trainer
from benchmarks.report import ROOT, keep
from demo.disk import Disk
from demo.explore.service import Exploration
from demo.runs.sessions import new_token
from demo.runs.threads import one_thread
from demo.server.turns import Lane
from demo.studio import Studio

MODEL = "toon_faces_64"


class Running:
    """A run in a thread of its own, with so many threads for its arithmetic."""

    def __init__(self, threads: int) -> None:
        preset = PRESETS["quick-texture"]
        path = ROOT / "demo" / "examples" / "textures" / "pebbles.jpg"
        dataset, spec = datasets.load(path, preset.training, sample_rate=0, name="pebbles")
        self._trainer, self._threads = Trainer(spec, dataset), threads
        self.iterations, self.seconds = 0, list[float]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go)

    def _go(self) -> None:
        torch.set_num_threads(self._threads)
        while not self._over.is_set():
            begun = perf_counter()
            self._trainer.step()
            self.seconds.append(perf_counter() - begun)
            self.iterations += 1

    def __enter__(self) -> "Running":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def rate(runs: list[Running], seconds: float, beside: Callable[[float], Any] | None = None) -> Any:
    """Iterations a second of a run, and what went on beside."""
    while not all(run.iterations for run in runs):
        threading.Event().wait(0.05)
    for run in runs:
        run.seconds.clear()
    result = beside(seconds) if beside else threading.Event().wait(seconds)
    took = [statistics.mean(run.seconds) if run.seconds else seconds for run in runs]
    return statistics.mean(1 / value for value in took), result


def looking(studio: Studio, lane: Lane, people: int) -> Callable[[float], list[float]]:
    """So many people who drag for some seconds; how long each picture took."""
    exploration = Exploration(studio)
    tokens = [new_token() for _ in range(people)]
    for token in tokens:
        studio.arrive(token)
        studio.choose(token, MODEL)
        exploration.look(token, MODEL, {"seed": 0})

    async def drag(token: str, until: float) -> list[float]:
        took: list[float] = []
        while perf_counter() < until:
            begun = perf_counter()
            point = {"seed": len(took)}
            await lane.do(token, lambda point=point: exploration.look(token, MODEL, point))  # type: ignore[misc]
            took.append(perf_counter() - begun)
            await asyncio.sleep(0.05)  # the way there and back
        return took

    async def all_drag(seconds: float) -> list[float]:
        until = perf_counter() + seconds
        each = await asyncio.gather(*(drag(token, until) for token in tokens))
        return [value for values in each for value in values]

    return lambda seconds: asyncio.run(all_drag(seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    args = parser.parse_args()
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)
        print(f"{name}: {value:.3f}", flush=True)

    def several(count: int, threads: int, beside: Any = None) -> Any:
        runs = [Running(threads) for _ in range(count)]
        with ExitStack() as going:
            for run in runs:
                going.enter_context(run)
            return rate(runs, args.seconds, beside)

    with TemporaryDirectory() as folder:
        studio = Studio(Disk(Path(folder)))
        lane = Lane("look", 2, one_thread)
        beside = looking(studio, lane, 10)
        for _ in range(args.rounds):
            alone, _ = several(1, 2)
            note("a run alone, two threads, iterations a second", alone)
            for count in (1, 2):
                for threads in (1, 2):
                    for people in (0, 10):
                        if (count, threads, people) == (1, 2, 0):
                            continue
                        each, took = several(count, threads, beside if people else None)
                        name = f"{count} at once, {threads} threads, {people} looking"
                        note(f"{name}: share of a run alone", each / alone)
                        if people:
                            note(f"{name}: picture, 95th, ms", 1000 * percentile(took))
        lane.close()
        studio.close()
    keep("crowd", {name: statistics.median(values) for name, values in found.items()})


def percentile(values: list[float], share: float = 0.95) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


if __name__ == "__main__":
    main()
