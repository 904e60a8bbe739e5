"""Persistent chains: a chain an example, or one over a whole latent map."""
