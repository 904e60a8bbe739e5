"""The paper's method on one texture: infer the latents by Langevin steps, learn, and again."""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from abp_core.generator import Generator
from abp_core.langevin import Langevin
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior
from abp_core.spec import GeneratorSpec, LangevinSpec

iterations, out = (int(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 2 else (200, "sample.png")
picture = Path(__file__).parents[1] / "demo/examples/textures/pebbles.jpg"
pixels = np.asarray(Image.open(picture).convert("RGB").resize((64, 64)), dtype=np.float32)
x = torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)[None]  # one example in [-1, 1]
spec = GeneratorSpec(
    latent_shape=(8, 8, 8), channels=(64, 32), kernel_size=5, upsampling=2, out_channels=3
)
f = Generator(spec, seed=0)
adam = torch.optim.Adam(f.parameters(), lr=2e-3)
index, shape = torch.tensor([0]), spec.latent_shape
posterior = Posterior(f, Full(), x, index, sigma=0.3, lot=0)
langevin = Langevin(posterior.energy, LangevinSpec(steps=10, step_size=0.1))
z = chain_noise(seed=0, sweep=0, index=index, steps=1, shape=shape)[0]  # chains start at noise
for t in range(1, iterations + 1):
    state = langevin.init(z)  # inference: the weights stand still
    for noise in chain_noise(seed=0, sweep=t, index=index, steps=10, shape=shape):
        state, _ = langevin.step(state, noise)
    z = state.z
    adam.zero_grad()
    posterior.misfit(z).mean().backward()  # learning: the latents stand still
    adam.step()
    print(t, f"misfit {(x - f(z)).square().mean().item():.4f}")  # per entry
new = f(chain_noise(seed=1, sweep=0, index=index, steps=1, shape=shape)[0])[0]  # z ~ N(0, I)
Image.fromarray(((new.detach().clamp(-1, 1) + 1) * 127.5).byte().permute(1, 2, 0).numpy()).save(out)
