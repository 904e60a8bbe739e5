"""The orders of the Inference tab: bring something, begin a walk, go on with it, take it home."""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from abp_core.data.atomic import open_atomically
from abp_core.synthesis.film import encode_film
from demo import limits, media
from demo.errors import (
    Rejected,
    translate_disk_errors,
    translate_errors,
)
from demo.infer.session import (
    Session,
    begin_session,
    pack_record,
    replay_training,
    summarise,
)
from demo.infer.settings import ChainSettings, chain_settings_from
from demo.infer.slow_motion import dissect_iteration
from demo.infer.view import (
    describe_start,
    render_film,
    render_landscape,
    render_sound,
    render_spread,
    render_steps,
)
from demo.models.cards import label_of
from demo.models.collection import Model
from demo.models.downloads import slug
from demo.models.library import (
    Target,
    read_target,
)
from demo.models.method import render_method
from demo.studio import Studio

EXAMPLES_OFFERED = 24  # of training, that can be chosen from
LOWEST = -1  # among the chains: whichever stands lowest
BEGINNING = ", its beginning"
FILM_RATE = 12  # steps a second of a film, as the page plays them

DRIVEN = (
    "Noise drives every frame of this film from the one before, so that only its own frames can be "
    "inferred; please choose some of those."
)

_numbers = itertools.count(1)


