"""Looking at a model and at inference: walks step by step, directions, convergence."""
