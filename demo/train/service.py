"""The orders of the Train tab: look at a file, begin a run, go on with a saved model."""

from pathlib import Path

from abp_core.checkpoint import CheckpointRejected
from abp_core.data import datasets, numbered
from abp_core.spec import Kind
from abp_core.trainer import Trainer
from demo import media
from demo.errors import Rejected, translate_errors
from demo.models.cards import label_of
from demo.models.costs import require_minutes
from demo.models.medium import medium_of
from demo.runs.film_run import run_of
from demo.runs.saved_runs import RunRecipe
from demo.runs.settings import STYLES, Settings, preset_for, spec_with
from demo.studio import Studio

PREVIEWED = {"texture": 1, "sound": 1, "objects": 9, "film": 9}  # signals of what was brought
PREVIEW = 160  # pixels along a side of how it looks


def _kind_of(path: Path, film: bool) -> Kind:
    """What a file is learnt as; film: rather than as a set. Raises FileRejected."""
    kind = datasets.kind_of(path)
    return "film" if film and kind == "objects" else kind


class Training:
    """Learning from something whole."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self.runs = studio, studio.runs

    def may_be_film(self, path: str) -> bool:
        """Whether an uploaded set of pictures looks like the frames of a film."""
        return numbered.are_frames(Path(path))

    def inspect(self, path: str, *, film: bool = False) -> tuple[str, str, str]:
        """The kind of an uploaded file, a sentence about it, and a data URL of how it looks. film:
        whether pictures are taken for the frames of one. Raises Rejected."""
        file = Path(path)
        with translate_errors():
            kind = _kind_of(file, film)
            preset = preset_for(kind, STYLES[1] if kind == "film" else STYLES[0])
            dataset, _ = datasets.load(file, preset.training, sample_rate=preset.sample_rate)
        n, *_, last = dataset.signals.shape
        source = dataset.source
        sentence = {
            "texture": f"a picture, learnt from crops {last} pixels wide",
            "sound": f"a sound at {source.sample_rate} Hz, learnt in segments of "
            f"{last / max(source.sample_rate, 1):.1f} s",
            "objects": f"{n} pictures, learnt at {last} x {last} pixels",
            "film": f"a film, learnt from {n} frames of {last} x {dataset.signals.shape[-2]} "
            f"pixels, {source.frame_rate:.4g} a second",
        }[kind]
        medium = medium_of(dataset.source)
        some = dataset.signals[: PREVIEWED[kind]]
        picture = media.jpeg_url(media.thumbnail(medium.draw_sheet(some), PREVIEW), 88)
        return kind, f"{file.name}: {sentence}. {dataset.remarks}".strip(), picture

    def start(
        self,
        token: str,
        *,
        item: str,
        upload: str,
        style: str,
        settings: Settings,
        minutes: float,
        film_style: str = "",
        film: bool = False,
    ) -> None:
        """Begins a run on an item of the pack, or on an upload if one is named. film_style: of the
        settings in the place of `style` where that is a film. film: see `inspect`.
        Raises Rejected."""
        self._studio.visit(token)
        require_minutes(minutes)
        path, name = self._studio.find_data(item, upload)
        with translate_errors():  # here, so that a refusal leaves the earlier run alone
            kind = _kind_of(path, film) if upload else self._studio.pack[item].kind
            preset = preset_for(kind, film_style or style if kind == "film" else style)
            spec = spec_with(preset.training, settings)
            dataset, fitted = datasets.load(path, spec, sample_rate=preset.sample_rate, name=name)
            run = run_of(Trainer(fitted, dataset))
        recipe = RunRecipe(task="learn", name=name, kind=kind, path=path, own=bool(upload))
        self.runs.begin(token, lambda: run, minutes, recipe)

    def inspect_checkpoint(self, checkpoint: str) -> str:
        """A sentence about an uploaded checkpoint. Raises Rejected."""
        saved = self._studio.open_checkpoint(checkpoint)
        name = saved.source.name
        known = name in self._studio.pack
        data_too = "" if known else f", after choosing the file {name} above as well"
        return (
            f"A model of {label_of(name)} after {saved.iteration} iterations: press Train "
            f"to go on training it{data_too}."
        )

    def continue_from(self, token: str, checkpoint: str, *, upload: str, minutes: float) -> None:
        """Goes on training a saved model on its own data. Raises Rejected."""
        self._studio.visit(token)
        require_minutes(minutes)
        saved = self._studio.open_checkpoint(checkpoint)
        source = saved.source
        if not upload and source.name not in self._studio.pack:
            raise Rejected(
                f"Please choose the file that the model learnt from as well ({source.name})."
            )
        path, _ = self._studio.find_data(source.name, upload)
        with translate_errors():
            dataset, _ = datasets.load(
                path, saved.spec, sample_rate=source.sample_rate or 16_000, name=source.name
            )
            if dataset.digest == saved.digest and len(dataset.signals) != len(saved.latents):
                raise CheckpointRejected("This model is damaged; please choose another one.")
            run = run_of(Trainer.resume(saved, dataset))
        kind = dataset.source.kind
        recipe = RunRecipe(task="learn", name=source.name, kind=kind, path=path, own=bool(upload))
        self.runs.begin(token, lambda: run, minutes, recipe)
