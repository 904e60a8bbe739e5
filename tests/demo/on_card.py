"""What the studio does with models and runs, on the stand-in card and on the CPU side by side, in a
process of its own (see tests/card.py).

    python -m tests.demo.on_card

Prints a line of JSON for each case: its name, what differs, and what went to and from the card.
"""

import dataclasses
import gc
import itertools
import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from abp_core import device
from abp_core.adaptation import roots
from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.device import Machine
from abp_core.observation import Occluded
from abp_core.presets import PRESETS
from abp_core.spec import TrainingSpec
from abp_core.synthesis import render
from abp_core.synthesis.request import Request
from abp_core.trainer import Trainer
from demo.disk import Disk
from demo.explore.interpolation import interpolate
from demo.explore.points import point_from
from demo.explore.view import Explorer, describe, render_point, render_sprite
from demo.models.collection import Collection, Model
from demo.repair.answers import sample_answers
from demo.runs.degradations import degrade
from demo.runs.jobs import Job
from demo.runs.repair_run import RepairRun, spec_of
from demo.runs.run import Run
from demo.studio import PACK
from demo.synthesise import endless
from tests.demo.rooms import Rooms
from tests.demo.runs import arrived
from tests.tiny import AS_A_CARD, FP32, NETWORKS, dataset, training, whole_dataset, whole_training

Made = dict[str, Any]
PLANE, FACES, TEXTURE, SOUND = "noto_animal_faces_128", "toon_faces_64", "pebbles", "stream"
KINDS = ("texture", "sound", "objects")


@contextmanager
def this_is(machine: Machine) -> Iterator[None]:
    """Wherever it is asked what machine this is."""
    own = device.this_machine
    with ExitStack() as stack:
        for module in list(sys.modules.values()):
            if vars(module).get("this_machine") is own:
                stack.enter_context(mock.patch.object(module, "this_machine", return_value=machine))
        yield


def alike(work: Callable[[], Made]) -> Made:
    """What differs between what `work` makes on the card and on the CPU."""
    from tests import card  # there is one in a process, for good

    with this_is(AS_A_CARD):
        mine = work()
    with card.present() as log, this_is(card.machine()):
        other = work()
        moved = [(way, shape) for _, way, shape in log.transfers]
    assert mine
    assert mine.keys() == other.keys()
    return {"differing": [k for k in mine if not _same(mine[k], other[k])], "moved": moved}


def _same(mine: Any, other: Any) -> bool:
    if isinstance(mine, Tensor):
        return other.device.type == "cpu" and torch.equal(mine.nan_to_num(), other.nan_to_num())
    return bool(mine == other)


def _model(name: str) -> Model:
    return Collection().model(name)


# Explore


def point(name: str, **sent: Any) -> Made:
    """A point of a model, after the model was opened: what goes to the card for one is all that may
    go when a slider moves."""
    from tests import card

    explored = Explorer().of(_model(name))
    card.LOG.clear()
    return render_point(explored, point_from(sent))


def explore(name: str) -> Made:
    explored = Explorer().of(_model(name))
    sheets = {what: render_sprite(explored, what) for what in ("ends", "examples")}
    kept = [point_from({"seed": seed}) for seed in (1, 2)]
    way = interpolate(explored, kept, "strip")
    return {**json.loads(json.dumps(describe(explored), default=str)), **sheets, **way}


# Synthesise


def textures() -> Made:
    model, request = _model(TEXTURE), Request(size=(80, 48), count=2)
    picture = render.texture(model.generator, model.prior, request)
    piece = endless.piece(model, {"seed": 3, "down": 0, "across": 1})
    return {"sheet": picture.pixels().tobytes(), **piece}


def sounds() -> Made:
    model, request = _model(SOUND), Request(seconds=0.5)
    sound = render.sound(model.generator, model.prior, model.saved.source, request)
    return {"sound": sound.samples().tobytes()}


def pictures() -> Made:
    model = _model(FACES)
    picture = render.objects(model.generator, model.prior, Request(count=5))
    return {"sheet": picture.pixels().tobytes()}


