"""The orders of the Repair tab: learn from what is left, and repair one thing with a model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from abp_core.data import datasets, decode
from abp_core.data.datasets import Dataset
from abp_core.observation import Occluded
from abp_core.synthesis import sampling
from demo import media
from demo.media import CANVAS, Pixels
from demo.workbench.costs import require_minutes
from demo.workbench.degradations import PICTURES, SOUNDS, degrade
from demo.workbench.downloads import slug
from demo.workbench.errors import Rejected, translate_disk_errors, translate_errors
from demo.workbench.inference_views import pixels_of
from demo.workbench.models import Model
from demo.workbench.repair_run import RepairRun, sample_answers, spec_of
from demo.workbench.saved_runs import RunRecipe
from demo.workbench.settings import STYLES, preset_for

ANSWERS = 6
ANSWER_STEPS = 120

DataChoice = Callable[[str, str], tuple[Path, str]]


@dataclass(frozen=True, slots=True)
class RepairResult:
    """Answers to what was hidden, as data URLs; file: the path of the sheet of them, at the end.
    progress: the share of the steps that is done."""

    progress: float
    sentence: str
    before: str = ""
    after: str = ""
    answers: tuple[str, ...] = ()
    spread: str = ""
    truth: str = ""
    file: str = ""


def list_degradations(kind: str) -> list[tuple[str, str]]:
    """What may be taken away from a kind of data: words and name."""
    return [(words, name) for name, words in (SOUNDS if kind == "sound" else PICTURES).items()]


class RepairService:
    """visit: of a token, or Rejected where there is none. chosen: the path and name of something of
    the pack, or of an upload. admit: begins a job. place: where a file for a visitor is written."""

    def __init__(
        self,
        visit: Callable[[str], object],
        chosen: DataChoice,
        admit: Callable[..., None],
        place: Callable[[str, str], Path],
    ) -> None:
        self._visit, self._chosen, self._admit, self._place = visit, chosen, admit, place

    def canvas(self, item: str, upload: str) -> Pixels | None:
        """The first picture of what was chosen, to paint on; None for a sound. Raises Rejected."""
        path, _ = self._chosen(item, upload)
        with translate_errors():
            kind = datasets.kind_of(path)
            if kind == "sound":
                return None
            picture = (
                decode.read_picture(path)
                if kind == "texture"
                else decode.read_pictures(path, most=1)[0]
            )
        return media.thumbnail(picture, CANVAS) if kind == "objects" else fit_to_canvas(picture)

    def example(self, dataset: Dataset) -> Pixels:
        """One of the examples of a data set, another each time. Raises Rejected."""
        if dataset.source.kind == "sound":
            raise Rejected("This repairs pictures; please choose a model of a set or a texture.")
        number = int(np.random.default_rng().integers(len(dataset.signals)))
        return fit_to_canvas(sampling.pixels(dataset.signals[number : number + 1])[0])

    def start(
        self,
        token: str,
        *,
        item: str,
        upload: str,
        style: str,
        what: str,
        k: object,
        painted: Pixels | None,
        minutes: float,
    ) -> None:
        """Begins to learn from what is left of something. Raises Rejected."""
        self._visit(token)
        require_minutes(minutes)
        path, name = self._chosen(item, upload)
        with translate_errors():
            kind = datasets.kind_of(path)
            preset = preset_for(kind, style)
        if style not in STYLES[:2]:
            raise Rejected("Please choose Quick or Standard; the paper's settings take hours here.")
        with translate_errors():
            rate = preset.sample_rate
            dataset, spec = datasets.load(path, spec_of(preset), sample_rate=rate, name=name)
            number = int(k) if isinstance(k, int | float) and k == k and abs(k) < 1e9 else 0
            hidden = degrade(what, dataset, spec, k=number, painted=painted)
            run = RepairRun.begin(spec, dataset, hidden)
        recipe = RunRecipe(
            task="repair",
            name=name,
            kind=kind,
            path=path,
            own=bool(upload),
            what=what,
            k=number,
            painted=painted,
        )
        self._admit(token, lambda: run, minutes, recipe)

    def repair(
        self, token: str, model: Model, picture: Pixels | None, painted: Pixels | None
    ) -> Iterator[RepairResult]:
        """Several answers to the painted part of a picture (h, w, 3), by the current model, as its
        chains go on. Raises Rejected."""
        if model.kind == "sound":
            raise Rejected("This repairs pictures; please choose a model of a set or a texture.")
        if picture is None:
            raise Rejected("Please open a picture first.")
        with translate_disk_errors(), translate_errors():
            dataset, mask = _as_model_sees(model, picture, painted)
            observation, y = Occluded(mask), dataset.signals[:1]
            seen = pixels_of(model, y[0] * mask[0])
            for done, made in sample_answers(model, y, observation, ANSWERS, ANSWER_STEPS, seed=0):
                whole = torch.where(mask > 0, y, made)
                mean = whole.mean(0)
                hidden = (1 - mask).expand_as(y)
                error = float(((mean - y[0]).abs() * hidden[0]).sum() / hidden.sum()) / 2
                yield RepairResult(
                    progress=done / ANSWER_STEPS,
                    sentence=f"Step {done} of {ANSWER_STEPS}. Against the picture as it was, the "
                    f"mean of {ANSWERS} answers is off by {100 * error:.1f} % of the range "
                    "where you painted.",
                    before=media.png_url(seen),
                    after=media.png_url(pixels_of(model, mean)),
                    answers=tuple(media.jpeg_url(pixels_of(model, x), 92) for x in whole),
                    spread=media.jpeg_url(media.heat(whole.std(0).mean(0).numpy(), 0.35), 92),
                    truth=media.jpeg_url(pixels_of(model, y[0]), 92),
                )
            path = self._place(token, f"{slug(model.name)}-repaired.png")
            _sheet(model, y, mask, whole).save(path)
        yield RepairResult(progress=1.0, sentence="", file=str(path))


def fit_to_canvas(picture: Pixels) -> Pixels:
    """A picture whole, as large as the canvas."""
    return np.asarray(Image.fromarray(picture).resize((CANVAS, CANVAS), Image.Resampling.LANCZOS))


def _as_model_sees(model: Model, picture: Pixels, painted: Pixels | None) -> tuple[Dataset, Tensor]:
    """A picture and what was painted over it as signals of the model\'s size. Raises Rejected."""
    height, width = model.generator.spec.signal_shape[1:]
    if painted is None or not np.asarray(painted).any():
        raise Rejected("Nothing is painted over yet; please paint over what to repair.")
    over = torch.from_numpy((np.asarray(painted) > 0).astype(np.float32))[None, None]
    coarse = torch.nn.functional.interpolate(over, size=(height, width), mode="area")
    mask = (coarse < 0.5).float()
    if not mask.any():
        raise Rejected("This hides everything; please leave something to be seen.")
    if mask.all():
        raise Rejected("What is painted over is too small for this model; please paint more.")
    small = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
    return read_picture(model, np.asarray(small)), mask


def read_picture(model: Model, picture: Pixels) -> Dataset:
    """A picture of the model\'s size as its signal."""
    signals = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    if model.generator.spec.out_channels == 1:
        signals = signals.mean(1, keepdim=True)
    return Dataset(signals, model.saved.source)


def _sheet(model: Model, y: Tensor, mask: Tensor, whole: Tensor) -> Image.Image:
    """Seen, then the answers, side by side."""
    tiles = [pixels_of(model, y[0] * mask[0]), *(pixels_of(model, x) for x in whole)]
    return Image.fromarray(np.concatenate(tiles, axis=1))
