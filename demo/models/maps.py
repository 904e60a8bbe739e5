"""A latent map in colours."""

import torch
from torch import Tensor

from abp_core.analysis.directions import Coordinates
from demo import media


def render_map(found: Coordinates, z: Tensor) -> str:
    """A latent map (channels, *extent), a pixel a position: the three leading coordinates as red,
    green and blue."""
    t = found.coordinates(z.float().cpu().flatten(1).T)
    colours = torch.full((len(t), 3), 0.5)
    shown = min(3, t.shape[1])
    colours[:, :shown] = torch.special.ndtr(t[:, :shown])
    rows, columns = z.shape[1:] if z.ndim == 3 else (1, z.shape[1])
    return media.png_url(colours.mul(255).byte().reshape(rows, columns, 3).numpy())
