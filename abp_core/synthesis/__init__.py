"""New signals from latents, piece by piece, and the files they are written to."""