class Inference:
    """The walks of all visitors, one each."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._library = studio, studio.library
        self._walks: OrderedDict[str, Session] = OrderedDict()
        self._brought: OrderedDict[str, tuple[str, Target]] = OrderedDict()
        self._lock = threading.Lock()

    def describe(self, token: str) -> dict[str, Any]:
        """What can be inferred with the current model: its training examples, things of the pack.
        Raises Rejected."""
        model = self._studio.model(token)
        driven = model.saved.spec.stretch > 0
        items = [
            {"name": name, "label": label_of(name) + BEGINNING * (model.kind == "film")}
            for name, item in self._studio.pack.items()
            if item.kind == model.kind and name != model.name and not driven
        ]
        examples, sheet = 0, ""
        offered = model.spread_examples(EXAMPLES_OFFERED)
        try:
            signals = self._library.of(model).signals[offered]
            examples = len(signals)
            if examples:
                sheet = media.jpeg_url(model.medium.draw_thumbnails(signals, examples), 80)
        except Rejected:
            pass  # a model of somebody's own data: a file can still be brought
        saved, names = model.saved, self._library.names(model)
        return {
            "key": model.key,
            "label": model.label,
            "kind": model.kind,
            "driven": driven,
            "items": items,
            "examples": examples,
            "names": [names[k] for k in offered if k < len(names)],
            "sheet": sheet,
            "own": {
                "step_size": model.walk_step_size,
                "sigma": saved.spec.sigma,
                "temperature": saved.spec.langevin.temperature,
                "steps": saved.spec.langevin.steps,
                "flat": saved.spec.generator.latent_shape == (2,),
            },
        }

    def describe_method(self, token: str) -> str:
        """Markup of how the current model learnt. Raises Rejected."""
        model = self._studio.model(token)
        return render_method(model.saved.spec, model.label)

    def bring(self, token: str, key: str, path: str) -> str:
        """A visitor's file as the next target; its name. Raises Rejected."""
        model = self._studio.shown(token, key)
        if model.saved.spec.stretch:
            raise Rejected(DRIVEN)
        with translate_errors():
            brought = read_target(model, Path(path), Path(path).name)
        with self._lock:
            _keep(self._brought, token, (key, brought))
        return brought.name

    def begin(
        self,
        token: str,
        key: str,
        target: Mapping[str, Any],
        wish: Mapping[str, Any],
        *,
        replay: bool = False,
    ) -> dict[str, Any]:
        """Chains at the start of a walk. Raises Rejected."""
        model = self._studio.shown(token, key)
        settings = ChainSettings() if replay else chain_settings_from(wish)
        with translate_errors():
            found = self._target(token, model, target, settings.frames, whole=replay)
            number = next(_numbers)
            if replay:
                walking = replay_training(number, model, found)
            else:
                walking = begin_session(number, model, found, settings)
            with self._lock:
                _keep(self._walks, token, walking)
            return {
                **describe_start(walking),
                "steps": render_steps(walking, 0, None),
                **summarise(walking),
            }

    def advance(self, token: str, number: object, first: object, chain: object) -> dict[str, Any]:
        """The steps from `first` on, taken if they were not yet. Raises Rejected."""
        walking = self._walk(token, number)
        start, chosen = check_count(first), None if chain == LOWEST else check_count(chain)
        with translate_errors(), walking.lock:
            walk = walking.walk
            while len(walk.steps) < start + limits.STEPS_AT_ONCE and not walk.ended:
                walk.advance()
            return {
                "steps": render_steps(walking, start, chosen),
                "spread": render_spread(walking),
                **summarise(walking),
            }

    def land(self, token: str, number: object) -> dict[str, Any]:
        """The landscape that a walk crosses. Raises Rejected."""
        walking = self._walk(token, number)
        with translate_errors(), walking.lock:
            return render_landscape(walking)

    def play_sound(self, token: str, number: object, step: object, chain: object) -> dict[str, Any]:
        """One step as a sound. Raises Rejected."""
        walking = self._walk(token, number)
        with translate_errors():
            return {"sound": render_sound(walking, check_count(step), check_count(chain))}

    def slowly(self, token: str, number: object, step: object, chain: object) -> dict[str, Any]:
        """One iteration in its parts. Raises Rejected."""
        walking = self._walk(token, number)
        with translate_errors():
            return {"parts": dissect_iteration(walking, check_count(step), check_count(chain))}

    def take(self, token: str, number: object, what: object, chain: object) -> str:
        """Path of the walk as a file: `film` or `record`. Raises Rejected."""
        walking = self._walk(token, number)
        name = f"{slug(walking.model.name)}-walk-{walking.number}"
        with translate_errors(), translate_disk_errors():
            if what == "film":
                path = self._studio.place(token, f"{name}.mp4")
                content = encode_film(render_film(walking, check_count(chain)), FILM_RATE)
            elif what == "record":
                path = self._studio.place(token, f"{name}.npz")
                content = pack_record(walking)
            else:
                raise Rejected("A walk is taken home as a film or as its record.")
            with open_atomically(path) as file:
                file.write(content)
        return str(path)

    def _target(
        self, token: str, model: Model, fields: Mapping[str, Any], frames: int, *, whole: bool
    ) -> Target:
        """whole: as training sees it, which moves one chain over a whole picture or sound. frames:
        of a film."""
        if fields.get("brought"):
            with self._lock:
                key, target = self._brought.get(token, ("", None))
            if target is None or key != model.key:
                raise Rejected("Please bring the file again; another model was chosen since.")
            return _beginning(target, frames)
        if item := fields.get("item"):
            if model.saved.spec.stretch:
                raise Rejected(DRIVEN)
            with translate_errors():
                target = self._library.item(model, str(item))
            return _beginning(target, frames)
        with translate_errors():
            signals = self._library.of(model).signals
        example = check_count(fields.get("example", 0))
        offered = list(range(len(signals)))
        if model.kind == "film":
            offered = model.spread_examples(EXAMPLES_OFFERED)
        if example >= len(offered):
            raise Rejected(f"This model has {len(offered)} training examples; please choose one.")
        example = offered[example]
        if whole and model.saved.spec.window:
            return Target(model.label, self._library.whole(model).signals, 0)
        names = self._library.names(model)
        if model.kind == "film" and frames > 1:
            example = max(0, min(example, len(signals) - frames))
            last = min(example + frames, len(signals))
            name = f"frames {example + 1} to {last}"
            return Target(f"{model.label}, {name}", signals[example:last], example)
        name = names[example] if example < len(names) else f"training example {example + 1}"
        return Target(f"{model.label}, {name}", signals[example : example + 1], example)

    def _walk(self, token: str, number: object) -> Session:
        with self._lock:
            walking = self._walks.get(token)
        if walking is None or walking.number != number:
            raise Rejected("This walk is no longer kept here; please press Infer to begin anew.")
        return walking


def _beginning(target: Target, frames: int) -> Target:
    """So many frames of a film, or the one of a picture."""
    return replace(target, y=target.y[:frames])


def _keep(kept: OrderedDict[str, Any], token: str, value: Any) -> None:
    kept[token] = value
    kept.move_to_end(token)
    while len(kept) > limits.WALKS:
        kept.popitem(last=False)


def check_count(sent: object) -> int:
    if isinstance(sent, bool) or not isinstance(sent, int) or not 0 <= sent < 10**9:
        raise Rejected("This page and the studio do not agree any more; please reload it.")
    return sent
