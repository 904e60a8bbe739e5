"""The orders of the Repair tab: learn from what is left, and repair one thing with a model."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from abp_core.data import datasets, decode, numbered, sets
from abp_core.data.atomic import open_atomically
from abp_core.data.datasets import Dataset
from abp_core.data.film.read import read_film
from abp_core.observation import Occluded
from abp_core.spec import Kind
from abp_core.synthesis import sampling
from abp_core.synthesis.film import encode_film
from abp_core.trainer import Trainer
from demo import media
from demo.errors import (
    Rejected,
    translate_disk_errors,
    translate_errors,
)
from demo.media import CANVAS, Pixels
from demo.models.collection import Model
from demo.models.costs import require_minutes
from demo.models.downloads import slug
from demo.repair.answers import (
    sample_answers,
)
from demo.runs.baseline import error_over, mean_of_seen
from demo.runs.degradations import KINDS, PICTURES, degrade, with_frames_between
from demo.runs.film_repair import FilmRepair, repair_of
from demo.runs.repair_run import spec_of
from demo.runs.run import Run
from demo.runs.saved_runs import RunRecipe
from demo.runs.settings import (
    STYLES,
    preset_for,
)
from demo.studio import Studio

ANSWERS = 6
ANSWER_STEPS = 120
OF_PICTURES = "This repairs pictures; please choose a model of a set or a texture."
LOOKED_AT = 30  # frames of a film, of which the middle one is painted on
NO_FILM = "There is no film to take home yet; please let one be learnt first."


@dataclass(frozen=True, slots=True)
class RepairResult:
    """Answers to what was hidden, as data URLs; file: the path of the sheet of them, at the end.
    mean: the mean of what was seen in its place. progress: the share of the steps that is done."""

    progress: float
    sentence: str
    before: str = ""
    after: str = ""
    answers: tuple[str, ...] = ()
    mean: str = ""
    spread: str = ""
    truth: str = ""
    file: str = ""


def list_degradations(kind: str) -> list[tuple[str, str]]:
    """What may be taken away from a kind of data: words and name."""
    return [(words, name) for name, words in KINDS.get(kind, PICTURES).items()]


def kind_of(path: Path) -> Kind:
    """What a file is learnt as: numbered pictures are the frames of a film. Raises FileRejected."""
    kind = datasets.kind_of(path)
    return "film" if kind == "objects" and numbered.are_frames(path) else kind


class Repairs:
    """Learning from what is left of something, and repairing by the current model."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self.runs = studio, studio.runs

    def canvas(self, token: str, item: str, upload: str) -> Pixels | None:
        """The first picture of what was chosen, to paint on; None for a sound. Raises Rejected."""
        self._studio.visit(token)
        path, _ = self._studio.find_data(item, upload)
        with translate_errors():
            kind = kind_of(path)
            if kind == "sound":
                return None
            if kind == "film":
                wanted = spec_of(preset_for(kind, STYLES[0])).generator.signal_shape
                frame = read_film(path, pixels=wanted[1] * wanted[2], most=LOOKED_AT).frames
                return fit_to_canvas(frame[len(frame) // 2])
            picture = (
                decode.read_picture(path)
                if kind == "texture"
                else sets.read_pictures(path, most=1)[0]
            )
        return media.thumbnail(picture, CANVAS) if kind == "objects" else fit_to_canvas(picture)

    def example(self, token: str) -> Pixels:
        """One of the examples that the current model learnt from, another each time.
        Raises Rejected."""
        model = self._studio.model(token)
        if model.kind in ("sound", "film"):
            raise Rejected(OF_PICTURES)
        dataset = self._studio.library.of(model)
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
        self._studio.visit(token)
        require_minutes(minutes)
        path, name = self._studio.find_data(item, upload)
        with translate_errors():
            kind = kind_of(path)
            preset = preset_for(kind, style)
        if style not in STYLES[:2]:
            raise Rejected("Please choose Quick or Standard; the paper's settings take hours here.")
        with translate_errors():
            rate = preset.sample_rate
            dataset, spec = datasets.load(path, spec_of(preset), sample_rate=rate, name=name)
            number = int(k) if isinstance(k, int | float) and k == k and abs(k) < 1e9 else 0
            dataset = with_frames_between(what, dataset)
            hidden = degrade(what, dataset, spec, k=number, painted=painted)
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

        def build() -> Run:
            return repair_of(Trainer(spec, dataset, hidden.observation), hidden)

        self.runs.begin(token, build, minutes, recipe)

    def kind(self, token: str, upload: str) -> Kind:
        """Of a visitor's file. Raises Rejected."""
        self._studio.visit(token)
        with translate_errors():
            return kind_of(Path(upload))

    def take_film(self, token: str) -> str:
        """Path of an MP4 of the film as it was recovered, all of it. Raises Rejected."""
        frames, rate, name = self.runs.ask(token, "repair", _film_of)
        if not rate:
            raise Rejected(NO_FILM)
        with translate_disk_errors():
            path = self._studio.place(token, f"{slug(name)}-recovered.mp4")
            with open_atomically(path) as file:
                file.write(encode_film(frames, rate))
        return str(path)

    def repair(
        self, token: str, picture: Pixels | None, painted: Pixels | None
    ) -> Iterator[RepairResult]:
        """Several answers to the painted part of a picture (h, w, 3), by the current model, as its
        chains go on. Raises Rejected."""
        model = self._studio.model(token)
        if model.kind in ("sound", "film"):
            raise Rejected(OF_PICTURES)
        if picture is None:
            raise Rejected("Please open a picture first.")
        with translate_disk_errors(), translate_errors():
            dataset, mask = _as_model_sees(model, picture, painted)
            observation, y = Occluded(mask), dataset.signals[:1]
            seen = model.medium.draw(y[0] * mask[0])
            plain = torch.where(mask > 0, y, self._mean(model, y, mask))
            plainly, hidden = error_over(1 - mask, plain, y), 1 - mask
            for done, made in sample_answers(model, y, observation, ANSWERS, ANSWER_STEPS, seed=0):
                whole = torch.where(mask > 0, y, made)
                mean = whole.mean(0)
                error = error_over(hidden, mean[None], y)
                yield RepairResult(
                    progress=done / ANSWER_STEPS,
                    sentence=f"Step {done} of {ANSWER_STEPS}. Against the picture as it was, the "
                    f"mean of {ANSWERS} answers is off by {100 * error:.1f} % of the range "
                    f"where you painted; without a model, the mean alone is off by "
                    f"{100 * plainly:.1f} %.",
                    before=media.png_url(seen),
                    after=media.png_url(model.medium.draw(mean)),
                    answers=tuple(media.jpeg_url(model.medium.draw(x), 92) for x in whole),
                    mean=media.jpeg_url(model.medium.draw(plain[0]), 92),
                    spread=media.jpeg_url(media.heat(whole.std(0).mean(0).numpy(), 0.35), 92),
                    truth=media.jpeg_url(model.medium.draw(y[0]), 92),
                )
            path = self._studio.place(token, f"{slug(model.name)}-repaired.png")
            with open_atomically(path) as file:
                _sheet(model, y, mask, whole).save(file, "PNG")
        yield RepairResult(progress=1.0, sentence="", file=str(path))

    def _mean(self, model: Model, y: Tensor, mask: Tensor) -> Tensor:
        """What a picture (1, c, ...) would be without a model: of a set the mean of what that
        learnt from; else, or where that is not here, the mean colour of what was left."""
        with suppress(Rejected):
            if model.kind == "objects":
                return self._studio.library.of(model).signals.mean(0, keepdim=True)
        return mean_of_seen(y, mask, aligned=False)


def _film_of(run: Run) -> tuple[list[Pixels], float, str]:
    """The frames of a run on a film, how many there are a second, and its name; of another run
    none."""
    if not isinstance(run, FilmRepair):
        return [], 0.0, ""
    source = run.trainer.data.source
    return list(run.frames()), source.frame_rate, source.name


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
    tiles = [model.medium.draw(y[0] * mask[0]), *(model.medium.draw(x) for x in whole)]
    return Image.fromarray(np.concatenate(tiles, axis=1))
