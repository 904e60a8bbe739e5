"""Priors of motion: where the latents of a film go from frame to frame."""
