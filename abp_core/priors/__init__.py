"""Where new latents come from: the paper's prior, or one learnt from what was inferred."""
