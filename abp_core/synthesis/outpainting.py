"""A picture that grows: its latents are inferred, and new ones are drawn around them to fit.

What a texture shows at a position depends on the latents up to `reach` positions away: those just
outside the picture are inferred with it.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from abp_core.checkpoint import Checkpoint
from abp_core.data import decode
from abp_core.data.colours import Pixels
from abp_core.data.datasets import LARGEST_PICTURE
from abp_core.data.formats import FileRejected
from abp_core.generator import Generator
from abp_core.langevin import Langevin
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior, prior_energy
from abp_core.priors import known as given
from abp_core.priors.fields import LatentMap
from abp_core.priors.kinds import Prior
from abp_core.spec import GeneratorSpec

INFERENCE_STEPS = 60  # of the walk; twice as many explain a few hundredths more
LARGEST = 256  # pixels along a side; with as many steps, some seconds


@dataclass(frozen=True, slots=True, eq=False)
class Outpainting:
    """A picture (h, w, 3 or 1) of whole positions and, after `step` of STEPS, its latents
    in a map that is new around them. explained: the share of the picture's
    variance that they make; below 0 they are farther from it than a plain area."""

    pixels: Pixels
    latents: LatentMap
    step: int
    explained: float

    def sentence(self) -> str:
        """How the walk went."""
        share = max(0.0, 100 * self.explained)
        return f"{self.step} steps of inference explain {share:.0f} % of the picture's variance."


def read(path: Path, spec: GeneratorSpec) -> Pixels:
    """A picture as it can grow: brought to the size that textures are learnt at, and cut to whole
    positions of its middle. Raises FileRejected."""
    picture = Image.fromarray(decode.read_picture(path))
    picture.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE), Image.Resampling.LANCZOS)
    pixels = np.asarray(picture.convert("L" if spec.out_channels == 1 else "RGB"))
    unit = spec.enlargement
    height, width = (min(n, max(LARGEST, unit)) // unit * unit for n in pixels.shape[:2])
    if not height or not width:
        raise FileRejected(
            f"{path.name} has {pixels.shape[1]} x {pixels.shape[0]} pixels; please choose a "
            f"picture of at least {unit} x {unit} to grow."
        )
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels.reshape(*pixels.shape[:2], -1)[top : top + height, left : left + width]


def walk(
    saved: Checkpoint, generator: Generator, pixels: Pixels, prior: Prior, seed: int, margin: int
) -> Iterator[Outpainting]:
    """A picture that stands `margin` pixels from the beginning of a new map of that seed: with the
    map's own latents at the start, and after each step of the walk that training took. Raises
    FileRejected where it runs away."""
    x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    variance = float((x - x.mean((2, 3), keepdim=True)).square().mean().clamp(min=1e-6))
    spec, reach = generator.spec, generator.spec.reach
    at = (margin // spec.enlargement - reach,) * 2
    size = tuple(n // spec.enlargement + 2 * reach for n in pixels.shape[:2])
    start = prior.map(seed).part(at, tuple(low + n for low, n in zip(at, size, strict=True)))
    noise = chain_noise(
        seed=saved.spec.seed,
        sweep=1,
        index=torch.tensor([0]),
        steps=INFERENCE_STEPS,
        shape=start.shape,
    )

    # One picture has no company to be filled up with.
    device = generator.device
    y, index = x.to(device), torch.zeros(1, dtype=torch.int64, device=device)
    posterior = Posterior(generator.interior, Full(), y, index, saved.sigma, lot=0)
    how = dataclasses.replace(saved.spec.langevin.at(saved.step_size), steps=INFERENCE_STEPS)
    langevin = Langevin(posterior.energy, how, saved.preconditioner(device))
    state, noise = langevin.init(start[None].to(device)), noise.to(device)
    inferred = torch.ones(size, dtype=torch.bool)
    for step in range(INFERENCE_STEPS + 1):
        if step:
            state, info = langevin.step(state, noise[step - 1])
            if info.diverged.any():
                raise FileRejected(
                    "This picture is too unlike what the model learnt to grow with it; please "
                    "choose another picture or another model."
                )
        square = float(state.energy - prior_energy(state.z)) * 2 * saved.sigma**2 / x.numel()
        latents = prior.map(seed, known=given.Known(state.z[0].cpu(), inferred, at))
        yield Outpainting(pixels, latents, state.step, 1 - square / variance)
