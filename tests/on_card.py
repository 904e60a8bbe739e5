"""What runs on the stand-in card and on the CPU side by side, in a process of its own.

    python -m tests.on_card

Prints a line of JSON for each case: its name, what differs, and what an iteration cost.
"""

import dataclasses
import json
import sys
import traceback
from collections.abc import Callable
from unittest import mock

import torch

from abp_core.adaptation import roots
from abp_core.analysis import traces
from abp_core.data.datasets import Dataset
from abp_core.device import Machine
from abp_core.learning import bursts
from abp_core.observation import Full, Observation
from abp_core.observation.views import Compressed, Downsampled, Grey, Occluded
from abp_core.presets import PRESETS
from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from tests.tiny import FP32, NETWORKS, WHOLE, dataset, training, whole_dataset, whole_training

MANY = 9  # iterations of a burst
ITERATIONS = 5  # the first ones as Python says them, the last ones as they were recorded
Answer = dict[str, object]


def preset(name: str) -> Answer:
    """A preset with as few and as small examples as it bears, and so short a step that it learns
    of them from the beginning."""
    spec = PRESETS[name].training
    few = {"examples": min(spec.examples, 8), "batch_size": min(spec.batch_size, 4)}
    walk = dataclasses.replace(spec.langevin, steps=min(spec.langevin.steps, 3), step_size=0.005)
    spec = dataclasses.replace(spec, langevin=walk, **few)
    return alongside(spec, _data_for(spec))


def _data_for(spec: TrainingSpec) -> Dataset:
    network = spec.generator
    if not network.margins:
        return dataset(network, spec.examples)
    shown = {"texture": (12, 12), "sound": (40,)}[network.kind]
    shape = (network.latent_shape[0], *(n + 2 * network.margin for n in shown))
    return dataset(dataclasses.replace(network, latent_shape=shape), 1)


def alongside(spec: TrainingSpec, data: Dataset, observation: Observation | None = None) -> Answer:
    """What differs between the card and the CPU after some iterations, and what the last cost."""
    from tests import card  # there is one in a process, for good

    ours = Trainer(spec, data, observation or Full(), machine=FP32)
    with card.present() as log:
        theirs = Trainer(spec, data, observation or Full(), machine=card.machine())
        unordered: list[str] = []
        for _ in range(ITERATIONS):
            log.clear()
            ours.step(), theirs.step()
            unordered += log.unordered
        cost: Answer = {"transfers": [*log.transfers], "waits": [*log.waits]}
        cost["unordered"] = unordered
        other = theirs.checkpoint().tensors()
    mine = ours.checkpoint().tensors()
    differing = [name for name in mine if not torch.equal(mine[name], other[name])]
    away = [name for name, value in other.items() if value.device.type != "cpu"]
    return {"differing": differing, "away": away, "updates": theirs.updates, **cost}


def burst(spec: TrainingSpec, data: Dataset) -> Answer:
    """What differs after many iterations that were queued at once, and what they cost together."""
    from tests import card

    ours = Trainer(spec, data, machine=FP32)
    with card.present() as log, mock.patch.object(bursts, "BURST", 1e9):
        theirs = Trainer(spec, data, machine=card.machine())
        theirs.step()
        log.clear()
        events = [event for event in theirs.alternation(MANY) if event is not None]
        cost = {"transfers": [], "waits": [*log.waits]}
        other = theirs.checkpoint().tensors()
    expected = list(ours.steps(1 + MANY))[1:]
    mine = ours.checkpoint().tensors()
    differing = [name for name in mine if not torch.equal(mine[name], other[name])]
    told = [dataclasses.replace(event, seconds=0) for event in events]
    if told != [dataclasses.replace(event, seconds=0) for event in expected]:
        differing.append("events")
    return {"differing": differing, "away": [], **cost}


def replay(spec: TrainingSpec, data: Dataset, observation: Observation) -> Answer:
    """What differs between the walk that training takes next as the card and as the CPU walk it,
    and between the landscapes that it crosses."""
    from tests import card

    trainer = Trainer(spec, data, observation, machine=FP32)
    for _ in trainer.steps(ITERATIONS):
        pass
    saved = trainer.checkpoint()
    across = torch.linspace(-1, 1, 3)

    def walked(machine: Machine) -> dict[str, torch.Tensor]:
        walk = traces.as_in_training(saved, data.signals[:1], 0, machine)
        while not walk.ended:
            walk.advance()
        heights = traces.landscape(walk.posterior, traces.plane_of(walk.steps), across, across)
        last = dataclasses.asdict(walk.steps[-1])
        return {"heights": heights, **{k: v for k, v in last.items() if k != "number"}}

    mine = walked(FP32)
    with card.present() as log:
        other = walked(card.machine())
        cost = {"transfers": [*log.transfers[:1]], "waits": [*log.waits[:1]]}
    differing = [k for k in mine if not torch.equal(mine[k].nan_to_num(), other[k].nan_to_num())]
    return {"differing": differing, "away": [], **cost}


def views(network: GeneratorSpec) -> dict[str, Observation]:
    shape = (10, 1, *network.signal_shape[1:])
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.6
    return {
        "occluded": Occluded(mask.float()),
        "compressed": Compressed.random(20, network.signal_shape, seed=1),
        "grey": Grey(),
        "downsampled": Downsampled(2),
    }


def _cases() -> dict[str, Callable[[], Answer]]:
    found: dict[str, Callable[[], Answer]] = {}
    for name in PRESETS:
        found[f"preset {name}"] = lambda name=name: preset(name)
    for kind, network in NETWORKS.items():
        for name, view in views(network).items():
            spec = training(network)
            found[f"{kind}, {name}"] = lambda s=spec, n=network, v=view: alongside(s, dataset(n), v)
    for kind in WHOLE:
        found[f"whole {kind}"] = lambda k=kind: alongside(whole_training(k), whole_dataset(k))
    objects, hidden = NETWORKS["objects"], views(NETWORKS["objects"])["occluded"]
    found["replay"] = lambda: replay(training(objects), dataset(objects), hidden)
    for kind in WHOLE:
        found[f"replay of a whole {kind}"] = lambda k=kind: replay(
            whole_training(k), whole_dataset(k), Full()
        )
    walk = LangevinSpec(steps=4, step_size=0.1, acceptance=0.6)
    found["burst"] = lambda: burst(training(objects, standardised=True), dataset(objects))
    found["burst of a whole texture"] = lambda: burst(
        whole_training("texture"), whole_dataset("texture")
    )
    found["acceptance"] = lambda: alongside(
        training(NETWORKS["objects"], langevin=walk), dataset(NETWORKS["objects"])
    )
    return found


CASES = _cases()


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
