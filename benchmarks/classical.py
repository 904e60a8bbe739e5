"""What is made of parts of a picture without learning from others: the yardsticks from
scikit-image, and two linear ones for projections."""

import math

import numpy as np
import torch
from skimage.restoration import denoise_tv_chambolle, inpaint_biharmonic
from torch import Tensor

TV_ITERATIONS = 200  # proximal-gradient steps
TV_INNER = 10  # iterations of Chambolle's algorithm inside each
TV_WEIGHTS = (0.002, 0.005, 0.015, 0.04)  # from which the best is taken


def pixel_mean(pictures: Tensor, visible: Tensor) -> Tensor:
    """(c, h, w): every pixel's mean over the pictures (n, c, h, w) that show it, or over everything
    that was seen where none does."""
    times = visible.sum(0)
    seen = (pictures * visible).sum(0)
    overall = seen.sum((1, 2), keepdim=True) / times.sum()
    return torch.where(times > 0, seen / times.clamp(min=1), overall)


def biharmonic(picture: Tensor, visible: Tensor) -> Tensor:
    """One picture (c, h, w) with the smoothest surface that goes through what `visible` (1, h, w)
    shows (Damelin and Hoang, 2018), by scikit-image."""
    entries = picture.permute(1, 2, 0).double().numpy()
    filled = inpaint_biharmonic(entries, visible[0].numpy() == 0, channel_axis=-1)
    return torch.from_numpy(filled).permute(2, 0, 1).float()


def total_variation(y: Tensor, projection: Tensor, shape: tuple[int, ...], weight: float) -> Tensor:
    """argmin_x |y - P x|^2 / (2 L) + weight TV(x) for one picture of `shape` (c, h, w), seen as
    y (K,): FISTA (Beck and Teboulle, 2009), whose proximal step is scikit-image's
    `denoise_tv_chambolle`. L is the largest eigenvalue of P P^T."""
    step = 1 / float(torch.linalg.eigvalsh(projection @ projection.T)[-1])
    x = z = torch.zeros(math.prod(shape))
    momentum = 1.0
    for _ in range(TV_ITERATIONS):
        down = z - step * ((projection @ z - y) @ projection)
        picture = down.view(shape).permute(1, 2, 0).numpy()
        smooth = denoise_tv_chambolle(
            picture, weight=weight, max_num_iter=TV_INNER, channel_axis=-1
        )
        # A picture lies in [-1, 1]; told, the yardstick is better.
        new = torch.from_numpy(smooth).permute(2, 0, 1).flatten().float().clamp(-1, 1)
        after = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        z = new + (momentum - 1) / after * (new - x)
        x, momentum = new, after
    return x.view(shape)


def principal_components(y: Tensor, projection: Tensor, d: int) -> Tensor:
    """All pictures (n, D) from their projections y (n, K): the posterior mean under probabilistic
    PCA with d components, in closed form.

    In orthonormal coordinates u of what P sees, u = Q x, the fit is PCA of u; what no projection
    sees of W and of the mean is of least norm, that is 0.
    """
    basis, triangle = torch.linalg.qr(projection.T)  # P = R^T Q with Q = basis^T
    u = torch.linalg.solve_triangular(triangle.T, y.T, upper=False).T
    mean = u.mean(0)
    _, values, vectors = torch.linalg.svd(u - mean, full_matrices=False)
    variances = values.square() / len(u)
    noise = variances[d:].sum() / max(1, u.shape[1] - d)
    kept = vectors[:d]
    shrink = 1 - noise / variances[:d].clamp(min=1e-12)
    return (mean + (u - mean) @ kept.T * shrink.clamp(min=0) @ kept) @ basis.T


def smooth_linear(y: Tensor, projection: Tensor, shape: tuple[int, ...]) -> Tensor:
    """All pictures (n, *shape) from y (n, K): the posterior mean under a Gaussian whose power falls
    with the square of the frequency, as that of pictures does (Field, 1987), and no noise."""
    height, width = shape[1:]
    squares = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.fftfreq(width)[None] ** 2
    power = torch.from_numpy(1 / (squares + 1 / (height * width))).float()
    fields = projection.view(-1, *shape)
    smooth = torch.fft.ifft2(torch.fft.fft2(fields) * power).real.flatten(1)  # P C
    gram = (smooth @ projection.T).double()
    codes = torch.linalg.solve(
        gram + 1e-6 * gram.trace() / len(gram) * torch.eye(len(gram)), y.T.double()
    )
    return (codes.T.float() @ smooth).view(-1, *shape)
