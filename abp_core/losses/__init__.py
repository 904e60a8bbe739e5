"""What samples of a set still lack, as a loss."""
