"""Frames that follow each other in a film, inferred together as one signal."""

from dataclasses import dataclass

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.generator import Generator

IN_A_ROW = 4  # frames of a stretch beside each other, before the next row begins


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """f of so many `frames` in a row: latents of all of them, z (n, c, frames, ...), to the frames
    laid out, (n, channels, ...).

    before (1, d): the state before the first frame, of a film whose noise drives each frame from
    the one before (Xie, Gao, Zheng, Zhu and Wu 2019); z are then sums of that noise, which walks
    move (chains/through_time.py). None of any other film, whose frames have codes of their own.
    """

    generator: Generator
    frames: int
    before: Tensor | None = None

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.generator.device

    def __call__(self, z: Tensor) -> Tensor:
        if self.before is not None:
            before = self.before.to(z).expand(len(z), -1)
            return lay_out(self.generator(self.drives(z), before))
        each: Tensor = self.generator(z.transpose(1, 2).flatten(0, 1))
        return lay_out(each.view(len(z), self.frames, *each.shape[1:]))

    def drives(self, z: Tensor) -> Tensor:
        """What N(0, I) is the prior of, shaped like z: the noise whose sums z are, or z itself."""
        if self.before is None:
            return z
        return torch.diff(z, dim=2, prepend=torch.zeros_like(z[:, :, :1]))

    @torch.inference_mode()
    def make(self, z: Tensor) -> Tensor:
        """The frames laid out, to be looked at; see `Generator.make`."""
        return self(z.to(self.device)).float().cpu()


def lay_out(frames: Tensor) -> Tensor:
    """Frames, or maps, (n, frames, c, h, w) as one picture each, IN_A_ROW in a row, (n, c, rows h,
    columns w); what a last row lacks is grey."""
    n, count, c, h, w = frames.shape
    columns = min(count, IN_A_ROW)
    lacking = frames.new_zeros(n, -count % columns, c, h, w)
    rows = torch.cat([frames, lacking], 1).view(n, -1, columns, c, h, w)
    return rows.permute(0, 3, 1, 4, 2, 5).reshape(n, c, -1, columns * w)


def stretch_of(saved: Checkpoint, generator: Generator, first: int, frames: int) -> Stretch:
    """The frames of a film from `first` on."""
    if not saved.spec.stretch:
        return Stretch(generator, frames)
    before = saved.latents[first - 1] if first else saved.driven["before"]
    return Stretch(generator, frames, before[None].float())


def codes_of(saved: Checkpoint, first: int, frames: int) -> Tensor:
    """Where training stands for these frames, (1, c, frames, ...)."""
    some = slice(first, first + frames)
    if saved.spec.stretch:
        return saved.driven["noise"][some].float().T[None].cumsum(2)
    return saved.latents[some].float().transpose(0, 1)[None].contiguous()
