"""The learning step, the second loss of sets, latents led to their prior, and what is told."""
