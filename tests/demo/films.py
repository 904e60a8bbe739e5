"""Small models of a film of the pack, for tests of what shows them."""

from dataclasses import replace
from functools import cache

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets
from abp_core.presets import PRESETS
from abp_core.trainer import Trainer
from demo.studio import PACK
from tests.tiny import FP32

FRAMES = 30  # of the film that are learnt


@cache
def film_run(preset: str = "quick-film", iterations: int = 12) -> Checkpoint:
    """A run on the first frames of the waving tree as it stands after a few iterations."""
    spec = replace(PRESETS[preset].training, examples=FRAMES)
    data, fitted = datasets.load(PACK / "videos" / "waving_tree.mp4", spec)
    trainer = Trainer(fitted, data, machine=FP32)
    for _ in trainer.steps(iterations):
        pass
    return trainer.checkpoint()
