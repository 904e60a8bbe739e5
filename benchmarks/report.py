"""What every benchmark shares: the machine's facts, and a place for results."""

import datetime
import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "demo" / "examples"
RESULTS = ROOT / "benchmarks" / "results"
THREADS = 2  # what a small hosted machine has

BUNDLED = {
    "texture": EXAMPLES / "textures" / "pebbles.jpg",
    "sound": EXAMPLES / "sounds" / "stream.flac",
    "objects": EXAMPLES / "objects" / "toon_faces_64.npz",
}


def machine_facts() -> dict[str, Any]:
    """Where and when this runs. load: of the last minutes, which shows others at work beside it."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "torch": torch.__version__,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
    }


def keep(name: str, results: dict[str, Any]) -> Path:
    """Writes results/NAME.json with the machine's facts, and returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine_facts(), **results}, indent=2) + "\n")
    return path


def _cpu_model() -> str:
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        for line in cpus.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
