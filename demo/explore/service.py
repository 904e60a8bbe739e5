"""The orders of the Explore tab: what there is to move, a point, a sheet, a way between points."""

import base64
from typing import Any

from demo.errors import translate_errors
from demo.explore.interpolation import interpolate
from demo.explore.points import (
    point_from,
)
from demo.explore.view import (
    EXAMPLES_SHOWN,
    PINNED,
    Explored,
    Explorer,
    describe,
    render_point,
    render_sprite,
)
from demo.models.collection import Model
from demo.server.served import drawn_url
from demo.studio import Studio

POINTS = 9  # of a journey at most


class Exploration:
    """The current model's latents under each visitor's hand."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._explorer = studio, Explorer()

    def greet(self) -> dict[str, Any]:
        """The model that a page opens with, described before anybody comes, so that it moves at
        once: `model`, and `plane`, where the sheet of its plane lies. Nothing where the first
        model has no plane."""
        model = self._studio.first_model()
        if model is None or model.generator.spec.latent_shape != (2,):
            return {}
        explored = self._explorer.of(model)
        _, picture = render_sprite(explored, "plane").split(",")
        self._studio.draw("plane", base64.b64decode(picture))
        return {"model": describe(explored), "plane": drawn_url("plane")}

    def describe(self, token: str) -> dict[str, Any]:
        """What the tab needs to know of the current model. Raises Rejected."""
        model = self._studio.model(token)
        with translate_errors():
            return describe(self._explorer.of(model))

    def look(self, token: str, key: str, point: object) -> dict[str, Any]:
        """One point of the model `key` as picture and sound. Raises Rejected."""
        with translate_errors():
            return render_point(self._shown(token, key), point_from(point))

    def draw_sheet(self, token: str, key: str, what: str) -> dict[str, Any]:
        """A sheet of thumbnails of the model `key`; names: of its examples, also of those that are
        only marked on the plane. Raises Rejected."""
        with translate_errors():
            explored = self._shown(token, key)
            sheet: dict[str, Any] = {"picture": render_sprite(explored, what)}
            if what == "examples":
                sheet["names"] = self._names(explored.model)
            return sheet

    def _names(self, model: Model) -> list[str]:
        """Of the examples; of a film those of the frames that can be chosen."""
        names = self._studio.library.names(model)
        if model.kind != "film":
            return names[:PINNED]
        return [names[k] for k in model.spread_examples(EXAMPLES_SHOWN) if k < len(names)]

    def travel(self, token: str, key: str, points: object, what: str) -> dict[str, Any]:
        """The way between points of the model `key`. Raises Rejected."""
        sent = points if isinstance(points, list) else []
        with translate_errors():
            explored = self._shown(token, key)
            return interpolate(explored, [point_from(point) for point in sent[:POINTS]], what)

    def _shown(self, token: str, key: str) -> Explored:
        """The model that the page shows with its directions, which are measured once."""
        return self._explorer.of(self._studio.shown(token, key))
