"""Side-by-side measurements; their last results are kept in `results/`."""
