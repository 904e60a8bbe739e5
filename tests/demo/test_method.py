"""What the page says a run does, against the spec that it says it of."""

import dataclasses
import re

import pytest

from abp_core.presets import PRESETS
from abp_core.spec import TrainingSpec
from abp_core.zoo import catalogue
from demo.models.collection import CHECKPOINTS
from demo.models.method import list_moves, render_method
from demo.runs.settings import STYLES, describe_method, preset_for

SHIPPED = [(each.name, each.open(CHECKPOINTS).spec) for each in catalogue.read_shipped(CHECKPOINTS)]


def text(spec: TrainingSpec) -> str:
    return re.sub(r"<[^>]+>", "", render_method(spec, "it"))


@pytest.mark.parametrize("kind", ["texture", "sound", "objects"])
def test_the_papers_settings_are_the_papers_two_moves(kind: str) -> None:
    spec = preset_for(kind, STYLES[2]).training
    assert [move.title for move in list_moves(spec)] == ["Beginning, once", "Inference", "Learning"]
    # But for the step, which is the paper's only where chains bear it.
    assert [move.title for move in list_moves(spec) if not move.paper] == ["Inference"]
    walk = dataclasses.replace(spec.langevin, acceptance=0.0)
    assert all(move.paper for move in list_moves(dataclasses.replace(spec, langevin=walk)))
    assert describe_method(kind, STYLES[2]).count("Not in the paper") == 1
    assert "z ~ N(0, I), as in the paper" in text(spec)


@pytest.mark.parametrize(
    ("name", "spec"),
    [*SHIPPED, *((name, preset.training) for name, preset in PRESETS.items())],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_departure_from_the_paper_is_told(name: str, spec: TrainingSpec) -> None:
    told = {move.title: move for move in list_moves(spec)}
    assert ("Learning from samples" in told) == (spec.sample_loss_rate > 0)
    assert ("Whitening" in told) == spec.standardised
    assert told["Beginning, once"].paper != spec.components
    walk = spec.langevin
    plain = not (spec.window or walk.preconditioned or walk.acceptance) and walk.temperature == 1
    assert told["Inference"].paper == plain
    assert f"{walk.steps} Langevin step" in text(spec)
    assert f"sigma = {spec.sigma:g}" in text(spec)
    assert ("inferred" in text(spec).rpartition("New ones")[2]) == (spec.prior != "normal")


def test_a_change_of_the_spec_changes_what_is_told() -> None:
    spec = PRESETS["objects"].training
    walk = spec.langevin
    changed = [
        dataclasses.replace(spec, langevin=dataclasses.replace(walk, steps=walk.steps + 4)),
        dataclasses.replace(spec, langevin=dataclasses.replace(walk, temperature=0.25)),
        dataclasses.replace(spec, learning_rate=0.0123),
        dataclasses.replace(spec, sigma=0.77),
        dataclasses.replace(spec, halved_after=12345),
        dataclasses.replace(spec, standardised=not spec.standardised),
        dataclasses.replace(spec, components=not spec.components),
    ]
    texts = [text(each) for each in (spec, *changed)]
    assert len(set(texts)) == len(texts)


def test_a_name_is_text() -> None:
    assert "<script>" not in render_method(PRESETS["objects"].training, "<script>")
