"""What runs on the stand-in card and on the CPU side by side, in a process of its own.

    python -m tests.on_card

Prints a line of JSON for each case: its name, what differs, and what an iteration cost.
"""

import dataclasses
import json
import subprocess
import sys
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from abp_core.adaptation import roots
from abp_core.analysis import traces
from abp_core.checkpoint import Checkpoint
from abp_core.data.datasets import Dataset
from abp_core.device import Machine
from abp_core.learning import bursts
from abp_core.observation import Full, Observation
from abp_core.observation.views import Compressed, Downsampled, Grey, Occluded
from abp_core.presets import PRESETS
from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from tests.tiny import AS_A_CARD, NETWORKS, WHOLE, dataset, training, whole_dataset, whole_training

ROOT = Path(__file__).parents[1]
MANY = 9  # iterations of a burst
ITERATIONS = 5  # the first ones as Python says them, the last ones as they were recorded
Answer = dict[str, object]


@dataclass(frozen=True)
class Run:
    """A short run of the engine."""

    spec: TrainingSpec
    data: Dataset
    observation: Observation = field(default_factory=Full)

    def trainer(self, machine: Machine) -> Trainer:
        return Trainer(self.spec, self.data, self.observation, machine=machine)


def preset(name: str) -> Run:
    """A preset with as few and as small examples as it bears, and steps so short that no chain
    runs away: an iteration whose chains all do learns nothing."""
    spec = PRESETS[name].training
    few = {"examples": min(spec.examples, 24), "batch_size": min(spec.batch_size, 4)}
    walk = {"steps": min(spec.langevin.steps, 3), "step_size": 0.03 * spec.langevin.step_size}
    spec = dataclasses.replace(spec, langevin=dataclasses.replace(spec.langevin, **walk), **few)
    network = spec.generator
    if network.spatial and not network.margins:
        channels, *extent = network.latent_shape
        smaller = (channels, *(min(n, 3) for n in extent))
        spec = dataclasses.replace(
            spec, generator=dataclasses.replace(network, latent_shape=smaller)
        )
    return Run(spec, _data_for(spec))


def _data_for(spec: TrainingSpec) -> Dataset:
    network = spec.generator
    if not network.margins:
        return dataset(network, spec.examples)
    shown = {"texture": (12, 12), "sound": (40,)}[network.kind]
    shape = (network.latent_shape[0], *(n + 2 * network.margin for n in shown))
    return dataset(dataclasses.replace(network, latent_shape=shape), 1)


def alongside(run: Run) -> Answer:
    """What differs between the card and the CPU after some iterations, and what the last cost."""
    from tests import card  # there is one in a process, for good

    ours = run.trainer(AS_A_CARD)
    with card.present() as log:
        theirs = run.trainer(card.machine())
        diverged, unordered = 0, []
        for _ in range(ITERATIONS):
            log.clear()
            diverged += ours.step().diverged + theirs.step().diverged
            unordered += log.unordered
        cost: Answer = {"transfers": [*log.transfers], "waits": [*log.waits]}
        cost |= {"unordered": unordered, "diverged": diverged}
        other = theirs.checkpoint().tensors()
    mine = ours.checkpoint().tensors()
    differing = [name for name in mine if not torch.equal(mine[name], other[name])]
    away = [name for name, value in other.items() if value.device.type != "cpu"]
    return {"differing": differing, "away": away, "updates": theirs.updates, **cost}


def burst(run: Run) -> Answer:
    """What differs after many iterations that were queued at once, and what they cost together."""
    from tests import card

    ours = run.trainer(AS_A_CARD)
    with card.present() as log, mock.patch.object(bursts, "BURST", 1e9):
        theirs = run.trainer(card.machine())
        theirs.step()
        log.clear()
        events = [event for event in theirs.alternation(MANY) if event is not None]
        cost: Answer = {"transfers": [], "waits": [*log.waits]}
        other = theirs.checkpoint().tensors()
    expected = list(ours.steps(1 + MANY))[1:]
    mine = ours.checkpoint().tensors()
    differing = [name for name in mine if not torch.equal(mine[name], other[name])]
    told = [dataclasses.replace(event, seconds=0) for event in events]
    if told != [dataclasses.replace(event, seconds=0) for event in expected]:
        differing.append("events")
    diverged = sum(event.diverged for event in events)
    return {"differing": differing, "away": [], "diverged": diverged, **cost}


