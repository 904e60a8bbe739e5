"""A run that learns a film, as a job drives it: what moves beside what, and how it goes on."""

import torch
from torch import Tensor

from abp_core.priors.kinds import motion_of
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from demo import limits, media
from demo.models.downloads import SEED_OF_SAMPLES
from demo.models.medium import Medium, medium_of
from demo.runs.run import Panel, Run

CAPTIONS = ("The film", "Rebuilt by the model", "How it goes on")


class FilmRun(Run):
    """Three films of one length that move side by side. The last of the frames are shown, since
    what is made goes on after them."""

    def __init__(self, trainer: Trainer) -> None:
        super().__init__(trainer)
        self._medium = medium_of(trainer.data.source)
        frames, rate = len(trainer.data.signals), trainer.data.source.frame_rate
        self._number = max(1, min(frames, limits.LIVE_FRAMES, round(limits.LIVE_SECONDS * rate)))
        self._data: Panel | None = None  # it stays as it is

    def renewed(self, trainer: Trainer) -> "FilmRun":
        """The same run of another trainer."""
        return FilmRun(trainer)

    def view(self, anew: bool = True) -> tuple[Panel, ...]:
        """The film, how the model rebuilds it, and how it goes on, which takes longer."""
        data, rebuilding, onwards = CAPTIONS
        if self._data is None:
            frames = self.trainer.data.signals[-self._number :]
            self._data = panel_of_film(data, self._medium, frames)
        with torch.inference_mode(), self.trainer.machine.autocast():
            rebuilt = self._make(self.trainer.z[-self._number :])
            new = self._onwards() if anew or self._new is None else None
        if new is not None:
            self._new = panel_of_film(onwards, self._medium, new)
        assert self._new is not None
        return (self._data, panel_of_film(rebuilding, self._medium, rebuilt), self._new)

    def _onwards(self) -> Tensor:
        """The frames after the last that is learnt from."""
        chain = motion_of(self.trainer.prior()).chain(SEED_OF_SAMPLES, onwards=True)
        return self._make(chain.part(0, self._number))

    def _make(self, z: Tensor) -> Tensor:
        return sampling.generate(self.trainer.generator, z).float()


def panel_of_film(caption: str, medium: Medium, frames: Tensor) -> Panel:
    """Frames (n, c, h, w) in their order as a live film."""
    first = media.jpeg_url(medium.draw(frames[0]), 90)
    return Panel(caption, first, film=medium.play_film(frames))


def run_of(trainer: Trainer) -> Run:
    """A trainer as a job drives it, whatever it learns."""
    return (FilmRun if trainer.data.source.kind == "film" else Run)(trainer)