def growing() -> Made:
    model = _model(TEXTURE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        shade = np.linspace(60, 200, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
        Image.fromarray(shade).save(path)
        request = Request(grow=path, margin=16)
        walk = render.infer_picture(model.saved, model.generator, model.prior, request)
        *_, known = itertools.islice(walk, 4)
        picture = render.texture(model.generator, model.prior, request, known)
        return {"explained": known.explained, "picture": picture.pixels().tobytes()}


# Inference


def walks(name: str, *, replay: bool = False, **wish: Any) -> Made:
    """A walk with everything that is asked of it."""
    with tempfile.TemporaryDirectory() as folder:
        rooms = Rooms(Disk(Path(folder)))
        try:
            token = arrived(rooms.studio)
            rooms.studio.choose(token, name)
            asked = {"steps": 3, "chains": 2, "seed": 5, **wish}
            begun = rooms.inference.begin(token, name, {"example": 1}, asked, replay=replay)
            number = begun.pop("walk")
            steps = rooms.inference.advance(token, number, 1, 0)
            walking = rooms.inference._walk(token, number)
            return {
                **begun,
                "advanced": steps,
                "land": rooms.inference.land(token, number),
                "slowly": rooms.inference.slowly(token, number, 1, 0),
                "y": walking.walk.posterior.y.float().cpu(),
                "z": torch.stack([step.z for step in walking.walk.steps]),
                "record": Path(rooms.inference.take(token, number, "record", 0)).stat().st_size,
            }
        finally:
            rooms.close()


# Repair and runs


def answers(name: str) -> Made:
    model = _model(name)
    spec = model.saved.spec.generator
    y = model.generator.make(model.examples[:1])
    mask = torch.ones(1, 1, *spec.signal_shape[1:])
    mask[..., 8:24, 8:24] = 0
    found = sample_answers(model, y, Occluded(mask), chains=2, steps=20, seed=1)
    return {str(step): made for step, made in found}


def run_of(name: str) -> Made:
    """A run's pictures after an iteration, and the run gone on with on the CPU."""
    if name == "whole texture":
        spec, data = whole_training("texture"), whole_dataset("texture")
    else:
        spec, data = training(NETWORKS[name]), dataset(NETWORKS[name], 16)
    run = Run(Trainer(spec, data, machine=_here()))
    *_, progress = run.iterate()
    assert progress is not None
    rested = run.at_rest()
    assert rested.trainer.z.device.type == "cpu"
    views = [panel for each in (run, rested) for panel in each.view()]
    *_, after = rested.iterate()
    assert after is not None
    return {
        "progress": dataclasses.replace(progress, seconds=0.0),
        "views": views,
        "after": dataclasses.replace(after, seconds=0.0),
        **rested.trainer.checkpoint().tensors(),
    }


def _here() -> Machine:
    """What `this_is` says."""
    from abp_core import trainer

    return trainer.this_machine()


def repair(kind: str, what: str) -> Made:
    file = {"objects": "objects/noto_animal_faces_128.npz", "texture": "textures/pebbles.jpg"}[kind]
    spec = dataclasses.replace(
        spec_of(PRESETS[f"quick-{kind}"]), examples=9 if kind == "objects" else 32, batch_size=3
    )
    data, spec = datasets.load(PACK / file, spec)
    run = RepairRun.begin(spec, data, degrade(what, data, spec, k=50))
    list(run.iterate())
    return {"error": run.recovery_error(), "view": run.view(), "later": run.view(False)}


def flow() -> Made:
    spec: TrainingSpec = training(NETWORKS["objects"], prior="flow")
    trainer = Trainer(spec, dataset(NETWORKS["objects"]), machine=_here())
    trainer.step()
    first = next(trainer.learn_prior())
    again = next(trainer.learn_prior(anew=False))
    return {
        "losses": (first.loss, again.held_back),
        "drawn": trainer.prior().draw(3, 1),
        **trainer.checkpoint().tensors(),
    }


def exemplar(kind: str) -> Made:
    trainer = Trainer(whole_training(kind), whole_dataset(kind), machine=_here())
    trainer.step()
    start, stop = ((0, 0), (9, 11)) if kind == "texture" else ((3,), (40,))
    return {"map": trainer.prior().map(4).part(start, stop), "drawn": trainer.prior().draw(1, 2)}


def resumed(kind: str) -> Made:
    """Two iterations, a file between them; on the card, and on the CPU from what the card saved."""
    spec, data = training(NETWORKS[kind]), dataset(NETWORKS[kind])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.safetensors"
        first = Trainer(spec, data, machine=_here())
        first.step()
        first.checkpoint().save(path)
        saved = Checkpoint.load(path)
    second, third = (Trainer.resume(saved, data, machine=m) for m in (_here(), FP32))
    for trainer in (first, second, third):
        trainer.step()
    ends = {"whole": first, "on": second, "on, on the CPU": third}
    return {
        f"{how}/{name}": tensor
        for how, trainer in ends.items()
        for name, tensor in trainer.checkpoint().tensors().items()
    }


def ended() -> Made:
    """A job that ended leaves nothing on the card, and its run can be asked, and go on there."""
    from tests import card

    data = dataset(NETWORKS["objects"], 16)
    on_card = _here().device.type == card.NAME

    def prepare() -> Run:
        if on_card:
            card.present_here()
        return Run(Trainer(training(NETWORKS["objects"]), data, machine=_here()))

    job = Job(prepare, budget=1e9, watched=lambda: False)
    job.start()
    while job.report.iteration < 1 and not job.ended:
        pass
    assert not on_card or _on_card() > 0
    job.stop()
    assert job.join(60)
    assert job.report.phase == "stopped", job.report
    left = _on_card()
    where = job.ask(lambda run: run.trainer.z.device.type)
    run = job.take_over().on(_here())
    assert run.trainer.machine == _here()
    iteration = run.trainer.iteration
    run.trainer.step()
    return {"left": left, "where": where, "more": run.trainer.iteration - iteration}


def _on_card() -> int:
    """Tensors there."""
    from tests import card

    gc.collect()
    return sum(isinstance(each, card.OnCard) for each in gc.get_objects())


CASES: dict[str, Callable[[], Made]] = {
    "ended job": ended,
    "slider of a vector": lambda: point(FACES, seed=2, moves=[0.5]),
    "slider of a texture": lambda: point(TEXTURE, seed=2, moves=[0.5]),
    "slider of a sound": lambda: point(SOUND, seed=2, moves=[0.5]),
    **{f"explore {n}": lambda n=n: explore(n) for n in (PLANE, TEXTURE)},
    "textures": textures,
    "sounds": sounds,
    "pictures": pictures,
    "a picture that grows": growing,
    **{f"walk of {n}": lambda n=n: walks(n) for n in (PLANE, TEXTURE, SOUND)},
    "walk with a part hidden": lambda: walks(FACES, hiding="square"),
    "walk from training": lambda: walks(PLANE, start="training", chains=1),
    **{f"replay of {n}": lambda n=n: walks(n, replay=True) for n in (PLANE, TEXTURE)},
    **{f"answers of {n}": lambda n=n: answers(n) for n in (FACES, TEXTURE)},
    **{f"run of {n}": lambda n=n: run_of(n) for n in (*KINDS, "whole texture")},
    "repair of pictures": lambda: repair("objects", "scattered-50"),
    "repair of projections": lambda: repair("objects", "projections"),
    "repair of a texture": lambda: repair("texture", "square-30"),
    "a flow": flow,
    **{f"an exemplar of a {k}": lambda k=k: exemplar(k) for k in ("texture", "sound")},
    **{f"resumed {k}": lambda k=k: resumed(k) for k in KINDS},
}


def main() -> None:
    torch.set_num_threads(1)
    # The CPU takes roots as the card does, so that not a bit may differ.
    mock.patch.object(roots, "waits_for_nothing", return_value=False).start()
    for name, case in CASES.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        try:
            answer = alike(case)
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps({"case": name, **answer}), flush=True)


if __name__ == "__main__":
    main()
