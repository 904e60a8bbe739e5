"""What is judged: an original, and samples of it as files."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from PIL import Image
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.data import datasets, decode, formats, sets, sounds
from abp_core.errors import Refusal
from abp_core.presets import Preset
from abp_core.spec import Kind
from abp_core.synthesis import sampling
from abp_core.zoo.yardsticks import sound, texture
from abp_core.zoo.yardsticks.common import (
    SEEDS,
    Yardstick,
    whole_signal_spec,
)
from abp_core.zoo.yardsticks.objects import (
    HELD_BACK,
    ObjectsYardstick,
)
from abp_core.zoo.yardsticks.sound import (
    SOUND_RATE,
    SoundYardstick,
)
from abp_core.zoo.yardsticks.texture import TextureYardstick
from benchmarks.yardsticks import Judge
from benchmarks.yardsticks.sets import PictureSet
from benchmarks.yardsticks.sounds import SoundClip
from benchmarks.yardsticks.textures import TexturePhotograph


@dataclass(frozen=True)
class Original:
    """A photograph, a clip or a set, and how it is trained on."""

    kind: Kind
    name: str
    path: Path
    preset: Preset
    steps: int = 300

    @cached_property
    def statistics(self) -> Yardstick:
        """The yardstick of the statistics that lessons used."""
        if self.kind == "objects":
            return ObjectsYardstick(self.path, self.preset, self.steps)
        if self.kind == "sound":
            return SoundYardstick(self.path, self.preset)
        return TextureYardstick(self.path, self.preset)

    @cached_property
    def judge(self) -> Judge:
        """The yardstick that nothing learns from."""
        if self.kind == "objects":
            return PictureSet(self.signals[self._held :], self.shown)
        if self.kind == "sound":
            return SoundClip(self.signals[0], self.rate)
        return TexturePhotograph(self.signals[0])

    @property
    def signals(self) -> Tensor:
        """(1, c, h, w) or (1, 1, length), the whole; of a set (n, c, h, w), those held back
        first."""
        return self._whole.signals

    @property
    def shown(self) -> Tensor:
        """The whole (c, ...); of a set those held back (n, c, h, w)."""
        if self.kind == "objects":
            return self.signals[: self._held]
        return self.signals[0]

    @property
    def _held(self) -> int:
        return max(2, len(self.signals) // HELD_BACK)

    def drawn(self, saved: Checkpoint) -> list[Tensor]:
        """A model's samples, for each of SEEDS one as large as the original, or a set's."""
        if self.kind == "objects":
            return [
                sampling.sample(saved.generator(), saved.prior(), self._held, seed)
                for seed in SEEDS
            ]
        if self.kind == "sound":
            length, gain = self.shown.shape[1], self._whole.source.gain
            return sound.draw_samples(saved, length, self.rate, gain)
        return texture.draw_samples(saved, tuple(self.shown.shape[1:]))

    @property
    def rate(self) -> int:
        return self._whole.source.sample_rate

    @cached_property
    def _whole(self) -> datasets.Dataset:
        if self.kind == "objects":
            pictures = sets.read_pictures(self.path)
            order = np.random.default_rng(0).permutation(len(pictures))
            shuffled = [pictures[i] for i in order]
            training = dataclasses.replace(self.preset.training, examples=len(shuffled))
            return datasets.from_pictures(shuffled, training, name=self.name)[0]
        side = datasets.LARGEST_PICTURE
        longest = int(sounds.MOST_SECONDS * SOUND_RATE)
        whole = (
            whole_signal_spec(1, longest)
            if self.kind == "sound"
            else whole_signal_spec(1, side, side)
        )
        return datasets.load(self.path, whole, sample_rate=SOUND_RATE)[0]

    def write(self, samples: list[Tensor], folder: Path) -> None:
        """Samples as FOLDER/NAME-SEED.png, as .flac at the original's loudness, or of a set as
        .npz."""
        folder.mkdir(parents=True, exist_ok=True)
        for seed, sample in zip(SEEDS, samples, strict=True):
            path = folder / f"{self.name}-{seed}"
            if self.kind == "texture":
                Image.fromarray(sampling.pixels(sample[None])[0]).save(path.with_suffix(".png"))
            elif self.kind == "sound":
                loud = sampling.samples(sample, self._whole.source.gain)
                soundfile.write(path.with_suffix(".flac"), loud, self.rate)
            else:
                np.savez_compressed(path.with_suffix(".npz"), images=sampling.pixels(sample))

    def read(self, folder: Path) -> list[Tensor]:
        """What `write` wrote, or another program: every FOLDER/NAME-*, signals as the original's.
        Raises Refusal where there is none, and FileRejected."""
        found = sorted(p for p in folder.glob(f"{self.name}-*") if p.suffix in (
            *formats.PICTURE_ENDINGS, *formats.SOUND_ENDINGS, ".npz"))  # fmt: skip
        if not found:
            raise Refusal(f"There are no samples {self.name}-... in {folder}.")
        return [self._read(path) for path in found]

    def _read(self, path: Path) -> Tensor:
        channels = self.signals.shape[1]
        if self.kind == "sound":
            samples, rate = sounds.read_sound(path)
            samples = soxr.resample(samples, rate, self.rate).astype(np.float32)
            return torch.from_numpy(samples * np.float32(self._whole.source.gain))[None]
        if self.kind == "texture":
            pixels = decode.read_picture(path)[None]
        else:
            pixels = np.stack(sets.read_pictures(path))
        signals = torch.from_numpy(pixels).permute(0, 3, 1, 2)[:, :channels].float() / 127.5 - 1
        return signals if self.kind == "objects" else signals[0]