def walked(run: Run, saved: Checkpoint, machine: Machine) -> dict[str, torch.Tensor]:
    """The walk that training takes next from what was saved of it, its last step and the landscape
    that it crosses, as this machine walks it."""
    walk = traces.as_in_training(saved, run.data.signals[:1], 0, machine)
    while not walk.ended:
        walk.advance()
    across = torch.linspace(-1, 1, 3)
    heights = traces.landscape(walk.posterior, traces.plane_of(walk.steps), across, across)
    last = dataclasses.asdict(walk.steps[-1])
    return {"heights": heights, **{k: v for k, v in last.items() if k != "number"}}


def replay(run: Run) -> Answer:
    """What differs between such a walk as the card and as the CPU walk it."""
    from tests import card

    trainer = run.trainer(AS_A_CARD)
    for _ in trainer.steps(ITERATIONS):
        pass
    saved = trainer.checkpoint()
    mine = walked(run, saved, AS_A_CARD)
    with card.present() as log:
        other = walked(run, saved, card.machine())
        cost = {"transfers": [*log.transfers[:1]], "waits": [*log.waits[:1]]}
    differing = [k for k in mine if not torch.equal(mine[k].nan_to_num(), other[k].nan_to_num())]
    return {"differing": differing, "away": [], "diverged": 0, **cost}


def views(network: GeneratorSpec) -> dict[str, Observation]:
    shape = (10, 1, *network.signal_shape[1:])
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.6
    return {
        "occluded": Occluded(mask.float()),
        "compressed": Compressed.random(20, network.signal_shape, seed=1),
        "grey": Grey(),
        "downsampled": Downsampled(2),
    }


def _runs() -> dict[str, Callable[[], Run]]:
    found: dict[str, Callable[[], Run]] = {}
    for name in PRESETS:
        found[f"preset {name}"] = partial(preset, name)
    for kind, network in NETWORKS.items():
        for name, view in views(network).items():
            found[f"{kind}, {name}"] = partial(Run, training(network), dataset(network), view)
    for kind in WHOLE:
        found[f"whole {kind}"] = partial(Run, whole_training(kind), whole_dataset(kind))
    walk = LangevinSpec(steps=4, step_size=0.1, acceptance=0.6)
    objects = NETWORKS["objects"]
    found["acceptance"] = partial(Run, training(objects, langevin=walk), dataset(objects))
    return found


def _replays() -> dict[str, Callable[[], Run]]:
    objects = NETWORKS["objects"]
    hidden = views(objects)["occluded"]
    found = {"replay": partial(Run, training(objects), dataset(objects), hidden)}
    for kind in WHOLE:
        whole = partial(Run, whole_training(kind), whole_dataset(kind))
        found[f"replay of a whole {kind}"] = whole
    return found


def _bursts() -> dict[str, Callable[[], Run]]:
    spec = training(NETWORKS["objects"], standardised=True)
    return {
        "burst": partial(Run, spec, dataset(NETWORKS["objects"])),
        "burst of a whole texture": partial(
            Run, whole_training("texture"), whole_dataset("texture")
        ),
    }


# What is trained, and whose next walk is shown; they are made when they are asked for.
RUNS, REPLAYS = _runs(), _replays()
CASES: dict[str, Callable[[], Answer]] = {
    **{name: lambda run=run: alongside(run()) for name, run in RUNS.items()},
    **{name: lambda run=run: replay(run()) for name, run in REPLAYS.items()},
    **{name: lambda run=run: burst(run()) for name, run in _bursts().items()},
}


def answers_of(module: str, cases: Collection[str]) -> dict[str, dict[str, Any]]:
    """What every case of such a module answers, which is run in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", module]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = {each["case"]: each for each in map(json.loads, ran.stdout.splitlines())}
    assert set(found) == set(cases), ran.stderr
    return found


def main() -> None:
    torch.set_num_threads(1)
    # The CPU takes roots as the card does, so that not a bit may differ.
    mock.patch.object(roots, "waits_for_nothing", return_value=False).start()
    for name, case in CASES.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        try:
            answer = case()
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps({"case": name, **answer}), flush=True)


if __name__ == "__main__":
    main()
